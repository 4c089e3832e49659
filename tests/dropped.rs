//! Futures of the async adapters that are dropped wherever they wait, over a transport that moves one octet
//! at a time and has to be asked twice for it: nothing is lost, and nothing is sent twice. The same for the
//! core that the adapters share, and through those for tokio and futures-io. (Fixed buffers: `embedded.rs`.)
#![cfg(feature = "poll")]

mod common;

use std::future::Future;
use std::pin::pin;

use common::wire::{
    Clock, EASY, HARD, Pipe, dropped_after, dropped_at_every_wait, pair, run_both, settle,
};
use futures_util::{SinkExt, StreamExt};
use websocket_proto::adapter::poll::{self, ClientSocket, Io, Message, ServerSocket};
use websocket_proto::adapter::{ConnectOptions, Error, Outcome, Timer};
use websocket_proto::handshake::Url;
use websocket_proto::{CloseCode, Event, Initiator, Side};

/// Messages around the lengths at which headers and copies change, each as text and as octets.
fn messages() -> Vec<Message> {
    [0, 1, 126, 4096, 4500]
        .into_iter()
        .flat_map(|length| {
            let text: String = ('a'..='z').cycle().take(length).collect();
            [Message::from(text.clone()), text.into_bytes().into()]
        })
        .collect()
}

/// How often the futures of sending are polled before they are dropped: more each time.
const PATIENCE: [usize; 7] = [1, 2, 3, 5, 50, 1000, 20_000];

/// A message to send or one that was received, put together from its chunks.
#[derive(Default)]
struct Joined(Vec<u8>);

impl Joined {
    fn add(&mut self, event: &Event<'_>) -> Option<Message> {
        let (last, text) = match *event {
            Event::TextChunk { text, last } => {
                self.0.extend(text.as_bytes());
                (last, true)
            }
            Event::BinaryChunk { octets, last } => {
                self.0.extend(octets);
                (last, false)
            }
            _ => return Message::from_event(event),
        };
        let octets = last.then(|| std::mem::take(&mut self.0))?;
        Some(match text {
            true => String::from_utf8(octets).unwrap().into(),
            false => octets.into(),
        })
    }
}

fn is_data(message: &Message) -> bool {
    matches!(message, Message::Text(_) | Message::Binary(_))
}

// ---- one task ------------------------------------------------------------------------------------

/// Sends all messages, each by a future that is dropped, and takes their echoes; then a Ping, and closes.
async fn ask<T: Io, C: Timer, S: Side>(mut ws: poll::WebSocket<T, C, S>) -> Outcome {
    for (message, patience) in messages().iter().zip(PATIENCE.into_iter().cycle()) {
        let sending = async {
            match message {
                Message::Text(text) => ws.send_text(text).await,
                Message::Binary(octets) => ws.send_binary(octets).await,
                _ => unreachable!(),
            }
        };
        dropped_after(patience, sending).await.transpose().unwrap();
        dropped_at_every_wait(&mut ws, async |ws| ws.flush().await)
            .await
            .unwrap();
        let echoed = dropped_at_every_wait(&mut ws, async |ws| {
            let (event, _) = ws.next().await.unwrap().unwrap();
            Message::from_event(&event)
        });
        assert_eq!(echoed.await.as_ref(), Some(message));
    }
    for (at, patience) in PATIENCE.into_iter().enumerate() {
        let payload = vec![at as u8; at];
        dropped_after(patience, ws.send_ping(&payload))
            .await
            .transpose()
            .unwrap();
        let pong = dropped_at_every_wait(&mut ws, async |ws| {
            let (event, _) = ws.next().await.unwrap().unwrap();
            Message::from_event(&event)
        });
        assert_eq!(pong.await, Some(Message::Pong(payload.into())));
    }
    dropped_at_every_wait(&mut ws, async |ws| ws.close(CloseCode::NORMAL, "bye").await)
        .await
        .unwrap()
}

