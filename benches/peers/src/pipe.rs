//! A stream of octets in memory, in the place of a socket.
//!
//! A read costs one copy into the reader's buffer, as `read(2)` does; a write costs one copy into a
//! ring, as `write(2)` does. Neither ever waits. What a read delivers doesn't depend on how large a buffer
//! the reader brings: octets come in deliveries of a given size, as a socket has them when the reader is
//! woken, and a small buffer takes several reads for one delivery.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

thread_local! {
    static KEPT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What was written to pipes with [`Sink::Keep`] on this thread since this was last called. (A peer
/// takes its pipe and never gives it back.)
pub fn take_kept() -> Vec<u8> {
    KEPT.take()
}

/// What becomes of the octets that are written.
#[derive(Debug)]
pub enum Sink {
    /// Copied into a ring.
    Ring {
        /// The ring.
        octets: Box<[u8]>,
        /// Where the next octet goes.
        at: usize,
    },
    /// Kept for [`take_kept`].
    Keep,
    /// Forgotten without a copy.
    Drop,
}

impl Sink {
    /// A ring that stays in the second-level cache.
    pub fn ring() -> Self {
        Self::Ring {
            octets: vec![0; 256 << 10].into(),
            at: 0,
        }
    }

    #[inline]
    fn put(&mut self, mut octets: &[u8]) {
        match self {
            Self::Ring { octets: ring, at } => {
                while !octets.is_empty() {
                    let count = octets.len().min(ring.len() - *at);
                    ring[*at..*at + count].copy_from_slice(&octets[..count]);
                    *at = (*at + count) % ring.len();
                    octets = &octets[count..];
                }
            }
            Self::Keep => KEPT.with_borrow_mut(|kept| kept.extend_from_slice(octets)),
            Self::Drop => {
                std::hint::black_box(octets.as_ptr());
            }
        }
    }
}

/// Both directions of a connection.
#[derive(Debug)]
pub struct Pipe {
    source: &'static [u8],
    at: usize,
    delivery: usize,
    /// What is left of the current delivery.
    due: usize,
    cyclic: bool,
    /// Where `source` begins anew.
    restart: usize,
    sink: Sink,
}

impl Pipe {
    /// Delivers `source` over and over, `delivery` octets at a time.
    pub fn cyclic(source: &'static [u8], delivery: usize, sink: Sink) -> Self {
        Self {
            source,
            at: 0,
            delivery,
            due: delivery,
            cyclic: true,
            restart: 0,
            sink,
        }
    }

    /// The same, where so many octets at the beginning of the source are a request: left out, unless
    /// [`with_request`](Self::with_request) asks for it.
    pub fn behind_request(mut self, length: usize) -> Self {
        (self.at, self.restart) = (length, length);
        self
    }

    /// Delivers the request first, once and alone.
    pub fn with_request(mut self) -> Self {
        (self.at, self.due) = (0, self.restart);
        self
    }

    /// Delivers `source` once; after that a read would have to wait.
    pub fn once(source: &'static [u8], sink: Sink) -> Self {
        Self {
            source,
            at: 0,
            delivery: usize::MAX,
            due: usize::MAX,
            cyclic: false,
            restart: 0,
            sink,
        }
    }

    /// Delivers up to `room` octets, piece by piece; `None` where a read would have to wait.
    #[inline(always)]
    pub fn deliver(&mut self, room: usize, mut put: impl FnMut(&[u8])) -> Option<usize> {
        if self.cyclic && self.delivery == 1 && self.due == 1 && room != 0 {
            // Octets that come one by one are stored: calls to copy them would take longer than what is measured.
            put(&[self.source[self.at]]);
            self.advance(1);
            return Some(1);
        }
        self.deliver_pieces(room, put)
    }

    #[inline(never)]
    fn deliver_pieces(&mut self, room: usize, mut put: impl FnMut(&[u8])) -> Option<usize> {
        let mut count = room.min(self.due);
        if !self.cyclic {
            count = count.min(self.source.len() - self.at);
            if count == 0 {
                return None;
            }
        }
        let mut left = count;
        while left != 0 {
            let piece = left.min(self.source.len() - self.at);
            put(&self.source[self.at..self.at + piece]);
            self.advance(piece);
            left -= piece;
        }
        self.due -= count;
        if self.due == 0 {
            self.due = self.delivery;
        }
        Some(count)
    }

    #[inline]
    fn advance(&mut self, count: usize) {
        self.at += count;
        if self.cyclic && self.at == self.source.len() {
            self.at = self.restart;
        }
    }

    /// Reads into a slice.
    #[inline]
    pub fn read_into(&mut self, target: &mut [u8]) -> Option<usize> {
        let mut filled = 0;
        self.deliver(target.len(), |piece| {
            target[filled..filled + piece.len()].copy_from_slice(piece);
            filled += piece.len();
        })
    }

    /// One write.
    #[inline]
    pub fn write_all(&mut self, octets: &[u8]) {
        self.sink.put(octets);
    }

    /// One vectored write.
    #[inline]
    pub fn write_slices(&mut self, slices: &[IoSlice<'_>]) -> usize {
        slices
            .iter()
            .map(|slice| {
                self.sink.put(slice);
                slice.len()
            })
            .sum()
    }
}

/// Runs a future to its end: over a [`Pipe`] nothing ever has to wait.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

impl io::Read for Pipe {
    #[inline]
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        self.read_into(target)
            .ok_or_else(|| io::ErrorKind::WouldBlock.into())
    }
}

impl io::Write for Pipe {
    #[inline]
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.write_all(octets);
        Ok(octets.len())
    }

    #[inline]
    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(self.write_slices(slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl tokio::io::AsyncRead for Pipe {
    #[inline]
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        target: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // As a `TcpStream` does: nothing is zeroed before it is filled.
        match self.deliver(target.remaining(), |piece| target.put_slice(piece)) {
            Some(_) => Poll::Ready(Ok(())),
            None => Poll::Pending,
        }
    }
}

impl tokio::io::AsyncWrite for Pipe {
    #[inline]
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write_all(octets);
        Poll::Ready(Ok(octets.len()))
    }

    #[inline]
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.write_slices(slices)))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl futures_util::io::AsyncRead for Pipe {
    #[inline]
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        target: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self.read_into(target) {
            Some(count) => Poll::Ready(Ok(count)),
            None => Poll::Pending,
        }
    }
}

impl futures_util::io::AsyncWrite for Pipe {
    #[inline]
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write_all(octets);
        Poll::Ready(Ok(octets.len()))
    }

    #[inline]
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.write_slices(slices)))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl wtx::stream::StreamReader for Pipe {
    async fn read(&mut self, target: &mut [u8]) -> wtx::Result<usize> {
        match self.read_into(target) {
            Some(count) => Ok(count),
            None => std::future::pending().await,
        }
    }
}

impl wtx::stream::StreamWriter for Pipe {
    async fn write_all(&mut self, octets: &[u8]) -> wtx::Result<()> {
        Pipe::write_all(self, octets);
        Ok(())
    }

    async fn write_all_vectored(&mut self, slices: &[&[u8]]) -> wtx::Result<()> {
        for octets in slices {
            Pipe::write_all(self, octets);
        }
        Ok(())
    }
}
