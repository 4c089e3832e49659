//! TLS under the blocking adapter, over real sockets of the loopback, with certificates made here. Each
//! test has a minute at most. A raw peer is rustls alone, without any code of the crate's.
#![cfg(feature = "rustls")]

mod common;

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use common::certificates::{Authority, server};
use common::frames::{close_payload, read_all, to_client, to_server};
use common::request_with;
use rustls::crypto::CryptoProvider;
use rustls::version::{TLS12, TLS13};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, ProtocolVersion,
    ServerConfig, ServerConnection, StreamOwned,
};
use websocket_proto::adapter::blocking::{
    AcceptOptions, ClientSocket, ConnectOptions, Error, Outcome, ServerSocket, Stream, WebSocket,
    accept, accept_with, connect, connect_over, connect_with,
};
use websocket_proto::adapter::tls::client_config;
use websocket_proto::handshake::{Accept, Url};
use websocket_proto::{
    CloseCode, Config, Event, Initiator, Misuse, ResponseFault, Side, UrlFault, Violation,
};

/// Fails instead of hanging.
fn in_time<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    let thread = thread::spawn(move || drop(sender.send(test())));
    match receiver.recv_timeout(Duration::from_secs(60)) {
        Ok(value) => value,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            std::panic::resume_unwind(thread.join().unwrap_err())
        }
    }
}

