//! Buffers that a connection has only while there is something in them.
//!
//! Each thread has a few to lend. A connection reads into a big one, so that one read takes all that has
//! come; what is small, as a message or two are, moves to a small one, so that whoever handles it may take
//! its time. Before a task waits it gives back what is empty, and keeps what is unfinished in memory of at
//! most twice its size and 1 KiB.

use core::cell::RefCell;
use core::mem;
use std::boxed::Box;
use std::io::{self, ErrorKind, IoSlice};
use std::task::{Context, Poll, ready};
use std::vec;
use std::vec::Vec;

use bytes::{Buf, Bytes};

use super::Io;
use crate::adapter::sizes::MOST_KEPT;
use crate::buffer::{RecvBuffer, SendBuffer};
use crate::time::Instant;

/// A growing receive buffer.
pub(super) type Rx = RecvBuffer<Vec<u8>>;

/// Asked for in one read: a frame of 64 KiB with its header, and a little more.
const READ: usize = 68 << 10;

/// What is moved to a small buffer; more stays where it was read.
const SMALL: usize = 4 << 10;

/// How many buffers of each kind a thread has to lend.
const BIG_ONES: usize = 4;
const SMALL_ONES: usize = 16;
const OUTPUTS: usize = 8;

/// The largest send buffer that is lent again: the answer to a large read.
const OUTPUT: usize = 2 * MOST_KEPT;

/// Beyond what waits, what a waiting connection may hold.
const SLACK: usize = 1024;

/// What a thread has to lend. The boxes go from hand to hand.
#[derive(Default)]
#[allow(clippy::vec_box)]
struct Pool {
    big: Vec<Box<Rx>>,
    small: Vec<Box<Rx>>,
    outputs: Vec<Box<Output>>,
}

std::thread_local! {
    static POOL: RefCell<Pool> = RefCell::default();
}

/// `None` where the thread is ending.
fn with_pool<R>(ask: impl FnOnce(&mut Pool) -> R) -> Option<R> {
    POOL.try_with(|pool| ask(&mut pool.borrow_mut())).ok()
}

fn take_big() -> Box<Rx> {
    with_pool(|pool| pool.big.pop())
        .flatten()
        .unwrap_or_else(|| Box::new(Rx::with_storage(vec![0; READ])))
}

#[cold]
fn take_small() -> Box<Rx> {
    with_pool(|pool| pool.small.pop())
        .flatten()
        .unwrap_or_default()
}

#[cold]
fn take_output(limit: usize) -> Box<Output> {
    let mut output = with_pool(|pool| pool.outputs.pop())
        .flatten()
        .unwrap_or_else(|| Box::new(Output::new()));
    output.tx.set_limit(limit);
    output
}

/// Takes back a buffer that is empty, and forgets whose it was.
fn give_back(mut rx: Box<Rx>) {
    rx.clear();
    with_pool(|pool| {
        let (list, most) = match rx.capacity() {
            READ => (&mut pool.big, BIG_ONES),
            0..=SMALL => (&mut pool.small, SMALL_ONES),
            // It has grown for a message, and goes with it.
            _ => return,
        };
        if list.len() < most {
            list.push(rx);
        }
    });
}

fn most_held(unfinished: usize) -> usize {
    2 * unfinished + SLACK
}

/// A place for a receive buffer.
#[derive(Default)]
pub(super) struct Input(Option<Box<Rx>>);

impl Input {
    pub(super) fn new(rx: Rx) -> Self {
        Self((!rx.is_empty()).then(|| Box::new(rx)))
    }

    /// The buffer.
    #[inline]
    pub(super) fn rx(&mut self) -> &mut Rx {
        self.0.get_or_insert_with(take_small)
    }

    /// The buffer, where there is one.
    #[inline]
    pub(super) fn get(&self) -> Option<&Rx> {
        self.0.as_deref()
    }

    /// Reads once.
    pub(super) fn poll_fill<T: Io>(
        &mut self,
        io: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if let Some(rx) = &mut self.0
            && rx.len() > SMALL
        {
            // A large message goes straight to its place.
            let count = ready!(io.poll_read(cx, rx.spare()))?;
            rx.commit(count);
            return Poll::Ready(Ok(count));
        }
        // While the transport is asked, the buffer is nobody else's: a transport may well be a
        // WebSocket itself.
        let mut big = take_big();
        if let Some(rx) = &mut self.0
            && rx.transfer(&mut *big).is_err()
        {
            debug_assert!(
                false,
                "a buffer that was given back is empty, and a big one large enough"
            );
        }
        let read = io.poll_read(cx, big.spare());
        if let Poll::Ready(Ok(count)) = read {
            big.commit(count);
        }
        let moved = big.is_empty() || big.len() <= SMALL && big.transfer(self.rx()).is_ok();
        let rest = if moved {
            Some(big)
        } else {
            self.0.replace(big)
        };
        if let Some(empty) = rest {
            give_back(empty);
        }
        read
    }

    /// Gives back what isn't needed while the task waits.
    pub(super) fn settle(&mut self) {
        match &mut self.0 {
            Some(rx) if rx.is_empty() => {
                if let Some(rx) = self.0.take() {
                    give_back(rx);
                }
            }
            Some(rx) if rx.capacity() > most_held(rx.len()) => {
                let mut own = Box::<Rx>::default();
                if rx.transfer(&mut *own).is_ok() {
                    give_back(mem::replace(rx, own));
                }
            }
            _ => {}
        }
    }
}

