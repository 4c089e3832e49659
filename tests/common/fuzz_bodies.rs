//! What the fuzz targets do with their octets. `tests/fuzz_bodies.rs` runs the same on a small corpus.

use std::time::Duration;

use websocket_proto::frame::{Expect, FrameDecoder, Header, mask};
use websocket_proto::handshake::{
    ClientRequest, Expected, HeadScanner, OriginPolicy, Request, Response, Url,
};
use websocket_proto::utf8::Utf8Validator;
use websocket_proto::{
    CloseCode, Config, Connection, Event, MessageKind, RecvBuffer, Role, SendBuffer, Side,
    Violation,
};

pub use super::fuzz_deflate::*;
pub use super::fuzz_difference::difference;
pub use super::fuzz_neighbours::{messages, neighbours};
pub use super::fuzz_relay::relay;
use super::pair::Pair;
use super::rng::Rng;
use super::trace::{Mode, Opening, Setup, run, used};
use super::{NONCE, answer_with, frames, request_with};

/// A body takes any octets and panics where something is wrong.
pub type Body = fn(&[u8]);

/// Name and body of each target.
pub const BODIES: &[(&str, Body)] = &[
    ("frames", frames),
    ("server_session", server_session),
    ("client_session", client_session),
    ("relay", relay),
    ("messages", messages),
    ("neighbours", neighbours),
    ("request_head", request_head),
    ("response_head", response_head),
    ("extensions_field", extensions_field),
    ("url", url),
    ("utf8", utf8),
    ("operations", operations),
    ("difference", difference),
    #[cfg(feature = "deflate")]
    ("deflate", deflate),
    #[cfg(feature = "deflate")]
    ("compress", compress),
];

/// The header codec against a plain one, and payloads unmasked in pieces against whole ones.
pub fn frames(data: &[u8]) {
    let Some((&choice, data)) = data.split_first() else {
        return;
    };
    let expect = Expect {
        masked: choice & 1 != 0,
        in_message: choice & 2 != 0,
        reserved: 0,
    };
    let parsed = Header::parse(data, expect);
    assert_eq!(
        parsed.map(|found| found.map(|(_, length)| length)),
        judge(data, expect)
    );
    if let Ok(Some((header, length))) = parsed {
        let mut octets = [0; 14];
        assert_eq!(header.encode(&mut octets), length);
        assert_eq!(
            octets[..length],
            data[..length],
            "what is legal is written in one way only"
        );
        let plain = frames::header(data[0], header.key(), header.payload_len());
        assert_eq!(plain, data[..length]);
    }

    let role = if expect.masked {
        Role::Server
    } else {
        Role::Client
    };
    let whole = decode(role, data, usize::MAX);
    let piece = 1 + usize::from(choice / 4);
    assert_eq!(decode(role, data, piece), whole, "in pieces of {piece}");
}

