//! Blocking streams: any `Read + Write`, and `std::net`.
//!
//! ```no_run
//! use websocket_proto::Event;
//! use websocket_proto::adapter::blocking;
//!
//! let mut ws = blocking::connect("ws://127.0.0.1:9001/echo")?;
//! ws.send_text("Hello")?;
//! while let Some((event, mut out)) = ws.next()? {
//!     match event {
//!         // Queued, and written with all other answers before the next read.
//!         Event::Text(text) => out.send_text(text)?,
//!         Event::Close(close) => println!("closed: {} {}", close.code, close.reason),
//!         _ => {}
//!     }
//! }
//! # Ok::<(), blocking::Error>(())
//! ```
//!
//! What is sent while an event is handled is queued, and goes out in one write with everything else that
//! was queued, before the next read. What is sent outside is written at once, a server's large payload from
//! where it lies, where the stream can do that ([`Stream::is_vectored`]). A connection keeps a
//! buffer of 4 to 128 KiB to receive, as the peer's pace demands, and one of up to 128 KiB to send; what a
//! big message takes beyond that is given back when 32 reads have done without it, or one has waited in
//! vain until a deadline (after 20 seconds of silence, as a Ping is due); beyond 4 MiB at once.

mod accept;
mod connect;
mod link;
mod memory;
mod split;
mod stream;

use std::io::{self, ErrorKind, IoSlice};
use std::string::String;
use std::time::Duration;
use std::vec::Vec;

pub use self::accept::{accept, accept_with};
pub use self::connect::{connect, connect_over, connect_with};
use self::link::Link;
use self::memory::Spared;
pub use self::split::{Reader, Writer};
pub use self::stream::{NoTimeouts, Stream};

pub use super::{AcceptOptions, ConnectOptions, Error, Outcome, Refusal};

use super::apart::{WORTH_IT, queue_header};
use super::clock::now;
use super::entropy::SystemKeys;
use super::error::is_disconnect;
use super::sizes::{MOST_KEPT, send_buffer};
use super::{Driver, Step};
use crate::buffer::{RecvBuffer, SendBuffer, Storage};
use crate::close::CloseCode;
use crate::connection::{Client, Connection, Event, Ready, Server, Side, State};
use crate::error::{Misuse, Violation};
use crate::opcode::MessageKind;
use crate::time::Instant;

/// A server's end.
pub type ServerSocket<T> = WebSocket<T, Server>;

/// A client's end.
pub type ClientSocket<T> = WebSocket<T, Client<SystemKeys>>;

/// The means to answer while an event is held. What it sends is queued.
pub type Outgoing<'a, S> = super::Outgoing<'a, S, Vec<u8>>;

/// The least that is asked for in one read.
const LEAST_PER_READ: usize = 4 << 10;

/// A WebSocket over a blocking stream.
#[derive(Debug)]
pub struct WebSocket<T: Stream, S: Side> {
    io: Link<T>,
    ws: Connection<S>,
    rx: RecvBuffer<Vec<u8>>,
    tx: SendBuffer<Vec<u8>>,
    reading: Reading,
    subprotocol: Option<String>,
}

/// What it takes to carry out the driver's steps, beside the stream and the machine.
#[derive(Debug)]
struct Reading {
    driver: Driver,
    /// Asked for in the next read.
    size: usize,
    /// What the stream's read timeout is set to.
    timeout: Option<Duration>,
    /// While the connection is open, all that becomes due does so after silence, and the stream's timeout
    /// tells when that has lasted.
    timed: bool,
    /// The last read has brought octets. Where the stream tells the time, the next one begins without a look
    /// at the clock, which takes longer than a short read.
    heard: bool,
    messages: Messages,
    received: Spared,
    sent: Spared,
}

/// Whether messages are delivered whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Messages {
    Whole,
    InChunks,
}

impl Reading {
    const fn new() -> Self {
        Self {
            driver: Driver::new(),
            size: LEAST_PER_READ,
            timeout: None,
            timed: false,
            heard: false,
            messages: Messages::Whole,
            received: Spared::new(),
            sent: Spared::new(),
        }
    }

    /// The next step.
    fn step<S: Side>(
        &mut self,
        ws: &mut Connection<S>,
        rx: &mut RecvBuffer<Vec<u8>>,
        tx: &mut SendBuffer<Vec<u8>>,
    ) -> Step {
        match self.messages {
            Messages::Whole => self.driver.step(ws, rx, tx),
            Messages::InChunks => self.driver.step_chunk(ws, rx, tx),
        }
    }

