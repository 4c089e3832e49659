//! What memory a connection keeps from one message to the next.

use std::vec::Vec;

use crate::adapter::sizes::MOST_KEPT;
use crate::buffer::{RecvBuffer, SendBuffer};

/// So many reads in a row have to do with less before memory is given back: a stream of big messages, each
/// in many reads, keeps what it needs.
const READS: u8 = 32;

/// The most that is kept for that: more is given back at once.
const MOST_FOR_STREAMS: usize = 4 << 20;

/// For how long less memory would have done for a buffer.
#[derive(Debug)]
pub(super) struct Spared {
    /// Reads in a row that began with more than is kept.
    reads: u8,
}

impl Spared {
    pub(super) const fn new() -> Self {
        Self { reads: 0 }
    }

    /// Before a read: gives back what a big message has taken, if it hasn't been needed for long enough.
    pub(super) fn settle_received(&mut self, rx: &mut RecvBuffer<Vec<u8>>) {
        if self.is_enough(rx.capacity(), 2 * (rx.len() + MOST_KEPT)) {
            rx.release();
        }
    }

    /// The same for what big answers have taken.
    pub(super) fn settle_sent(&mut self, tx: &mut SendBuffer<Vec<u8>>) {
        if self.is_enough(tx.capacity(), 2 * MOST_KEPT) {
            tx.release();
        }
    }

    fn is_enough(&mut self, capacity: usize, needed: usize) -> bool {
        let much = capacity > needed;
        let enough = much && (self.reads >= READS || capacity > needed.max(MOST_FOR_STREAMS));
        self.reads = if much && !enough { self.reads + 1 } else { 0 };
        enough
    }

    /// A read has waited in vain: the next big message may be far away.
    pub(super) fn waited(&mut self) {
        self.reads = READS;
    }
}

#[cfg(test)]
mod tests {
    use std::vec;

    use super::*;

    const BIG: usize = 1 << 20;

    #[test]
    fn a_stream_of_big_messages_keeps_its_memory() {
        let mut rx = RecvBuffer::new();
        let mut received = Spared::new();
        for round in 0..20 {
            for _ in 0..BIG / MOST_KEPT {
                received.settle_received(&mut rx);
                rx.extend(&[0; MOST_KEPT]).unwrap();
            }
            assert!(round == 0 || rx.capacity() >= BIG);
            rx.transfer(&mut RecvBuffer::<Vec<u8>>::new()).unwrap();
        }
    }

    #[test]
    fn memory_is_given_back_after_many_reads_without_need_or_one_in_vain() {
        for in_vain in [false, true] {
            let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
            let (mut received, mut sent) = (Spared::new(), Spared::new());
            rx.extend(&[0; BIG]).unwrap();
            rx.transfer(&mut RecvBuffer::<Vec<u8>>::new()).unwrap();
            tx.extend(&[0; BIG]).unwrap();
            tx.clear();
            let mut reads = 0;
            while rx.capacity() != 0 || tx.capacity() != 0 {
                if in_vain {
                    received.waited();
                    sent.waited();
                }
                received.settle_received(&mut rx);
                sent.settle_sent(&mut tx);
                reads += 1;
            }
            assert_eq!(reads, if in_vain { 1 } else { usize::from(READS) + 1 });
        }
    }

    #[test]
    fn what_a_very_big_message_took_is_given_back_at_once() {
        let mut rx = RecvBuffer::new();
        rx.extend(&vec![0; MOST_FOR_STREAMS + 1]).unwrap();
        let mut received = Spared::new();
        received.settle_received(&mut rx);
        assert!(rx.capacity() > MOST_FOR_STREAMS, "it isn't through");
        rx.transfer(&mut RecvBuffer::<Vec<u8>>::new()).unwrap();
        received.settle_received(&mut rx);
        assert_eq!(rx.capacity(), 0);
    }

    #[test]
    fn what_is_warm_is_kept() {
        let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
        let (mut received, mut sent) = (Spared::new(), Spared::new());
        rx.extend(&[0; MOST_KEPT]).unwrap();
        tx.extend(&[0; MOST_KEPT + 10]).unwrap();
        tx.clear();
        let before = (rx.capacity(), tx.capacity());
        for _ in 0..100 {
            received.settle_received(&mut rx);
            sent.settle_sent(&mut tx);
        }
        assert_eq!((rx.capacity(), tx.capacity()), before);
    }
}
