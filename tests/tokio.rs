//! The tokio adapter over real sockets on the loopback, and with tokio's clock paused where time matters.
#![cfg(feature = "tokio")]

mod common;

use std::future::Future;
use std::time::Duration;

use common::frames::{close_payload, read_all, to_client, to_server};
use common::request_with;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use websocket_proto::adapter::tokio::{
    AcceptOptions, ClientSocket, ConnectOptions, Error, Message, Outcome, ServerSocket, WebSocket,
    accept, accept_with, connect, connect_over, connect_with,
};
use websocket_proto::handshake::{Accept, OriginPolicy, Rejection, Url};
use websocket_proto::{CloseCode, Event, Initiator, Misuse, Side, Violation};

/// Fails instead of hanging. (A paused clock would run through it, so it is real time that is meant.)
async fn in_time<T>(test: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), test)
        .await
        .expect("it hangs")
}

/// A server for one connection. Returns its address.
async fn serve<F, R>(
    server: impl FnOnce(TcpStream) -> F + Send + 'static,
) -> (String, JoinHandle<R>)
where
    F: Future<Output = R> + Send,
    R: Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let task = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        server(stream).await
    });
    (address, task)
}

async fn echo<T, S: Side>(mut ws: WebSocket<T, S>) -> Result<Outcome, Error>
where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    while let Some((event, mut out)) = ws.next().await? {
        match event {
            Event::Text(text) => out.send_text(text)?,
            Event::Binary(octets) => out.send_binary(octets)?,
            _ => {}
        }
    }
    Ok(ws.outcome().expect("an outcome when it is over"))
}

async fn echo_server() -> (String, JoinHandle<Result<Outcome, Error>>) {
    serve(|stream| async { echo(accept(stream).await?).await }).await
}

fn ws(address: &str) -> String {
    format!("ws://{address}/chat")
}

/// Both ends over sockets of the loopback.
async fn opened() -> (ServerSocket<TcpStream>, ClientSocket<TcpStream>) {
    let (address, server) = serve(|stream| async { accept(stream).await.unwrap() }).await;
    let client = connect(&ws(&address)).await.unwrap();
    (server.await.unwrap(), client)
}

/// Both ends over a pipe in memory that holds this much.
async fn piped(size: usize) -> (ServerSocket<DuplexStream>, ClientSocket<DuplexStream>) {
    let (here, there) = duplex(size);
    let url = Url::parse("ws://a/").unwrap();
    let options = ConnectOptions::new();
    let (server, client) = tokio::join!(accept(here), connect_over(there, &url, &options));
    (server.unwrap(), client.unwrap())
}

// ---- opening -------------------------------------------------------------------------------------

#[tokio::test]
async fn it_connects_agrees_echoes_and_closes() {
    in_time(async {
        let (address, server) = serve(|stream| async {
            let options = AcceptOptions::new().with_subprotocols(&["chat.v2", "chat.v1"]);
            let ws = accept_with(stream, &options, |request| {
                assert_eq!(request.path(), "/chat");
                assert_eq!(request.field("authorization"), Some(&b"Bearer 1"[..]));
                Ok(Accept::new())
            })
            .await?;
            assert!(ws.io().get_ref().nodelay().unwrap());
            assert_eq!(ws.subprotocol(), Some("chat.v2"));
            echo(ws).await
        })
        .await;
        let options = ConnectOptions::new()
            .with_subprotocols(&["chat.v1", "chat.v2"])
            .with_fields(&[("Authorization", "Bearer 1")]);
        let mut client = connect_with(&ws(&address), &options).await.unwrap();
        assert!(client.io().get_ref().nodelay().unwrap());
        assert_eq!(client.subprotocol(), Some("chat.v2"));
        client.send_text("Hello").await.unwrap();
        assert!(matches!(
            client.next().await.unwrap(),
            Some((Event::Text("Hello"), _))
        ));
        let ended = client.close(CloseCode::NORMAL, "bye").await.unwrap();
        let expected = |initiator| Outcome {
            code: CloseCode::NORMAL,
            reason: "bye".into(),
            clean: true,
            initiator,
        };
        assert_eq!(ended, expected(Initiator::Local));
        assert_eq!(server.await.unwrap().unwrap(), expected(Initiator::Peer));
    })
    .await;
}

#[tokio::test]
async fn rule_11_a_page_from_elsewhere_is_refused_with_403() {
    in_time(async {
        let (address, server) = serve(|stream| async { accept(stream).await.map(drop) }).await;
        let options = ConnectOptions::new().with_origin("https://evil.example");
        let Err(Error::Refused(refusal)) = connect_with(&ws(&address), &options).await else {
            panic!("not refused")
        };
        assert_eq!(refusal.status, 403);
        assert!(matches!(server.await.unwrap(), Err(Error::Rejected)));
    })
    .await;
}

