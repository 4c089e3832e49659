//! Connections of one thread lend each other their buffers. Nothing of one may show in another.
#![cfg(feature = "poll")]

mod common;

use std::time::Duration;

use common::frames::{close_payload, to_client, to_server};
use common::wire::{Clock, EASY, HARD, Handle, Manner, Pipe, pipe, run, settle};
use websocket_proto::adapter::AcceptOptions;
use websocket_proto::adapter::Error;
use websocket_proto::adapter::poll::WebSocket;
use websocket_proto::{Config, Connection, Event, RecvBuffer, Server, Violation};

fn open(manner: Manner, config: Config, clock: &Clock) -> (WebSocket<Pipe, Clock, Server>, Handle) {
    let (pipe, peer) = pipe(manner);
    let ws = Connection::open_server(config);
    let ws = WebSocket::from_parts(pipe, clock.clone(), ws, RecvBuffer::new(), None);
    (ws, peer)
}

#[test]
fn a_text_that_was_cut_short_is_not_gone_on_with_by_another_connection() {
    for manner in [EASY, HARD] {
        let clock = Clock::default();
        let (mut ws, peer) = open(manner, Config::new(), &clock);
        peer.send(&to_server(0x01, b"caf\xC3"));
        peer.send(&to_server(0x09, b""));
        peer.end();
        assert!(matches!(run(ws.next()), Err(Error::Violation(_))));
        drop(ws);

        let (mut ws, peer) = open(manner, Config::new(), &clock);
        // Autobahn's case 6.1.2.
        for first in [0x01, 0x00, 0x80] {
            peer.send(&to_server(first, b""));
        }
        let (event, _) = run(ws.next()).unwrap().unwrap();
        assert!(matches!(event, Event::Text("")));
    }
}

#[test]
fn a_busy_connection_is_no_sign_of_life_of_another() {
    let clock = Clock::default();
    let config = AcceptOptions::new().config();
    let (mut busy, sender) = open(EASY, config, &clock);
    let (mut gone, peer) = open(EASY, config, &clock);
    let mut next = Box::pin(gone.next());
    assert!(settle(next.as_mut()).is_none());
    for _ in 0..4 {
        clock.advance(Duration::from_secs(10));
        sender.send(&to_server(0x81, b"busy"));
        let (event, _) = run(busy.next()).unwrap().unwrap();
        assert!(matches!(event, Event::Text("busy")));
        assert!(settle(Box::pin(busy.next()).as_mut()).is_none());
        // An idle poll, as a runtime may do at any time.
        assert!(settle(next.as_mut()).is_none());
    }
    let reason = Violation::PongTimeout.reason();
    let told = [
        to_client(0x89, b""),
        to_client(0x88, &close_payload(1011, reason)),
    ];
    assert_eq!(peer.take(), told.concat());
}
