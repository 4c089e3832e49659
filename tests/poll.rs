//! The core of the async adapters, over a transport in memory and with a clock that the test moves. No
//! runtime takes part: futures are polled by hand, and dropped wherever they wait.
#![cfg(feature = "poll")]

mod common;

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use common::frames::{self, close_payload, to_client, to_server, whole_frames};
use common::wire::{
    Clock, EASY, HARD, Handle, Manner, Pipe, pair, pipe, poll_once, run, run_both, settle,
};
use common::{answer_with, request_with};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use websocket_proto::adapter::poll::{
    self, ClientSocket, Message, ServerSocket, WebSocket, accept, accept_with, connect_over,
};
use websocket_proto::adapter::{AcceptOptions, ConnectOptions, Error};
use websocket_proto::handshake::{Accept, Rejection, Url};
use websocket_proto::{
    CloseCode, Config, Connection, Event, Misuse, RecvBuffer, Server, Side, Violation,
};

type OpenServer = WebSocket<Pipe, Clock, Server>;

/// An open server's end, its peer's hand, and the time.
fn open(manner: Manner, config: Config) -> (OpenServer, Handle, Clock) {
    let (pipe, peer) = pipe(manner);
    let clock = Clock::default();
    let ws = Connection::open_server(config);
    let timeout = Some(Duration::from_secs(30));
    let ws = WebSocket::from_parts(pipe, clock.clone(), ws, RecvBuffer::new(), timeout);
    (ws, peer, clock)
}

fn keepalive() -> Config {
    AcceptOptions::new().config()
}

const fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Both ends of a connection, opened.
fn opened(manner: Manner) -> (ServerSocket<Pipe, Clock>, ClientSocket<Pipe, Clock>) {
    let (here, there) = pair(manner);
    let (server, client) = run_both(
        accept(here, Clock::default()),
        connect_over(
            there,
            Clock::default(),
            &Url::parse("ws://a/").unwrap(),
            &ConnectOptions::new(),
        ),
    );
    (server.unwrap(), client.unwrap())
}

/// Queues the answer to an event.
fn answer<S: Side>(event: Event<'_>, out: &mut poll::Outgoing<'_, S>) {
    match event {
        Event::Text(text) => out.send_text(text).unwrap(),
        Event::Binary(octets) => out.send_binary(octets).unwrap(),
        _ => {}
    }
}

// ---- futures that are dropped --------------------------------------------------------------------

/// Messages around the lengths at which headers, copies and buffers change.
fn lengths() -> impl Iterator<Item = usize> {
    [0, 1, 125, 126, 4095, 4096, 5000, 65_535, 65_536].into_iter()
}

fn text_of(length: usize) -> String {
    ('a'..='z').cycle().take(length).collect()
}

#[test]
fn a_server_s_large_message_is_whole_though_its_future_is_dropped() {
    for manner in [HARD, EASY, Manner { most: 1000, ..EASY }] {
        let (mut ws, peer, _) = open(manner, Config::new());
        let octets: Vec<u8> = (0..100_000_u32).map(|at| at as u8).collect();
        let _ = poll_once(pin!(ws.send_binary(&octets)));
        let _ = poll_once(pin!(ws.send_text("next")));
        run(ws.flush()).unwrap();
        let expected = [to_client(0x82, &octets), to_client(0x81, b"next")];
        assert!(peer.take() == expected.concat());
    }
}

#[test]
fn a_stream_and_a_sink_can_be_left_at_any_octet() {
    let (server, client) = opened(HARD);
    let served = async move {
        let (mut sink, mut stream) = server.split_stream();
        while let Some(message) = stream.next().await {
            match message? {
                Message::Close { .. } => {}
                message => sink.send(message).await?,
            }
        }
        Ok::<(), Error>(())
    };
    let asked = async move {
        let mut client = client;
        for length in lengths() {
            SinkExt::feed(&mut client, Message::Text(text_of(length)))
                .await
                .unwrap();
        }
        SinkExt::flush(&mut client).await.unwrap();
        for length in lengths() {
            let message = StreamExt::next(&mut client).await.unwrap().unwrap();
            assert_eq!(message, Message::Text(text_of(length)));
        }
        SinkExt::close(&mut client).await.unwrap();
        client.outcome().unwrap()
    };
    let (served, outcome) = run_both(served, asked);
    served.unwrap();
    assert_eq!(outcome.code, CloseCode::NORMAL);
}

