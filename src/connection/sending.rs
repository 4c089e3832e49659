//! Sending: commands become frames at the end of the send buffer (RFC 6455 §6.1).
//!
//! Every command checks everything first; one that returns a [`Misuse`] has written nothing.

use super::closing::{Input, State};
use super::machine::write_close;
use super::side::{Side, sealed};
use super::{Connection, QUICK};
use crate::buffer::{Output, SendBuffer, Storage};
use crate::close::CloseCode;
use crate::error::Misuse;
use crate::frame::mask::{self, MaskKey};
use crate::frame::{Header, MAX_CONTROL_PAYLOAD, MAX_HEADER_LEN, SHORT};
use crate::opcode::{MessageKind, Opcode};
use crate::utf8::{self, Utf8Validator};

/// The message that is being sent in parts, if there is one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outgoing {
    text: Utf8Validator,
    /// Of the message in parts.
    kind: MessageKind,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Between messages.
    Between,
    /// As well, and the next may be sent as it is: see `shortcut.rs`.
    Plain,
    /// A message in parts was begun.
    Begun,
    /// Its first frame has been written.
    Started,
}

impl Outgoing {
    pub(super) const fn new() -> Self {
        Self {
            text: Utf8Validator::new(),
            kind: MessageKind::Binary,
            stage: Stage::Between,
        }
    }

    #[inline]
    pub(super) const fn is_none(&self) -> bool {
        matches!(self.stage, Stage::Between | Stage::Plain)
    }

    /// A message may begin, and none is compressed.
    pub(super) const fn note_plain(&mut self) {
        self.stage = Stage::Plain;
    }

    /// Whether a message is known to be free to begin, and none to be compressed.
    #[inline(always)]
    pub(super) const fn is_plain(&self) -> bool {
        matches!(self.stage, Stage::Plain)
    }

    /// From here on it may be otherwise.
    pub(super) const fn hinder(&mut self) {
        if self.is_plain() {
            self.stage = Stage::Between;
        }
    }
}

/// A header that was written apart from its payload: see [`Connection::send_apart`].
#[derive(Clone, Copy, Debug)]
pub struct HeaderOctets {
    octets: [u8; MAX_HEADER_LEN],
    length: u8,
}

impl AsRef<[u8]> for HeaderOctets {
    fn as_ref(&self) -> &[u8] {
        self.octets
            .get(..usize::from(self.length))
            .unwrap_or_default()
    }
}

impl<S: Side> Connection<S> {
    /// Queues a text message, in one frame.
    ///
    /// # Errors
    /// [`Misuse::NotOpen`], [`Misuse::Closing`], [`Misuse::MessageInProgress`] or
    /// [`Misuse::SendBufferFull`]. Nothing was written.
    #[cfg_attr(feature = "alloc", inline(always))]
    #[cfg_attr(not(feature = "alloc"), inline)]
    pub fn send_text<T: Storage>(
        &mut self,
        text: &str,
        tx: &mut SendBuffer<T>,
    ) -> Result<(), Misuse> {
        self.send_whole(Opcode::TEXT, text.as_bytes(), tx)
    }

    /// Queues a binary message, in one frame.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text).
    #[cfg_attr(feature = "alloc", inline(always))]
    #[cfg_attr(not(feature = "alloc"), inline)]
    pub fn send_binary<T: Storage>(
        &mut self,
        octets: &[u8],
        tx: &mut SendBuffer<T>,
    ) -> Result<(), Misuse> {
        self.send_whole(Opcode::BINARY, octets, tx)
    }

    #[cfg_attr(feature = "alloc", inline(always))]
    #[cfg_attr(not(feature = "alloc"), inline)]
    fn send_whole<T: Storage>(
        &mut self,
        opcode: Opcode,
        payload: &[u8],
        tx: &mut SendBuffer<T>,
    ) -> Result<(), Misuse> {
        if QUICK && self.machine.sends_plain() && self.put_short(true, opcode, payload, tx) {
            return Ok(());
        }
        self.send_any(opcode, payload, tx)
    }

    #[cfg_attr(feature = "alloc", inline(never))]
    #[cfg_attr(not(feature = "alloc"), inline)]
    fn send_any<T: Storage>(
        &mut self,
        opcode: Opcode,
        payload: &[u8],
        tx: &mut SendBuffer<T>,
    ) -> Result<(), Misuse> {
        self.check_may_begin()?;
        if let Some(outbound) = self.machine.deflate.outbound()
            && outbound.takes(payload.len())
        {
            return self.put_compressed(true, opcode, payload, tx);
        }
        self.put_data(true, opcode, payload, tx)
    }

