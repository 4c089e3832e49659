//! The receive buffer: a message under construction, a gap, and what has yet to be looked at.
//!
//! ```text
//!            kept          joined        next              end
//! ┌───────────┬─────────────┬─────────────┬─────────────────┬──────────────────┐
//! │  lent and │ the message │  headers of │ octets as they  │ spare: where the │
//! │ forgotten │   so far    │  fragments  │ came, to handle │ transport reads  │
//! └───────────┴─────────────┴─────────────┴─────────────────┴──────────────────┘
//! ```
//!
//! A fragment's payload moves over the gap to the end of the message, so that a message is whole in
//! one place when its last fragment has come; for a message in one frame nothing moves at all.

use super::judged::{Joined, Judged};
use super::window::{Due, Marks, Window};
use super::{Full, Storage, known};

/// Room that is made when a read is due and little is left, beyond what is unfinished.
const READ_AHEAD: usize = 1024;

/// Octets from the peer: the transport fills it, the machine lends events out of it.
///
/// Over a `Vec` it grows with what is unfinished: at most twice that and 1 KiB, never by what a frame's
/// header declares.
#[derive(Clone, Debug, Default)]
pub struct RecvBuffer<B> {
    storage: B,
    marks: Marks,
    due: Due,
    /// What is known of the message under construction as text.
    judged: Judged,
    /// Octets have come since the machine last looked.
    fresh: bool,
}

#[cfg(feature = "alloc")]
impl RecvBuffer<alloc::vec::Vec<u8>> {
    /// An empty buffer that grows. It allocates when something is received.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_storage(alloc::vec::Vec::new())
    }

    /// Gives back the memory beyond what is unfinished: all of it where nothing is.
    pub fn release(&mut self) {
        self.marks.gather(self.storage.as_mut(), &mut self.due);
        self.storage.shrink(self.marks.end);
    }
}

impl<B> RecvBuffer<B> {
    /// An empty buffer over this storage. Messages of up to its size can be received whole in one frame;
    /// those in fragments need 145 octets more, for the header and the control frame that may follow.
    ///
    /// A fixed storage needs 256 octets or more for frames, and for a server at least the size of the
    /// largest request head (a browser's is 500 to 2 000 octets).
    #[must_use]
    pub const fn with_storage(storage: B) -> Self {
        Self {
            storage,
            marks: Marks::EMPTY,
            due: Due::NOWHERE,
            judged: Judged::UNKNOWN,
            fresh: false,
        }
    }

    /// The octets that are unfinished: a message under construction, and what has yet to be handled.
    #[must_use]
    pub const fn len(&self) -> usize {
        // By the order of the marks.
        (self.marks.joined - self.marks.kept) + (self.marks.end - self.marks.next)
    }

    /// Whether nothing is unfinished.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets what is unfinished, and all that is known of it. The memory stays: for another connection.
    pub const fn clear(&mut self) {
        self.marks = Marks::EMPTY;
        self.due = Due::NOWHERE;
        self.judged = Judged::UNKNOWN;
        self.fresh = false;
    }

    /// The storage, and with it the octets, however unfinished.
    #[must_use]
    pub fn into_storage(self) -> B {
        self.storage
    }
}

impl<B: Storage> RecvBuffer<B> {
    /// Room for the transport to read into; at least one octet, or empty where a fixed storage is full.
    ///
    /// Say how many octets were written to its beginning with [`commit`](Self::commit).
    pub fn spare(&mut self) -> &mut [u8] {
        self.spare_for(1)
    }

    /// Room for a reader that expects about `wanted` octets, 64 KiB say, and gives it back before it waits. It is less
    /// where the frame under way ends within the storage, once that is as large as what is wanted: a message of which
    /// most has come neither moves then nor makes the storage grow. At least one octet, or empty where a fixed
    /// storage is full.
    pub fn spare_for(&mut self, wanted: usize) -> &mut [u8] {
        let room = self.storage.as_ref().len() - self.marks.end;
        if room < wanted.max(READ_AHEAD / 2) && !self.can_stay(wanted) {
            self.make_room(wanted);
        }
        &mut self.storage.as_mut()[self.marks.end..]
    }

