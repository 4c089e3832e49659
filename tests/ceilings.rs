//! What is never exceeded: allocations, memory while waiting, replies that wait, and work for each octet.
//! Everything is counted, nothing is timed.
#![cfg(feature = "alloc")]

mod common;
#[path = "common/counting.rs"]
mod counting;

use common::frames::{self, to_client, to_server, whole_frames};
use common::{FORBIDDEN, answer_with, connecting_client, open_client, open_server, request_with};
use counting::{ASKED, HELD, allocations};
use websocket_proto::handshake::{Accept, HeadScanner, Request};
use websocket_proto::{
    Config, Connection, Event, MessageKind, RecvBuffer, SendBuffer, Side, Violation,
};

#[test]
fn the_allocator_counts() {
    assert_eq!(
        allocations(|| drop(std::hint::black_box(vec![0_u8; 10]))),
        1
    );
    let before = HELD.get();
    let held = std::hint::black_box(vec![0_u8; 1000]);
    assert_eq!(HELD.get() - before, 1000);
    drop(held);
    assert_eq!(HELD.get(), before);
}

/// One round: everything arrives, everything is answered, everything is written.
fn echo<S: Side>(
    ws: &mut Connection<S>,
    rx: &mut RecvBuffer<Vec<u8>>,
    tx: &mut SendBuffer<Vec<u8>>,
    input: &[u8],
) -> usize {
    let mut messages = 0;
    rx.extend(input).unwrap();
    while let Some(event) = ws.poll(rx, tx).unwrap() {
        match event {
            Event::Text(text) => ws.send_text(text, tx).unwrap(),
            Event::Binary(octets) => ws.send_binary(octets, tx).unwrap(),
            _ => continue,
        }
        messages += 1;
    }
    tx.clear();
    messages
}

#[test]
fn no_message_costs_an_allocation_once_the_buffers_are_warm() {
    for masked in [true, false] {
        let frame = |first, payload: &[u8]| {
            if masked {
                to_server(first, payload)
            } else {
                to_client(first, payload)
            }
        };
        let input = [
            frame(0x81, b"Hello"),
            frame(0x82, &[7; 300]),
            frame(0x89, b"ping"),
            frame(0x01, "in p\u{e4}rts".as_bytes()),
            frame(0x8A, b""),
            frame(0x80, b"."),
            frame(0x82, &vec![9; 70_000]),
        ]
        .concat();
        let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
        let mut count = |rounds: usize| {
            let mut messages = 0;
            let allocated = if masked {
                let mut ws = open_server(Config::new());
                allocations(|| {
                    for _ in 0..rounds {
                        messages += echo(&mut ws, &mut rx, &mut tx, &input);
                    }
                })
            } else {
                let mut ws = open_client(Config::new());
                allocations(|| {
                    for _ in 0..rounds {
                        messages += echo(&mut ws, &mut rx, &mut tx, &input);
                    }
                })
            };
            assert_eq!(messages, rounds * 4);
            allocated
        };
        count(2);
        assert_eq!(count(100), 0, "masked: {masked}");
    }
}

#[test]
fn no_handshake_costs_a_server_an_allocation_beyond_its_buffers() {
    let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
    let head = request_with("Sec-WebSocket-Protocol: a, b\r\nCookie: c=d\r\n");
    let mut open = |accept: bool| {
        let mut ws = Connection::server(Config::new());
        rx.extend(&head).unwrap();
        let Some(Event::Request(request)) = ws.poll(&mut rx, &mut tx).unwrap() else {
            panic!()
        };
        if accept {
            ws.accept(&request, &Accept::new().with_subprotocol("b"), &mut tx)
                .unwrap();
        } else {
            ws.reject(&FORBIDDEN, &mut tx).unwrap();
        }
        while ws.poll(&mut rx, &mut tx).unwrap().is_some() {}
        tx.clear();
    };
    open(true);
    let allocated = allocations(|| {
        open(true);
        open(false);
    });
    assert_eq!(allocated, 0);
}

/// A stream whose octets have all come, and which forgets what is written.
#[cfg(feature = "std")]
struct Come<'a>(&'a [u8]);

#[cfg(feature = "std")]
impl std::io::Read for Come<'_> {
    fn read(&mut self, octets: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(octets)
    }
}

