//! The adapter for fixed buffers, over a transport in memory and with a clock that the test moves. No
//! runtime takes part: futures are polled by hand, and dropped wherever they wait.
#![cfg(all(feature = "embedded-io-async", feature = "poll"))]

mod common;

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use common::frames::{close_payload, to_client, to_server, whole_frames};
use common::wire::device::Socket;
use common::wire::{
    Calls, Clock, EASY, HARD, Handle, Manner, dropped_after, dropped_at_every_wait, pair, pipe,
    poll_once, run, run_both, settle,
};
use common::{KEY, NONCE, answer_with, connecting_client, drain, request_with};
use embedded_io_async::{ErrorType, Read, Write};
use websocket_proto::adapter::embedded::{
    Buffers, ClientSocket, Error, NoTimer, ServerSocket, WebSocket, accept_with, connect_over,
};
use websocket_proto::adapter::{AcceptOptions, ConnectOptions, Timer};
use websocket_proto::handshake::{Accept, Rejection, Url};
use websocket_proto::{CloseCode, Config, Event, Instant, Misuse, ResponseFault, Side, Violation};

type Keys = fn() -> [u8; 4];
type Server<'b> = ServerSocket<'b, Socket, Clock>;
type Client<'b> = ClientSocket<'b, Socket, Clock, Keys>;

/// Memory for one end.
struct Memory([u8; 1024], [u8; 512]);

impl Memory {
    const fn new() -> Self {
        Self([0; 1024], [0; 512])
    }

    fn buffers(&mut self) -> Buffers<'_> {
        Buffers {
            rx: &mut self.0,
            tx: &mut self.1,
        }
    }
}

/// Both ends of a connection, opened.
fn opened<'b>(
    manner: Manner,
    here: &'b mut Memory,
    there: &'b mut Memory,
) -> (Server<'b>, Client<'b>) {
    let (pipe, other) = pair(manner);
    let options = AcceptOptions::new();
    let accepted = accept_with(
        Socket(pipe),
        Clock::default(),
        here.buffers(),
        &options,
        |_| Ok(Accept::new()),
    );
    let url = Url::parse("ws://a/").unwrap();
    let options = ConnectOptions::new();
    let request = options.request(&url, NONCE);
    let keys = (|| KEY) as Keys;
    let connected = connect_over(
        Socket(other),
        Clock::default(),
        there.buffers(),
        &request,
        &options,
        keys,
    );
    let (server, client) = run_both(accepted, connected);
    (server.unwrap(), client.unwrap())
}

/// A server's end that is open, its peer's hand, and the time.
fn open(manner: Manner, memory: &mut Memory) -> (Server<'_>, Handle, Clock) {
    let (pipe, peer) = pipe(manner);
    let clock = Clock::default();
    peer.send(&request_with(""));
    let options = AcceptOptions::new();
    let buffers = memory.buffers();
    let ws = accept_with(Socket(pipe), clock.clone(), buffers, &options, |_| {
        Ok(Accept::new())
    });
    let ws = run(ws).unwrap();
    assert_eq!(peer.take(), answer_with(""));
    (ws, peer, clock)
}

/// Waits for an event, has it answered if it is a message, and says whether there was one.
async fn echo_one<T: Read + Write, C: Timer, S: Side>(
    ws: &mut WebSocket<'_, T, C, S>,
) -> Result<bool, Error<T::Error>> {
    match ws.next().await? {
        Some((Event::Text(text), mut out)) => out.send_text(text)?,
        Some((Event::Binary(octets), mut out)) => out.send_binary(octets)?,
        Some(_) => {}
        None => return Ok(false),
    }
    Ok(true)
}

/// A message that was echoed, from its chunks.
async fn next_whole(ws: &mut Client<'_>) -> Vec<u8> {
    let mut got = Vec::new();
    loop {
        let last = dropped_at_every_wait(ws, async |ws| match ws.next_chunk().await.unwrap() {
            Some((Event::BinaryChunk { octets, last }, _)) => {
                got.extend_from_slice(octets);
                last
            }
            other => panic!("{other:?}"),
        });
        if last.await {
            return got;
        }
    }
}

