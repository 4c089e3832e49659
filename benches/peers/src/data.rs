//! What is sent: payloads, frames, and the request of a browser.

use crate::rows::Kind;

/// A payload of `length` octets; another one for each `number`.
pub fn payload(kind: Kind, length: usize, number: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(0x5EED ^ length as u64 ^ ((number as u64) << 32));
    let mut octets = Vec::with_capacity(length + 128);
    match kind {
        Kind::Binary => {
            octets.resize(length, 0);
            random.fill(&mut octets);
        }
        Kind::Ascii | Kind::Json => {
            while octets.len() < length {
                octets.extend_from_slice(record(&mut random).as_bytes());
            }
            octets.truncate(length);
        }
        Kind::Mixed => {
            while octets.len() < length {
                push_char(&mut octets, mixed(&mut random), length);
            }
        }
        Kind::Cjk => {
            while octets.len() < length {
                let character = random.char('\u{4E00}'..'\u{9FA0}');
                push_char(&mut octets, character, length);
            }
        }
    }
    octets
}

/// One record of a feed in JSON.
fn record(random: &mut fastrand::Rng) -> String {
    format!(
        r#"{{"id":{},"name":"{}","price":{:.4},"count":{},"side":"{}"}},"#,
        random.u32(1_000_000..2_000_000),
        ["ALPHA", "BRAVO", "CHARLIE", "DELTA"][random.usize(0..4)],
        random.f64() * 50_000.0,
        random.u32(1..5000),
        if random.bool() { "buy" } else { "sell" },
    )
}

/// A character of a western language: 4 in 100 aren't ASCII.
fn mixed(random: &mut fastrand::Rng) -> char {
    match random.u32(0..100) {
        0 | 1 => ['\u{E9}', '\u{FC}', '\u{F1}', '\u{F8}'][random.usize(0..4)],
        2 => ['\u{201C}', '\u{201D}', '\u{2014}', '\u{20AC}'][random.usize(0..4)],
        3 => ['\u{1F600}', '\u{1F680}'][random.usize(0..2)],
        ..20 => ' ',
        _ => random.lowercase(),
    }
}

/// Appends a character, or full stops up to `length` where it doesn't fit.
fn push_char(octets: &mut Vec<u8>, character: char, length: usize) {
    if octets.len() + character.len_utf8() <= length {
        octets.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    } else {
        octets.resize(length, b'.');
    }
}

/// Appends a frame (RFC 6455 §5.2). Written here once more on purpose: what checks the peers, and ours
/// among them, is none of them.
pub fn put_frame(out: &mut Vec<u8>, first: u8, payload: &[u8], key: Option<[u8; 4]>) {
    put_header(out, first, payload.len(), key.is_some());
    let key = match key {
        Some(key) => {
            out.extend_from_slice(&key);
            key
        }
        None => [0; 4],
    };
    out.extend(
        payload
            .iter()
            .enumerate()
            .map(|(i, octet)| octet ^ key[i % 4]),
    );
}

/// Appends what stands before a frame's key, if it has one, or its payload.
pub fn put_header(out: &mut Vec<u8>, first: u8, length: usize, masked: bool) {
    let masked = if masked { 0x80 } else { 0 };
    out.push(first);
    match length {
        length @ 0..=125 => out.push(masked | length as u8),
        length @ 126..=0xFFFF => {
            out.push(masked | 126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(masked | 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

/// The payloads as a client sends them, each in this many fragments.
pub fn client_stream(kind: Kind, payloads: &[Vec<u8>], fragments: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    let opcode = if kind.is_text() { 1 } else { 2 };
    let mut out = Vec::new();
    for payload in payloads {
        let step = payload.len().div_ceil(fragments);
        for (i, fragment) in payload.chunks(step).enumerate() {
            let fin = if (i + 1) * step >= payload.len() {
                0x80
            } else {
                0
            };
            let first = fin | if i == 0 { opcode } else { 0 };
            put_frame(
                &mut out,
                first,
                fragment,
                Some(random.u32(..).to_ne_bytes()),
            );
        }
    }
    out
}

/// Payloads of whole messages, out of frames as [`put_frame`] writes them. The other half of the check:
/// what a peer has sent. Panics at anything but whole data frames.
pub fn payloads_of(mut stream: &[u8], masked: bool) -> Vec<(u8, Vec<u8>)> {
    let mut payloads = Vec::new();
    while let [first, second, rest @ ..] = stream {
        assert_eq!(second & 0x80 != 0, masked, "masked or not, by role");
        let (length, rest) = match second & 0x7F {
            126 => {
                let (octets, rest) = rest.split_first_chunk().expect("a length");
                (u64::from(u16::from_be_bytes(*octets)), rest)
            }
            127 => {
                let (octets, rest) = rest.split_first_chunk().expect("a length");
                (u64::from_be_bytes(*octets), rest)
            }
            length => (u64::from(length), rest),
        };
        let (key, rest) = match rest.split_first_chunk() {
            Some((key, rest)) if masked => (*key, rest),
            _ => ([0; 4], rest),
        };
        let (payload, rest) = rest.split_at(length as usize);
        let payload = payload
            .iter()
            .enumerate()
            .map(|(i, octet)| octet ^ key[i % 4]);
        payloads.push((*first, payload.collect()));
        stream = rest;
    }
    assert!(stream.is_empty(), "nothing beside frames");
    payloads
}

/// What Chrome sends to open a WebSocket.
pub const CHROME_REQUEST: &[u8] = b"GET /chat?room=42 HTTP/1.1\r\n\
    Host: example.com\r\n\
    Connection: Upgrade\r\n\
    Pragma: no-cache\r\n\
    Cache-Control: no-cache\r\n\
    User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36\r\n\
    Upgrade: websocket\r\n\
    Origin: https://example.com\r\n\
    Sec-WebSocket-Version: 13\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-US,en;q=0.9\r\n\
    Cookie: session=9f1c2d3e4b5a69788796a5b4c3d2e1f0; theme=dark; _ga=GA1.1.1234567890.1700000000\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\
    \r\n";

/// What the answer to [`CHROME_REQUEST`] has to say in `Sec-WebSocket-Accept` (RFC 6455 §1.3).
pub const CHROME_ACCEPT: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
