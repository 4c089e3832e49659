//! A compressed message that comes in: its octets in any pieces, its end, and what is kept for the next
//! (RFC 7692 §7.2.2).

use alloc::boxed::Box;

use arrayvec::ArrayVec;

use super::Inflater;
use crate::error::Violation;

/// How many octets are taken out of a full buffer at a time.
const STASH: usize = 64;

/// The receiving direction of a connection that has agreed to compress.
#[derive(Debug)]
pub(crate) struct Inbound {
    /// Present within a message, and between messages where it is kept.
    inflater: Option<Box<Inflater>>,
    /// What the peer may still refer to, where there is no inflater.
    window: Option<Box<[u8]>>,
    max_window_bits: u8,
    context_takeover: bool,
    keeps_inflater: bool,
    /// Octets at the beginning of what has yet to be handled that are unmasked, but not inflated.
    unmasked: usize,
    /// Octets that were taken out of a full buffer, so that there is room for what comes of them.
    stash: ArrayVec<u8, STASH>,
    /// The output has been filled: there may be more of it.
    pending: bool,
    room: Room,
    progress: Progress,
}

/// The room to inflate into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    /// Nobody was asked for more.
    AsItIs,
    /// So many octets are asked for.
    Asked(usize),
    /// There is what could be had.
    Made,
}

/// How far a message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// No octet of it has come.
    Nothing,
    /// Within the stream, perhaps with output that there was no room for.
    Within,
    /// A last block has ended, and nothing has come behind it.
    Ended,
    /// What has been inflated is all that can be.
    Corrupt,
}

impl Inbound {
    pub(super) const fn new(max_window_bits: u8, context_takeover: bool, keeps: bool) -> Self {
        Self {
            inflater: None,
            window: None,
            max_window_bits,
            context_takeover,
            keeps_inflater: keeps,
            unmasked: 0,
            stash: ArrayVec::new_const(),
            pending: false,
            room: Room::AsItIs,
            progress: Progress::Nothing,
        }
    }

    /// A message begins. It may refer to earlier ones where that was agreed upon.
    // RFC 7692 §7.2.2-2, §7.2.2-3
    pub(crate) fn begin(&mut self) {
        self.progress = Progress::Nothing;
        self.pending = false;
        self.room = Room::AsItIs;
        if self.inflater.is_none() {
            let window = self.window.take().unwrap_or_default();
            self.inflater = Some(Inflater::new(self.max_window_bits, &window));
        }
    }

    /// Inflates octets of the message: how many were used up, and how many written. A block that calls itself
    /// the last ends a call. Where the output has been filled, there may be more: call again, with no input if
    /// need be. A fault shows when all that came before it has been written, so that it is the same however the
    /// octets come. `last`: the message has no octets behind these.
    pub(crate) fn inflate(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        last: bool,
    ) -> Result<(usize, usize), Violation> {
        if self.stash.is_empty() {
            return self.inflate_from(input, output, last && !self.context_takeover);
        }
        let stash = self.stash.clone();
        let (read, written) = self.inflate_from(&stash, output, false)?;
        self.stash.drain(..read.min(stash.len()));
        Ok((0, written))
    }

    /// `last`: nothing that follows, of this message or another, refers to these octets.
    fn inflate_from(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        last: bool,
    ) -> Result<(usize, usize), Violation> {
        if self.progress == Progress::Corrupt {
            return Err(Violation::CorruptDeflate);
        }
        let inflater = self.inflater.as_mut().ok_or(Violation::CorruptDeflate)?;
        let step = inflater.inflate(input, output, last);
        if step.corrupt {
            self.progress = Progress::Corrupt;
        } else if step.ended {
            self.progress = Progress::Ended;
        } else if step.read != 0 {
            self.progress = Progress::Within;
        }
        Ok((step.read, step.written))
    }

    /// The message has ended, and all of it has been inflated.
    ///
    /// A message of no octets at all, which §7.2.3.6 doesn't allow and some send, is an empty one.
    pub(crate) fn finish(&mut self) -> Result<(), Violation> {
        let inflater = self.inflater.as_mut().ok_or(Violation::CorruptDeflate)?;
        if self.progress == Progress::Within {
            // Where what the sender left out does anything but complete a block of no octets, the message
            // was cut.
            // RFC 7692 §7.2.2-1
            if !inflater.complete() {
                return Err(Violation::CorruptDeflate);
            }
        }
        if !self.context_takeover {
            if let Some(inflater) = self.inflater.take() {
                inflater.retire();
            }
        } else if !self.keeps_inflater {
            self.sleep();
        }
        Ok(())
    }

    /// Gives back what isn't needed between messages: all but what the peer may refer to.
    pub(super) fn sleep(&mut self) {
        if let Some(inflater) = self.inflater.take() {
            self.window = Some(inflater.window());
            inflater.retire();
        }
    }

    /// Takes octets out of a full buffer, to make room: how many. None where there are still some from
    /// the last time.
    pub(crate) fn stash(&mut self, input: &[u8]) -> usize {
        let count = input.len().min(STASH);
        match input.get(..count) {
            Some(octets) if self.stash.is_empty() => {
                self.stash.extend(octets.iter().copied());
                self.unmasked = self.unmasked.saturating_sub(count);
                count
            }
            _ => 0,
        }
    }

    /// Octets that are unmasked, but not inflated.
    pub(crate) const fn unmasked(&self) -> usize {
        self.unmasked
    }

    /// So many octets more are unmasked.
    pub(crate) const fn note_unmasked(&mut self, count: usize) {
        self.unmasked = self.unmasked.saturating_add(count);
    }

    /// So many octets of them are inflated. `filled`: there was no more room for what came of them; `all`: of
    /// those that were to be.
    pub(crate) const fn note_inflated(&mut self, count: usize, filled: bool, all: bool) {
        self.unmasked = self.unmasked.saturating_sub(count);
        self.pending = filled;
        // What is left behind a last block is inflated into the room that is left, however little: otherwise all
        // of it would be moved for each such block.
        if filled || all {
            self.room = Room::AsItIs;
        }
    }

    /// Whether there may be more to come of what was taken.
    pub(crate) fn is_pending(&self) -> bool {
        self.pending || !self.stash.is_empty() || self.progress == Progress::Corrupt
    }

    /// Asks for room; false where that was done already.
    pub(crate) fn ask_for_room(&mut self, octets: usize) -> bool {
        if self.room == Room::Made {
            return false;
        }
        self.room = Room::Asked(octets);
        true
    }

    pub(super) const fn wants_room(&self) -> bool {
        matches!(self.room, Room::Asked(_))
    }

    pub(super) fn take_request(&mut self) -> Option<usize> {
        let Room::Asked(octets) = self.room else {
            return None;
        };
        self.room = Room::Made;
        Some(octets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stash_takes_no_more_before_it_is_empty_again() {
        // A stored block of 70 octets.
        let mut block = [b'a'; 75];
        block[..5].copy_from_slice(&[0, 70, 0, !70, 0xFF]);
        let mut inbound = Inbound::new(15, false, true);
        inbound.begin();
        assert_eq!(inbound.stash(&block), STASH);
        assert_eq!(inbound.stash(&block), 0);
        let mut room = [0; 8];
        let mut written = 0;
        // One codec takes no more than it has room for, another all at once.
        while written < STASH - 5 {
            let step = inbound.inflate(&[], &mut room, false).unwrap();
            assert_eq!(step.0, 0, "octets of the stash don't count as read");
            written += step.1;
        }
        assert_eq!(written, STASH - 5);
        assert_eq!(inbound.stash(b"x"), 1);
    }
}