#[test]
fn every_future_can_be_dropped_wherever_it_waits() {
    let (mut here, mut there) = (Memory::new(), Memory::new());
    let (server, mut client) = opened(HARD, &mut here, &mut there);
    let serve = async move {
        let mut server = server;
        while dropped_at_every_wait(&mut server, async |ws| echo_one(ws).await)
            .await
            .unwrap()
        {}
        let outcome = server.outcome().unwrap();
        let ended = (outcome.clean, outcome.reason.to_owned());
        // The client waits for the end of the stream.
        drop(server.into_io());
        ended
    };
    let ask = async {
        for (length, polls) in [(0, 1), (1, 2), (125, 3), (126, 50), (400, 2000)] {
            let octets = vec![length as u8; length];
            // The first poll queues it whole. When that future is dropped, the rest is another's.
            dropped_after(polls, client.send_binary(&octets)).await;
            dropped_at_every_wait(&mut client, async |ws| ws.flush().await)
                .await
                .unwrap();
            assert_eq!(next_whole(&mut client).await, octets);
        }
        for (at, polls) in [1, 2, 3, 5, 50].into_iter().enumerate() {
            let payload = vec![at as u8; at];
            dropped_after(polls, client.send_ping(&payload)).await;
            let pong =
                dropped_at_every_wait(&mut client, async |ws| match ws.next().await.unwrap() {
                    Some((Event::Pong(octets), _)) => octets.to_vec(),
                    other => panic!("{other:?}"),
                });
            assert_eq!(pong.await, payload);
        }
        dropped_after(1, client.send_text("last")).await;
        let echoed = dropped_at_every_wait(&mut client, async |ws| {
            matches!(ws.next().await.unwrap(), Some((Event::Text("last"), _)))
        });
        assert!(echoed.await);
        dropped_at_every_wait(&mut client, async |ws| {
            ws.close(CloseCode::NORMAL, "bye").await
        })
        .await
        .unwrap();
        client.outcome().unwrap().clean
    };
    let (served, clean) = run_both(serve, ask);
    assert_eq!(served, (true, "bye".to_owned()));
    assert!(clean);
}

// ---- opening -------------------------------------------------------------------------------------

/// A server's end of a transport, opened.
async fn accept<T: Read + Write>(
    io: T,
    memory: &mut Memory,
) -> Result<ServerSocket<'_, T, Clock>, Error<T::Error>> {
    let options = AcceptOptions::new();
    let buffers = memory.buffers();
    accept_with(io, Clock::default(), buffers, &options, |_| {
        Ok(Accept::new())
    })
    .await
}

/// A client's end, with this nonce.
async fn connect<T: Read + Write>(
    io: T,
    memory: &mut Memory,
    nonce: [u8; 16],
) -> Result<ClientSocket<'_, T, Clock, Keys>, Error<T::Error>> {
    let options = ConnectOptions::new();
    let url = Url::parse("ws://a/").unwrap();
    let request = options.request(&url, nonce);
    let buffers = memory.buffers();
    let keys = (|| KEY) as Keys;
    connect_over(io, Clock::default(), buffers, &request, &options, keys).await
}

/// The peer of an opening that was dropped has an error, or a connection that has ended.
async fn sees_the_end<T: Read + Write, S: Side>(
    opened: Result<WebSocket<'_, T, Clock, S>, Error<T::Error>>,
) {
    match opened {
        Ok(mut ws) => {
            assert!(ws.next().await.unwrap().is_none());
            assert!(!ws.outcome().unwrap().clean);
        }
        Err(error) => assert!(matches!(error, Error::Violation(_) | Error::Ended)),
    }
}

#[test]
fn an_opening_that_is_dropped_ends_the_stream_wherever_it_waits() {
    for server_drops in [true, false] {
        let mut polls = 0;
        loop {
            let (mut here, mut there) = (Memory::new(), Memory::new());
            let (one, other) = pair(HARD);
            let accepting = accept(Socket(one), &mut here);
            let connecting = connect(Socket(other), &mut there, NONCE);
            let opened = if server_drops {
                let accept = async { dropped_after(polls, accepting).await.is_some() };
                let connect = async { sees_the_end(connecting.await).await };
                run_both(accept, connect).0
            } else {
                let connect = async { dropped_after(polls, connecting).await.is_some() };
                let accept = async { sees_the_end(accepting.await).await };
                run_both(accept, connect).1
            };
            // Where it came to a connection, that was dropped.
            if opened {
                break;
            }
            polls += 1;
        }
        assert!(polls > 250, "it waits at every octet: {polls}");
    }
}