#[cfg(feature = "std")]
impl std::io::Write for Come<'_> {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        Ok(octets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(feature = "std")]
#[test]
fn a_blocking_server_accepts_with_one_allocation_the_buffer_that_it_reads_into() {
    use websocket_proto::adapter::blocking::{NoTimeouts, accept};
    let head = request_with("Origin: http://example.com\r\nCookie: c=d\r\n");
    let stream = || NoTimeouts(Come(&head));
    assert_eq!(
        allocations(|| drop(accept(stream()).expect("it is accepted"))),
        1
    );
}

#[test]
fn commands_of_all_kinds_allocate_nothing_once_the_buffer_is_warm() {
    let mut tx = SendBuffer::new();
    let mut ws = open_client(Config::new());
    let mut payload = vec![1; 1000];
    let mut round = || {
        ws.send_text("text", &mut tx).unwrap();
        ws.begin_message(MessageKind::Binary).unwrap();
        ws.write_part(&[2; 200], &mut tx).unwrap();
        ws.send_ping(&[3; 125], &mut tx).unwrap();
        ws.end_message(&[4; 200], &mut tx).unwrap();
        ws.send_apart(MessageKind::Binary, &mut payload).unwrap();
        tx.clear();
    };
    round();
    assert_eq!(allocations(|| (0..100).for_each(|_| round())), 0);
}

#[test]
fn rule_28_a_declared_length_allocates_nothing() {
    for length in [65_536, 1 << 24, 1 << 32, (1 << 63) - 1] {
        let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
        let mut ws = open_server(Config::new().with_max_message_size(u64::MAX));
        rx.extend(b"").unwrap();
        let _ = rx.spare();
        let header = frames::header(0x82, Some([1, 2, 3, 4]), length);
        let allocated = allocations(|| {
            rx.extend(&header).unwrap();
            let polled = ws.poll(&mut rx, &mut tx).map(|event| event.is_none());
            if usize::try_from(length).is_err() {
                // No memory of this machine could ever hold it.
                return assert_eq!(polled, Err(Violation::MessageTooBig));
            }
            assert_eq!(polled, Ok(true));
            rx.extend(&[0; 100]).unwrap();
            assert!(ws.poll(&mut rx, &mut tx).unwrap().is_none());
        });
        // Where none of it is waited for, the Close that says so takes memory.
        let told = usize::from(usize::try_from(length).is_err());
        assert!(
            allocated <= told,
            "{length} octets were declared: {allocated}"
        );
    }
}

/// Feeds the input in pieces; after each, everything that can be handled was, and what is held is
/// compared with what is unfinished.
fn check_memory<S: Side>(mut ws: Connection<S>, input: &[u8], piece: usize) {
    let before = HELD.get();
    let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
    for piece in input.chunks(piece) {
        let mut rest = piece;
        while !rest.is_empty() {
            let room = rx.spare();
            let count = room.len().min(rest.len());
            room[..count].copy_from_slice(&rest[..count]);
            rx.commit(count);
            rest = &rest[count..];
            while let Ok(Some(event)) = ws.poll(&mut rx, &mut tx) {
                assert!(!matches!(event, Event::Request(_)));
            }
            tx.clear();
            tx.release();
            // What the reader lent is given back before it waits, where much of it is free.
            if rx.is_empty() {
                rx.release();
            }
        }
        // What the machine held before, and lets go of, is not counted.
        let held = usize::try_from(HELD.get() - before).unwrap_or(0);
        assert!(
            held <= 2 * rx.len() + 1024,
            "{held} held for {} unfinished",
            rx.len()
        );
    }
}

#[test]
fn rule_48_while_waiting_at_most_twice_the_unfinished_octets_and_one_kib_are_held() {
    let long = vec![5; 200_000];
    let inputs = [
        to_server(0x82, &long),
        [
            to_server(0x02, &long[..50_000]),
            to_server(0x00, &long),
            to_server(0x80, b""),
        ]
        .concat(),
        to_server(0x81, b"small").repeat(2000),
        to_server(0x02, b"x")
            .into_iter()
            .chain(to_server(0x00, b"yz").repeat(5000))
            .chain(to_server(0x80, b""))
            .collect(),
        to_server(0x89, &[1; 125]).repeat(300),
        to_server(0x88, b"\x03\xE8bye")
            .into_iter()
            .chain(vec![0xFF; 50_000])
            .collect(),
        [vec![0x83], vec![0; 50_000]].concat(),
    ];
    for input in inputs {
        for piece in [1, 7, 500, 4096] {
            check_memory(open_server(Config::new()), &input, piece);
        }
    }
    let (client, _, _) = connecting_client(Config::new(), &["chat"]);
    check_memory(
        client,
        &[answer_with(""), to_client(0x82, &long)].concat(),
        100,
    );
}

