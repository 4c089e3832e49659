//! The machine: handshake, messages, control frames, deadlines and closing of one connection
//! (RFC 6455), without a socket, a clock, a random source or a task.
//!
//! # How to drive it
//!
//! Three values make up a connection: the machine, a receive buffer and a send buffer. One loop drives it:
//!
//! 1. Call [`poll`](Connection::poll) until it returns `None`, and handle what it lends.
//! 2. Write what waits in the send buffer, and say how much went out with [`SendBuffer::consume`]. When
//!    [`is_blocked`](Connection::is_blocked) says so, go back to 1.
//! 3. Do what [`transport`](Connection::transport) says.
//! 4. Ask [`poll_timeout`](Connection::poll_timeout) how long to wait. Read into
//!    [`RecvBuffer::spare`], and say how much came in with [`RecvBuffer::commit`]; at the end of the
//!    stream call [`handle_eof`](Connection::handle_eof); when the time has come, call
//!    [`handle_timeout`](Connection::handle_timeout). Go back to 1.
//!
//! Methods follow one grammar. `poll_*` asks the machine for the next thing; `handle_*` tells it what
//! has happened outside; `send_*`, `accept`, `reject` and `close` are commands; nouns are getters.
//!
//! ```
//! use websocket_proto::handshake::{Accept, ClientRequest};
//! use websocket_proto::{CloseCode, Config, Connection, Event, RecvBuffer, SendBuffer};
//!
//! // Fixed memory here; with the feature `alloc`, `RecvBuffer::new()` and `SendBuffer::new()` grow.
//! let mut client_rx = RecvBuffer::with_storage([0; 512]);
//! let mut client_tx = SendBuffer::with_storage([0; 512]);
//! let mut server_rx = RecvBuffer::with_storage([0; 512]);
//! let mut server_tx = SendBuffer::with_storage([0; 512]);
//!
//! // A real nonce, and real keys, come from a source that nobody can foresee.
//! let request = ClientRequest::new("example.com", "/chat", [7; 16]);
//! let mut client = Connection::client(&request, Config::new(), || [1, 2, 3, 4], &mut client_tx)?;
//! let mut server = Connection::server(Config::new());
//!
//! // The network.
//! server_rx.extend(client_tx.octets())?;
//!
//! if let Some(Event::Request(request)) = server.poll(&mut server_rx, &mut server_tx)? {
//!     assert_eq!(request.path(), "/chat");
//!     server.accept(&request, &Accept::new(), &mut server_tx)?;
//! }
//! assert!(matches!(server.poll(&mut server_rx, &mut server_tx)?, Some(Event::HandshakeDone(_))));
//! server.send_text("Hello", &mut server_tx)?;
//! server.close(CloseCode::NORMAL, "", &mut server_tx)?;
//!
//! client_rx.extend(server_tx.octets())?;
//! assert!(matches!(client.poll(&mut client_rx, &mut client_tx)?, Some(Event::HandshakeDone(_))));
//! assert!(matches!(client.poll(&mut client_rx, &mut client_tx)?, Some(Event::Text("Hello"))));
//! assert!(matches!(client.poll(&mut client_rx, &mut client_tx)?, Some(Event::Close(_))));
//! assert!(client.poll(&mut client_rx, &mut client_tx)?.is_none());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
mod broadcast;
mod closing;
mod deflating;
mod event;
mod keepalive;
mod machine;
mod opening;
mod receive;
mod sending;
mod shortcut;
mod side;

use core::fmt;

#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
pub use self::broadcast::Broadcast;
pub use self::closing::{ReadyState, State, Transport};
pub use self::event::{Event, Handshake, Ready};
pub use self::sending::HeaderOctets;
pub use self::side::{Client, Server, Side};

use self::event::Found;
use self::machine::Machine;
use crate::buffer::{Output, RecvBuffer, SendBuffer, Storage};
use crate::close::{CloseCode, Outcome};
use crate::config::Config;
use crate::error::Violation;
use crate::frame::WholeFrame;
use crate::frame::{mask, unchecked};
use crate::opcode::MessageKind;
use crate::role::Role;
use crate::time::Instant;
use crate::utf8;

