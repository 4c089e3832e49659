//! embedded-io-async: fixed buffers, no allocator, no `std`. For embassy and its like.
//!
//! The caller brings a transport, two buffers and a [`Timer`], or [`NoTimer`] where deadlines are to be
//! kept elsewhere. A client brings masking keys and a nonce from a source that nobody can foresee, too.
//!
//! ```
//! use embedded_io_async::{Read, Write};
//! use websocket_proto::Event;
//! use websocket_proto::adapter::embedded::{self, Buffers, Error};
//! use websocket_proto::adapter::{AcceptOptions, Timer};
//! use websocket_proto::handshake::Accept;
//!
//! async fn serve<T: Read + Write, C: Timer>(io: T, timer: C) -> Result<(), Error<T::Error>> {
//!     let (mut rx, mut tx) = ([0; 2048], [0; 2048]);
//!     let buffers = Buffers { rx: &mut rx, tx: &mut tx };
//!     let options = AcceptOptions::new();
//!     let mut ws = embedded::accept_with(io, timer, buffers, &options, |_| Ok(Accept::new())).await?;
//!     while let Some((event, mut out)) = ws.next().await? {
//!         match event {
//!             Event::Text(text) => out.send_text(text)?,
//!             Event::Binary(octets) => out.send_binary(octets)?,
//!             _ => {}
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! How large the buffers have to be stands in `docs/contract.md`, "Fixed buffers". Messages of any size pass
//! through them in chunks: [`WebSocket::next_chunk`].
//!
//! A future of a [`WebSocket`] may be dropped while it waits where the transport allows that for its `read`
//! and `write`: nothing is lost, and nothing is sent twice. What [`accept_with`] and [`connect_over`] return
//! owns the transport, of which half a head may have been read or written: dropped, it takes the transport
//! with it. Where that was only lent (`&mut`), close it; a second opening over it fails. To open a connection
//! with futures that may be dropped, take [`WebSocket::server`] or [`WebSocket::client`], whose first events
//! are those of the opening handshake.
//!
//! There is no half-close in embedded-io: the end that has to close first is through at once, and the
//! caller closes the transport ([`WebSocket::into_io`]).

use core::fmt;
use core::future::{Future, Pending, pending, poll_fn};
use core::pin::pin;
use core::task::Poll;
use core::time::Duration;

use embedded_io_async::{ErrorKind, Read, Write};

use super::{AcceptOptions, ConnectOptions, Driver, Step, Timer};
use crate::buffer::{RecvBuffer, SendBuffer, Storage};
use crate::close::{CloseCode, Outcome};
use crate::config::Config;
use crate::connection::{Client, Connection, Event, Ready, Server, Side, State};
use crate::error::{Misuse, Violation};
use crate::frame::mask::KeySource;
use crate::handshake::{Accept, ClientRequest, Rejection, Request};
use crate::time::Instant;

/// A server's end.
pub type ServerSocket<'b, T, C> = WebSocket<'b, T, C, Server>;

/// A client's end, with masking keys from `K`.
pub type ClientSocket<'b, T, C, K> = WebSocket<'b, T, C, Client<K>>;

/// The means to answer while an event is held. What it sends is queued.
pub type Outgoing<'a, 'b, S> = super::Outgoing<'a, S, &'b mut [u8]>;

/// What went wrong. `E` is the transport's error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error<E> {
    /// The transport failed.
    Io(E),
    /// The transport took nothing for as long as the write timeout.
    WriteTimeout,
    /// The transport has written nothing, which it should never say.
    WriteZero,
    /// The peer broke the protocol, or refused
    /// ([`ResponseFault::Status`](crate::ResponseFault::Status)).
    Violation(Violation),
    /// The caller asked for what can't be done.
    Misuse(Misuse),
    /// The request was rejected, as the caller or the origin policy said.
    Rejected,
    /// The stream ended before the opening handshake was over.
    Ended,
}

