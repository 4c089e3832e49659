//! Full duplex: one thread reads while others write.
//!
//! The machine and what is queued stand behind one lock, which is held for as long as it takes to look
//! at what has arrived or to queue a message, never while anything waits for the network. A second lock
//! belongs to whoever writes to the stream. A writer writes what it has queued itself, and with it what
//! else waits. The reader writes its own replies, unless a writer is about to: else it could be stuck in a
//! writer's message, and nobody would read.

use core::fmt;
use std::io::Write;
use std::net::TcpStream;
use std::string::String;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::vec::Vec;

use super::link::Link;
use super::{Error, Messages, Outcome, Reading, Received, Stream, WebSocket};
use crate::adapter::Step;
use crate::adapter::clock::now;
use crate::adapter::sizes::send_buffer;
use crate::buffer::{RecvBuffer, SendBuffer};
use crate::close::CloseCode;
use crate::connection::{Connection, Event, Side, Transport};
use crate::error::Misuse;

/// What both halves share.
struct Shared<T, S> {
    machine: Mutex<Machine<S>>,
    output: Mutex<Output<T>>,
}

struct Machine<S> {
    ws: Connection<S>,
    tx: SendBuffer<Vec<u8>>,
    /// How many writers have queued something and will look whether it is written.
    writers: usize,
    /// The writing side is to be shut down by whoever has the stream, once nothing waits.
    shutdown_due: bool,
}

/// The stream, for whoever writes, and what is being written.
struct Output<T> {
    io: Link<T>,
    tx: SendBuffer<Vec<u8>>,
}

/// A thread that has panicked has left nothing half done in here: each lock is held over whole steps.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T: Stream, S: Side> Shared<T, S> {
    /// Writes what is queued, for a writer that has noted that it will.
    fn flush_as_writer(&self) -> Result<(), Error> {
        let mut output = lock(&self.output);
        loop {
            let mut machine = lock(&self.machine);
            if machine.tx.is_empty() {
                machine.writers -= 1;
                Self::give_up(output, machine);
                return Ok(());
            }
            core::mem::swap(&mut machine.tx, &mut output.tx);
            drop(machine);
            if let Err(error) = self.write(&mut output) {
                lock(&self.machine).writers -= 1;
                return Err(error);
            }
        }
    }

    /// Writes what the reader has queued. False when that is left to a writer, who will do it.
    fn flush_as_reader(&self) -> Result<bool, Error> {
        let mut output = match self.output.try_lock() {
            Ok(output) => output,
            Err(TryLockError::Poisoned(output)) => output.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(false),
        };
        loop {
            let mut machine = lock(&self.machine);
            if machine.tx.is_empty() {
                Self::give_up(output, machine);
                return Ok(true);
            }
            if machine.writers > 0 {
                return Ok(false);
            }
            core::mem::swap(&mut machine.tx, &mut output.tx);
            drop(machine);
            self.write(&mut output)?;
        }
    }

    /// Nothing waits: the stream is given up while the machine is locked, so that nobody can queue in
    /// between and find the stream still taken.
    fn give_up(mut output: MutexGuard<'_, Output<T>>, mut machine: MutexGuard<'_, Machine<S>>) {
        if core::mem::take(&mut machine.shutdown_due) {
            super::shutdown(&mut output.io, &mut machine.ws);
        }
        drop(output);
    }

    fn write(&self, output: &mut Output<T>) -> Result<(), Error> {
        while !output.tx.is_empty() {
            match output.io.write(output.tx.octets()) {
                Ok(0) => return Err(std::io::Error::from(std::io::ErrorKind::WriteZero).into()),
                Ok(count) => output.tx.consume(count),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    output.tx.clear();
                    let mut machine = lock(&self.machine);
                    machine.tx.clear();
                    machine.ws.handle_eof();
                    return Err(error.into());
                }
            }
        }
        Ok(output.io.flush()?)
    }
}

/// The half that receives.
pub struct Reader<T: Stream, S: Side> {
    shared: Arc<Shared<T, S>>,
    io: Link<T>,
    rx: RecvBuffer<Vec<u8>>,
    reading: Reading,
    subprotocol: Option<String>,
}

/// A half that sends. It can be cloned, for as many threads as there are.
pub struct Writer<T: Stream, S: Side> {
    shared: Arc<Shared<T, S>>,
}

impl<T: Stream, S: Side> Clone for Writer<T, S> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<S: Side> WebSocket<TcpStream, S> {
    /// Splits the WebSocket into halves for different threads: true full duplex.
    ///
    /// The reader has to be kept going for the writer's Close to be completed.
    ///
    /// # Errors
    /// When the stream can't be cloned.
    pub fn split(self) -> std::io::Result<(Reader<TcpStream, S>, Writer<TcpStream, S>)> {
        let io = self.io.stream().try_clone()?;
        Ok(self.split_with(io))
    }
}

