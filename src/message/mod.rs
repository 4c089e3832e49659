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
use crate::frame::{Header, RSV1};
use crate::opcode::{MessageKind, Opcode};
use crate::utf8::Utf8Validator;

/// A message that is being received.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Assembly {
    /// Octets of all frames so far, the current one's whole payload included; of a compressed message
    /// those that were inflated.
    size: u64,
    fragments: u32,
    text: Utf8Validator,
    kind: MessageKind,
    phase: Phase,
    /// A part of it has been lent: what remains is a part, too.
    in_parts: bool,
}

/// What is to be done for the message before another can begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing, beyond taking its frames.
    Plain,
    /// It is compressed, and has not been inflated to its end.
    Compressed,
    /// All of it has come and waits to be lent.
    Complete,
}

impl Assembly {
    pub(crate) const fn new() -> Self {
        Self {
            size: 0,
            fragments: 0,
            text: Utf8Validator::new(),
            kind: MessageKind::Binary,
            phase: Phase::Plain,
            in_parts: false,
        }
    }

    /// Takes the header of a message's next frame: §5.4, and the limits of §10.4.
    pub(crate) fn begin_frame(
        &mut self,
        header: &Header,
        config: &Config,
    ) -> Result<(), Violation> {
        // RFC 6455 §5.4-10, §6.2-3, §6.2-4
        if header.opcode() != Opcode::CONTINUATION {
            *self = Self::new();
            if header.opcode() == Opcode::TEXT {
                self.kind = MessageKind::Text;
            }
            // RFC 7692 §6.2-2
            if header.reserved() & RSV1 != 0 {
                self.phase = Phase::Compressed;
            }
        }
        self.fragments = self.fragments.saturating_add(1);
        // RFC 6455 §10.4-1
        if self.fragments > config.max_fragments() {
            return Err(Violation::TooManyFragments);
        }
        if self.is_compressed() {
            return Ok(());
        }
        self.grow(header.payload_len(), config)
    }

    fn grow(&mut self, octets: u64, config: &Config) -> Result<(), Violation> {
        self.size = self.size.saturating_add(octets);
        // RFC 6455 §10.4-1
        if self.size > config.max_message_size() {
            return Err(Violation::MessageTooBig);
        }
        Ok(())
    }

    /// Takes octets of a compressed message, inflated: RFC 6455 §10.4, and its §8.1.
    pub(crate) fn take_inflated(
        &mut self,
        octets: &[u8],
        config: &Config,
    ) -> Result<(), Violation> {
        // In the order of the octets: those within the limit are judged before it is.
        let left = config.max_message_size().saturating_sub(self.size);
        let within = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(octets.len());
        self.take(octets.get(..within).unwrap_or_default())?;
        self.grow(octets.len() as u64, config)
    }

    /// How many octets more of a compressed message are worth inflating: up to one that is too many.
    pub(crate) fn room(&self, config: &Config) -> usize {
        let left = config.max_message_size().saturating_sub(self.size);
        usize::try_from(left.saturating_add(1)).unwrap_or(usize::MAX)
    }

    /// Takes octets of the message, unmasked.
    // RFC 6455 §5.6-1, §8.1-1
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
    // RFC 6455 §5.6-1
    pub(crate) fn finish(&mut self) -> Result<(), Violation> {
        if self.kind == MessageKind::Text && !self.text.is_complete() {
            return Err(Violation::InvalidUtf8);
        }
        self.phase = Phase::Complete;
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
        self.phase = Phase::Plain;
        self.in_parts = false;
    }

    pub(crate) const fn kind(&self) -> MessageKind {
        self.kind
    }

    #[inline]
    pub(crate) const fn is_complete(&self) -> bool {
        matches!(self.phase, Phase::Complete)
    }

    /// Whether the message is compressed, and has not been inflated to its end.
    #[inline]
    pub(crate) const fn is_compressed(&self) -> bool {
        matches!(self.phase, Phase::Compressed)
    }

    /// Whether there is nothing to be done before the next frame.
    #[inline]
    pub(crate) const fn is_plain(&self) -> bool {
        matches!(self.phase, Phase::Plain)
    }

    pub(crate) const fn is_in_parts(&self) -> bool {
        self.in_parts
    }
}
