//! A WebSocket that one task has to itself.

use core::fmt;
use std::boxed::Box;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use std::vec::Vec;

use futures_core::Stream;
use futures_sink::Sink;

use super::buffers::{Input, Rx};
use super::engine::{Engine, Flow, Wakers};
use super::link::Link;
use super::message::{Message, Payload, item};
use super::{Io, Outgoing};
use crate::adapter::{Error, Outcome, Timer};
use crate::buffer::RecvBuffer;
use crate::close::CloseCode;
use crate::connection::{Connection, Event, Ready, Side, State};

/// A WebSocket over a transport `T`, with the time from `C`.
///
/// Every future of its methods can be dropped while it waits: nothing is lost, and nothing is sent twice.
/// What it was to send is then queued whole, or not at all.
///
/// It is a [`Stream`] and a [`Sink`] of [`Message`]s, too, for those who want to own them.
pub struct WebSocket<T, C: Timer, S> {
    pub(super) engine: Engine<T, C, S>,
    pub(super) input: Input,
    pub(super) subprotocol: Option<Box<str>>,
    /// A `Stream` has told how it ended.
    told: bool,
}

/// Nothing in it is pinned.
impl<T, C: Timer, S> Unpin for WebSocket<T, C, S> {}

impl<T: Io, C: Timer, S: Side> WebSocket<T, C, S> {
    pub(super) fn new(
        io: Link<T>,
        timer: C,
        ws: Connection<S>,
        write_timeout: Option<Duration>,
    ) -> Self {
        Self {
            engine: Engine::new(io, timer, ws, write_timeout),
            input: Input::default(),
            subprotocol: None,
            told: false,
        }
    }

    /// A WebSocket over a transport whose opening handshake is over, or is to be handled as events. `rx`
    /// holds what has been read already. For as long as `write_timeout` the transport may take nothing
    /// of what is to be written.
    #[must_use]
    pub fn from_parts(
        io: T,
        timer: C,
        ws: Connection<S>,
        rx: RecvBuffer<Vec<u8>>,
        write_timeout: Option<Duration>,
    ) -> Self {
        Self {
            input: Input::new(rx),
            ..Self::new(Link::plain(io), timer, ws, write_timeout)
        }
    }

    /// Waits for the next event and lends it, with the means to answer while it is held. `None` when the
    /// connection is over and the transport closed in good order: see [`outcome`](Self::outcome).
    ///
    /// What is queued is written before it waits, and while the peer doesn't take it, nothing is read.
    /// While it waits, deadlines are kept: Pings go out, and a peer that has gone is noticed.
    ///
    /// # Errors
    /// [`Error::Violation`] when the peer broke the protocol, after it was told and the transport
    /// closed, within the close timeout; [`Error::Io`] when the transport failed.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> impl Future<Output = Lent<'_, S>> {
        Next::<_, _, _, false>::Waits(self)
    }

    /// As [`next`](Self::next), with messages in chunks as they arrive: see [`Connection::poll_chunk`].
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub fn next_chunk(&mut self) -> impl Future<Output = Lent<'_, S>> {
        Next::<_, _, _, true>::Waits(self)
    }

    /// Sends a text message. Waits until it is written.
    ///
    /// # Errors
    /// [`Error::Misuse`] as [`Connection::send_text`], or [`Error::Io`].
    pub async fn send_text(&mut self, text: &str) -> Result<(), Error> {
        self.send_whole(Payload::Text(text)).await
    }

    /// Sends a binary message. Waits until it is written.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text).
    pub async fn send_binary(&mut self, octets: &[u8]) -> Result<(), Error> {
        self.send_whole(Payload::Binary(octets)).await
    }

    async fn send_whole(&mut self, payload: Payload<'_>) -> Result<(), Error> {
        poll_fn(|cx| self.engine.poll_queue(cx.waker(), payload)).await?;
        self.flush().await
    }

    /// Sends a Ping. Waits until it is written.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text).
    pub async fn send_ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.engine.outgoing().send_ping(payload)?;
        self.flush().await
    }

    /// The means to queue without waiting. What is queued goes out in one write with
    /// [`flush`](Self::flush), or before the next event is waited for; where too much waits,
    /// [`Misuse::SendBufferFull`](crate::Misuse::SendBufferFull) refuses.
    pub fn queue(&mut self) -> Outgoing<'_, S> {
        self.engine.outgoing()
    }

    /// Writes what is queued.
    ///
    /// # Errors
    /// [`Error::Io`], also when the peer takes nothing for as long as the write timeout.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.engine.poll_flush(cx.waker())).await
    }

    /// Sends a Close and sees the closing handshake and the transport through to their end, within the
    /// close timeout. Messages that still come are dropped; to have them, use [`Outgoing::close`] and
    /// go on with [`next`](Self::next).
    ///
    /// # Errors
    /// As [`next`](Self::next), and [`Error::Misuse`] as [`Connection::close`].
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<Outcome, Error> {
        self.engine.queue_close(code, reason)?;
        while self.next().await?.is_some() {}
        Ok(self.outcome().unwrap_or_else(Outcome::abandoned))
    }

    /// How the connection ended, once it has.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        outcome(&self.engine, &self.input)
    }

    /// The subprotocol that was agreed upon.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// The machine.
    #[must_use]
    pub const fn connection(&self) -> &Connection<S> {
        self.engine.ws()
    }

    /// The transport.
    #[must_use]
    pub const fn io(&self) -> &T {
        self.engine.link().io()
    }

    /// Asks the TLS session, where there is one: for the peer's certificates, say.
    #[cfg(feature = "tls")]
    pub fn tls<R>(&self, ask: impl FnOnce(&::rustls::Connection) -> R) -> Option<R> {
        self.engine.link().tls().map(|session| ask(session.tls()))
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        let Self { engine, input, .. } = self;
        loop {
            let found = ready!(engine.poll_event(Wakers::one(cx), input, alone(false)))?;
            let Some(ready) = found else {
                return Poll::Ready(Ok(None));
            };
            if let Some(message) = engine.message(ready, input) {
                return Poll::Ready(Ok(Some(message)));
            }
        }
    }
}

