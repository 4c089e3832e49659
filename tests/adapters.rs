//! The vectors through every adapter: each lends the events, reports the violation and writes the octets
//! that the machine alone does, whether its transport gives all at once or octet by octet.
#![cfg(feature = "std")]

mod common;

use std::io::{self, Read, Write};

use common::corpus::{Vector, folder, read};
use common::trace::{Mode, Opening, Seen, Setup, agreeing, offering, run};
use common::{KEY, Keys, NONCE};
use websocket_proto::adapter::{Error, Outcome, Outgoing, blocking};
use websocket_proto::buffer::Storage;
use websocket_proto::handshake::{Accept, ClientRequest, Rejection, Request};
use websocket_proto::{
    Client, Connection, Event, RecvBuffer, Role, SendBuffer, Server, Side, Violation,
};

/// Octets to read, at most so many at once, then the end; and what was written.
struct Script {
    input: Vec<u8>,
    at: usize,
    most: usize,
    reads: usize,
    output: Vec<u8>,
}

impl Script {
    fn new(input: &[u8], most: usize) -> Self {
        Self {
            input: input.to_vec(),
            at: 0,
            most,
            reads: 0,
            output: Vec::new(),
        }
    }

    /// What was written, where all came in one read. Otherwise what is written before the next read isn't
    /// put together with what follows.
    fn written(&self) -> Option<Vec<u8>> {
        (self.reads <= 1).then(|| self.output.clone())
    }
}

impl Read for Script {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let rest = &self.input[self.at..];
        let count = rest.len().min(room.len()).min(self.most);
        room[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        self.reads += usize::from(count > 0);
        Ok(count)
    }
}

