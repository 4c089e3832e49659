//! One corpus of octets, run through every way into the machine: whole, octet by octet and cut in two,
//! over growing and fixed buffers, with messages whole and in chunks. `vectors/README.md` says how the
//! files are written.
#![cfg(feature = "alloc")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use common::frames;
use common::trace::{Opening, Seen, Setup, run_in_room};
use websocket_proto::handshake::DeflateConfig;
use websocket_proto::{Config, Role};

/// One block of a file.
struct Vector {
    name: String,
    fields: Vec<(String, String)>,
}

impl Vector {
    fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields
            .iter()
            .filter(move |(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    fn one<'a>(&'a self, key: &'a str) -> Option<&'a str> {
        self.all(key).next()
    }

    fn octets(&self, key: &str, sender: Role) -> Vec<u8> {
        self.all(key)
            .flat_map(|value| octets(value, sender))
            .collect()
    }

    fn rule(&self) -> u32 {
        let number = self
            .name
            .strip_prefix("rule_")
            .and_then(|rest| rest.get(..2));
        number
            .and_then(|number| number.parse().ok())
            .unwrap_or_else(|| panic!("{}: a name begins with rule_NN", self.name))
    }

    fn roles(&self) -> &'static [Role] {
        match self.one("role") {
            Some("server") => &[Role::Server],
            Some("client") => &[Role::Client],
            Some("both") => &[Role::Server, Role::Client],
            other => panic!("{}: role {other:?}", self.name),
        }
    }

    fn setup(&self, role: Role) -> Setup {
        let opening = (self.one("start") == Some("handshake")).then(|| Opening {
            subprotocols: self
                .one("subprotocols")
                .map(|names| names.split_whitespace().map(str::to_owned).collect())
                .unwrap_or_default(),
            reject: self.one("reject").map(|status| status.parse().unwrap()),
            deflate: self.one("deflate").map(|_| DeflateConfig::new()),
        });
        let mut config = Config::new();
        for pair in self.all("config").flat_map(str::split_whitespace) {
            let (key, value) = pair.split_once('=').unwrap();
            let number: u64 = value.parse().unwrap();
            config = match key {
                "max_message" => config.with_max_message_size(number),
                "max_fragments" => config.with_max_fragments(number.try_into().unwrap()),
                "max_head" => config.with_max_head_size(number.try_into().unwrap()),
                "plain_requests" => config.with_plain_requests(number == 1),
                _ => panic!("{}: config {key}", self.name),
            };
        }
        let deflate = self.one("deflate").map(str::to_owned);
        Setup {
            role,
            config,
            deflate: deflate.filter(|_| opening.is_none()),
            opening,
            eof: self.one("eof").is_some(),
        }
    }

    fn check(&self, role: Role) {
        let setup = self.setup(role);
        let input = self.octets("in", role.peer());
        let room = match self.one("room") {
            Some(room) => room.parse().unwrap(),
            None => input.len().max(256),
        };
        let room = (self.one("only") != Some("vec")).then_some(room);
        let (trace, error_at) = run_in_room(&setup, &input, room);

        let events: Vec<Seen> = self
            .all("event")
            .flat_map(|event| seen_often(event, role))
            .collect();
        assert_eq!(trace.events, events);
        let error = trace.error.map(|violation| format!("{violation:?}"));
        assert_eq!(error.as_deref(), self.one("error"));
        if let Some(at) = self.one("error-at") {
            assert_eq!(
                error_at,
                Some(at.parse().unwrap()),
                "octets until the error showed"
            );
        }

        let mut output = self.octets("out", role);
        if let Some(code) = self.one("close") {
            let violation = trace.error.expect("a Close that tells a violation");
            assert_eq!(violation.close_code().value(), code.parse::<u16>().unwrap());
            let payload = frames::close_payload(code.parse().unwrap(), violation.reason());
            output.extend(frames::sent_by(role, 0x88, &payload));
        } else if trace.error.is_some() && setup.opening.is_none() {
            assert!(
                self.one("unheard").is_some(),
                "which Close tells the violation?"
            );
        }
        let told = String::from_utf8_lossy(&trace.output);
        match self.one("out-starts") {
            Some(start) => assert!(trace.output.starts_with(&octets(start, role)), "{told}"),
            None => assert_eq!(trace.output, output, "{told}"),
        }
        for part in self.all("out-has") {
            let part = String::from_utf8(octets(part, role)).unwrap();
            assert!(told.contains(&part), "{part:?} in {told}");
        }
        for part in self.all("out-lacks") {
            let part = String::from_utf8(octets(part, role)).unwrap();
            assert!(!told.contains(&part), "{part:?} in {told}");
        }

        let state = match (self.one("state"), setup.eof, trace.error) {
            (Some(state), ..) => state,
            (None, true, _) => "Closed",
            (None, false, Some(_)) => "Failed",
            (None, false, None) => "Open",
        };
        assert_eq!(format!("{:?}", trace.state), state);
        if let Some(outcome) = self.one("outcome") {
            let (code, reason, clean, initiator) = trace.outcome.expect("an outcome");
            let clean = if clean { "clean" } else { "unclean" };
            assert_eq!(format!("{code} {reason:?} {clean} {initiator:?}"), outcome);
        }
        if let Some(refused) = self.one("refused") {
            let (status, body) = trace.refused.expect("the answer that refused");
            let body = String::from_utf8_lossy(&body).into_owned();
            assert_eq!(format!("{status} {body:?}"), refused);
        }
    }
}

/// `event`, or `3x event`.
fn seen_often(event: &str, role: Role) -> Vec<Seen> {
    match event
        .split_once("x ")
        .map(|(count, event)| (count.parse(), event))
    {
        Some((Ok(count), event)) => vec![seen(event, role); count],
        _ => vec![seen(event, role)],
    }
}

fn seen(event: &str, role: Role) -> Seen {
    let (kind, value) = event.split_once(' ').unwrap_or((event, ""));
    let text = |value: &str| String::from_utf8(octets(value, role)).unwrap();
    match kind {
        "request" => Seen::Request(text(value)),
        "open" => Seen::Open((!value.is_empty()).then(|| text(value))),
        "text" => Seen::Text(text(value)),
        "binary" => Seen::Binary(octets(value, role)),
        "ping" => Seen::Ping(octets(value, role)),
        "pong" => Seen::Pong(octets(value, role)),
        "close" => {
            let (code, reason) = value.split_once(' ').unwrap_or((value, ""));
            Seen::Close(code.parse().unwrap(), text(reason))
        }
        _ => panic!("event {event}"),
    }
}

/// Octets as the files write them: see `vectors/README.md`.
fn octets(text: &str, sender: Role) -> Vec<u8> {
    let (octets, rest) = sequence(text, sender);
    assert!(rest.is_empty(), "what is {rest:?} in {text:?}?");
    octets
}

fn sequence(mut text: &str, sender: Role) -> (Vec<u8>, &str) {
    let mut octets = Vec::new();
    loop {
        text = text.trim_start();
        if text.is_empty() || text.starts_with('>') {
            return (octets, text);
        }
        let mut times = 1;
        if let Some((count, rest)) = text.split_once('*')
            && let Ok(count) = count.parse::<usize>()
        {
            (times, text) = (count, rest);
        }
        let (token, rest) = token(text, sender);
        for _ in 0..times {
            octets.extend(&token);
        }
        text = rest;
    }
}

fn token(text: &str, sender: Role) -> (Vec<u8>, &str) {
    if let Some(rest) = text.strip_prefix('"') {
        return quoted(rest);
    }
    if let Some(rest) = text.strip_prefix('<') {
        let (first, rest) = rest.split_at(2);
        let (payload, rest) = sequence(rest, sender);
        let frame = frames::sent_by(sender, common::hex(first)[0], &payload);
        return (frame, rest.strip_prefix('>').expect("a frame ends with >"));
    }
    let end = text.find([' ', '>']).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let line = match word {
        "$GET" => "GET /chat HTTP/1.1",
        "$101" => "HTTP/1.1 101 Switching Protocols",
        "$HOST" => "Host: example.com",
        "$UP" => "Upgrade: websocket",
        "$CONN" => "Connection: Upgrade",
        "$KEY" => "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "$VER" => "Sec-WebSocket-Version: 13",
        "$ACCEPT" => "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "$END" => "",
        digits => return (common::hex(digits), rest),
    };
    (format!("{line}\r\n").into_bytes(), rest)
}

fn quoted(text: &str) -> (Vec<u8>, &str) {
    let mut octets = Vec::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (octets, &text[at + 1..]),
            '\\' => match chars.next().expect("something behind \\").1 {
                'r' => octets.push(b'\r'),
                'n' => octets.push(b'\n'),
                't' => octets.push(b'\t'),
                'x' => {
                    octets.extend(common::hex(&text[at + 2..at + 4]));
                    chars.nth(1);
                }
                other => octets.push(u8::try_from(other).unwrap()),
            },
            c => octets.extend(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    panic!("no closing quote in {text:?}");
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors"))
}

fn read(file: &str) -> Vec<Vector> {
    let text = fs::read_to_string(folder().join(file)).unwrap();
    let mut vectors: Vec<Vector> = Vec::new();
    for line in text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
    {
        let (key, value) = line
            .split_once(':')
            .unwrap_or_else(|| panic!("{file}: {line}"));
        let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
        if key == "name" {
            vectors.push(Vector {
                name: value,
                fields: Vec::new(),
            });
        } else {
            vectors
                .last_mut()
                .expect("a name comes first")
                .fields
                .push((key, value));
        }
    }
    vectors
}

/// Every vector of the file, each of which may fail for itself.
fn check_file(file: &str) {
    let vectors = read(file);
    assert!(!vectors.is_empty());
    let mut failed = Vec::new();
    for vector in &vectors {
        for &role in vector.roles() {
            let result = std::panic::catch_unwind(|| vector.check(role));
            if result.is_err() {
                failed.push(format!("{} as {role:?}", vector.name));
            }
        }
    }
    assert!(
        failed.is_empty(),
        "{} of {} in {file}: {failed:#?}",
        failed.len(),
        vectors.len()
    );
}

#[test]
fn frames_are_read_as_the_corpus_says() {
    check_file("frames.txt");
}

#[test]
fn fragments_are_joined_as_the_corpus_says() {
    check_file("fragments.txt");
}

#[test]
fn texts_are_judged_as_the_corpus_says() {
    check_file("text.txt");
}

#[test]
fn control_frames_are_answered_as_the_corpus_says() {
    check_file("control.txt");
}

#[test]
fn closings_go_as_the_corpus_says() {
    check_file("closing.txt");
}

#[test]
fn limits_hold_as_the_corpus_says() {
    check_file("limits.txt");
}

#[test]
fn requests_are_answered_as_the_corpus_says() {
    check_file("requests.txt");
}

#[test]
fn responses_are_judged_as_the_corpus_says() {
    check_file("responses.txt");
}

#[cfg(any(feature = "deflate", feature = "inflate"))]
#[test]
fn compressed_messages_are_inflated_as_the_corpus_says() {
    check_file("deflate.txt");
}

#[test]
fn each_file_of_vectors_is_run_and_no_name_stands_twice() {
    let here = include_str!("vectors.rs");
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        if !file.ends_with(".txt") {
            continue;
        }
        assert!(
            here.contains(&format!("check_file(\"{file}\")")),
            "{file} is not run"
        );
        for vector in read(&file) {
            assert!(
                names.insert(vector.name.clone()),
                "{} stands twice",
                vector.name
            );
        }
    }
    println!("{} vectors", names.len());
}

#[test]
fn every_rule_has_a_vector_or_a_test_that_bears_its_number() {
    let mut covered: BTreeMap<u32, usize> = BTreeMap::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        if file.ends_with(".txt") {
            for vector in read(&file) {
                *covered.entry(vector.rule()).or_default() += 1;
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for source in sources(&root.join("src"))
        .into_iter()
        .chain(sources(&root.join("tests")))
    {
        let text = fs::read_to_string(&source).unwrap();
        let tests = text
            .match_indices("fn rule_")
            .filter_map(|(at, _)| text.get(at + 8..at + 10));
        for number in tests.filter_map(|number| number.parse().ok()) {
            *covered.entry(number).or_default() += 1;
        }
    }
    println!("vectors and tests for each rule: {covered:?}");
    for rule in (1..=46).chain(48..=52) {
        assert!(covered.contains_key(&rule), "nothing covers rule {rule}");
    }
}

fn sources(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("interop") || path.ends_with("nostd") {
            continue; // Other people's code among them.
        }
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
