//! A transport in memory for the async adapters, a clock that a test moves, and an executor that polls
//! until there is nothing left to poll.
#![cfg(feature = "poll")]

use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use websocket_proto::Instant;
use websocket_proto::adapter::Timer;
use websocket_proto::adapter::poll::Io;

/// One direction.
#[derive(Default)]
pub struct Wire {
    pub octets: VecDeque<u8>,
    pub ended: bool,
}

/// How an end of a pipe behaves.
#[derive(Clone, Copy)]
pub struct Manner {
    /// Octets in one read or write.
    pub most: usize,
    /// Each call is refused once before it is carried out.
    pub yields: bool,
    /// How many octets a wire holds that nobody reads.
    pub capacity: usize,
    /// What is written comes to the wire with a flush only.
    pub holds_back: bool,
    /// Several slices can be written at once.
    pub vectored: bool,
    /// How writing fails.
    pub broken: Option<io::ErrorKind>,
}

/// Everything at once.
pub const EASY: Manner = Manner {
    most: usize::MAX,
    yields: false,
    capacity: usize::MAX,
    holds_back: false,
    vectored: true,
    broken: None,
};

/// One octet at a time, and each time it has to be asked twice.
pub const HARD: Manner = Manner {
    most: 1,
    yields: true,
    ..EASY
};

/// What has been asked of an end of a pipe.
#[derive(Default, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calls {
    pub reads: usize,
    pub writes: usize,
    /// Writes of several slices, and those slices' octets that were taken.
    pub vectored: usize,
    pub shutdowns: usize,
}

#[derive(Default)]
struct Ask {
    refused: bool,
}

impl Ask {
    /// Whether to do it now.
    fn again(&mut self, yields: bool, cx: &Context<'_>) -> bool {
        self.refused = yields && !self.refused;
        if self.refused {
            cx.waker().wake_by_ref();
        }
        !self.refused
    }
}

/// One end of a pipe.
pub struct Pipe {
    manner: Arc<Mutex<Manner>>,
    inbound: Arc<Mutex<Wire>>,
    outbound: Arc<Mutex<Wire>>,
    held: Vec<u8>,
    calls: Arc<Mutex<Calls>>,
    asked: [Ask; 4],
}

/// What a test sees and does beside the pipe.
pub struct Handle {
    pub manner: Arc<Mutex<Manner>>,
    inbound: Arc<Mutex<Wire>>,
    outbound: Arc<Mutex<Wire>>,
    calls: Arc<Mutex<Calls>>,
}

impl Handle {
    /// Octets for the end that has the pipe.
    pub fn send(&self, octets: &[u8]) {
        self.inbound.lock().unwrap().octets.extend(octets);
    }

    pub fn end(&self) {
        self.inbound.lock().unwrap().ended = true;
    }

    /// What the end that has the pipe has not read.
    pub fn unread(&self) -> usize {
        self.inbound.lock().unwrap().octets.len()
    }

    /// Takes what that end has written.
    pub fn take(&self) -> Vec<u8> {
        self.outbound.lock().unwrap().octets.drain(..).collect()
    }

    /// Takes memory for so many octets that the end which has the pipe will write.
    pub fn reserve(&self, octets: usize) {
        locked(&self.outbound).octets.reserve(octets);
    }

    /// Gives back what memory the pipe doesn't need.
    pub fn shrink(&self) {
        locked(&self.inbound).octets.shrink_to_fit();
        locked(&self.outbound).octets.shrink_to_fit();
    }

    pub fn has_ended(&self) -> bool {
        self.outbound.lock().unwrap().ended
    }

    pub fn calls(&self) -> Calls {
        *self.calls.lock().unwrap()
    }
}

fn end_of(
    manner: Manner,
    inbound: &Arc<Mutex<Wire>>,
    outbound: &Arc<Mutex<Wire>>,
) -> (Pipe, Handle) {
    let pipe = Pipe {
        manner: Arc::new(Mutex::new(manner)),
        inbound: Arc::clone(inbound),
        outbound: Arc::clone(outbound),
        held: Vec::new(),
        calls: Arc::default(),
        asked: Default::default(),
    };
    let handle = Handle {
        manner: Arc::clone(&pipe.manner),
        inbound: Arc::clone(inbound),
        outbound: Arc::clone(outbound),
        calls: Arc::clone(&pipe.calls),
    };
    (pipe, handle)
}