/// Echoes what `next`, or `next_chunk`, gives. Returns what came in, too.
async fn echo<T: Io, C: Timer, S: Side>(
    mut ws: poll::WebSocket<T, C, S>,
    in_chunks: bool,
) -> (Vec<Message>, Outcome) {
    let (mut got, mut parts) = (Vec::new(), Joined::default());
    loop {
        let waited = dropped_at_every_wait(&mut ws, async |ws| {
            let next = match in_chunks {
                true => ws.next_chunk().await,
                false => ws.next().await,
            };
            let Some((event, mut out)) = next? else {
                return Ok::<_, Error>(false);
            };
            if let Some(message) = parts.add(&event) {
                match &message {
                    Message::Text(text) => out.send_text(text)?,
                    Message::Binary(octets) => out.send_binary(octets)?,
                    _ => {}
                }
                got.push(message);
            }
            Ok(true)
        });
        if !waited.await.unwrap() {
            return (got, ws.outcome().unwrap());
        }
    }
}

// ---- halves --------------------------------------------------------------------------------------

/// Echoes what a reader gives through a writer, whose futures are dropped.
async fn echo_in_halves<T: Io, C: Timer, S: Side>(
    ws: poll::WebSocket<T, C, S>,
    in_chunks: bool,
) -> (Vec<Message>, Outcome) {
    let (mut reader, writer) = ws.split();
    let (mut got, mut parts) = (Vec::new(), Joined::default());
    let mut patience = PATIENCE.into_iter().cycle();
    loop {
        let came = dropped_at_every_wait(&mut reader, async |reader| {
            let next = match in_chunks {
                true => reader.next_chunk().await,
                false => reader.next().await,
            };
            next.map(|event| event.map(|event| parts.add(&event)))
        });
        let message = match came.await.unwrap() {
            Some(Some(message)) => message,
            Some(None) => continue,
            None => break,
        };
        let sending = async {
            match &message {
                Message::Text(text) => writer.send_text(text).await,
                Message::Binary(octets) => writer.send_binary(octets).await,
                _ => writer.flush().await,
            }
        };
        dropped_after(patience.next().unwrap(), sending)
            .await
            .transpose()
            .unwrap();
        got.push(message);
    }
    (got, reader.outcome().unwrap())
}

/// Echoes by `Stream` and `Sink`.
async fn echo_by_stream<T: Io, C: Timer, S: Side>(
    ws: poll::WebSocket<T, C, S>,
) -> (Vec<Message>, Outcome) {
    let (mut reader, mut writer) = ws.split();
    let mut got = Vec::new();
    let mut patience = PATIENCE.into_iter().cycle();
    while let Some(message) =
        dropped_at_every_wait(&mut reader, async |reader| StreamExt::next(reader).await).await
    {
        let message = message.unwrap();
        got.push(message.clone());
        if is_data(&message) {
            dropped_after(patience.next().unwrap(), writer.send(message))
                .await
                .transpose()
                .unwrap();
        }
    }
    (got, reader.outcome().unwrap())
}

// ---- the same through each adapter ---------------------------------------------------------------

fn check_ended(sent: &[Message], (got, ended): &(Vec<Message>, Outcome), asked: &Outcome) {
    let data: Vec<_> = got.iter().filter(|message| is_data(message)).collect();
    assert!(data.into_iter().eq(sent), "each came once, in its order");
    assert!(ended.clean && asked.clean);
    assert_eq!((&ended.reason[..], &asked.reason[..]), ("bye", "bye"));
    assert_eq!(
        (ended.initiator, asked.initiator),
        (Initiator::Peer, Initiator::Local)
    );
}

/// Everything, over connections that `open` makes.
fn check_all<T: Io, C: Timer>(open: impl Fn() -> (ServerSocket<T, C>, ClientSocket<T, C>)) {
    let sent = messages();
    for in_chunks in [false, true] {
        let (server, client) = open();
        let (served, asked) = run_both(echo(server, in_chunks), ask(client));
        check_ended(&sent, &served, &asked);
        // The other way round: a client that echoes, a server that asks.
        let (server, client) = open();
        let (served, asked) = run_both(echo(client, in_chunks), ask(server));
        check_ended(&sent, &served, &asked);
        let (server, client) = open();
        let (served, asked) = run_both(echo_in_halves(server, in_chunks), ask(client));
        check_ended(&sent, &served, &asked);
    }
    let (server, client) = open();
    let (served, asked) = run_both(echo_by_stream(server), ask(client));
    check_ended(&sent, &served, &asked);
    for by_writer in [false, true] {
        let (server, client) = open();
        let (served, asked) = run_both(echo(server, false), close_half(client, by_writer));
        check_ended(&[], &served, &asked);
    }
}

