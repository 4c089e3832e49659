//! TLS under the async adapters: over a transport in memory, where futures are polled by hand and a test
//! moves the clock, and over sockets of the loopback on tokio and smol.
#![cfg(all(feature = "rustls", feature = "poll"))]

mod common;
#[path = "common/counting.rs"]
mod counting;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use common::certificates::{Authority, server};
use common::wire::{
    Clock, EASY, HARD, Manner, Pipe, dropped_at_every_wait, pair, pipe, poll_once, run, run_both,
    settle,
};
use counting::HELD;
use rustls::{AlertDescription, CertificateError, ClientConfig, ServerConfig};
use websocket_proto::adapter::poll::{self, ClientSocket, ServerSocket};
use websocket_proto::adapter::{AcceptOptions, ConnectOptions, Error, Outcome};
use websocket_proto::handshake::{Accept, Url};
use websocket_proto::{CloseCode, Config, Event, Violation};

const URL: &str = "wss://localhost/chat";

/// The futures that open both ends over two transports.
async fn accept(
    pipe: Pipe,
    clock: Clock,
    config: Arc<ServerConfig>,
) -> Result<ServerSocket<Pipe, Clock>, Error> {
    let options = AcceptOptions::new().with_tls(&config);
    poll::accept_with(pipe, clock, &options, |_| Ok(Accept::new())).await
}

async fn connect(
    pipe: Pipe,
    clock: Clock,
    config: Arc<ClientConfig>,
) -> Result<ClientSocket<Pipe, Clock>, Error> {
    let options = ConnectOptions::new().with_tls(&config);
    poll::connect_over(pipe, clock, &Url::parse(URL).unwrap(), &options).await
}

/// Both ends of a connection, opened.
fn opened(manner: Manner) -> (ServerSocket<Pipe, Clock>, ClientSocket<Pipe, Clock>) {
    let authority = Authority::new();
    let (here, there) = pair(manner);
    let (server, client) = run_both(
        accept(here, Clock::default(), authority.server()),
        connect(there, Clock::default(), authority.client()),
    );
    (server.unwrap(), client.unwrap())
}

async fn echo(mut ws: ServerSocket<Pipe, Clock>) -> Result<Outcome, Error> {
    while let Some((event, mut out)) = ws.next().await? {
        if let Event::Binary(octets) = event {
            out.send_binary(octets)?;
        }
    }
    Ok(ws.outcome().expect("an outcome when it is over"))
}

fn octets_of(length: usize) -> Vec<u8> {
    (0..length).map(|at| at as u8).collect()
}

#[track_caller]
fn tls_fault<T>(result: Result<T, Error>) -> rustls::Error {
    match result {
        Err(Error::Tls(fault)) => *fault,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it worked"),
    }
}

// ---- in memory -----------------------------------------------------------------------------------

#[test]
fn messages_come_back_over_every_manner_of_transport() {
    let small = Manner {
        capacity: 1,
        ..EASY
    };
    let held = Manner {
        holds_back: true,
        yields: true,
        ..EASY
    };
    for (manner, largest) in [
        (EASY, 1_000_000),
        (held, 100_000),
        (small, 5000),
        (HARD, 4097),
    ] {
        let (server, mut client) = opened(manner);
        let client = async move {
            for length in [0, 1, 125, 4095, 4096, largest] {
                let sent = octets_of(length);
                client.send_binary(&sent).await.unwrap();
                match client.next().await.unwrap() {
                    Some((Event::Binary(echoed), _)) => assert!(echoed == sent),
                    _ => panic!("no echo of {length}"),
                }
            }
            client.close(CloseCode::NORMAL, "bye").await.unwrap()
        };
        let (server, client) = run_both(echo(server), client);
        assert!(client.clean && server.unwrap().reason == "bye");
    }
}