#[test]
fn rule_50_a_flood_of_pings_from_a_peer_that_never_reads_leaves_one_pong() {
    let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
    let mut ws = open_server(Config::new());
    let mut count = 0_u32;
    for _ in 0..1000 {
        for _ in 0..100 {
            rx.extend(&to_server(0x89, &count.to_be_bytes())).unwrap();
            count += 1;
        }
        while let Some(event) = ws.poll(&mut rx, &mut tx).unwrap() {
            assert!(matches!(event, Event::Ping(_)));
        }
        assert!(tx.len() <= 127);
    }
    assert_eq!(count, 100_000);
    assert_eq!(tx.octets(), to_client(0x8A, &(count - 1).to_be_bytes()));
}

#[test]
fn rule_50_a_flood_that_begins_while_a_pong_is_half_written_leaves_that_and_one_more() {
    let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
    let mut ws = open_client(Config::new());
    ws.send_text("first", &mut tx).unwrap();
    let first = tx.len();
    for round in 0..1000 {
        rx.extend(&to_client(0x89, &[b'p'; 125])).unwrap();
        while ws.poll(&mut rx, &mut tx).unwrap().is_some() {}
        if round == 0 {
            tx.consume(first + 1);
        }
        assert!(tx.len() <= 2 * 131, "{} wait", tx.len());
    }
    assert_eq!(tx.len(), 2 * 131 - 1);
}

#[test]
fn rule_50_a_flood_of_pings_and_a_close_leave_one_pong_and_one_close() {
    let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
    let mut ws = open_server(Config::new());
    rx.extend(&to_server(0x89, b"p").repeat(1000)).unwrap();
    rx.extend(&to_server(0x88, b"").repeat(1000)).unwrap();
    while ws.poll(&mut rx, &mut tx).unwrap().is_some() {}
    let told: Vec<u8> = whole_frames(tx.octets())
        .iter()
        .map(|frame| frame.first)
        .collect();
    assert_eq!(told, [0x8A, 0x88]);
}

// RFC 6455 §10.4-1
#[test]
fn rule_26_a_flood_of_empty_fragments_ends_at_the_limit_with_1008() {
    let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
    let mut ws = open_server(Config::new());
    for fragment in 1..=65_536 {
        let first = [0x02, 0x00, 0x80][usize::from(fragment > 1) + usize::from(fragment == 65_536)];
        rx.extend(&to_server(first, b"")).unwrap();
        let event = ws.poll(&mut rx, &mut tx).unwrap();
        assert_eq!(event.is_some(), fragment == 65_536, "as many as may be");
    }
    let mut fragments = 0_u32;
    let error = loop {
        let first = if fragments == 0 { 0x02 } else { 0x00 };
        rx.extend(&to_server(first, b"")).unwrap();
        fragments += 1;
        match ws.poll(&mut rx, &mut tx) {
            Ok(event) => assert!(event.is_none()),
            Err(violation) => break violation,
        }
        assert!(fragments < 100_000);
    };
    assert_eq!((error, fragments), (Violation::TooManyFragments, 65_537));
    assert_eq!(whole_frames(tx.octets())[0].close_code(), 1008);
    assert!(rx.into_storage().capacity() <= 2048);
}

/// What a message of this many octets asks of the allocator when it comes octet by octet: octets of
/// memory, all requests together.
fn asked_for(input: &[u8]) -> usize {
    let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
    let mut ws = open_server(Config::new());
    let before = ASKED.get();
    let mut events = 0;
    for octet in input {
        rx.spare()[0] = *octet;
        rx.commit(1);
        while ws.poll(&mut rx, &mut tx).unwrap().is_some() {
            events += 1;
        }
    }
    assert_eq!(events, 1);
    ASKED.get() - before
}