/// Both directions for two owners, as those see them who know `Stream` and `Sink` alone.
trait SplitStream: Sized {
    fn split_stream(
        self,
    ) -> (
        impl Sink<Message, Error = Error> + Unpin,
        impl Stream<Item = Result<Message, Error>> + Unpin,
    );
}

impl SplitStream for ServerSocket<Pipe, Clock> {
    fn split_stream(
        self,
    ) -> (
        impl Sink<Message, Error = Error> + Unpin,
        impl Stream<Item = Result<Message, Error>> + Unpin,
    ) {
        let (reader, writer) = self.split();
        (writer, reader)
    }
}

// ---- when it reads and writes --------------------------------------------------------------------

#[test]
fn all_answers_go_out_in_one_write() {
    let (mut ws, peer, _) = open(EASY, Config::new());
    peer.send(&to_server(0x81, b"0123456789").repeat(1000));
    let mut served = pin!(async {
        while let Some((event, mut out)) = ws.next().await.unwrap() {
            answer(event, &mut out);
        }
    });
    assert!(settle(served.as_mut()).is_none(), "it waits for more");
    assert_eq!(whole_frames(&peer.take()).len(), 1000);
    assert_eq!((peer.calls().writes, peer.calls().reads), (1, 1));
}

#[test]
fn a_frame_of_64_kib_takes_one_read_and_one_write() {
    let (mut ws, peer, _) = open(EASY, Config::new());
    peer.send(&to_server(0x82, &[7; 64 << 10]));
    let (event, mut out) = run(ws.next()).unwrap().unwrap();
    answer(event, &mut out);
    assert!(settle(pin!(ws.next())).is_none());
    assert_eq!(peer.take(), to_client(0x82, &[7; 64 << 10]));
    assert_eq!((peer.calls().writes, peer.calls().reads), (1, 1));
}

#[test]
fn a_server_s_large_payload_goes_beside_its_header_without_a_copy() {
    let (mut ws, peer, _) = open(EASY, Config::new());
    run(ws.send_binary(&[7; 10_000])).unwrap();
    ws.queue().send_text("before").unwrap();
    run(ws.send(Message::Binary(Bytes::from(vec![8; 10_000])))).unwrap();
    let expected = [
        to_client(0x82, &[7; 10_000]),
        to_client(0x81, b"before"),
        to_client(0x82, &[8; 10_000]),
    ];
    assert!(peer.take() == expected.concat());
    assert_eq!((peer.calls().vectored, peer.calls().writes), (2, 2));
}

#[test]
fn where_slices_can_t_be_written_together_a_header_goes_with_its_payload() {
    let manner = Manner {
        vectored: false,
        ..EASY
    };
    let (mut ws, peer, _) = open(manner, Config::new());
    run(ws.send_binary(&[7; 10_000])).unwrap();
    run(ws.send(Message::Binary(Bytes::from(vec![8; 10_000])))).unwrap();
    let expected = [to_client(0x82, &[7; 10_000]), to_client(0x82, &[8; 10_000])];
    assert!(peer.take() == expected.concat());
    assert_eq!((peer.calls().vectored, peer.calls().writes), (0, 2));
}

