//! Inflating with zlib-rs.

use alloc::boxed::Box;
use alloc::vec::Vec;

use zlib_rs::{Inflate, InflateFlush, Status};

use super::pool::{retire_inflater, take_inflater};
use super::{Input, Step};

/// Messages that may be inflated in sight of what lies behind them, in octets. One of a single octet has no block
/// but the one that its sender hasn't sent all of; larger ones have more blocks, and what they gain is no more.
const SMALL: core::ops::RangeInclusive<usize> = 2..=4 << 10;

/// As many octets in sight keep the codec on its fast path up to a block's end: a few more than it asks for.
const AHEAD: usize = 24;

/// The codec's own window, in octets: always the widest, as a narrower one saves nothing.
const WIDEST: usize = 1 << 15;

/// An inflate stream that goes on behind blocks which call themselves the last (RFC 7692 §7.2.3.4).
pub(super) struct Inflater {
    stream: Inflate,
    history: History,
}

impl Inflater {
    /// One that knows the octets of `window`, to which the input may refer.
    pub(super) fn new(max_window_bits: u8, window: &[u8]) -> Box<Self> {
        let mut new = match take_inflater() {
            Some(mut spare) => {
                spare.stream.reset(false);
                spare.history.begin(max_window_bits);
                spare
            }
            None => Box::new(Self {
                // RFC 7692 §7.2.2-5, §7.2.2-6
                stream: Inflate::new(false, 15),
                history: History::new(max_window_bits),
            }),
        };
        if !window.is_empty() {
            new.history.push(window);
            // It can't fail for a stream that has no header.
            let _ = new.stream.set_dictionary(window);
        }
        new
    }

    /// Inflates until the input is used up or the output full. `forgets`: behind this input comes none that
    /// refers to what comes of it.
    pub(super) fn inflate(&mut self, input: Input<'_>, output: &mut [u8], forgets: bool) -> Step {
        let octets = input.octets.get(..input.count).unwrap_or_default();
        let step = self.decompress(octets, output, InflateFlush::SyncFlush);
        self.keep(step, input, output, forgets)
    }

    /// Inflates a message that begins and ends with this input. Where it is small, its first block is inflated
    /// in sight of the octets behind it; where that leaves hardly anything, its end is taken, too.
    pub(super) fn inflate_whole(
        &mut self,
        input: Input<'_>,
        output: &mut [u8],
        forgets: bool,
    ) -> Step {
        let in_sight = input.octets.get(..input.count.saturating_add(AHEAD));
        let Some(octets) =
            in_sight.filter(|_| SMALL.contains(&input.count) && self.history.is_the_codecs())
        else {
            return self.inflate(input, output, forgets);
        };
        let mut step = self.decompress(octets, output, InflateFlush::Block);
        let rest = octets.get(step.read..input.count);
        if let Some(&([] | [_])) = rest
            && !step.ended
            && step.written < output.len()
        {
            step.complete = self.complete_behind(rest.and_then(|rest| rest.first().copied()));
            step.corrupt |= !step.complete;
            step.read = input.count;
        }
        if step.corrupt || rest.is_none() {
            // It will be refused, but what comes before the fault is to be the same wherever the message lies.
            self.restart();
            return self.inflate(input, output, forgets);
        }
        self.keep(step, input, output, forgets)
    }

    fn decompress(&mut self, octets: &[u8], output: &mut [u8], flush: InflateFlush) -> Step {
        let before = (self.stream.total_in(), self.stream.total_out());
        let status = self.stream.decompress(octets, output, flush);
        // No more than the slices have.
        let count = |now: u64, before: u64| usize::try_from(now.wrapping_sub(before)).unwrap_or(0);
        Step {
            read: count(self.stream.total_in(), before.0),
            written: count(self.stream.total_out(), before.1),
            ended: status == Ok(Status::StreamEnd),
            complete: false,
            corrupt: status.is_err(),
        }
    }