/// An end whose peer is the test.
pub fn pipe(manner: Manner) -> (Pipe, Handle) {
    end_of(manner, &Arc::default(), &Arc::default())
}

/// Two ends that are each other's peers.
pub fn pair(manner: Manner) -> (Pipe, Pipe) {
    let (one, other) = (Arc::default(), Arc::default());
    (
        end_of(manner, &one, &other).0,
        end_of(manner, &other, &one).0,
    )
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

impl Pipe {
    /// What a test changes the pipe's manner by.
    pub fn manner_handle(&self) -> Arc<Mutex<Manner>> {
        Arc::clone(&self.manner)
    }

    fn manner(&self) -> Manner {
        *locked(&self.manner)
    }

    /// What has been asked of it.
    pub fn calls(&self) -> Calls {
        *locked(&self.calls)
    }
}

impl Io for Pipe {
    fn poll_read(&mut self, cx: &mut Context<'_>, octets: &mut [u8]) -> Poll<io::Result<usize>> {
        assert!(
            !octets.is_empty(),
            "a read without room would look like the end"
        );
        let manner = self.manner();
        if !self.asked[0].again(manner.yields, cx) {
            return Poll::Pending;
        }
        let mut wire = locked(&self.inbound);
        if wire.octets.is_empty() && !wire.ended {
            return Poll::Pending;
        }
        locked(&self.calls).reads += 1;
        let count = wire.octets.len().min(octets.len()).min(manner.most);
        for (place, octet) in octets.iter_mut().zip(wire.octets.drain(..count)) {
            *place = octet;
        }
        Poll::Ready(Ok(count))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        assert!(!octets.is_empty(), "nothing is written");
        let manner = self.manner();
        if !self.asked[1].again(manner.yields, cx) {
            return Poll::Pending;
        }
        if let Some(kind) = manner.broken {
            return Poll::Ready(Err(kind.into()));
        }
        let mut wire = locked(&self.outbound);
        assert!(!wire.ended, "written after the end");
        let room = manner.capacity.saturating_sub(wire.octets.len());
        let count = octets.len().min(manner.most).min(room);
        if count == 0 {
            return Poll::Pending;
        }
        locked(&self.calls).writes += 1;
        if manner.holds_back {
            self.held.extend(&octets[..count]);
        } else {
            wire.octets.extend(&octets[..count]);
        }
        Poll::Ready(Ok(count))
    }

    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let all: Vec<u8> = slices
            .iter()
            .flat_map(|slice| slice.iter().copied())
            .take(self.manner().most)
            .collect();
        let written = self.poll_write(cx, &all);
        if written.is_ready() {
            locked(&self.calls).vectored += 1;
        }
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.manner().vectored
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let manner = self.manner();
        if !self.asked[2].again(manner.yields, cx) {
            return Poll::Pending;
        }
        locked(&self.outbound).octets.extend(self.held.drain(..));
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let manner = self.manner();
        if !self.asked[3].again(manner.yields, cx) {
            return Poll::Pending;
        }
        locked(&self.calls).shutdowns += 1;
        let mut wire = locked(&self.outbound);
        wire.octets.extend(self.held.drain(..));
        wire.ended = true;
        Poll::Ready(Ok(()))
    }
}

/// The pipe as a stream of tokio's.
#[cfg(feature = "tokio")]
mod of_tokio {
    use super::*;
    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    impl AsyncRead for Pipe {
        fn poll_read(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            room: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let read = Io::poll_read(self.get_mut(), cx, room.initialize_unfilled());
            read.map_ok(|count| room.advance(count))
        }
    }

    impl AsyncWrite for Pipe {
        fn poll_write(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            octets: &[u8],
        ) -> Poll<io::Result<usize>> {
            Io::poll_write(self.get_mut(), cx, octets)
        }

        fn poll_write_vectored(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            slices: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            Io::poll_write_vectored(self.get_mut(), cx, slices)
        }

        fn is_write_vectored(&self) -> bool {
            Io::is_write_vectored(self)
        }

        fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Io::poll_flush(self.get_mut(), cx)
        }

        fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Io::poll_shutdown(self.get_mut(), cx)
        }
    }
}

