//! Octets that have come from the network and wait to be decrypted.

use std::vec::Vec;

/// The most that is read at once: what a message of 64 KiB comes to, and a little more.
const MOST: usize = 72 << 10;

/// Room beyond that for what comes out: headers and tags of a few records.
const BEYOND: usize = 2 << 10;

/// Octets that have come and wait to be decrypted. They are mostly decrypted at once.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    octets: Vec<u8>,
    /// What waits is `octets[start..end]`.
    start: usize,
    end: usize,
}

impl Incoming {
    /// Nothing, in memory that was used before.
    #[cfg(feature = "poll")]
    pub(super) const fn reusing(octets: Vec<u8>) -> Self {
        Self {
            octets,
            start: 0,
            end: 0,
        }
    }

    /// Its memory, where nothing waits.
    #[cfg(feature = "poll")]
    pub(super) fn release(&mut self) -> Option<Vec<u8>> {
        self.is_empty().then(|| core::mem::take(self).octets)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// What waits.
    pub(super) fn waiting(&self) -> &[u8] {
        &self.octets[self.start..self.end]
    }

    /// The first `count` octets are decrypted.
    pub(super) fn consume(&mut self, count: usize) {
        self.start += count;
        debug_assert!(self.start <= self.end);
    }

    /// Where to read to, when nothing waits: as much as makes `plain` octets of plaintext, and no less
    /// than that.
    pub(super) fn room(&mut self, plain: usize) -> &mut [u8] {
        debug_assert!(self.is_empty());
        (self.start, self.end) = (0, 0);
        let wanted = plain.saturating_add(BEYOND).min(MOST);
        if self.octets.len() < wanted {
            self.octets.resize(wanted, 0);
        }
        &mut self.octets[..wanted]
    }

    /// Gives memory back, where there is far more than is asked for.
    pub(super) fn shrink(&mut self, plain: usize) {
        let wanted = plain.saturating_add(BEYOND).min(MOST);
        if self.is_empty() && self.octets.len() > 2 * wanted {
            self.octets = Vec::new();
        }
    }

    /// So many octets were read into [`room`](Self::room).
    pub(super) fn commit(&mut self, count: usize) {
        self.end = count;
    }
}