#[test]
fn every_future_can_be_dropped_wherever_it_waits() {
    let lengths = [0, 1, 126, 5000];
    let (server, mut client) = opened(HARD);
    let server = async move {
        let mut server = server;
        while dropped_at_every_wait(&mut server, async |ws| {
            Ok::<_, Error>(match ws.next().await? {
                Some((Event::Binary(octets), mut out)) => {
                    out.send_binary(octets)?;
                    true
                }
                other => other.is_some(),
            })
        })
        .await
        .unwrap()
        {}
        server.outcome().unwrap()
    };
    let client = async move {
        for length in lengths {
            // The first poll queues it whole. When that future is dropped, the rest is another's.
            let _ = poll_once(pin!(client.send_binary(&octets_of(length))));
            dropped_at_every_wait(&mut client, async |ws| ws.flush().await)
                .await
                .unwrap();
            let whole = dropped_at_every_wait(&mut client, async |ws| match ws.next().await {
                Ok(Some((Event::Binary(octets), _))) => octets == octets_of(length),
                _ => false,
            })
            .await;
            assert!(whole, "no octet is lost or doubled");
        }
        client.queue().close(CloseCode::NORMAL, "bye").unwrap();
        while dropped_at_every_wait(&mut client, async |ws| ws.next().await.unwrap().is_some())
            .await
        {}
        client.outcome().unwrap()
    };
    let (server, client) = run_both(server, client);
    assert!(client.clean && server.clean && server.reason == "bye");
}

#[test]
fn a_client_that_stalls_in_the_tls_handshake_is_given_up_with_the_deadline() {
    let (pipe, peer) = pipe(EASY);
    let clock = Clock::default();
    let mut accepting = pin!(accept(pipe, clock.clone(), Authority::new().server()));
    peer.send(&[0x16, 3, 1, 0, 200, 1]);
    assert!(settle(accepting.as_mut()).is_none());
    clock.advance(Duration::from_secs(10));
    assert!(settle(accepting.as_mut()).is_none(), "it waits for the end");
    assert!(peer.has_ended());
    clock.advance(Duration::from_secs(5));
    assert!(matches!(
        settle(accepting.as_mut()),
        Some(Err(Error::Violation(Violation::HandshakeTimeout)))
    ));
    assert!(
        !peer.take().starts_with(b"HTTP"),
        "nothing went out in the clear"
    );
}

// RFC 6455 §4.1-10, §4.1-11
#[test]
fn a_server_that_stalls_in_the_tls_handshake_is_given_up_with_the_deadline() {
    let (pipe, peer) = pipe(EASY);
    let clock = Clock::default();
    let mut connecting = pin!(connect(pipe, clock.clone(), Authority::new().client()));
    assert!(settle(connecting.as_mut()).is_none());
    let greeting = peer.take();
    assert_eq!(greeting[..2], [0x16, 3], "a ClientHello");
    assert!(!greeting.windows(4).any(|four| four == b"GET "));
    clock.advance(Duration::from_secs(10));
    assert!(
        settle(connecting.as_mut()).is_none(),
        "it waits for the end"
    );
    clock.advance(Duration::from_secs(5));
    assert!(matches!(
        settle(connecting.as_mut()),
        Some(Err(Error::Violation(Violation::HandshakeTimeout)))
    ));
}

#[test]
fn bad_certificates_are_told_to_both_ends() {
    let authority = Authority::new();
    let expired = server(authority.identity(&["localhost"], 2021));
    let other_host = server(authority.identity(&["example.com"], 4000));
    let stranger = Authority::new().server();
    let fault_of = |config: &Arc<ServerConfig>| {
        let (here, there) = pair(EASY);
        let (server, client) = run_both(
            accept(here, Clock::default(), config.clone()),
            connect(there, Clock::default(), authority.client()),
        );
        match tls_fault(client) {
            rustls::Error::InvalidCertificate(fault) => (fault, tls_fault(server)),
            other => panic!("{other:?}"),
        }
    };
    let told = rustls::Error::AlertReceived;
    let (fault, alert) = fault_of(&expired);
    assert!(matches!(fault, CertificateError::ExpiredContext { .. }));
    assert_eq!(alert, told(AlertDescription::CertificateExpired));
    let (fault, alert) = fault_of(&other_host);
    assert!(matches!(
        fault,
        CertificateError::NotValidForNameContext { .. }
    ));
    assert_eq!(alert, told(AlertDescription::BadCertificate));
    let (fault, alert) = fault_of(&stranger);
    assert_eq!(fault, CertificateError::UnknownIssuer);
    assert_eq!(alert, told(AlertDescription::UnknownCA));
}

#[test]
fn a_transport_that_ends_without_close_notify_before_the_close_ends_unclean() {
    let (server, mut client) = opened(EASY);
    drop(server);
    assert!(run(client.next()).unwrap().is_none());
    let outcome = client.outcome().unwrap();
    assert_eq!((outcome.code, outcome.clean), (CloseCode::ABNORMAL, false));
}