#[test]
fn a_second_opening_over_a_transport_of_a_dropped_one_is_noticed_by_the_server() {
    for polls in 0.. {
        let (mut first, mut second, mut memory) = (Memory::new(), Memory::new(), Memory::new());
        let (here, there) = pair(HARD);
        let mut lent = Socket(here);
        let connect_twice = async {
            let opened = dropped_after(polls, connect(&mut lent, &mut first, NONCE)).await;
            if opened.is_some() {
                return None;
            }
            drop(opened);
            let untouched = lent.0.calls().writes == 0;
            let opened = connect(&mut lent, &mut second, *b"another's nonce!").await;
            let noticed = opened.is_err();
            drop(opened);
            // The other end waits for the end of the stream.
            drop(lent);
            Some((untouched, noticed))
        };
        let serve = async {
            if let Ok(mut ws) = accept(Socket(there), &mut memory).await {
                while let Ok(Some(_)) = ws.next().await {}
            }
        };
        match run_both(connect_twice, serve).0 {
            Some((untouched, noticed)) => assert_eq!(untouched, !noticed, "after {polls} polls"),
            None => {
                assert!(polls > 250, "it waits at every octet: {polls}");
                break;
            }
        }
    }
}

#[test]
fn a_second_opening_over_a_transport_of_a_dropped_one_is_noticed_by_the_client() {
    for polls in 0.. {
        let (mut first, mut second) = (Memory::new(), Memory::new());
        let (here, peer) = pipe(HARD);
        let mut lent = Socket(here);
        peer.send(&request_with(""));
        if run(dropped_after(polls, accept(&mut lent, &mut first))).is_some() {
            assert!(polls > 250, "it waits at every octet: {polls}");
            break;
        }
        let untouched = lent.0.calls() == Calls::default();
        let clock = Clock::default();
        let (timer, options) = (clock.clone(), AcceptOptions::new());
        let mut accepting = pin!(accept_with(
            &mut lent,
            timer,
            second.buffers(),
            &options,
            |_| Ok(Accept::new())
        ));
        let mut opened = None;
        for _ in 0..2_000 {
            if let Poll::Ready(done) = poll_once(accepting.as_mut()) {
                opened = Some(done.is_ok());
                break;
            }
            // A second request doesn't come.
            clock.advance(Duration::from_millis(10));
        }
        assert_eq!(opened, Some(untouched), "after {polls} polls");
        let (mut ws, mut rx, mut tx) = connecting_client(Config::new(), &[]);
        rx.extend(&peer.take()).unwrap();
        let (seen, violation) = drain(&mut ws, &mut rx, &mut tx);
        assert_eq!(
            violation.is_none(),
            untouched,
            "{seen:?} after {polls} polls"
        );
    }
}

#[test]
fn by_its_first_events_a_connection_is_opened_with_futures_that_are_dropped() {
    let (mut here, mut there) = (Memory::new(), Memory::new());
    let (one, other) = pair(HARD);
    let config = Config::new();
    let mut server = WebSocket::server(Socket(one), Clock::default(), here.buffers(), config);
    let options = ConnectOptions::new();
    let url = Url::parse("ws://a/").unwrap();
    let request = options.request(&url, NONCE);
    let (timer, buffers, keys) = (Clock::default(), there.buffers(), (|| KEY) as Keys);
    let client = WebSocket::client(Socket(other), timer, buffers, &request, config, keys);
    let mut client: Client<'_> = client.unwrap();
    let serve = dropped_at_every_wait(&mut server, async |ws| {
        loop {
            match ws.next().await.unwrap() {
                Some((Event::Request(request), mut out)) => {
                    out.accept(&request, &Accept::new()).unwrap();
                }
                Some((Event::Text("first"), mut out)) => return out.send_text("second").unwrap(),
                _ => {}
            }
        }
    });
    let ask = async {
        dropped_at_every_wait(&mut client, async |ws| match ws.next().await.unwrap() {
            Some((Event::HandshakeDone(_), mut out)) => out.send_text("first").unwrap(),
            other => panic!("{other:?}"),
        })
        .await;
        dropped_at_every_wait(&mut client, async |ws| ws.flush().await)
            .await
            .unwrap();
    };
    run_both(serve, ask);
    let flush = dropped_at_every_wait(&mut server, async |ws| ws.flush().await);
    let take = dropped_at_every_wait(&mut client, async |ws| {
        matches!(ws.next().await, Ok(Some((Event::Text("second"), _))))
    });
    assert!(run_both(flush, take).1);
}