/// What is frequent has a way of its own. Without an allocator, where room is short, all goes the long way.
const QUICK: bool = cfg!(feature = "alloc");

/// One end of a WebSocket connection.
///
/// `S` is [`Server`] or [`Client`]. See the module for how to drive it, and `docs/contract.md` for
/// what holds between the calls.
pub struct Connection<S> {
    machine: Machine,
    side: S,
}

impl<S: Side> Connection<S> {
    /// The next event: whole messages, control frames, and what the handshakes have to say. `None` when
    /// nothing more can be done with what has arrived, or until there is room to reply.
    ///
    /// # Errors
    /// The first [`Violation`], then the same one each time. The peer has been told, as far as it can
    /// be: write what waits in the send buffer.
    #[cfg_attr(feature = "alloc", inline(always))]
    #[cfg_attr(not(feature = "alloc"), inline)]
    pub fn poll<'a, B: Storage, T: Storage>(
        &mut self,
        rx: &'a mut RecvBuffer<B>,
        tx: &mut SendBuffer<T>,
    ) -> Result<Option<Event<'a>>, Violation> {
        if let Some(ready) = self.poll_at_hand(rx) {
            return self.lend(ready, rx, tx).map(Some);
        }
        match self.poll_ready(rx, tx)? {
            Some(ready) => Ok(Some(self.lend_any(ready, rx, tx)?)),
            None => Ok(None),
        }
    }

    /// The next event, with messages in parts as they arrive: a message of any size passes through a
    /// receive buffer of fixed size. A message in one frame that has come whole is one chunk.
    ///
    /// The rest of a message that was begun in this way comes as one last chunk from
    /// [`poll`](Self::poll).
    ///
    /// # Errors
    /// As [`poll`](Self::poll).
    pub fn poll_chunk<'a, B: Storage, T: Storage>(
        &mut self,
        rx: &'a mut RecvBuffer<B>,
        tx: &mut SendBuffer<T>,
    ) -> Result<Option<Event<'a>>, Violation> {
        match self.poll_ready_chunk(rx, tx)? {
            Some(ready) => self.lend(ready, rx, tx).map(Some),
            None => Ok(None),
        }
    }

    /// The first half of [`poll`](Self::poll): finds the next event without lending it, for loops that
    /// have to decide first and borrow later. [`lend`](Self::lend) is the other half; nothing is to be
    /// called in between but on other values.
    ///
    /// # Errors
    /// As [`poll`](Self::poll).
    #[cfg_attr(feature = "alloc", inline(always))]
    #[cfg_attr(not(feature = "alloc"), inline)]
    pub fn poll_ready<B: Storage, T: Storage>(
        &mut self,
        rx: &mut RecvBuffer<B>,
        tx: &mut SendBuffer<T>,
    ) -> Result<Option<Ready>, Violation> {
        // Without an allocator, where room is short, octets that come one by one go the long way.
        if QUICK && self.machine.decoder.remaining() > 1 {
            if self.machine.assembly.is_flowing() && self.machine.take_octet(rx) {
                return Ok(None);
            }
        } else if let Some(found) = self.find_whole(rx) {
            return Ok(Some(Ready::new(found)));
        }
        if QUICK && self.awaits_header(rx) {
            return Ok(None);
        }
        match self.find_any(rx, tx) {
            Some(ready) => Ok(Some(ready)),
            None => self.machine.violation.map_or(Ok(None), Err),
        }
    }

    /// Whether nothing is to be done before more has come of a header, of which there may be nothing yet.
    #[inline(never)]
    fn awaits_header<B: Storage>(&mut self, rx: &mut RecvBuffer<B>) -> bool {
        let masked = self.side.role().expects_masked();
        let awaits = (rx.unread()).is_some_and(|octets| WholeFrame::may_become(octets, masked))
            && self.machine.is_express()
            && self.machine.awaits_octets();
        if awaits {
            self.machine.activity.heard |= rx.take_fresh();
        }
        awaits
    }

    /// What is not the common case. Where it finds nothing, the machine's violation says why.
    #[inline(never)]
    fn find_any<B: Storage, T: Storage>(
        &mut self,
        rx: &mut RecvBuffer<B>,
        tx: &mut SendBuffer<T>,
    ) -> Option<Ready> {
        if self.machine.assembly.is_flowing()
            && let Some((joined, fresh)) = rx.join_less_than(self.machine.decoder.remaining())
        {
            if let Err(violation) = self.machine.take_joined(joined, fresh) {
                self.fail(violation, tx);
            }
            return None;
        }
        self.advance(rx, tx, true)
    }

    /// The first half of [`poll_chunk`](Self::poll_chunk).
    ///
    /// # Errors
    /// As [`poll`](Self::poll).
    pub fn poll_ready_chunk<B: Storage, T: Storage>(
        &mut self,
        rx: &mut RecvBuffer<B>,
        tx: &mut SendBuffer<T>,
    ) -> Result<Option<Ready>, Violation> {
        match self.advance(rx, tx, false) {
            Some(ready) => Ok(Some(ready)),
            None => self.machine.violation.map_or(Ok(None), Err),
        }
    }

    #[cfg_attr(feature = "alloc", inline)]
    #[cfg_attr(not(feature = "alloc"), inline(never))]
    fn advance<B: Storage, T: Storage>(
        &mut self,
        rx: &mut RecvBuffer<B>,
        tx: &mut SendBuffer<T>,
        whole: bool,
    ) -> Option<Ready> {
        loop {
            let found = self
                .machine
                .advance(&mut rx.window(), tx, &mut self.side, whole);
            match self.machine.deflate.take_request() {
                Some(room) => rx.widen(room),
                None => return found,
            }
        }
    }

    /// The second half of [`poll`](Self::poll): carries out what goes with an event, and lends it.
    ///
    /// # Errors
    /// As [`poll`](Self::poll): whether a text is UTF-8 shows only here.
    #[cfg_attr(feature = "alloc", inline(always))]
    #[cfg_attr(not(feature = "alloc"), inline)]
    pub fn lend<'a, B: Storage, T: Storage>(
        &mut self,
        ready: Ready,
        rx: &'a mut RecvBuffer<B>,
        tx: &mut SendBuffer<T>,
    ) -> Result<Event<'a>, Violation> {
        match ready.found() {
            Found::WholeText(place) if QUICK => {
                let payload = rx.take(place.header_len.into(), place.payload_len);
                self.note_data();
                // RFC 6455 §5.6-1, §8.1-1
                let text = if self.side.role().expects_masked() {
                    unchecked::unmask_text(payload, place.key)
                } else {
                    utf8::text(payload)
                };
                text.map(Event::Text)
                    .ok_or_else(|| self.fail(Violation::InvalidUtf8, tx))
            }
            Found::WholeBinary(place) if QUICK => {
                let payload = rx.take(place.header_len.into(), place.payload_len);
                self.note_data();
                if self.side.role().expects_masked() {
                    mask::apply(payload, place.key);
                }
                Ok(Event::Binary(payload))
            }
            // What a call returns is taken apart here, so that the two above need no place in memory.
            Found::Message if QUICK => Ok(self.lend_message(rx, tx)?),
            _ => Ok(self.lend_slow(ready, rx, tx)?),
        }
    }

    /// As [`lend`](Self::lend), out of line where that is long.
    #[cfg_attr(feature = "alloc", inline(never))]
    #[cfg_attr(not(feature = "alloc"), inline(always))]
    fn lend_any<'a, B: Storage, T: Storage>(
        &mut self,
        ready: Ready,
        rx: &'a mut RecvBuffer<B>,
        tx: &mut SendBuffer<T>,
    ) -> Result<Event<'a>, Violation> {
        self.lend(ready, rx, tx)
    }

    #[inline(always)]
    fn note_data(&mut self) {
        self.machine.activity.heard = true;
        self.machine.activity.data = true;
    }

    /// Lends a message that has been joined.
    #[inline(never)]
    fn lend_message<'a, B: Storage, T: Storage>(
        &mut self,
        rx: &'a mut RecvBuffer<B>,
        tx: &mut SendBuffer<T>,
    ) -> Result<Event<'a>, Violation> {
        let text = self.machine.assembly.kind() == MessageKind::Text;
        self.machine.assembly.all_lent();
        let (message, judged) = rx.window().take_message();
        if !text {
            return Ok(Event::Binary(message));
        }
        unchecked::as_text(message, judged)
            .map(Event::Text)
            .ok_or_else(|| self.fail(Violation::InvalidUtf8, tx))
    }

    #[cold]
    fn fail(&mut self, violation: Violation, tx: &mut dyn Output) -> Violation {
        self.machine.fail(violation, tx, &mut self.side);
        violation
    }

    #[inline(never)]
    fn lend_slow<'a, B: Storage, T: Storage>(
        &mut self,
        ready: Ready,
        rx: &'a mut RecvBuffer<B>,
        tx: &mut SendBuffer<T>,
    ) -> Result<Event<'a>, Violation> {
        self.machine
            .lend(ready.found(), rx.window(), tx, &mut self.side)
    }

    /// The peer's stream has ended. Poll on until `None`: what came before is still handled.
    pub fn handle_eof(&mut self) {
        self.machine.eof = true;
        self.machine.forget_shortcuts();
    }

    /// The next deadline, or `None` where none is running. To be asked whenever the caller is about to
    /// wait: what happened since the last time counts as having happened `now`.
    pub fn poll_timeout(&mut self, now: Instant) -> Option<Instant> {
        self.machine.poll_timeout(now)
    }

    /// Does what is due at `now`: a Ping, a Close, the end. Calling it too early does nothing. Poll
    /// afterwards: a deadline of the peer's that has passed is a [`Violation`].
    pub fn handle_timeout<T: Storage>(&mut self, now: Instant, tx: &mut SendBuffer<T>) {
        self.machine.handle_timeout(now, tx, &mut self.side);
    }

    /// Which end this is.
    #[must_use]
    pub fn role(&self) -> Role {
        self.side.role()
    }

    /// Where the connection stands.
    #[must_use]
    pub const fn state(&self) -> State {
        self.machine.state
    }

    /// Where the connection stands, in the terms of a browser (WHATWG, `readyState`).
    #[must_use]
    pub const fn ready_state(&self) -> ReadyState {
        self.machine.state.ready_state()
    }

    /// The limits and policies.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.machine.config
    }

    /// The first violation, if there was one.
    #[must_use]
    pub const fn violation(&self) -> Option<Violation> {
        self.machine.violation
    }

    /// Whether the send buffer has no room for a reply: for a Pong, so that `poll` has returned `None`
    /// before the Ping, or for a Close or a refusal. Poll again once something has been written.
    #[must_use]
    pub const fn is_blocked(&self) -> bool {
        self.machine.blocked || self.machine.reply_waits()
    }

    /// What the transport should do when nothing is left to read, write or handle.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.machine.transport(self.side.role())
    }

    /// How the connection ended, once it has. The reason is lent from the receive buffer, which keeps
    /// it from the peer's Close on.
    #[must_use]
    pub fn outcome<'a, B: Storage>(&self, rx: &'a RecvBuffer<B>) -> Option<Outcome<'a>> {
        if self.machine.state != State::Closed {
            return None;
        }
        let reason = match self.machine.peer_code() {
            Some(_) => event::parse_close(rx.kept()).map_or("", |close| close.reason),
            None => "",
        };
        Some(Outcome {
            code: self.machine.peer_code().unwrap_or(CloseCode::ABNORMAL),
            reason,
            clean: self.machine.peer_code().is_some(),
            initiator: self.machine.initiator(),
        })
    }
}

