//! Compressed messages between two connections (RFC 7692), judged by an inflater that shares nothing with
//! the codec.
#![cfg(feature = "deflate")]

mod common;

use common::frames::{Frame, frame, to_server, whole_frames};
use common::inflate::Inflated;
use common::{KEY, Keys, NONCE, rng::Rng};
use proptest::collection::vec;
use proptest::prelude::*;
use websocket_proto::buffer::{Full, Storage};
use websocket_proto::handshake::{Accept, ClientRequest, DeflateConfig, DeflateParameters};
use websocket_proto::{
    Broadcast, Client, Config, Connection, Event, MessageKind, Misuse, RecvBuffer, SendBuffer,
    Server, State, Violation,
};

type Tx = SendBuffer<Vec<u8>>;
type Rx = RecvBuffer<Vec<u8>>;

const ALL: DeflateConfig = DeflateConfig::new();

/// Two ends that have agreed to compress.
struct Pair {
    client: Connection<Client<Keys>>,
    server: Connection<Server>,
    agreed: DeflateParameters,
}

fn agree(client: DeflateConfig, server: DeflateConfig) -> Pair {
    let (mut at_client, mut at_server) = (Rx::new(), Rx::new());
    let (mut to_client, mut to_server) = (Tx::new(), Tx::new());
    let request = ClientRequest::new("a", "/", NONCE).with_deflate(client);
    let keys: Keys = || KEY;
    let mut client = Connection::client(&request, Config::new(), keys, &mut to_server).unwrap();
    let accept = Accept::new().with_deflate(server);
    let mut server = Connection::server(Config::new());
    at_server.extend(to_server.octets()).unwrap();
    match server.poll(&mut at_server, &mut to_client).unwrap() {
        Some(Event::Request(request)) => server.accept(&request, &accept, &mut to_client).unwrap(),
        other => panic!("{other:?}"),
    }
    at_client.extend(to_client.octets()).unwrap();
    let agreed = [
        match server.poll(&mut at_server, &mut to_client).unwrap() {
            Some(Event::HandshakeDone(done)) => done.deflate().unwrap(),
            other => panic!("{other:?}"),
        },
        match client.poll(&mut at_client, &mut to_server).unwrap() {
            Some(Event::HandshakeDone(done)) => done.deflate().unwrap(),
            other => panic!("{other:?}"),
        },
    ];
    assert_eq!(agreed[0], agreed[1]);
    assert_eq!(server.deflate(), Some(agreed[0]));
    assert_eq!(client.deflate(), Some(agreed[0]));
    Pair {
        client,
        server,
        agreed: agreed[0],
    }
}

#[test]
fn an_answer_shows_how_messages_are_to_be_compressed() {
    assert_eq!(Accept::new().deflate(), None);
    assert_eq!(Accept::new().with_deflate(ALL).deflate(), Some(ALL));
}

fn server_with(parameters: &str, config: &DeflateConfig) -> Connection<Server> {
    let answer = config.answer([parameters.as_bytes()]).unwrap();
    Connection::open_server(Config::new()).with_deflate(answer.parameters(), config)
}

/// The payloads of the messages, still compressed, with whether they are.
fn messages(octets: &[u8]) -> Vec<(bool, Vec<u8>)> {
    let mut messages: Vec<(bool, Vec<u8>)> = Vec::new();
    for Frame { first, payload, .. } in whole_frames(octets) {
        if first & 0x0F == 0 {
            assert_eq!(
                first & 0x70,
                0,
                "only a first frame says that it is compressed"
            );
            messages.last_mut().unwrap().1.extend(payload);
        } else {
            messages.push((first & 0x40 != 0, payload));
        }
    }
    messages
}

fn text(seed: u64, length: usize) -> Vec<u8> {
    let mut rng = Rng::new(seed);
    (0..length)
        .map(|_| b"etaoin shrdlu\n"[rng.below(14)])
        .collect()
}

fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut rng = Rng::new(seed);
    (0..length).map(|_| rng.below(256) as u8).collect()
}

