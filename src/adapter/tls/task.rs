//! A TLS session for a task, over any transport of its.

use core::cell::Cell;
use std::io::{self, ErrorKind, IoSlice, Write};
use std::task::{Context, Poll, ready};
use std::vec::Vec;

use ::rustls::Connection;

use super::Session;
use super::incoming::Incoming;
use crate::adapter::poll::Io;

std::thread_local! {
    /// Where the connections of a thread read to, one after the other.
    static MEMORY: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A TLS session for a task. While it waits it holds no memory for what comes, but for what is unfinished.
#[derive(Debug)]
pub(crate) struct TaskSession {
    session: Session,
    incoming: Incoming,
    /// Records were written that the transport may hold back.
    unflushed: bool,
}

impl TaskSession {
    pub(crate) fn new(session: Session) -> Self {
        Self {
            session,
            incoming: Incoming::default(),
            unflushed: false,
        }
    }

    pub(crate) const fn tls(&self) -> &Connection {
        self.session.tls()
    }

    /// Whether something waits for [`poll_flush`](Self::poll_flush).
    pub(crate) fn holds_back(&self) -> bool {
        self.unflushed || self.session.wants_write()
    }

    /// As [`Io::poll_read`]. It never writes: when TLS has something to say, it is interrupted.
    pub(crate) fn poll_read<T: Io>(
        &mut self,
        io: &mut T,
        cx: &mut Context<'_>,
        plain: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.incoming.is_empty() {
            self.incoming = Incoming::reusing(MEMORY.try_with(Cell::take).unwrap_or_default());
        }
        let read = self.poll_decrypt(io, cx, plain);
        if read.is_pending() {
            self.session.settle();
        }
        if let Some(memory) = self.incoming.release() {
            // Where the thread is ending, the memory goes with it.
            let _ = MEMORY.try_with(|place| place.set(memory));
        }
        read
    }

    fn poll_decrypt<T: Io>(
        &mut self,
        io: &mut T,
        cx: &mut Context<'_>,
        plain: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut answers = false;
        loop {
            match self.session.decrypt(&mut self.incoming, plain) {
                Ok(None) => {}
                Ok(Some(count)) => return Poll::Ready(Ok(count)),
                Err(error) => {
                    // The alert that tells the peer. Nobody waits until it can be told.
                    let _ = self.poll_flush(io, cx);
                    return Poll::Ready(Err(error));
                }
            }
            if answers && self.session.wants_write() {
                return Poll::Ready(Err(ErrorKind::Interrupted.into()));
            }
            match ready!(io.poll_read(cx, self.incoming.room(plain.len())))? {
                0 => self.session.end()?,
                count => self.incoming.commit(count),
            }
            answers = true;
        }
    }

    /// As [`Io::poll_write_vectored`]. What was encrypted before is written first.
    pub(crate) fn poll_write<T: Io>(
        &mut self,
        io: &mut T,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_write_records(io, cx))?;
        let count = self.session.encrypt(slices)?;
        // What the transport doesn't take now goes before everything else, or with a flush. That it
        // fails is told there, too.
        let _ = self.poll_write_records(io, cx);
        Poll::Ready(Ok(count))
    }

    pub(crate) fn poll_flush<T: Io>(
        &mut self,
        io: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_write_records(io, cx))?;
        ready!(io.poll_flush(cx))?;
        self.unflushed = false;
        Poll::Ready(Ok(()))
    }

    pub(crate) fn poll_shutdown<T: Io>(
        &mut self,
        io: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        self.session.close();
        loop {
            match ready!(self.poll_flush(io, cx)) {
                Ok(()) => return io.poll_shutdown(cx),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Writes what waits. Interrupted, where some of it was written: the peer isn't stalled.
    fn poll_write_records<T: Io>(
        &mut self,
        io: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut some = false;
        while self.session.wants_write() {
            let mut network = Network {
                io: &mut *io,
                cx: &mut *cx,
            };
            match self.session.write_to(&mut network) {
                Ok(0) => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                Ok(_) => (self.unflushed, some) = (true, true),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if some {
                        return Poll::Ready(Err(ErrorKind::Interrupted.into()));
                    }
                    return Poll::Pending;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// The transport as rustls writes to it. Pending is [`ErrorKind::WouldBlock`].
struct Network<'a, 'b, T> {
    io: &'a mut T,
    cx: &'a mut Context<'b>,
}

fn no_wait<R>(polled: Poll<io::Result<R>>) -> io::Result<R> {
    match polled {
        Poll::Ready(done) => done,
        Poll::Pending => Err(ErrorKind::WouldBlock.into()),
    }
}

impl<T: Io> Write for Network<'_, '_, T> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        no_wait(self.io.poll_write(self.cx, octets))
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        no_wait(self.io.poll_write_vectored(self.cx, slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        no_wait(self.io.poll_flush(self.cx))
    }
}
