//! From frames to messages: the limits and the text of what is being received (RFC 6455 §5.4, §5.6).
//!
//! The legal order of fragments is the frame decoder's, the joining is the receive buffer's. What
//! stands here is what is known of the message as a whole.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation
    )
)]

use crate::config::Config;
use crate::error::Violation;
use crate::frame::Header;
use crate::opcode::{MessageKind, Opcode};
use crate::utf8::Utf8Validator;

/// A message that is being received.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Assembly {
    /// Octets of all frames so far, the current one's whole payload included.
    size: u64,
    fragments: u32,
    text: Utf8Validator,
    kind: MessageKind,
    /// All of the message has come and waits to be lent.
    complete: bool,
    /// A part of it has been lent: what remains is a part, too.
    in_parts: bool,
}

impl Assembly {
    pub(crate) const fn new() -> Self {
        Self {
            size: 0,
            fragments: 0,
            text: Utf8Validator::new(),
            kind: MessageKind::Binary,
            complete: false,
            in_parts: false,
        }
    }

    /// Takes the header of a message's next frame: §5.4, and the limits of §10.4.
    pub(crate) fn begin_frame(
        &mut self,
        header: &Header,
        config: &Config,
    ) -> Result<(), Violation> {
        if header.opcode() != Opcode::CONTINUATION {
            *self = Self::new();
            if header.opcode() == Opcode::TEXT {
                self.kind = MessageKind::Text;
            }
        }
        self.fragments = self.fragments.saturating_add(1);
        if self.fragments > config.max_fragments() {
            return Err(Violation::TooManyFragments);
        }
        self.size = self.size.saturating_add(header.payload_len());
        if self.size > config.max_message_size() {
            return Err(Violation::MessageTooBig);
        }
        Ok(())
    }

    /// Takes octets of the message, unmasked.
    pub(crate) fn take(&mut self, octets: &[u8]) -> Result<(), Violation> {
        match self.kind {
            MessageKind::Binary => Ok(()),
            MessageKind::Text => self
                .text
                .validate(octets)
                .map_err(|_| Violation::InvalidUtf8),
        }
    }

    /// The last frame has come whole.
    pub(crate) fn finish(&mut self) -> Result<(), Violation> {
        if self.kind == MessageKind::Text && !self.text.is_complete() {
            return Err(Violation::InvalidUtf8);
        }
        self.complete = true;
        Ok(())
    }

    /// How many of the message's last `held` octets can be lent as a part: not those of a code point
    /// that goes on in octets that have not come.
    pub(crate) fn lendable(&self, held: usize) -> usize {
        match self.kind {
            MessageKind::Binary => held,
            MessageKind::Text => held.saturating_sub(self.text.pending()),
        }
    }

    /// A part of the message has been lent.
    pub(crate) fn part_lent(&mut self) {
        self.in_parts = true;
    }

    /// The rest of the message has been lent.
    pub(crate) fn all_lent(&mut self) {
        self.complete = false;
        self.in_parts = false;
    }

    pub(crate) const fn kind(&self) -> MessageKind {
        self.kind
    }

    #[inline]
    pub(crate) const fn is_complete(&self) -> bool {
        self.complete
    }

    pub(crate) const fn is_in_parts(&self) -> bool {
        self.in_parts
    }
}