/// RFC 6455 §5.2 to §5.5, octet by octet: the header's length, or the first thing that is wrong.
pub fn judge(octets: &[u8], expect: Expect) -> Result<Option<usize>, Violation> {
    let Some(&first) = octets.first() else {
        return Ok(None);
    };
    let opcode = first & 15;
    if first & 0x70 != 0 {
        return Err(Violation::ReservedBits);
    }
    if matches!(opcode, 3..=7 | 11..=15) {
        return Err(Violation::ReservedOpcode);
    }
    let control = opcode >= 8;
    if control && first < 128 {
        return Err(Violation::ControlFragmented);
    }
    if !control && expect.in_message && opcode != 0 {
        return Err(Violation::ExpectedContinuation);
    }
    if !control && !expect.in_message && opcode == 0 {
        return Err(Violation::UnexpectedContinuation);
    }
    let Some(&second) = octets.get(1) else {
        return Ok(None);
    };
    match (second >= 128, expect.masked) {
        (true, false) => return Err(Violation::MaskedFrame),
        (false, true) => return Err(Violation::UnmaskedFrame),
        _ => {}
    }
    if control && second & 127 > 125 {
        return Err(Violation::ControlTooLong);
    }
    let wide = match second & 127 {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let given = &octets[2..octets.len().min(2 + wide)];
    if wide == 8 && given.first().is_some_and(|&octet| octet >= 128) {
        return Err(Violation::LengthOverflow);
    }
    // The greatest length that these octets can still become, against the least that needs so many.
    let greatest = (0..wide).fold(0_u64, |sum, at| {
        (sum << 8) | u64::from(given.get(at).copied().unwrap_or(255))
    });
    if wide == 2 && greatest < 126 || wide == 8 && greatest < 65_536 {
        return Err(Violation::LengthNotMinimal);
    }
    let length = 2 + wide + if expect.masked { 4 } else { 0 };
    Ok((octets.len() >= length).then_some(length))
}

/// The octets with payloads unmasked where they stand, the opcode and the length of each frame's header and
/// where it stands, and the first violation.
type Decoded = (Vec<u8>, Vec<(u8, usize, usize)>, Option<Violation>);

/// All frames, with at most `piece` octets of payload at once.
fn decode(role: Role, data: &[u8], piece: usize) -> Decoded {
    let mut octets = data.to_vec();
    let mut decoder = FrameDecoder::new(role);
    let mut found = Vec::new();
    let mut at = 0;
    while at < octets.len() {
        if decoder.remaining() > 0 {
            let end = octets.len().min(at.saturating_add(piece));
            at += decoder.decode_payload(&mut octets[at..end]);
            continue;
        }
        match decoder.decode_header(&octets[at..]) {
            Ok(Some((header, length))) => {
                found.push((header.opcode().value(), at, length));
                at += length;
            }
            Ok(None) => break,
            Err(violation) => return (octets, found, Some(violation)),
        }
    }
    (octets, found, None)
}

/// A server's connection: the same however its input is cut.
pub fn server_session(data: &[u8]) {
    session(Role::Server, data);
}

/// A client's connection.
pub fn client_session(data: &[u8]) {
    session(Role::Client, data);
}

fn session(role: Role, data: &[u8]) {
    let Some((&[choice, cut], data)) = data.split_first_chunk::<2>() else {
        return;
    };
    let mut input = Vec::new();
    let opening = (choice & 1 != 0).then(|| {
        if choice & 2 != 0 {
            input = if role == Role::Server {
                request_with("")
            } else {
                answer_with("")
            };
        }
        Opening::default()
    });
    // Octets as they are, or frames that are nearly all in order.
    if choice & 4 != 0 {
        input.extend(data);
    } else {
        input.extend(frames_from(role, data));
    }
    let config = match choice & 0x18 {
        0 => Config::new(),
        8 => Config::new()
            .with_max_message_size(40)
            .with_max_fragments(3),
        16 => Config::new()
            .with_max_message_size(u64::MAX)
            .with_max_fragments(u32::MAX),
        _ => Config::new()
            .with_max_head_size(300)
            .with_plain_requests(true),
    };
    let setup = Setup {
        role,
        config,
        opening,
        eof: choice & 32 != 0,
        deflate: None,
    };
    // Which way is compared with the whole follows from `cut`: whoever tries many inputs tries all ways.
    let pieces: Vec<&[u8]> = match cut % 4 {
        0 => input.chunks(1).collect(),
        1 => input.chunks(1 + usize::from(cut) % 23).collect(),
        2 => input.chunks(input.len().max(1)).collect(),
        _ => {
            let (one, two) = input.split_at(usize::from(cut) * input.len() / 256);
            vec![one, two]
        }
    };
    let mode = if cut & 4 == 0 {
        Mode::Whole
    } else {
        Mode::Chunks
    };
    if choice & 64 == 0 {
        let (expected, _) = run(&setup, RecvBuffer::new(), Mode::Whole, &[&input]);
        let (trace, _) = run(&setup, used(), mode, &pieces);
        assert_eq!(trace, expected, "{mode:?} in {} pieces", pieces.len());
    } else {
        // A storage of fixed size has a limit of its own, but cuts don't show there either.
        let storage = |octet| RecvBuffer::with_storage([octet; 300]);
        let (expected, _) = run(&setup, storage(0), Mode::Whole, &[&input]);
        let (trace, _) = run(&setup, storage(0x81), Mode::Whole, &pieces);
        assert_eq!(trace, expected, "over an array, in {} pieces", pieces.len());
    }
}

/// Frames to `role`, most of them in order.
pub fn frames_from(role: Role, data: &[u8]) -> Vec<u8> {
    frames_with(role, 0, data)
}

/// The same with these reserved bits on the first frames of messages.
pub fn frames_with(role: Role, reserved: u8, data: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(2 * data.len());
    let mut rest = data;
    let mut in_message = false;
    while let Some((&[kind, size], more)) = rest.split_first_chunk::<2>() {
        rest = more;
        let mut length = usize::from(size % 64).min(rest.len());
        if size >= 250 {
            length = rest.len().min(130);
        }
        let (payload, more) = rest.split_at(length);
        rest = more;
        let fin = if kind & 16 != 0 { 0x80 } else { 0 };
        let first = match kind & 15 {
            0..=3 if in_message => fin,
            4..=7 if in_message => 0x80,
            0 | 1 => 1 | fin,
            2 | 3 => 2 | fin,
            4 => 0x81,
            5 => 0x82,
            6 | 7 => 0x01 | fin,
            8 | 9 => 0x89,
            10 => 0x8A,
            11 if kind & 0xE0 == 0xE0 => 0x88,
            12 if kind & 0xE0 == 0xE0 => kind,
            _ => 0x8A,
        };
        let begins = matches!(first & 15, 1 | 2) && kind & 32 == 0;
        let first = if begins { first | reserved } else { first };
        let text = reserved == 0 && matches!(first & 15, 0 | 1);
        let ascii: Vec<u8>;
        let payload = if text && kind & 0xC0 != 0xC0 {
            ascii = payload.iter().map(|octet| octet & 0x7F).collect();
            &ascii
        } else {
            payload
        };
        let mut close = Vec::new();
        let payload = if first == 0x88 && kind & 16 != 0 {
            close.extend(3000_u16.to_be_bytes());
            close.extend(payload.iter().take(100).map(|octet| octet & 0x7F));
            &close
        } else {
            payload
        };
        if first & 15 < 3 {
            in_message = first & 0x80 == 0;
        }
        octets.extend(frames::sent_to(role, first, payload));
    }
    octets
}

/// The head scanner and the parser of requests.
pub fn request_head(data: &[u8]) {
    let Some((&cut, data)) = data.split_first() else {
        return;
    };
    let limit = 64 + usize::from(cut) * 16;
    let found = scan(data, limit, cut);
    if let Ok(Some(length)) = found {
        let head = &data[..length];
        match Request::parse_any(head) {
            Ok(request) => {
                assert_eq!(request.octets(), head);
                assert!(!request.host().is_empty() && request.path().starts_with('/'));
                assert_eq!(Request::parse(head).is_ok(), request.is_upgrade());
                assert_eq!(request.key().is_some(), request.is_upgrade());
                assert!(request.subprotocols().all(|name| !name.is_empty()));
                let fields = request.fields().count();
                assert!((1..=100).contains(&fields));
                let _ = (
                    request.query(),
                    request.cookies().count(),
                    request.extensions().count(),
                );
                for policy in [OriginPolicy::SameHost, OriginPolicy::List(&["https://a"])] {
                    let _ = policy.allows(&request);
                }
                if request.origin().is_none() {
                    assert!(OriginPolicy::SameHost.allows(&request));
                }
            }
            Err(fault) => assert!((400..=505).contains(&fault.status())),
        }
    } else {
        assert!(
            Request::parse(&data[..data.len().min(limit)]).is_err(),
            "no head, no request"
        );
    }
    let opening = Some(Opening {
        subprotocols: vec!["chat".into()],
        reject: None,
        deflate: None,
    });
    let config = Config::new().with_max_head_size(limit.try_into().unwrap());
    same_in_pieces(
        &Setup {
            role: Role::Server,
            config,
            opening,
            eof: true,
            deflate: None,
        },
        data,
        cut,
    );
}

fn same_in_pieces(setup: &Setup, data: &[u8], cut: u8) {
    let (whole, _) = run(setup, RecvBuffer::new(), Mode::Whole, &[data]);
    let pieces: Vec<&[u8]> = data.chunks(1 + usize::from(cut) % 17).collect();
    let (trace, _) = run(setup, RecvBuffer::new(), Mode::Whole, &pieces);
    assert_eq!(trace, whole);
}

fn scan(
    data: &[u8],
    limit: usize,
    cut: u8,
) -> Result<Option<usize>, websocket_proto::handshake::HeadFault> {
    let whole = HeadScanner::default().scan(data, limit);
    let mut scanner = HeadScanner::default();
    let step = 1 + usize::from(cut) % 7;
    let mut last = Ok(None);
    for end in (0..data.len()).step_by(step).chain([data.len()]) {
        last = scanner.scan(&data[..end], limit);
        if last != Ok(None) {
            break;
        }
    }
    assert_eq!(last, whole, "scanned {step} octets at a time");
    whole
}

/// The parser of responses and what a client expects of them.
pub fn response_head(data: &[u8]) {
    let Some((&cut, data)) = data.split_first() else {
        return;
    };
    let limit = 64 + usize::from(cut) * 16;
    if let Ok(Some(length)) = scan(data, limit, cut)
        && let Ok(response) = Response::parse(&data[..length])
    {
        assert_eq!(response.octets(), &data[..length]);
        let _ = (
            response.reason(),
            response.fields().count(),
            response.field("Location"),
        );
        let offered = ["chat", "superchat"];
        let request = ClientRequest::new("a", "/", NONCE).with_subprotocols(&offered);
        let expected = Expected::new(&request).unwrap();
        if let Ok(agreed) = expected.verify(&response) {
            let name = agreed.subprotocol(&response);
            assert!(name.is_none_or(|name| offered.contains(&name)));
            assert_eq!(response.subprotocol(), name);
        }
    }
    let opening = Some(Opening {
        subprotocols: vec!["chat".into()],
        reject: None,
        deflate: None,
    });
    let config = Config::new().with_max_head_size(limit.try_into().unwrap());
    same_in_pieces(
        &Setup {
            role: Role::Client,
            config,
            opening,
            eof: true,
            deflate: None,
        },
        data,
        cut,
    );
}

/// URLs: what is parsed is safe to write into a request, and is parsed again as the same.
pub fn url(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(url) = Url::parse(&text) else { return };
    let normal = url.to_string();
    assert!(
        normal
            .bytes()
            .all(|octet| octet.is_ascii_graphic() && octet != b'#'),
        "{normal:?}"
    );
    let again = Url::parse(&normal).unwrap();
    assert_eq!(again.to_string(), normal);
    assert_eq!(
        (again.port(), again.is_secure()),
        (url.port(), url.is_secure())
    );
    let request = ClientRequest::from_url(&url, NONCE);
    let mut head = Vec::new();
    request
        .emit(&mut |piece| head.extend_from_slice(piece))
        .expect("a URL makes a request");
    let parsed = Request::parse(&head).expect("which a server takes");
    assert_eq!(parsed.fields().count(), 5, "and which has no line too many");
}

/// The validator against the library's, in pieces; and masking against the plain way.
pub fn utf8(data: &[u8]) {
    let Some((&cut, data)) = data.split_first() else {
        return;
    };
    let mut validator = Utf8Validator::new();
    let mut at = 0;
    let mut alive = true;
    let mut step = usize::from(cut % 16);
    while alive && at < data.len() {
        let end = data.len().min(at + step);
        alive = validator.validate(&data[at..end]).is_ok();
        let possible = std::str::from_utf8(&data[..end])
            .err()
            .is_none_or(|e| e.error_len().is_none());
        assert_eq!(alive, possible, "after {end} octets");
        at = end;
        step = if step == 0 { 1 } else { (step * 2) % 61 };
    }
    if alive {
        assert_eq!(validator.is_complete(), std::str::from_utf8(data).is_ok());
    }

    let key = [cut, cut ^ 0x5A, 0x33, !cut];
    let mut masked = data.to_vec();
    mask::apply(&mut masked, key);
    let plain: Vec<u8> = data
        .iter()
        .zip(key.iter().cycle())
        .map(|(a, b)| a ^ b)
        .collect();
    assert_eq!(masked, plain);
    let half = data.len() / 2;
    mask::apply(&mut masked[..half], key);
    mask::apply(&mut masked[half..], mask::rotate(key, half));
    assert_eq!(masked, data);

    let cut = data.len() * usize::from(cut) / 256;
    for cut in [cut, data.len()] {
        let masked = frames::frame(0x81, Some(key), data);
        text_is_judged(Connection::open_server(Config::new()), &masked, cut, data);
        let plain = frames::frame(0x81, None, data);
        text_is_judged(
            Connection::open_client(Config::new(), || key),
            &plain,
            cut,
            data,
        );
    }
}

/// A text in one frame comes in two reads, the first up to `cut`: it is lent if the library says that it is one,
/// or fails with the first read after which it can't become one.
fn text_is_judged<S: Side>(mut ws: Connection<S>, octets: &[u8], cut: usize, text: &[u8]) {
    let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
    let (one, two) = octets.split_at(octets.len() - text.len() + cut);
    for (read, come) in [(one, cut), (two, text.len())] {
        let fault = std::str::from_utf8(&text[..come]).err();
        rx.extend(read).unwrap();
        match ws.poll(&mut rx, &mut tx) {
            Ok(Some(Event::Text(lent))) => {
                return assert_eq!((lent.as_bytes(), fault), (text, None));
            }
            Err(Violation::InvalidUtf8) => {
                let goes_on = fault.is_some_and(|fault| fault.error_len().is_none());
                return assert!(fault.is_some() && !(goes_on && come < text.len()));
            }
            Ok(None) => assert!(fault.is_none_or(|fault| fault.error_len().is_none())),
            event => panic!("{event:?} after {come} octets"),
        }
    }
    panic!("neither lent nor refused");
}

/// A script of choices; zeros behind its end.
pub struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    pub fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// What has not been used.
    pub fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub fn next(&mut self) -> u8 {
        match self.0.split_first() {
            Some((&octet, rest)) => {
                self.0 = rest;
                octet
            }
            None => 0,
        }
    }

    fn config(&mut self) -> Config {
        let seldom = |choice: u8| {
            (choice % 4 == 1).then(|| Duration::from_millis(100 + u64::from(choice) * 16))
        };
        // A Ping every so often: otherwise two ends that have nothing to say wait for ever.
        Config::new()
            .with_ping_interval(Some(Duration::from_millis(50 + u64::from(self.next()) * 8)))
            .with_pong_timeout(Some(Duration::from_millis(1 + u64::from(self.next()) * 16)))
            .with_idle_timeout(seldom(self.next()))
            .with_close_timeout(Some(Duration::from_millis(1 + u64::from(self.next()) * 4)))
            .with_handshake_timeout(Some(Duration::from_millis(1 + u64::from(self.next()) * 16)))
    }
}