#[test]
fn a_payload_that_waits_apart_keeps_its_place() {
    let small = Manner {
        capacity: 100,
        ..EASY
    };
    let (mut ws, peer, _) = open(small, Config::new());
    peer.send(&to_server(0x89, b"ping"));
    Pin::new(&mut ws)
        .start_send(Message::from(text_of(5000)))
        .unwrap();
    Pin::new(&mut ws)
        .start_send(Message::from(vec![7; 6000]))
        .unwrap();
    // It is written in part when a Ping is answered, and a message comes behind it.
    assert!(settle(pin!(ws.flush())).is_none());
    ws.queue().send_text("last").unwrap();
    let mut written = Vec::new();
    let mut next = Box::pin(ws.next());
    while poll_once(next.as_mut()).is_pending() {
        written.extend(peer.take());
    }
    written.extend(peer.take());
    let before = [
        to_client(0x81, text_of(5000).as_bytes()),
        to_client(0x82, &[7; 6000]),
        to_client(0x81, b"last"),
    ];
    assert!(
        written == before.concat(),
        "the Ping is read when all is written"
    );
    drop(next);
    assert!(settle(pin!(ws.next())).is_none());
    assert_eq!(peer.take(), to_client(0x8A, b"ping"));
}

#[test]
fn what_a_transport_holds_back_is_flushed_before_the_task_waits() {
    let manner = Manner {
        holds_back: true,
        yields: true,
        ..EASY
    };
    let (mut ws, peer, _) = open(manner, Config::new());
    peer.send(&to_server(0x81, b"Hello"));
    let mut served = pin!(async {
        while let Some((event, mut out)) = ws.next().await.unwrap() {
            answer(event, &mut out);
        }
    });
    assert!(settle(served.as_mut()).is_none());
    assert_eq!(peer.take(), to_client(0x81, b"Hello"));
}

// ---- a peer that doesn't read --------------------------------------------------------------------

#[test]
fn a_stalled_peer_is_not_read_from_and_sending_waits_or_refuses() {
    let stalled = Manner {
        capacity: 0,
        ..EASY
    };
    let config = Config::new().with_max_message_size(1000);
    let (mut ws, peer, _) = open(stalled, config);
    ws.queue().send_text("first").unwrap();
    peer.send(&to_server(0x89, b"").repeat(100_000));
    assert!(settle(pin!(ws.next())).is_none());
    assert_eq!(peer.calls().reads, 0, "what it sends stays where it is");

    // Queueing refuses at the limit, and waiting to send waits.
    let limit = (16 << 20) + 1000;
    let megabyte = vec![7; 1 << 20];
    while ws.queue().send_binary(&megabyte).is_ok() {}
    let full = ws.queue().buffered_amount();
    assert!(full <= limit && full > limit - (1 << 20) - 10, "{full}");
    assert!(matches!(
        ws.queue().send_binary(&megabyte),
        Err(Misuse::SendBufferFull)
    ));
    assert!(settle(pin!(ws.send_binary(&megabyte))).is_none());
    assert_eq!(ws.queue().buffered_amount(), full, "it was not queued");

    *peer.manner.lock().unwrap() = EASY;
    run(ws.send_text("last")).unwrap();
    let got = whole_frames(&peer.take());
    assert_eq!(got.first().unwrap().payload, b"first");
    assert_eq!(got.last().unwrap().payload, b"last");
    assert_eq!(got.len(), 2 + full / (1 << 20));
}

#[test]
fn a_peer_that_takes_nothing_for_30_seconds_ends_the_connection() {
    let stalled = Manner {
        capacity: 2,
        ..EASY
    };
    for receiving in [false, true] {
        let (mut ws, _peer, clock) = open(stalled, Config::new());
        ws.queue().send_text("Hello").unwrap();
        let wait = |ws: &mut OpenServer| match receiving {
            true => settle(pin!(async { ws.next().await.map(|_| ()) })),
            false => settle(pin!(ws.flush())),
        };
        assert!(wait(&mut ws).is_none());
        clock.advance(secs(29));
        assert!(wait(&mut ws).is_none());
        clock.advance(secs(1));
        assert!(matches!(
            wait(&mut ws),
            Some(Err(Error::Io(error))) if error.kind() == std::io::ErrorKind::TimedOut
        ));
        assert!(matches!(
            run(ws.send_text("more")),
            Err(Error::Misuse(Misuse::Closing))
        ));
        assert!(run(ws.next()).unwrap().is_none());
        assert!(!ws.outcome().unwrap().clean);
    }
}

