//! Which of the short ways are open: asked once, and remembered for as long as the answer can't change.
//!
//! From one short message to the next nothing changes of what has to be asked before it is received or sent,
//! nor from one octet of a long message to the next. So each answer is remembered, where it costs no memory: in
//! the [`Assembly`](crate::message::Assembly) for what is received, in
//! [`Outgoing`](super::sending::Outgoing) for what is sent. It is taken back where one of the reasons for it may
//! have ended: what is remembered is true, what is not says nothing.

use super::closing::State;
use super::event::{Found, Place, Ready};
use super::machine::Machine;
use super::{Connection, QUICK, Side};
use crate::buffer::{RecvBuffer, Storage};
use crate::frame::WholeFrame;
use crate::opcode::MessageKind;

impl Machine {
    /// Whether the next frame is known to be free to go the short way: see [`is_express`](Self::is_express).
    #[inline(always)]
    pub(super) fn is_known_express(&self) -> bool {
        let known = QUICK && self.assembly.is_express();
        debug_assert!(!known || self.nothing_is_under_way());
        known
    }

    /// Whether the next frame can be taken on the short way: nothing is under way.
    #[inline(always)]
    pub(super) fn is_express(&mut self) -> bool {
        self.is_known_express() || self.looks_express()
    }

    #[cfg_attr(feature = "alloc", inline(never))]
    #[cfg_attr(not(feature = "alloc"), inline(always))]
    fn looks_express(&mut self) -> bool {
        let express = self.nothing_is_under_way();
        if QUICK && express {
            self.assembly.note_express();
        }
        express
    }

    fn nothing_is_under_way(&self) -> bool {
        self.state == State::Open
            && self.decoder.remaining() == 0
            && !self.decoder.in_message()
            && self.assembly.is_plain()
            && !self.opening.is_unannounced()
    }

    /// Whether a message may begin, and none is compressed.
    #[inline(always)]
    pub(super) fn sends_plain(&mut self) -> bool {
        let known = self.outgoing.is_plain();
        debug_assert!(!known || self.messages_go_plain());
        known || self.looks_plain()
    }

    #[inline(never)]
    fn looks_plain(&mut self) -> bool {
        let plain = self.messages_go_plain();
        if plain {
            self.outgoing.note_plain();
        }
        plain
    }

    fn messages_go_plain(&self) -> bool {
        self.state == State::Open
            && !self.eof
            && self.outgoing.is_none()
            && self.deflate.parameters().is_none()
    }

    /// From here on everything has to be asked again.
    pub(super) const fn forget_shortcuts(&mut self) {
        self.assembly.hinder();
        self.outgoing.hinder();
    }
}

impl<S: Side> Connection<S> {
    /// The next event, where that is a whole message in one frame, all of it has come, and nothing is to be done first:
    /// then it is what [`poll_ready`](Self::poll_ready) would find. `None` says nothing; ask `poll_ready` then.
    ///
    /// For loops that handle short messages in batches: lent in this place, a message needn't meet all else that there
    /// may be. Without the feature `alloc`, where room is short, it is always `None`.
    ///
    /// ```
    /// use websocket_proto::{Config, Connection, Event, RecvBuffer, SendBuffer};
    ///
    /// let mut ws = Connection::open_server(Config::new());
    /// let (mut rx, mut tx) = (RecvBuffer::with_storage([0; 512]), SendBuffer::with_storage([0; 512]));
    /// rx.extend(b"\x81\x82\0\0\0\0Hi\x81\x83\0\0\0\0you")?;
    ///
    /// let mut texts = 0;
    /// loop {
    ///     while let Some(ready) = ws.poll_at_hand(&rx) {
    ///         texts += matches!(ws.lend(ready, &mut rx, &mut tx)?, Event::Text(_)) as usize;
    ///     }
    ///     match ws.poll(&mut rx, &mut tx)? {
    ///         Some(event) => texts += matches!(event, Event::Text(_)) as usize,
    ///         None => break, // Read more.
    ///     }
    /// }
    /// assert_eq!(texts, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline(always)]
    pub fn poll_at_hand<B: Storage>(&mut self, rx: &RecvBuffer<B>) -> Option<Ready> {
        if QUICK && self.machine.is_known_express() {
            return self.find_frame(rx).map(Ready::new);
        }
        None
    }

    /// The common case: the next frame is a whole message, all of it is there, and nothing else is to
    /// be done first.
    #[inline(always)]
    pub(super) fn find_whole<B: Storage>(&mut self, rx: &RecvBuffer<B>) -> Option<Found> {
        if !self.machine.is_express() {
            return None;
        }
        self.find_frame(rx)
    }

    #[inline(always)]
    fn find_frame<B: Storage>(&self, rx: &RecvBuffer<B>) -> Option<Found> {
        let frame = WholeFrame::find(rx.unread()?, self.side.role().expects_masked())?;
        if frame.payload_len as u64 > self.machine.config.max_message_size() {
            return None;
        }
        let place = Place {
            key: frame.key,
            header_len: frame.header_len as u8,
            payload_len: frame.payload_len,
        };
        Some(match frame.kind {
            MessageKind::Text => Found::WholeText(place),
            MessageKind::Binary => Found::WholeBinary(place),
        })
    }
}

