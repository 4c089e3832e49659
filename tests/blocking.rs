//! The blocking adapter over real sockets, on the loopback alone. Each test has a minute at most.
#![cfg(feature = "std")]

mod common;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use common::frames::{self, Frame, read_one, to_server};
use common::{answer_with, request_with};
use websocket_proto::adapter::blocking::{
    AcceptOptions, ConnectOptions, Error, NoTimeouts, Outcome, ServerSocket, Stream, WebSocket,
    accept, accept_with, connect, connect_over, connect_with,
};
use websocket_proto::handshake::{Accept, OriginPolicy, Rejection, Url};
use websocket_proto::{
    Broadcast, CloseCode, Config, Connection, Event, Initiator, Misuse, RecvBuffer, Side, Violation,
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

/// A server for one connection. Returns its address.
fn serve<T: Send + 'static>(
    server: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> (String, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let thread = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        stream.set_nodelay(true).unwrap();
        server(stream)
    });
    (address, thread)
}

fn ws(address: &str) -> String {
    format!("ws://{address}/chat")
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

fn echo_server() -> (String, JoinHandle<Result<Outcome, Error>>) {
    serve(|stream| echo(accept(stream)?))
}

fn outcome(code: u16, reason: &str, clean: bool, initiator: Initiator) -> Outcome {
    Outcome {
        code: CloseCode::from(code),
        reason: reason.into(),
        clean,
        initiator,
    }
}

fn millis(count: u64) -> Option<Duration> {
    Some(Duration::from_millis(count))
}

/// A client without the crate: what a peer sees.
struct Raw {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Raw {
    fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            received: Vec::new(),
        }
    }

    fn open(address: &str) -> Self {
        let mut raw = Self::connect(address);
        raw.send(&request_with(""));
        while raw.received.len() < answer_with("").len() {
            assert!(raw.read() > 0, "no answer");
        }
        // Frames may have come along.
        let frames = raw.received.split_off(answer_with("").len());
        assert_eq!(raw.received, answer_with(""));
        raw.received = frames;
        raw
    }

    fn send(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).unwrap();
    }

    fn read(&mut self) -> usize {
        let mut octets = [0; 4096];
        let count = self.stream.read(&mut octets).expect("no reset, no timeout");
        self.received.extend(&octets[..count]);
        count
    }

    fn frame(&mut self) -> Frame {
        loop {
            if let Some((frame, length)) = read_one(&self.received) {
                self.received.drain(..length);
                return frame;
            }
            assert!(self.read() > 0, "the stream has ended");
        }
    }

    /// Reads until the stream ends, without a reset.
    fn rest(&mut self) -> &[u8] {
        while self.read() > 0 {}
        &self.received
    }
}

// ---- opening -------------------------------------------------------------------------------------

// RFC 6455 §4.1-1, §4.1-13
#[test]
fn a_subprotocol_is_agreed_upon() {
    in_time(|| {
        let (address, server) = serve(|stream| {
            let options = AcceptOptions::new().with_subprotocols(&["chat.v2", "chat.v1"]);
            let ws = accept_with(stream, &options, |request| {
                assert_eq!(request.path(), "/chat");
                assert_eq!(request.field("authorization"), Some(&b"Bearer 1"[..]));
                Ok(Accept::new())
            })?;
            assert_eq!(ws.subprotocol(), Some("chat.v2"));
            echo(ws)
        });
        let options = ConnectOptions::new()
            .with_subprotocols(&["chat.v1", "chat.v2"])
            .with_fields(&[("Authorization", "Bearer 1")]);
        let mut client = connect_with(&ws(&address), &options).unwrap();
        assert_eq!(client.subprotocol(), Some("chat.v2"));
        client.send_text("Hello").unwrap();
        assert!(matches!(
            client.next().unwrap(),
            Some((Event::Text("Hello"), _))
        ));
        let ended = client.close(CloseCode::NORMAL, "bye").unwrap();
        assert_eq!(ended, outcome(1000, "bye", true, Initiator::Local));
        assert_eq!(
            server.join().unwrap().unwrap(),
            outcome(1000, "bye", true, Initiator::Peer)
        );
    });
}

// RFC 6455 §4.2.2-3
#[test]
fn rule_11_a_page_from_elsewhere_is_refused_with_403() {
    in_time(|| {
        let (address, server) = serve(|stream| accept(stream).map(drop));
        let options = ConnectOptions::new().with_origin("https://evil.example");
        let Err(Error::Refused(refusal)) = connect_with(&ws(&address), &options) else {
            panic!("not refused")
        };
        assert_eq!(refusal.status, 403);
        assert_eq!(refusal.field("connection"), Some(&b"close"[..]));
        assert!(matches!(server.join().unwrap(), Err(Error::Rejected)));
    });
}