// ---- writing and reading -------------------------------------------------------------------------

#[test]
fn all_answers_go_out_in_one_write() {
    let mut memory = Memory::new();
    let (mut ws, peer, _) = open(EASY, &mut memory);
    let before = peer.calls().writes;
    peer.send(&to_server(0x81, b"0123456789").repeat(40));
    let served = settle(pin!(async { while echo_one(&mut ws).await.unwrap() {} }));
    assert!(served.is_none(), "it waits for more");
    assert_eq!(whole_frames(&peer.take()).len(), 40);
    assert_eq!(peer.calls().writes, before + 1);
}

#[test]
fn what_a_transport_holds_back_is_flushed_before_it_waits() {
    let manner = Manner {
        holds_back: true,
        yields: true,
        ..EASY
    };
    let mut memory = Memory::new();
    let (mut ws, peer, _) = open(manner, &mut memory);
    peer.send(&to_server(0x81, b"Hello"));
    let served = settle(pin!(async { while echo_one(&mut ws).await.unwrap() {} }));
    assert!(served.is_none(), "it waits for more");
    assert_eq!(peer.take(), to_client(0x81, b"Hello"));
    let sent = settle(pin!(ws.send_text("again")));
    assert!(matches!(sent, Some(Ok(()))));
    assert_eq!(peer.take(), to_client(0x81, b"again"));
}