    /// Queues a data frame.
    // RFC 6455 §5.1-1, §5.3-2, §6.1-4, §6.1-7
    // RFC 7692 §6.1-2
    #[cfg_attr(feature = "alloc", inline(always))]
    #[cfg_attr(not(feature = "alloc"), inline)]
    pub(super) fn put_data<T: Storage>(
        &mut self,
        fin: bool,
        opcode: Opcode,
        payload: &[u8],
        tx: &mut SendBuffer<T>,
    ) -> Result<(), Misuse> {
        if QUICK && self.put_short(fin, opcode, payload, tx) {
            return Ok(());
        }
        self.put_any(fin, opcode, payload, tx)
    }

    /// The short way for a short payload; false where it can't be gone, and nothing was done. The compiler
    /// knows here which of all headers it is, and that the frame fits.
    #[inline(always)]
    fn put_short<T: Storage>(
        &mut self,
        fin: bool,
        opcode: Opcode,
        payload: &[u8],
        tx: &mut SendBuffer<T>,
    ) -> bool {
        let header_len = if self.side.role().masks() { 6 } else { 2 };
        if payload.len() <= SHORT
            && let Some(room) = tx.reserve_short(header_len + payload.len())
        {
            let header = Header::data(fin, opcode, payload.len()).with_key(self.side.mask_key());
            header.write_short(room, payload);
            self.machine.activity.data = true;
            return true;
        }
        false
    }

    #[cfg_attr(feature = "alloc", inline(never))]
    #[cfg_attr(not(feature = "alloc"), inline)]
    fn put_any<T: Storage>(
        &mut self,
        fin: bool,
        opcode: Opcode,
        payload: &[u8],
        tx: &mut SendBuffer<T>,
    ) -> Result<(), Misuse> {
        let masked = self.side.role().masks();
        let header =
            Header::data(fin, opcode, payload.len()).with_key(masked.then_some(MaskKey::default()));
        let room = tx
            .reserve(header.encoded_len() + payload.len())
            .map_err(|_| Misuse::SendBufferFull)?;
        header.with_key(self.side.mask_key()).write(room, payload);
        self.machine.activity.data = true;
        Ok(())
    }

    /// Whether a message may begin.
    #[inline]
    pub(super) fn check_may_begin(&self) -> Result<(), Misuse> {
        self.check_open()?;
        if !self.machine.outgoing.is_none() {
            return Err(Misuse::MessageInProgress);
        }
        Ok(())
    }

    // RFC 6455 §4.1-26, §5.5.1-3, §6.1-1, §6.1-2, §6.1-3
    #[inline]
    fn check_open(&self) -> Result<(), Misuse> {
        match (self.machine.state, self.machine.eof) {
            (State::Open, false) => Ok(()),
            (state, _) => Err(not_open(state)),
        }
    }

    /// Begins a message that is sent in parts, each of which becomes a frame (RFC 6455 §5.4). Control
    /// frames may be sent between them; other messages may not.
    ///
    /// # Errors
    /// [`Misuse::NotOpen`], [`Misuse::Closing`] or [`Misuse::MessageInProgress`].
    pub fn begin_message(&mut self, kind: MessageKind) -> Result<(), Misuse> {
        self.check_may_begin()?;
        self.machine.outgoing = Outgoing {
            kind,
            stage: Stage::Begun,
            ..Outgoing::new()
        };
        if let Some(outbound) = self.machine.deflate.outbound() {
            outbound.begin_parts();
        }
        Ok(())
    }

    /// Queues a part of the message that was begun. A code point may go on in the next part.
    ///
    /// # Errors
    /// [`Misuse::NoMessage`], [`Misuse::InvalidUtf8`] where the parts of a text can't become UTF-8, and
    /// those of [`send_text`](Self::send_text). Nothing was written; the message is still open.
    pub fn write_part<T: Storage>(
        &mut self,
        part: &[u8],
        tx: &mut SendBuffer<T>,
    ) -> Result<(), Misuse> {
        self.put_part(part, false, tx)
    }