/// What is remembered is taken back where it ends; and where it doesn't, it is still remembered.
#[cfg(all(test, feature = "alloc"))]
mod tests {
    use super::super::{Event, Server};
    use super::*;
    use crate::buffer::SendBuffer;
    use crate::close::CloseCode;
    use crate::config::Config;

    const HELLO: &[u8] = b"\x81\x85\0\0\0\0Hello";

    type Rx = RecvBuffer<alloc::vec::Vec<u8>>;
    type Tx = SendBuffer<alloc::vec::Vec<u8>>;

    /// A server that has received a message, sent one, and remembers both short ways.
    fn warm() -> (Connection<Server>, Rx, Tx) {
        let mut ws = Connection::open_server(Config::new());
        let (mut rx, mut tx) = (Rx::new(), Tx::new());
        assert!(ws.poll_at_hand(&rx).is_none(), "nothing is known yet");
        rx.extend(HELLO).unwrap();
        assert!(ws.poll_at_hand(&rx).is_none(), "nor is it now");
        assert!(ws.poll(&mut rx, &mut tx).unwrap().is_some());
        ws.send_text("Hello", &mut tx).unwrap();
        assert!(ws.machine.is_known_express() && ws.machine.outgoing.is_plain());
        (ws, rx, tx)
    }

    #[test]
    fn a_message_is_at_hand_as_soon_as_all_of_it_has_come() {
        let (mut ws, mut rx, mut tx) = warm();
        for &octet in HELLO {
            assert!(ws.poll_at_hand(&rx).is_none());
            rx.extend(&[octet]).unwrap();
        }
        let ready = ws.poll_at_hand(&rx).unwrap();
        let event = ws.lend(ready, &mut rx, &mut tx).unwrap();
        assert!(matches!(event, Event::Text("Hello")));
        assert!(ws.poll_at_hand(&rx).is_none(), "nothing else has come");
    }

    #[test]
    fn a_control_frame_or_one_that_breaks_a_rule_is_not_at_hand() {
        for frame in [&b"\x89\x80\0\0\0\0"[..], b"\x91\x80\0\0\0\0", b"\x81\x00"] {
            let (mut ws, mut rx, _) = warm();
            rx.extend(frame).unwrap();
            assert!(ws.poll_at_hand(&rx).is_none());
        }
    }

    #[test]
    fn a_frame_that_has_begun_closes_the_way_to_the_next_until_its_message_is_lent() {
        let (mut ws, mut rx, mut tx) = warm();
        rx.extend(b"\x01\x81\0\0\0\0.").unwrap();
        assert!(ws.poll(&mut rx, &mut tx).unwrap().is_none());
        rx.extend(HELLO).unwrap();
        assert!(ws.poll_at_hand(&rx).is_none(), "it breaks into a message");
        assert!(ws.poll(&mut rx, &mut tx).is_err());

        let (mut ws, mut rx, mut tx) = warm();
        rx.extend(b"\x01\x81\0\0\0\0.\x80\x80\0\0\0\0").unwrap();
        rx.extend(HELLO).unwrap();
        assert!(ws.poll_at_hand(&rx).is_none());
        let joined = ws.poll(&mut rx, &mut tx).unwrap();
        assert!(matches!(joined, Some(Event::Text("."))));
        assert!(ws.poll(&mut rx, &mut tx).unwrap().is_some());
        assert!(ws.machine.is_known_express());
    }

    #[test]
    fn a_message_in_parts_lets_no_other_begin_until_it_has_ended() {
        let (mut ws, _, mut tx) = warm();
        ws.begin_message(MessageKind::Text).unwrap();
        assert!(ws.send_text("no", &mut tx).is_err());
        ws.write_part(b"yes", &mut tx).unwrap();
        assert!(ws.send_text("no", &mut tx).is_err());
        ws.end_message(b"", &mut tx).unwrap();
        ws.send_text("yes", &mut tx).unwrap();
        assert!(ws.machine.outgoing.is_plain());
    }

    #[test]
    fn closing_and_the_end_of_the_stream_take_back_what_is_known() {
        let (mut ws, mut rx, mut tx) = warm();
        ws.close(CloseCode::NORMAL, "", &mut tx).unwrap();
        rx.extend(HELLO).unwrap();
        assert!(ws.poll_at_hand(&rx).is_none());
        assert!(
            ws.poll(&mut rx, &mut tx).unwrap().is_some(),
            "it still comes"
        );
        assert!(ws.send_text("no", &mut tx).is_err());

        let (mut ws, mut rx, mut tx) = warm();
        rx.extend(HELLO).unwrap();
        ws.handle_eof();
        assert!(ws.send_text("no", &mut tx).is_err());
        assert!(ws.poll(&mut rx, &mut tx).unwrap().is_some(), "it had come");
    }

    #[cfg(feature = "deflate")]
    #[test]
    fn where_messages_are_compressed_none_is_known_to_go_as_it_is() {
        use crate::handshake::{DeflateConfig, DeflateParameters};

        let (mut ws, _, mut tx) = warm();
        let role = ws.role();
        ws.machine
            .agree(DeflateParameters::new(), &DeflateConfig::new(), role);
        let waiting = tx.len();
        let text = "a".repeat(1000);
        ws.send_text(&text, &mut tx).unwrap();
        assert!(tx.len() - waiting < 100);
        assert!(!ws.machine.outgoing.is_plain());
    }
}