/// Commands, time, delays, losses and corruption on a pair of connections, in any order: it ends, each end
/// has one outcome, and what they say of each other agrees.
pub fn operations(data: &[u8]) {
    let mut script = Script(data);
    let seed = u64::from(script.next());
    let mut pair = Pair::new(seed, script.config(), script.config());
    let shape = script.next();
    for pipe in [&mut pair.up, &mut pair.down] {
        pipe.piece = [5, 40, 500, 10_000][usize::from(shape % 4)];
        pipe.delay = [0, 0, 5, 40][usize::from(shape / 4 % 4)];
        pipe.capacity = [usize::MAX, usize::MAX, 500, 64][usize::from(shape / 16 % 4)];
    }
    pair.client.chunks = shape & 64 != 0;
    pair.server.chunks = shape & 128 != 0;
    let mut sound = true;
    for _ in 0..100 {
        if script.0.is_empty() {
            break;
        }
        let op = script.next();
        match op % 16 {
            0..=9 if op & 16 == 0 => command(&mut pair.client, op % 16, &mut script),
            0..=9 => command(&mut pair.server, op % 16, &mut script),
            10 | 11 => {
                pair.turn();
            }
            12 => {
                pair.settle();
                pair.wait();
            }
            13 => pair.now += u64::from(script.next()),
            14 if op & 0xE0 == 0xE0 => {
                let now = pair.now;
                if op & 16 == 0 {
                    pair.up.lose_tail(now)
                } else {
                    pair.down.lose_tail(now)
                }
            }
            15 if op & 0xE0 == 0xE0 => {
                let mut rng = Rng::new(script.next().into());
                let pipe = if op & 16 == 0 {
                    &mut pair.up
                } else {
                    &mut pair.down
                };
                sound &= !pipe.corrupt(&mut rng);
            }
            _ => pair.settle(),
        }
    }
    for end in 0..2 {
        // Whoever can, closes; who can't is ended by a deadline.
        let _ = match end {
            0 => pair
                .client
                .command(|ws, tx| ws.close(CloseCode::NORMAL, "end", tx)),
            _ => pair
                .server
                .command(|ws, tx| ws.close(CloseCode::GOING_AWAY, "", tx)),
        };
        pair.turn();
    }
    pair.finish();
    pair.check(sound);
}

