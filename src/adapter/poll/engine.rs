//! Carries out what the driver says, as far as it goes without waiting.
//!
//! Everything that a connection is, but for what it has received, stands in an [`Engine`]. All that
//! happens, happens within one poll: a future that is dropped while it waits has nothing in its hands.

use std::io::{self, ErrorKind};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;
use std::vec::Vec;

use super::Io;
use super::alarm::Alarm;
use super::buffers::{Input, Outbox};
use super::link::Link;
use super::message::{Message, Payload};
use crate::adapter::apart::{WORTH_IT, queue_header};
use crate::adapter::error::is_disconnect;
use crate::adapter::sizes::send_limit;
use crate::adapter::{Driver, Error, Outgoing, Step, Timer};
use crate::buffer::SendBuffer;
use crate::close::CloseCode;
use crate::connection::{Connection, Ready, Side, State};
use crate::error::Misuse;

/// How many octets may wait while a `Sink` says that it is ready for more.
const HIGH_WATER: usize = 64 << 10;

/// Who is to be woken.
#[derive(Clone, Copy)]
pub(super) struct Wakers<'a> {
    /// When something can be read: the task that receives.
    pub(super) read: &'a Waker,
    /// When something can be written, or a deadline passes: everybody who waits for that.
    pub(super) write: &'a Waker,
}

impl<'a> Wakers<'a> {
    /// One task for everything.
    pub(super) fn one(cx: &Context<'a>) -> Self {
        let waker = cx.waker();
        Self {
            read: waker,
            write: waker,
        }
    }
}

/// How events are received.
#[derive(Clone, Copy)]
pub(super) struct Flow {
    /// Messages in chunks as they arrive.
    pub(super) in_chunks: bool,
    /// Reading goes on while the peer doesn't take what is written: others write, and this task's own
    /// answers are bounded.
    pub(super) duplex: bool,
}

/// A connection, but for what it has received.
pub(super) struct Engine<T, C: Timer, S> {
    io: Link<T>,
    ws: Connection<S>,
    alarm: Alarm<C>,
    outbox: Outbox,
    /// How long the transport may take nothing, in milliseconds; 0 for ever.
    write_timeout: u32,
    driver: Driver,
    /// The writing side is being shut down.
    shutting_down: bool,
}

impl<T: Io, C: Timer, S: Side> Engine<T, C, S> {
    pub(super) fn new(
        io: Link<T>,
        timer: C,
        ws: Connection<S>,
        write_timeout: Option<Duration>,
    ) -> Self {
        let millis = write_timeout.map_or(0, |timeout| timeout.as_millis().max(1));
        Self {
            io,
            ws,
            alarm: Alarm::new(timer),
            outbox: Outbox::default(),
            write_timeout: u32::try_from(millis).unwrap_or(u32::MAX),
            driver: Driver::new(),
            shutting_down: false,
        }
    }

    pub(super) const fn link(&self) -> &Link<T> {
        &self.io
    }

    pub(super) const fn ws(&self) -> &Connection<S> {
        &self.ws
    }

    /// The machine and what it sends into.
    #[inline]
    pub(super) fn machine(&mut self) -> (&mut Connection<S>, &mut SendBuffer<Vec<u8>>) {
        let Self { ws, outbox, .. } = self;
        let tx = outbox.output(|| send_limit(ws.config())).tx();
        (ws, tx)
    }

    /// As [`machine`](Self::machine), where an event was found: nothing is apart then.
    #[inline]
    pub(super) fn lending(&mut self) -> (&mut Connection<S>, &mut SendBuffer<Vec<u8>>) {
        let Self { ws, outbox, .. } = self;
        let tx = outbox.output(|| send_limit(ws.config())).frames();
        (ws, tx)
    }