    fn can_stay(&self, wanted: usize) -> bool {
        let len = self.storage.as_ref().len();
        len >= wanted && self.due.is_within(self.marks.end, len)
    }

    /// Room of at least `wanted` octets, as far as the storage can give it: for octets that have to go there at once.
    pub fn spare_at_least(&mut self, wanted: usize) -> &mut [u8] {
        let room = self.storage.as_ref().len() - self.marks.end;
        if room < wanted.max(READ_AHEAD / 2) {
            self.make_room(wanted);
        }
        &mut self.storage.as_mut()[self.marks.end..]
    }

    #[cold]
    fn make_room(&mut self, wanted: usize) {
        self.marks.gather(self.storage.as_mut(), &mut self.due);
        let held = self.marks.end;
        if self.storage.as_ref().len() - held >= wanted.max(READ_AHEAD / 2) {
            return;
        }
        // A little more than is wanted, or as much again: what comes may be as long, and have a header.
        let ahead = wanted.max(held).saturating_add(READ_AHEAD / 2);
        let ahead = ahead.max(READ_AHEAD);
        let len = held.saturating_add(ahead).min(self.storage.max_len());
        // Where memory is short, the room that is there has to do.
        let _ = self.storage.grow(len);
    }

    /// The first `count` octets of the spare room have been filled.
    ///
    /// # Panics
    /// When `count` is more than the spare room.
    pub fn commit(&mut self, count: usize) {
        assert!(
            count <= self.storage.as_ref().len() - self.marks.end,
            "more committed than there was room for"
        );
        self.marks.end += count;
        if count != 0 {
            self.fresh = true;
        }
    }

    /// Copies octets that came from elsewhere: what an HTTP stack had read beyond the handshake, say.
    ///
    /// # Errors
    /// [`Full`] where a fixed storage can't take them all. None is taken.
    pub fn extend(&mut self, octets: &[u8]) -> Result<(), Full> {
        let spare = self.spare_at_least(octets.len());
        let Some(room) = spare.get_mut(..octets.len()) else {
            return Err(Full);
        };
        room.copy_from_slice(octets);
        self.commit(octets.len());
        Ok(())
    }

    /// Moves what is unfinished to another buffer, which is empty, and leaves this one so: from a big
    /// buffer that all connections of a thread read into to a small one of the connection's own when it
    /// has to wait, and back.
    ///
    /// # Errors
    /// [`Full`] where the other can't take it all, or holds something unfinished itself. Nothing has
    /// moved.
    pub fn transfer<C: Storage>(&mut self, to: &mut RecvBuffer<C>) -> Result<(), Full> {
        if !to.is_empty() {
            return Err(Full);
        }
        let Marks {
            kept,
            joined,
            next,
            end,
        } = self.marks;
        let held = self.len();
        to.storage.grow(held)?;
        let (target, source) = (to.storage.as_mut(), self.storage.as_ref());
        let message = joined - kept;
        target[..message].copy_from_slice(&source[kept..joined]);
        target[message..held].copy_from_slice(&source[next..end]);
        to.marks = Marks {
            kept: 0,
            joined: message,
            next: message,
            end: held,
        };
        to.due = core::mem::take(&mut self.due).moved(next - message);
        to.judged = self.judged;
        if !self.storage.keeps(known::Storages) {
            to.judged.doubt();
        }
        self.marks = Marks::EMPTY;
        to.fresh |= core::mem::take(&mut self.fresh);
        Ok(())
    }

    /// Makes the gap before what has yet to be handled at least `wanted` octets wide, as far as the
    /// storage can give it: room for what is inflated.
    ///
    /// The gap becomes as wide as what is moved for it, so that the work stays linear.
    #[cold]
    pub(crate) fn widen(&mut self, wanted: usize) {
        self.marks.gather(self.storage.as_mut(), &mut self.due);
        let Marks {
            joined, next, end, ..
        } = self.marks;
        let unread = end - next;
        let len = joined
            .saturating_add(wanted.max(unread))
            .saturating_add(unread);
        // Where memory is short, the room that is there has to do.
        let _ = self.storage.grow(len.min(self.storage.max_len()));
        let start = self.storage.as_ref().len() - unread;
        self.storage.as_mut().copy_within(next..end, start);
        self.marks.next = start;
        self.marks.end = start + unread;
    }