impl<S: fmt::Debug> fmt::Debug for Connection<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("side", &self.side)
            .field("state", &self.machine.state)
            .field("violation", &self.machine.violation)
            .finish_non_exhaustive()
    }
}

/// Which way is taken, where more than one leads to the same event.
#[cfg(all(test, feature = "alloc"))]
mod tests {
    use alloc::vec;

    use super::*;

    const TEXT: u8 = 0x01;
    const BINARY: u8 = 0x02;
    const CONTINUATION: u8 = 0x00;
    const FIN: u8 = 0x80;

    type Rx = RecvBuffer<alloc::vec::Vec<u8>>;
    type Tx = SendBuffer<alloc::vec::Vec<u8>>;

    /// A server that has been sent these octets.
    fn server(sent: &[u8]) -> (Connection<Server>, Rx, Tx) {
        let mut rx = Rx::new();
        rx.extend(sent).unwrap();
        (Connection::open_server(Config::new()), rx, Tx::new())
    }

    /// The header of a frame whose payload is masked with zeros: as it is.
    fn header(first: u8, length: u8) -> [u8; 6] {
        [first, 0x80 | length, 0, 0, 0, 0]
    }

    fn frame(first: u8, payload: &[u8]) -> vec::Vec<u8> {
        [&header(first, payload.len() as u8)[..], payload].concat()
    }