impl Write for Script {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.output.extend(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What comes of a run.
#[derive(Debug, PartialEq, Eq)]
struct Came {
    events: Vec<Seen>,
    error: Option<Violation>,
    output: Option<Vec<u8>>,
    /// Code, reason and whether it is clean.
    outcome: Option<(u16, String, bool)>,
}

/// How each role answers a request.
trait Answers: Side + Sized {
    fn answer<B: Storage>(
        out: &mut Outgoing<'_, Self, B>,
        opening: &Opening,
        request: &Request<'_>,
    );
}

impl Answers for Server {
    fn answer<B: Storage>(
        out: &mut Outgoing<'_, Self, B>,
        opening: &Opening,
        request: &Request<'_>,
    ) {
        if let Some(status) = opening.reject {
            return out.reject(&Rejection::new(status)).unwrap();
        }
        let mut accept = agreeing(Accept::new(), opening);
        let spoken = &opening.subprotocols;
        if let Some(name) = request
            .subprotocols()
            .find(|name| spoken.iter().any(|spoken| spoken == name))
        {
            accept = accept.with_subprotocol(name);
        }
        out.accept(request, &accept).unwrap();
    }
}

impl<K> Answers for Client<K>
where
    Self: Side,
{
    fn answer<B: Storage>(_: &mut Outgoing<'_, Self, B>, _: &Opening, _: &Request<'_>) {
        unreachable!("a client is asked for nothing");
    }
}

/// Notes an event, and answers a request.
fn note<S: Answers, B: Storage>(
    event: Event<'_>,
    out: &mut Outgoing<'_, S, B>,
    setup: &Setup,
    seen: &mut Vec<Seen>,
) {
    seen.push(match event {
        Event::Request(request) => {
            S::answer(out, setup.opening.as_ref().unwrap(), &request);
            Seen::Request(request.target().to_owned())
        }
        Event::HandshakeDone(done) => Seen::Open(done.subprotocol().map(str::to_owned)),
        Event::Text(text) => Seen::Text(text.to_owned()),
        Event::Binary(octets) => Seen::Binary(octets.to_vec()),
        Event::Ping(octets) => Seen::Ping(octets.to_vec()),
        Event::Pong(octets) => Seen::Pong(octets.to_vec()),
        Event::Close(close) => Seen::Close(close.code.value(), close.reason.to_owned()),
        other => panic!("{other:?}"),
    });
}

fn violation(error: Error) -> Violation {
    match error {
        Error::Violation(violation) => violation,
        other => panic!("{other:?}"),
    }
}

fn in_short(outcome: Outcome) -> (u16, String, bool) {
    (outcome.code.value(), outcome.reason, outcome.clean)
}

/// The machine by itself, over this storage.
fn alone<B: Storage>(setup: &Setup, rx: RecvBuffer<B>, input: &[u8]) -> Came {
    let (trace, _) = run(setup, rx, Mode::Whole, &[input]);
    let outcome = trace.outcome.filter(|_| trace.error.is_none());
    Came {
        events: trace.events,
        error: trace.error,
        output: Some(trace.output),
        outcome: outcome.map(|(code, reason, clean, _)| (code, reason, clean)),
    }
}

/// A client whose request is on its way, or that starts open.
fn client(setup: &Setup) -> Connection<Client<Keys>> {
    let keys: Keys = || KEY;
    let Some(opening) = &setup.opening else {
        return setup.agreed(Connection::open_client(setup.config, keys));
    };
    let offers: Vec<&str> = opening.subprotocols.iter().map(String::as_str).collect();
    let request = ClientRequest::new("example.com", "/chat", NONCE).with_subprotocols(&offers);
    let request = offering(request, opening);
    let mut sent: SendBuffer<Vec<u8>> = SendBuffer::new();
    Connection::client(&request, setup.config, keys, &mut sent).unwrap()
}

fn server(setup: &Setup) -> Connection<Server> {
    match setup.opening {
        Some(_) => Connection::server(setup.config),
        None => setup.agreed(Connection::open_server(setup.config)),
    }
}

/// A way to run a setup: through an adapter, with at most so many octets in each read.
type Way = fn(&Setup, &[u8], usize) -> Came;

/// Each vector this way, once whole and once octet by octet.
fn check_all(way: Way) {
    let runs = vectors().map(|(vector, role)| {
        let mut setup = vector.setup(role);
        setup.eof = true;
        let input = vector.octets("in", role.peer());
        let expected = alone(&setup, RecvBuffer::new(), &input);
        (vector.name, setup, input, expected)
    });
    compare(runs, way);
}

fn compare(runs: impl Iterator<Item = (String, Setup, Vec<u8>, Came)>, way: Way) {
    let mut failed = Vec::new();
    let (mut count, mut at_once) = (0, 0);
    for (name, setup, input, expected) in runs {
        for most in [usize::MAX, 1] {
            count += 1;
            let came = std::panic::catch_unwind(|| way(&setup, &input, most));
            let same = came.as_ref().is_ok_and(|came| {
                at_once += usize::from(came.output.is_some());
                (&came.events, &came.error, &came.outcome)
                    == (&expected.events, &expected.error, &expected.outcome)
                    && (came.output.is_none() || came.output == expected.output)
            });
            if !same {
                println!("{came:?}\n{expected:?}");
                failed.push(format!("{name} as {:?}, {most} at most", setup.role));
            }
        }
    }
    assert!(
        failed.is_empty(),
        "{} of {count}: {failed:#?}",
        failed.len()
    );
    assert!(
        count > 600 && at_once * 5 > count * 2,
        "{count} runs, {at_once} at once"
    );
}

fn vectors() -> impl Iterator<Item = (Vector, Role)> {
    let codec = cfg!(any(feature = "deflate", feature = "inflate"));
    let mut files: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|file| file.ends_with(".txt") && (codec || file != "deflate.txt"))
        .collect();
    files.sort();
    files
        .into_iter()
        .flat_map(|file| read(&file))
        .flat_map(|vector| {
            let roles = vector.roles();
            roles.iter().map(move |&role| (vector.clone(), role))
        })
}

#[test]
fn the_blocking_adapter_does_as_the_vectors_say() {
    fn through<S: Answers>(ws: Connection<S>, setup: &Setup, input: &[u8], most: usize) -> Came {
        let script = blocking::NoTimeouts(Script::new(input, most));
        let mut ws = blocking::WebSocket::from_parts(script, ws, RecvBuffer::new());
        let mut events = Vec::new();
        let error = loop {
            match ws.next() {
                Ok(Some((event, mut out))) => note(event, &mut out, setup, &mut events),
                Ok(None) => break None,
                Err(error) => break Some(violation(error)),
            }
        };
        Came {
            events,
            error,
            output: ws.stream().0.written(),
            outcome: ws.outcome().filter(|_| error.is_none()).map(in_short),
        }
    }
    check_all(|setup, input, most| match setup.role {
        Role::Server => through(server(setup), setup, input, most),
        Role::Client => through(client(setup), setup, input, most),
    });
}

#[cfg(feature = "poll")]
mod tasks {
    #[cfg(any(feature = "tokio", feature = "futures-io"))]
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use websocket_proto::adapter::poll::{Io, WebSocket};

