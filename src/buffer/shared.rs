//! Frames that several send buffers hold at once, in their places among the octets of each.

use alloc::collections::VecDeque;
use alloc::sync::Arc;

/// Shared frames, in order. Each stands behind so many octets of the buffer's own.
#[derive(Clone, Debug, Default)]
pub(super) struct SharedFrames {
    queue: VecDeque<Shared>,
    /// What waits of them.
    len: usize,
    /// The buffer's own octets that stand before a frame.
    own_len: usize,
}

#[derive(Clone, Debug)]
struct Shared {
    /// The buffer's own octets between the frame before this one and this.
    own_before: usize,
    frame: Arc<[u8]>,
    written: usize,
}

impl Shared {
    fn octets(&self) -> &[u8] {
        self.frame.get(self.written..).unwrap_or_default()
    }
}

impl SharedFrames {
    /// Puts a frame behind all of the buffer's own octets, of which there are `own_len`.
    pub(super) fn push(&mut self, frame: Arc<[u8]>, own_len: usize) {
        self.len += frame.len();
        self.queue.push_back(Shared {
            own_before: own_len - self.own_len,
            frame,
            written: 0,
        });
        self.own_len = own_len;
    }

    /// Octets of shared frames that wait.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// All pieces in order, given the buffer's own octets.
    pub(super) fn pieces<'a>(&'a self, own: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = own;
        let mut queue = self.queue.iter();
        let mut frame = None;
        let mut over = false;
        core::iter::from_fn(move || {
            loop {
                if let Some(octets) = frame.take() {
                    return Some(octets);
                }
                if over {
                    return None;
                }
                let piece = if let Some(next) = queue.next() {
                    frame = Some(next.octets());
                    let (before, behind) = rest.split_at_checked(next.own_before)?;
                    rest = behind;
                    before
                } else {
                    over = true;
                    rest
                };
                if !piece.is_empty() {
                    return Some(piece);
                }
            }
        })
    }

    /// The first of what waits has been written: how many octets of the next `count` were the buffer's
    /// own.
    pub(super) fn consume(&mut self, count: usize) -> usize {
        let mut rest = count;
        let mut own = 0;
        while let Some(next) = self.queue.front_mut() {
            let before = next.own_before.min(rest);
            next.own_before -= before;
            rest -= before;
            own += before;
            let written = next.octets().len().min(rest);
            next.written += written;
            rest -= written;
            self.len -= written;
            // No frame is without octets.
            if !next.octets().is_empty() {
                break;
            }
            self.queue.pop_front();
        }
        self.own_len -= own;
        own + rest
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn pieces_come_in_order_however_they_are_consumed() {
        let whole = b"ab-one-two-cd-three-ef";
        for step in 1..whole.len() {
            let mut own: &[u8] = b"abcdef";
            let mut shared = SharedFrames::default();
            shared.push(Arc::from(&b"-one-"[..]), 2);
            shared.push(Arc::from(&b"two-"[..]), 2);
            shared.push(Arc::from(&b"-three-"[..]), 4);
            let mut written = Vec::new();
            while !shared.is_empty() || !own.is_empty() {
                let all: Vec<u8> = shared.pieces(own).collect::<Vec<_>>().concat();
                assert_eq!(all, whole[written.len()..]);
                assert_eq!(all.len(), shared.len() + own.len());
                let first = shared.pieces(own).next().unwrap();
                let count = first.len().min(step);
                written.extend_from_slice(&first[..count]);
                own = &own[shared.consume(count)..];
            }
            assert_eq!(written, whole);
        }
    }
}