    /// Keeps of what was inflated that to which others may refer.
    fn keep(&mut self, step: Step, input: Input<'_>, output: &[u8], forgets: bool) -> Step {
        if !forgets || step.read != input.count {
            self.history
                .push(output.get(..step.written).unwrap_or_default());
        }
        if step.ended {
            self.restart();
        }
        step
    }

    /// Takes what a message's sender has left out at its end: whether that does nothing but complete a block
    /// of no octets.
    pub(super) fn complete(&mut self) -> bool {
        self.complete_behind(None)
    }

    /// The same behind the `last` octet, where that is still to be inflated.
    fn complete_behind(&mut self, last: Option<u8>) -> bool {
        // One octet more than that: a codec that isn't at a block's end behind the tail reads it.
        let octets = [last.unwrap_or_default(), 0x00, 0x00, 0xFF, 0xFF, 0x00];
        let skipped = usize::from(last.is_none());
        let octets = octets.get(skipped..).unwrap_or_default();
        let step = self.decompress(octets, &mut [0], InflateFlush::Block);
        let done = step.read.checked_add(1) == Some(octets.len()) && step.written == 0;
        done && !step.ended && !step.corrupt
    }

    /// Goes on behind a last block, with the same window: the stream's own is lost with it.
    // RFC 7692 §7.2.3.4-1
    fn restart(&mut self) {
        self.stream.reset(false);
        for part in self.history.parts() {
            if !part.is_empty() {
                let _ = self.stream.set_dictionary(part);
            }
        }
    }

    /// The octets to which the input may refer.
    pub(super) fn window(&self) -> Box<[u8]> {
        self.history.parts().concat().into()
    }

    /// Gives the memory to the thread.
    pub(super) fn retire(self: Box<Self>) {
        retire_inflater(self);
    }
}

impl core::fmt::Debug for Inflater {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Inflater").finish_non_exhaustive()
    }
}

/// The last octets that were inflated, as many as the window has: a ring.
struct History {
    ring: Vec<u8>,
    /// The oldest octet, once the ring is full.
    oldest: usize,
    size: usize,
}

impl History {
    /// No octets yet.
    const fn new(max_window_bits: u8) -> Self {
        Self {
            ring: Vec::new(),
            oldest: 0,
            size: 1_usize.wrapping_shl(max_window_bits as u32),
        }
    }

    /// Begins anew, with the memory that there is where it isn't more than is ever needed.
    fn begin(&mut self, max_window_bits: u8) {
        self.size = 1_usize.wrapping_shl(max_window_bits.into());
        self.oldest = 0;
        self.ring.clear();
        if self.ring.capacity() > self.size {
            self.ring = Vec::new();
        }
    }

    #[inline]
    fn push(&mut self, octets: &[u8]) {
        // What is usual of small messages: the ring is full, and they don't reach its end.
        let end = self.oldest.saturating_add(octets.len());
        if self.ring.len() == self.size
            && let Some(place) = self.ring.get_mut(self.oldest..end)
        {
            place.copy_from_slice(octets);
            self.oldest = end;
            return;
        }
        self.push_any(octets);
    }

    fn push_any(&mut self, octets: &[u8]) {
        let from = octets.len().saturating_sub(self.size);
        let octets = octets.get(from..).unwrap_or_default();
        let free = self.size.saturating_sub(self.ring.len());
        let (first, octets) = octets.split_at(free.min(octets.len()));
        if self.ring.capacity().saturating_sub(self.ring.len()) < first.len() {
            let wanted = self.ring.len().saturating_add(first.len());
            let capacity = wanted.saturating_mul(2).min(self.size);
            self.ring
                .reserve_exact(capacity.saturating_sub(self.ring.len()));
        }
        self.ring.extend_from_slice(first);
        if octets.is_empty() {
            return;
        }
        // The ring is full now: the oldest octets make way.
        let (newer, older) = self.ring.split_at_mut(self.oldest.min(self.size));
        let (to_end, to_start) = octets.split_at(older.len().min(octets.len()));
        for (place, part) in [(older, to_end), (newer, to_start)] {
            if let Some(place) = place.get_mut(..part.len()) {
                place.copy_from_slice(part);
            }
        }
        let next = self.oldest.saturating_add(octets.len());
        self.oldest = next.checked_rem(self.size).unwrap_or(0);
    }

