//! What is known of the message under construction as text, so that it need not be judged a second time
//! when it is lent.
//!
//! The buffer keeps it, not the machine: it is said of these octets, and a caller may pass another buffer
//! to the same connection.
//!
//! # What holds
//! Where a message is known, its octets are UTF-8, up to the last `pending` ones, which begin a code point
//! and are what the validator has open. Octets join a message as [`Joined`], of which nothing is known
//! unless it has them judged, or one by one, if the validator [takes](Judged::takes) them; they leave it from
//! the beginning, in whole code points, or all at once. What is moved stays the same, if the storage is one
//! that [keeps](super::Storage::keeps) what it is given.

use crate::utf8::{InvalidUtf8, Utf8Validator};

/// What is known of a message as text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Judged {
    /// Has seen what of the message is text.
    text: Utf8Validator,
    /// It has seen all of it.
    known: bool,
}

/// Whether a text that is known is lent without another look. Without an allocator, where room is short, it
/// is judged again instead.
const TRUSTED: bool = cfg!(feature = "alloc");

impl Judged {
    /// A message without octets, which are a text.
    const EMPTY: Self = Self {
        text: Utf8Validator::new(),
        known: TRUSTED,
    };

    /// A message that needn't be text.
    const NO_TEXT: Self = Self {
        text: Utf8Validator::ANYTHING,
        known: false,
    };

    /// No message that anything is known of.
    pub(super) const UNKNOWN: Self = Self {
        text: Utf8Validator::new(),
        known: false,
    };

    /// What is known of a message when it begins.
    pub(super) const fn beginning(text: bool) -> Self {
        if text { Self::EMPTY } else { Self::NO_TEXT }
    }

    /// Nothing is known any more.
    pub(super) const fn doubt(&mut self) {
        if TRUSTED {
            self.known = false;
        }
    }

    /// The first `count` octets of a message of `len` leave it.
    pub(super) const fn leave(&mut self, count: usize, len: usize) {
        if !self.covers(count, len) {
            self.doubt();
        }
    }

    /// Takes an octet that joins the message, the `first` of it or not: false, and nothing has changed, where the
    /// message is a text that doesn't go on with it, or nothing is known of its beginning.
    #[inline(always)]
    pub(super) const fn takes(&mut self, octet: u8, first: bool) -> bool {
        self.text.takes(octet, first)
    }

    /// Whether octets at the end begin a code point that goes on in what has not come.
    pub(super) const fn is_cut(self) -> bool {
        !self.text.is_complete()
    }

    /// How many octets at the end begin a code point that goes on in what has not come.
    pub(super) const fn pending(self) -> usize {
        self.text.pending()
    }

    /// Whether all octets of the message are known to be text.
    pub(super) const fn covers_all(self) -> bool {
        TRUSTED && self.known && self.text.is_complete()
    }

    /// Whether the first `count` octets of a message of `len` are known to be text, and no more of them.
    pub(super) const fn covers(self, count: usize, len: usize) -> bool {
        TRUSTED && self.known && count.saturating_add(self.pending()) == len
    }
}

/// Octets that have just joined the message, behind a gap that lies between. Nothing is known of the message any more,
/// unless they are judged.
#[must_use = "they are where they belong only when they have been made"]
pub(crate) struct Joined<'a> {
    octets: &'a mut [u8],
    gap: usize,
    judged: &'a mut Judged,
    /// What was before them was known.
    known: bool,
}

impl<'a> Joined<'a> {
    /// `octets` from a `gap` on, behind a message of which `judged` tells; `first`: which has no octets yet.
    #[inline]
    pub(super) fn new(
        octets: &'a mut [u8],
        gap: usize,
        judged: &'a mut Judged,
        first: bool,
    ) -> Self {
        if first {
            *judged = Judged::EMPTY;
        }
        let known = TRUSTED && core::mem::take(&mut judged.known);
        Self {
            octets,
            gap,
            judged,
            known,
        }
    }

    /// Has them made what they are to be, at the beginning, before the gap, and, where that is `text`, judged: `make` takes
    /// all of them, as they are afterwards, to the validator.
    ///
    /// # Errors
    /// What `make` says.
    #[inline]
    pub(crate) fn make(
        self,
        text: bool,
        make: impl FnOnce(&mut [u8], usize, Option<&mut Utf8Validator>) -> Result<(), InvalidUtf8>,
    ) -> Result<(), InvalidUtf8> {
        if !text {
            *self.judged = Judged::NO_TEXT;
            return make(self.octets, self.gap, None);
        }
        make(self.octets, self.gap, Some(&mut self.judged.text))?;
        self.judged.known = TRUSTED && self.known;
        Ok(())
    }
}