#[tokio::test]
async fn what_the_server_decides_reaches_the_client_with_its_body() {
    in_time(async {
        let (address, server) = serve(|stream| async {
            let options = AcceptOptions::new().with_origins(OriginPolicy::Any);
            let answer = |_: &websocket_proto::handshake::Request<'_>| {
                Err(Rejection::new(404).with_body(b"nothing here"))
            };
            accept_with(stream, &options, answer).await.map(drop)
        })
        .await;
        let Err(Error::Refused(refusal)) = connect(&ws(&address)).await else {
            panic!("not refused")
        };
        assert_eq!(
            (refusal.status, &refusal.body[..]),
            (404, &b"nothing here"[..])
        );
        assert!(matches!(server.await.unwrap(), Err(Error::Rejected)));
    })
    .await;
}

#[tokio::test]
async fn all_addresses_of_a_host_are_tried() {
    in_time(async {
        // It listens on one of the two that `localhost` may have.
        let (address, server) = echo_server().await;
        let port = address.rsplit(':').next().unwrap().to_owned();
        let mut client = connect(&format!("ws://localhost:{port}/")).await.unwrap();
        client.close(CloseCode::NORMAL, "").await.unwrap();
        assert!(server.await.unwrap().unwrap().clean);
    })
    .await;
}

