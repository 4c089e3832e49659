//! Connections of one thread lend each other their buffers. Nothing of one may show in another.
#![cfg(feature = "poll")]

mod common;

use std::any::Any;
use std::io::ErrorKind;
use std::pin::{Pin, pin};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use common::frames::{close_payload, to_client, to_server};
use common::in_words;
use common::wire::{
    Calls, Clock, EASY, HARD, Handle, Manner, Pipe, dropped_after, pipe, poll_once, run, settle,
};
use futures_util::Sink;
use websocket_proto::adapter::poll::{Message, WebSocket};
use websocket_proto::adapter::{AcceptOptions, Error};
use websocket_proto::{
    Broadcast, CloseCode, Config, Connection, Event, MessageKind, RecvBuffer, Server, Violation,
};

type Socket = WebSocket<Pipe, Clock, Server>;

fn open(manner: Manner, config: Config, clock: &Clock) -> (Socket, Handle) {
    let (pipe, peer) = pipe(manner);
    let ws = machine(config);
    let timeout = Some(Duration::from_secs(30));
    let ws = WebSocket::from_parts(pipe, clock.clone(), ws, RecvBuffer::new(), timeout);
    (ws, peer)
}

/// One that compresses what is worth it, where that is built in.
fn machine(config: Config) -> Connection<Server> {
    let ws = Connection::open_server(config);
    #[cfg(feature = "deflate")]
    let ws = {
        let policy = websocket_proto::handshake::DeflateConfig::new();
        let answer = policy.answer([&b"permessage-deflate"[..]]).unwrap();
        ws.with_deflate(answer.parameters(), &policy)
    };
    ws
}

/// The first octet of a text that is compressed as RFC 7692 §7.2.3.1 has it, and its payload.
#[cfg(feature = "deflate")]
const HELLO: (u8, &[u8]) = (0xC1, &[0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]);
#[cfg(not(feature = "deflate"))]
const HELLO: (u8, &[u8]) = (0x81, b"Hello");

// ---- what a connection shows ---------------------------------------------------------------------

/// Everything that can be seen of a connection: its events, what it wrote, what it asked of the transport.
#[derive(Debug, Default, PartialEq)]
struct Trace {
    events: Vec<String>,
    written: Vec<u8>,
    calls: Vec<Calls>,
}

impl Trace {
    /// Handles what has come until nothing changes any more. Messages are echoed.
    fn go_on(&mut self, ws: &mut Socket, peer: &Handle, in_chunks: bool) {
        loop {
            let before = (peer.calls(), peer.unread());
            let echoed = settle(pin!(async {
                let next = match in_chunks {
                    true => ws.next_chunk().await,
                    false => ws.next().await,
                };
                match next {
                    Ok(Some((event, mut out))) => {
                        self.events.push(in_words(&event));
                        match event {
                            Event::Text(text) => out.send_text(text).unwrap(),
                            Event::Binary(octets) => out.send_binary(octets).unwrap(),
                            _ => {}
                        }
                        true
                    }
                    Ok(None) => {
                        self.events.push(format!("{:?}", ws.outcome()));
                        false
                    }
                    Err(error) => {
                        self.events.push(error.to_string());
                        false
                    }
                }
            }));
            let idle = echoed.is_none() && before == (peer.calls(), peer.unread());
            if idle || echoed == Some(false) {
                break;
            }
        }
        self.written.extend(peer.take());
        self.calls.push(peer.calls());
    }
}