    #[test]
    fn rule_48_a_whole_message_of_as_many_octets_as_the_limit_goes_the_short_way() {
        let mut ws = Connection::open_server(Config::new().with_max_message_size(5));
        let mut rx = Rx::new();
        rx.extend(&frame(FIN | TEXT, b"Hello")).unwrap();
        assert!(matches!(ws.find_whole(&rx), Some(Found::WholeText(_))));
        rx.clear();
        rx.extend(&frame(FIN | TEXT, b"Hello!")).unwrap();
        assert_eq!(ws.find_whole(&rx), None, "one too many");
        rx.clear();
        rx.extend(&frame(FIN | TEXT, b"Hello")[..10]).unwrap();
        assert_eq!(ws.find_whole(&rx), None, "not all of it has come");
    }

    #[test]
    fn the_short_way_is_open_between_the_messages_of_an_open_connection() {
        let (mut ws, mut rx, mut tx) = server(&frame(FIN | TEXT, b"one"));
        assert!(ws.machine.is_express());
        assert!(ws.poll(&mut rx, &mut tx).unwrap().is_some());
        assert!(ws.machine.is_express(), "behind a message");
        rx.extend(&header(TEXT, 3)).unwrap();
        assert!(ws.poll(&mut rx, &mut tx).unwrap().is_none());
        assert!(!ws.machine.is_express(), "within a frame");
        rx.extend(b"two").unwrap();
        assert!(ws.poll(&mut rx, &mut tx).unwrap().is_none());
        assert!(!ws.machine.is_express(), "between the frames of a message");
        rx.extend(&frame(FIN | CONTINUATION, b".")).unwrap();
        assert!(ws.poll_ready(&mut rx, &mut tx).unwrap().is_some());
        assert!(!ws.machine.is_express(), "before a message that was joined");
        assert!(ws.poll(&mut rx, &mut tx).unwrap().is_some());
        assert!(ws.machine.is_express(), "behind it");
        ws.close(CloseCode::NORMAL, "", &mut tx).unwrap();
        assert!(!ws.machine.is_express(), "closing");
        assert!(!Connection::server(Config::new()).machine.is_express());
    }