/// The pipe as a stream of futures-io's.
#[cfg(feature = "futures-io")]
mod of_futures_io {
    use super::*;
    use smol::io::{AsyncRead, AsyncWrite};

    impl AsyncRead for Pipe {
        fn poll_read(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            octets: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            Io::poll_read(self.get_mut(), cx, octets)
        }
    }

    impl AsyncWrite for Pipe {
        fn poll_write(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            octets: &[u8],
        ) -> Poll<io::Result<usize>> {
            Io::poll_write(self.get_mut(), cx, octets)
        }

        fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Io::poll_flush(self.get_mut(), cx)
        }

        fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Io::poll_shutdown(self.get_mut(), cx)
        }
    }
}

/// The pipe as a device's socket.
#[cfg(feature = "embedded-io-async")]
pub mod device {
    use super::*;
    use embedded_io_async::{ErrorType, Read, Write};
    use std::future::poll_fn;

    pub struct Socket(pub Pipe);

    impl ErrorType for Socket {
        type Error = io::Error;
    }

    impl Read for Socket {
        async fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
            poll_fn(|cx| self.0.poll_read(cx, octets)).await
        }
    }

    impl Write for Socket {
        async fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            poll_fn(|cx| self.0.poll_write(cx, octets)).await
        }

        async fn flush(&mut self) -> io::Result<()> {
            poll_fn(|cx| self.0.poll_flush(cx)).await
        }
    }
}

/// A dropped end is a closed one.
impl Drop for Pipe {
    fn drop(&mut self) {
        locked(&self.outbound).ended = true;
    }
}

/// A clock that a test moves.
#[derive(Clone, Default)]
pub struct Clock(Arc<AtomicU64>);

impl Clock {
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_nanos() as u64, Ordering::Relaxed);
    }
}

impl Timer for Clock {
    type Sleep = Sleep;

    fn now(&self) -> Instant {
        Instant::from_nanos(self.0.load(Ordering::Relaxed))
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Sleep {
            until: self.now() + duration,
            clock: self.clone(),
            over: false,
        }
    }
}

/// Ready once, when the clock has been moved far enough.
pub struct Sleep {
    until: Instant,
    clock: Clock,
    over: bool,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<()> {
        assert!(!self.over, "asked again when it was over");
        self.over = self.clock.now() >= self.until;
        if self.over {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

/// How often a future may be polled before a test gives up.
const MOST_POLLS: usize = 50_000_000;

pub fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls a future until it is ready.
pub fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    for _ in 0..MOST_POLLS {
        if let Poll::Ready(done) = poll_once(future.as_mut()) {
            return done;
        }
    }
    panic!("it hangs")
}

/// Polls a future while that changes anything, and says whether it became ready: a few polls more than
/// any one thing needs.
pub fn settle<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    for _ in 0..16 {
        if let Poll::Ready(done) = poll_once(future.as_mut()) {
            return Some(done);
        }
    }
    None
}

/// Polls two futures in turn until both are ready.
pub fn run_both<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut one, mut other) = (None, None);
    for _ in 0..MOST_POLLS {
        if one.is_none()
            && let Poll::Ready(done) = poll_once(a.as_mut())
        {
            one = Some(done);
        }
        if other.is_none()
            && let Poll::Ready(done) = poll_once(b.as_mut())
        {
            other = Some(done);
        }
        if one.is_some() && other.is_some() {
            break;
        }
    }
    (one.expect("it hangs"), other.expect("it hangs"))
}

/// Begins a future, and drops it when it waits; begins it again, until one is ready without waiting.
/// Meanwhile others have their turn.
pub async fn dropped_at_every_wait<T, R>(
    state: &mut T,
    mut begin: impl AsyncFnMut(&mut T) -> R,
) -> R {
    for _ in 0..MOST_POLLS {
        if let Poll::Ready(done) = poll_once(pin!(begin(state))) {
            return done;
        }
        yield_once().await;
    }
    panic!("it hangs")
}

/// Polls a future so many times at most, and drops it.
pub async fn dropped_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    for at in 0..polls {
        if at > 0 {
            yield_once().await;
        }
        if let Poll::Ready(done) = poll_once(future.as_mut()) {
            return Some(done);
        }
    }
    None
}

async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|_| {
        if std::mem::replace(&mut yielded, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}