impl<E: fmt::Display> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the transport failed: {error}"),
            Self::WriteTimeout => f.write_str("the peer takes nothing"),
            Self::WriteZero => f.write_str("the transport writes nothing"),
            Self::Violation(violation) => write!(f, "the peer broke the protocol: {violation}"),
            Self::Misuse(misuse) => fmt::Display::fmt(misuse, f),
            Self::Rejected => f.write_str("the request was rejected"),
            Self::Ended => f.write_str("the stream ended within the opening handshake"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for Error<E> {}

impl<E> From<Violation> for Error<E> {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

impl<E> From<Misuse> for Error<E> {
    fn from(misuse: Misuse) -> Self {
        Self::Misuse(misuse)
    }
}

/// No clock: deadlines don't pass. Whoever uses it bounds the waiting in other ways.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTimer;

impl Timer for NoTimer {
    type Sleep = Pending<()>;

    fn now(&self) -> Instant {
        Instant::EPOCH
    }

    fn sleep(&self, _duration: Duration) -> Pending<()> {
        pending()
    }
}

/// The memory of a connection.
#[derive(Debug)]
pub struct Buffers<'b> {
    /// For what is received: the largest message that is wanted whole, and no less than the largest
    /// head.
    pub rx: &'b mut [u8],
    /// For what is to be sent.
    pub tx: &'b mut [u8],
}

/// A WebSocket over a transport `T`, with the time from `C`, in buffers that the caller lends.
pub struct WebSocket<'b, T, C, S> {
    line: Line<T, C>,
    ws: Connection<S>,
    rx: RecvBuffer<&'b mut [u8]>,
    tx: SendBuffer<&'b mut [u8]>,
}

/// The transport, and what it takes to carry out the driver's steps on it.
struct Line<T, C> {
    io: T,
    timer: C,
    driver: Driver,
    write_timeout: Option<Duration>,
    /// Something was written that the transport may hold back.
    unflushed: bool,
    /// Since when the transport has taken nothing, whichever future waited for that.
    stalled_since: Option<Instant>,
}

/// Opens a WebSocket over an accepted transport, as `decide` says on the request: with a subprotocol and
/// fields, or not at all. Where it names no subprotocol, the one that [`AcceptOptions`] prefers is taken.
///
/// # Errors
/// [`Error::Violation`] for a request that isn't one; [`Error::Rejected`] when the request was rejected;
/// [`Error::Misuse`] when the answer can't be given; [`Error::Io`]; [`Error::Ended`] when the client went.
pub async fn accept_with<'a, 'b, T: Read + Write, C: Timer>(
    io: T,
    timer: C,
    buffers: Buffers<'b>,
    options: &AcceptOptions<'a>,
    decide: impl FnOnce(&Request<'_>) -> Result<Accept<'a>, Rejection<'a>>,
) -> Result<ServerSocket<'b, T, C>, Error<T::Error>> {
    let mut socket = WebSocket::server(io, timer, buffers, options.config());
    socket.line.write_timeout = options.write_timeout();
    match socket.next().await? {
        Some((Event::Request(request), mut out)) => match options.answer(&request, decide) {
            Ok(accept) => out.accept(&request, &accept)?,
            Err(rejection) => out.reject(&rejection)?,
        },
        _ => return Err(Error::Ended),
    }
    match socket.next().await? {
        Some((Event::HandshakeDone(_), _)) => {}
        _ => return Err(Error::Rejected),
    }
    socket.flush().await?;
    Ok(socket)
}