/// A server for one connection, at an address of the loopback. Returns its port.
fn serve_at<T: Send + 'static>(
    host: &str,
    server: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> (u16, JoinHandle<T>) {
    let listener = TcpListener::bind((host, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = thread::spawn(move || server(listener.accept().unwrap().0));
    (port, thread)
}

fn serve<T: Send + 'static>(
    server: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> (u16, JoinHandle<T>) {
    serve_at("127.0.0.1", server)
}

/// A short time for what is to run out of it.
fn hurried() -> Config {
    Config::new()
        .with_handshake_timeout(Some(Duration::from_millis(200)))
        .with_close_timeout(Some(Duration::from_millis(200)))
}

fn accept_tls(
    stream: TcpStream,
    config: &Arc<ServerConfig>,
) -> Result<ServerSocket<TcpStream>, Error> {
    let options = AcceptOptions::new().with_tls(config);
    accept_with(stream, &options, |_| Ok(Accept::new()))
}

fn connect_tls(
    host: &str,
    port: u16,
    config: &Arc<ClientConfig>,
) -> Result<ClientSocket<TcpStream>, Error> {
    let options = ConnectOptions::new().with_tls(config);
    connect_with(&format!("wss://{host}:{port}/chat"), &options)
}

/// Echoes until the connection is over.
fn echo<T: Stream, S: Side>(mut ws: WebSocket<T, S>) -> Result<Outcome, Error> {
    while let Some((event, mut out)) = ws.next()? {
        match event {
            Event::Text(text) => out.send_text(text)?,
            Event::Binary(octets) => out.send_binary(octets)?,
            _ => {}
        }
    }
    Ok(ws.outcome().expect("an outcome when it is over"))
}

/// A server that echoes over TLS, once.
fn echo_server(authority: &Authority) -> (u16, JoinHandle<Result<Outcome, Error>>) {
    let config = authority.server();
    serve(move |stream| echo(accept_tls(stream, &config)?))
}

/// Sends a message and expects it back.
fn exchange<S: Side + std::fmt::Debug>(ws: &mut WebSocket<TcpStream, S>, octets: &[u8]) {
    ws.send_binary(octets).unwrap();
    match ws.next().unwrap() {
        Some((Event::Binary(echoed), _)) => assert!(echoed == octets),
        other => panic!("{other:?}"),
    }
}

fn certificate_fault<T: std::fmt::Debug>(result: Result<T, Error>) -> CertificateError {
    match result {
        Err(Error::Tls(fault)) => match *fault {
            rustls::Error::InvalidCertificate(fault) => fault,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn tls_fault<T: std::fmt::Debug>(result: Result<T, Error>) -> rustls::Error {
    match result {
        Err(Error::Tls(fault)) => *fault,
        other => panic!("{other:?}"),
    }
}

type RawServer = StreamOwned<ServerConnection, TcpStream>;

/// A peer that speaks TLS and leaves the rest to the test.
fn raw_server(stream: TcpStream, config: &Arc<ServerConfig>) -> RawServer {
    StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream)
}

/// Answers the opening request by hand.
fn open_raw(raw: &mut RawServer) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut octet = [0];
        raw.read_exact(&mut octet).unwrap();
        request.push(octet[0]);
    }
    let request = String::from_utf8(request).unwrap();
    let key = request
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
        .unwrap();
    let answer = websocket_proto::handshake::answer_key(key.as_bytes()).unwrap();
    let answer = str::from_utf8(&answer).unwrap();
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {answer}\r\n\r\n"
    );
    raw.write_all(head.as_bytes()).unwrap();
}

// ---- what works ----------------------------------------------------------------------------------

// RFC 6455 §4.1-10, §4.1-12, §10.6-1
#[test]
fn names_and_both_kinds_of_addresses_are_connected_to_and_messages_come_back() {
    in_time(|| {
        let authority = Authority::new();
        for (at, host) in [
            ("localhost", "localhost"),
            ("127.0.0.1", "127.0.0.1"),
            ("::1", "[::1]"),
        ] {
            let config = authority.server();
            let (port, server) = serve_at(at, move |stream| echo(accept_tls(stream, &config)?));
            let mut ws = connect_tls(host, port, &authority.client()).unwrap();
            for size in [0, 1, 125, 126, 20_000, 65_536, 3_000_000] {
                exchange(&mut ws, &vec![7; size]);
            }
            let outcome = ws.close(CloseCode::NORMAL, "bye").unwrap();
            assert!(outcome.clean && outcome.initiator == Initiator::Local);
            assert_eq!(server.join().unwrap().unwrap().reason, "bye");
        }
    });
}

#[test]
fn no_provider_of_the_process_is_set() {
    in_time(|| {
        let authority = Authority::new();
        let (port, server) = echo_server(&authority);
        let mut ws = connect_tls("localhost", port, &authority.client()).unwrap();
        ws.close(CloseCode::NORMAL, "").unwrap();
        server.join().unwrap().unwrap();
        let _ = client_config();
        assert!(CryptoProvider::get_default().is_none());
    });
}

// RFC 6455 §4.2.2-2, §10.6-1
#[test]
fn both_versions_of_tls_are_spoken_and_the_session_can_be_asked() {
    in_time(|| {
        let authority = Authority::new();
        for (version, known) in [
            (&TLS12, ProtocolVersion::TLSv1_2),
            (&TLS13, ProtocolVersion::TLSv1_3),
        ] {
            let (port, server) = echo_server(&authority);
            let client = authority.client_that_speaks(&[version]);
            let mut ws = connect_tls("localhost", port, &client).unwrap();
            assert_eq!(ws.tls(|tls| tls.protocol_version()), Some(Some(known)));
            exchange(&mut ws, &[7; 100_000]);
            assert!(ws.close(CloseCode::NORMAL, "").unwrap().clean);
            assert!(server.join().unwrap().unwrap().clean);
        }
    });
}

#[test]
fn http_1_1_is_what_a_client_offers_by_alpn_whatever_its_configuration_says() {
    in_time(|| {
        let authority = Authority::new();
        let mut config = ServerConfig::clone(&authority.server());
        config.alpn_protocols = vec![b"h2".into(), b"http/1.1".into()];
        let config = Arc::new(config);
        let (port, server) = serve(move |stream| {
            let ws = accept_tls(stream, &config)?;
            let alpn = ws.tls(|tls| tls.alpn_protocol().map(<[u8]>::to_vec));
            echo(ws).map(|_| alpn)
        });
        let mut client = ClientConfig::clone(&authority.client());
        client.alpn_protocols = vec![b"h2".into()];
        let mut ws = connect_tls("localhost", port, &Arc::new(client)).unwrap();
        ws.close(CloseCode::NORMAL, "").unwrap();
        assert_eq!(
            server.join().unwrap().unwrap(),
            Some(Some(b"http/1.1".into()))
        );
    });
}

#[test]
fn a_server_can_ask_for_the_client_s_certificate() {
    in_time(|| {
        let authority = Authority::new();
        let certified = authority.server_for_certified();
        let config = certified.clone();
        let (port, server) = serve(move |stream| {
            let ws = accept_tls(stream, &config)?;
            let shown = ws.tls(|tls| tls.peer_certificates().map(<[_]>::len));
            echo(ws).map(|_| shown)
        });
        let mut ws = connect_tls("localhost", port, &authority.certified_client()).unwrap();
        ws.close(CloseCode::NORMAL, "").unwrap();
        assert_eq!(server.join().unwrap().unwrap(), Some(Some(1)));

        let (port, server) = serve(move |stream| accept_tls(stream, &certified).map(drop));
        let refused = connect_tls("localhost", port, &authority.client());
        assert_eq!(
            tls_fault(refused),
            rustls::Error::AlertReceived(AlertDescription::CertificateRequired)
        );
        let fault = tls_fault(server.join().unwrap());
        assert_eq!(fault, rustls::Error::NoCertificatesPresented);
    });
}

#[test]
fn a_plain_url_stays_plain_whatever_the_options_say() {
    in_time(|| {
        let authority = Authority::new();
        let (port, server) = serve(|stream| echo(accept(stream)?));
        let config = authority.client();
        let options = ConnectOptions::new().with_tls(&config);
        let mut ws = connect_with(&format!("ws://127.0.0.1:{port}/"), &options).unwrap();
        assert_eq!(ws.tls(|_| ()), None);
        assert!(ws.close(CloseCode::NORMAL, "").unwrap().clean);
        assert!(server.join().unwrap().unwrap().clean);
    });
}

/// Everything that a stream needs, and no socket of the system's own kind.
#[cfg(unix)]
#[test]
fn tls_stands_on_any_stream() {
    use std::os::unix::net::UnixStream;

    in_time(|| {
        let authority = Authority::new();
        let (here, there) = UnixStream::pair().unwrap();
        let config = authority.server();
        let server = thread::spawn(move || {
            let options = AcceptOptions::new().with_tls(&config);
            echo(accept_with(here, &options, |_| Ok(Accept::new()))?)
        });
        let config = authority.client();
        let options = ConnectOptions::new().with_tls(&config);
        let url = Url::parse("wss://localhost/").unwrap();
        let mut ws = connect_over(there, &url, &options).unwrap();
        ws.send_text("Hello").unwrap();
        assert!(matches!(
            ws.next().unwrap(),
            Some((Event::Text("Hello"), _))
        ));
        assert!(ws.close(CloseCode::NORMAL, "").unwrap().clean);
        assert!(server.join().unwrap().unwrap().clean);
    });
}

#[test]
fn halves_of_both_ends_send_more_than_the_network_holds_at_the_same_time() {
    const COUNT: usize = 500;
    const SIZE: usize = 30_000;

    /// Sends from one thread while this one receives; closes when `closes`.
    fn both_ways<S: Side + Send + 'static>(ws: WebSocket<TcpStream, S>, closes: bool) -> Outcome {
        let (mut reader, writer) = ws.split().unwrap();
        let sender = writer.clone();
        let sending = thread::spawn(move || {
            for at in 0..COUNT {
                sender.send_binary(&vec![at as u8; SIZE]).unwrap();
            }
        });
        for at in 0..COUNT {
            match reader.next().unwrap() {
                Some(Event::Binary(octets)) => assert!(octets == vec![at as u8; SIZE]),
                other => panic!("{other:?}"),
            }
        }
        sending.join().unwrap();
        if closes {
            writer.close(CloseCode::NORMAL, "enough").unwrap();
        }
        while reader.next().unwrap().is_some() {}
        reader.outcome().unwrap()
    }

    in_time(|| {
        let authority = Authority::new();
        let config = authority.server();
        let (port, server) =
            serve(move |stream| both_ways(accept_tls(stream, &config).unwrap(), false));
        let ws = connect_tls("localhost", port, &authority.client()).unwrap();
        let outcome = both_ways(ws, true);
        assert!(outcome.clean && outcome.initiator == Initiator::Local);
        let outcome = server.join().unwrap();
        assert!(outcome.clean && outcome.reason == "enough");
    });
}

