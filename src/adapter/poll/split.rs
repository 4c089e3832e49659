//! Full duplex: one task reads while others write.
//!
//! The machine, the transport and what is queued stand behind one lock. It is held for the length of one
//! poll, never while anything waits. Whoever waits for the transport to take octets, or for a deadline, is
//! on one list, and the transport and the timer wake everybody on it: it doesn't matter who of them asked
//! last.

use core::fmt;
use std::boxed::Box;
use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker, ready};
use std::vec::Vec;

use futures_core::Stream;
use futures_sink::Sink;

use super::buffers::Input;
use super::engine::{Engine, Flow, Wakers};
use super::message::{Message, Payload};
use super::socket::outcome;
use super::{Io, Outgoing, WebSocket};
use crate::adapter::{Error, Outcome, Timer};
use crate::close::CloseCode;
use crate::connection::{Connection, Event, Ready, Side, State};
use crate::error::Misuse;

/// Tasks that may wait at the same time before all are woken to have a look: those whose futures were
/// dropped are gone then.
const MOST_WAITING: usize = 64;

/// The tasks of both halves.
#[derive(Default)]
struct Tasks(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    reader: Option<Waker>,
    writers: Vec<Waker>,
}

impl Tasks {
    /// Has the reader woken from now on.
    fn note_reader(&self, waker: &Waker) {
        let reader = &mut lock(&self.0).reader;
        match reader {
            Some(known) => known.clone_from(waker),
            None => *reader = Some(waker.clone()),
        }
    }

    /// Has a writer woken once.
    fn note_writer(&self, waker: &Waker) {
        let mut waiting = lock(&self.0);
        if waiting.writers.iter().any(|known| known.will_wake(waker)) {
            return;
        }
        waiting.writers.push(waker.clone());
        if waiting.writers.len() > MOST_WAITING {
            drop(waiting);
            self.wake_all();
        }
    }

    fn wake_reader(&self) {
        let reader = lock(&self.0).reader.clone();
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    fn wake_all(&self) {
        let writers = mem::take(&mut lock(&self.0).writers);
        for writer in writers {
            writer.wake();
        }
        self.wake_reader();
    }
}

impl Wake for Tasks {
    fn wake(self: Arc<Self>) {
        self.wake_all();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_all();
    }
}

/// A task that has panicked has left nothing half done in here: each lock is held over whole steps.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What both halves share.
struct Shared<T, C: Timer, S> {
    engine: Mutex<Engine<T, C, S>>,
    tasks: Arc<Tasks>,
    /// Wakes all tasks.
    everybody: Waker,
}

/// The half that receives. It has to be kept going: it alone notices deadlines, the peer's Close and the
/// end.
pub struct Reader<T, C: Timer, S> {
    shared: Arc<Shared<T, C, S>>,
    input: Input,
    subprotocol: Option<Box<str>>,
    /// A `Stream` has told how it ended.
    told: bool,
}

/// A half that sends. It can be cloned, for as many tasks as there are.
pub struct Writer<T, C: Timer, S> {
    shared: Arc<Shared<T, C, S>>,
}

impl<T, C: Timer, S> Unpin for Reader<T, C, S> {}
impl<T, C: Timer, S> Unpin for Writer<T, C, S> {}

impl<T, C: Timer, S> Clone for Writer<T, C, S> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<T: Io, C: Timer, S: Side> WebSocket<T, C, S> {
    /// Splits the WebSocket into halves for different tasks: true full duplex.
    ///
    /// The reader has to be kept going for the writer's Close to be completed.
    #[must_use]
    pub fn split(self) -> (Reader<T, C, S>, Writer<T, C, S>) {
        let tasks = Arc::new(Tasks::default());
        let shared = Arc::new(Shared {
            engine: Mutex::new(self.engine),
            everybody: Waker::from(Arc::clone(&tasks)),
            tasks,
        });
        let writer = Writer {
            shared: Arc::clone(&shared),
        };
        let reader = Reader {
            shared,
            input: self.input,
            subprotocol: self.subprotocol,
            told: false,
        };
        (reader, writer)
    }
}

/// Reading goes on while the peer doesn't take what the other half writes.
const DUPLEX: Flow = Flow {
    in_chunks: false,
    duplex: true,
};

/// The engine, locked, and the event that was found; `None` when the connection is over.
type Found<'a, T, C, S> = Result<Option<(MutexGuard<'a, Engine<T, C, S>>, Ready)>, Error>;