    /// The machine's view, for the parts of it that don't care what the storage is.
    #[inline]
    pub(crate) fn window(&mut self) -> Window<'_> {
        Window {
            max_len: self.storage.max_len(),
            keeps: self.storage.keeps(known::Storages),
            octets: self.storage.as_mut(),
            marks: &mut self.marks,
            due: &mut self.due,
            judged: &mut self.judged,
            fresh: &mut self.fresh,
        }
    }

    /// How long the storage is: what is unfinished, and the room for more.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.storage.as_ref().len()
    }

    /// The octets that have yet to be handled. They are there by the order of the marks.
    #[inline]
    pub(crate) fn unread(&self) -> Option<&[u8]> {
        self.storage.as_ref().get(self.marks.next..self.marks.end)
    }

    /// The message under construction.
    pub(crate) fn kept(&self) -> &[u8] {
        self.storage
            .as_ref()
            .get(self.marks.kept..self.marks.joined)
            .unwrap_or_default()
    }

    /// Goes past `skipped` octets and lends the `count` that follow.
    #[inline]
    pub(crate) fn take(&mut self, skipped: usize, count: usize) -> &mut [u8] {
        let Marks { next, end, .. } = self.marks;
        let passed = skipped.wrapping_add(count);
        let unread = self.storage.as_mut().get_mut(next..end).unwrap_or_default();
        debug_assert!(passed <= unread.len());
        // Nothing is kept, so the message's place moves along.
        let next = next.wrapping_add(passed);
        if next == end {
            self.marks = Marks::EMPTY;
        } else {
            self.marks = Marks {
                kept: next,
                joined: next,
                next,
                end,
            };
        }
        unread.get_mut(skipped..passed).unwrap_or_default()
    }

    /// Whether octets have come since this was last asked.
    #[inline]
    pub(crate) fn take_fresh(&mut self) -> bool {
        core::mem::take(&mut self.fresh)
    }

    /// Unmasks the one octet that has yet to be handled and joins it to the message: it counts as come and looked at.
    /// False where it isn't one octet, doesn't lie right behind the message with room for more behind it, or doesn't
    /// go on as the message does, if that is text: then nothing was done.
    #[inline(always)]
    pub(crate) fn join_octet(&mut self, key: u8) -> bool {
        let Marks {
            kept,
            joined,
            next,
            end,
        } = self.marks;
        let Some([octet, _, ..]) = self.storage.as_mut().get_mut(next..) else {
            return false;
        };
        if joined != next || end != next.wrapping_add(1) {
            return false;
        }
        let unmasked = *octet ^ key;
        if !self.judged.takes(unmasked, kept == joined) {
            return false;
        }
        *octet = unmasked;
        self.marks.next = end;
        self.marks.joined = end;
        self.fresh = false;
        true
    }

    /// Joins all that has yet to be handled to the message, where that is something but less than
    /// `limit` octets and there is room for more. Lends it where it lies now, and says whether octets
    /// have come since this was last asked.
    #[inline]
    pub(crate) fn join_less_than(&mut self, limit: u64) -> Option<(Joined<'_>, bool)> {
        let Marks {
            kept,
            joined,
            next,
            end,
        } = self.marks;
        let octets = self.storage.as_mut();
        if next >= end || (end - next) as u64 >= limit || end >= octets.len() {
            return None;
        }
        self.marks.next = end;
        self.marks.joined = joined + (end - next);
        let octets = octets.get_mut(joined..end)?;
        let joined = Joined::new(octets, next - joined, &mut self.judged, kept == joined);
        Some((joined, core::mem::take(&mut self.fresh)))
    }
}

#[cfg(all(test, feature = "alloc"))]
mod tests {
    use super::*;

    #[test]
    fn rule_48_a_waiting_buffer_holds_at_most_twice_the_unfinished_octets_and_one_kib() {
        let mut rx = RecvBuffer::new();
        for _ in 0..100_000 {
            let spare = rx.spare();
            assert!(!spare.is_empty());
            rx.commit(1);
            assert!(
                rx.storage.capacity() <= 2 * rx.len() + 1024,
                "{} for {}",
                rx.storage.capacity(),
                rx.len()
            );
        }
    }