    /// Carries out the driver's steps until there is an event; `None` when the connection is over.
    fn next<T: Stream, S: Side>(
        &mut self,
        io: &mut T,
        ws: &mut Connection<S>,
        rx: &mut RecvBuffer<Vec<u8>>,
        tx: &mut SendBuffer<Vec<u8>>,
    ) -> Result<Option<Ready>, Error> {
        loop {
            match self.step(ws, rx, tx) {
                Step::Event(ready) => return Ok(Some(ready)),
                Step::Write => write(io, ws, tx, &[])?,
                Step::ShutdownWrite => shutdown(io, ws),
                Step::Read => self.read(io, ws, rx, tx)?,
                Step::Done => {
                    // The peer waits for the end of the stream, however long the caller keeps it.
                    drop(io.shutdown_write());
                    return ws.violation().map_or(Ok(None), |fault| Err(fault.into()));
                }
            }
        }
    }

    /// A violation showed in a message's content: tells the peer, and says how it ended. What was received is lent as
    /// far as the compiler knows; nothing in it counts any more.
    #[cold]
    #[inline(never)]
    fn see_off<T: Stream, S: Side>(
        &mut self,
        io: &mut T,
        ws: &mut Connection<S>,
        tx: &mut SendBuffer<Vec<u8>>,
        violation: Violation,
    ) -> Error {
        match self.next(io, ws, &mut RecvBuffer::new(), tx) {
            Ok(_) => violation.into(),
            Err(error) => error,
        }
    }

    /// Reads once, or does what is due. Everything that had arrived was handled before.
    fn read<T: Stream, S: Side>(
        &mut self,
        io: &mut T,
        ws: &mut Connection<S>,
        rx: &mut RecvBuffer<Vec<u8>>,
        tx: &mut SendBuffer<Vec<u8>>,
    ) -> Result<(), Error> {
        let timed = self.timed && self.heard && ws.state() == State::Open;
        if !timed {
            let now = now();
            let deadline = ws.poll_timeout(now);
            if deadline.is_some_and(|deadline| deadline <= now) {
                ws.handle_timeout(now, tx);
                return Ok(());
            }
            let wait = deadline.map(|deadline| deadline.saturating_since(now));
            self.set_timeout(io, wait)?;
            let config = ws.config();
            self.timed = config.idle_timeout().is_none() && self.suits(config.ping_interval());
        }
        self.sent.settle_sent(tx);
        match self.read_once(io, rx)? {
            Received::End => ws.handle_eof(),
            Received::Some => {}
            Received::Nothing if timed => {
                // What was heard before was heard when this read began.
                let silence = self.timeout.unwrap_or_default();
                let began = now().saturating_since(Instant::EPOCH + silence);
                ws.poll_timeout(Instant::new(began));
            }
            Received::Nothing => {}
        }
        Ok(())
    }

    /// Reads once.
    fn read_once<T: Stream>(
        &mut self,
        io: &mut T,
        rx: &mut RecvBuffer<Vec<u8>>,
    ) -> Result<Received, Error> {
        self.heard = false;
        self.received.settle_received(rx);
        let wanted = self.wanted(rx);
        let spare = rx.spare_for(wanted);
        let room = spare.len();
        match io.read(spare) {
            Ok(0) => Ok(Received::End),
            Ok(count) => {
                rx.commit(count);
                self.heard = true;
                if count == room && room >= wanted {
                    self.size = (self.size * 2).min(MOST_KEPT);
                }
                Ok(Received::Some)
            }
            Err(error) if stream::is_timeout(&error) => {
                self.received.waited();
                self.sent.waited();
                Ok(Received::Nothing)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(Received::Some),
            // A reset is the end of the stream, in a worse way: what came before still counts.
            Err(error) if is_disconnect(&error) => Ok(Received::End),
            Err(error) => Err(error.into()),
        }
    }

    /// How much room to ask for: what makes the buffer as large as it is to be, but never so little that
    /// an unfinished message has to be read in small pieces.
    fn wanted(&self, rx: &RecvBuffer<Vec<u8>>) -> usize {
        self.size - rx.len().min(self.size / 2)
    }

    /// Sets the stream's timeout, where the one that it has doesn't suit.
    fn set_timeout<T: Stream>(&mut self, io: &T, wanted: Option<Duration>) -> Result<(), Error> {
        // Zero would mean no timeout to the system.
        let wanted = wanted.map(|wanted| wanted.max(Duration::from_millis(1)));
        if !self.suits(wanted) {
            io.set_read_timeout(wanted)?;
            self.timeout = wanted;
        }
        Ok(())
    }

    /// Whether the stream's timeout is neither too late nor far too early. Too early does no harm: the
    /// deadline is looked at and the read begun again.
    fn suits(&self, wanted: Option<Duration>) -> bool {
        match (self.timeout, wanted) {
            (None, None) => true,
            (Some(set), Some(wanted)) => set <= wanted && set >= wanted / 4,
            _ => false,
        }
    }
}

/// What has come of a read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Received {
    /// Octets, or an interruption.
    Some,
    /// Nothing in time.
    Nothing,
    /// The end of the stream.
    End,
}

