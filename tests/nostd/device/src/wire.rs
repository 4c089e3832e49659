//! Two wires of memory between two sockets.

use core::cell::RefCell;
use core::convert::Infallible;
use core::future::poll_fn;
use core::task::Poll;

use embedded_io_async::{ErrorType, Read, Write};

/// How many octets a line holds.
const SIZE: usize = 40;

/// One direction.
pub struct Line(RefCell<State>);

struct State {
    octets: [u8; SIZE],
    len: usize,
    ended: bool,
}

impl Line {
    pub const fn new() -> Self {
        Self(RefCell::new(State {
            octets: [0; SIZE],
            len: 0,
            ended: false,
        }))
    }
}

/// One end of both.
pub struct Socket<'a> {
    inbound: &'a Line,
    outbound: &'a Line,
}

impl<'a> Socket<'a> {
    pub const fn new(inbound: &'a Line, outbound: &'a Line) -> Self {
        Self { inbound, outbound }
    }
}

impl ErrorType for Socket<'_> {
    type Error = Infallible;
}

impl Read for Socket<'_> {
    async fn read(&mut self, octets: &mut [u8]) -> Result<usize, Infallible> {
        poll_fn(|_| {
            let mut line = self.inbound.0.borrow_mut();
            let count = line.len.min(octets.len());
            if count == 0 && !line.ended {
                return Poll::Pending;
            }
            for (place, octet) in octets.iter_mut().zip(line.octets) {
                *place = octet;
            }
            line.octets.rotate_left(count);
            line.len -= count;
            Poll::Ready(Ok(count))
        })
        .await
    }
}

impl Write for Socket<'_> {
    async fn write(&mut self, octets: &[u8]) -> Result<usize, Infallible> {
        poll_fn(|_| {
            let mut line = self.outbound.0.borrow_mut();
            let count = octets.len().min(SIZE - line.len);
            if count == 0 {
                return Poll::Pending;
            }
            let len = line.len;
            for (place, octet) in line.octets.iter_mut().skip(len).zip(octets) {
                *place = *octet;
            }
            line.len += count;
            Poll::Ready(Ok(count))
        })
        .await
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// A socket that is dropped is closed.
impl Drop for Socket<'_> {
    fn drop(&mut self) {
        self.outbound.0.borrow_mut().ended = true;
    }
}