impl<T: Io, C: Timer, S: Side> Shared<T, C, S> {
    /// Finds the next event. The machine stays locked, as nothing may come between finding an event
    /// and lending it.
    fn poll_event(&self, waker: &Waker, input: &mut Input) -> Poll<Found<'_, T, C, S>> {
        self.tasks.note_reader(waker);
        let wakers = Wakers {
            read: waker,
            write: &self.everybody,
        };
        let mut engine = lock(&self.engine);
        let found = ready!(engine.poll_event(wakers, input, DUPLEX));
        if !matches!(found, Ok(Some(_))) {
            // Nothing that a writer waits for will come.
            drop(engine);
            self.tasks.wake_all();
            return Poll::Ready(found.map(|_| None));
        }
        Poll::Ready(found.map(|found| found.map(|ready| (engine, ready))))
    }

    /// Tries once, and where that has to wait, once more when the task is on the list: between the two
    /// nobody would wake it.
    fn poll_writing<R>(
        &self,
        cx: &Context<'_>,
        mut attempt: impl FnMut(&mut Engine<T, C, S>, &Waker) -> Poll<R>,
    ) -> Poll<R> {
        if let Poll::Ready(done) = attempt(&mut lock(&self.engine), &self.everybody) {
            return Poll::Ready(done);
        }
        self.tasks.note_writer(cx.waker());
        attempt(&mut lock(&self.engine), &self.everybody)
    }

    fn poll_flush(&self, cx: &Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_writing(cx, |engine, waker| engine.poll_flush(waker))
    }
}

impl<T: Io, C: Timer, S: Side> Reader<T, C, S> {
    /// Waits for the next event and lends it; to answer, have a [`Writer`] at hand. `None` when the
    /// connection is over: see [`outcome`](Self::outcome).
    ///
    /// It can be dropped while it waits: nothing is lost.
    ///
    /// # Errors
    /// As [`WebSocket::next`].
    #[allow(clippy::should_implement_trait)]
    pub async fn next(&mut self) -> Result<Option<Event<'_>>, Error> {
        let Self { shared, input, .. } = self;
        // The lock is gone at the end of this block: it is held over no wait.
        let lent = {
            let found = poll_fn(|cx| shared.poll_event(cx.waker(), input)).await?;
            let Some((mut engine, ready)) = found else {
                return Ok(None);
            };
            let (ws, tx) = engine.machine();
            ws.lend(ready, input.rx(), tx)
        };
        let violation = match lent {
            Ok(event) => return Ok(Some(event)),
            Err(violation) => violation,
        };
        // What was received is lent as far as the compiler knows. Nothing in it counts any more.
        poll_fn(|cx| {
            let told = ready!(shared.poll_event(cx.waker(), &mut Input::default()));
            Poll::Ready(told.map(drop))
        })
        .await?;
        Err(violation.into())
    }

    /// Sends a Close and sees the connection through to its end, within the close timeout. Messages that
    /// still come are dropped.
    ///
    /// # Errors
    /// As [`WebSocket::close`].
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<Outcome, Error> {
        lock(&self.shared.engine).queue_close(code, reason)?;
        while self.next().await?.is_some() {}
        Ok(self.outcome().unwrap_or_else(Outcome::abandoned))
    }

    /// How the connection ended, once it has.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        outcome(&lock(&self.shared.engine), &self.input)
    }

    /// The subprotocol that was agreed upon.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// Asks the machine.
    pub fn connection<R>(&self, ask: impl FnOnce(&Connection<S>) -> R) -> R {
        ask(lock(&self.shared.engine).ws())
    }

    fn poll_message(&mut self, cx: &Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        let Self { shared, input, .. } = self;
        loop {
            let found = ready!(shared.poll_event(cx.waker(), input))?;
            let Some((mut engine, ready)) = found else {
                return Poll::Ready(Ok(None));
            };
            let (ws, tx) = engine.machine();
            // What the peer did wrong is told when the transport is closed.
            if let Ok(event) = ws.lend(ready, input.rx(), tx)
                && let Some(message) = Message::from_event(&event)
            {
                return Poll::Ready(Ok(Some(message)));
            }
        }
    }
}

