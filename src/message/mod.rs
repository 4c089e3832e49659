//! From frames to messages: the limits of what is being received (RFC 6455 §5.4, §10.4).
//!
//! The legal order of fragments is the frame decoder's; joining them, and what is known of them as text, is
//! the receive buffer's. What stands here is what is known of the message as a whole.
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

/// A message that is being received.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Assembly {
    /// Octets of all frames so far, the current one's whole payload included; of a compressed message
    /// those that were inflated.
    size: u64,
    fragments: u32,
    kind: MessageKind,
    phase: Phase,
    /// A part of it has been lent: what remains is a part, too.
    in_parts: bool,
    way: Way,
}

/// What is known of the way that comes next: see `connection/shortcut.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Unknown,
    /// Nothing is under way: the next frame may be a message of its own.
    Express,
    /// What comes of the current frame's payload only has to join the message: nothing else is to be done first.
    Flows,
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
            kind: MessageKind::Binary,
            phase: Phase::Plain,
            in_parts: false,
            way: Way::Unknown,
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
        self.way = Way::Unknown;
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

    /// How many of `octets` more of a compressed message are within the limit. Those are judged before it
    /// is, in the order of the octets.
    pub(crate) fn within_limit(&self, octets: usize, config: &Config) -> usize {
        let left = config.max_message_size().saturating_sub(self.size);
        usize::try_from(left).unwrap_or(usize::MAX).min(octets)
    }

    /// Counts octets of a compressed message that were inflated: §10.4.
    pub(crate) fn grow_inflated(
        &mut self,
        octets: usize,
        config: &Config,
    ) -> Result<(), Violation> {
        self.grow(octets as u64, config)
    }

    /// How many octets more of a compressed message are worth inflating: up to one that is too many.
    pub(crate) fn room(&self, config: &Config) -> usize {
        let left = config.max_message_size().saturating_sub(self.size);
        usize::try_from(left.saturating_add(1)).unwrap_or(usize::MAX)
    }

    /// The last frame has come whole. `cut`: a code point is still open at the end of the text.
    // RFC 6455 §5.6-1
    pub(crate) fn finish(&mut self, cut: bool) -> Result<(), Violation> {
        if cut {
            return Err(Violation::InvalidUtf8);
        }
        self.phase = Phase::Complete;
        Ok(())
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

    /// Nothing is under way.
    pub(crate) const fn note_express(&mut self) {
        self.way = Way::Express;
    }

    /// Whether nothing is known to be under way.
    #[inline(always)]
    pub(crate) const fn is_express(&self) -> bool {
        matches!(self.way, Way::Express)
    }

    /// The payload of a frame begins, whose octets join the message as they come: nothing else is to be done
    /// first. Messages that are compressed don't flow.
    pub(crate) const fn flow(&mut self) {
        self.way = Way::Flows;
    }

    /// Whether what comes of the current frame's payload only has to join the message.
    #[inline(always)]
    pub(crate) const fn is_flowing(&self) -> bool {
        matches!(self.way, Way::Flows)
    }

    /// From here on there may be something to be done first.
    pub(crate) const fn hinder(&mut self) {
        self.way = Way::Unknown;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_44_a_compressed_message_has_room_up_to_the_one_octet_that_shows_that_it_is_too_big() {
        let config = Config::new().with_max_message_size(100);
        let mut message = Assembly::new();
        assert_eq!(message.room(&config), 101);
        assert_eq!(message.grow_inflated(60, &config), Ok(()));
        assert_eq!(
            (message.room(&config), message.within_limit(50, &config)),
            (41, 40)
        );
        assert_eq!(message.grow_inflated(40, &config), Ok(()));
        assert_eq!(
            (message.room(&config), message.within_limit(50, &config)),
            (1, 0)
        );
        assert_eq!(
            message.grow_inflated(1, &config),
            Err(Violation::MessageTooBig)
        );
        let config = Config::new().with_max_message_size(u64::MAX);
        assert_eq!(Assembly::new().room(&config), usize::MAX, "no limit");
    }
}