/// Opens a WebSocket over a connected transport with this request, of which [`ConnectOptions::request`]
/// makes one. To see what the server answered, take [`WebSocket::client`] and the first event.
///
/// # Errors
/// [`Error::Misuse`] for the request; [`Error::Violation`] when the server refuses or breaks the protocol;
/// [`Error::Io`]; [`Error::Ended`].
pub async fn connect_over<'b, T: Read + Write, C: Timer, K: KeySource>(
    io: T,
    timer: C,
    buffers: Buffers<'b>,
    request: &ClientRequest<'_>,
    options: &ConnectOptions<'_>,
    keys: K,
) -> Result<ClientSocket<'b, T, C, K>, Error<T::Error>> {
    let mut socket = WebSocket::client(io, timer, buffers, request, options.config(), keys)?;
    socket.line.write_timeout = options.write_timeout();
    match socket.next().await? {
        Some((Event::HandshakeDone(_), _)) => {}
        _ => return Err(Error::Ended),
    }
    Ok(socket)
}

impl<'b, T: Read + Write, C: Timer> ServerSocket<'b, T, C> {
    /// A server's end of a new transport. Its first events are those of the opening handshake.
    #[must_use]
    pub fn server(io: T, timer: C, buffers: Buffers<'b>, config: Config) -> Self {
        let tx = SendBuffer::with_storage(buffers.tx);
        Self::new(io, timer, Connection::server(config), buffers.rx, tx)
    }
}

impl<'b, T: Read + Write, C: Timer, K: KeySource> ClientSocket<'b, T, C, K> {
    /// A client's end of a new transport. Its first event is that the opening handshake is over.
    ///
    /// # Errors
    /// As [`Connection::client`].
    pub fn client(
        io: T,
        timer: C,
        buffers: Buffers<'b>,
        request: &ClientRequest<'_>,
        config: Config,
        keys: K,
    ) -> Result<Self, Misuse> {
        let mut tx = SendBuffer::with_storage(buffers.tx);
        let ws = Connection::client(request, config, keys, &mut tx)?;
        Ok(Self::new(io, timer, ws, buffers.rx, tx))
    }
}

impl<'b, T: Read + Write, C: Timer, S: Side> WebSocket<'b, T, C, S> {
    fn new(
        io: T,
        timer: C,
        ws: Connection<S>,
        rx: &'b mut [u8],
        tx: SendBuffer<&'b mut [u8]>,
    ) -> Self {
        Self {
            line: Line {
                io,
                timer,
                driver: Driver::new(),
                write_timeout: AcceptOptions::new().write_timeout(),
                unflushed: false,
                stalled_since: None,
            },
            ws,
            rx: RecvBuffer::with_storage(rx),
            tx,
        }
    }

    /// Waits for the next event and lends it, with the means to answer while it is held. `None` when the
    /// connection is over: see [`outcome`](Self::outcome).
    ///
    /// What is queued is written before it waits, and while the peer doesn't take it, nothing is read.
    ///
    /// # Errors
    /// [`Error::Violation`] when the peer broke the protocol, after it was told; [`Error::Io`],
    /// [`Error::WriteTimeout`] or [`Error::WriteZero`] when the transport failed.
    #[allow(clippy::should_implement_trait, clippy::type_complexity)]
    pub async fn next(
        &mut self,
    ) -> Result<Option<(Event<'_>, Outgoing<'_, 'b, S>)>, Error<T::Error>> {
        self.next_event(false).await
    }

    /// As [`next`](Self::next), with messages in chunks as they arrive: see [`Connection::poll_chunk`].
    ///
    /// # Errors
    /// As [`next`](Self::next).
    #[allow(clippy::type_complexity)]
    pub async fn next_chunk(
        &mut self,
    ) -> Result<Option<(Event<'_>, Outgoing<'_, 'b, S>)>, Error<T::Error>> {
        self.next_event(true).await
    }

    #[allow(clippy::type_complexity)]
    async fn next_event(
        &mut self,
        in_chunks: bool,
    ) -> Result<Option<(Event<'_>, Outgoing<'_, 'b, S>)>, Error<T::Error>> {
        let Self { line, ws, rx, tx } = self;
        let Some(ready) = line.carry_on(ws, rx, tx, in_chunks).await? else {
            return Ok(None);
        };
        match ws.lend(ready, rx, tx) {
            Ok(event) => Ok(Some((event, Outgoing::new(ws, tx)))),
            Err(violation) => {
                // The buffer is lent as far as the compiler knows; nothing in it counts any more.
                let mut rest = RecvBuffer::with_storage([0; 64]);
                line.carry_on(ws, &mut rest, tx, in_chunks).await?;
                Err(violation.into())
            }
        }
    }