#[tokio::test]
async fn a_wss_url_and_a_bad_one_are_misuses_and_nothing_is_dialled() {
    for url in ["wss://127.0.0.1:1/", "ws://a b/", "ws://127.0.0.1:1/#a"] {
        if url.starts_with("wss") && cfg!(feature = "tls") {
            continue; // tests/tls.rs
        }
        assert!(
            matches!(connect(url).await, Err(Error::Misuse(Misuse::Url(_)))),
            "{url}"
        );
    }
    let (here, _there) = duplex(100);
    let bad = ConnectOptions::new().with_subprotocols(&["a b"]);
    let refused = connect_over(here, &Url::parse("ws://a/").unwrap(), &bad).await;
    assert!(matches!(refused, Err(Error::Misuse(Misuse::Subprotocol))));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stalls_in_the_handshake_is_refused_in_10_seconds() {
    let (here, mut there) = duplex(1000);
    there.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let began = tokio::time::Instant::now();
    let accepted = tokio::spawn(accept(here));
    let mut told = Vec::new();
    there.read_to_end(&mut told).await.unwrap();
    assert!(told.starts_with(b"HTTP/1.1 408 "));
    assert_eq!(began.elapsed().as_secs(), 10);
    drop(there);
    assert!(matches!(
        accepted.await.unwrap(),
        Err(Error::Violation(Violation::HandshakeTimeout))
    ));
}

// ---- time ----------------------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn keepalive_runs_by_itself() {
    let (server, mut client) = piped(1000).await;
    let server = tokio::spawn(echo(server));
    let began = tokio::time::Instant::now();
    // Two ends that are both there: each hears of the other every 20 s.
    for _ in 0..5 {
        assert!(matches!(
            client.next().await.unwrap(),
            Some((Event::Ping(_) | Event::Pong(_), _))
        ));
    }
    assert!((20..=100).contains(&began.elapsed().as_secs()));
    // One that doesn't answer any more is gone.
    let stalled = client;
    let failed = server.await.unwrap();
    assert!(matches!(
        failed,
        Err(Error::Violation(Violation::PongTimeout))
    ));
    drop(stalled);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_closes_is_left_after_5_seconds() {
    let (here, mut there) = duplex(1000);
    there.write_all(&request_with("")).await.unwrap();
    let mut ws = accept(here).await.unwrap();
    let began = tokio::time::Instant::now();
    let outcome = ws.close(CloseCode::GOING_AWAY, "").await.unwrap();
    assert_eq!(outcome.code, CloseCode::ABNORMAL);
    assert_eq!(began.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_writer_s_close_wakes_the_reader_for_its_deadline() {
    let (here, mut there) = duplex(1000);
    there.write_all(&request_with("")).await.unwrap();
    let (mut reader, writer) = accept(here).await.unwrap().split();
    let reading = tokio::spawn(async move {
        while reader.next().await.unwrap().is_some() {}
        reader.outcome().unwrap()
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let began = tokio::time::Instant::now();
    writer.close(CloseCode::NORMAL, "").await.unwrap();
    assert!(!reading.await.unwrap().clean);
    assert_eq!(began.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_waits_is_told_when_the_peer_is_given_up() {
    let (server, client) = piped(100).await;
    let (mut reader, writer) = server.split();
    let reading = tokio::spawn(async move { while let Ok(Some(_)) = reader.next().await {} });
    let big = vec![7; 1 << 20];
    let began = tokio::time::Instant::now();
    // The peer reads nothing, so that it hears no Ping either.
    let _ = writer.send_binary(&big).await;
    assert!(writer.send_binary(&big).await.is_err());
    assert!((20..=60).contains(&began.elapsed().as_secs()));
    reading.await.unwrap();
    drop(client);
}

// ---- halves --------------------------------------------------------------------------------------

const MANY: usize = 100_000;

/// Both ends send and receive as many messages as they can, at the same time.
async fn both_ways<T>(server: ServerSocket<T>, client: ClientSocket<T>)
where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (mut from_client, to_client) = server.split();
    let (mut from_server, to_server) = client.split();
    let sending = tokio::spawn(async move {
        for at in 0..MANY {
            to_client.send_text(&at.to_string()).await.unwrap();
        }
        to_client
    });
    let feeding = tokio::spawn(async move {
        let mut to_server = to_server;
        for at in 0..MANY {
            to_server.feed(Message::from(at.to_string())).await.unwrap();
        }
        SinkExt::flush(&mut to_server).await.unwrap();
        to_server
    });
    let receiving = tokio::spawn(async move {
        for at in 0..MANY {
            match from_client.next().await.unwrap() {
                Some(Event::Text(text)) => assert_eq!(text, at.to_string()),
                other => panic!("{other:?}"),
            }
        }
        while from_client.next().await.unwrap().is_some() {}
        from_client.outcome().unwrap()
    });
    for at in 0..MANY {
        let message = StreamExt::next(&mut from_server).await.unwrap().unwrap();
        assert_eq!(message, Message::from(at.to_string()));
    }
    // Whoever closes sends no more: all has to be sent before.
    let to_client = sending.await.unwrap();
    let to_server = feeding.await.unwrap();
    let closing = tokio::spawn(async move { from_server.close(CloseCode::NORMAL, "done").await });
    drop((to_client, to_server));
    assert!(closing.await.unwrap().unwrap().clean);
    assert_eq!(receiving.await.unwrap().reason, "done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn halves_send_100_000_messages_both_ways_over_sockets() {
    in_time(async {
        let (server, client) = opened().await;
        both_ways(server, client).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn halves_send_100_000_messages_both_ways_over_a_narrow_pipe() {
    in_time(async {
        let (server, client) = piped(50).await;
        both_ways(server, client).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_writers_share_a_connection() {
    in_time(async {
        let (server, mut client) = piped(300).await;
        let (mut reader, writer) = server.split();
        let reading = tokio::spawn(async move { while reader.next().await.unwrap().is_some() {} });
        let writers: Vec<_> = (0..20_u8)
            .map(|name| {
                let writer = writer.clone();
                tokio::spawn(async move {
                    for at in 0..100_usize {
                        writer.send_binary(&vec![name; at * 13]).await.unwrap();
                    }
                })
            })
            .collect();
        let mut next = [0; 20];
        for _ in 0..2000 {
            let Some((Event::Binary(octets), _)) = client.next().await.unwrap() else {
                panic!("no message")
            };
            let name = match octets {
                [] => continue,
                [name, ..] => usize::from(*name),
            };
            next[name] += 13;
            assert!(octets.iter().all(|octet| usize::from(*octet) == name));
            assert_eq!(octets.len(), next[name], "each in its order");
        }
        for writer in writers {
            writer.await.unwrap();
        }
        client.close(CloseCode::NORMAL, "").await.unwrap();
        reading.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_close_from_either_half_is_seen_through() {
    for from_reader in [true, false] {
        in_time(async {
            let (server, client) = opened().await;
            let server = tokio::spawn(echo(server));
            let (mut reader, writer) = client.split();
            if from_reader {
                reader.close(CloseCode::NORMAL, "bye").await.unwrap();
            } else {
                writer.close(CloseCode::NORMAL, "bye").await.unwrap();
                while reader.next().await.unwrap().is_some() {}
            }
            assert!(reader.outcome().unwrap().clean);
            assert_eq!(server.await.unwrap().unwrap().reason, "bye");
            assert!(matches!(
                writer.send_text("late").await,
                Err(Error::Misuse(Misuse::Closing))
            ));
        })
        .await;
    }
}

// ---- events --------------------------------------------------------------------------------------

#[tokio::test]
async fn a_stream_can_be_forwarded_to_its_sink() {
    in_time(async {
        let (address, server) = serve(|stream| async {
            let (reader, writer) = accept(stream).await?.split();
            let messages = reader.filter(|message| {
                std::future::ready(matches!(message, Ok(Message::Text(_) | Message::Binary(_))))
            });
            messages.forward(writer).await
        })
        .await;
        let mut client = connect(&ws(&address)).await.unwrap();
        for size in [1, 5000, 200_000] {
            let octets = vec![7; size];
            client.send_binary(&octets).await.unwrap();
            match client.next().await.unwrap() {
                Some((Event::Binary(echoed), _)) => assert!(echoed == octets),
                other => panic!("{other:?}"),
            }
        }
        client.close(CloseCode::NORMAL, "").await.unwrap();
        server.await.unwrap().unwrap();
    })
    .await;
}

#[tokio::test]
async fn waiting_for_events_can_lose_a_race_again_and_again() {
    in_time(async {
        let (server, mut client) = piped(7).await;
        let server = tokio::spawn(echo(server));
        let mut ticks = 0;
        for at in 0..200_usize {
            let text = at.to_string().repeat(at);
            client.send_text(&text).await.unwrap();
            let echoed = loop {
                tokio::select! {
                    biased;
                    () = tokio::task::yield_now() => ticks += 1,
                    event = client.next() => match event.unwrap() {
                        Some((Event::Text(text), _)) => break text.to_owned(),
                        other => panic!("{other:?}"),
                    },
                }
            };
            assert_eq!(echoed, text);
        }
        assert!(ticks > 200, "it was dropped {ticks} times");
        client.close(CloseCode::NORMAL, "").await.unwrap();
        assert!(server.await.unwrap().unwrap().clean);
    })
    .await;
}

#[tokio::test]
async fn a_peer_of_another_make_sees_no_reset() {
    in_time(async {
        let (address, server) = echo_server().await;
        let mut raw = TcpStream::connect(&address).await.unwrap();
        let input = [
            request_with(""),
            to_server(0x81, b"early"),
            to_server(0x88, &close_payload(1000, "")),
            vec![0; 100_000],
        ];
        raw.write_all(&input.concat()).await.unwrap();
        let mut output = Vec::new();
        raw.read_to_end(&mut output).await.unwrap();
        let frames = [
            to_client(0x81, b"early"),
            to_client(0x88, &close_payload(1000, "")),
        ];
        assert!(output.ends_with(&frames.concat()));
        assert!(read_all(&frames.concat()).1.is_empty());
        drop(raw);
        assert!(server.await.unwrap().unwrap().clean);
    })
    .await;
}

#[tokio::test]
async fn a_large_answer_reaches_a_reader_that_takes_its_time() {
    in_time(async {
        let (address, server) = serve(|stream| async {
            let mut ws = accept(stream).await?;
            let file: Vec<u8> = (0..10_000_000_u32).map(|at| at as u8).collect();
            while let Some((event, mut out)) = ws.next().await? {
                if let Event::Text(_) = event {
                    // More than sockets hold: it is written as the reader makes room.
                    out.send_binary(&file)?;
                    assert!(out.buffered_amount() > file.len());
                }
            }
            Ok::<_, Error>(ws.outcome().unwrap())
        })
        .await;
        let mut client = connect(&ws(&address)).await.unwrap();
        for _ in 0..2 {
            client.send_text("the file").await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
            let (event, _) = client.next().await.unwrap().unwrap();
            let Event::Binary(file) = event else {
                panic!("the file")
            };
            assert_eq!(file.len(), 10_000_000);
            assert!(
                file.iter()
                    .zip(0_u32..)
                    .all(|(octet, at)| *octet == at as u8)
            );
        }
        client.close(CloseCode::NORMAL, "").await.unwrap();
        assert!(server.await.unwrap().unwrap().clean);
    })
    .await;
}

/// Has to compile: a task of a runtime with several threads may wait for something else while it holds an
/// event and the means to answer it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_may_wait_while_it_holds_an_event() {
    in_time(async {
        let (address, server) = serve(|stream| async {
            let mut ws = accept(stream).await?;
            while let Some((event, mut out)) = ws.next().await? {
                if let Event::Text(text) = event {
                    tokio::task::yield_now().await;
                    out.send_text(text)?;
                }
            }
            Ok::<_, Error>(ws.outcome().unwrap())
        })
        .await;
        let mut client = connect(&ws(&address)).await.unwrap();
        client.send_text("Hello").await.unwrap();
        assert!(matches!(
            client.next().await.unwrap(),
            Some((Event::Text("Hello"), _))
        ));
        client.close(CloseCode::NORMAL, "").await.unwrap();
        assert!(server.await.unwrap().unwrap().clean);
    })
    .await;
}