    use super::common::wire::{self, Clock};
    use super::*;

    impl Io for Script {
        fn poll_read(&mut self, _: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(self.read(room))
        }

        fn poll_write(&mut self, _: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(self.write(octets))
        }

        fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[cfg(feature = "tokio")]
    impl tokio::io::AsyncRead for Script {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            room: &mut tokio::io::ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let count = self.read(room.initialize_unfilled())?;
            room.advance(count);
            Poll::Ready(Ok(()))
        }
    }

    #[cfg(feature = "tokio")]
    impl tokio::io::AsyncWrite for Script {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            octets: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(self.write(octets))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[cfg(feature = "futures-io")]
    impl futures_io::AsyncRead for Script {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            room: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(self.read(room))
        }
    }

    #[cfg(feature = "futures-io")]
    impl futures_io::AsyncWrite for Script {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            octets: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(self.write(octets))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn through<S: Answers, T: Io>(
        ws: Connection<S>,
        setup: &Setup,
        io: T,
        output: impl Fn(&T) -> &Script,
    ) -> Came {
        let mut ws = WebSocket::from_parts(io, Clock::default(), ws, RecvBuffer::new(), None);
        let mut events = Vec::new();
        let error = loop {
            match wire::run(ws.next()) {
                Ok(Some((event, mut out))) => note(event, &mut out, setup, &mut events),
                Ok(None) => break None,
                Err(error) => break Some(violation(error)),
            }
        };
        Came {
            events,
            error,
            output: output(ws.io()).written(),
            outcome: ws.outcome().filter(|_| error.is_none()).map(in_short),
        }
    }

    fn either<T: Io>(setup: &Setup, io: T, output: impl Fn(&T) -> &Script) -> Came {
        match setup.role {
            Role::Server => through(server(setup), setup, io, output),
            Role::Client => through(client(setup), setup, io, output),
        }
    }

    #[test]
    fn the_core_of_the_async_adapters_does_as_the_vectors_say() {
        check_all(|setup, input, most| either(setup, Script::new(input, most), |io| io));
    }

    #[cfg(feature = "tokio")]
    #[test]
    fn streams_of_tokio_s_do_as_the_vectors_say() {
        use websocket_proto::adapter::tokio::Stream;

        check_all(|setup, input, most| {
            either(
                setup,
                Stream::new(Script::new(input, most)),
                Stream::get_ref,
            )
        });
    }

    #[cfg(feature = "futures-io")]
    #[test]
    fn streams_of_futures_io_do_as_the_vectors_say() {
        use websocket_proto::adapter::futures_io::Stream;

        check_all(|setup, input, most| either(setup, Stream(Script::new(input, most)), |io| &io.0));
    }
}

#[cfg(all(feature = "embedded-io-async", feature = "poll"))]
mod embedded {
    use embedded_io_async::ErrorType;
    use websocket_proto::adapter::embedded::{Buffers, Error, NoTimer, WebSocket};