    /// The means to queue without waiting. What is queued goes out with [`flush`](Self::flush), or
    /// before the next event is waited for.
    pub const fn queue(&mut self) -> Outgoing<'_, 'b, S> {
        Outgoing::new(&mut self.ws, &mut self.tx)
    }

    /// Writes what is queued.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::WriteTimeout`] or [`Error::WriteZero`].
    pub async fn flush(&mut self) -> Result<(), Error<T::Error>> {
        while !self.tx.is_empty() || self.line.unflushed {
            self.line.write(&mut self.ws, &mut self.tx).await?;
        }
        Ok(())
    }

    /// Sends a text message. Waits until it is written.
    ///
    /// # Errors
    /// [`Error::Misuse`] as [`Connection::send_text`], and those of [`flush`](Self::flush).
    pub async fn send_text(&mut self, text: &str) -> Result<(), Error<T::Error>> {
        self.queue().send_text(text)?;
        self.flush().await
    }

    /// Sends a binary message. Waits until it is written.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text).
    pub async fn send_binary(&mut self, octets: &[u8]) -> Result<(), Error<T::Error>> {
        self.queue().send_binary(octets)?;
        self.flush().await
    }

    /// Sends a Ping. Waits until it is written.
    ///
    /// # Errors
    /// [`Error::Misuse`] as [`Connection::send_ping`], and those of [`flush`](Self::flush).
    pub async fn send_ping(&mut self, payload: &[u8]) -> Result<(), Error<T::Error>> {
        self.queue().send_ping(payload)?;
        self.flush().await
    }

    /// Sends a Close and sees the closing handshake through. Messages that still come are dropped.
    ///
    /// # Errors
    /// As [`next`](Self::next), and [`Error::Misuse`] as [`Connection::close`].
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error<T::Error>> {
        self.queue().close(code, reason)?;
        while self.next().await?.is_some() {}
        Ok(())
    }

    /// How the connection ended, once it has.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome<'_>> {
        self.ws.outcome(&self.rx)
    }

    /// The machine.
    #[must_use]
    pub const fn connection(&self) -> &Connection<S> {
        &self.ws
    }

    /// The transport, to be closed when the connection is over.
    #[must_use]
    pub fn into_io(self) -> T {
        self.line.io
    }
}

impl<T: Read + Write, C: Timer> Line<T, C> {
    /// Carries out the driver's steps until there is an event; `None` when the connection is over.
    async fn carry_on<S: Side, B: Storage, X: Storage>(
        &mut self,
        ws: &mut Connection<S>,
        rx: &mut RecvBuffer<B>,
        tx: &mut SendBuffer<X>,
        in_chunks: bool,
    ) -> Result<Option<Ready>, Error<T::Error>> {
        loop {
            let step = if in_chunks {
                self.driver.step_chunk(ws, rx, tx)
            } else {
                self.driver.step(ws, rx, tx)
            };
            match step {
                Step::Event(ready) => return Ok(Some(ready)),
                Step::Write => self.write(ws, tx).await?,
                Step::Read if self.unflushed => self.write(ws, tx).await?,
                Step::Read => self.read(ws, rx, tx).await?,
                // What the transport can't say is said by closing it.
                Step::ShutdownWrite => ws.handle_eof(),
                Step::Done => {
                    return match ws.violation() {
                        Some(violation) => Err(violation.into()),
                        None => Ok(None),
                    };
                }
            }
        }
    }

