//! An echo server on an event loop of its own: one thread, thousands of connections, one buffer to read
//! into and one to write from, which all of them share. An idle connection holds neither.
//!
//! ```text
//! cargo run --release --manifest-path examples/loops/Cargo.toml --bin mio -- [ADDR]
//! ```
//!
//! `ADDR` is `127.0.0.1:9001` unless given.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant as Moment};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use websocket_proto::adapter::{AcceptOptions, Driver, Step};
use websocket_proto::handshake::Accept;
use websocket_proto::{Connection, Event, Instant, RecvBuffer, SendBuffer, Server, Transport};

type Rx = RecvBuffer<Vec<u8>>;
type Tx = SendBuffer<Vec<u8>>;

/// Asked for in one read: a frame of 64 KiB with its header.
const READ: usize = 68 << 10;

/// How often deadlines are looked at. Each may come late by so much, and costs a connection no memory.
const SWEEP: Duration = Duration::from_millis(250);

const LISTENER: Token = Token(usize::MAX);

/// One connection: 160 octets, and what is unfinished.
struct Client {
    stream: TcpStream,
    ws: Connection<Server>,
    driver: Driver,
    /// The beginning of a message, while the rest of it is awaited.
    rx: Option<Box<Rx>>,
    /// What the peer doesn't take yet.
    tx: Option<Box<Tx>>,
}

/// What all connections share.
struct Shared {
    rx: Rx,
    tx: Tx,
    options: AcceptOptions<'static>,
}

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1);
    run(address.as_deref().unwrap_or("127.0.0.1:9001"))
}

/// Serves for ever.
pub fn run(address: &str) -> io::Result<()> {
    let mut listener = TcpListener::bind(address.parse().map_err(io::Error::other)?)?;
    println!("listening on ws://{}/", listener.local_addr()?);

    let mut poll = Poll::new()?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut events = Events::with_capacity(1024);
    let mut shared = Shared {
        rx: Rx::new(),
        tx: Tx::new(),
        options: AcceptOptions::new(),
    };
    let mut clients: Vec<Option<Client>> = Vec::new();
    let mut free: Vec<usize> = Vec::new();
    let began = Moment::now();
    let mut swept = Duration::ZERO;
    loop {
        match poll.poll(&mut events, Some(SWEEP)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            waited => waited?,
        }
        let now = began.elapsed();
        for event in &events {
            if event.token() == LISTENER {
                accept_all(&listener, &poll, &shared, &mut clients, &mut free)?;
            } else {
                let at = event.token().0;
                serve(&mut clients[at], &mut shared, now, at, &mut free);
            }
        }
        if now - swept >= SWEEP {
            swept = now;
            for (at, client) in clients.iter_mut().enumerate() {
                if client.as_mut().is_some_and(|client| client.is_due(now)) {
                    serve(client, &mut shared, now, at, &mut free);
                }
            }
        }
    }
}

fn accept_all(
    listener: &TcpListener,
    poll: &Poll,
    shared: &Shared,
    clients: &mut Vec<Option<Client>>,
    free: &mut Vec<usize>,
) -> io::Result<()> {
    loop {
        let mut stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            // The client went, or there are no file descriptors left: others may come.
            Err(_) => return Ok(()),
        };
        stream.set_nodelay(true)?;
        let at = free.pop().unwrap_or_else(|| {
            clients.push(None);
            clients.len() - 1
        });
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut stream, Token(at), interest)?;
        clients[at] = Some(Client {
            stream,
            ws: Connection::server(shared.options.config()),
            driver: Driver::new(),
            rx: None,
            tx: None,
        });
    }
}

/// Does what there is to do for a connection, and drops it when it is over.
fn serve(
    place: &mut Option<Client>,
    shared: &mut Shared,
    now: Duration,
    at: usize,
    free: &mut Vec<usize>,
) {
    let Some(client) = place else { return };
    // It works in the shared buffers, and leaves there what is unfinished.
    if let Some(mut own) = client.rx.take() {
        own.transfer(&mut shared.rx).expect("it was left empty");
    }
    if let Some(own) = client.tx.take() {
        shared.tx = *own;
    }
    let goes_on = client.carry_on(shared, Instant::new(now));
    if !goes_on.unwrap_or(false) {
        *place = None;
        free.push(at);
        (shared.rx, shared.tx) = (Rx::new(), Tx::new());
        return;
    }
    if !shared.rx.is_empty() {
        let mut own = Box::<Rx>::default();
        shared.rx.transfer(&mut own).expect("it is empty");
        client.rx = Some(own);
    }
    if !shared.tx.is_empty() {
        let mut own = std::mem::take(&mut shared.tx);
        own.release();
        client.tx = Some(Box::new(own));
    }
}

impl Client {
    fn is_due(&mut self, now: Duration) -> bool {
        let now = Instant::new(now);
        self.ws.poll_timeout(now).is_some_and(|at| at <= now)
    }

    /// Carries out the driver's steps as far as the socket lets it; false when the connection is over.
    fn carry_on(&mut self, shared: &mut Shared, now: Instant) -> io::Result<bool> {
        let Shared { rx, tx, options } = shared;
        loop {
            match self.driver.step(&mut self.ws, rx, tx) {
                Step::Event(ready) => match self.ws.lend(ready, rx, tx) {
                    Ok(event) => answer(event, &mut self.ws, tx, options)?,
                    Err(violation) => println!("{violation}"),
                },
                Step::Write => match self.stream.write(tx.octets()) {
                    Ok(count) => tx.consume(count),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        // While the peer doesn't read, it is not read from. Only closing has an end.
                        if self.ws.transport() == Transport::Open {
                            return Ok(true);
                        }
                        self.ws.handle_timeout(now, tx);
                        return Ok(self.ws.transport() != Transport::Close);
                    }
                    Err(error) => return Err(error),
                },
                Step::ShutdownWrite => {
                    if self.stream.shutdown(Shutdown::Write).is_err() {
                        self.ws.handle_eof();
                    }
                }
                Step::Read => match self.stream.read(rx.spare_for(READ)) {
                    Ok(0) => self.ws.handle_eof(),
                    Ok(count) => rx.commit(count),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        // Everything that has come was handled: now deadlines count.
                        if self.ws.poll_timeout(now).is_none_or(|at| at > now) {
                            return Ok(true);
                        }
                        self.ws.handle_timeout(now, tx);
                    }
                    Err(_) => self.ws.handle_eof(),
                },
                Step::Done => return Ok(false),
            }
        }
    }
}

/// The application.
fn answer(
    event: Event<'_>,
    ws: &mut Connection<Server>,
    tx: &mut Tx,
    options: &AcceptOptions<'_>,
) -> io::Result<()> {
    match event {
        Event::Request(request) => match options.answer(&request, |_| Ok(Accept::new())) {
            Ok(accept) => ws.accept(&request, &accept, tx),
            Err(rejection) => ws.reject(&rejection, tx),
        },
        Event::Text(text) => ws.send_text(text, tx),
        Event::Binary(octets) => ws.send_binary(octets, tx),
        _ => Ok(()),
    }
    .map_err(io::Error::other)
}