    #[test]
    fn only_octets_are_waited_for_until_the_stream_ends_or_a_reply_waits_for_room() {
        let (mut ws, _, _) = server(b"");
        assert!(ws.machine.awaits_octets());
        ws.handle_eof();
        assert!(!ws.machine.awaits_octets());

        let (mut ws, mut rx, _) = server(&frame(FIN | TEXT, b"\xFF"));
        let mut full = SendBuffer::with_storage([0; 3]);
        assert!(ws.poll(&mut rx, &mut full).is_err());
        assert!(!ws.machine.awaits_octets(), "the Close has no room");
    }

    #[test]
    fn what_comes_of_a_frame_flows_into_the_message_while_nothing_else_is_to_be_done() {
        let begun = [&header(FIN | TEXT, 100)[..], b"text"].concat();
        let (mut ws, mut rx, mut tx) = server(&begun);
        assert!(ws.poll(&mut rx, &mut tx).unwrap().is_none());
        assert!(ws.machine.assembly.is_flowing());
        ws.handle_eof();
        assert!(!ws.machine.assembly.is_flowing(), "no more will come");

        let (mut ws, mut rx, mut tx) = server(&begun);
        ws.handle_eof();
        ws.machine
            .advance(&mut rx.window(), &mut tx, &mut Server, true);
        assert!(!ws.machine.assembly.is_flowing(), "all of it had come");

        let (mut ws, mut rx, mut tx) = server(&begun);
        ws.close(CloseCode::NORMAL, "", &mut tx).unwrap();
        assert!(ws.poll(&mut rx, &mut tx).unwrap().is_none());
        assert!(!ws.machine.assembly.is_flowing(), "closing");
    }