#[test]
fn a_slow_peer_has_30_seconds_for_each_octet_and_a_stalled_one_no_more() {
    let authority = Authority::new();
    let (here, there) = pair(EASY);
    let clock = Clock::default();
    let manner = here.manner_handle();
    let (accepting, connecting) = (authority.server(), authority.client());
    // Nobody sends a Ping meanwhile.
    let options = AcceptOptions::new()
        .with_tls(&accepting)
        .with_config(Config::new());
    let url = Url::parse(URL).unwrap();
    let (server, client) = run_both(
        poll::accept_with(here, clock.clone(), &options, |_| Ok(Accept::new())),
        poll::connect_over(
            there,
            clock.clone(),
            &url,
            &ConnectOptions::new()
                .with_tls(&connecting)
                .with_config(Config::new()),
        ),
    );
    let (mut server, mut client) = (server.unwrap(), client.unwrap());
    let slow = Manner {
        capacity: 20,
        ..EASY
    };
    *manner.lock().unwrap() = slow;
    let sent = octets_of(1000);
    let mut turns = 0;
    {
        let mut sending = pin!(server.send_binary(&sent));
        while poll_once(sending.as_mut()).is_pending() {
            clock.advance(Duration::from_secs(15));
            assert!(poll_once(pin!(client.next())).is_pending());
            turns += 1;
        }
    }
    assert!(turns >= 50, "it took its time: {turns}");
    match run(client.next()) {
        Ok(Some((Event::Binary(octets), _))) => assert!(octets == sent),
        other => panic!("{:?}", other.map(drop)),
    }

    let mut sending = pin!(server.send_binary(&sent));
    assert!(settle(sending.as_mut()).is_none());
    clock.advance(Duration::from_secs(30));
    let Some(Err(Error::Io(error))) = settle(sending.as_mut()) else {
        panic!("it isn't given up");
    };
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
}

#[test]
fn a_connection_that_waits_keeps_nothing_of_what_went_through_it() {
    let (here, there) = pair(EASY);
    // They are shared by all connections of a server, and are not to be counted.
    let (authority, clock) = (Authority::new(), Clock::default());
    let (accepting, connecting) = (authority.server(), authority.client());
    let (server, client) = run_both(
        accept(here, clock.clone(), Arc::clone(&accepting)),
        connect(there, clock, Arc::clone(&connecting)),
    );
    let (mut server, mut client) = (server.unwrap(), client.unwrap());
    let sent = octets_of(16 << 10);
    let mut exchange = || {
        run(client.send_binary(&sent)).unwrap();
        match settle(pin!(server.next())) {
            Some(Ok(Some((Event::Binary(octets), mut out)))) => out.send_binary(octets).unwrap(),
            _ => panic!("nothing came"),
        }
        assert!(settle(pin!(server.next())).is_none());
        assert!(matches!(
            run(client.next()),
            Ok(Some((Event::Binary(_), _)))
        ));
        assert!(settle(pin!(client.next())).is_none());
    };
    // What the thread has in common is there after the first time.
    exchange();
    let before = HELD.get();
    for _ in 0..20 {
        exchange();
    }
    let waiting = HELD.get();
    assert!(waiting <= before, "{} octets more", waiting - before);
    drop(server);
    // Of which rustls takes 7 KiB.
    let taken = waiting - HELD.get();
    assert!(taken <= 10 << 10, "{taken} octets for a server's end");
}

// RFC 6455 §4.1-12
#[test]
fn the_session_can_be_asked() {
    let (server, client) = opened(EASY);
    let chain = client.tls(|tls| tls.peer_certificates().map(<[_]>::len));
    assert_eq!(chain, Some(Some(1)));
    let name = server.tls(|tls| match tls {
        rustls::Connection::Server(server) => server.server_name().map(str::to_owned),
        rustls::Connection::Client(_) => None,
    });
    assert_eq!(name, Some(Some("localhost".into())));
    let alpn = client.tls(|tls| tls.alpn_protocol().is_none());
    assert_eq!(alpn, Some(true), "the server chose none");
}

// ---- tokio ---------------------------------------------------------------------------------------

#[cfg(feature = "tokio")]
mod on_tokio {
    use std::sync::Arc;
    use std::time::Duration;

    use rustls::ServerConfig;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::task::JoinHandle;
    use tokio::time::timeout;
    use websocket_proto::adapter::tokio::{
        AcceptOptions, ClientSocket, ConnectOptions, Error, Outcome, ServerSocket, WebSocket,
        accept_with, connect, connect_over, connect_with,
    };
    use websocket_proto::handshake::{Accept, Url};
    use websocket_proto::{CloseCode, Config, Event, Misuse, Side, UrlFault, Violation};