#[test]
fn a_message_of_any_size_passes_in_chunks() {
    let mut memory = Memory::new();
    let config = Config::new().with_max_message_size(u64::MAX);
    let (pipe, peer) = pipe(EASY);
    let mut ws = WebSocket::server(Socket(pipe), NoTimer, memory.buffers(), config);
    peer.send(&request_with(""));
    match run(ws.next()).unwrap() {
        Some((Event::Request(request), mut out)) => out.accept(&request, &Accept::new()).unwrap(),
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        run(ws.next()).unwrap(),
        Some((Event::HandshakeDone(_), _))
    ));
    peer.send(&to_server(0x82, &vec![7; 100_000]));
    let mut got = 0;
    loop {
        match run(ws.next_chunk()).unwrap() {
            Some((Event::BinaryChunk { octets, last }, _)) => {
                got += octets.len();
                if last {
                    break;
                }
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(got, 100_000);
}

#[test]
fn deadlines_run_by_the_timer_that_is_passed_in() {
    let mut memory = Memory::new();
    let (mut ws, peer, clock) = open(EASY, &mut memory);
    {
        let mut next = pin!(ws.next());
        assert!(settle(next.as_mut()).is_none());
        clock.advance(Duration::from_secs(20));
        assert!(settle(next.as_mut()).is_none());
        assert_eq!(peer.take(), to_client(0x89, b""));
        clock.advance(Duration::from_secs(20));
        // There is no half-close: it is through at once.
        assert!(matches!(
            settle(next.as_mut()),
            Some(Err(Error::Violation(Violation::PongTimeout)))
        ));
    }
    assert_eq!(whole_frames(&peer.take())[0].close_code(), 1011);
    assert!(!ws.outcome().unwrap().clean);
}

#[test]
fn a_peer_that_takes_nothing_for_30_seconds_ends_the_connection() {
    let mut memory = Memory::new();
    let (mut ws, peer, clock) = open(EASY, &mut memory);
    peer.manner.lock().unwrap().capacity = 0;
    peer.send(&to_server(0x81, b"unread"));
    let mut sending = pin!(async {
        ws.send_text("Hello").await?;
        ws.next().await.map(drop)
    });
    assert!(settle(sending.as_mut()).is_none());
    clock.advance(Duration::from_secs(30));
    assert!(matches!(
        settle(sending.as_mut()),
        Some(Err(Error::WriteTimeout))
    ));
    assert!(peer.unread() > 0, "it wasn't read from meanwhile");
}

#[test]
fn the_time_for_writing_runs_over_futures_that_are_dropped() {
    let mut memory = Memory::new();
    let (mut ws, peer, clock) = open(EASY, &mut memory);
    peer.manner.lock().unwrap().capacity = 0;
    ws.queue().send_text("Hello").unwrap();
    let sent = (0..100).find_map(|_| {
        let sent = settle(pin!(ws.flush()));
        if sent.is_none() {
            clock.advance(Duration::from_secs(1));
        }
        sent
    });
    assert!(matches!(sent, Some(Err(Error::WriteTimeout))));
    assert_eq!(clock.now(), Instant::EPOCH + Duration::from_secs(30));
}

#[test]
fn a_slow_peer_has_that_time_for_each_octet() {
    let mut memory = Memory::new();
    let (mut ws, peer, clock) = open(EASY, &mut memory);
    peer.manner.lock().unwrap().capacity = 1;
    ws.queue().send_text("Hello").unwrap();
    let mut taken = Vec::new();
    while settle(pin!(ws.flush())).is_none_or(|sent| sent.is_err()) {
        taken.extend(peer.take());
        clock.advance(Duration::from_secs(29));
        assert!(ws.outcome().is_none());
    }
    taken.extend(peer.take());
    assert_eq!(taken, to_client(0x81, b"Hello"));
}

/// A transport that says it has written nothing.
struct Useless;

impl ErrorType for Useless {
    type Error = std::io::Error;
}

impl Read for Useless {
    async fn read(&mut self, _octets: &mut [u8]) -> std::io::Result<usize> {
        std::future::pending().await
    }
}

impl Write for Useless {
    async fn write(&mut self, _octets: &[u8]) -> std::io::Result<usize> {
        Ok(0)
    }

    async fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_transport_that_writes_nothing_has_failed() {
    let mut memory = Memory::new();
    let opened = settle(pin!(connect(Useless, &mut memory, NONCE)));
    assert!(matches!(opened.unwrap().map(drop), Err(Error::WriteZero)));
}

#[test]
fn a_full_send_buffer_refuses() {
    let mut memory = Memory::new();
    let (mut ws, _peer, _) = open(EASY, &mut memory);
    assert!(matches!(
        run(ws.send_binary(&[7; 600])),
        Err(Error::Misuse(Misuse::SendBufferFull))
    ));
    run(ws.send_binary(&[7; 500])).unwrap();
}

#[test]
fn refusals_and_violations_are_told() {
    // A client that is refused.
    let (pipe_, peer) = pipe(EASY);
    peer.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    peer.end();
    let mut memory = Memory::new();
    let options = ConnectOptions::new();
    let url = Url::parse("ws://a/").unwrap();
    let request = options.request(&url, NONCE);
    let keys = (|| KEY) as Keys;
    let refused = connect_over(
        Socket(pipe_),
        NoTimer,
        memory.buffers(),
        &request,
        &options,
        keys,
    );
    assert!(matches!(
        run(refused).map(drop),
        Err(Error::Violation(Violation::Response(
            ResponseFault::Status(403)
        )))
    ));

    // A server that refuses.
    let (pipe, peer) = pipe(HARD);
    peer.send(&request_with(""));
    let options = AcceptOptions::new();
    let mut memory = Memory::new();
    let rejected = accept_with(Socket(pipe), NoTimer, memory.buffers(), &options, |_| {
        Err(Rejection::new(404))
    });
    assert!(matches!(run(rejected).map(drop), Err(Error::Rejected)));
    assert!(peer.take().starts_with(b"HTTP/1.1 404 "));

    // A text that isn't UTF-8.
    let mut memory = Memory::new();
    let (mut ws, peer, _) = open(EASY, &mut memory);
    peer.send(&to_server(0x81, b"\xFF"));
    assert!(matches!(
        run(ws.next()).map(drop),
        Err(Error::Violation(Violation::InvalidUtf8))
    ));
    assert_eq!(whole_frames(&peer.take())[0].close_code(), 1007);
}

#[test]
fn the_peer_s_close_is_answered_and_the_transport_handed_back() {
    let mut memory = Memory::new();
    let (mut ws, peer, _) = open(HARD, &mut memory);
    peer.send(&to_server(0x88, &close_payload(1000, "bye")));
    while run(ws.next()).unwrap().is_some() {}
    assert_eq!(ws.outcome().unwrap().reason, "bye");
    assert_eq!(peer.take(), to_client(0x88, &close_payload(1000, "bye")));
    assert!(!peer.has_ended());
    drop(ws.into_io());
    assert!(peer.has_ended());
}