/// Closes from either half, by a future that is dropped.
async fn close_half<T: Io, C: Timer, S: Side>(
    ws: poll::WebSocket<T, C, S>,
    by_writer: bool,
) -> Outcome {
    let (mut reader, writer) = ws.split();
    if by_writer {
        dropped_after(1, writer.close(CloseCode::NORMAL, "bye")).await;
        while dropped_at_every_wait(&mut reader, async |reader| {
            reader.next().await.unwrap().is_some()
        })
        .await
        {}
    } else {
        dropped_at_every_wait(&mut reader, async |reader| {
            reader.close(CloseCode::NORMAL, "bye").await.map(drop)
        })
        .await
        .unwrap();
    }
    reader.outcome().unwrap()
}

/// Both ends of a connection, from the futures that open them.
fn opened<T, C: Timer>(
    accept: impl Future<Output = Result<ServerSocket<T, C>, Error>>,
    connect: impl Future<Output = Result<ClientSocket<T, C>, Error>>,
) -> (ServerSocket<T, C>, ClientSocket<T, C>) {
    let (server, client) = run_both(accept, connect);
    (server.unwrap(), client.unwrap())
}

fn url() -> Url<'static> {
    Url::parse("ws://a/").unwrap()
}

#[test]
fn futures_of_the_core_can_be_dropped_wherever_they_wait() {
    let options = ConnectOptions::new();
    check_all(|| {
        let (here, there) = pair(HARD);
        let clock = Clock::default();
        opened(
            poll::accept(here, clock.clone()),
            poll::connect_over(there, clock, &url(), &options),
        )
    });
}

#[cfg(feature = "tokio")]
#[test]
fn futures_of_the_adapter_for_tokio_can_be_dropped_wherever_they_wait() {
    use websocket_proto::adapter::tokio as ws;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let _entered = runtime.enter();
    let options = ConnectOptions::new();
    check_all(|| {
        let (here, there) = pair(HARD);
        opened(ws::accept(here), ws::connect_over(there, &url(), &options))
    });
}

#[cfg(feature = "futures-io")]
#[test]
fn futures_of_the_adapter_for_futures_io_can_be_dropped_wherever_they_wait() {
    use websocket_proto::adapter::futures_io as ws;
    let options = ConnectOptions::new();
    let sleep = |_| std::future::pending::<()>();
    check_all(|| {
        let (here, there) = pair(HARD);
        opened(
            ws::accept(here, sleep),
            ws::connect_over(there, sleep, &url(), &options),
        )
    });
}

// ---- opening -------------------------------------------------------------------------------------

/// The peer of an opening that was dropped has an error, or a connection that has ended.
async fn sees_the_end<T: Io, C: Timer, S: Side>(opened: Result<poll::WebSocket<T, C, S>, Error>) {
    match opened {
        Ok(mut ws) => {
            assert!(ws.next().await.unwrap().is_none());
            assert!(!ws.outcome().unwrap().clean);
        }
        Err(error) => assert!(
            matches!(error, Error::Violation(_) | Error::Ended),
            "{error}"
        ),
    }
}

#[test]
fn an_opening_that_is_dropped_ends_the_stream_wherever_it_waits() {
    let options = ConnectOptions::new();
    let clock = Clock::default();
    for server_drops in [true, false] {
        let mut polls = 0;
        loop {
            let (here, there) = pair(HARD);
            let accepting = poll::accept(here, clock.clone());
            let connecting = poll::connect_over(there, clock.clone(), &url(), &options);
            let opened = if server_drops {
                let accept = async { dropped_after(polls, accepting).await.is_some() };
                run_both(accept, async { sees_the_end(connecting.await).await }).0
            } else {
                let connect = async { dropped_after(polls, connecting).await.is_some() };
                run_both(async { sees_the_end(accepting.await).await }, connect).1
            };
            // Where it came to a connection, that was dropped.
            if opened {
                break;
            }
            polls += 1;
        }
        assert!(polls > 250, "it waits at every octet: {polls}");
    }

    // A request of which half came, and nobody to answer it.
    let (here, there) = pair(EASY);
    drop(poll::connect_over(there, clock.clone(), &url(), &options));
    let mut accepting = pin!(poll::accept::<Pipe, Clock>(here, clock));
    assert!(matches!(
        settle(accepting.as_mut()),
        Some(Err(Error::Ended))
    ));
}