/// A connection on which everything happens that leaves something in a buffer, and that ends in good order.
fn clean(manner: Manner) -> Trace {
    let mut trace = Trace::default();
    let clock = Clock::default();
    // What has begun on another's clock would be over long ago.
    clock.advance(Duration::from_secs(3600));
    let (mut ws, peer) = open(manner, AcceptOptions::new().config(), &clock);
    trace.go_on(&mut ws, &peer, false);

    // Texts in fragments: of no octets (Autobahn's case 6.1.2), and cut within a code point.
    for payloads in [
        [&b""[..], b"", b""],
        [b"caf\xC3", b"\xA9 \xE2\x82", b"\xAC"],
    ] {
        for (first, payload) in [0x01, 0x00, 0x80].into_iter().zip(payloads) {
            peer.send(&to_server(first, payload));
            peer.send(&to_server(0x89, payload));
        }
    }
    trace.go_on(&mut ws, &peer, false);
    // More Pings than are answered one by one, and a message that is compressed.
    peer.send(&to_server(0x89, b"two dozen octets or so").repeat(20));
    peer.send(&to_server(HELLO.0, HELLO.1));
    trace.go_on(&mut ws, &peer, false);

    // Large messages, whole and in chunks; where they go octet by octet, less large.
    ws.queue().set_compressing(false);
    let octets = vec![7; if manner.most == 1 { 4_200 } else { 80_000 }];
    for in_chunks in [false, true] {
        peer.send(&to_server(0x82, &octets));
        trace.go_on(&mut ws, &peer, in_chunks);
    }

    // Sent from where they lie.
    run(ws.send_binary(&octets)).unwrap();
    let sent = Message::Binary(Bytes::from(octets.clone()));
    Sink::start_send(Pin::new(&mut ws), sent).unwrap();
    run(ws.flush()).unwrap();
    trace.go_on(&mut ws, &peer, false);

    // A peer that takes nothing for almost as long as it may.
    clock.advance(Duration::from_secs(1));
    peer.manner.lock().unwrap().capacity = 0;
    {
        let mut sending = pin!(ws.send_text("late"));
        assert!(settle(sending.as_mut()).is_none());
        clock.advance(Duration::from_millis(29_999));
        assert!(settle(sending.as_mut()).is_none());
        peer.manner.lock().unwrap().capacity = usize::MAX;
        run(sending).unwrap();
    }
    // Meanwhile a Ping has become due.
    trace.go_on(&mut ws, &peer, false);
    peer.send(&to_server(0x8A, b""));
    trace.go_on(&mut ws, &peer, false);

    // A Ping, almost too late an answer, and the end.
    clock.advance(Duration::from_secs(20));
    trace.go_on(&mut ws, &peer, false);
    clock.advance(Duration::from_millis(19_999));
    peer.send(&to_server(0x8A, b""));
    trace.go_on(&mut ws, &peer, false);
    ws.queue().close(CloseCode::NORMAL, "bye").unwrap();
    trace.go_on(&mut ws, &peer, false);
    peer.send(&to_server(0x88, &close_payload(1000, "bye")));
    peer.end();
    trace.go_on(&mut ws, &peer, false);
    let ended = trace.events.last().unwrap();
    assert!(ended.contains("clean: true"), "{ended}");
    trace
}

// ---- how others end ------------------------------------------------------------------------------

/// A connection that is left as it is, and has to be dropped.
type Left = Box<dyn Any>;

/// Goes on until it has an event or an error, or has to wait.
fn step(ws: &mut Socket) -> Option<Result<bool, Error>> {
    settle(pin!(async { ws.next().await.map(|event| event.is_some()) }))
}

fn stall(peer: &Handle) {
    peer.manner.lock().unwrap().capacity = 0;
}

fn break_down(peer: &Handle, kind: ErrorKind) {
    peer.manner.lock().unwrap().broken = Some(kind);
}

/// A message of which so much has come, and then something else.
fn cut(message: &[u8], at: usize, then: impl Fn(&mut Socket, &Handle, &Clock)) -> Left {
    let clock = Clock::default();
    let (mut ws, peer) = open(EASY, AcceptOptions::new().config(), &clock);
    peer.send(&message[..at]);
    assert!(step(&mut ws).is_none());
    then(&mut ws, &peer, &clock);
    Box::new((ws, peer))
}

fn violation(ws: &mut Socket, peer: &Handle, _: &Clock) {
    // What is left of the frame, and no header.
    peer.send(&[0xFF; 40_000]);
    peer.end();
    let ended = run(async {
        while ws.next().await?.is_some() {}
        Ok(())
    });
    assert!(matches!(ended, Err(Error::Violation(_))));
}

fn end(ws: &mut Socket, peer: &Handle, _: &Clock) {
    peer.end();
    assert!(run(ws.next()).unwrap().is_none());
}

fn pong_timeout(ws: &mut Socket, peer: &Handle, clock: &Clock) {
    for _ in 0..2 {
        clock.advance(Duration::from_secs(20));
        step(ws);
    }
    peer.end();
    let ended = run(ws.next()).map(|event| event.is_some());
    assert!(matches!(
        ended,
        Err(Error::Violation(Violation::PongTimeout))
    ));
}

/// An answer that can't be written, and then something else.
fn unwritten(
    queue: impl Fn(&mut Socket, &Handle),
    taken: usize,
    then: impl Fn(&mut Socket, &Handle, &Clock),
) -> Left {
    let clock = Clock::default();
    // The send buffer has another limit than others have.
    let config = AcceptOptions::new()
        .config()
        .with_max_message_size(u64::MAX);
    let (mut ws, peer) = open(EASY, config, &clock);
    peer.manner.lock().unwrap().capacity = taken;
    queue(&mut ws, &peer);
    while let Some(more) = step(&mut ws) {
        assert!(more.unwrap());
    }
    assert!(settle(pin!(ws.flush())).is_none());
    then(&mut ws, &peer, &clock);
    Box::new((ws, peer))
}