/// What is to be written: frames in the send buffer, and at most one payload behind them that was not
/// copied.
pub(super) struct Output {
    tx: SendBuffer<Vec<u8>>,
    apart: Bytes,
    /// Something was written that the transport may hold back.
    unflushed: bool,
    /// Since when the transport has taken nothing.
    pub(super) stalled_since: Option<Instant>,
}

impl Output {
    const fn new() -> Self {
        Self {
            tx: SendBuffer::new(),
            apart: Bytes::new(),
            unflushed: false,
            stalled_since: None,
        }
    }

    /// The send buffer. A payload that waits behind it moves into it first, as nothing may come between
    /// a frame's header and its payload.
    #[inline]
    pub(super) fn tx(&mut self) -> &mut SendBuffer<Vec<u8>> {
        if self.is_apart() {
            self.join();
        }
        &mut self.tx
    }

    /// The send buffer, where it is known that no payload waits behind it.
    #[inline]
    pub(super) fn frames(&mut self) -> &mut SendBuffer<Vec<u8>> {
        debug_assert!(!self.is_apart(), "a payload has to follow its header");
        &mut self.tx
    }

    /// Whether a payload waits behind the send buffer.
    #[inline]
    pub(super) fn is_apart(&self) -> bool {
        !self.apart.is_empty()
    }

    #[cold]
    fn join(&mut self) {
        let apart = mem::take(&mut self.apart);
        let fits = self.tx.extend(&apart);
        debug_assert!(fits.is_ok(), "the limit was looked at when it was queued");
    }

    /// Puts a payload behind what waits.
    pub(super) fn set_apart(&mut self, payload: Bytes) {
        debug_assert!(self.apart.is_empty());
        self.apart = payload;
    }

    pub(super) fn len(&self) -> usize {
        self.tx.len() + self.apart.len()
    }

    pub(super) fn clear(&mut self) {
        self.tx.clear();
        self.apart = Bytes::new();
        self.unflushed = false;
        self.stalled_since = None;
    }

    /// Whether nothing waits, with the transport neither.
    pub(super) fn is_done(&self) -> bool {
        self.len() == 0 && !self.unflushed
    }

    /// Writes once: what waits, and behind it `payload`, in one. Says how much of the payload has gone.
    pub(super) fn poll_write_once<T: Io>(
        &mut self,
        io: &mut T,
        cx: &mut Context<'_>,
        payload: &[u8],
    ) -> Poll<io::Result<usize>> {
        let waiting = self.tx.octets();
        // Behind a shared frame there is more in the send buffer, which comes first.
        let last = waiting.len() == self.tx.len();
        let written = if payload.is_empty() || !last {
            io.poll_write(cx, waiting)
        } else {
            io.poll_write_vectored(cx, &[IoSlice::new(waiting), IoSlice::new(payload)])
        };
        let count = match ready!(written) {
            Ok(0) => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => 0,
            Err(error) => return Poll::Ready(Err(error)),
        };
        self.unflushed = true;
        self.stalled_since = None;
        let frames = count.min(waiting.len());
        self.tx.consume(frames);
        Poll::Ready(Ok(count - frames))
    }

    /// Writes everything, and has the transport pass it on.
    pub(super) fn poll_write<T: Io>(
        &mut self,
        io: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.len() != 0 {
            let apart = mem::take(&mut self.apart);
            let written = self.poll_write_once(io, cx, &apart);
            self.apart = apart;
            let gone = ready!(written)?;
            if gone < self.apart.len() {
                self.apart.advance(gone);
            } else {
                // What is empty would still hold the payload's memory.
                self.apart = Bytes::new();
            }
        }
        while self.unflushed || io.holds_back() {
            match ready!(io.poll_flush(cx)) {
                Ok(()) => self.unflushed = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
            self.stalled_since = None;
        }
        Poll::Ready(Ok(()))
    }
}

/// A place for what is to be written.
#[derive(Default)]
pub(super) struct Outbox(Option<Box<Output>>);

impl Outbox {
    /// What is to be written, of which no more than `limit` octets may wait.
    #[inline]
    pub(super) fn output(&mut self, limit: impl FnOnce() -> usize) -> &mut Output {
        self.0.get_or_insert_with(|| take_output(limit()))
    }

    /// Whether the transport may hold back something that was written.
    #[inline]
    pub(super) fn holds_back(&self) -> bool {
        self.0.as_ref().is_some_and(|output| output.unflushed)
    }

    /// What is to be written, where there may be something.
    #[inline]
    pub(super) fn get(&mut self) -> Option<&mut Output> {
        self.0.as_deref_mut()
    }

    /// Gives back what isn't needed while the task waits.
    pub(super) fn settle(&mut self) {
        match &mut self.0 {
            Some(output) if output.is_done() => {
                if output.tx.capacity() > OUTPUT {
                    output.tx.release();
                }
                if let Some(mut output) = self.0.take() {
                    output.clear();
                    with_pool(|pool| {
                        if pool.outputs.len() < OUTPUTS {
                            pool.outputs.push(output);
                        }
                    });
                }
            }
            Some(output) if output.tx.capacity() > most_held(output.tx.len()) => {
                output.tx.release()
            }
            _ => {}
        }
    }
}