impl<T: Stream, S: Side> WebSocket<T, S> {
    /// As [`split`](WebSocket::split), for any stream of which there are two handles: `reading_half`
    /// is the second.
    #[must_use]
    pub fn split_with(mut self, reading_half: T) -> (Reader<T, S>, Writer<T, S>) {
        let reading_half = self.io.reading_half(reading_half);
        let spare = send_buffer(self.ws.config());
        let shared = Arc::new(Shared {
            machine: Mutex::new(Machine {
                ws: self.ws,
                tx: self.tx,
                writers: 0,
                shutdown_due: false,
            }),
            output: Mutex::new(Output {
                io: self.io,
                tx: spare,
            }),
        });
        let writer = Writer {
            shared: Arc::clone(&shared),
        };
        let reader = Reader {
            shared,
            io: reading_half,
            rx: self.rx,
            reading: self.reading,
            subprotocol: self.subprotocol,
        };
        (reader, writer)
    }
}

impl<T: Stream, S: Side> Reader<T, S> {
    /// Waits for the next event and lends it; to answer, have a [`Writer`] at hand. `None` when the connection
    /// is over: see [`outcome`](Self::outcome).
    ///
    /// # Errors
    /// As [`WebSocket::next`]. After a text that isn't UTF-8, call it once more to see the transport
    /// closed in good order.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Event<'_>>, Error> {
        self.reading.messages = Messages::Whole;
        loop {
            let mut machine = lock(&self.shared.machine);
            let Machine { ws, tx, .. } = &mut *machine;
            match self.reading.driver.step(ws, &mut self.rx, tx) {
                Step::Event(ready) => {
                    let lent = ws.lend(ready, &mut self.rx, tx);
                    drop(machine);
                    return match lent {
                        Ok(event) => Ok(Some(event)),
                        Err(violation) => {
                            // The Close that tells the peer. The rest of the way is the next call's.
                            self.shared.flush_as_reader()?;
                            Err(violation.into())
                        }
                    };
                }
                Step::Write => {
                    machine.shutdown_due = ws.transport() == Transport::ShutdownWrite;
                    drop(machine);
                    // Where a writer is at it, that will write this, too, and shut down behind it: read
                    // on.
                    if !self.shared.flush_as_reader()? {
                        self.read()?;
                    }
                }
                Step::ShutdownWrite => {
                    machine.shutdown_due = true;
                    drop(machine);
                    // Where a writer is at it, that will do it when it is through.
                    self.shared.flush_as_reader()?;
                }
                Step::Read => {
                    drop(machine);
                    self.read()?;
                }
                Step::Done => {
                    // The peer waits for the end of the stream, however long the caller keeps it.
                    drop(self.io.shutdown_write());
                    return ws.violation().map_or(Ok(None), |fault| Err(fault.into()));
                }
            }
        }
    }

    /// Reads once, or does what is due.
    fn read(&mut self) -> Result<(), Error> {
        let now = now();
        let mut machine = lock(&self.shared.machine);
        let Machine { ws, tx, .. } = &mut *machine;
        let deadline = ws.poll_timeout(now);
        if deadline.is_some_and(|deadline| deadline <= now) {
            ws.handle_timeout(now, tx);
            return Ok(());
        }
        // A writer may close while this half waits, and then time is short: it wakes for that.
        let close_timeout = ws.config().close_timeout();
        drop(machine);
        let wait = deadline.map(|deadline| deadline.saturating_since(now));
        let wait = wait.into_iter().chain(close_timeout).min();
        if self.reading.read_once(&mut self.io, &mut self.rx, wait)? == Received::End {
            lock(&self.shared.machine).ws.handle_eof();
        }
        Ok(())
    }

    /// How the connection ended, once it has.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        let machine = lock(&self.shared.machine);
        machine.ws.outcome(&self.rx).map(Outcome::from)
    }

    /// The subprotocol that was agreed upon.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }
}

impl<T: Stream, S: Side> Writer<T, S> {
    /// Sends a text message. Waits while the peer doesn't read.
    ///
    /// # Errors
    /// [`Error::Misuse`] as [`Connection::send_text`], or [`Error::Io`].
    pub fn send_text(&self, text: &str) -> Result<(), Error> {
        self.send(|ws, tx| ws.send_text(text, tx))
    }

    /// Sends a binary message. Waits while the peer doesn't read.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text).
    pub fn send_binary(&self, octets: &[u8]) -> Result<(), Error> {
        self.send(|ws, tx| ws.send_binary(octets, tx))
    }

    /// Sends a Ping.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text).
    pub fn send_ping(&self, payload: &[u8]) -> Result<(), Error> {
        self.send(|ws, tx| ws.send_ping(payload, tx))
    }

    /// Sends a Close. The reader sees the rest through.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text), and those of [`Connection::close`].
    pub fn close(&self, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.send(|ws, tx| {
            ws.close(code, reason, tx)?;
            // The time for closing begins now, not when the reader wakes up.
            ws.poll_timeout(now());
            Ok(())
        })
    }

    /// Queues what `command` says, and writes it.
    fn send(
        &self,
        command: impl FnOnce(&mut Connection<S>, &mut SendBuffer<Vec<u8>>) -> Result<(), Misuse>,
    ) -> Result<(), Error> {
        let mut machine = lock(&self.shared.machine);
        let Machine { ws, tx, .. } = &mut *machine;
        command(ws, tx)?;
        machine.writers += 1;
        drop(machine);
        self.shared.flush_as_writer()
    }
}

impl<T: Stream, S: Side> fmt::Debug for Reader<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

impl<T: Stream, S: Side> fmt::Debug for Writer<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}