#[test]
fn rule_11_a_page_from_the_list_is_let_in() {
    in_time(|| {
        let (address, server) = serve(|stream| {
            let origins = OriginPolicy::List(&["https://app.example"]);
            let options = AcceptOptions::new().with_origins(origins);
            echo(accept_with(stream, &options, |_| Ok(Accept::new()))?)
        });
        let options = ConnectOptions::new().with_origin("https://app.example");
        let mut client = connect_with(&ws(&address), &options).unwrap();
        client.close(CloseCode::NORMAL, "").unwrap();
        assert!(server.join().unwrap().unwrap().clean);
    });
}

#[test]
fn what_the_server_decides_reaches_the_client_with_fields_and_body() {
    in_time(|| {
        let (address, server) = serve(|stream| {
            accept_with(stream, &AcceptOptions::new(), |_| {
                Err(Rejection::new(404)
                    .with_fields(&[("X-Why", "gone")])
                    .with_body(b"nothing here"))
            })
            .map(drop)
        });
        let Err(Error::Refused(refusal)) = connect(&ws(&address)) else {
            panic!("not refused")
        };
        assert_eq!(
            (refusal.status, &refusal.body[..]),
            (404, &b"nothing here"[..])
        );
        assert_eq!(refusal.field("x-why"), Some(&b"gone"[..]));
        assert!(matches!(server.join().unwrap(), Err(Error::Rejected)));
    });
}

#[test]
fn what_is_no_request_is_refused_and_the_server_told() {
    in_time(|| {
        let (address, server) = serve(|stream| accept(stream).map(drop));
        let mut raw = Raw::connect(&address);
        raw.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        raw.send(&[b'x'; 1000]);
        assert!(raw.rest().starts_with(b"HTTP/1.1 426 "));
        drop(raw);
        assert!(matches!(
            server.join().unwrap(),
            Err(Error::Violation(Violation::Request(_)))
        ));
    });
}

#[test]
fn rule_07_frames_in_the_segment_of_the_head_are_not_lost() {
    in_time(|| {
        let (address, server) = echo_server();
        let mut raw = Raw::connect(&address);
        let input = [
            request_with(""),
            to_server(0x81, b"early"),
            to_server(0x88, b""),
        ]
        .concat();
        raw.send(&input);
        let expected = [
            answer_with(""),
            frames::to_client(0x81, b"early"),
            frames::to_client(0x88, b""),
        ];
        assert_eq!(raw.rest(), expected.concat());
        drop(raw);
        assert!(server.join().unwrap().unwrap().clean);
    });
}

// RFC 6455 §4.1-9
#[test]
fn a_wss_url_and_a_bad_one_are_misuses_and_nothing_is_dialled() {
    for url in ["wss://127.0.0.1:1/", "ws://a b/", "ws://127.0.0.1:1/#a"] {
        if url.starts_with("wss") && cfg!(feature = "tls") {
            continue; // tests/tls.rs
        }
        assert!(
            matches!(connect(url), Err(Error::Misuse(Misuse::Url(_)))),
            "{url}"
        );
    }
    let bad = ConnectOptions::new().with_subprotocols(&["a b"]);
    let (address, server) = serve(|mut stream| stream.read(&mut [0; 10]).unwrap());
    let refused = connect_with(&ws(&address), &bad);
    assert!(matches!(refused, Err(Error::Misuse(Misuse::Subprotocol))));
    assert_eq!(server.join().unwrap(), 0, "not an octet was written");
}

// ---- writing and reading -------------------------------------------------------------------------

/// Counts what is asked of the stream.
struct Counted {
    inner: TcpStream,
    writes: Arc<AtomicUsize>,
    reads: Arc<AtomicUsize>,
}

impl Read for Counted {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.inner.read(octets)
    }
}