/// Tells the peer that nothing more will come. Where that can't be said, closing is the way to say it.
fn shutdown<T: Stream, S: Side>(io: &mut T, ws: &mut Connection<S>) {
    if io.shutdown_write().is_err() {
        ws.handle_eof();
    }
}

/// Writes everything that waits, and behind it `apart`.
fn write<T: Stream, S: Side, B: Storage>(
    io: &mut T,
    ws: &mut Connection<S>,
    tx: &mut SendBuffer<B>,
    apart: &[u8],
) -> Result<(), Error> {
    let Err(error) = write_all(io, tx, apart) else {
        return Ok(());
    };
    // A frame may have gone in half: nothing can follow it.
    tx.clear();
    ws.handle_eof();
    if is_disconnect(&error) {
        // Nobody is there to write to; what has been received may still be worth reading.
        return Ok(());
    }
    Err(error.into())
}

fn write_all<T: Stream, B: Storage>(
    io: &mut T,
    tx: &mut SendBuffer<B>,
    mut apart: &[u8],
) -> io::Result<()> {
    while !(tx.is_empty() && apart.is_empty()) {
        let waiting = tx.octets();
        // Behind a shared frame there is more in the send buffer, which comes first.
        let written = if apart.is_empty() || waiting.len() < tx.len() {
            io.write(waiting)
        } else {
            io.write_vectored(&[IoSlice::new(waiting), IoSlice::new(apart)])
        };
        match written {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => {
                let frames = count.min(waiting.len());
                tx.consume(frames);
                apart = apart.get(count - frames..).unwrap_or_default();
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    loop {
        match io.flush() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            flushed => return flushed,
        }
    }
}

impl<T: Stream, S: Side> WebSocket<T, S> {
    fn new(io: Link<T>, ws: Connection<S>) -> Self {
        Self {
            io,
            tx: send_buffer(ws.config()),
            ws,
            rx: RecvBuffer::new(),
            reading: Reading::new(),
            subprotocol: None,
        }
    }

    /// A WebSocket over a stream whose opening handshake is over, or is to be handled as events.
    #[must_use]
    pub fn from_parts(io: T, ws: Connection<S>, rx: RecvBuffer<Vec<u8>>) -> Self {
        Self {
            rx,
            ..Self::new(Link::plain(io), ws)
        }
    }

    /// Waits for the next event and lends it, with the means to answer while it is held. `None` when the
    /// connection is over and the transport closed in good order: see [`outcome`](Self::outcome).
    ///
    /// What is queued is written before it waits. While it waits, deadlines are kept: Pings go out, and
    /// a peer that has gone is noticed.
    ///
    /// # Errors
    /// [`Error::Violation`] when the peer broke the protocol, after it was told and the transport
    /// closed, within the close timeout; [`Error::Io`] when the stream failed.
    #[allow(clippy::should_implement_trait, clippy::type_complexity)]
    #[inline]
    pub fn next(&mut self) -> Result<Option<(Event<'_>, Outgoing<'_, S>)>, Error> {
        // A message at hand goes its own way: all of it stays in registers, down to the caller's match.
        if let Some(ready) = self.ws.poll_at_hand(&self.rx) {
            return self.lend(ready);
        }
        self.next_event(Messages::Whole)
    }

    /// As [`next`](Self::next), with messages in chunks as they arrive: see [`Connection::poll_chunk`].
    ///
    /// # Errors
    /// As [`next`](Self::next).
    #[allow(clippy::type_complexity)]
    pub fn next_chunk(&mut self) -> Result<Option<(Event<'_>, Outgoing<'_, S>)>, Error> {
        self.next_event(Messages::InChunks)
    }

    #[allow(clippy::type_complexity)]
    #[inline(never)]
    fn next_event(
        &mut self,
        messages: Messages,
    ) -> Result<Option<(Event<'_>, Outgoing<'_, S>)>, Error> {
        let Self {
            io,
            ws,
            rx,
            tx,
            reading,
            ..
        } = self;
        reading.messages = messages;
        match reading.next(io, ws, rx, tx)? {
            Some(ready) => self.lend(ready),
            None => Ok(None),
        }
    }

    #[allow(clippy::type_complexity)]
    #[inline(always)]
    fn lend(&mut self, ready: Ready) -> Result<Option<(Event<'_>, Outgoing<'_, S>)>, Error> {
        let Self {
            io,
            ws,
            rx,
            tx,
            reading,
            ..
        } = self;
        match ws.lend(ready, rx, tx) {
            Ok(event) => Ok(Some((event, Outgoing::new(ws, tx)))),
            Err(violation) => Err(reading.see_off(io, ws, tx, violation)),
        }
    }

    /// Sends a text message.
    ///
    /// # Errors
    /// [`Error::Misuse`] as [`Connection::send_text`], or [`Error::Io`].
    pub fn send_text(&mut self, text: &str) -> Result<(), Error> {
        if self.queue_header(MessageKind::Text, text.len())? {
            return self.write(text.as_bytes());
        }
        self.ws.send_text(text, &mut self.tx)?;
        self.flush()
    }

    /// Sends a binary message.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text).
    pub fn send_binary(&mut self, octets: &[u8]) -> Result<(), Error> {
        if self.queue_header(MessageKind::Binary, octets.len())? {
            return self.write(octets);
        }
        self.ws.send_binary(octets, &mut self.tx)?;
        self.flush()
    }

    /// Queues the header of a message alone, where its payload is to be written from where it lies.
    #[inline]
    fn queue_header(&mut self, kind: MessageKind, length: usize) -> Result<bool, Misuse> {
        if length < WORTH_IT || !self.io.is_vectored() {
            return Ok(false);
        }
        queue_header(&mut self.ws, &mut self.tx, kind, length)
    }

    /// Writes what is queued, and behind it `apart`.
    fn write(&mut self, apart: &[u8]) -> Result<(), Error> {
        write(&mut self.io, &mut self.ws, &mut self.tx, apart)
    }

    /// Sends a Ping.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text).
    pub fn send_ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.ws.send_ping(payload, &mut self.tx)?;
        self.flush()
    }

    /// The means to queue several messages and write them in one: with [`flush`](Self::flush), or
    /// before the next event is waited for.
    pub fn queue(&mut self) -> Outgoing<'_, S> {
        Outgoing::new(&mut self.ws, &mut self.tx)
    }

    /// Writes what is queued.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn flush(&mut self) -> Result<(), Error> {
        self.write(&[])
    }

    /// Sends a Close and sees the closing handshake and the transport through to their end, within the
    /// close timeout. Messages that still come are dropped; to have them, use [`Outgoing::close`] and
    /// go on with [`next`](Self::next).
    ///
    /// # Errors
    /// As [`next`](Self::next), and [`Error::Misuse`] as [`Connection::close`].
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<Outcome, Error> {
        self.ws.close(code, reason, &mut self.tx)?;
        while self.next()?.is_some() {}
        Ok(self.outcome().unwrap_or_else(Outcome::abandoned))
    }

    /// How the connection ended, once it has.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        self.ws.outcome(&self.rx).map(Outcome::from)
    }

    /// The subprotocol that was agreed upon.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// The machine.
    #[must_use]
    pub const fn connection(&self) -> &Connection<S> {
        &self.ws
    }

    /// Asks the TLS session, where there is one: for the peer's certificates, say.
    #[cfg(feature = "tls")]
    pub fn tls<R>(&self, ask: impl FnOnce(&::rustls::Connection) -> R) -> Option<R> {
        self.io.tls().map(|session| session.ask(ask))
    }

    /// The stream.
    #[must_use]
    pub const fn stream(&self) -> &T {
        self.io.stream()
    }
}