fn command<S: websocket_proto::Side>(
    end: &mut super::pair::End<S>,
    op: u8,
    script: &mut Script<'_>,
) {
    let length = match script.next() {
        length @ 0..=239 => usize::from(length),
        length => usize::from(length) * 12,
    };
    let text = "caf\u{e9} ".repeat(length / 6 + 1);
    match op {
        0 | 1 => end.send(MessageKind::Text, text.into_bytes()),
        2 | 3 => end.send(MessageKind::Binary, vec![length as u8; length]),
        4 => end.send_part(
            MessageKind::Text,
            &text.as_bytes()[..length % 5],
            length & 64 != 0,
        ),
        5 => end.send_part(MessageKind::Binary, &vec![7; length], length & 64 != 0),
        6 => {
            end.command(|ws, tx| ws.send_ping(&vec![1; length.min(200)], tx));
        }
        7 => {
            end.command(|ws, tx| ws.send_pong(&vec![2; length.min(200)], tx));
        }
        8 if length < 60 => {
            let code = CloseCode::from(1000 + u16::from(script.next()) * 20);
            end.command(|ws, tx| ws.close(code, &text, tx));
        }
        9 if length < 20 => {
            end.command(|ws, tx| ws.close_without_code(tx));
        }
        _ => {}
    }
}
