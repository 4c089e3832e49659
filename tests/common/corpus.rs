//! The vectors: what `tests/vectors/*.txt` say, read. `tests/vectors/README.md` says how they are written.

use std::fs;
use std::path::Path;

use websocket_proto::handshake::DeflateConfig;
use websocket_proto::{Config, Role};

use super::frames;
use super::trace::{Opening, Seen, Setup};

/// One block of a file.
#[derive(Clone)]
pub struct Vector {
    pub name: String,
    fields: Vec<(String, String)>,
}

impl Vector {
    pub fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields
            .iter()
            .filter(move |(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    pub fn one<'a>(&'a self, key: &'a str) -> Option<&'a str> {
        self.all(key).next()
    }

    pub fn octets(&self, key: &str, sender: Role) -> Vec<u8> {
        self.all(key)
            .flat_map(|value| octets(value, sender))
            .collect()
    }

    pub fn rule(&self) -> u32 {
        let number = self
            .name
            .strip_prefix("rule_")
            .and_then(|rest| rest.get(..2));
        number
            .and_then(|number| number.parse().ok())
            .unwrap_or_else(|| panic!("{}: a name begins with rule_NN", self.name))
    }

    pub fn roles(&self) -> &'static [Role] {
        if self.one("bits") == Some("64") && usize::BITS < 64 {
            return &[];
        }
        match self.one("role") {
            Some("server") => &[Role::Server],
            Some("client") => &[Role::Client],
            Some("both") => &[Role::Server, Role::Client],
            other => panic!("{}: role {other:?}", self.name),
        }
    }

    pub fn setup(&self, role: Role) -> Setup {
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
}

/// `event`, or `3x event`.
pub fn seen_often(event: &str, role: Role) -> Vec<Seen> {
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
pub fn octets(text: &str, sender: Role) -> Vec<u8> {
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
        let frame = frames::sent_by(sender, super::hex(first)[0], &payload);
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
        digits => return (super::hex(digits), rest),
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
                    octets.extend(super::hex(&text[at + 2..at + 4]));
                    chars.nth(1);
                }
                other => octets.push(u8::try_from(other).unwrap()),
            },
            c => octets.extend(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    panic!("no closing quote in {text:?}");
}

pub fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors"))
}

pub fn read(file: &str) -> Vec<Vector> {
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