    /// The means to queue.
    #[inline]
    pub(super) fn outgoing(&mut self) -> Outgoing<'_, S, Vec<u8>> {
        let (ws, tx) = self.machine();
        Outgoing::new(ws, tx)
    }

    /// How many octets wait to be written.
    pub(super) fn buffered_amount(&mut self) -> usize {
        self.outbox.get().map_or(0, |output| output.len())
    }

    /// Whether something waits to be written, or to be passed on by the transport.
    pub(super) fn is_writing(&mut self) -> bool {
        self.outbox.get().is_some_and(|output| !output.is_done())
    }

    // ---- receiving -------------------------------------------------------------------------------

    /// The next event, whole, where it is at hand: the common case while a batch of messages is handled.
    #[inline]
    pub(super) fn find_at_hand(&mut self, input: &Input) -> Option<Ready> {
        if self.outbox.get()?.is_apart() {
            return None;
        }
        self.ws.poll_at_hand(input.get()?)
    }

    /// Carries out the driver's steps until there is an event; `None` when the connection is over and
    /// the transport's writing side shut down.
    pub(super) fn poll_event(
        &mut self,
        wakers: Wakers<'_>,
        input: &mut Input,
        flow: Flow,
    ) -> Poll<Result<Option<Ready>, Error>> {
        let polled = self.carry_on(wakers, input, flow);
        if !matches!(polled, Poll::Ready(Ok(Some(_)))) {
            // It waits, or it is over: what it doesn't need is given back.
            input.settle();
            self.outbox.settle();
        }
        polled
    }

    fn carry_on(
        &mut self,
        wakers: Wakers<'_>,
        input: &mut Input,
        flow: Flow,
    ) -> Poll<Result<Option<Ready>, Error>> {
        loop {
            let Self {
                ws, outbox, driver, ..
            } = self;
            let tx = outbox.output(|| send_limit(ws.config())).tx();
            let step = if flow.in_chunks {
                driver.step_chunk(ws, input.rx(), tx)
            } else {
                driver.step(ws, input.rx(), tx)
            };
            let (step, reads_on) = match step {
                Step::Read if self.outbox.holds_back() => (Step::Write, flow.duplex),
                // What the transport has to say by itself is little, and the peer may say more first.
                Step::Read if self.io.holds_back() => (Step::Write, true),
                step => (step, flow.duplex),
            };
            let done = match step {
                Step::Event(ready) => return Poll::Ready(Ok(Some(ready))),
                Step::Write => match self.poll_write(wakers.write) {
                    Poll::Pending if reads_on => self.poll_read(wakers, input),
                    Poll::Pending => self.poll_deadline(wakers.write, false),
                    written => written,
                },
                Step::ShutdownWrite => {
                    self.shutting_down = true;
                    continue;
                }
                Step::Read => self.poll_read(wakers, input),
                Step::Done => {
                    // The peer waits for the end of the stream, however long the caller keeps it. That
                    // it can be told so is not waited for.
                    let _ = self
                        .io
                        .poll_shutdown(&mut Context::from_waker(wakers.write));
                    return Poll::Ready(match self.ws.violation() {
                        Some(violation) => Err(violation.into()),
                        None => Ok(None),
                    });
                }
            };
            match done {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Takes an event that was found as a message in memory of its own; `None` where it is none, and where
    /// its content breaks the protocol, which is told when the transport is closed.
    pub(super) fn message(&mut self, ready: Ready, input: &mut Input) -> Option<Message> {
        let (ws, tx) = self.machine();
        let event = ws.lend(ready, input.rx(), tx).ok()?;
        Message::from_event(&event)
    }

    /// Reads once, or does what is due. Everything that had arrived was handled before.
    fn poll_read(&mut self, wakers: Wakers<'_>, input: &mut Input) -> Poll<Result<(), Error>> {
        if self.shutting_down {
            match self
                .io
                .poll_shutdown(&mut Context::from_waker(wakers.write))
            {
                Poll::Ready(told) => {
                    self.shutting_down = false;
                    if told.is_err() {
                        // What can't be said is said by closing.
                        self.ws.handle_eof();
                        return Poll::Ready(Ok(()));
                    }
                }
                Poll::Pending => {}
            }
        }
        match input.poll_fill(&mut self.io, &mut Context::from_waker(wakers.read)) {
            Poll::Ready(Ok(0)) => self.ws.handle_eof(),
            Poll::Ready(Ok(_)) => {}
            Poll::Ready(Err(error)) if error.kind() == ErrorKind::Interrupted => {}
            // A reset is the end of the stream, in a worse way: what came before still counts.
            Poll::Ready(Err(error)) if is_disconnect(&error) => self.ws.handle_eof(),
            Poll::Ready(Err(error)) => return Poll::Ready(Err(self.lose(error))),
            Poll::Pending => return self.poll_deadline(wakers.write, true),
        }
        Poll::Ready(Ok(()))
    }

    /// Waits for the next deadline, and does what is due then. Those of the machine count where
    /// everything that has come was read and handled, and where it no longer looks at what comes.
    fn poll_deadline(&mut self, waker: &Waker, all_handled: bool) -> Poll<Result<(), Error>> {
        let now = self.alarm.now();
        let mut next = None;
        if all_handled || self.ws.state() != State::Open {
            next = self.ws.poll_timeout(now);
            if next.is_some_and(|at| at <= now) {
                let (ws, tx) = self.machine();
                ws.handle_timeout(now, tx);
                return Poll::Ready(Ok(()));
            }
        }
        if self.write_timeout != 0
            && let Some(output) = self.outbox.get()
            && let Some(since) = output.stalled_since
        {
            let at = since + Duration::from_millis(self.write_timeout.into());
            if at <= now {
                return Poll::Ready(Err(self.lose(ErrorKind::TimedOut.into())));
            }
            next = next.into_iter().chain([at]).min();
        }
        match next {
            Some(at) => self.alarm.poll(waker, at).map(Ok),
            None => Poll::Pending,
        }
    }

    // ---- writing ---------------------------------------------------------------------------------

    /// Writes what waits, and keeps deadlines while the peer doesn't take it.
    pub(super) fn poll_flush(&mut self, waker: &Waker) -> Poll<Result<(), Error>> {
        loop {
            match self.poll_write(waker) {
                Poll::Ready(written) => {
                    self.outbox.settle();
                    return Poll::Ready(written);
                }
                Poll::Pending => match self.poll_deadline(waker, false) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => {
                        self.outbox.settle();
                        return Poll::Pending;
                    }
                },
            }
        }
    }

    /// Writes what waits, as far as the transport takes it.
    fn poll_write(&mut self, waker: &Waker) -> Poll<Result<(), Error>> {
        let Some(output) = self.outbox.get() else {
            return Poll::Ready(Ok(()));
        };
        let cx = &mut Context::from_waker(waker);
        match output.poll_write(&mut self.io, cx) {
            Poll::Ready(written) => Poll::Ready(self.judge(written)),
            Poll::Pending if self.ws.state() == State::Closed => {
                // The time is up: it is not to be waited for.
                output.clear();
                Poll::Ready(Ok(()))
            }
            Poll::Pending => {
                output.stalled_since.get_or_insert(self.alarm.now());
                Poll::Pending
            }
        }
    }

    /// What a failed write means.
    fn judge(&mut self, written: io::Result<()>) -> Result<(), Error> {
        match written {
            Err(error) if is_disconnect(&error) => {
                // Nobody is there to write to; what has been received may still be worth reading.
                self.give_up();
                Ok(())
            }
            Err(error) => Err(self.lose(error)),
            Ok(()) => Ok(()),
        }
    }

    /// The transport has failed: nothing can follow what may have gone in half.
    fn lose(&mut self, error: io::Error) -> Error {
        self.give_up();
        error.into()
    }

    fn give_up(&mut self) {
        if let Some(output) = self.outbox.get() {
            output.clear();
        }
        self.ws.handle_eof();
    }

    /// Waits until there is room for one message more.
    pub(super) fn poll_room(&mut self, waker: &Waker) -> Poll<Result<(), Error>> {
        if self.buffered_amount() < HIGH_WATER {
            return Poll::Ready(Ok(()));
        }
        self.poll_flush(waker)
    }

    /// Queues a message, and waits for room where there is none. Until it is ready, nothing is queued.
    pub(super) fn poll_queue(
        &mut self,
        waker: &Waker,
        payload: Payload<'_>,
    ) -> Poll<Result<(), Error>> {
        loop {
            match self.queue(waker, payload) {
                Err(Misuse::SendBufferFull) if self.buffered_amount() != 0 => {
                    ready!(self.poll_flush(waker))?;
                }
                queued => return Poll::Ready(queued.map_err(Error::from)),
            }
        }
    }

    /// Queues a message. Of a large payload only what the transport doesn't take at once is copied.
    fn queue(&mut self, waker: &Waker, payload: Payload<'_>) -> Result<(), Misuse> {
        let octets = payload.octets();
        if !self.queue_header(payload)? {
            return self.queue_copy(payload);
        }
        let Self { io, outbox, .. } = self;
        let Some(output) = outbox.get() else {
            return Ok(());
        };
        let cx = &mut Context::from_waker(waker);
        let gone = match output.poll_write_once(io, cx, octets) {
            Poll::Ready(Ok(gone)) => gone,
            // A fault comes again when the rest is written.
            Poll::Ready(Err(_)) | Poll::Pending => 0,
        };
        let rest = octets.get(gone..).unwrap_or_default();
        output.tx().extend(rest).map_err(|_| Misuse::SendBufferFull)
    }

    /// Queues a message, or a control frame. A large payload that owns its octets is not copied.
    pub(super) fn queue_message(&mut self, message: Message) -> Result<(), Misuse> {
        let payload = match &message {
            Message::Text(text) => Payload::Text(text),
            Message::Binary(octets) => Payload::Binary(octets),
            Message::Ping(payload) => return self.outgoing().send_ping(payload),
            Message::Pong(payload) => return self.outgoing().send_pong(payload),
            Message::Close { code, reason } => return self.queue_close(*code, reason),
        };
        if !self.queue_header(payload)? {
            return self.queue_copy(payload);
        }
        if let Some(output) = self.outbox.get() {
            output.set_apart(message.into_octets());
        }
        Ok(())
    }

    fn queue_copy(&mut self, payload: Payload<'_>) -> Result<(), Misuse> {
        match payload {
            Payload::Text(text) => self.outgoing().send_text(text),
            Payload::Binary(octets) => self.outgoing().send_binary(octets),
        }
    }

    /// Queues a Close; without a code where that says so.
    pub(super) fn queue_close(&mut self, code: CloseCode, reason: &str) -> Result<(), Misuse> {
        if code == CloseCode::NO_STATUS {
            return self.outgoing().close_without_code();
        }
        self.outgoing().close(code, reason)
    }

    /// Queues the header of a message alone, where that is worth it and the transport takes header and
    /// payload at once. The payload has to follow.
    fn queue_header(&mut self, payload: Payload<'_>) -> Result<bool, Misuse> {
        let length = payload.octets().len();
        if length < WORTH_IT || !self.io.is_write_vectored() {
            return Ok(false);
        }
        let (ws, tx) = self.machine();
        queue_header(ws, tx, payload.kind(), length)
    }
}
