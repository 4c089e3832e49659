//! What the machine does with the octets of a receive buffer: it looks at them, joins them to the message under
//! construction and lends them. What the storage is doesn't matter to it.
//!
//! `recv.rs` shows what lies where.

use core::ops::Range;

use super::judged::{Joined, Judged};

/// Where things lie in the storage. `kept <= joined <= next <= end <= storage length`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) kept: usize,
    pub(super) joined: usize,
    pub(super) next: usize,
    pub(super) end: usize,
}

impl Marks {
    /// Of a buffer with nothing in it.
    pub(super) const EMPTY: Self = Self {
        kept: 0,
        joined: 0,
        next: 0,
        end: 0,
    };

    /// Moves what is unfinished to the beginning of the storage, and closes the gap. The frame under way ends at
    /// `due`.
    pub(super) fn gather(&mut self, octets: &mut [u8], due: &mut Due) {
        let Self {
            kept,
            joined,
            next,
            end,
        } = *self;
        let message = joined - kept;
        if kept != 0 {
            octets.copy_within(kept..joined, 0);
        }
        if next != message {
            octets.copy_within(next..end, message);
        }
        *self = Self {
            kept: 0,
            joined: message,
            next: message,
            end: message + (end - next),
        };
        *due = due.moved(next - message);
    }
}

/// Where in the storage the frame under way ends, as far as that is known: nowhere where none is under way.
///
/// It says how much room a read gets, nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Due(u32);

impl Due {
    /// No frame is under way.
    pub(super) const NOWHERE: Self = Self(0);

    pub(super) fn at(place: usize) -> Self {
        u32::try_from(place).map_or(Self::NOWHERE, Self)
    }

    /// The octets up to it have moved towards the beginning.
    pub(super) fn moved(self, octets: usize) -> Self {
        Self::at((self.0 as usize).saturating_sub(octets))
    }

    /// Whether it lies behind `end`, and within a storage of this length.
    pub(super) const fn is_within(self, end: usize, len: usize) -> bool {
        end < self.0 as usize && self.0 as usize <= len
    }
}

/// What the machine sees of a receive buffer.
pub(crate) struct Window<'a> {
    pub(super) octets: &'a mut [u8],
    pub(super) marks: &'a mut Marks,
    pub(super) due: &'a mut Due,
    pub(super) judged: &'a mut Judged,
    pub(super) fresh: &'a mut bool,
    pub(super) max_len: usize,
    /// Whether the storage is known to keep what it is given.
    pub(super) keeps: bool,
}