/// One task receives and sends: it doesn't read while the peer doesn't.
pub(super) const fn alone(in_chunks: bool) -> Flow {
    Flow {
        in_chunks,
        duplex: false,
    }
}

/// What is lent: an event with the means to answer it, or `None` when the connection is over.
pub type Lent<'a, S> = Result<Option<(Event<'a>, Outgoing<'a, S>)>, Error>;

/// Waits for the next event. By hand it is two words instead of eleven, in each task that waits.
enum Next<'a, T, C: Timer, S, const IN_CHUNKS: bool> {
    Waits(&'a mut WebSocket<T, C, S>),
    /// A violation showed in a message's content: the peer is told and the transport closed. What was
    /// received is lent as far as the compiler knows; nothing in it counts any more.
    SeesOff(&'a mut Engine<T, C, S>),
    Over,
}

impl<'a, T: Io, C: Timer, S: Side, const IN_CHUNKS: bool> Next<'a, T, C, S, IN_CHUNKS> {
    /// Lends what was found, for as long as the socket was lent itself.
    #[inline(always)]
    fn lend(&mut self, socket: &'a mut WebSocket<T, C, S>, ready: Ready) -> Poll<Lent<'a, S>> {
        let WebSocket { engine, input, .. } = socket;
        let (ws, tx) = engine.lending();
        match ws.lend(ready, input.rx(), tx) {
            Ok(event) => {
                let (ws, tx) = engine.lending();
                Poll::Ready(Ok(Some((event, Outgoing::new(ws, tx)))))
            }
            Err(_) => {
                *self = Self::SeesOff(engine);
                Poll::Pending
            }
        }
    }

    /// Whatever isn't at hand.
    #[inline(never)]
    fn poll_event(&mut self, cx: &Context<'_>) -> Poll<Lent<'a, S>> {
        let wakers = Wakers::one(cx);
        if let Self::Waits(socket) = self {
            let WebSocket { engine, input, .. } = &mut **socket;
            let found = ready!(engine.poll_event(wakers, input, alone(IN_CHUNKS)))?;
            let (Some(ready), Self::Waits(socket)) = (found, mem::replace(self, Self::Over)) else {
                return Poll::Ready(Ok(None));
            };
            if let Poll::Ready(lent) = self.lend(socket, ready) {
                return Poll::Ready(lent);
            }
        }
        match self {
            Self::SeesOff(engine) => {
                // It ends with the violation, or because it can't be told.
                ready!(engine.poll_event(wakers, &mut Input::default(), alone(false)))?;
                Poll::Ready(Ok(None))
            }
            Self::Waits(_) | Self::Over => Poll::Pending,
        }
    }
}

impl<'a, T: Io, C: Timer, S: Side, const IN_CHUNKS: bool> Future for Next<'a, T, C, S, IN_CHUNKS> {
    type Output = Lent<'a, S>;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if !IN_CHUNKS {
            // A message at hand goes its own way, so that what was found stays apart from all else there may be.
            match mem::replace(this, Self::Over) {
                Self::Waits(socket) => {
                    if let Some(ready) = socket.engine.find_at_hand(&socket.input) {
                        if let Poll::Ready(lent) = this.lend(socket, ready) {
                            return Poll::Ready(lent);
                        }
                    } else {
                        *this = Self::Waits(socket);
                    }
                }
                other => *this = other,
            }
        }
        this.poll_event(cx)
    }
}

pub(super) fn outcome<T: Io, C: Timer, S: Side>(
    engine: &Engine<T, C, S>,
    input: &Input,
) -> Option<Outcome> {
    let empty = Rx::new();
    let rx = input.get().unwrap_or(&empty);
    engine.ws().outcome(rx).map(Outcome::from)
}

impl<T: Io, C: Timer, S: Side> Stream for WebSocket<T, C, S> {
    type Item = Result<Message, Error>;

    /// The next message or control frame. A fault comes last, and once.
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.told {
            return Poll::Ready(None);
        }
        let next = this.poll_message(cx);
        item(next, &mut this.told)
    }
}

impl<T: Io, C: Timer, S: Side> Sink<Message> for WebSocket<T, C, S> {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.get_mut().engine.poll_room(cx.waker())
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        Ok(self.get_mut().engine.queue_message(message)?)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.get_mut().engine.poll_flush(cx.waker())
    }

    /// Sends a Close with 1000 where none was sent, and sees the connection through to its end.
    /// Messages that still come are dropped.
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        if this.engine.ws().state() == State::Open {
            this.engine.queue_close(CloseCode::NORMAL, "")?;
        }
        while ready!(this.poll_message(cx))?.is_some() {}
        Poll::Ready(Ok(()))
    }
}

impl<T, C: Timer, S: Side> fmt::Debug for WebSocket<T, C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("subprotocol", &self.subprotocol)
            .finish_non_exhaustive()
    }
}