#[test]
fn a_slow_peer_has_30_seconds_for_each_octet() {
    let (mut ws, peer, clock) = open(
        Manner {
            capacity: 1,
            ..EASY
        },
        keepalive(),
    );
    ws.queue().send_text("Hello").unwrap();
    let mut got = Vec::new();
    for _ in 0..7 {
        assert!(settle(pin!(ws.next())).is_none());
        clock.advance(secs(29));
        got.extend(peer.take());
    }
    assert_eq!(got, to_client(0x81, b"Hello"));
}

// ---- deadlines -----------------------------------------------------------------------------------

#[test]
fn keepalive_pings_and_fails_a_peer_that_has_gone() {
    let (mut ws, peer, clock) = open(EASY, keepalive());
    let mut next = Box::pin(ws.next());
    assert!(settle(next.as_mut()).is_none());
    clock.advance(secs(20));
    assert!(settle(next.as_mut()).is_none());
    assert_eq!(peer.take(), to_client(0x89, b""));
    // A sign of life.
    peer.send(&to_server(0x8A, b""));
    assert!(matches!(
        settle(next.as_mut()),
        Some(Ok(Some((Event::Pong(_), _))))
    ));
    drop(next);
    let mut next = Box::pin(ws.next());
    assert!(settle(next.as_mut()).is_none());
    clock.advance(secs(20));
    assert!(settle(next.as_mut()).is_none());
    clock.advance(secs(20));
    assert!(settle(next.as_mut()).is_none());
    let told = [
        to_client(0x89, b""),
        to_client(0x88, &close_payload(1011, Violation::PongTimeout.reason())),
    ];
    assert_eq!(peer.take(), told.concat());
    assert!(peer.has_ended());
    clock.advance(secs(5));
    assert!(matches!(
        settle(next.as_mut()),
        Some(Err(Error::Violation(Violation::PongTimeout)))
    ));
}

#[test]
fn an_idle_connection_is_closed_and_closing_takes_5_seconds_at_most() {
    let config = Config::new().with_idle_timeout(Some(secs(60)));
    let (mut ws, peer, clock) = open(EASY, config);
    assert!(settle(pin!(ws.next())).is_none());
    clock.advance(secs(60));
    assert!(settle(pin!(ws.next())).is_none());
    assert_eq!(peer.take(), to_client(0x88, &close_payload(1001, "idle")));
    clock.advance(secs(5));
    assert!(run(ws.next()).unwrap().is_none());
    assert_eq!(ws.outcome().unwrap().code, CloseCode::ABNORMAL);
}

#[test]
fn an_opening_handshake_that_stalls_is_refused_with_408() {
    let (pipe, peer) = pipe(EASY);
    let clock = Clock::default();
    let mut accepting = pin!(accept(pipe, clock.clone()));
    peer.send(b"GET / HT");
    assert!(settle(accepting.as_mut()).is_none());
    clock.advance(secs(10));
    assert!(settle(accepting.as_mut()).is_none(), "it waits for the end");
    assert!(peer.take().starts_with(b"HTTP/1.1 408 "));
    assert!(peer.has_ended());
    clock.advance(secs(5));
    assert!(matches!(
        settle(accepting.as_mut()),
        Some(Err(Error::Violation(Violation::HandshakeTimeout)))
    ));
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let (pipe, peer) = pipe(EASY);
    let clock = Clock::default();
    let url = Url::parse("ws://a/").unwrap();
    let options = ConnectOptions::new();
    let mut connecting = pin!(connect_over(pipe, clock.clone(), &url, &options));
    assert!(settle(connecting.as_mut()).is_none());
    assert!(peer.take().starts_with(b"GET / HTTP/1.1\r\n"));
    clock.advance(secs(10));
    peer.end();
    assert!(matches!(
        settle(connecting.as_mut()),
        Some(Err(Error::Violation(_)))
    ));
}