#[test]
fn large_messages_of_a_server_go_out_behind_what_is_queued() {
    in_time(|| {
        let authority = Authority::new();
        let config = authority.server();
        let (port, server) = serve(move |stream| {
            let mut ws = accept_tls(stream, &config).unwrap();
            for length in [4 << 10, 0xFFFF, 500_000] {
                ws.queue().send_text("before").unwrap();
                ws.send_binary(&vec![length as u8; length]).unwrap();
            }
            ws.close(CloseCode::NORMAL, "").unwrap().clean
        });
        let mut ws = connect_tls("localhost", port, &authority.client()).unwrap();
        for length in [4 << 10, 0xFFFF, 500_000] {
            assert!(matches!(
                ws.next().unwrap(),
                Some((Event::Text("before"), _))
            ));
            match ws.next().unwrap() {
                Some((Event::Binary(octets), _)) => {
                    assert!(octets == vec![length as u8; length])
                }
                _ => panic!("no message of {length}"),
            }
        }
        while ws.next().unwrap().is_some() {}
        assert!(server.join().unwrap());
    });
}

#[test]
fn a_writer_that_waits_for_the_peer_does_not_keep_the_reader_from_reading() {
    const LENGTH: usize = 15 << 20;

    in_time(|| {
        let authority = Authority::new();
        let config = authority.server();
        let (all_sent, wait) = mpsc::channel::<()>();
        let (port, server) = serve(move |stream| {
            let mut raw = raw_server(stream, &config);
            open_raw(&mut raw);
            // It takes nothing until the client has read what is sent here.
            for _ in 0..100 {
                raw.write_all(&to_client(0x82, &[1; 10_000])).unwrap();
            }
            wait.recv().unwrap();
            let mut received = vec![0; 14 + LENGTH + 6 + 4];
            raw.read_exact(&mut received).unwrap();
            let lengths = read_all(&received)
                .0
                .into_iter()
                .map(|frame| frame.payload.len());
            lengths.collect::<Vec<_>>()
        });
        let ws = connect_tls("localhost", port, &authority.client()).unwrap();
        let (mut reader, writer) = ws.split().unwrap();
        let sending = thread::spawn(move || {
            // Far more than the network holds: it is stuck until the server reads.
            writer.send_binary(&vec![2; LENGTH]).unwrap();
            writer.send_text("last").unwrap();
        });
        for _ in 0..100 {
            assert!(matches!(reader.next().unwrap(), Some(Event::Binary(_))));
        }
        all_sent.send(()).unwrap();
        sending.join().unwrap();
        assert_eq!(server.join().unwrap(), [LENGTH, 4]);
    });
}