    /// Queues the last part of the message that was begun; it may be empty.
    ///
    /// # Errors
    /// As [`write_part`](Self::write_part); [`Misuse::InvalidUtf8`], too, where the text would end
    /// within a code point.
    pub fn end_message<T: Storage>(
        &mut self,
        part: &[u8],
        tx: &mut SendBuffer<T>,
    ) -> Result<(), Misuse> {
        self.put_part(part, true, tx)
    }

    // RFC 6455 §5.4-2, §5.4-3, §6.1-5, §6.1-6
    fn put_part<T: Storage>(
        &mut self,
        part: &[u8],
        last: bool,
        tx: &mut SendBuffer<T>,
    ) -> Result<(), Misuse> {
        self.check_open()?;
        let mut outgoing = self.machine.outgoing;
        if outgoing.is_none() {
            return Err(Misuse::NoMessage);
        }
        let kind = outgoing.kind;
        if kind == MessageKind::Text {
            outgoing
                .text
                .validate(part)
                .map_err(|_| Misuse::InvalidUtf8)?;
            if last && !outgoing.text.is_complete() {
                return Err(Misuse::InvalidUtf8);
            }
        }
        let opcode = if outgoing.stage == Stage::Started {
            Opcode::CONTINUATION
        } else {
            kind.opcode()
        };
        match self.machine.deflate.outbound() {
            Some(outbound) if outbound.is_in_parts() => {
                self.put_compressed(last, opcode, part, tx)?;
            }
            _ => self.put_data(last, opcode, part, tx)?,
        }
        outgoing.stage = Stage::Started;
        self.machine.outgoing = if last { Outgoing::new() } else { outgoing };
        Ok(())
    }

    /// Takes the header of a message whose payload the caller writes itself, without a copy: in one
    /// vectored write of what waits in the send buffer, this header, and the payload, with nothing
    /// else in between. A client's payload is masked in place. The message is not compressed.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text), and [`Misuse::InvalidUtf8`] where a text isn't UTF-8. Nothing
    /// was changed.
    pub fn send_apart(
        &mut self,
        kind: MessageKind,
        payload: &mut [u8],
    ) -> Result<HeaderOctets, Misuse> {
        self.check_may_begin()?;
        if kind == MessageKind::Text && utf8::text(payload).is_none() {
            return Err(Misuse::InvalidUtf8);
        }
        let key = self.side.mask_key();
        if let Some(key) = key {
            mask::apply(payload, key);
        }
        Ok(self.header_apart(kind, payload.len(), key))
    }

    /// As `send_header` of a server, for an adapter that serves both roles: `None` at a client's end,
    /// which has to mask the payload. Nothing has been changed then.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text).
    pub fn send_header_unmasked(
        &mut self,
        kind: MessageKind,
        payload_len: usize,
    ) -> Result<Option<HeaderOctets>, Misuse> {
        self.check_may_begin()?;
        let unmasked = !self.side.role().masks();
        Ok(unmasked.then(|| self.header_apart(kind, payload_len, None)))
    }

    fn header_apart(
        &mut self,
        kind: MessageKind,
        payload_len: usize,
        key: Option<MaskKey>,
    ) -> HeaderOctets {
        let mut octets = [0; MAX_HEADER_LEN];
        let header = Header::data(true, kind.opcode(), payload_len).with_key(key);
        let length = header.encode(&mut octets) as u8;
        self.machine.activity.data = true;
        HeaderOctets { octets, length }
    }

    /// Queues a Ping of at most 125 octets. Pongs that answer the peer's Pings are automatic.
    ///
    /// # Errors
    /// [`Misuse::ControlTooLong`] and those of [`send_text`](Self::send_text), but for
    /// [`Misuse::MessageInProgress`]: a control frame may stand between the parts of a message.
    pub fn send_ping<T: Storage>(
        &mut self,
        payload: &[u8],
        tx: &mut SendBuffer<T>,
    ) -> Result<(), Misuse> {
        self.send_control(Opcode::PING, payload, tx)
    }

    /// Queues a Pong that answers no Ping: a one-way heartbeat (RFC 6455 §5.5.3).
    ///
    /// # Errors
    /// As [`send_ping`](Self::send_ping).
    pub fn send_pong<T: Storage>(
        &mut self,
        payload: &[u8],
        tx: &mut SendBuffer<T>,
    ) -> Result<(), Misuse> {
        self.send_control(Opcode::PONG, payload, tx)
    }