#[test]
fn rule_49_growing_takes_memory_in_proportion_and_seldom() {
    // A buffer that grew by a constant would ask for four times as much, and copy as much, for twice the
    // octets.
    let fragmented = |count: usize| {
        let parts = to_server(0x00, b"12345678").repeat(count);
        [to_server(0x02, b""), parts, to_server(0x80, b"")].concat()
    };
    let single = |count: usize| {
        let parts = to_server(0x00, b"1").repeat(count);
        [to_server(0x02, b"1"), parts, to_server(0x80, b"1")].concat()
    };
    let whole = |length: usize| to_server(0x82, &vec![3; length]);
    for (one, two) in [
        (whole(50_000), whole(100_000)),
        (whole(100_000), whole(200_000)),
        (fragmented(4_000), fragmented(8_000)),
        (single(10_000), single(20_000)),
    ] {
        let (one, two) = (asked_for(&one), asked_for(&two));
        assert!(
            two * 10 <= one * 23,
            "{one} octets for once, {two} for twice as much"
        );
    }
}

/// Feeds pieces until a violation shows: it, how many octets it took, and the most that was held meanwhile.
fn fed_until_it_fails<S: Side>(
    mut ws: Connection<S>,
    first: &[u8],
    again: &[u8],
) -> (Violation, usize, usize) {
    let before = HELD.get();
    let (mut rx, mut tx): (RecvBuffer<Vec<u8>>, SendBuffer<Vec<u8>>) =
        (RecvBuffer::new(), SendBuffer::new());
    let (mut taken, mut most) = (0, 0);
    for piece in std::iter::once(first).chain(std::iter::repeat(again)) {
        rx.extend(piece).unwrap();
        taken += piece.len();
        assert!(taken < 1 << 20, "it never ends");
        let polled = ws.poll(&mut rx, &mut tx).map(|event| event.is_none());
        most = most.max(HELD.get() - before);
        match polled {
            Ok(nothing) => assert!(nothing),
            Err(violation) => return (violation, taken, usize::try_from(most).unwrap()),
        }
    }
    unreachable!()
}

#[test]
fn rule_09_an_endless_head_ends_at_its_limit_in_memory_that_has_a_bound() {
    let request = request_with("");
    let (request, _) = request.split_at(request.len() - 2);
    let answer = answer_with("");
    let (answer, _) = answer.split_at(answer.len() - 2);
    for limit in [1000_u16, 16 << 10] {
        let config = Config::new().with_max_head_size(limit);
        let most = 2 * usize::from(limit) + 1024 + 512;
        for again in [&b"x"[..], b"X: y\r\n"] {
            let (violation, taken, held) =
                fed_until_it_fails(Connection::server(config), request, again);
            assert_eq!(violation.status(), Some(431), "{violation:?}");
            assert!(taken <= usize::from(limit) + again.len(), "{taken} octets");
            assert!(held <= most, "{held} held");
            let (client, _, _) = connecting_client(config, &[]);
            let (violation, taken, held) = fed_until_it_fails(client, answer, again);
            assert!(matches!(violation, Violation::Response(_)), "{violation:?}");
            assert!(taken <= usize::from(limit) + again.len(), "{taken} octets");
            assert!(held <= most, "{held} held");
        }
        let (violation, taken, _) =
            fed_until_it_fails(Connection::server(config), b"GET /", b"xxxxxxx");
        assert_eq!(violation.status(), Some(414), "a line without an end");
        assert!(taken <= usize::from(limit) + 7);
    }
}

#[test]
fn rule_48_what_is_sent_to_a_peer_that_never_reads_stays_below_the_limit() {
    let before = HELD.get();
    let mut ws = open_server(Config::new());
    let mut tx = SendBuffer::with_limit(64 << 10);
    let (mut sent, mut refused) = (0, 0);
    for round in 0..10_000 {
        match ws.send_binary(&[7; 1000], &mut tx) {
            Ok(()) => sent += 1,
            Err(misuse) => {
                assert_eq!(misuse, websocket_proto::Misuse::SendBufferFull);
                refused += 1;
            }
        }
        assert_eq!(
            tx.len(),
            sent * 1004,
            "whole frames alone, in round {round}"
        );
    }
    assert_eq!((sent, refused), (65, 9935));
    let held = HELD.get() - before;
    assert!(held <= 2 * (64 << 10), "{held}");
}