fn leave(_: &mut Socket, _: &Handle, _: &Clock) {}

fn lose(ws: &mut Socket, peer: &Handle, _: &Clock) {
    break_down(peer, ErrorKind::Other);
    assert!(matches!(run(ws.flush()), Err(Error::Io(_))));
}

fn hang_up(ws: &mut Socket, peer: &Handle, _: &Clock) {
    break_down(peer, ErrorKind::BrokenPipe);
    run(ws.flush()).unwrap();
    assert!(step(ws).is_some());
}

fn write_timeout(ws: &mut Socket, _: &Handle, clock: &Clock) {
    let failed = ws.connection().violation().is_some();
    clock.advance(Duration::from_secs(30));
    // What can't be said of a violation isn't waited for.
    assert_eq!(run(ws.flush()).is_ok(), failed);
    assert_eq!(ws.queue().buffered_amount(), 0);
}

/// Its name, and what leads to it.
type Ending = (&'static str, Box<dyn Fn() -> Left>);

/// All ways.
fn endings() -> Vec<Ending> {
    let mut all: Vec<Ending> = Vec::new();
    let text = to_server(0x01, b"a text that is cut within caf\xC3");
    let large = to_server(0x82, &[1; 100_000]);
    let small = to_server(0x82, &[1; 3_000]);
    let compressed = to_server(HELLO.0 & 0x7F, &HELLO.1[..5]);
    for message in [
        text,
        large[..70_000].to_vec(),
        small[..2_000].to_vec(),
        compressed,
    ] {
        for (name, then) in [
            ("left within a message", leave as fn(&mut _, &_, &_)),
            ("violation within a message", violation),
            ("end within a message", end),
            ("Pong missing within a message", pong_timeout),
        ] {
            let message = message.clone();
            let ending = move || cut(&message, message.len(), then);
            all.push((name, Box::new(ending)));
        }
    }
    all.push((
        "left within a header",
        Box::new(move || cut(&large, 3, leave)),
    ));
    let queues: [fn(&mut Socket, &Handle); 6] = [
        |ws, _| ws.queue().send_text(&"text".repeat(2_000)).unwrap(),
        |ws, _| {
            let octets = Bytes::from(vec![2; 50_000]);
            ws.queue().set_compressing(false);
            Sink::start_send(Pin::new(ws), Message::Binary(octets)).unwrap();
        },
        |_, peer| peer.send(&to_server(0x89, b"many Pings").repeat(100)),
        |_, peer| peer.send(&to_server(0x81, b"\xFF")),
        |ws, _| {
            ws.queue().begin_message(MessageKind::Text).unwrap();
            ws.queue().write_part(b"a part, and no other").unwrap();
        },
        |ws, _| {
            let shared = Broadcast::binary(&[3; 9_000]);
            ws.queue().send_text("before").unwrap();
            ws.queue().send_shared(&shared).unwrap();
            ws.queue().send_text("behind").unwrap();
        },
    ];
    for queue in queues {
        for taken in [0, 11] {
            for (name, then) in [
                ("left while it writes", leave as fn(&mut _, &_, &_)),
                ("transport lost", lose),
                ("peer gone", hang_up),
                ("nothing taken in time", write_timeout),
            ] {
                all.push((name, Box::new(move || unwritten(queue, taken, then))));
            }
        }
    }
    all.push(("left while it flushes", Box::new(left_while_it_flushes)));
    all.push(("a future of sending", Box::new(left_while_it_sends)));
    all.push(("halves", Box::new(left_halves)));
    all.push(("closed in good order", Box::new(|| Box::new(clean(EASY)))));
    all
}

fn left_while_it_flushes() -> Left {
    let manner = Manner {
        holds_back: true,
        yields: true,
        ..EASY
    };
    let (mut ws, peer) = open(manner, Config::new(), &Clock::default());
    ws.queue().send_text("held back").unwrap();
    let mut flushing = Box::pin(async move { ws.flush().await });
    for _ in 0..2 {
        assert!(poll_once(flushing.as_mut()).is_pending());
    }
    assert_eq!((peer.calls().writes, peer.take().len()), (1, 0));
    Box::new((flushing, peer))
}

fn left_while_it_sends() -> Left {
    let (mut ws, peer) = open(HARD, Config::new(), &Clock::default());
    run(dropped_after(100, ws.send_binary(&[5; 9_000])));
    stall(&peer);
    Box::new((ws, peer))
}

fn left_halves() -> Left {
    let (ws, peer) = open(EASY, Config::new(), &Clock::default());
    let (mut reader, writer) = ws.split();
    stall(&peer);
    peer.send(&to_server(0x02, b"a fragment"));
    peer.send(&to_server(0x89, b"ping"));
    assert!(settle(pin!(reader.next())).is_some());
    assert!(settle(pin!(reader.next())).is_none());
    assert!(settle(pin!(writer.send_text("waits"))).is_none());
    drop(reader);
    Box::new((writer, peer))
}

fn check_all(manner: Manner) {
    let fresh = thread::spawn(move || clean(manner)).join().unwrap();
    for (name, ending) in endings() {
        let left = ending();
        assert!(clean(manner) == fresh, "beside {name}");
        drop(left);
        assert!(clean(manner) == fresh, "after {name}");
    }
    // And after many that end at once.
    drop(endings().iter().map(|(_, end)| end()).collect::<Vec<_>>());
    assert_eq!(clean(manner), fresh);
}

#[test]
fn a_connection_is_as_on_a_fresh_thread_whatever_others_have_ended_in() {
    check_all(EASY);
}

#[test]
fn and_so_it_is_octet_by_octet() {
    check_all(HARD);
}

#[test]
fn a_send_buffer_has_the_limit_of_its_connection() {
    const MIB: usize = 1 << 20;
    for largest in [u64::MAX, 0, MIB as u64] {
        let most = usize::try_from(largest).unwrap().saturating_add(16 * MIB);
        for length in [16 * MIB - 10, 17 * MIB - 10, 17 * MIB] {
            let config = Config::new().with_max_message_size(largest);
            let (mut ws, peer) = open(EASY, config, &Clock::default());
            ws.queue().set_compressing(false);
            let sent = ws.queue().send_binary(&vec![0; length]);
            assert_eq!(sent.is_ok(), length + 10 <= most, "{length} of {most}");
            // The buffer goes to the next one.
            break_down(&peer, ErrorKind::BrokenPipe);
            run(ws.flush()).unwrap();
        }
    }
}

#[test]
fn a_payload_that_was_written_is_held_by_nobody() {
    let payload = Bytes::from(vec![1; 100_000]);
    let (mut ws, peer) = open(EASY, Config::new(), &Clock::default());
    ws.queue().set_compressing(false);
    for taken in [usize::MAX, 0] {
        peer.manner.lock().unwrap().capacity = taken;
        Sink::start_send(Pin::new(&mut ws), Message::Binary(payload.clone())).unwrap();
        assert!(!payload.is_unique());
        if taken == 0 {
            // Neither where it can't be written.
            break_down(&peer, ErrorKind::BrokenPipe);
        }
        run(ws.flush()).unwrap();
        assert!(payload.is_unique());
    }
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

#[cfg(feature = "rustls")]
#[test]
fn tls_sessions_of_one_thread_have_nothing_of_each_other() {
    use common::certificates::{Authority, NAMES};
    use common::wire::{pair, run_both};
    use websocket_proto::adapter::{ConnectOptions, poll};
    use websocket_proto::handshake::{Accept, Url};

    let authority = Authority::new();
    let (server, client) = (authority.server(), authority.client());
    let accepts = AcceptOptions::new().with_tls(&server);
    let connects = ConnectOptions::new().with_tls(&client);
    let url = format!("wss://{}/", NAMES[0]);
    let url = Url::parse(&url).unwrap();
    // Records come in pieces.
    let manner = Manner { most: 700, ..HARD };
    let echo_after = |polls| {
        let (here, there) = pair(manner);
        let clock = Clock::default();
        let serve = async {
            let accepting = poll::accept_with(here, clock.clone(), &accepts, |_| Ok(Accept::new()));
            let mut ws = accepting.await?;
            while let Some((event, mut out)) = ws.next().await? {
                if let Event::Binary(octets) = event {
                    out.send_binary(octets)?;
                }
            }
            Ok::<_, Error>(ws.outcome())
        };
        let ask = async {
            let mut ws = poll::connect_over(there, clock.clone(), &url, &connects).await?;
            let octets: Vec<u8> = (0..40_000_u32).map(|at| (at / 3) as u8).collect();
            ws.send_binary(&octets).await?;
            let (event, _) = ws.next().await?.unwrap();
            assert!(matches!(event, Event::Binary(echoed) if echoed == octets));
            ws.close(CloseCode::NORMAL, "bye").await
        };
        let ask = dropped_after(polls, ask);
        run_both(async { serve.await.ok().flatten() }, async {
            ask.await.transpose().unwrap()
        })
    };
    let expected = echo_after(usize::MAX);
    assert!(expected.0.as_ref().unwrap().clean && expected.1.as_ref().unwrap().clean);
    let mut polls = 0;
    while echo_after(polls).1.is_none() {
        assert_eq!(echo_after(usize::MAX), expected, "after {polls} polls");
        polls += 9;
    }
    assert!(polls > 100, "{polls}");
}