impl<'a> Window<'a> {
    /// Lends octets by their place.
    #[inline(never)]
    pub(crate) fn lend(self, range: Range<usize>) -> &'a [u8] {
        self.octets.get(range).unwrap_or_default()
    }

    /// Whether octets have come since this was last asked.
    pub(crate) fn take_fresh(&mut self) -> bool {
        core::mem::take(self.fresh)
    }

    /// The octets that have yet to be handled.
    pub(crate) fn unread(&self) -> &[u8] {
        self.octets
            .get(self.marks.next..self.marks.end)
            .unwrap_or_default()
    }

    /// The message under construction.
    pub(crate) fn kept(&self) -> &[u8] {
        self.octets
            .get(self.marks.kept..self.marks.joined)
            .unwrap_or_default()
    }

    /// How many octets the message under construction has.
    pub(crate) fn kept_len(&self) -> usize {
        self.marks.joined - self.marks.kept
    }

    /// How many octets at the end of the message begin a code point that goes on in what has not come.
    pub(crate) fn pending(&self) -> usize {
        self.judged.pending()
    }

    /// Whether a code point is open at the end of the message. None is in a message without octets, whatever
    /// this buffer held before: a message that was cut short, of another connection even.
    pub(crate) fn is_cut(&self) -> bool {
        self.marks.kept != self.marks.joined && self.judged.is_cut()
    }

    /// Whether the first `count` octets of the message are known to be text.
    pub(crate) fn is_text(&self, count: usize) -> bool {
        self.keeps && self.judged.covers(count, self.kept_len())
    }

    /// How many octets have yet to be handled.
    #[inline]
    pub(crate) fn unread_len(&self) -> usize {
        self.marks.end - self.marks.next
    }

    /// Whether a storage of fixed size holds all it can.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        (self.marks.joined - self.marks.kept) + self.unread_len() >= self.max_len
    }

    /// Whether a message of this many octets fits.
    pub(crate) fn can_hold(&self, octets: u64) -> bool {
        octets <= self.max_len as u64
    }

    /// Goes past the next octets.
    pub(crate) fn skip(&mut self, count: usize) {
        self.marks.next += count;
        debug_assert!(self.marks.next <= self.marks.end);
        if self.marks.kept == self.marks.joined {
            self.marks.kept = self.marks.next;
            self.marks.joined = self.marks.next;
        }
    }

    /// A message begins, which may be text.
    pub(crate) fn begin_message(&mut self, text: bool) {
        // If there is some already, it is another connection's: a caller has exchanged their buffers.
        if self.kept_len() == 0 {
            *self.judged = Judged::beginning(text);
        }
    }

    /// The next `count` octets, of which some have yet to come, belong to the message under construction. Where
    /// they don't fit behind it, what is unfinished moves to the beginning of the storage: it would have to later,
    /// when more has come.
    pub(crate) fn make_way(&mut self, count: u64) {
        let room = self.octets.len() - self.marks.next;
        if count > room as u64 {
            self.marks.gather(self.octets, self.due);
        }
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        *self.due = Due::at(self.marks.next.saturating_add(count));
    }

    /// The frame under way has ended.
    pub(crate) fn end_frame(&mut self) {
        *self.due = Due::NOWHERE;
    }

    /// Joins the next octets to the message, behind which they have to be moved.
    pub(crate) fn join(&mut self, count: usize) -> Joined<'_> {
        self.note_joined(count, count, self.marks.next - self.marks.joined)
    }

    /// So many of the next octets have been read, and so many are written to the end of the message, or will be when they
    /// move there over the gap.
    fn note_joined(&mut self, read: usize, written: usize, gap: usize) -> Joined<'_> {
        let Marks { kept, joined, .. } = *self.marks;
        self.marks.joined += written;
        self.marks.next += read;
        debug_assert!(self.marks.joined <= self.marks.next && self.marks.next <= self.marks.end);
        let place = joined..self.marks.joined + gap;
        let octets = self.octets.get_mut(place).unwrap_or_default();
        Joined::new(octets, gap, self.judged, kept == joined)
    }

    /// Where no message is under construction, all that was handled becomes the gap.
    pub(crate) fn open_gap(&mut self) {
        if self.marks.kept == self.marks.joined {
            self.marks.kept = 0;
            self.marks.joined = 0;
        }
    }

    /// The gap, and the storage behind it: what has yet to be handled, and what is left there of other octets.
    pub(crate) fn gap_and_behind(&mut self) -> (&mut [u8], &mut [u8]) {
        let Marks { joined, next, .. } = *self.marks;
        let (before, behind) = self.octets.split_at_mut(next);
        (before.get_mut(joined..).unwrap_or_default(), behind)
    }

    /// So many of the next octets were inflated, and as many written to the gap, which join the message.
    pub(crate) fn join_inflated(&mut self, read: usize, written: usize) -> Joined<'_> {
        self.note_joined(read, written, 0)
    }

    /// Lends the message, which is whole and no longer kept, and says whether it is known to be text.
    #[inline]
    pub(crate) fn take_message(self) -> (&'a [u8], bool) {
        let judged = self.keeps && self.judged.covers_all();
        let Marks {
            kept, joined, next, ..
        } = *self.marks;
        self.marks.kept = next;
        self.marks.joined = next;
        (self.octets.get(kept..joined).unwrap_or_default(), judged)
    }

    /// The place of the first `count` octets of the message, which are no longer kept.
    pub(crate) fn release(&mut self, count: usize) -> Range<usize> {
        let start = self.marks.kept;
        self.judged.leave(count, self.kept_len());
        self.marks.kept += count;
        debug_assert!(self.marks.kept <= self.marks.joined);
        if self.marks.kept == self.marks.joined {
            self.marks.kept = self.marks.next;
            self.marks.joined = self.marks.next;
        }
        start..start + count
    }

    /// Keeps the `count` octets that follow `skipped` ones, in place of any message, and forgets all
    /// others. Returns their place.
    pub(crate) fn keep_only(&mut self, skipped: usize, count: usize) -> Range<usize> {
        let start = self.marks.next + skipped;
        self.judged.doubt();
        self.marks.kept = start;
        self.marks.joined = start + count;
        self.marks.next = self.marks.end;
        start..start + count
    }

    /// Lends the `count` octets that follow `skipped` ones, without going past them.
    pub(crate) fn peek(&mut self, skipped: usize, count: usize) -> &mut [u8] {
        let start = self.marks.next + skipped;
        self.octets
            .get_mut(start..start + count)
            .unwrap_or_default()
    }

    /// The place of the `count` octets that follow `skipped` ones, which the machine goes past.
    pub(crate) fn pass(&mut self, skipped: usize, count: usize) -> Range<usize> {
        let start = self.marks.next + skipped;
        self.skip(skipped + count);
        start..start + count
    }

    /// The place of the next `count` octets, which stay to be handled.
    pub(crate) fn head(&self, count: usize) -> Range<usize> {
        self.marks.next..self.marks.next + count
    }

    /// Forgets what has yet to be handled beyond the first `count` octets; a storage of fixed size keeps
    /// room to read at least one more.
    pub(crate) fn truncate_unread(&mut self, count: usize) {
        let most = self.max_len.saturating_sub(self.marks.next + 1);
        self.marks.end = self.marks.end.min(self.marks.next + count.min(most));
    }

    /// Forgets what has yet to be handled; the message stays.
    pub(crate) fn discard_unread(&mut self) {
        self.marks.next = self.marks.end;
        if self.marks.kept == self.marks.joined {
            *self.marks = Marks::EMPTY;
        }
    }
}