#[test]
fn an_opening_handshake_that_ends_says_so() {
    let (pipe_, peer) = pipe(EASY);
    peer.send(b"GET / HT");
    peer.end();
    assert!(matches!(
        run(accept(pipe_, Clock::default())),
        Err(Error::Ended)
    ));
    let (pipe, peer) = pipe(EASY);
    peer.send(b"HTTP/1.1 101 Sw");
    peer.end();
    let url = Url::parse("ws://a/").unwrap();
    assert!(matches!(
        run(connect_over(
            pipe,
            Clock::default(),
            &url,
            &ConnectOptions::new()
        )),
        Err(Error::Violation(Violation::Response(_)))
    ));
}

#[test]
fn a_refusal_reaches_the_client_whole() {
    let (here, there) = pair(HARD);
    let options = AcceptOptions::new();
    let refuse = accept_with(here, Clock::default(), &options, |_| {
        Err(Rejection::new(404)
            .with_fields(&[("X-Why", "gone")])
            .with_body(b"nothing here"))
    });
    let url = Url::parse("ws://a/").unwrap();
    let options = ConnectOptions::new();
    let connect = connect_over(there, Clock::default(), &url, &options);
    let (refused, asked) = run_both(refuse, connect);
    assert!(matches!(refused, Err(Error::Rejected)));
    let Err(Error::Refused(refusal)) = asked else {
        panic!("not refused")
    };
    assert_eq!(
        (refusal.status, &refusal.body[..]),
        (404, &b"nothing here"[..])
    );
    assert_eq!(refusal.field("x-why"), Some(&b"gone"[..]));
}

#[test]
fn a_subprotocol_is_agreed_upon_and_early_frames_are_not_lost() {
    let (pipe, peer) = pipe(EASY);
    peer.send(&request_with("Sec-WebSocket-Protocol: a, b\r\n"));
    peer.send(&to_server(0x81, b"early"));
    let options = AcceptOptions::new().with_subprotocols(&["b", "a"]);
    let accepted = accept_with(pipe, Clock::default(), &options, |request| {
        assert_eq!(request.path(), "/chat");
        Ok(Accept::new())
    });
    let mut ws = run(accepted).unwrap();
    assert_eq!(ws.subprotocol(), Some("b"));
    assert_eq!(peer.take(), answer_with("Sec-WebSocket-Protocol: b\r\n"));
    assert!(matches!(
        run(ws.next()).unwrap(),
        Some((Event::Text("early"), _))
    ));
}

// ---- how it ends ---------------------------------------------------------------------------------

#[test]
fn a_violation_is_told_to_the_peer_before_it_is_reported() {
    for (input, code) in [
        (to_server(0x81, b"\xFF"), 1007),
        (to_client(0x81, b"unmasked"), 1002),
    ] {
        let (mut ws, peer, _) = open(HARD, keepalive());
        peer.send(&input);
        let mut next = Box::pin(ws.next());
        let told = loop {
            assert!(poll_once(next.as_mut()).is_pending(), "not before the end");
            if peer.has_ended() {
                break whole_frames(&peer.take());
            }
        };
        assert_eq!(told[0].close_code(), code);
        peer.send(&[0; 1000]);
        peer.end();
        assert!(matches!(run(next), Err(Error::Violation(_))));
        assert!(matches!(run(ws.next()), Err(Error::Violation(_))), "final");
    }
}