#[test]
fn rule_49_a_burst_of_small_frames_in_a_large_buffer_is_not_moved_once_for_each() {
    // Each text is lent where the transport has put it: its address says whether it was moved.
    let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
    let mut ws = open_server(Config::new());
    rx.extend(&to_server(0x81, b"x").repeat(10_000)).unwrap();
    let mut last = None;
    let mut count = 0;
    while let Some(Event::Text(text)) = ws.poll(&mut rx, &mut tx).unwrap() {
        let place = text.as_ptr() as usize;
        assert!(
            last.is_none_or(|last| place == last + 7),
            "each behind the one before"
        );
        last = Some(place);
        count += 1;
    }
    assert_eq!(count, 10_000);
}

#[test]
fn rule_49_a_frame_that_comes_whole_is_handed_out_where_it_lies() {
    let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
    let mut ws = open_server(Config::new());
    let frame = to_server(0x82, &[8; 50_000]);
    let room = rx.spare_at_least(frame.len());
    let place = room.as_ptr() as usize;
    room[..frame.len()].copy_from_slice(&frame);
    rx.commit(frame.len());
    let Some(Event::Binary(octets)) = ws.poll(&mut rx, &mut tx).unwrap() else {
        panic!()
    };
    assert_eq!(
        octets.as_ptr() as usize,
        place + 8,
        "behind its header, not copied"
    );
}

#[test]
fn rule_49_fragments_move_to_their_message_and_the_message_stays() {
    let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
    let mut ws = open_server(Config::new());
    let input = [
        to_server(0x02, &[1; 1000]),
        to_server(0x00, &[2; 1000]),
        to_server(0x80, &[3; 1000]),
    ]
    .concat();
    let room = rx.spare_at_least(input.len());
    let place = room.as_ptr() as usize;
    room[..input.len()].copy_from_slice(&input);
    rx.commit(input.len());
    let Some(Event::Binary(octets)) = ws.poll(&mut rx, &mut tx).unwrap() else {
        panic!()
    };
    assert_eq!(
        octets.as_ptr() as usize,
        place + 8,
        "joined where its first fragment lay"
    );
    assert_eq!(octets.len(), 3000);
}

#[test]
fn rule_49_a_poll_without_new_octets_finds_nothing_and_one_octet_makes_one_poll() {
    // The number of polls follows from the octets and the events, nothing is offered twice.
    for count in [1000, 2000] {
        let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
        let mut ws = open_server(Config::new());
        let (mut polls, mut events) = (0, 0);
        let input = to_server(0x81, b"text").repeat(count);
        for octet in &input {
            rx.extend(&[*octet]).unwrap();
            loop {
                polls += 1;
                if ws.poll(&mut rx, &mut tx).unwrap().is_none() {
                    break;
                }
                events += 1;
            }
        }
        assert_eq!((events, polls), (count, input.len() + count));
    }
}

#[test]
fn rule_13_a_head_scanned_octet_by_octet_is_parsed_once() {
    // The scanner keeps its place: what it is shown again it does not look at, so that octets which have
    // changed behind its back go unseen. Whoever reads a head anew with each octet would see them.
    let head = request_with("");
    let mut scanner = HeadScanner::default();
    for end in 1..head.len() {
        let mut shown = head[..end].to_vec();
        shown[..end - 1].fill(0);
        assert_eq!(scanner.scan(&shown, 4096), Ok(None), "{end} octets");
    }
    assert_eq!(scanner.scan(&head, 4096), Ok(Some(head.len())));
    assert!(Request::parse(&head).is_ok());
}

#[test]
fn rule_49_a_handshake_octet_by_octet_allocates_as_seldom_as_in_one_piece() {
    let head = request_with(&"X-Field: some value or other\r\n".repeat(90));
    let count = |piece: usize| {
        let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
        let mut ws = Connection::server(Config::new());
        allocations(|| {
            for piece in head.chunks(piece) {
                rx.extend(piece).unwrap();
                let _ = ws.poll(&mut rx, &mut tx).unwrap();
            }
        })
    };
    // 1 KiB, then twice as much each time.
    assert!(count(1) <= 5, "{} for octets", count(1));
    assert!(count(head.len()) <= 1);
}

// ---- async adapters ------------------------------------------------------------------------------

#[cfg(feature = "poll")]
mod tasks {
    use std::pin::pin;

    use websocket_proto::adapter::poll::WebSocket;

    use super::common::wire::{Clock, EASY, Handle, Pipe, run, settle};
    use super::*;