    #[test]
    fn a_fragment_moves_over_its_header_to_the_end_of_the_message() {
        let mut rx = RecvBuffer::with_storage([0; 16]);
        rx.extend(b"hhABhhCDhhEF").unwrap();
        let mut window = rx.window();
        for _ in 0..3 {
            window.skip(2);
            let moved = window.join(2).make(false, |octets, gap, _| {
                octets.copy_within(gap.., 0);
                Ok(())
            });
            assert_eq!(moved, Ok(()));
        }
        assert_eq!(window.kept(), b"ABCDEF");
        let place = window.release(6);
        assert_eq!(rx.window().lend(place), b"ABCDEF");
        assert!(rx.is_empty());
    }

    #[test]
    fn what_is_unfinished_moves_whole_between_buffers() {
        let mut big = RecvBuffer::with_storage([0; 64]);
        big.extend(b"--message--unread").unwrap();
        let mut window = big.window();
        window.skip(2);
        let _ = window.join(7);
        window.skip(2);
        let mut small = RecvBuffer::new();
        big.transfer(&mut small).unwrap();
        assert!(big.is_empty());
        assert_eq!(
            (small.kept(), small.unread()),
            (&b"message"[..], Some(&b"unread"[..]))
        );
        assert_eq!(small.storage.capacity(), 13);
        assert_eq!(
            small.transfer(&mut RecvBuffer::with_storage([0; 12])),
            Err(Full)
        );
        small.transfer(&mut big).unwrap();
        assert_eq!(
            (big.kept(), big.unread()),
            (&b"message"[..], Some(&b"unread"[..]))
        );
        small.release();
        assert_eq!(small.storage.capacity(), 0);
        let (mut least, mut less) = ([0; 13], [0; 12]);
        let mut lent = RecvBuffer::with_storage(&mut less[..]);
        assert_eq!(big.transfer(&mut lent), Err(Full));
        let mut lent = RecvBuffer::with_storage(&mut least[..]);
        big.transfer(&mut lent).unwrap();
        assert_eq!(
            (lent.kept(), lent.unread()),
            (&b"message"[..], Some(&b"unread"[..]))
        );
    }

    #[test]
    fn a_cleared_buffer_holds_nothing_unfinished_and_keeps_its_memory() {
        let mut rx = RecvBuffer::new();
        rx.extend(b"--message--unread").unwrap();
        let mut window = rx.window();
        window.skip(2);
        let _ = window.join(7);
        let capacity = rx.capacity();
        rx.clear();
        assert!(rx.is_empty() && rx.kept().is_empty() && !rx.take_fresh());
        assert_eq!(rx.capacity(), capacity);
    }

    #[test]
    fn a_full_fixed_buffer_lends_no_room_and_loses_nothing() {
        let mut rx = RecvBuffer::with_storage([0; 4]);
        rx.extend(b"abc").unwrap();
        assert_eq!(rx.extend(b"de"), Err(Full));
        rx.extend(b"d").unwrap();
        assert_eq!(rx.spare().len(), 0);
        assert!(rx.window().is_full());
        rx.window().skip(1);
        assert_eq!(rx.spare().len(), 1);
        assert_eq!(rx.unread(), Some(&b"bcd"[..]));
    }

    #[test]
    fn what_is_unfinished_lies_still_as_long_as_there_is_room_for_half_of_what_is_read_ahead() {
        let mut rx = RecvBuffer::with_storage(alloc::vec![0; 1024]);
        rx.commit(512);
        rx.window().skip(100);
        assert_eq!(rx.spare().len(), 512);
        assert_eq!(rx.spare_at_least(512).len(), 512);
        assert_eq!(rx.window().head(412), 100..512);
        // One octet less: it moves to the front, which is room enough.
        rx.commit(1);
        assert_eq!(rx.spare().len(), 1024 - 413);
        assert_eq!(rx.window().head(413), 0..413);
    }