/// The server's answer to a message: what it lends of these compressed octets.
fn inflated(ws: &mut Connection<Server>, payload: &[u8]) -> Result<Vec<u8>, Violation> {
    let (mut rx, mut tx) = (Rx::new(), Tx::new());
    rx.extend(&to_server(0xC2, payload)).unwrap();
    match ws.poll(&mut rx, &mut tx)? {
        Some(Event::Binary(octets)) => Ok(octets.to_vec()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn rule_41_a_message_refers_to_nothing_that_another_connection_of_the_thread_was_sent() {
    let alone = "permessage-deflate; client_no_context_takeover";
    // "secret" in a stored block, and a block that refers to what was before it; behind a last block, too.
    let secret = b"\x00\x06\x00\xf9\xffsecret\x00";
    for reference in [&b"\x02\x02\x00\x00"[..], b"\x03\x00\x02\x02\x00\x00"] {
        let mut known = server_with("permessage-deflate", &ALL);
        assert_eq!(inflated(&mut known, secret).unwrap(), b"secret");
        assert_eq!(inflated(&mut known, reference).unwrap(), b"ttt");
        drop(known);
        for parameters in [alone, "permessage-deflate"] {
            let mut other = server_with(alone, &ALL);
            assert_eq!(inflated(&mut other, secret).unwrap(), b"secret");
            let mut ws = server_with(parameters, &ALL);
            let seen = inflated(&mut ws, reference);
            assert_eq!(seen, Err(Violation::CorruptDeflate), "{parameters}");
        }
    }
}

#[test]
fn rule_43_within_a_message_alone_blocks_behind_a_last_one_refer_to_all_before_it() {
    // "secret" in a stored block, a last block without octets, and one that refers to what was before it.
    let payload = b"\x00\x06\x00\xf9\xffsecret\x03\x00\x02\x02\x00\x00";
    for cut in 0..=payload.len() {
        let (one, two) = payload.split_at(cut);
        let frames = [to_server(0x42, one), to_server(0x80, two)].concat();
        for read in 1..=frames.len() {
            let mut ws = server_with("permessage-deflate; client_no_context_takeover", &ALL);
            let (mut rx, mut tx) = (RecvBuffer::with_storage([0; 256]), Tx::new());
            let mut seen = Vec::new();
            for octets in frames.chunks(read) {
                rx.extend(octets).unwrap();
                while let Some(event) = ws.poll(&mut rx, &mut tx).unwrap() {
                    let Event::Binary(message) = event else {
                        panic!("{event:?}")
                    };
                    seen.extend_from_slice(message);
                }
            }
            assert_eq!(seen, b"secretttt", "cut at {cut}, reads of {read}");
        }
    }
}

#[test]
fn a_message_that_came_with_the_end_of_the_stream_is_inflated_first() {
    let mut ws = server_with("permessage-deflate", &ALL);
    let (mut rx, mut tx) = (Rx::new(), Tx::new());
    let hello = to_server(0xC1, b"\xf2\x48\xcd\xc9\xc9\x07\x00");
    rx.extend(&hello).unwrap();
    ws.handle_eof();
    assert!(matches!(
        ws.poll(&mut rx, &mut tx),
        Ok(Some(Event::Text("Hello")))
    ));
    assert!(matches!(ws.poll(&mut rx, &mut tx), Ok(None)));
    assert_eq!(ws.state(), State::Closed);
}

#[test]
fn what_is_sent_does_not_depend_on_what_other_connections_of_the_thread_have_sent() {
    let alone = "permessage-deflate; server_no_context_takeover";
    let sent = move || {
        let mut tx = Tx::new();
        for parameters in ["permessage-deflate", alone] {
            let mut ws = server_with(parameters, &ALL.with_min_size(0));
            for parts in [[&b""[..], b"ab"], [b"ab", b""], [b"", b""]] {
                ws.begin_message(MessageKind::Binary).unwrap();
                for part in parts {
                    ws.write_part(part, &mut tx).unwrap();
                }
                ws.end_message(b"", &mut tx).unwrap();
            }
            ws.release_codecs();
        }
        tx.octets().to_vec()
    };
    let first = std::thread::spawn(sent).join().unwrap();
    for _ in 0..3 {
        assert_eq!(sent(), first);
    }
}

#[test]
fn rule_46_a_message_in_parts_is_compressed_if_messages_were_when_it_began() {
    let mut ws = server_with("permessage-deflate", &ALL);
    for compressing in [true, false, true] {
        let mut tx = Tx::new();
        ws.set_compressing(compressing);
        ws.begin_message(MessageKind::Binary).unwrap();
        ws.set_compressing(!compressing);
        for part in [&b"one"[..], b"", b"two"] {
            ws.write_part(part, &mut tx).unwrap();
        }
        ws.end_message(b"three", &mut tx).unwrap();
        let [(compressed, payload)] = &messages(tx.octets())[..] else {
            panic!("one message")
        };
        assert_eq!(*compressed, compressing);
        assert_eq!(payload == b"onetwothree", !compressing);
    }
}

// RFC 7692 §7.2.1-1, §7.2.1-3
#[test]
fn rule_46_only_the_last_part_of_a_message_is_sent_without_its_tail() {
    const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];
    let mut ws = server_with("permessage-deflate", &ALL);
    let mut tx = Tx::new();
    ws.begin_message(MessageKind::Text).unwrap();
    let mut ends = Vec::new();
    for part in ["one", "two", "three"] {
        ws.write_part(part.as_bytes(), &mut tx).unwrap();
        ends.push(tx.octets().ends_with(&TAIL));
    }
    ws.end_message(b"four", &mut tx).unwrap();
    ends.push(tx.octets().ends_with(&TAIL));
    assert_eq!(ends, [true, true, true, false]);
    let mut inflated = Inflated::default();
    let (_, payload) = messages(tx.octets()).remove(0);
    assert_eq!(inflated.message(&payload), b"onetwothreefour");
}

/// Octets in which these codes follow each other: each with how many bits it has.
fn bits(codes: &[(u32, u32)]) -> Vec<u8> {
    let bits: Vec<u32> = codes
        .iter()
        .flat_map(|&(code, length)| (0..length).rev().map(move |at| code >> at & 1))
        .collect();
    let octet = |bits: &[u32]| {
        bits.iter()
            .rev()
            .fold(0, |octet, &bit| octet << 1 | bit as u8)
    };
    bits.chunks(8).map(octet).collect()
}

/// Behind what fills the whole window, a block that repeats three octets from 32 768 octets before.
fn far_reference() -> Vec<u8> {
    bits(&[
        (0b010, 3),          // goes on behind it; fixed codes
        (1, 7),              // a length of 3
        (29, 5),             // a distance from 24 577 up
        ((1 << 13) - 1, 13), // 8 191 more
        (0, 7),              // the block's end
        (0, 3), // a block of octets as they are, of which the tail says that there is none
    ])
}

// RFC 7692 §7.2.2-5, §7.2.2-6
#[test]
fn rule_41_where_nothing_else_was_agreed_upon_a_message_may_refer_back_32_768_octets() {
    fn refers_back<S: websocket_proto::Side>(mut ws: Connection<S>, key: Option<[u8; 4]>) {
        let window = noise(5, 32_768);
        let block = [&[0, 0, 0x80, 0xFF, 0x7F], &window[..], &[0]].concat();
        let (mut rx, mut tx) = (Rx::new(), Tx::new());
        for (payload, message) in [(block, &window[..]), (far_reference(), &window[..3])] {
            rx.extend(&frame(0xC2, key, &payload)).unwrap();
            let Some(Event::Binary(octets)) = ws.poll(&mut rx, &mut tx).unwrap() else {
                panic!("a message")
            };
            assert!(octets == message);
        }
    }
    let Pair { client, server, .. } = agree(ALL, ALL);
    refers_back(server, Some(KEY));
    refers_back(client, None);
}

// RFC 7692 §7.2.1-5, §7.2.1-6
#[test]
fn rule_41_messages_refer_to_earlier_ones_only_where_that_was_agreed_upon() {
    let payload = noise(1, 500);
    for (parameters, refers) in [
        ("permessage-deflate", true),
        ("permessage-deflate; server_no_context_takeover", false),
    ] {
        let mut ws = server_with(parameters, &ALL);
        let mut tx = Tx::new();
        ws.send_binary(&payload, &mut tx).unwrap();
        let first = tx.len();
        ws.send_binary(&payload, &mut tx).unwrap();
        assert_eq!(tx.len() - first < 100, refers, "{parameters}");
    }
}

// RFC 7692 §7.2.1-4, §7.2.1-7, §7.2.1-8
#[test]
fn rule_40_no_message_refers_further_back_than_its_window() {
    for bits in 8..=15_u8 {
        for level in [1, 2, 4, 6, 9] {
            let config = ALL.with_level(level);
            let parameters = format!("permessage-deflate; server_max_window_bits={bits}");
            let mut ws = server_with(&parameters, &config);
            let mut tx = Tx::new();
            let mut inflated = Inflated::default();
            let mut sent = Vec::new();
            for round in 0..6 {
                // The same again and again, at all distances.
                let payload = text(round % 3, 10_000).repeat(3);
                ws.send_binary(&payload, &mut tx).unwrap();
                sent.extend(payload);
            }
            for (_, message) in messages(tx.octets()) {
                inflated.message(&message);
            }
            assert!(inflated.octets == sent, "{bits} bits, level {level}");
            let window = 1 << bits;
            assert!(
                inflated.longest_distance <= window,
                "{} in a window of {window}, level {level}",
                inflated.longest_distance
            );
            assert!(
                inflated.longest_distance > window / 2 - 10,
                "it is made use of"
            );
        }
    }
}

#[test]
fn rule_46_a_message_is_sent_as_it_is_where_the_caller_says_so_or_it_is_small() {
    let config = ALL.with_min_size(100);
    let mut ws = server_with("permessage-deflate", &config);
    let mut tx = Tx::new();
    let mut payload = vec![b'a'; 100];
    assert_eq!([99, 100].map(|size| ws.compresses(size)), [false, true]);
    ws.send_binary(&payload, &mut tx).unwrap();
    ws.send_binary(&payload[1..], &mut tx).unwrap();
    ws.set_compressing(false);
    assert!(!ws.compresses(100));
    ws.send_binary(&payload, &mut tx).unwrap();
    ws.begin_message(MessageKind::Binary).unwrap();
    ws.set_compressing(true);
    ws.end_message(&payload, &mut tx).unwrap();
    ws.send_binary(&payload, &mut tx).unwrap();
    let header = ws.send_apart(MessageKind::Binary, &mut payload).unwrap();
    assert_eq!(header.as_ref(), [0x82, 100]);
    let compressed: Vec<bool> = messages(tx.octets()).iter().map(|each| each.0).collect();
    assert_eq!(compressed, [true, false, false, false, true]);
}

#[test]
fn rule_44_a_bomb_stops_at_the_limit() {
    // 64 MiB of zeros in 64 KiB.
    let config = ALL.with_level(9);
    let mut bomber = server_with("permessage-deflate", &config);
    let mut bomb = SendBuffer::with_limit(100 << 20);
    bomber.send_binary(&vec![0; 64 << 20], &mut bomb).unwrap();
    let frame = whole_frames(bomb.octets()).remove(0);
    assert!(frame.payload.len() < 80_000, "{}", frame.payload.len());
    for step in [100, 1000, frame.payload.len()] {
        let limit = 1 << 20;
        let answer = ALL.answer([&b"permessage-deflate"[..]]).unwrap();
        let mut ws = Connection::open_server(Config::new().with_max_message_size(limit))
            .with_deflate(answer.parameters(), &ALL);
        let (mut rx, mut tx) = (Rx::new(), Tx::new());
        let mut fault = None;
        let mut taken = 0;
        for piece in to_server(0xC2, &frame.payload).chunks(step) {
            rx.extend(piece).unwrap();
            taken += piece.len();
            match ws.poll(&mut rx, &mut tx) {
                Ok(None) => {}
                Ok(Some(event)) => panic!("{event:?}"),
                Err(violation) => {
                    fault = Some(violation);
                    break;
                }
            }
            assert!(rx.capacity() <= 4 * (limit as usize), "{}", rx.capacity());
        }
        assert_eq!(fault, Some(Violation::MessageTooBig));
        // A thousand to one, and what stands in the codec's way, behind the first batch of the frame.
        let batch = frame.payload.len() % (64 << 10);
        let most = 2 * limit as usize / 1000 + 500 + batch + step;
        assert!(taken <= most, "{taken} octets were taken");
        assert!(
            rx.capacity() <= 4 * (limit as usize) + step,
            "{}",
            rx.capacity()
        );
    }
}

#[test]
fn rule_51_what_is_inflated_of_a_frame_does_not_follow_from_how_it_comes() {
    // Blocks of 1 000 octets as they are, and behind 100 of them one that there is no such kind of.
    let block = [&[0x00, 0xE8, 0x03, 0x17, 0xFC][..], &noise(3, 1000)].concat();
    let mut payload = block.repeat(150);
    payload[100 * block.len()] = 0x06;
    let wire = to_server(0xC2, &payload);
    let first = wire.len() - 2 * (64 << 10);
    let (with_eof, unseen) = (100 * block.len() + 20, 140 * block.len());
    for length in [
        first - 1,
        first,
        first + (64 << 10) - 1,
        first + (64 << 10),
        with_eof,
        unseen,
        wire.len(),
    ] {
        let seen = [1, 999, 20_000, length].map(|step| {
            let mut ws = server_with("permessage-deflate", &ALL);
            let (mut rx, mut tx) = (Rx::new(), Tx::new());
            for piece in wire[..length].chunks(step) {
                rx.extend(piece).unwrap();
                if ws.poll(&mut rx, &mut tx).is_err() {
                    break;
                }
            }
            if length == with_eof {
                ws.handle_eof();
            }
            (ws.poll(&mut rx, &mut tx).err(), rx.len())
        });
        let corrupt = length == wire.len() || length == with_eof;
        assert_eq!(
            seen[0].0,
            corrupt.then_some(Violation::CorruptDeflate),
            "{length}"
        );
        assert_eq!(seen, [seen[0]; 4], "{length}");
    }
}

#[test]
fn rule_44_a_message_that_was_cut_is_corrupt_whatever_what_its_sender_left_out_makes_of_it() {
    // Behind each of them 00 00 FF FF does something else than to complete a block of no octets.
    for (cut, made) in [
        (&[0x6B, 0x1C][..], "octets, before all of it was read"),
        (&[0x4A], "octets of all of it"),
        (&[0x04], "a table of codes that there can't be"),
        (&[0x04, 0xC1], "the same, when all of it was read"),
        (&[0x03], "the end of a last block"),
        (&[0x00, 0x05, 0x00, 0xFA, 0xFF, b'H'], "octets as they are"),
    ] {
        let mut ws = server_with("permessage-deflate", &ALL);
        let fault = Err(Violation::CorruptDeflate);
        assert_eq!(inflated(&mut ws, cut), fault, "{cut:x?}: {made}");
    }
}

/// A long frame of compressed text: its octets on the wire, in header and payload.
fn long_frame() -> (Vec<u8>, Vec<u8>) {
    let (mut pair, mut tx) = (agree(ALL, ALL), Tx::new());
    let message = String::from_utf8(text(7, 120_000)).unwrap();
    pair.client.send_text(&message, &mut tx).unwrap();
    let (_, payload) = messages(tx.octets()).remove(0);
    let (header, payload) = tx.octets().split_at(tx.len() - payload.len());
    (header.to_vec(), payload.to_vec())
}

#[test]
fn rule_44_a_long_frame_is_inflated_in_batches_and_less_than_one_of_them_waits() {
    const BATCH: usize = 64 << 10;
    let (header, payload) = long_frame();
    let first = payload.len() % BATCH;
    assert!(payload.len() > BATCH && first > 100, "{first}");
    let mut ws = server_with("permessage-deflate", &ALL);
    let (mut rx, mut tx) = (Rx::new(), Tx::new());
    rx.extend(&header).unwrap();
    let (mut come, mut held) = (0, 0);
    for upto in [1, first - 1, first, first + 1, first + BATCH - 1] {
        rx.extend(&payload[come..upto]).unwrap();
        assert!(ws.poll(&mut rx, &mut tx).unwrap().is_none());
        held += upto - come;
        if upto == first {
            assert!(rx.len() > held, "{} octets have become no more", rx.len());
            held = rx.len();
        }
        assert_eq!(rx.len(), held, "they wait at {upto}");
        come = upto;
    }
    rx.extend(&payload[come..]).unwrap();
    let Some(Event::Text(message)) = ws.poll(&mut rx, &mut tx).unwrap() else {
        panic!("all of it has come");
    };
    assert!(message.as_bytes() == text(7, 120_000));
}

#[test]
fn rule_44_nothing_waits_in_a_fixed_buffer_that_may_be_too_small_for_a_batch_and_what_comes_of_it()
{
    let (header, payload) = long_frame();
    for (size, waits) in [(320 << 10, true), ((320 << 10) - 1, false)] {
        let mut storage = vec![0; size];
        let mut ws = server_with("permessage-deflate", &ALL);
        let (mut rx, mut tx) = (RecvBuffer::with_storage(&mut storage[..]), Tx::new());
        rx.extend(&header).unwrap();
        rx.extend(&payload[..2000]).unwrap();
        assert!(ws.poll(&mut rx, &mut tx).unwrap().is_none());
        assert_eq!(rx.len() == 2000, waits, "{} octets in {size}", rx.len());
    }
}

/// A storage that counts how often it is asked to grow: each time, what has yet to be inflated is moved.
#[derive(Default)]
struct Counting {
    octets: Vec<u8>,
    grown: usize,
}

impl AsRef<[u8]> for Counting {
    fn as_ref(&self) -> &[u8] {
        &self.octets
    }
}

impl AsMut<[u8]> for Counting {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.octets
    }
}

impl Storage for Counting {
    fn grow(&mut self, len: usize) -> Result<(), Full> {
        self.grown += 1;
        self.octets.grow(len)
    }

    fn max_len(&self) -> usize {
        usize::MAX
    }

    fn shrink(&mut self, len: usize) {
        self.octets.shrink(len);
    }
}

#[test]
fn rule_49_room_is_made_as_the_message_grows_not_for_each_of_its_blocks() {
    // 259 octets in 4, in a block that calls itself the last.
    let block = bits(&[
        (0b110, 3),
        (0x30 + u32::from(b'a'), 8),
        (0b1100_0101, 8),
        (0, 5),
        (0, 7),
    ]);
    assert_eq!(block.len(), 4);
    for count in [500, 2000] {
        let payload = [block.repeat(count), vec![0]].concat();
        let mut ws = server_with("permessage-deflate", &ALL);
        let mut rx = RecvBuffer::with_storage(Counting::default());
        rx.extend(&to_server(0xC2, &payload)).unwrap();
        let Some(Event::Binary(octets)) = ws.poll(&mut rx, &mut Tx::new()).unwrap() else {
            panic!("a message")
        };
        assert!(octets == vec![b'a'; 259 * count]);
        let grown = rx.into_storage().grown;
        assert!(grown < 20, "{grown} times for {count} blocks");
    }
}

#[test]
fn rule_44_chunks_of_any_message_pass_through_fixed_memory() {
    let payload = text(7, 3 << 20);
    let mut sender = server_with("permessage-deflate", &ALL);
    let mut octets = Tx::new();
    sender.send_binary(&payload, &mut octets).unwrap();
    let frame = whole_frames(octets.octets()).remove(0);
    let wire = to_server(0xC2, &frame.payload);
    for room in [256, 1000, 64 << 10] {
        let answer = ALL.answer([&b"permessage-deflate"[..]]).unwrap();
        let mut ws = Connection::open_server(Config::new().with_max_message_size(u64::MAX))
            .with_deflate(answer.parameters(), &ALL);
        let mut storage = vec![0; room];
        let mut rx = RecvBuffer::with_storage(&mut storage[..]);
        let mut tx = Tx::new();
        let mut rest = &wire[..];
        let mut received = Vec::new();
        let mut over = false;
        while !rest.is_empty() {
            let spare = rx.spare();
            let count = spare.len().min(rest.len());
            assert!(count > 0);
            spare[..count].copy_from_slice(&rest[..count]);
            rx.commit(count);
            rest = &rest[count..];
            while let Some(event) = ws.poll_chunk(&mut rx, &mut tx).unwrap() {
                let Event::BinaryChunk { octets, last } = event else {
                    panic!("{event:?}");
                };
                received.extend_from_slice(octets);
                over |= last;
            }
        }
        assert!(over && received == payload, "in {room} octets");
    }
}

#[test]
fn rule_45_codecs_appear_with_first_use_and_go_when_they_are_released() {
    let mut pair = agree(ALL, ALL);
    let (mut rx, mut tx) = (Rx::new(), Tx::new());
    let before = text(1, 5000);
    for round in 0..5 {
        pair.server.send_binary(&before, &mut tx).unwrap();
        // The receiver knows all that was sent, however it keeps it.
        pair.client.release_codecs();
        rx.extend(tx.octets()).unwrap();
        let size = tx.len();
        tx.clear();
        match pair.client.poll(&mut rx, &mut Tx::new()).unwrap() {
            Some(Event::Binary(octets)) => assert!(octets == before),
            other => panic!("{other:?}"),
        }
        // A sender that gave up its context refers to nothing.
        if round == 3 {
            pair.server.release_codecs();
        }
        let refers = round != 0 && round != 4;
        assert_eq!(size < 1000, refers, "round {round}: {size}");
    }
}

// RFC 7692 §7.2.2-2, §7.2.2-3
#[test]
fn rule_45_without_kept_codecs_what_the_peer_refers_to_is_kept() {
    let mut pair = agree(ALL, ALL.with_kept_codecs(false));
    let (mut rx, mut tx) = (Rx::new(), Tx::new());
    let payload = text(1, 5000);
    for round in 0..3 {
        pair.client.send_binary(&payload, &mut tx).unwrap();
        assert_eq!(
            tx.len() < 1000,
            round > 0,
            "the client refers to what came before"
        );
        rx.extend(tx.octets()).unwrap();
        tx.clear();
        let mut answer = Tx::new();
        match pair.server.poll(&mut rx, &mut answer).unwrap() {
            Some(Event::Binary(octets)) => {
                assert!(octets == payload);
                pair.server.send_binary(octets, &mut answer).unwrap();
            }
            other => panic!("{other:?}"),
        }
        assert!(answer.len() > 1000, "the server does not");
    }
}

#[test]
fn a_broadcast_is_compressed_once_for_each_way_and_copied_for_none() {
    let payload = text(3, 100_000);
    let shared = Broadcast::binary(&payload);
    let narrow = "permessage-deflate; server_max_window_bits=9";
    let ways = ["permessage-deflate", narrow, "permessage-deflate", narrow];
    let mut frames = Vec::new();
    for way in ways {
        let mut ws = server_with(way, &ALL);
        let mut tx = Tx::new();
        ws.send_binary(&payload[..100], &mut tx).unwrap();
        ws.send_shared(&shared, &mut tx).unwrap();
        ws.send_binary(&payload[..100], &mut tx).unwrap();
        let pieces: Vec<&[u8]> = tx.pieces().collect();
        assert_eq!(pieces.len(), 3);
        frames.push(pieces[1].as_ptr());
        let whole = pieces.concat();
        assert_eq!(whole.len(), tx.len());
        let mut inflated = Inflated::default();
        for (compressed, message) in messages(&whole) {
            assert!(compressed);
            inflated.message(&message);
        }
        assert!(inflated.octets == [&payload[..100], &payload[..], &payload[..100]].concat());
        // The transport takes it a little at a time.
        let mut written = Vec::new();
        while !tx.is_empty() {
            let octets = tx.octets();
            let count = octets.len().min(7001);
            written.extend_from_slice(&octets[..count]);
            tx.consume(count);
        }
        assert!(written == whole);
    }
    assert_eq!(frames[0], frames[2], "the same memory");
    assert_eq!(frames[1], frames[3], "the same memory");
    assert_ne!(frames[0], frames[1]);

    let mut plain = Connection::open_server(Config::new());
    let mut tx = SendBuffer::with_limit(100_010);
    plain.send_shared(&shared, &mut tx).unwrap();
    assert_eq!(
        plain.send_shared(&shared, &mut tx),
        Err(Misuse::SendBufferFull)
    );
    assert!(tx.octets()[10..] == payload);
}

#[test]
fn rule_52_a_full_send_buffer_refuses_and_the_next_message_is_in_order() {
    let mut pair = agree(ALL, ALL);
    let payload = text(5, 4000);
    let mut tx = SendBuffer::with_limit(5000);
    let mut inflated = Inflated::default();
    for _ in 0..4 {
        pair.server.send_binary(&payload, &mut tx).unwrap();
        let waits = tx.len();
        assert_eq!(
            pair.server.send_binary(&noise(1, 5000), &mut tx),
            Err(Misuse::SendBufferFull)
        );
        assert_eq!(tx.len(), waits, "nothing was written");
        for (_, message) in messages(tx.octets()) {
            assert!(inflated.message(&message) == payload);
        }
        tx.clear();
    }
}

/// What an end does.
#[derive(Clone, Debug)]
enum Command {
    Whole(Vec<u8>),
    Parts(Vec<Vec<u8>>),
    Compressing(bool),
    Release,
    Ping,
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        (any::<u64>(), 0..300_usize).prop_map(|(seed, length)| text(seed % 4, length)),
        (any::<u64>(), 0..300_usize).prop_map(|(seed, length)| noise(seed % 4, length)),
        (any::<u64>(), 0..70_000_usize).prop_map(|(seed, length)| text(seed % 4, length)),
        (0..70_000_usize).prop_map(|length| noise(1, length)),
        Just(Vec::new()),
    ]
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        6 => payload().prop_map(Command::Whole),
        3 => vec(payload(), 1..5).prop_map(Command::Parts),
        1 => any::<bool>().prop_map(Command::Compressing),
        1 => Just(Command::Release),
        1 => Just(Command::Ping),
    ]
}

