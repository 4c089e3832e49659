//! One measured loop: when it starts and stops, and whether what came was what had been sent.

use std::cell::Cell;
use std::time::Duration;

use crate::callgrind;

/// CPU time of this thread. Unlike a clock it leaves out the time that other programs have had the core.
pub fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

thread_local! {
    /// Counted up by the allocator of a program that counts allocations, else zero for ever.
    pub static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// What a run of the loop does beside the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Compares every message with what was sent.
    Check,
    /// Takes the time, and compares lengths only.
    Time,
    /// Has callgrind count, and compares lengths only.
    Count,
}

/// Counts messages and takes the time of those after the warm-up. A peer's loop is
/// `while meter.more() { …one message…; meter.got(payload) }`.
#[derive(Debug)]
pub struct Meter<'a> {
    mode: Mode,
    /// What the messages are, in rotation.
    expected: &'a [Vec<u8>],
    /// How many octets each of them has, and by how many the lengths differ.
    length: usize,
    spread: usize,
    warm_up: usize,
    count: usize,
    begun: usize,
    /// Where the warm-up ends, then where everything ends.
    turn: usize,
    received: usize,
    started: Duration,
    allocations: u64,
    /// What the measured part took.
    pub elapsed: Duration,
}

impl<'a> Meter<'a> {
    /// A loop of `warm_up + count` messages.
    pub fn new(mode: Mode, warm_up: usize, count: usize, expected: &'a [Vec<u8>]) -> Self {
        let lengths = || expected.iter().map(Vec::len);
        let (length, longest) = (lengths().min().unwrap_or(0), lengths().max().unwrap_or(0));
        Self {
            mode,
            expected,
            length,
            spread: longest - length,
            warm_up,
            count,
            begun: 0,
            turn: warm_up,
            received: 0,
            started: Duration::ZERO,
            allocations: 0,
            elapsed: Duration::ZERO,
        }
    }

    /// Whether there is another message to handle.
    #[inline(always)]
    pub fn more(&mut self) -> bool {
        if self.begun == self.turn && !self.turned() {
            return false;
        }
        self.begun += 1;
        true
    }

    /// How many messages to handle next, `most` at the most; none at the end.
    #[inline(always)]
    pub fn take(&mut self, most: usize) -> usize {
        if self.begun == self.turn && !self.turned() {
            return 0;
        }
        let next = most.min(self.turn - self.begun);
        self.begun += next;
        next
    }

    /// The end of the warm-up, or of everything: whether there is more to do.
    #[cold]
    #[inline(never)]
    fn turned(&mut self) -> bool {
        if self.turn == self.warm_up {
            self.turn = self.warm_up + self.count;
            self.start();
            return true;
        }
        self.stop();
        false
    }

    /// A message has been delivered to the application.
    #[inline(always)]
    pub fn got(&mut self, payload: &[u8]) {
        assert!(
            payload.len().wrapping_sub(self.length) <= self.spread,
            "a message of another length"
        );
        std::hint::black_box(payload.as_ptr());
        if self.mode == Mode::Check {
            self.compare(payload);
        }
    }

    /// Whether messages are compared.
    #[inline(always)]
    pub const fn compares(&self) -> bool {
        matches!(self.mode, Mode::Check)
    }

    /// How many messages are measured.
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Allocations in the measured part, where they are counted.
    pub const fn allocations(&self) -> u64 {
        self.allocations
    }

    /// How many messages were compared.
    pub const fn compared(&self) -> usize {
        self.received
    }

    #[cold]
    fn compare(&mut self, payload: &[u8]) {
        let expected = &self.expected[self.received % self.expected.len()];
        assert!(
            payload == &expected[..],
            "message {} differs",
            self.received
        );
        self.received += 1;
    }

    fn start(&mut self) {
        self.allocations = ALLOCATIONS.get();
        if self.mode == Mode::Count {
            callgrind::zero();
            callgrind::toggle();
        }
        self.started = cpu_time();
    }

    fn stop(&mut self) {
        self.elapsed = cpu_time().saturating_sub(self.started);
        if self.mode == Mode::Count {
            callgrind::toggle();
        }
        self.allocations = ALLOCATIONS.get() - self.allocations;
    }
}