    #[test]
    fn a_storage_that_grows_has_room_for_half_of_what_is_read_ahead_for_every_read() {
        let mut rx = RecvBuffer::new();
        for unfinished in 0..5000 {
            assert!(rx.spare().len() >= READ_AHEAD / 2, "behind {unfinished}");
            rx.commit(1);
        }
        // And a little more than is wanted, for the header of what comes behind.
        assert!(rx.spare_at_least(10_000).len() >= 10_000 + READ_AHEAD / 2);
    }

    /// A buffer of 16 octets in which `message` was joined behind a header of two, and `unread` waits.
    fn within_a_message(message: &[u8], unread: &[u8]) -> RecvBuffer<[u8; 16]> {
        let mut rx = RecvBuffer::with_storage([0; 16]);
        rx.extend(b"hh").unwrap();
        rx.extend(message).unwrap();
        rx.extend(unread).unwrap();
        let mut window = rx.window();
        window.skip(2);
        let _ = window.join(message.len());
        rx
    }

    #[test]
    fn all_that_came_joins_the_message_where_it_is_less_than_the_frame_has_left() {
        let mut rx = within_a_message(b"abc", b"defg");
        assert!(
            rx.join_less_than(4).is_none(),
            "the frame would end with it"
        );
        assert_eq!((rx.kept(), rx.unread()), (&b"abc"[..], Some(&b"defg"[..])));
        let (_, fresh) = rx.join_less_than(5).unwrap();
        assert!(fresh, "octets had come");
        assert_eq!((rx.kept(), rx.unread()), (&b"abcdefg"[..], Some(&b""[..])));
        assert!(rx.join_less_than(5).is_none(), "nothing more has come");
        let mut full = within_a_message(b"abc", b"01234567890");
        assert!(full.join_less_than(100).is_none(), "no room for more");
    }

    #[test]
    fn one_octet_joins_the_message_right_behind_it_unmasked() {
        let mut rx = within_a_message(b"abc", b"D");
        assert!(rx.join_octet(b'D' ^ b'd'));
        assert_eq!((rx.kept(), rx.unread()), (&b"abcd"[..], Some(&b""[..])));
        assert!(!rx.take_fresh(), "it has been looked at");
        assert!(!rx.join_octet(0), "nothing more has come");
        let mut elsewhere = within_a_message(b"abc", b"..d");
        elsewhere.window().skip(2);
        for mut rx in [
            within_a_message(b"abc", b"de"),
            within_a_message(b"abc", b"01234567890"),
            elsewhere,
        ] {
            let before = rx.clone();
            assert!(!rx.join_octet(1), "two, no room for more, or not there");
            assert_eq!((rx.kept(), rx.unread()), (before.kept(), before.unread()));
        }
    }

    #[test]
    fn one_octet_joins_a_text_that_goes_on_so() {
        let mut rx = RecvBuffer::with_storage([0; 16]);
        rx.window().begin_message(true);
        for octet in *b"\xE2\x98\x83a" {
            rx.extend(&[octet ^ 0x20]).unwrap();
            assert!(rx.join_octet(0x20));
        }
        assert_eq!(rx.kept(), "\u{2603}a".as_bytes());
        assert!(rx.window().is_text(4));
        rx.extend(&[0x83 ^ 0x20]).unwrap();
        assert!(!rx.join_octet(0x20), "it doesn't go on so");
        assert_eq!(rx.unread(), Some(&[0x83 ^ 0x20][..]));
    }

    #[test]
    fn nothing_is_known_of_a_message_that_begins_behind_another_connections() {
        let mut rx = within_a_message(b"\xFF", b"");
        rx.window().begin_message(true);
        rx.extend(b"a").unwrap();
        assert!(rx.join_less_than(2).is_some());
        assert!(!rx.window().is_text(2));
    }

    #[test]
    fn what_another_message_left_open_is_not_gone_on_with() {
        let mut rx = RecvBuffer::with_storage([0; 16]);
        rx.window().begin_message(true);
        rx.extend(b"\xC3").unwrap();
        assert!(rx.join_octet(0));
        let mut other = RecvBuffer::with_storage([0; 16]);
        rx.transfer(&mut other).unwrap();
        rx.extend(b"\xA9").unwrap();
        assert!(!rx.join_octet(0), "its message has moved on");
        other.extend(b"\xA9").unwrap();
        assert!(other.join_octet(0));
    }