    use super::common::certificates::{Authority, server};
    use super::{URL, octets_of, tls_fault};

    /// Fails instead of hanging.
    async fn in_time<T>(test: impl Future<Output = T>) -> T {
        timeout(Duration::from_secs(60), test)
            .await
            .expect("it hangs")
    }

    async fn accept_tls<T>(stream: T, config: Arc<ServerConfig>) -> Result<ServerSocket<T>, Error>
    where
        T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + 'static,
    {
        let options = AcceptOptions::new().with_tls(&config);
        accept_with(stream, &options, |_| Ok(Accept::new())).await
    }

    /// A server for one connection, that echoes. Returns its port.
    async fn echo_server(config: Arc<ServerConfig>) -> (u16, JoinHandle<Result<Outcome, Error>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut ws = accept_tls(stream, config).await?;
            while let Some((event, mut out)) = ws.next().await? {
                if let Event::Binary(octets) = event {
                    out.send_binary(octets)?;
                }
            }
            Ok(ws.outcome().expect("an outcome when it is over"))
        });
        (port, task)
    }

    async fn connect_tls(
        authority: &Authority,
        host: &str,
        port: u16,
    ) -> Result<ClientSocket<TcpStream>, Error> {
        let config = authority.client();
        let options = ConnectOptions::new().with_tls(&config);
        connect_with(&format!("wss://{host}:{port}/chat"), &options).await
    }

    #[tokio::test]
    async fn messages_come_back_over_sockets() {
        in_time(async {
            let authority = Authority::new();
            for host in ["localhost", "127.0.0.1"] {
                let (port, server) = echo_server(authority.server()).await;
                let mut ws = connect_tls(&authority, host, port).await.unwrap();
                for length in [0, 1, 65_536, 3_000_000] {
                    ws.send_binary(&octets_of(length)).await.unwrap();
                    match ws.next().await.unwrap() {
                        Some((Event::Binary(echoed), _)) => assert!(echoed == octets_of(length)),
                        other => panic!("{other:?}"),
                    }
                }
                assert!(ws.close(CloseCode::NORMAL, "bye").await.unwrap().clean);
                assert_eq!(server.await.unwrap().unwrap().reason, "bye");
            }
        })
        .await;
    }

    /// Sends `count` messages from one task while this one receives as many.
    async fn both_ways<T, S>(
        ws: WebSocket<T, S>,
        count: usize,
        size: usize,
        closes: bool,
    ) -> Outcome
    where
        T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
        S: Side + Send + 'static,
    {
        let (mut reader, writer) = ws.split();
        let sender = writer.clone();
        let sending = tokio::spawn(async move {
            for at in 0..count {
                sender.send_binary(&vec![at as u8; size]).await.unwrap();
            }
        });
        for at in 0..count {
            match reader.next().await.unwrap() {
                Some(Event::Binary(octets)) => assert!(octets == vec![at as u8; size]),
                other => panic!("{other:?}"),
            }
        }
        sending.await.unwrap();
        if closes {
            writer.close(CloseCode::NORMAL, "enough").await.unwrap();
        }
        while reader.next().await.unwrap().is_some() {}
        reader.outcome().unwrap()
    }

    /// Nobody is polled who wasn't woken: a wake-up that is lost would hang here.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn halves_of_both_ends_talk_through_a_pipe_that_holds_next_to_nothing() {
        in_time(async {
            let authority = Authority::new();
            for (holds, count, size) in [(1, 20, 300), (100, 100, 1000), (4096, 300, 20_000)] {
                let (here, there) = duplex(holds);
                let config = authority.server();
                let server = tokio::spawn(async move {
                    let ws = accept_tls(here, config).await.unwrap();
                    both_ways(ws, count, size, false).await
                });
                let config = authority.client();
                let options = ConnectOptions::new().with_tls(&config);
                let url = Url::parse(URL).unwrap();
                let ws = connect_over(there, &url, &options).await.unwrap();
                assert!(both_ways(ws, count, size, true).await.clean);
                assert_eq!(server.await.unwrap().reason, "enough");
            }
        })
        .await;
    }

    #[tokio::test]
    async fn bad_certificates_are_refused() {
        in_time(async {
            let authority = Authority::new();
            let expired = server(authority.identity(&["localhost"], 2021));
            let other_host = server(authority.identity(&["example.com"], 4000));
            for config in [expired, other_host, Authority::new().server()] {
                let (port, server) = echo_server(config).await;
                let fault = tls_fault(connect_tls(&authority, "localhost", port).await);
                assert!(
                    matches!(fault, rustls::Error::InvalidCertificate(_)),
                    "{fault:?}"
                );
                let fault = tls_fault(server.await.unwrap());
                assert!(
                    matches!(fault, rustls::Error::AlertReceived(_)),
                    "{fault:?}"
                );
            }
        })
        .await;
    }

    #[tokio::test]
    async fn whom_to_trust_is_a_matter_of_features() {
        in_time(async {
            let (port, server) = echo_server(Authority::new().server()).await;
            let refused = connect(&format!("wss://localhost:{port}/")).await;
            if cfg!(any(
                feature = "webpki-roots",
                feature = "rustls-platform-verifier"
            )) {
                let fault = tls_fault(refused);
                assert!(
                    matches!(fault, rustls::Error::InvalidCertificate(_)),
                    "{fault:?}"
                );
                tls_fault(server.await.unwrap());
            } else {
                assert!(matches!(
                    refused,
                    Err(Error::Misuse(Misuse::Url(UrlFault::NeedsTls)))
                ));
            }
        })
        .await;
    }

    #[tokio::test]
    async fn a_server_that_stalls_in_the_tls_handshake_is_given_up_with_the_deadline() {
        in_time(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let config = Authority::new().client();
            let hurried = Config::new()
                .with_handshake_timeout(Some(Duration::from_millis(100)))
                .with_close_timeout(Some(Duration::from_millis(100)));
            let options = ConnectOptions::new().with_tls(&config).with_config(hurried);
            let url = format!("wss://localhost:{port}/");
            let refused = connect_with(&url, &options).await;
            assert!(matches!(
                refused,
                Err(Error::Violation(Violation::HandshakeTimeout))
            ));
        })
        .await;
    }

    #[tokio::test]
    async fn plain_http_on_the_tls_port_and_tls_on_a_plain_port_are_errors_of_tls_s() {
        in_time(async {
            let wrong = rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
            let authority = Authority::new();
            let (port, server) = echo_server(authority.server()).await;
            let mut raw = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            raw.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                .await
                .unwrap();
            let mut told = Vec::new();
            raw.read_to_end(&mut told).await.unwrap();
            assert_eq!(told[..2], [0x15, 3], "an alert");
            assert_eq!(tls_fault(server.await.unwrap()), wrong);

            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let plain = tokio::spawn(async move {
                let (stream, _) = listener.accept().await.unwrap();
                websocket_proto::adapter::tokio::accept(stream)
                    .await
                    .map(drop)
            });
            let refused = connect_tls(&authority, "localhost", port).await;
            assert_eq!(tls_fault(refused), wrong);
            assert!(matches!(
                plain.await.unwrap(),
                Err(Error::Violation(Violation::Request(_)))
            ));
        })
        .await;
    }
}