#[test]
fn new_keys_in_the_middle_of_a_conversation_change_nothing() {
    in_time(|| {
        let authority = Authority::new();
        let config = authority.server();
        let (port, server) = serve(move |stream| {
            let mut raw = raw_server(stream, &config);
            open_raw(&mut raw);
            for _ in 0..10 {
                raw.conn.refresh_traffic_keys().unwrap();
                raw.write_all(&to_client(0x81, b"again")).unwrap();
                let mut echoed = [0; 11];
                raw.read_exact(&mut echoed).unwrap();
                assert_eq!(read_all(&echoed).0[0].payload, b"again");
            }
            raw.write_all(&to_client(0x88, b"")).unwrap();
            let mut answer = [0; 6];
            raw.read_exact(&mut answer).unwrap();
            answer[0]
        });
        let ws = connect_tls("localhost", port, &authority.client_that_speaks(&[&TLS13])).unwrap();
        let outcome = echo(ws).unwrap();
        assert!(outcome.clean && outcome.initiator == Initiator::Peer);
        assert_eq!(server.join().unwrap(), 0x88);
    });
}

// ---- how it ends ---------------------------------------------------------------------------------

// RFC 6455 §4.2.2-2
#[test]
fn a_server_says_close_notify_before_it_closes_the_stream() {
    in_time(|| {
        let authority = Authority::new();
        let (port, server) = echo_server(&authority);
        let name = "localhost".try_into().unwrap();
        let tls = ClientConnection::new(authority.client(), name).unwrap();
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let mut raw = StreamOwned::new(tls, stream);
        let sent = [
            request_with(""),
            to_server(0x81, b"early"),
            to_server(0x88, &close_payload(1000, "")),
        ];
        raw.write_all(&sent.concat()).unwrap();
        let mut received = Vec::new();
        raw.read_to_end(&mut received)
            .expect("without a close_notify this is an error");
        let head = received
            .windows(4)
            .position(|end| end == b"\r\n\r\n")
            .unwrap();
        let (frames, rest) = read_all(&received[head + 4..]);
        assert_eq!((frames.len(), rest), (2, &[][..]));
        assert_eq!(frames[0].payload, b"early");
        drop(raw);
        assert!(server.join().unwrap().unwrap().clean);
    });
}

