//! A fixed amount of work for an instruction counter: `benches/instructions.sh` runs it under callgrind,
//! with two counts of messages, and divides the difference.
//!
//! Arguments: what (`receive`, `send-server`, `send-client`; with the feature `deflate` `inflate`,
//! `deflate`, and `zlib-inflate`, `zlib-deflate` for the codec alone), kind (`text`, `binary`), octets a
//! message, octets a read, number of messages.

use std::hint::black_box;

use websocket_proto::frame::{Header, mask};
use websocket_proto::{Config, Connection, Event, MessageKind, RecvBuffer, SendBuffer};

fn frame(kind: MessageKind, payload: &[u8]) -> Vec<u8> {
    let key = [0x37, 0xFA, 0x21, 0x3D];
    let header = Header::new(true, kind.opcode(), payload.len() as u64).unwrap();
    let mut octets = [0; 14];
    let length = header.with_key(Some(key)).encode(&mut octets);
    let mut frame = octets[..length].to_vec();
    frame.extend_from_slice(payload);
    mask::apply(&mut frame[length..], key);
    frame
}

/// Receives `count` messages, in reads of `read` octets.
#[inline(never)]
fn receive(kind: MessageKind, size: usize, read: usize, count: usize) -> usize {
    let frame = frame(kind, &vec![b'a'; size]);
    let batch = (64 * 1024 / frame.len()).max(1);
    let stream = frame.repeat(batch);
    let mut ws = Connection::open_server(Config::new().with_max_message_size(1 << 30));
    let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
    let mut received = 0;
    while received < count {
        for octets in stream.chunks(read) {
            rx.spare_at_least(read)[..octets.len()].copy_from_slice(octets);
            rx.commit(octets.len());
            while let Some(event) = ws.poll(&mut rx, &mut tx).unwrap() {
                match event {
                    Event::Text(text) => assert_eq!(black_box(text).len(), size),
                    Event::Binary(octets) => assert_eq!(black_box(octets).len(), size),
                    event => panic!("{event:?}"),
                }
                received += 1;
            }
        }
    }
    received
}

#[inline(never)]
fn send(kind: MessageKind, size: usize, count: usize, client: bool) -> usize {
    let payload = "a".repeat(size);
    let mut tx = SendBuffer::new();
    let mut server = Connection::open_server(Config::new());
    let mut key = 0_u32;
    let mut client_end = Connection::open_client(Config::new(), move || {
        key = key.wrapping_add(0x9E37_79B9);
        key.to_ne_bytes()
    });
    for _ in 0..count {
        let text = black_box(payload.as_str());
        match (client, kind) {
            (false, MessageKind::Text) => server.send_text(text, &mut tx),
            (false, MessageKind::Binary) => server.send_binary(text.as_bytes(), &mut tx),
            (true, MessageKind::Text) => client_end.send_text(text, &mut tx),
            (true, MessageKind::Binary) => client_end.send_binary(text.as_bytes(), &mut tx),
        }
        .unwrap();
        black_box(tx.octets());
        tx.consume(tx.len());
    }
    count
}

/// Messages with context takeover at level 1, and the codec alone on the same.
#[cfg(feature = "deflate")]
#[path = "common/compressed.rs"]
mod compressed;

/// Rounds of work, until `count` messages are through.
#[cfg(feature = "deflate")]
fn rounds<T>(count: usize, mut work: T, round: fn(&mut T) -> usize) -> usize {
    let mut done = 0;
    while done < count {
        done += round(&mut work);
    }
    done
}

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let [what, kind, size, read, count] = arguments.as_slice() else {
        println!("run benches/instructions.sh");
        return;
    };
    let kind = match kind.as_str() {
        "text" => MessageKind::Text,
        _ => MessageKind::Binary,
    };
    let number = |text: &String| text.parse::<usize>().expect("a number");
    let (size, read, count) = (number(size), number(read), number(count));
    let done = match what.as_str() {
        "receive" => receive(kind, size, read, count),
        "send-server" => send(kind, size, count, false),
        "send-client" => send(kind, size, count, true),
        #[cfg(feature = "deflate")]
        "inflate" => rounds(
            count,
            compressed::Inflating::new(size),
            compressed::Inflating::connection,
        ),
        #[cfg(feature = "deflate")]
        "zlib-inflate" => rounds(
            count,
            compressed::Inflating::new(size),
            compressed::Inflating::codec,
        ),
        #[cfg(feature = "deflate")]
        "deflate" => rounds(
            count,
            compressed::Deflating::new(size),
            compressed::Deflating::connection,
        ),
        #[cfg(feature = "deflate")]
        "zlib-deflate" => rounds(
            count,
            compressed::Deflating::new(size),
            compressed::Deflating::codec,
        ),
        other => panic!("unknown: {other}"),
    };
    println!("{done}");
}
