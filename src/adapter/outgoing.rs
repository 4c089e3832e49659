//! The means to answer while an event is held, the same for every adapter.

use crate::buffer::{SendBuffer, Storage};
use crate::close::CloseCode;
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
use crate::connection::Broadcast;
use crate::connection::{Connection, Server, Side};
use crate::error::Misuse;
use crate::handshake::{Accept, Rejection, Request};
use crate::opcode::MessageKind;

/// The means to answer while an event is held. What it sends is queued in the send buffer, over the
/// storage `B`.
///
/// ```
/// use websocket_proto::adapter::Outgoing;
/// use websocket_proto::{Config, Connection, SendBuffer};
///
/// let mut ws = Connection::open_server(Config::new());
/// let mut tx = SendBuffer::with_storage([0; 512]);
/// let mut out = Outgoing::new(&mut ws, &mut tx);
/// out.send_text("Hello")?;
/// assert_eq!(out.buffered_amount(), 7);
/// # Ok::<(), websocket_proto::Misuse>(())
/// ```
#[derive(Debug)]
pub struct Outgoing<'a, S, B> {
    ws: &'a mut Connection<S>,
    tx: &'a mut SendBuffer<B>,
}

impl<'a, S: Side, B: Storage> Outgoing<'a, S, B> {
    /// The means to send by this machine into this buffer.
    #[must_use]
    #[inline]
    pub const fn new(ws: &'a mut Connection<S>, tx: &'a mut SendBuffer<B>) -> Self {
        Self { ws, tx }
    }

    /// Queues a text message.
    ///
    /// # Errors
    /// See [`Connection::send_text`].
    #[inline]
    pub fn send_text(&mut self, text: &str) -> Result<(), Misuse> {
        self.ws.send_text(text, self.tx)
    }

    /// Queues a binary message.
    ///
    /// # Errors
    /// See [`Connection::send_binary`].
    #[inline]
    pub fn send_binary(&mut self, octets: &[u8]) -> Result<(), Misuse> {
        self.ws.send_binary(octets, self.tx)
    }

    /// Queues a Ping.
    ///
    /// # Errors
    /// See [`Connection::send_ping`].
    pub fn send_ping(&mut self, payload: &[u8]) -> Result<(), Misuse> {
        self.ws.send_ping(payload, self.tx)
    }

    /// Queues a Pong that answers no Ping.
    ///
    /// # Errors
    /// See [`Connection::send_pong`].
    pub fn send_pong(&mut self, payload: &[u8]) -> Result<(), Misuse> {
        self.ws.send_pong(payload, self.tx)
    }

    /// Begins a message in parts.
    ///
    /// # Errors
    /// See [`Connection::begin_message`].
    pub fn begin_message(&mut self, kind: MessageKind) -> Result<(), Misuse> {
        self.ws.begin_message(kind)
    }

    /// Queues a part of a message.
    ///
    /// # Errors
    /// See [`Connection::write_part`].
    pub fn write_part(&mut self, part: &[u8]) -> Result<(), Misuse> {
        self.ws.write_part(part, self.tx)
    }

    /// Queues the last part of a message.
    ///
    /// # Errors
    /// See [`Connection::end_message`].
    pub fn end_message(&mut self, part: &[u8]) -> Result<(), Misuse> {
        self.ws.end_message(part, self.tx)
    }

    /// Whether messages are compressed from the next one on, where both ends have agreed to do so.
    ///
    /// See [`Connection::set_compressing`].
    pub fn set_compressing(&mut self, compressing: bool) {
        self.ws.set_compressing(compressing);
    }

    /// Queues a Close. Go on with the events until there are none.
    ///
    /// # Errors
    /// See [`Connection::close`].
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Misuse> {
        self.ws.close(code, reason, self.tx)
    }

    /// Queues a Close that gives no code.
    ///
    /// # Errors
    /// See [`Connection::close_without_code`].
    pub fn close_without_code(&mut self) -> Result<(), Misuse> {
        self.ws.close_without_code(self.tx)
    }

    /// How many octets wait to be written.
    #[must_use]
    pub fn buffered_amount(&self) -> usize {
        self.tx.len()
    }

    /// The machine, for everything else that can be asked of it.
    #[must_use]
    pub const fn connection(&self) -> &Connection<S> {
        self.ws
    }
}

impl<B: Storage> Outgoing<'_, Server, B> {
    /// Answers the request with 101.
    ///
    /// # Errors
    /// See [`Connection::accept`].
    pub fn accept(&mut self, request: &Request<'_>, accept: &Accept<'_>) -> Result<(), Misuse> {
        self.ws.accept(request, accept, self.tx)
    }

    /// Queues a message that other connections send, too. Its payload is not copied.
    ///
    /// # Errors
    /// See [`Connection::send_shared`].
    #[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
    pub fn send_shared(&mut self, message: &Broadcast) -> Result<(), Misuse> {
        self.ws.send_shared(message, self.tx)
    }

    /// Answers the request with another status, and ends the connection.
    ///
    /// # Errors
    /// See [`Connection::reject`].
    pub fn reject(&mut self, rejection: &Rejection<'_>) -> Result<(), Misuse> {
        self.ws.reject(rejection, self.tx)
    }
}
