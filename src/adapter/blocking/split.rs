//! Full duplex: one thread reads while others write.
//!
//! The machine and what is queued stand behind one lock, which is held for as long as it takes to look
//! at what has arrived or to queue a message, never while anything waits for the network. A second lock
//! belongs to whoever writes to the stream. A writer writes what it has queued itself, and with it what
//! else waits; a large payload from where it lies, for which it takes the stream before it queues the header.
//! The reader writes its own replies, unless a writer is about to: else it could be stuck in a writer's
//! message, and nobody would read.

use core::{fmt, mem};
use std::net::TcpStream;
use std::string::String;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::vec::Vec;

use super::link::Link;
use super::{Error, Messages, Outcome, Outgoing, Reading, Received, Stream, WebSocket, write_all};
use crate::adapter::Step;
use crate::adapter::apart::{WORTH_IT, queue_header};
use crate::adapter::clock::now;
use crate::adapter::error::is_disconnect;
use crate::adapter::sizes::send_buffer;
use crate::buffer::{RecvBuffer, SendBuffer};
use crate::close::CloseCode;
use crate::connection::{Connection, Event, Side, State, Transport};
use crate::error::Misuse;
use crate::opcode::MessageKind;
use crate::role::Role;

/// What both halves share.
struct Shared<T, S> {
    machine: Mutex<Machine<S>>,
    output: Mutex<Output<T>>,
    /// Payloads may be written from where they lie.
    apart: bool,
}

struct Machine<S> {
    ws: Connection<S>,
    tx: SendBuffer<Vec<u8>>,
    /// How many writers have queued something and will look whether it is written.
    writers: usize,
    /// A writer has queued something that it will write later.
    queued: bool,
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
    /// Writes what is queued, and behind it `apart`, for a writer that has noted that it will.
    fn flush_as_writer<'a>(
        &'a self,
        mut output: MutexGuard<'a, Output<T>>,
        mut machine: MutexGuard<'a, Machine<S>>,
        mut apart: &[u8],
    ) -> Result<(), Error> {
        while !machine.tx.is_empty() {
            machine.hand_over(&mut output);
            drop(machine);
            let written = self.write(&mut output, mem::take(&mut apart));
            machine = lock(&self.machine);
            if let Err(error) = written {
                machine.writers -= 1;
                return Err(error);
            }
        }
        machine.writers -= 1;
        Self::give_up(output, machine);
        Ok(())
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
            // When the peer has closed all of it has to go, even if a writer has forgotten it.
            let open = matches!(machine.ws.state(), State::Open | State::CloseSent);
            if machine.writers > 0 || machine.queued && open {
                return Ok(false);
            }
            machine.hand_over(&mut output);
            drop(machine);
            self.write(&mut output, &[])?;
        }
    }

    /// Nothing waits: the stream is given up while the machine is locked, so that nobody can queue in
    /// between and find the stream still taken.
    fn give_up(mut output: MutexGuard<'_, Output<T>>, mut machine: MutexGuard<'_, Machine<S>>) {
        if mem::take(&mut machine.shutdown_due) {
            super::shutdown(&mut output.io, &mut machine.ws);
        }
        drop(output);
    }

    fn write(&self, output: &mut Output<T>, apart: &[u8]) -> Result<(), Error> {
        let Err(error) = write_all(&mut output.io, &mut output.tx, apart) else {
            return Ok(());
        };
        // A frame may have gone in half: nothing can follow it.
        output.tx.clear();
        let mut machine = lock(&self.machine);
        machine.tx.clear();
        machine.ws.handle_eof();
        if is_disconnect(&error) {
            // Nobody is there to write to; what has been received may still be worth reading.
            return Ok(());
        }
        Err(error.into())
    }
}