#[test]
fn a_stream_that_ends_without_close_notify_after_the_close_ends_cleanly() {
    in_time(|| {
        let authority = Authority::new();
        let config = authority.server();
        let (port, server) = serve(move |stream| {
            let mut raw = raw_server(stream, &config);
            open_raw(&mut raw);
            raw.write_all(&to_client(0x88, &close_payload(1000, "bye")))
                .unwrap();
            let mut answer = [0; 8];
            raw.read_exact(&mut answer).unwrap();
            raw.sock.shutdown(Shutdown::Write).unwrap();
            answer[0]
        });
        let ws = connect_tls("localhost", port, &authority.client()).unwrap();
        let outcome = echo(ws).unwrap();
        assert!(outcome.clean && outcome.reason == "bye");
        assert_eq!(server.join().unwrap(), 0x88);
    });
}

#[test]
fn a_stream_that_ends_before_the_close_ends_unclean_and_half_a_message_is_none() {
    for notify in [false, true] {
        in_time(move || {
            let authority = Authority::new();
            let config = authority.server();
            let (port, server) = serve(move |stream| {
                let mut raw = raw_server(stream, &config);
                open_raw(&mut raw);
                let frames = [to_client(0x81, b"whole"), to_client(0x81, b"half")].concat();
                raw.write_all(&frames[..frames.len() - 2]).unwrap();
                if notify {
                    raw.conn.send_close_notify();
                    raw.flush().unwrap();
                }
                raw.sock.shutdown(Shutdown::Write).unwrap();
                let _ = io::copy(&mut raw.sock, &mut io::sink());
            });
            let mut ws = connect_tls("localhost", port, &authority.client()).unwrap();
            assert!(matches!(
                ws.next().unwrap(),
                Some((Event::Text("whole"), _))
            ));
            assert!(ws.next().unwrap().is_none(), "half a message isn't one");
            let outcome = ws.outcome().unwrap();
            assert_eq!((outcome.code, outcome.clean), (CloseCode::ABNORMAL, false));
            drop(ws);
            server.join().unwrap();
        });
    }
}