fn config() -> impl Strategy<Value = DeflateConfig> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let numbers = (8..=15_u8, 8..=15_u8, 1..=9_u8, 1..=9_u8, 0..200_u32);
    (flags, numbers).prop_map(|((server, client, kept), numbers)| {
        ALL.with_server_context_takeover(server)
            .with_client_context_takeover(client)
            .with_kept_codecs(kept)
            .with_server_max_window_bits(numbers.0)
            .with_client_max_window_bits(numbers.1)
            .with_level(numbers.2)
            .with_memory_level(numbers.3)
            .with_min_size(numbers.4)
    })
}

/// Carries the commands out, and says what the peer is to see.
fn carry_out<S: websocket_proto::Side>(
    ws: &mut Connection<S>,
    commands: &[Command],
    tx: &mut Tx,
) -> Vec<Vec<u8>> {
    let mut expected = Vec::new();
    for command in commands {
        match command {
            Command::Whole(payload) => {
                ws.send_binary(payload, tx).unwrap();
                expected.push(payload.clone());
            }
            Command::Parts(parts) => {
                ws.begin_message(MessageKind::Binary).unwrap();
                let (last, others) = parts.split_last().unwrap();
                for part in others {
                    ws.write_part(part, tx).unwrap();
                }
                ws.end_message(last, tx).unwrap();
                expected.push(parts.concat());
            }
            Command::Compressing(on) => ws.set_compressing(*on),
            Command::Release => ws.release_codecs(),
            Command::Ping => ws.send_ping(b"?", tx).unwrap(),
        }
    }
    expected
}