impl Write for Counted {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.inner.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Stream for Counted {
    fn prepare(&self, write_timeout: Option<Duration>) -> io::Result<()> {
        self.inner.set_write_timeout(write_timeout)
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.inner.set_read_timeout(timeout)
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        self.inner.shutdown(Shutdown::Write)
    }
}

#[test]
fn a_thousand_queued_messages_are_echoed_in_few_writes_and_reads() {
    in_time(|| {
        let (writes, reads) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let counted = (Arc::clone(&writes), Arc::clone(&reads));
        let (address, server) = serve(move |inner| {
            let (writes, reads) = counted;
            echo(accept(Counted {
                inner,
                writes,
                reads,
            })?)
        });
        let mut client = connect(&ws(&address)).unwrap();
        for number in 0..1000 {
            client
                .queue()
                .send_text(&format!("message {number}"))
                .unwrap();
        }
        client.flush().unwrap();
        for number in 0..1000 {
            match client.next().unwrap() {
                Some((Event::Text(text), _)) => assert_eq!(text, format!("message {number}")),
                other => panic!("{:?}", other.map(|(event, _)| event)),
            }
        }
        client.close(CloseCode::NORMAL, "").unwrap();
        server.join().unwrap().unwrap();
        let (writes, reads) = (
            writes.load(Ordering::Relaxed),
            reads.load(Ordering::Relaxed),
        );
        assert!(
            writes <= 40 && reads <= 60,
            "{writes} writes, {reads} reads"
        );
    });
}

#[test]
fn a_large_message_comes_whole_and_in_chunks() {
    in_time(|| {
        let message: Vec<u8> = (0..3_000_000_u32).map(|at| (at / 7) as u8).collect();
        let expected = message.clone();
        let (address, server) = serve(move |stream| {
            let mut ws = accept(stream).unwrap();
            let mut got = Vec::new();
            let mut chunks = 0;
            while let Some((event, mut out)) = ws.next_chunk().unwrap() {
                match event {
                    Event::BinaryChunk { octets, last } => {
                        got.extend_from_slice(octets);
                        chunks += 1;
                        if last {
                            out.send_binary(&got).unwrap();
                        }
                    }
                    Event::Close(_) => {}
                    other => panic!("{other:?}"),
                }
            }
            assert!(chunks > 1 && got == expected);
        });
        let mut client = connect(&ws(&address)).unwrap();
        client.send_binary(&message).unwrap();
        match client.next().unwrap() {
            Some((Event::Binary(octets), _)) => assert!(octets == message),
            _ => panic!("no echo"),
        }
        client.close(CloseCode::NORMAL, "").unwrap();
        server.join().unwrap();
    });
}

/// Takes so many octets in each write, and fails once it has taken so many in all.
struct Narrow {
    taken: Vec<u8>,
    at_once: usize,
    room: usize,
}

impl Read for Narrow {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

impl Write for Narrow {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[io::IoSlice::new(octets)])
    }