    use websocket_proto::handshake::DeflateConfig;

    use super::common::{answer_with, request_with, wire};
    use super::*;

    /// The script as a device's socket.
    struct Socket(Script);

    impl ErrorType for Socket {
        type Error = io::Error;
    }

    impl embedded_io_async::Read for Socket {
        async fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            Read::read(&mut self.0, room)
        }
    }

    impl embedded_io_async::Write for Socket {
        async fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            Write::write(&mut self.0, octets)
        }

        async fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn through<S: Answers>(mut ws: WebSocket<'_, Socket, NoTimer, S>, setup: &Setup) -> Came {
        let mut events = Vec::new();
        let error = loop {
            match wire::run(ws.next()) {
                Ok(Some((event, mut out))) => note(event, &mut out, setup, &mut events),
                Ok(None) => break None,
                Err(Error::Violation(violation)) => break Some(violation),
                Err(other) => panic!("{other:?}"),
            }
        };
        let outcome = ws.outcome().filter(|_| error.is_none());
        let outcome = outcome.map(|outcome| {
            let code = outcome.code.value();
            (code, outcome.reason.to_owned(), outcome.clean)
        });
        Came {
            events,
            error,
            outcome,
            output: ws.into_io().0.written(),
        }
    }

    fn room(input: &[u8]) -> usize {
        input.len().max(512)
    }

    fn either(setup: &Setup, input: &[u8], most: usize) -> Came {
        let (mut rx, mut tx) = (vec![0; room(input)], vec![0; 4096]);
        let buffers = Buffers {
            rx: &mut rx,
            tx: &mut tx,
        };
        let io = Socket(Script::new(input, most));
        let opening = setup.opening.as_ref().unwrap();
        if setup.role == Role::Server {
            let ws = WebSocket::server(io, NoTimer, buffers, setup.config);
            return through(ws, setup);
        }
        let offers: Vec<&str> = opening.subprotocols.iter().map(String::as_str).collect();
        let request = ClientRequest::new("example.com", "/chat", NONCE).with_subprotocols(&offers);
        let request = offering(request, opening);
        let keys: Keys = || KEY;
        let ws = WebSocket::client(io, NoTimer, buffers, &request, setup.config, keys).unwrap();
        let mut came = through(ws, setup);
        // The machine's own run doesn't count its request.
        if let Some(output) = &mut came.output {
            output.drain(..request.check().unwrap());
        }
        came
    }

    /// This adapter opens its connections itself: what starts open elsewhere gets a handshake.
    fn opened(setup: &mut Setup, input: &mut Vec<u8>) {
        if setup.opening.is_some() {
            return;
        }
        let line = match setup.deflate.take() {
            Some(value) => format!("Sec-WebSocket-Extensions: {value}\r\n"),
            None => String::new(),
        };
        let head = match setup.role {
            Role::Server => request_with(&line),
            Role::Client => answer_with(&line),
        };
        input.splice(..0, head);
        setup.opening = Some(Opening {
            deflate: (!line.is_empty()).then(DeflateConfig::new),
            ..Opening::default()
        });
    }

    #[test]
    fn the_adapter_for_fixed_buffers_does_as_the_vectors_say() {
        let fitting = vectors().filter(|(vector, _)| vector.one("only").is_none());
        let runs = fitting.map(|(vector, role)| {
            let mut setup = vector.setup(role);
            setup.eof = true;
            let mut input = vector.octets("in", role.peer());
            opened(&mut setup, &mut input);
            let mut storage = vec![0; room(&input)];
            let rx = RecvBuffer::with_storage(&mut storage[..]);
            let expected = alone(&setup, rx, &input);
            (vector.name, setup, input, expected)
        });
        compare(runs, either);
    }
}