    /// Whether the codec's own window has no more octets than this.
    fn is_the_codecs(&self) -> bool {
        self.ring.is_empty() || self.size == WIDEST
    }

    /// The octets from the oldest on.
    fn parts(&self) -> [&[u8]; 2] {
        let (newer, older) = self.ring.split_at(self.oldest.min(self.ring.len()));
        [older, newer]
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    /// How a message is inflated that has so many octets behind it, into so much room.
    fn step(message: &[u8], behind: usize, room: usize) -> Step {
        step_by(&mut Inflater::new(15, &[]), message, behind, room)
    }

    fn step_by(by: &mut Inflater, message: &[u8], behind: usize, room: usize) -> Step {
        let octets = [message, &vec![0x55; behind]].concat();
        let input = Input {
            octets: &octets,
            count: message.len(),
            last: true,
        };
        by.inflate_whole(input, &mut vec![0; room], false)
    }

    /// A message of one stored block.
    fn stored(len: u16) -> Vec<u8> {
        let header = [&[0][..], &len.to_le_bytes(), &(!len).to_le_bytes()].concat();
        [header, vec![b'a'; len.into()], vec![0]].concat()
    }

    #[test]
    fn a_small_message_is_taken_to_its_end_in_sight_of_what_lies_behind_it() {
        let hello = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00];
        let whole = step(&hello, AHEAD, 6);
        assert_eq!((whole.read, whole.written, whole.complete), (7, 5, true));
        assert!(!step(&hello, AHEAD - 1, 6).complete, "too little in sight");
        let full = step(&hello, AHEAD, 5);
        assert_eq!(
            (full.written, full.complete),
            (5, false),
            "there may be more"
        );
        let last = step(&[0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00], AHEAD, 6);
        assert!(last.ended && !last.complete, "a block may follow");
        let most = u16::try_from(*SMALL.end() - 6).unwrap();
        assert!(step(&stored(most), AHEAD, 8192).complete);
        let more = step(&stored(most + 1), AHEAD, 8192);
        assert_eq!((more.read, more.complete), (4097, false), "not small");
        for (bits, second) in [(15, true), (14, false), (8, false)] {
            let mut inflater = Inflater::new(bits, &[]);
            let steps = [(); 2].map(|()| step_by(&mut inflater, &hello, AHEAD, 6));
            let complete = steps.map(|step| step.complete);
            assert_eq!(complete, [true, second], "a window of {bits} bits");
        }
        let cut = step(&hello[..4], AHEAD, 6);
        assert_eq!((cut.read, cut.complete, cut.corrupt), (4, false, false));
    }

    proptest::proptest! {
        #[test]
        fn a_history_is_the_end_of_all_that_was_pushed(
            lengths in proptest::collection::vec(0..600_usize, 0..12),
            bits in 8..=9_u8,
        ) {
            let mut history = History::new(bits);
            let mut all = Vec::new();
            for length in lengths {
                let octets: Vec<u8> = (all.len()..all.len() + length).map(|at| at as u8).collect();
                history.push(&octets);
                all.extend(octets);
                let end = &all[all.len().saturating_sub(1 << bits)..];
                proptest::prop_assert_eq!(history.parts().concat(), end);
                proptest::prop_assert!(history.ring.capacity() <= 1 << bits);
            }
        }
    }

    #[test]
    fn a_history_takes_memory_as_it_needs_it_and_leaves_the_next_one_no_more_than_that_can_use() {
        let mut history = History::new(9);
        history.push(&[1; 100]);
        let held = history.ring.capacity();
        assert!(held < 512, "not all of it at once");
        history.push(&vec![2; held - 100]);
        assert_eq!(history.ring.capacity(), held, "full to its last octet");
        history.push(&[3; 600]);
        history.begin(9);
        assert_eq!(history.ring.capacity(), 512, "one that is as wide");
        assert!(history.parts().concat().is_empty());
        history.begin(8);
        assert_eq!(history.ring.capacity(), 0, "one that is narrower");
    }
}