    fn write_vectored(&mut self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        let left = self.room - self.taken.len();
        if left == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let mut count = 0;
        for slice in slices {
            let part = slice.len().min(self.at_once - count).min(left - count);
            self.taken.extend(&slice[..part]);
            count += part;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn narrow(at_once: usize, room: usize) -> ServerSocket<NoTimeouts<Narrow>> {
    let io = Narrow {
        taken: Vec::new(),
        at_once,
        room,
    };
    let ws = Connection::open_server(Config::new());
    WebSocket::from_parts(NoTimeouts(io), ws, RecvBuffer::new())
}

#[test]
fn a_long_payload_follows_what_waits_however_little_is_written_at_once() {
    let shared = Broadcast::text("to all");
    let long = "x".repeat(10_000);
    for at_once in [3, 8, 20, 4096, usize::MAX] {
        let mut ws = narrow(at_once, usize::MAX);
        ws.queue().send_ping(b"?").unwrap();
        ws.queue().send_shared(&shared).unwrap();
        ws.send_text(&long).unwrap();
        ws.send_binary(long.as_bytes()).unwrap();
        ws.send_text("short").unwrap();
        let expected = [
            frames::to_client(0x89, b"?"),
            frames::to_client(0x81, b"to all"),
            frames::to_client(0x81, long.as_bytes()),
            frames::to_client(0x82, long.as_bytes()),
            frames::to_client(0x81, b"short"),
        ];
        assert!(ws.stream().0.taken == expected.concat(), "{at_once}");
    }
}

#[test]
fn nothing_follows_a_payload_that_went_in_half() {
    for room in [3, 10, 11, 5000] {
        let mut ws = narrow(usize::MAX, room);
        assert!(matches!(ws.send_binary(&[7; 70_000]), Err(Error::Io(_))));
        assert_eq!(ws.stream().0.taken.len(), room);
        let refused = ws.send_binary(&[7; 70_000]);
        assert!(matches!(refused, Err(Error::Misuse(Misuse::Closing))));
        assert!(ws.flush().is_ok(), "nothing is left to be written");
    }
}

#[test]
fn an_answer_of_any_length_is_sent() {
    in_time(|| {
        let config = Config::new().with_max_head_size(u16::MAX);
        for length in [10, 300, 500, 40 << 10] {
            let (address, server) = serve(move |stream| {
                let cookie = "c".repeat(length);
                let fields = [("Set-Cookie", cookie.as_str())];
                let options = AcceptOptions::new();
                echo(accept_with(stream, &options, |_| {
                    Ok(Accept::new().with_fields(&fields))
                })?)
            });
            let options = ConnectOptions::new().with_config(config);
            let mut client = connect_with(&ws(&address), &options).unwrap();
            assert!(client.close(CloseCode::NORMAL, "").unwrap().clean);
            assert!(server.join().unwrap().unwrap().clean, "{length}");
        }
    });
}

#[test]
fn any_stream_will_do_without_timeouts() {
    in_time(|| {
        let (address, server) = serve(|stream| echo(accept(NoTimeouts(stream))?));
        let url = ws(&address);
        let url = Url::parse(&url).unwrap();
        let stream = NoTimeouts(TcpStream::connect(&address).unwrap());
        let mut client = connect_over(stream, &url, &ConnectOptions::new()).unwrap();
        client.send_binary(&[1, 2, 3]).unwrap();
        assert!(matches!(
            client.next().unwrap(),
            Some((Event::Binary(&[1, 2, 3]), _))
        ));
        // No half-close: the server ends the whole stream, and both closed in good order before.
        assert!(client.close(CloseCode::NORMAL, "").unwrap().clean);
        assert!(server.join().unwrap().unwrap().clean);
    });
}

#[test]
fn a_connection_that_was_opened_elsewhere_goes_on_with_what_was_read_too_far() {
    in_time(|| {
        let (address, server) = serve(|stream| {
            let mut rx = RecvBuffer::new();
            rx.extend(&to_server(0x81, b"early")[..4]).unwrap();
            echo(WebSocket::from_parts(
                stream,
                Connection::open_server(Config::new()),
                rx,
            ))
        });
        let mut raw = Raw::connect(&address);
        raw.send(&to_server(0x81, b"early")[4..]);
        assert_eq!(raw.frame().payload, b"early");
        raw.send(&to_server(0x88, b""));
        raw.rest();
        drop(raw);
        assert!(server.join().unwrap().unwrap().clean);
    });
}

// ---- deadlines -----------------------------------------------------------------------------------

// RFC 6455 §4.1-9
#[test]
fn a_server_that_does_not_answer_is_given_up_at_the_deadline() {
    in_time(|| {
        let (address, server) = serve(|mut stream| {
            let mut request = Vec::new();
            stream.read_to_end(&mut request).map(|_| request)
        });
        let config = Config::new()
            .with_handshake_timeout(millis(100))
            .with_close_timeout(millis(100));
        let began = Instant::now();
        let refused = connect_with(&ws(&address), &ConnectOptions::new().with_config(config));
        assert!(matches!(
            refused,
            Err(Error::Violation(Violation::HandshakeTimeout))
        ));
        assert!(began.elapsed() >= Duration::from_millis(100));
        drop(refused);
        assert!(server.join().unwrap().unwrap().ends_with(b"\r\n\r\n"));
    });
}

#[test]
fn a_client_that_does_not_ask_is_answered_408_at_the_deadline() {
    in_time(|| {
        let (address, server) = serve(|stream| {
            let config = Config::new().with_handshake_timeout(millis(100));
            let options = AcceptOptions::new().with_config(config);
            accept_with(stream, &options, |_| Ok(Accept::new())).map(drop)
        });
        let mut raw = Raw::connect(&address);
        // A little, so that octets keep coming.
        raw.send(b"GET /");
        assert!(raw.rest().starts_with(b"HTTP/1.1 408 "));
        drop(raw);
        let ended = server.join().unwrap();
        assert!(matches!(
            ended,
            Err(Error::Violation(Violation::HandshakeTimeout))
        ));
    });
}

fn keepalive(ping: u64, pong: u64) -> Config {
    Config::new()
        .with_ping_interval(millis(ping))
        .with_pong_timeout(millis(pong))
}

fn serve_with(config: Config) -> (String, JoinHandle<Result<Outcome, Error>>) {
    serve(move |stream| {
        let options = AcceptOptions::new().with_config(config);
        echo(accept_with(stream, &options, |_| Ok(Accept::new()))?)
    })
}

#[test]
fn a_silent_peer_is_pinged_and_lives_as_long_as_it_answers() {
    in_time(|| {
        let (address, server) = serve_with(keepalive(40, 10_000));
        let mut raw = Raw::open(&address);
        for _ in 0..4 {
            assert_eq!(raw.frame().first, 0x89);
            raw.send(&to_server(0x8A, b""));
        }
        raw.send(&to_server(0x88, b""));
        assert_eq!(raw.rest(), frames::to_client(0x88, b""));
        drop(raw);
        assert!(server.join().unwrap().unwrap().clean);
    });
}

#[test]
fn a_peer_that_answers_no_ping_is_told_1011_and_left() {
    in_time(|| {
        let (address, server) = serve_with(keepalive(40, 40).with_close_timeout(millis(100)));
        let mut raw = Raw::open(&address);
        assert_eq!(raw.frame().first, 0x89);
        assert_eq!(raw.frame().close_code(), 1011);
        assert!(raw.rest().is_empty());
        let ended = server.join().unwrap();
        assert!(matches!(
            ended,
            Err(Error::Violation(Violation::PongTimeout))
        ));
    });
}

/// A stream of which the process sleeps through the deadlines: a read takes as long as it was told.
struct Sleepy(TcpStream, Duration);

impl Read for Sleepy {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        let result = self.0.read(octets);
        if result.as_ref().is_ok_and(|count| *count > 0) {
            thread::sleep(self.1);
        }
        result
    }
}

impl Write for Sleepy {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Stream for Sleepy {
    fn prepare(&self, write_timeout: Option<Duration>) -> io::Result<()> {
        self.0.set_write_timeout(write_timeout)
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.set_read_timeout(timeout)
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        self.0.shutdown(Shutdown::Write)
    }
}

#[test]
fn a_pong_that_has_arrived_counts_however_late_the_process_wakes() {
    in_time(|| {
        let (address, server) = serve(|stream| {
            let config = keepalive(30, 60);
            let ws = Connection::open_server(config);
            let stream = Sleepy(stream, Duration::from_millis(150));
            echo(WebSocket::from_parts(stream, ws, RecvBuffer::new()))
        });
        let mut raw = Raw::connect(&address);
        assert_eq!(raw.frame().first, 0x89);
        raw.send(&to_server(0x8A, b""));
        assert_eq!(raw.frame().first, 0x89, "the next Ping, not a Close");
        raw.send(&to_server(0x88, b""));
        while raw.frame().first != 0x88 {}
        drop(raw);
        assert!(server.join().unwrap().unwrap().clean);
    });
}

#[test]
fn a_connection_without_messages_is_closed_with_1001() {
    in_time(|| {
        let (address, server) = serve_with(Config::new().with_idle_timeout(millis(60)));
        let mut raw = Raw::open(&address);
        assert_eq!(raw.frame().close_code(), 1001);
        raw.send(&to_server(0x88, &frames::close_payload(1001, "")));
        assert!(raw.rest().is_empty());
        drop(raw);
        assert_eq!(
            server.join().unwrap().unwrap(),
            outcome(1001, "", true, Initiator::Local)
        );
    });
}

#[test]
fn a_close_that_is_not_answered_ends_at_the_deadline() {
    in_time(|| {
        let (address, server) = serve(|stream| {
            let mut ws = accept_with(
                stream,
                &AcceptOptions::new().with_config(Config::new().with_close_timeout(millis(80))),
                |_| Ok(Accept::new()),
            )?;
            ws.close(CloseCode::NORMAL, "")
        });
        let mut raw = Raw::open(&address);
        assert_eq!(raw.frame().close_code(), 1000);
        assert_eq!(
            server.join().unwrap().unwrap(),
            outcome(1006, "", false, Initiator::Local)
        );
        assert!(raw.rest().is_empty());
    });
}

/// A stream that brings one piece a read, and takes as long as it was told for a read of none.
struct Paced {
    pieces: VecDeque<Vec<u8>>,
    timeout: Cell<Option<Duration>>,
    noted: Noted,
}

#[derive(Clone, Default)]
struct Noted {
    /// The timeout of each read.
    reads: Rc<RefCell<Vec<Option<Duration>>>>,
    /// Before which read each frame was written.
    written: Rc<RefCell<Vec<(usize, Frame)>>>,
}

impl Read for Paced {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        let timeout = self.timeout.get();
        self.noted.reads.borrow_mut().push(timeout);
        let Some(piece) = self.pieces.pop_front() else {
            return Ok(0);
        };
        if piece.is_empty() {
            thread::sleep(timeout.expect("a deadline"));
            return Err(ErrorKind::WouldBlock.into());
        }
        octets[..piece.len()].copy_from_slice(&piece);
        Ok(piece.len())
    }
}

impl Write for Paced {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let reads = self.noted.reads.borrow().len();
        for frame in frames::whole_frames(octets) {
            self.noted.written.borrow_mut().push((reads, frame));
        }
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for Paced {
    fn prepare(&self, _write_timeout: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.timeout.set(timeout);
        Ok(())
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn pace(config: Config, pieces: &[&[u8]]) -> Noted {
    let noted = Noted::default();
    let stream = Paced {
        pieces: pieces.iter().map(|piece| piece.to_vec()).collect(),
        timeout: Cell::default(),
        noted: noted.clone(),
    };
    let ws = Connection::open_server(config);
    let ended = echo(WebSocket::from_parts(stream, ws, RecvBuffer::new()));
    assert!(ended.is_ok_and(|outcome| !outcome.clean));
    noted
}

#[test]
fn silence_is_counted_from_the_last_octet_however_many_came_before() {
    let pong = to_server(0x8A, b"");
    // Between octets nobody looks at the clock.
    let drips: Vec<&[u8]> = pong.chunks(1).collect();
    let pieces = [&drips[..], &[b""], &drips, &[b""]].concat();
    let noted = pace(keepalive(30, 300), &pieces);
    let pings = noted.written.take();
    assert!(pings.iter().all(|(_, frame)| frame.first == 0x89));
    // One at the end of the first silence, one after the second, which follows a Pong.
    let at: Vec<_> = pings.iter().map(|(at, _)| *at).collect();
    let first = drips.len() + 1;
    assert_eq!(at, [first, 2 * first]);
    // After a Ping there is more time than before the next.
    let reads = noted.reads.take();
    assert!(reads[first] > millis(30) && reads[2 * first - 1] <= millis(30));
}

#[test]
fn a_connection_without_messages_is_closed_with_1001_though_octets_keep_coming() {
    let pong = to_server(0x8A, b"");
    let config = keepalive(20, 10_000).with_idle_timeout(millis(60));
    in_time(move || {
        let (address, server) = serve_with(config);
        let mut raw = Raw::open(&address);
        raw.stream.set_read_timeout(millis(1)).unwrap();
        let mut octets = [0; 100];
        loop {
            raw.send(&pong);
            match raw.stream.read(&mut octets) {
                Ok(count) => raw.received.extend(&octets[..count]),
                Err(error) => assert!(matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut
                )),
            }
            let (frames, _) = frames::read_all(&raw.received);
            if let Some(close) = frames.iter().find(|frame| frame.opcode() == 8) {
                assert_eq!(close.close_code(), 1001);
                break;
            }
        }
        drop(raw);
        server.join().unwrap().unwrap();
    });
}

#[test]
fn a_request_that_drips_is_answered_408_at_the_deadline() {
    in_time(|| {
        // As long as that for a Ping: whether octets come says nothing yet.
        let config = keepalive(100, 100).with_handshake_timeout(millis(100));
        let (address, server) = serve_with(config);
        let mut raw = Raw::connect(&address);
        raw.stream.set_read_timeout(millis(1)).unwrap();
        let mut octets = [0; 100];
        let mut at = 0;
        let count = loop {
            raw.send(if at == 0 { b"GET /" } else { b"a" });
            at += 1;
            if let Ok(count) = raw.stream.read(&mut octets) {
                break count;
            }
        };
        assert!(octets[..count].starts_with(b"HTTP/1.1 408 "));
        drop(raw);
        assert!(matches!(
            server.join().unwrap(),
            Err(Error::Violation(Violation::HandshakeTimeout))
        ));
    });
}

// ---- the end -------------------------------------------------------------------------------------

#[test]
fn rule_37_the_server_ends_the_stream_first_and_without_a_reset() {
    in_time(|| {
        let (address, server) = echo_server();
        let mut raw = Raw::open(&address);
        raw.send(&to_server(0x81, b"last"));
        raw.send(&to_server(0x88, &frames::close_payload(1000, "bye")));
        // Left unread, these would make the server's end a reset that can eat its Close.
        raw.send(&vec![0xEE; 300_000]);
        assert_eq!(raw.frame().payload, b"last");
        assert_eq!(raw.frame().close_code(), 1000);
        assert!(raw.rest().is_empty(), "then the end of the stream");
        raw.send(&[0xEE; 1000]);
        drop(raw);
        assert_eq!(
            server.join().unwrap().unwrap(),
            outcome(1000, "bye", true, Initiator::Peer)
        );
    });
}

#[test]
fn the_server_closes_and_both_ends_say_the_same() {
    in_time(|| {
        let (address, server) = serve(|stream| {
            let mut ws: ServerSocket<TcpStream> = accept(stream)?;
            ws.close(CloseCode::from(4000), "enough")
        });
        let mut client = connect(&ws(&address)).unwrap();
        match client.next().unwrap() {
            Some((Event::Close(close), _)) => {
                assert_eq!((close.code.value(), close.reason), (4000, "enough"))
            }
            _ => panic!("no Close"),
        }
        assert!(client.next().unwrap().is_none());
        assert!(client.next().unwrap().is_none(), "and so it stays");
        assert_eq!(
            client.outcome().unwrap(),
            outcome(4000, "enough", true, Initiator::Peer)
        );
        let ended = server.join().unwrap().unwrap();
        assert_eq!(
            (ended.code.value(), ended.clean, ended.initiator),
            (4000, true, Initiator::Local)
        );
        assert!(matches!(
            client.send_text("x"),
            Err(Error::Misuse(Misuse::Closing))
        ));
    });
}

#[test]
fn rule_37_a_client_that_is_through_ends_its_stream_even_if_it_is_held_on_to() {
    in_time(|| {
        for split in [false, true] {
            let patient = Config::new().with_close_timeout(Some(Duration::from_secs(600)));
            let (address, server) = serve_with(patient);
            let mut client = connect(&ws(&address)).unwrap();
            if split {
                let (mut reader, writer) = client.split().unwrap();
                writer.close(CloseCode::NORMAL, "").unwrap();
                while reader.next().unwrap().is_some() {}
                assert!(server.join().unwrap().unwrap().clean);
                drop((reader, writer));
            } else {
                client.close(CloseCode::NORMAL, "").unwrap();
                assert!(server.join().unwrap().unwrap().clean);
                drop(client);
            }
        }
    });
}

#[test]
fn a_peer_that_goes_without_a_word_is_1006() {
    in_time(|| {
        let (address, server) = echo_server();
        let mut raw = Raw::open(&address);
        raw.send(&to_server(0x81, b"a"));
        assert_eq!(raw.frame().payload, b"a");
        drop(raw);
        assert_eq!(
            server.join().unwrap().unwrap(),
            outcome(1006, "", false, Initiator::Peer)
        );
    });
}

#[test]
fn rule_38_a_violation_is_told_to_the_peer_before_the_stream_ends() {
    for (input, code) in [
        (vec![0x81, 0x05], 1002),
        (to_server(0x81, b"\xFF whole"), 1007),
        (to_server(0x01, b"\xFF in parts"), 1007),
        (to_server(0x88, &[3]), 1002),
        (frames::header(0x82, Some([0; 4]), 17 << 20), 1009),
    ] {
        in_time(move || {
            let (address, server) = echo_server();
            let mut raw = Raw::open(&address);
            raw.send(&input);
            raw.send(&[0; 50_000]);
            assert_eq!(raw.frame().close_code(), code);
            assert!(raw.rest().is_empty());
            drop(raw);
            match server.join().unwrap() {
                Err(Error::Violation(violation)) => {
                    assert_eq!(violation.close_code().value(), code)
                }
                other => panic!("{other:?}"),
            }
        });
    }
}

// ---- halves --------------------------------------------------------------------------------------

#[test]
fn halves_send_and_receive_20_000_messages_each_way_at_once() {
    const COUNT: u32 = 20_000;

    fn talk<S: Side + Send + 'static>(ws: WebSocket<TcpStream, S>, closes: bool) -> Outcome {
        let (mut reader, writer) = ws.split().unwrap();
        let sending = {
            let writer = writer.clone();
            thread::spawn(move || {
                for number in 0..COUNT {
                    writer
                        .send_binary(&[&number.to_be_bytes()[..], &[7; 60]].concat())
                        .unwrap();
                }
            })
        };
        let mut expected = 0;
        let mut sending = Some(sending);
        loop {
            match reader.next().unwrap() {
                Some(Event::Binary(octets)) => {
                    assert_eq!(octets[..4], u32::to_be_bytes(expected));
                    expected += 1;
                }
                Some(_) => {}
                None => break,
            }
            if expected == COUNT
                && closes
                && let Some(sending) = sending.take()
            {
                sending.join().unwrap();
                writer.close(CloseCode::NORMAL, "done").unwrap();
            }
        }
        if let Some(sending) = sending.take() {
            sending.join().unwrap();
        }
        assert_eq!(expected, COUNT);
        reader.outcome().unwrap()
    }

    in_time(|| {
        // Whoever waited for a deadline would be noticed.
        let patient = Config::new().with_close_timeout(Some(Duration::from_secs(600)));
        let (address, server) = serve(move |stream| {
            let options = AcceptOptions::new().with_config(patient);
            let accepted = accept_with(stream, &options, |_| Ok(Accept::new()));
            talk(accepted.unwrap(), false)
        });
        let options = ConnectOptions::new().with_config(patient);
        let client = talk(connect_with(&ws(&address), &options).unwrap(), true);
        assert_eq!(client, outcome(1000, "done", true, Initiator::Local));
        assert_eq!(
            server.join().unwrap(),
            outcome(1000, "done", true, Initiator::Peer)
        );
    });
}

#[test]
fn a_writer_closes_while_its_reader_waits() {
    in_time(|| {
        let (address, server) = echo_server();
        let client = connect(&ws(&address)).unwrap();
        let (mut reader, writer) = client.split().unwrap();
        let reading = thread::spawn(move || {
            while reader.next().unwrap().is_some() {}
            reader.outcome().unwrap()
        });
        writer.send_text("x").unwrap();
        writer.close(CloseCode::GOING_AWAY, "writer").unwrap();
        assert!(matches!(
            writer.send_text("y"),
            Err(Error::Misuse(Misuse::Closing))
        ));
        assert_eq!(
            reading.join().unwrap(),
            outcome(1001, "writer", true, Initiator::Local)
        );
        assert_eq!(
            server.join().unwrap().unwrap(),
            outcome(1001, "writer", true, Initiator::Peer)
        );
    });
}

#[test]
fn a_reader_answers_pings_and_the_peers_close_while_its_writer_sleeps() {
    in_time(|| {
        let (address, server) = serve(|stream| {
            let (mut reader, writer) = accept(stream).unwrap().split().unwrap();
            while reader.next().unwrap().is_some() {}
            assert!(matches!(
                writer.send_text("y"),
                Err(Error::Misuse(Misuse::Closing))
            ));
            reader.outcome().unwrap()
        });
        let mut raw = Raw::open(&address);
        raw.send(&to_server(0x89, b"are you there?"));
        assert_eq!(raw.frame().payload, b"are you there?");
        raw.send(&to_server(0x88, &frames::close_payload(1000, "reader")));
        assert_eq!(raw.frame().close_code(), 1000);
        assert!(raw.rest().is_empty());
        drop(raw);
        assert_eq!(
            server.join().unwrap(),
            outcome(1000, "reader", true, Initiator::Peer)
        );
    });
}

#[test]
fn a_writers_close_that_is_not_answered_ends_at_the_deadline_even_without_keepalive() {
    in_time(|| {
        let (address, server) = serve(|stream| {
            let config = Config::new().with_close_timeout(millis(80));
            let options = AcceptOptions::new().with_config(config);
            let ws = accept_with(stream, &options, |_| Ok(Accept::new())).unwrap();
            let (mut reader, writer) = ws.split().unwrap();
            let reading = thread::spawn(move || {
                while reader.next().unwrap().is_some() {}
                reader.outcome().unwrap()
            });
            // The reader waits already, with no deadline to wait for.
            thread::sleep(Duration::from_millis(50));
            writer.close(CloseCode::NORMAL, "").unwrap();
            reading.join().unwrap()
        });
        let mut raw = Raw::open(&address);
        assert_eq!(raw.frame().close_code(), 1000);
        assert_eq!(
            server.join().unwrap(),
            outcome(1006, "", false, Initiator::Local)
        );
    });
}

#[test]
fn rule_38_a_violation_is_told_by_the_reader_half() {
    in_time(|| {
        let (address, server) = serve(|stream| {
            let (mut reader, _writer) = accept(stream).unwrap().split().unwrap();
            loop {
                match reader.next() {
                    Ok(Some(_)) => {}
                    Ok(None) => return None,
                    Err(error) => {
                        // The rest of the way.
                        let again = reader.next();
                        assert!(matches!(again, Err(Error::Violation(_))));
                        return Some(error);
                    }
                }
            }
        });
        let mut raw = Raw::open(&address);
        raw.send(&to_server(0x81, b"\xFF"));
        assert_eq!(raw.frame().close_code(), 1007);
        assert!(raw.rest().is_empty());
        drop(raw);
        let error = server.join().unwrap();
        assert!(matches!(
            error,
            Some(Error::Violation(Violation::InvalidUtf8))
        ));
    });
}

/// Holds back a Pong until it is let go, and notes which thread writes a text.
struct Gated {
    inner: TcpStream,
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Gate {
    /// A Pong waits: 1, and may go: 2.
    pong: AtomicUsize,
    text_by: std::sync::Mutex<Option<thread::ThreadId>>,
}

impl Read for Gated {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        self.inner.read(octets)
    }
}

impl Write for Gated {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match octets[0] {
            0x8A => {
                self.gate.pong.store(1, Ordering::SeqCst);
                while self.gate.pong.load(Ordering::SeqCst) == 1 {
                    thread::yield_now();
                }
            }
            0x81 => *self.gate.text_by.lock().unwrap() = Some(thread::current().id()),
            _ => {}
        }
        self.inner.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Stream for Gated {
    fn prepare(&self, write_timeout: Option<Duration>) -> io::Result<()> {
        self.inner.set_write_timeout(write_timeout)
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.inner.set_read_timeout(timeout)
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        self.inner.shutdown(Shutdown::Write)
    }
}

#[test]
fn a_reader_never_writes_a_writer_s_message_and_so_is_never_stuck_in_it() {
    in_time(|| {
        let gate = Arc::new(Gate::default());
        let gates = (Arc::clone(&gate), Arc::clone(&gate));
        let (address, server) = serve(move |inner| {
            let second = Gated {
                inner: inner.try_clone().unwrap(),
                gate: gates.0,
            };
            let gated = Gated {
                inner,
                gate: gates.1,
            };
            let (mut reader, writer) = accept(gated).unwrap().split_with(second);
            let reading = thread::spawn(move || while reader.next().unwrap().is_some() {});
            // The reader is about to write its Pong.
            while gate.pong.load(Ordering::SeqCst) == 0 {
                thread::yield_now();
            }
            let opener = thread::spawn({
                let gate = Arc::clone(&gate);
                move || {
                    // Long enough for the text to be queued: that it isn't would prove nothing.
                    thread::sleep(Duration::from_millis(100));
                    gate.pong.store(2, Ordering::SeqCst);
                }
            });
            writer.send_text("by a writer").unwrap();
            opener.join().unwrap();
            reading.join().unwrap();
            let text_by = *gate.text_by.lock().unwrap();
            text_by == Some(thread::current().id())
        });
        let mut raw = Raw::open(&address);
        raw.send(&to_server(0x89, b"ping"));
        assert_eq!(raw.frame().payload, b"ping");
        assert_eq!(raw.frame().payload, b"by a writer");
        raw.send(&to_server(0x88, b""));
        assert_eq!(raw.frame().opcode(), 8);
        assert!(raw.rest().is_empty());
        drop(raw);
        assert!(server.join().unwrap(), "the reader wrote the text");
    });
}
