//! What the async adapters hold while a peer sends and sends, and takes nothing.
#![cfg(feature = "poll")]

mod common;
#[path = "common/counting.rs"]
mod counting;

use std::pin::pin;

use common::frames::{to_client, to_server, whole_frames};
use common::wire::{Clock, EASY, Handle, Manner, Pipe, pipe, run, settle};
use counting::HELD;
use websocket_proto::adapter::poll::WebSocket;
use websocket_proto::{Config, Connection, Event, Misuse, RecvBuffer, Server};

const STALLED: Manner = Manner {
    capacity: 0,
    ..EASY
};

/// An open server's end that has echoed, so that everything is warm: what the thread has to lend isn't the
/// connection's.
fn open() -> (WebSocket<Pipe, Clock, Server>, Handle) {
    let (pipe, peer) = pipe(EASY);
    let ws = Connection::open_server(Config::new());
    let mut ws = WebSocket::from_parts(pipe, Clock::default(), ws, RecvBuffer::new(), None);
    peer.send(&to_server(0x82, b"0123456789").repeat(10_000));
    assert!(settle(pin!(echo(&mut ws))).is_none());
    assert_eq!(whole_frames(&peer.take()).len(), 10_000);
    (ws, peer)
}

/// What may be held while so many octets wait: twice as much and 1 KiB, and the place where it is noted.
fn bound(waiting: usize) -> isize {
    2 * waiting as isize + 1024 + 256
}

async fn echo(ws: &mut WebSocket<Pipe, Clock, Server>) {
    while let Some((event, mut out)) = ws.next().await.unwrap() {
        if let Event::Binary(octets) = event {
            out.send_binary(octets).unwrap();
        }
    }
}

#[test]
fn a_task_that_echoes_holds_the_answers_to_one_read() {
    let (mut ws, peer) = open();
    const MANY: usize = 100_000;
    *peer.manner.lock().unwrap() = STALLED;
    peer.send(&to_server(0x82, b"0123456789").repeat(MANY));
    let before = (HELD.get(), peer.calls().reads);
    for _ in 0..100 {
        assert!(settle(pin!(echo(&mut ws))).is_none());
        assert_eq!(peer.calls().reads, before.1 + 1);
        let waiting = ws.queue().buffered_amount();
        assert!((1..=68 << 10).contains(&waiting), "{waiting}");
        // The rest of the last message of that read waits, too.
        let (held, bound) = (HELD.get() - before.0, bound(waiting) + bound(16));
        assert!(held <= bound, "{held} for {waiting}");
    }
    *peer.manner.lock().unwrap() = EASY;
    let mut echoed = 0;
    while peer.unread() > 0 || echoed < MANY {
        assert!(settle(pin!(echo(&mut ws))).is_none());
        echoed += whole_frames(&peer.take()).len();
    }
    assert_eq!(echoed, MANY);
    peer.shrink();
    assert!(HELD.get() <= before.0, "all of it is given back");
}

#[test]
fn halves_read_on_and_hold_one_answer_or_two() {
    let (ws, peer) = open();
    let (mut reader, writer) = ws.split();
    *peer.manner.lock().unwrap() = STALLED;
    peer.send(&to_server(0x89, &[7; 100]).repeat(10_000));
    let before = HELD.get();
    assert!(
        settle(pin!(async {
            while reader.next().await.unwrap().is_some() {}
        }))
        .is_none()
    );
    assert_eq!(peer.unread(), 0, "all has been read");
    let waiting = writer.queue(|out| Ok(out.buffered_amount())).unwrap();
    assert!((102..=204).contains(&waiting), "{waiting}");
    let held = HELD.get() - before;
    assert!(held <= bound(waiting), "{held} for {waiting}");
}

#[test]
fn halves_queue_up_to_the_limit_and_wait_there() {
    let (ws, peer) = open();
    let (mut reader, writer) = ws.split();
    *peer.manner.lock().unwrap() = STALLED;
    let megabyte = vec![7; 1 << 20];
    while writer.queue(|out| out.send_binary(&megabyte)).is_ok() {}
    let full = writer.queue(|out| Ok(out.buffered_amount())).unwrap();
    // 16 MiB beyond the largest message.
    assert!(full <= 32 << 20 && full > 31 << 20, "{full}");
    let held = HELD.get();
    for _ in 0..10 {
        assert!(matches!(
            writer.queue(|out| out.send_binary(&megabyte)),
            Err(Misuse::SendBufferFull)
        ));
        assert!(settle(pin!(writer.send_binary(&megabyte))).is_none());
        assert!(settle(pin!(reader.next())).is_none());
    }
    let grown = HELD.get() - held;
    assert!(grown <= 1024, "{grown} where nothing was queued");
    // Whoever waits has its turn when the peer takes what waits.
    let mut sending = pin!(writer.send_binary(&megabyte));
    assert!(settle(sending.as_mut()).is_none());
    *peer.manner.lock().unwrap() = EASY;
    run(sending).unwrap();
    let frame = to_client(0x82, &megabyte);
    assert_eq!(peer.take().len(), full + frame.len());
}

#[cfg(feature = "embedded-io-async")]
mod fixed {
    use websocket_proto::adapter::embedded::{self, Buffers};
    use websocket_proto::handshake::Accept;

    use super::common::wire::device::Socket;
    use super::common::{answer_with, request_with};
    use super::counting::allocations;
    use super::*;

    async fn echo(ws: &mut embedded::ServerSocket<'_, Socket, Clock>) {
        while let Some((event, mut out)) = ws.next().await.unwrap() {
            match event {
                Event::Request(request) => out.accept(&request, &Accept::new()).unwrap(),
                Event::Binary(octets) => out.send_binary(octets).unwrap(),
                _ => {}
            }
        }
    }

    #[test]
    fn fixed_buffers_allocate_nothing_from_the_opening_to_a_peer_that_stalls() {
        let ((pipe, peer), clock) = (pipe(EASY), Clock::default());
        let (mut rx, mut tx) = ([0; 1024], [0; 1024]);
        let buffers = Buffers {
            rx: &mut rx,
            tx: &mut tx,
        };
        // What the pipe holds is the test's.
        peer.reserve(4096);
        peer.send(&request_with(""));
        peer.send(&to_server(0x82, b"0123456789").repeat(10));
        let mut socket = None;
        let opening = allocations(|| {
            let ws = embedded::WebSocket::server(Socket(pipe), clock, buffers, Config::new());
            assert!(settle(pin!(echo(socket.insert(ws)))).is_none());
        });
        assert_eq!(
            whole_frames(&peer.take()[answer_with("").len()..]).len(),
            10
        );
        *peer.manner.lock().unwrap() = STALLED;
        peer.send(&to_server(0x82, b"0123456789").repeat(1000));
        let stalled = allocations(|| {
            assert!(settle(pin!(echo(socket.as_mut().unwrap()))).is_none());
        });
        assert_eq!((opening, stalled), (0, 0));
        assert!(peer.unread() > 14_000, "no more is read than is answered");
    }
}
