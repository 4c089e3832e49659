//! When to handle, write, read, shut down and stop: decided once, for every adapter, without IO.
//!
//! An adapter asks for the next [`Step`], carries it out, and asks again:
//!
//! ```
//! use websocket_proto::adapter::{Driver, Step};
//! use websocket_proto::{Config, Connection, RecvBuffer, SendBuffer};
//!
//! let mut ws = Connection::open_server(Config::new());
//! let (mut rx, mut tx) = (RecvBuffer::with_storage([0; 512]), SendBuffer::with_storage([0; 512]));
//! let mut driver = Driver::new();
//!
//! ws.send_text("queued", &mut tx)?;
//! assert!(matches!(driver.step(&mut ws, &mut rx, &mut tx), Step::Write));
//! tx.consume(tx.len()); // the transport has written it all
//! assert!(matches!(driver.step(&mut ws, &mut rx, &mut tx), Step::Read));
//! # Ok::<(), websocket_proto::Misuse>(())
//! ```

use crate::buffer::{RecvBuffer, SendBuffer, Storage};
use crate::connection::{Connection, Ready, Side, Transport};

/// What an adapter does next.
#[derive(Debug)]
pub enum Step {
    /// An event has been found: lend it to the caller.
    Event(Ready),
    /// Write what waits in the send buffer, at least some of it. In
    /// [`State::Closed`](crate::State::Closed) a failure to do so doesn't matter:
    /// [`clear`](SendBuffer::clear) the buffer.
    Write,
    /// Shut down the writing side of the transport.
    ShutdownWrite,
    /// Read, or wait until the next deadline passes: see
    /// [`poll_timeout`](Connection::poll_timeout).
    Read,
    /// The connection is over: close the transport. The outcome, or the violation, is known.
    Done,
}

/// Decides what an adapter does next.
#[derive(Clone, Copy, Debug, Default)]
pub struct Driver {
    write_shut_down: bool,
}

impl Driver {
    /// A driver for a new transport.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            write_shut_down: false,
        }
    }

    /// The next step. Everything that has arrived is handled before anything is written, so that all
    /// replies go out in one write; everything that waits is written before more is read, so that a
    /// peer that doesn't read is not read from.
    #[inline]
    pub fn step<S: Side, B: Storage, T: Storage>(
        &mut self,
        ws: &mut Connection<S>,
        rx: &mut RecvBuffer<B>,
        tx: &mut SendBuffer<T>,
    ) -> Step {
        match ws.poll_ready(rx, tx) {
            Ok(Some(ready)) => Step::Event(ready),
            _ => self.step_idle(ws, tx),
        }
    }

    /// The next step, with messages in chunks: see [`Connection::poll_chunk`].
    pub fn step_chunk<S: Side, B: Storage, T: Storage>(
        &mut self,
        ws: &mut Connection<S>,
        rx: &mut RecvBuffer<B>,
        tx: &mut SendBuffer<T>,
    ) -> Step {
        match ws.poll_ready_chunk(rx, tx) {
            Ok(Some(ready)) => Step::Event(ready),
            _ => self.step_idle(ws, tx),
        }
    }

    fn step_idle<S: Side, T: Storage>(&mut self, ws: &Connection<S>, tx: &SendBuffer<T>) -> Step {
        // RFC 6455 §6.1-8
        if !tx.is_empty() && !self.write_shut_down {
            return Step::Write;
        }
        match ws.transport() {
            Transport::Close => Step::Done,
            Transport::ShutdownWrite if !self.write_shut_down => {
                self.write_shut_down = true;
                Step::ShutdownWrite
            }
            _ => Step::Read,
        }
    }
}