    /// A server's end that has echoed a message of 16 KiB and waits, so that everything is warm.
    fn warm() -> (WebSocket<Pipe, Clock, websocket_proto::Server>, Handle) {
        let (pipe, peer) = common::wire::pipe(EASY);
        let ws = open_server(Config::new());
        let mut ws = WebSocket::from_parts(pipe, Clock::default(), ws, RecvBuffer::new(), None);
        exchange(&mut ws, &peer, 16 << 10);
        (ws, peer)
    }

    fn exchange(
        ws: &mut WebSocket<Pipe, Clock, websocket_proto::Server>,
        peer: &Handle,
        length: usize,
    ) {
        peer.send(&to_server(0x82, &vec![7; length]));
        let (event, mut out) = run(ws.next()).unwrap().unwrap();
        let Event::Binary(octets) = event else {
            panic!("{event:?}")
        };
        out.send_binary(octets).unwrap();
        assert!(settle(pin!(ws.next())).is_none());
        assert_eq!(whole_frames(&peer.take())[0].payload.len(), length);
    }

    #[test]
    fn an_idle_task_holds_no_buffer() {
        // What the thread has to lend isn't the connections'.
        let lent = warm();
        let before = HELD.get();
        let connections: Vec<_> = (0..100)
            .map(|_| {
                let (ws, peer) = warm();
                // The pipe's own memory is the test's.
                peer.shrink();
                (ws, peer)
            })
            .collect();
        let bare: Vec<_> = (0..100)
            .map(|_| (common::wire::pipe(EASY), Clock::default()))
            .collect();
        let all = HELD.get() - before;
        drop(bare);
        let bare = all - (HELD.get() - before);
        let each = (all - 2 * bare) / 100;
        let least = size_of_val(&connections[0].0) - size_of::<Pipe>();
        assert!(
            each <= least as isize + 8,
            "{each} beyond the pipe, of {least}"
        );
        drop((connections, lent));
    }

    #[test]
    fn rule_48_an_unfinished_message_takes_at_most_twice_its_octets_and_one_kib() {
        let (mut ws, peer) = warm();
        let message = to_server(0x82, &vec![7; 300_000]);
        let before = HELD.get();
        for (at, part) in message.chunks(777).enumerate() {
            peer.send(part);
            let settled = settle(pin!(async { ws.next().await.map(drop) }));
            peer.shrink();
            let come = ((at + 1) * 777).min(message.len());
            if come == message.len() {
                assert!(settled.is_some());
            } else {
                assert!(settled.is_none());
                let held = HELD.get() - before;
                // And the place where the buffer is noted down.
                assert!(held <= 2 * come as isize + 1024 + 128, "{held} for {come}");
            }
        }
        assert!(settle(pin!(ws.next())).is_none());
        assert!(HELD.get() - before < 1024, "given back");
    }

    #[test]
    fn a_warm_connection_allocates_nothing_for_a_message() {
        let (mut ws, peer) = warm();
        for length in [16, 1000, 16 << 10, 64 << 10] {
            exchange(&mut ws, &peer, length);
            let frame = to_server(0x82, &vec![7; length]);
            peer.send(&frame);
            let count = allocations(|| {
                let (event, mut out) = run(ws.next()).unwrap().unwrap();
                if let Event::Binary(octets) = event {
                    out.send_binary(octets).unwrap();
                }
                assert!(settle(pin!(ws.next())).is_none());
            });
            assert_eq!(peer.take().len(), whole_answer(length));
            assert_eq!(count, 0, "{length}");
        }
    }

    fn whole_answer(length: usize) -> usize {
        to_client(0x82, &vec![7; length]).len()
    }
}

#[test]
fn an_open_clients_connection_holds_nothing_of_its_request() {
    let subprotocols = ["chat.v1", "chat.v2", "a.subprotocol.with.a.long.name"];
    let (mut ws, mut rx, mut tx) = connecting_client(Config::new(), &subprotocols);
    let answer = answer_with("Sec-WebSocket-Protocol: chat.v2\r\n");
    rx.spare_at_least(4096);
    rx.extend(&answer).unwrap();
    let connecting = HELD.get();
    let opened = matches!(ws.poll(&mut rx, &mut tx), Ok(Some(Event::HandshakeDone(_))));
    assert!(opened && ws.poll(&mut rx, &mut tx).unwrap().is_none());
    let names: usize = subprotocols.iter().map(|name| name.len()).sum();
    let given_back = usize::try_from(connecting - HELD.get()).unwrap_or(0);
    assert!(given_back >= names, "{given_back}");
}