    /// Reads once, or does what is due. Everything that had arrived was handled before.
    async fn read<S: Side, B: Storage, X: Storage>(
        &mut self,
        ws: &mut Connection<S>,
        rx: &mut RecvBuffer<B>,
        tx: &mut SendBuffer<X>,
    ) -> Result<(), Error<T::Error>> {
        let now = self.timer.now();
        let wait = ws.poll_timeout(now).map(|at| at.saturating_since(now));
        let patience = match wait {
            Some(wait) => Patience::Until(self.timer.sleep(wait)),
            None => Patience::Endless,
        };
        match before(self.io.read(rx.spare()), patience).await {
            None => ws.handle_timeout(self.timer.now(), tx),
            Some(Ok(0)) => ws.handle_eof(),
            Some(Ok(count)) => rx.commit(count),
            // A reset is the end of the stream, in a worse way: what came before still counts.
            Some(Err(error)) if is_disconnect(&error) => ws.handle_eof(),
            Some(Err(error)) => {
                ws.handle_eof();
                return Err(Error::Io(error));
            }
        }
        Ok(())
    }

    /// Writes once, and has the transport pass on the last of it.
    async fn write<S: Side, X: Storage>(
        &mut self,
        ws: &mut Connection<S>,
        tx: &mut SendBuffer<X>,
    ) -> Result<(), Error<T::Error>> {
        let now = self.timer.now();
        let (open, over) = (ws.state() == State::Open, ws.state() == State::Closed);
        let since = *self.stalled_since.get_or_insert(now);
        let deadline = match open {
            true => self.write_timeout.map(|timeout| since + timeout),
            false => ws.poll_timeout(now),
        };
        let patience = match deadline {
            // What can't be said at once isn't said any more.
            _ if over => Patience::None,
            Some(at) => Patience::Until(self.timer.sleep(at.saturating_since(now))),
            None => Patience::Endless,
        };
        let writing = async {
            match tx.is_empty() {
                true => self.io.flush().await.map(|()| 0),
                false => self.io.write(tx.octets()).await,
            }
        };
        let failed = match before(writing, patience).await {
            Some(Ok(0)) if !tx.is_empty() => Some(Error::WriteZero),
            Some(Ok(count)) => {
                self.stalled_since = None;
                self.unflushed = !tx.is_empty();
                tx.consume(count);
                return Ok(());
            }
            None if !open && !over => {
                ws.handle_timeout(self.timer.now(), tx);
                return Ok(());
            }
            Some(Err(error)) if !is_disconnect(&error) => Some(Error::Io(error)),
            // Nobody is there to write to; what has been received may still be worth reading.
            Some(Err(_)) => None,
            None => Some(Error::WriteTimeout),
        };
        self.unflushed = false;
        self.stalled_since = None;
        // Nothing can follow what may have gone in half.
        tx.clear();
        ws.handle_eof();
        failed.filter(|_| !over).map_or(Ok(()), Err)
    }
}

/// How long to wait for something.
enum Patience<S> {
    None,
    Until(S),
    Endless,
}

/// What `work` comes to, unless the patience ends first.
async fn before<F: Future, S: Future>(work: F, patience: Patience<S>) -> Option<F::Output> {
    let at_once = matches!(patience, Patience::None);
    let sleep = match patience {
        Patience::Until(sleep) => Some(sleep),
        Patience::None | Patience::Endless => None,
    };
    let (mut work, mut sleep) = (pin!(work), pin!(sleep));
    poll_fn(|cx| {
        if let Poll::Ready(done) = work.as_mut().poll(cx) {
            return Poll::Ready(Some(done));
        }
        match sleep.as_mut().as_pin_mut() {
            Some(sleep) => sleep.poll(cx).map(|_| None),
            None if at_once => Poll::Ready(None),
            None => Poll::Pending,
        }
    })
    .await
}

/// Whether the peer has gone without a word.
fn is_disconnect<E: embedded_io_async::Error>(error: &E) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::NotConnected
    )
}

impl<T, C, S> fmt::Debug for WebSocket<'_, T, C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket").finish_non_exhaustive()
    }
}