#[test]
fn a_record_that_was_tampered_with_ends_it_and_what_came_before_still_counts() {
    in_time(|| {
        let authority = Authority::new();
        let config = authority.server();
        let (port, server) = serve(move |stream| {
            let mut raw = raw_server(stream, &config);
            open_raw(&mut raw);
            raw.write_all(&to_client(0x81, b"good")).unwrap();
            // A record of nonsense: it decrypts to nothing.
            let mut forged = vec![0x17, 3, 3, 0, 40];
            forged.extend([9; 40]);
            raw.sock.write_all(&forged).unwrap();
            let mut rest = Vec::new();
            raw.read_to_end(&mut rest).unwrap_err().to_string()
        });
        let mut ws = connect_tls("localhost", port, &authority.client()).unwrap();
        assert!(matches!(ws.next().unwrap(), Some((Event::Text("good"), _))));
        assert_eq!(tls_fault(ws.next().map(drop)), rustls::Error::DecryptError);
        let told = server.join().unwrap();
        assert!(told.contains("BadRecordMac"), "the peer was told: {told}");
    });
}

// ---- what doesn't work ---------------------------------------------------------------------------

// RFC 6455 §4.1-11
#[test]
fn a_certificate_that_has_expired_is_refused_and_the_server_is_told() {
    in_time(|| {
        let authority = Authority::new();
        let config = server(authority.identity(&["localhost"], 2021));
        let (port, server) = serve(move |stream| accept_tls(stream, &config).map(drop));
        let fault = certificate_fault(connect_tls("localhost", port, &authority.client()));
        assert!(
            matches!(fault, CertificateError::ExpiredContext { .. }),
            "{fault:?}"
        );
        assert_eq!(
            tls_fault(server.join().unwrap()),
            rustls::Error::AlertReceived(AlertDescription::CertificateExpired)
        );
    });
}

#[test]
fn an_authority_that_nobody_knows_is_not_trusted() {
    in_time(|| {
        let (port, server) = echo_server(&Authority::new());
        let fault = certificate_fault(connect_tls("localhost", port, &Authority::new().client()));
        assert_eq!(fault, CertificateError::UnknownIssuer);
        assert!(matches!(server.join().unwrap(), Err(Error::Tls(_))));
    });
}

// RFC 6455 §4.1-11
#[test]
fn another_host_s_certificate_is_refused() {
    in_time(|| {
        let authority = Authority::new();
        for (host, names) in [
            ("localhost", "example.com"),
            ("127.0.0.1", "localhost"),
            ("127.0.0.1", "127.0.0.2"),
        ] {
            let config = server(authority.identity(&[names], 4000));
            let (port, server) = serve(move |stream| accept_tls(stream, &config).map(drop));
            let fault = certificate_fault(connect_tls(host, port, &authority.client()));
            assert!(
                matches!(fault, CertificateError::NotValidForNameContext { .. }),
                "{fault:?}"
            );
            assert!(matches!(server.join().unwrap(), Err(Error::Tls(_))));
        }
    });
}

#[test]
fn a_host_that_no_certificate_can_name_is_a_misuse() {
    let config = Authority::new().client();
    let (here, _there) = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let there = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (listener.accept().unwrap().0, there)
    };
    let url = Url::parse("wss://a..b/").unwrap();
    let refused = connect_over(here, &url, &ConnectOptions::new().with_tls(&config));
    assert!(matches!(
        refused,
        Err(Error::Misuse(Misuse::Url(UrlFault::Host)))
    ));
}

#[test]
fn whom_to_trust_is_a_matter_of_features() {
    in_time(|| {
        let authority = Authority::new();
        let (port, server) = echo_server(&authority);
        let refused = connect(&format!("wss://localhost:{port}/"));
        if cfg!(any(
            feature = "webpki-roots",
            feature = "rustls-platform-verifier"
        )) {
            certificate_fault(refused);
            assert!(matches!(server.join().unwrap(), Err(Error::Tls(_))));
        } else {
            let Err(Error::Misuse(fault)) = refused else {
                panic!("{refused:?}");
            };
            assert_eq!(fault, Misuse::Url(UrlFault::NeedsTls));
            assert!(
                fault.to_string().contains("`webpki-roots`"),
                "it says what is missing"
            );
        }
    });
}