    #[test]
    fn an_octet_that_comes_alone_joins_the_message_without_more_ado() {
        let begun = [&header(FIN | TEXT, 100)[..], b"text"].concat();
        let (mut ws, mut rx, mut tx) = server(&begun);
        assert!(ws.poll(&mut rx, &mut tx).unwrap().is_none());
        rx.extend(b"!").unwrap();
        assert!(ws.machine.take_octet(&mut rx));
        assert_eq!(rx.kept(), b"text!");
        assert_eq!(ws.machine.decoder.remaining(), 95);
        for octet in *b"\xC3\xA9" {
            rx.extend(&[octet]).unwrap();
            assert!(ws.machine.take_octet(&mut rx), "not ASCII");
        }
        rx.extend(b"\xA9").unwrap();
        assert!(!ws.machine.take_octet(&mut rx), "no text goes on so");
        assert_eq!(
            (rx.kept(), rx.unread()),
            (&b"text!\xC3\xA9"[..], Some(&b"\xA9"[..]))
        );
        assert_eq!(ws.machine.decoder.remaining(), 93, "nothing was done");
    }

    #[test]
    fn the_first_octet_of_a_message_is_judged_by_what_that_message_is() {
        let (mut ws, mut rx, mut tx) = server(&header(FIN | BINARY, 2));
        let mut come = |ws: &mut Connection<Server>, octets: &[u8]| {
            rx.extend(octets).unwrap();
            ws.poll(&mut rx, &mut tx)
                .map(|event| event.is_some_and(|event| matches!(event, Event::Binary(b"\xFF\xFF"))))
        };
        assert_eq!(come(&mut ws, b""), Ok(false));
        for _ in 0..2 {
            assert_eq!(come(&mut ws, b"\xFF"), Ok(false));
            assert_eq!(come(&mut ws, b"\xFF"), Ok(true));
            assert_eq!(come(&mut ws, &header(FIN | BINARY, 2)), Ok(false));
        }
        assert_eq!(come(&mut ws, b"\xFF\xFF"), Ok(true));
        assert_eq!(come(&mut ws, &header(TEXT, 0)), Ok(false));
        assert_eq!(come(&mut ws, &header(FIN | CONTINUATION, 2)), Ok(false));
        assert_eq!(come(&mut ws, b"\xFF"), Err(Violation::InvalidUtf8));
    }

    #[test]
    fn nothing_is_to_be_done_while_a_header_is_awaited() {
        let (mut ws, mut rx, mut tx) = server(b"");
        assert!(ws.awaits_header(&mut rx), "nothing has come");
        for octet in header(FIN | TEXT, 5) {
            assert!(ws.awaits_header(&mut rx));
            rx.extend(&[octet]).unwrap();
        }
        assert!(!ws.awaits_header(&mut rx), "it has come");
        assert!(ws.poll(&mut rx, &mut tx).unwrap().is_none());
        assert!(!ws.awaits_header(&mut rx), "a payload is awaited");

        let (mut ws, mut rx, _) = server(b"");
        assert!(ws.awaits_header(&mut rx));
        ws.handle_eof();
        assert!(!ws.awaits_header(&mut rx), "nothing will come");
    }
}
