//! What compression takes of memory for each connection: the table in `docs/compression.md` is measured here.
#![cfg(all(feature = "deflate", target_pointer_width = "64"))]

#[path = "common/counting.rs"]
mod counting;

use counting::{HELD, allocations};
use websocket_proto::handshake::DeflateConfig;
use websocket_proto::{Client, Config, Connection, Event, RecvBuffer, SendBuffer, Server};

type Keys = fn() -> [u8; 4];

/// A setting, as the table names it.
const SETTINGS: [(&str, DeflateConfig); 6] = [
    ("the default", DeflateConfig::new()),
    (
        "12 bits and memory level 5, both ways",
        DeflateConfig::new()
            .with_server_max_window_bits(12)
            .with_client_max_window_bits(12)
            .with_memory_level(5),
    ),
    (
        "9 bits and memory level 1, both ways",
        DeflateConfig::new()
            .with_server_max_window_bits(9)
            .with_client_max_window_bits(9)
            .with_memory_level(1),
    ),
    (
        "codecs not kept",
        DeflateConfig::new().with_kept_codecs(false),
    ),
    (
        "server without context takeover",
        DeflateConfig::new().with_server_context_takeover(false),
    ),
    (
        "both without context takeover",
        DeflateConfig::new()
            .with_server_context_takeover(false)
            .with_client_context_takeover(false),
    ),
];

/// Octets held by so many server's ends and the thread, at three times: once agreed, once messages have
/// gone both ways, and once codecs are released.
fn held(config: DeflateConfig, count: usize) -> [isize; 3] {
    // Another thread has another pool, which is empty.
    std::thread::spawn(move || {
        let mut offer = Vec::new();
        config.emit_offer(&mut |octets| offer.extend_from_slice(octets));
        let agreed = config.answer([&offer[..]]).unwrap().parameters();
        let message: Vec<u8> = (0..100_000_u32)
            .map(|at| b"0123456789abcdef"[(at.wrapping_mul(at) >> 7) as usize % 16])
            .collect();
        let keys: Keys = || [1, 2, 3, 4];
        let mut clients: Vec<Connection<Client<Keys>>> = (0..count)
            .map(|_| Connection::open_client(Config::new(), keys).with_deflate(agreed, &config))
            .collect();
        let mut sent = SendBuffer::new();
        let mut frames = Vec::new();
        for client in &mut clients {
            client.send_binary(&message, &mut sent).unwrap();
            frames.push(sent.octets().to_vec());
            sent.clear();
        }
        drop(clients);

        let mut servers: Vec<Connection<Server>> = Vec::with_capacity(count);
        let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
        // The buffers are the caller's, and grow before anything is counted.
        rx.spare_at_least(1 << 20);
        tx.release();
        let before = HELD.get();
        for _ in 0..count {
            let server = Connection::open_server(Config::new());
            servers.push(server.with_deflate(agreed, &config));
        }
        let opened = HELD.get() - before;
        for (server, frame) in servers.iter_mut().zip(&frames) {
            rx.extend(frame).unwrap();
            match server.poll(&mut rx, &mut tx).unwrap() {
                Some(Event::Binary(octets)) => server.send_binary(octets, &mut tx).unwrap(),
                other => panic!("{other:?}"),
            }
            tx.clear();
        }
        tx.release();
        let used = HELD.get() - before;
        servers.iter_mut().for_each(Connection::release_codecs);
        [opened, used, HELD.get() - before]
    })
    .join()
    .unwrap()
}

fn table() -> String {
    let mut table = String::from(
        "| setting | agreed | after messages both ways | released |\n| --- | --- | --- | --- |\n",
    );
    for (name, config) in SETTINGS {
        // More connections than a thread keeps codecs for, so that only their own count.
        let (few, many) = (held(config, 5), held(config, 7));
        let each = |at: usize| {
            let octets = (many[at] - few[at]) / 2;
            if octets < 1024 {
                format!("{octets} octets")
            } else {
                format!("{} KiB", (octets + 512) / 1024)
            }
        };
        table += &format!("| {name} | {} | {} | {} |\n", each(0), each(1), each(2));
    }
    table
}

#[test]
fn rule_45_the_memory_of_each_setting_is_as_documented() {
    let table = table();
    let docs = include_str!("../docs/compression.md");
    assert!(
        docs.contains(&table),
        "docs/compression.md has to hold\n{table}"
    );
}

/// A server's end that keeps no context, and the frame of a message for it.
fn alone() -> (Connection<Server>, Vec<u8>) {
    let config = DeflateConfig::new()
        .with_server_context_takeover(false)
        .with_client_context_takeover(false);
    let mut offer = Vec::new();
    config.emit_offer(&mut |octets| offer.extend_from_slice(octets));
    let agreed = config.answer([&offer[..]]).unwrap().parameters();
    let keys: Keys = || [1, 2, 3, 4];
    let mut client = Connection::open_client(Config::new(), keys).with_deflate(agreed, &config);
    let mut sent = SendBuffer::new();
    client.send_binary(&[b'a'; 5000], &mut sent).unwrap();
    let server = Connection::open_server(Config::new()).with_deflate(agreed, &config);
    (server, sent.octets().to_vec())
}

#[test]
fn rule_45_the_codecs_of_a_thread_serve_one_message_after_the_other() {
    std::thread::spawn(|| {
        let (mut one, frame) = alone();
        let (mut other, _) = alone();
        let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
        rx.spare_at_least(1 << 20);
        let mut echo = |server: &mut Connection<Server>| {
            rx.extend(&frame).unwrap();
            match server.poll(&mut rx, &mut tx).unwrap() {
                Some(Event::Binary(octets)) => server.send_binary(octets, &mut tx).unwrap(),
                other => panic!("{other:?}"),
            }
            tx.clear();
        };
        echo(&mut one);
        let again = allocations(|| {
            (0..5).for_each(|_| [&mut one, &mut other].into_iter().for_each(&mut echo))
        });
        assert_eq!(again, 0);
    })
    .join()
    .unwrap();
}

#[test]
fn rule_45_a_thread_keeps_four_codecs_of_each_kind_and_no_more() {
    std::thread::spawn(|| {
        let held = |count: usize| {
            let mut ends: Vec<_> = (0..count).map(|_| alone()).collect();
            let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
            // A message in two fragments, and one in parts, hold a codec each until they end.
            for (server, frame) in &mut ends {
                frame[0] &= 0x7F;
                rx.extend(frame).unwrap();
                assert!(matches!(server.poll_chunk(&mut rx, &mut tx), Ok(Some(_))));
                while server.poll_chunk(&mut rx, &mut tx).unwrap().is_some() {}
                rx.clear();
                server
                    .begin_message(websocket_proto::MessageKind::Binary)
                    .unwrap();
                server.write_part(b"part", &mut tx).unwrap();
                tx.clear();
            }
            for (server, _) in &mut ends {
                server.end_message(b"end", &mut tx).unwrap();
                rx.extend(&[0x80, 0x80, 1, 2, 3, 4]).unwrap();
                while server.poll_chunk(&mut rx, &mut tx).unwrap().is_some() {}
            }
            drop((ends, rx, tx));
            HELD.get()
        };
        let kept: Vec<_> = [1, 4, 5, 12].into_iter().map(held).collect();
        assert!(kept[1] > kept[0] * 3, "{kept:?}");
        assert_eq!(kept[1], kept[2]);
        assert_eq!(kept[1], kept[3]);
    })
    .join()
    .unwrap();
}