#[test]
fn a_server_that_stalls_in_the_tls_handshake_is_given_up_with_the_deadline() {
    in_time(|| {
        let authority = Authority::new();
        let (port, server) = serve(|mut stream| {
            // All that comes is taken, and nothing is said.
            io::copy(&mut stream, &mut io::sink()).unwrap()
        });
        let config = authority.client();
        let options = ConnectOptions::new()
            .with_tls(&config)
            .with_config(hurried());
        let refused = connect_with(&format!("wss://localhost:{port}/"), &options);
        assert!(matches!(
            refused,
            Err(Error::Violation(Violation::HandshakeTimeout))
        ));
        assert!(server.join().unwrap() > 0, "it was greeted");
    });
}

#[test]
fn a_client_that_stalls_in_the_tls_handshake_is_given_up_with_the_deadline() {
    // Nothing at all, or an octet now and then of a record that never ends.
    for drips in [false, true] {
        in_time(move || {
            let authority = Authority::new();
            let config = authority.server();
            let (port, server) = serve(move |stream| {
                let options = AcceptOptions::new()
                    .with_tls(&config)
                    .with_config(hurried());
                accept_with(stream, &options, |_| Ok(Accept::new())).map(drop)
            });
            let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
            if drips {
                let record = [
                    &[0x16, 3, 1, 0x3f, 0][..],
                    &[1, 0, 0x3e, 0xfc][..],
                    &[0; 1000],
                ];
                for octet in record.concat() {
                    if server.is_finished() || client.write_all(&[octet]).is_err() {
                        break;
                    }
                    thread::sleep(Duration::from_millis(20));
                }
            }
            assert!(matches!(
                server.join().unwrap(),
                Err(Error::Violation(Violation::HandshakeTimeout))
            ));
        });
    }
}

#[test]
fn plain_http_on_the_tls_port_is_an_error_of_tls_s_at_one_end_and_no_response_at_the_other() {
    in_time(|| {
        let authority = Authority::new();
        let (port, server) = echo_server(&authority);
        let refused = connect(&format!("ws://127.0.0.1:{port}/"));
        assert!(
            matches!(
                refused,
                Err(
                    Error::Violation(Violation::Response(ResponseFault::Malformed))
                        | Error::Violation(Violation::Response(_))
                )
            ),
            "{refused:?}"
        );
        let failed = server.join().unwrap().unwrap_err();
        assert!(
            failed.to_string().contains("the peer may not speak it"),
            "{failed}"
        );
        assert_eq!(
            tls_fault::<()>(Err(failed)),
            rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType)
        );
    });
}

#[test]
fn tls_on_a_plain_port_is_an_error_of_tls_s_at_one_end_and_no_request_at_the_other() {
    in_time(|| {
        let authority = Authority::new();
        let (port, server) = serve(|stream| accept(stream).map(drop));
        let refused = connect_tls("127.0.0.1", port, &authority.client());
        assert_eq!(
            tls_fault(refused),
            rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType)
        );
        let failed = server.join().unwrap();
        assert!(
            matches!(failed, Err(Error::Violation(Violation::Request(_)))),
            "{failed:?}"
        );
    });
}

#[test]
fn a_peer_that_leaves_within_the_tls_handshake_has_left_within_the_opening_one() {
    in_time(|| {
        let authority = Authority::new();
        let (port, server) = serve(|mut stream| stream.read(&mut [0; 2000]).unwrap());
        let refused = connect_tls("localhost", port, &authority.client());
        let truncated = Violation::Response(ResponseFault::Truncated);
        assert!(matches!(refused, Err(Error::Violation(fault)) if fault == truncated));
        assert!(server.join().unwrap() > 0);

        let (port, server) = echo_server(&authority);
        drop(TcpStream::connect(("127.0.0.1", port)).unwrap());
        assert!(matches!(server.join().unwrap(), Err(Error::Ended)));
    });
}
