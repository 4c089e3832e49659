//! What the tests share. Frames are built and read here by code of its own, written from the text of
//! RFC 6455, so that the crate is never judged by itself.
#![allow(dead_code, unreachable_pub, clippy::indexing_slicing)]

pub mod certificates;
pub mod corpus;
pub mod frames;
pub mod fuzz_bodies;
pub mod fuzz_deflate;
pub mod fuzz_difference;
pub mod fuzz_neighbours;
pub mod fuzz_relay;
pub mod inflate;
pub mod pair;
pub mod rng;
pub mod trace;
pub mod wire;

use websocket_proto::buffer::Storage;
use websocket_proto::handshake::{ClientRequest, Rejection, encode_nonce};
use websocket_proto::{
    Client, Config, Connection, Event, RecvBuffer, SendBuffer, Server, Side, Violation,
};

/// The key of all frames that a test's client sends: that of RFC 6455 §5.7.
pub const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// The nonce of RFC 6455 §1.3.
pub const NONCE: [u8; 16] = *b"the sample nonce";

/// The answer to [`NONCE`].
pub const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

pub type Keys = fn() -> [u8; 4];
pub type Rx = RecvBuffer<Vec<u8>>;
pub type Tx = SendBuffer<Vec<u8>>;

/// Octets from hexadecimal digits; white space doesn't count.
pub fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| {
            u8::try_from(
                c.to_digit(16)
                    .unwrap_or_else(|| panic!("not hex: {text:?}")),
            )
            .unwrap()
        })
        .collect();
    assert!(digits.len().is_multiple_of(2), "half an octet: {text:?}");
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

/// An open server's end.
pub fn open_server(config: Config) -> Connection<Server> {
    Connection::open_server(config)
}

/// An open client's end with the key [`KEY`].
pub fn open_client(config: Config) -> Connection<Client<Keys>> {
    Connection::open_client(config, (|| KEY) as Keys)
}

/// A client that has sent its request.
pub fn connecting_client(
    config: Config,
    subprotocols: &[&str],
) -> (Connection<Client<Keys>>, Rx, Tx) {
    let mut tx = SendBuffer::new();
    let request = ClientRequest::new("example.com", "/chat", NONCE).with_subprotocols(subprotocols);
    let ws = Connection::client(&request, config, (|| KEY) as Keys, &mut tx).unwrap();
    tx.clear();
    (ws, RecvBuffer::new(), tx)
}

/// A request that a server accepts, with further lines.
pub fn request_with(lines: &str) -> Vec<u8> {
    let key = encode_nonce(NONCE);
    format!(
        "GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {}\r\nSec-WebSocket-Version: 13\r\n{lines}\r\n",
        str::from_utf8(&key).unwrap()
    )
    .into_bytes()
}

/// The answer that opens the connection to [`connecting_client`], with further lines.
pub fn answer_with(lines: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {ACCEPT}\r\n{lines}\r\n"
    )
    .into_bytes()
}

/// Polls until there is nothing left, and says what came in words.
pub fn drain<S: Side, B: Storage, T: Storage>(
    ws: &mut Connection<S>,
    rx: &mut RecvBuffer<B>,
    tx: &mut SendBuffer<T>,
) -> (Vec<String>, Option<Violation>) {
    let mut seen = Vec::new();
    loop {
        match ws.poll(rx, tx) {
            Ok(Some(Event::Request(_))) => {
                seen.push("request".to_owned());
                return (seen, None);
            }
            Ok(Some(event)) => seen.push(in_words(&event)),
            Ok(None) => return (seen, None),
            Err(violation) => return (seen, Some(violation)),
        }
    }
}

/// An event in a few words.
pub fn in_words(event: &Event<'_>) -> String {
    match event {
        Event::Request(_) => "request".into(),
        Event::HandshakeDone(done) => match done.subprotocol() {
            Some(name) => format!("open {name}"),
            None => "open".into(),
        },
        Event::Text(text) => format!("text {text}"),
        Event::Binary(octets) => format!("binary {}", String::from_utf8_lossy(octets)),
        Event::TextChunk { text, last } => {
            format!("chunk {text}{}", if *last { " last" } else { "" })
        }
        Event::BinaryChunk { octets, last } => {
            format!(
                "chunk {}{}",
                String::from_utf8_lossy(octets),
                if *last { " last" } else { "" }
            )
        }
        Event::Ping(octets) => format!("ping {}", String::from_utf8_lossy(octets)),
        Event::Pong(octets) => format!("pong {}", String::from_utf8_lossy(octets)),
        Event::Close(close) => format!("close {} {}", close.code.value(), close.reason),
        other => format!("{other:?}"),
    }
}

/// A refusal of everything.
pub const FORBIDDEN: Rejection<'static> = Rejection::new(403);