impl<T: Io, C: Timer, S: Side> Writer<T, C, S> {
    /// Sends a text message. Waits until it is written.
    ///
    /// When it is dropped while it waits, the message is queued whole, or not at all.
    ///
    /// # Errors
    /// As [`WebSocket::send_text`].
    pub async fn send_text(&self, text: &str) -> Result<(), Error> {
        self.send_whole(Payload::Text(text)).await
    }

    /// Sends a binary message. Waits until it is written.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text).
    pub async fn send_binary(&self, octets: &[u8]) -> Result<(), Error> {
        self.send_whole(Payload::Binary(octets)).await
    }

    async fn send_whole(&self, payload: Payload<'_>) -> Result<(), Error> {
        let shared = &self.shared;
        poll_fn(|cx| shared.poll_writing(cx, |engine, waker| engine.poll_queue(waker, payload)))
            .await?;
        self.flush().await
    }

    /// Sends a Ping. Waits until it is written.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text).
    pub async fn send_ping(&self, payload: &[u8]) -> Result<(), Error> {
        self.queue(|out| out.send_ping(payload))?;
        self.flush().await
    }

    /// Queues without waiting. What is queued goes out in one write with [`flush`](Self::flush), or when
    /// the reader runs next, which it is woken for.
    ///
    /// # Errors
    /// What `queue` returns.
    pub fn queue<R>(
        &self,
        queue: impl FnOnce(&mut Outgoing<'_, S>) -> Result<R, Misuse>,
    ) -> Result<R, Misuse> {
        let mut engine = lock(&self.shared.engine);
        let idle = engine.buffered_amount() == 0;
        let done = queue(&mut engine.outgoing());
        let woken = idle && engine.buffered_amount() != 0;
        drop(engine);
        if woken {
            self.shared.tasks.wake_reader();
        }
        done
    }

    /// Writes what is queued.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub async fn flush(&self) -> Result<(), Error> {
        poll_fn(|cx| self.shared.poll_flush(cx)).await
    }

    /// Sends a Close. Waits until it is written; the reader sees the rest through.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text), and those of [`Connection::close`].
    pub async fn close(&self, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.begin_close(code, reason)?;
        self.flush().await
    }

    fn begin_close(&self, code: CloseCode, reason: &str) -> Result<(), Misuse> {
        lock(&self.shared.engine).queue_close(code, reason)?;
        // The time for closing begins now: the reader waits for another deadline.
        self.shared.tasks.wake_reader();
        Ok(())
    }
}

impl<T: Io, C: Timer, S: Side> Stream for Reader<T, C, S> {
    type Item = Result<Message, Error>;

    /// The next message or control frame. A fault comes last, and once.
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.told {
            return Poll::Ready(None);
        }
        let next = ready!(this.poll_message(cx)).transpose();
        this.told = !matches!(next, Some(Ok(_)));
        Poll::Ready(next)
    }
}

impl<T: Io, C: Timer, S: Side> Sink<Message> for Writer<T, C, S> {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let shared = &self.shared;
        shared.poll_writing(cx, |engine, waker| engine.poll_room(waker))
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        if let Message::Close { code, reason } = &message {
            return Ok(self.begin_close(*code, reason)?);
        }
        Ok(lock(&self.shared.engine).queue_message(message)?)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.shared.poll_flush(cx)
    }

    /// Sends a Close with 1000 where none was sent. The reader sees the rest through.
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let open = lock(&self.shared.engine).ws().state() == State::Open;
        if open {
            self.begin_close(CloseCode::NORMAL, "")?;
        }
        self.shared.poll_flush(cx)
    }
}

impl<T, C: Timer, S: Side> fmt::Debug for Reader<T, C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

impl<T, C: Timer, S: Side> fmt::Debug for Writer<T, C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}