#[cfg(all(test, feature = "alloc"))]
mod tests {
    use super::*;

    fn join(judged: &mut Judged, octets: &[u8], first: bool) -> bool {
        let mut octets = [octets, &[]].concat();
        let joined = Joined::new(&mut octets, 0, judged, first);
        joined
            .make(true, |octets, _, text| {
                text.map_or(Ok(()), |text| text.validate(octets))
            })
            .is_ok()
    }

    #[test]
    fn whole_code_points_are_known_to_be_text() {
        let mut judged = Judged::UNKNOWN;
        assert!(join(&mut judged, b"caf\xC3", true));
        assert_eq!(judged.pending(), 1);
        assert!(judged.covers(3, 4) && !judged.covers(4, 4) && !judged.covers(2, 4));
        assert!(!judged.covers_all());
        assert!(join(&mut judged, b"\xA9", false));
        assert!(judged.covers(5, 5) && judged.covers_all());
    }

    #[test]
    fn what_is_left_of_a_text_is_known_where_whole_code_points_have_gone() {
        let mut judged = Judged::UNKNOWN;
        assert!(join(&mut judged, b"caf\xC3", true));
        judged.leave(3, 4);
        assert!(join(&mut judged, b"\xA9", false));
        assert!(judged.covers(2, 2));
        judged.leave(1, 2);
        assert!(!judged.covers(1, 1), "half a code point");
    }

    #[test]
    fn nothing_is_known_once_something_was_not_judged_or_no_text() {
        let mut judged = Judged::UNKNOWN;
        assert!(join(&mut judged, b"text", true));
        let mut other = [0xFF];
        let joined = Joined::new(&mut other, 0, &mut judged, false);
        assert_eq!(joined.make(false, |_, _, _| Ok(())), Ok(()));
        assert!(!judged.covers(5, 5) && !judged.covers_all());
        assert!(
            join(&mut judged, b"text", false),
            "this is, but not the whole"
        );
        assert!(!judged.covers(9, 9));
        assert!(join(&mut judged, b"text", true), "another message");
        assert!(judged.covers(4, 4));
        assert!(!join(&mut judged, b"\xFF", false));
        assert!(!judged.covers(5, 5));
        assert!(join(&mut judged, b"text", true));
        let _ = Joined::new(&mut other, 0, &mut judged, false);
        assert!(!judged.covers(5, 5), "nobody looked");
    }

    #[test]
    fn octets_are_taken_one_by_one_where_a_text_goes_on_so() {
        let mut judged = Judged::beginning(true);
        assert!(!judged.takes(0xFF, true) && judged.takes(b'a', true));
        for octet in *b"\xC3\xA9\xE2\x98\x83" {
            let before = judged;
            assert!(!judged.takes(0xFF, false));
            assert_eq!(judged, before);
            assert!(judged.takes(octet, false));
            assert_ne!(judged, before);
        }
        assert!(judged.covers(6, 6) && judged.covers_all());
        assert!(judged.takes(0xC3, false) && judged.covers(6, 7));
        assert!(!judged.takes(0xA9, true), "left open by another");
        judged.doubt();
        assert!(judged.takes(0xA9, false) && !judged.covers(8, 8));
    }

    #[test]
    fn what_needs_not_be_text_takes_any_octet_and_is_not_known_to_be() {
        let mut judged = Judged::beginning(false);
        for octet in 0..=u8::MAX {
            assert!(judged.takes(octet, octet == 0));
        }
        assert!(!judged.covers_all() && !judged.is_cut());
        assert!(join(&mut judged, b"text", true), "the next is");
        assert!(judged.covers_all());
        let mut octets = [0xFF];
        let joined = Joined::new(&mut octets, 0, &mut judged, true);
        assert_eq!(joined.make(false, |_, _, _| Ok(())), Ok(()));
        assert!(judged.takes(0xFF, false), "as it began");
    }

    #[test]
    fn what_was_left_open_by_a_message_is_not_gone_on_with_by_the_next() {
        let mut judged = Judged::UNKNOWN;
        assert!(join(&mut judged, b"caf\xC3", true));
        assert!(!join(&mut judged, b"\xA9", true));
    }
}