// ---- smol ----------------------------------------------------------------------------------------

#[cfg(feature = "futures-io")]
#[test]
fn other_runtimes_have_it_by_the_same_options() {
    use smol::Timer;
    use smol::net::{TcpListener, TcpStream};
    use websocket_proto::adapter::futures_io::{accept_with, connect_over};

    let test = async {
        let authority = Authority::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let there = TcpStream::connect(listener.local_addr().unwrap());
        let there = there.await.unwrap();
        let (here, _) = listener.accept().await.unwrap();
        let config = authority.server();
        let server = smol::spawn(async move {
            let options = AcceptOptions::new().with_tls(&config);
            let mut ws = accept_with(here, Timer::after, &options, |_| Ok(Accept::new())).await?;
            while let Some((event, mut out)) = ws.next().await? {
                if let Event::Text(text) = event {
                    out.send_text(text)?;
                }
            }
            Ok::<_, Error>(ws.outcome())
        });
        let config = authority.client();
        let options = ConnectOptions::new().with_tls(&config);
        let url = Url::parse(URL).unwrap();
        let mut ws = connect_over(there, Timer::after, &url, &options)
            .await
            .unwrap();
        ws.send_text("Hello").await.unwrap();
        assert!(matches!(
            ws.next().await.unwrap(),
            Some((Event::Text("Hello"), _))
        ));
        assert!(ws.close(CloseCode::NORMAL, "").await.unwrap().clean);
        assert!(server.await.unwrap().unwrap().clean);
    };
    smol::block_on(smol::future::or(test, async {
        Timer::after(Duration::from_secs(60)).await;
        panic!("it hangs")
    }));
}