#[test]
fn a_stream_reports_a_violation_once_and_ends() {
    let (mut ws, peer, _) = open(EASY, keepalive());
    peer.send(&to_server(0x81, b"fine"));
    peer.send(&to_server(0x81, b"\xFF"));
    peer.end();
    assert_eq!(
        run(StreamExt::next(&mut ws)).unwrap().unwrap(),
        "fine".into()
    );
    assert!(matches!(
        run(StreamExt::next(&mut ws)),
        Some(Err(Error::Violation(Violation::InvalidUtf8)))
    ));
    assert!(run(StreamExt::next(&mut ws)).is_none());
}

#[test]
fn a_server_closes_the_transport_first_and_reads_to_its_end() {
    let (mut ws, peer, _) = open(EASY, Config::new());
    peer.send(&to_server(0x88, &close_payload(3000, "done")));
    assert!(matches!(
        run(ws.next()).unwrap(),
        Some((Event::Close(_), _))
    ));
    assert!(settle(pin!(ws.next())).is_none());
    assert!(peer.has_ended());
    assert_eq!(peer.take(), to_client(0x88, &close_payload(3000, "done")));
    peer.end();
    assert!(run(ws.next()).unwrap().is_none());
    let outcome = ws.outcome().unwrap();
    assert_eq!((outcome.code.value(), &outcome.reason[..]), (3000, "done"));
    assert!(run(ws.next()).unwrap().is_none(), "and nothing more");
}

// ---- halves --------------------------------------------------------------------------------------

#[test]
fn halves_read_while_the_peer_takes_nothing() {
    let stalled = Manner {
        capacity: 0,
        ..EASY
    };
    let (ws, peer, _) = open(stalled, keepalive());
    let (mut reader, writer) = ws.split();
    let mut sending = pin!(writer.send_text("waits"));
    assert!(settle(sending.as_mut()).is_none());
    peer.send(&to_server(0x81, b"Hello"));
    assert!(matches!(
        run(reader.next()).unwrap(),
        Some(Event::Text("Hello"))
    ));
    assert!(settle(pin!(reader.next())).is_none());
    *peer.manner.lock().unwrap() = EASY;
    run(sending).unwrap();
    assert_eq!(peer.take(), to_client(0x81, b"waits"));
}

#[test]
fn either_half_closes() {
    for from_reader in [true, false] {
        let (ws, peer, _) = open(HARD, Config::new());
        let (mut reader, writer) = ws.split();
        let closing = async {
            if from_reader {
                reader.close(CloseCode::NORMAL, "").await.map(drop)
            } else {
                writer.close(CloseCode::NORMAL, "").await?;
                while reader.next().await?.is_some() {}
                Ok(())
            }
        };
        peer.send(&to_server(0x88, &close_payload(1000, "")));
        peer.end();
        run(closing).unwrap();
        assert!(reader.outcome().unwrap().clean);
        assert!(matches!(
            run(writer.send_text("late")),
            Err(Error::Misuse(Misuse::Closing))
        ));
        let told = frames::read_all(&peer.take()).0;
        assert_eq!(told[0].close_code(), 1000);
    }
}

#[test]
fn what_a_writer_queues_is_written_by_the_reader() {
    let (ws, peer, _) = open(EASY, Config::new());
    let (mut reader, writer) = ws.split();
    for _ in 0..100 {
        writer.queue(|out| out.send_text("x")).unwrap();
    }
    assert!(settle(pin!(reader.next())).is_none());
    assert_eq!(whole_frames(&peer.take()).len(), 100);
    assert_eq!(peer.calls().writes, 1);
}

#[test]
fn a_sink_is_ready_until_64_kib_wait() {
    let stalled = Manner {
        capacity: 0,
        ..EASY
    };
    let (mut ws, _peer, _) = open(stalled, Config::new());
    let cx = &mut Context::from_waker(Waker::noop());
    let mut fed = 0;
    while let Poll::Ready(ready) = Pin::new(&mut ws).poll_ready(cx) {
        ready.unwrap();
        Pin::new(&mut ws)
            .start_send(Message::from(vec![7; 1000]))
            .unwrap();
        fed += 1;
    }
    assert_eq!(fed, 65_536_usize.div_ceil(1004));
}