    #[test]
    fn a_message_that_does_not_fit_behind_what_was_handled_moves_while_little_of_it_has_come() {
        let mut rx = RecvBuffer::with_storage([0; 16]);
        rx.extend(b"handled.ab").unwrap();
        rx.window().skip(8);
        rx.window().make_way(8);
        assert_eq!(rx.marks.next, 8, "all of it fits where it is");
        rx.window().make_way(9);
        assert_eq!((rx.marks.next, rx.unread()), (0, Some(&b"ab"[..])));
        // What is kept of the message moves along.
        let mut rx = within_a_message(b"abc", b"de");
        let Marks { kept, end, .. } = rx.marks;
        rx.window().make_way(16);
        assert_eq!((rx.kept(), rx.unread()), (&b"abc"[..], Some(&b"de"[..])));
        assert!(rx.marks.kept == 0 && kept >= 1 && rx.marks.end < end);
    }

    #[test]
    fn there_is_room_for_a_frame_under_way_where_it_ends_and_else_for_what_is_wanted() {
        let mut rx = RecvBuffer::with_storage(alloc::vec![0; 1024]);
        rx.extend(&[b'.'; 1000]).unwrap();
        rx.window().skip(900);
        rx.window().make_way(124);
        assert_eq!(rx.spare_for(900).len(), 24, "which is what it lacks");
        rx.commit(23);
        assert_eq!(rx.spare_for(900).len(), 1, "and has the last octet for");
        // What is known of the frame moves along with it.
        let mut to = RecvBuffer::with_storage(alloc::vec![0; 124]);
        rx.clone().transfer(&mut to).unwrap();
        assert_eq!(to.spare().len(), 1);
        assert_eq!(to.clone().spare_for(124).len(), 1);
        let grown = to.clone().spare_for(125).len();
        assert!(grown >= 125, "the storage was less than what is wanted");
        to.commit(1);
        assert!(to.spare().len() >= READ_AHEAD / 2, "it has ended");
        assert_eq!(rx.spare().len(), 1);
        assert_eq!(rx.spare_at_least(1).len(), 1024 - 123, "gathered");
        assert_eq!(rx.due.moved(124), Due::NOWHERE);
        rx.window().end_frame();
        assert!(rx.spare_for(1024).len() >= 1024, "it has ended");
        rx.commit(1);
        assert!(rx.spare_for(1024).len() >= 1024);
        // Behind a message under construction, too.
        let mut rx = within_a_message(b"abc", b"de");
        rx.window().make_way(8);
        let mut to = RecvBuffer::with_storage([0; 16]);
        rx.clone().transfer(&mut to).unwrap();
        assert!(rx.marks.next > 3 && to.marks.next == 3, "moved");
        assert_eq!(to.due, Due::at(3 + 8));
        assert_eq!(rx.spare_at_least(12).len(), 16 - 5, "gathered");
        assert_eq!(rx.due, Due::at(3 + 8));
        // A frame that doesn't end in the storage gets what is wanted.
        let mut rx = within_a_message(b"abc", b"de");
        rx.window().make_way(100);
        assert_eq!(rx.spare_for(12).len(), 16 - 5);
    }

    #[test]
    fn what_was_handled_becomes_the_gap_where_no_message_is_under_construction() {
        let mut rx = RecvBuffer::with_storage([0; 16]);
        rx.extend(b"handledunread").unwrap();
        let mut window = rx.window();
        window.skip(7);
        window.open_gap();
        let (gap, behind) = window.gap_and_behind();
        assert_eq!((gap.len(), &behind[..9]), (7, &b"unread\0\0\0"[..]));
        // Of a message, nothing is given up.
        let mut rx = within_a_message(b"abc", b"hdef");
        let mut window = rx.window();
        window.skip(1);
        window.open_gap();
        assert_eq!(window.kept(), b"abc");
        let (gap, behind) = window.gap_and_behind();
        assert_eq!((gap.len(), &behind[..3]), (1, &b"def"[..]));
    }
}