/// What comes of these octets, cut like this, with messages in chunks or whole.
fn received<S: websocket_proto::Side>(
    ws: &mut Connection<S>,
    octets: &[u8],
    lengths: &[usize],
    in_chunks: bool,
) -> Vec<Vec<u8>> {
    let (mut rx, mut tx) = (Rx::new(), Tx::new());
    let mut messages = Vec::new();
    let mut parts = Vec::new();
    let mut rest = octets;
    for length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, more) = rest.split_at((*length).clamp(1, rest.len()));
        rest = more;
        rx.extend(piece).unwrap();
        loop {
            let event = if in_chunks {
                ws.poll_chunk(&mut rx, &mut tx).unwrap()
            } else {
                ws.poll(&mut rx, &mut tx).unwrap()
            };
            match event {
                Some(Event::Binary(octets)) => messages.push(octets.to_vec()),
                Some(Event::BinaryChunk { octets, last }) => {
                    parts.extend_from_slice(octets);
                    if last {
                        messages.push(std::mem::take(&mut parts));
                    }
                }
                Some(Event::Ping(_)) => {}
                Some(other) => panic!("{other:?}"),
                None => break,
            }
        }
    }
    assert!(parts.is_empty());
    messages
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    // RFC 7692 §5-11, §6.1-1, §6.1-2, §6.1-3, §6.2-1, §6.2-2, §7.2.1-1, §7.2.1-5, §7.2.1-6, §7.2.1-7, §7.2.1-8
    // RFC 7692 §7.2.2-1, §7.2.2-7
    #[test]
    fn what_one_end_compresses_the_other_inflates_and_so_does_anybody(
        configs in (config(), config()),
        commands in vec(command(), 1..8),
        lengths in vec(prop_oneof![1..4_usize, 1..300_usize, 1..100_000_usize], 1..6),
        from_client: bool,
        in_chunks: bool,
    ) {
        let Pair { mut client, mut server, agreed } = agree(configs.0, configs.1);
        let mut tx = Tx::new();
        let (expected, seen, bits, takeover) = if from_client {
            let expected = carry_out(&mut client, &commands, &mut tx);
            let seen = received(&mut server, tx.octets(), &lengths, in_chunks);
            (expected, seen, agreed.client_max_window_bits(), agreed.client_context_takeover())
        } else {
            let expected = carry_out(&mut server, &commands, &mut tx);
            let seen = received(&mut client, tx.octets(), &lengths, in_chunks);
            (expected, seen, agreed.server_max_window_bits(), agreed.server_context_takeover())
        };
        prop_assert!(seen == expected, "the peer sees what was sent");

        let mut inflated = Inflated::default();
        let data: Vec<(bool, Vec<u8>)> = messages(tx.octets());
        let payloads = data.into_iter().filter(|(_, payload)| payload != b"?");
        for ((compressed, payload), expected) in payloads.zip(&expected) {
            if !compressed {
                prop_assert!(payload == *expected);
                continue;
            }
            if !takeover {
                let longest = inflated.longest_distance;
                inflated = Inflated { longest_distance: longest, ..Inflated::default() };
            }
            prop_assert!(inflated.message(&payload) == *expected, "anybody inflates it");
        }
        prop_assert!(inflated.longest_distance <= 1 << bits);
    }
}