impl<S> Machine<S> {
    /// All that is queued, to whoever has the stream.
    fn hand_over<T>(&mut self, output: &mut Output<T>) {
        debug_assert!(
            output.tx.is_empty(),
            "the stream is given up when all is written"
        );
        mem::swap(&mut self.tx, &mut output.tx);
        self.queued = false;
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
        let apart = self.io.is_vectored() && self.ws.role() == Role::Server;
        let shared = Arc::new(Shared {
            machine: Mutex::new(Machine {
                ws: self.ws,
                tx: self.tx,
                writers: 0,
                queued: false,
                shutdown_due: false,
            }),
            output: Mutex::new(Output {
                io: self.io,
                tx: spare,
            }),
            apart,
        });
        let writer = Writer {
            shared: Arc::clone(&shared),
        };
        let reader = Reader {
            shared,
            io: reading_half,
            rx: self.rx,
            // The other handle may have no timeout yet.
            reading: Reading {
                timeout: None,
                ..self.reading
            },
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
        self.next_event(Messages::Whole)
    }

    /// As [`next`](Self::next), with messages in chunks as they arrive: see [`Connection::poll_chunk`].
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub fn next_chunk(&mut self) -> Result<Option<Event<'_>>, Error> {
        self.next_event(Messages::InChunks)
    }

    fn next_event(&mut self, messages: Messages) -> Result<Option<Event<'_>>, Error> {
        self.reading.messages = messages;
        loop {
            let mut machine = lock(&self.shared.machine);
            let Machine { ws, tx, .. } = &mut *machine;
            match self.reading.step(ws, &mut self.rx, tx) {
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
        self.reading.set_timeout(&self.io, wait)?;
        if self.reading.read_once(&mut self.io, &mut self.rx)? == Received::End {
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
        if self.send_apart(MessageKind::Text, text.as_bytes())? {
            return Ok(());
        }
        self.send(|ws, tx| ws.send_text(text, tx))
    }

    /// Sends a binary message. Waits while the peer doesn't read.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text).
    pub fn send_binary(&self, octets: &[u8]) -> Result<(), Error> {
        if self.send_apart(MessageKind::Binary, octets)? {
            return Ok(());
        }
        self.send(|ws, tx| ws.send_binary(octets, tx))
    }

    /// Queues without waiting for the network. What is queued goes out in one write with
    /// [`flush`](Self::flush), or with the next message that a writer sends: until then the reader's answers
    /// wait behind it.
    ///
    /// # Errors
    /// What `queue` returns.
    pub fn queue<R>(
        &self,
        queue: impl FnOnce(&mut Outgoing<'_, S>) -> Result<R, Misuse>,
    ) -> Result<R, Misuse> {
        let mut machine = lock(&self.shared.machine);
        let Machine { ws, tx, queued, .. } = &mut *machine;
        let (before, state) = (tx.len(), ws.state());
        let done = queue(&mut Outgoing::new(ws, tx));
        *queued |= tx.len() > before;
        if ws.state() != state {
            // The time for closing begins now, not when the reader wakes up.
            ws.poll_timeout(now());
        }
        done
    }

    /// Writes what is queued. Waits while the peer doesn't read.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn flush(&self) -> Result<(), Error> {
        self.send(|_, _| Ok(()))
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
        let output = lock(&self.shared.output);
        let machine = lock(&self.shared.machine);
        self.shared.flush_as_writer(output, machine, &[])
    }

    /// Sends a message whose payload is written from where it lies, if that can be. Nothing comes between
    /// header and payload, as the stream is this writer's before the header is queued.
    fn send_apart(&self, kind: MessageKind, payload: &[u8]) -> Result<bool, Error> {
        let Shared {
            machine, output, ..
        } = &*self.shared;
        let length = payload.len();
        if length < WORTH_IT || !self.shared.apart || lock(machine).ws.compresses(length) {
            return Ok(false);
        }
        let output = lock(output);
        let mut machine = lock(machine);
        let Machine { ws, tx, .. } = &mut *machine;
        let queued = queue_header(ws, tx, kind, length);
        machine.writers += 1;
        let apart = if queued == Ok(true) { payload } else { &[] };
        // Where the message is refused, too: a reader may have left its answers to whoever has the stream.
        self.shared.flush_as_writer(output, machine, apart)?;
        Ok(queued?)
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