    fn send_control<T: Storage>(
        &mut self,
        opcode: Opcode,
        payload: &[u8],
        tx: &mut SendBuffer<T>,
    ) -> Result<(), Misuse> {
        self.check_open()?;
        let Some(header) = Header::new(true, opcode, payload.len() as u64) else {
            return Err(Misuse::ControlTooLong);
        };
        let masked = self.side.role().masks();
        let header = header.with_key(masked.then_some(MaskKey::default()));
        let room = tx
            .reserve(header.encoded_len() + payload.len())
            .map_err(|_| Misuse::SendBufferFull)?;
        header.with_key(self.side.mask_key()).write(room, payload);
        Ok(())
    }

    /// Begins the closing handshake with a code and a reason of at most 123 octets, as a browser's
    /// `close(code, reason)` does; besides its 1000 and 3000 to 4999, the codes that a server needs may
    /// be sent. Messages that the peer sends until its Close are still received.
    ///
    /// A second `close` has no effect. Before the opening handshake is over, it fails the connection:
    /// there is no Close frame to send yet.
    ///
    /// # Errors
    /// [`Misuse::CloseCode`], [`Misuse::ControlTooLong`] or [`Misuse::SendBufferFull`]; nothing was
    /// written and the connection goes on.
    pub fn close<T: Storage>(
        &mut self,
        code: CloseCode,
        reason: &str,
        tx: &mut SendBuffer<T>,
    ) -> Result<(), Misuse> {
        // RFC 6455 §7.4.1-1, §7.4.1-2, §7.4.1-3
        if !code.may_be_sent() {
            return Err(Misuse::CloseCode);
        }
        if reason.len() > MAX_CONTROL_PAYLOAD - 2 {
            return Err(Misuse::ControlTooLong);
        }
        self.begin_closing(code, reason, tx)
    }

    /// Begins the closing handshake with a Close frame that gives no code, as a browser's `close()`
    /// does. The peer sees 1005.
    ///
    /// # Errors
    /// [`Misuse::SendBufferFull`].
    pub fn close_without_code<T: Storage>(&mut self, tx: &mut SendBuffer<T>) -> Result<(), Misuse> {
        self.begin_closing(CloseCode::NO_STATUS, "", tx)
    }

    fn begin_closing<T: Storage>(
        &mut self,
        code: CloseCode,
        reason: &str,
        tx: &mut SendBuffer<T>,
    ) -> Result<(), Misuse> {
        let output: &mut dyn Output = tx;
        let side: &mut dyn sealed::Side = &mut self.side;
        let open = self.machine.state == State::Open && !self.machine.eof;
        // RFC 6455 §7.1.2-1
        if open && !write_close(code, reason, output, side) {
            return Err(Misuse::SendBufferFull);
        }
        if matches!(self.machine.state, State::Open | State::Connecting) {
            self.machine.enter(Input::Close);
        }
        Ok(())
    }
}

impl Connection<super::Server> {
    /// Takes the header of a message whose payload the caller writes itself: as
    /// [`send_apart`](Self::send_apart), for a payload that only has to be read. Its length is a
    /// promise, and so is, for text, that it is UTF-8.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text).
    pub fn send_header(
        &mut self,
        kind: MessageKind,
        payload_len: usize,
    ) -> Result<HeaderOctets, Misuse> {
        self.check_may_begin()?;
        Ok(self.header_apart(kind, payload_len, None))
    }
}

#[cold]
fn not_open(state: State) -> Misuse {
    match state {
        State::Connecting => Misuse::NotOpen,
        _ => Misuse::Closing,
    }
}

#[cfg(all(test, feature = "alloc"))]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn a_short_payload_goes_the_short_way_where_the_buffer_has_room_for_it() {
        let mut ws = Connection::open_server(Config::new());
        let mut tx = SendBuffer::with_storage([0; 300]);
        assert!(ws.put_short(true, Opcode::TEXT, b"Hello", &mut tx));
        assert_eq!(tx.octets(), b"\x81\x05Hello");
        let long = [b'a'; SHORT + 1];
        assert!(
            !ws.put_short(true, Opcode::TEXT, &long, &mut tx),
            "too long"
        );
        let mut full = SendBuffer::with_storage([0; 6]);
        assert!(!ws.put_short(true, Opcode::TEXT, b"Hello", &mut full));
        assert!(full.is_empty(), "nothing was done");
    }
}
