//! Full duplex: one task reads while others write.
//!
//! The machine, the transport and what is queued stand behind one lock. It is held for the length of one
//! poll, never while anything waits. Whoever waits for the transport to take octets, or for a deadline, has
//! a place on one list, and the transport and the timer wake everybody on it: it doesn't matter who of them
//! asked last. A future that is dropped gives up its place.

use core::fmt;
use core::ops::Deref;
use std::boxed::Box;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker, ready};

use futures_core::Stream;
use futures_sink::Sink;

use super::buffers::Input;
use super::engine::{Engine, Flow, Wakers};
use super::message::{Message, Payload, item};
use super::socket::outcome;
use super::{Io, Outgoing, WebSocket};
use crate::adapter::{Error, Outcome, Timer};
use crate::close::CloseCode;
use crate::connection::{Connection, Event, Ready, Side, State};
use crate::error::Misuse;

/// The tasks of both halves.
///
/// A waker may be the last to hold a task, and the task a half: none is dropped under the lock.
#[derive(Default)]
struct Tasks(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    reader: Option<Waker>,
    /// By the numbers of their places.
    writers: BTreeMap<u64, Waker>,
    last_place: u64,
}

impl Tasks {
    /// Has the reader woken from now on.
    fn note_reader(&self, waker: &Waker) {
        let mut waiting = lock(&self.0);
        if !waiting
            .reader
            .as_ref()
            .is_some_and(|known| known.will_wake(waker))
        {
            let before = waiting.reader.replace(waker.clone());
            drop(waiting);
            drop(before);
        }
    }

    fn wake_reader(&self) {
        let reader = lock(&self.0).reader.clone();
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    fn wake_writers(&self) {
        let writers = mem::take(&mut lock(&self.0).writers);
        for writer in writers.into_values() {
            writer.wake();
        }
    }

    fn wake_all(&self) {
        self.wake_writers();
        self.wake_reader();
    }
}

/// A writer's place among those that wait. It is given up when this is dropped.
struct Place<T: Deref<Target = Tasks>> {
    tasks: T,
    number: Option<u64>,
}

impl<T: Deref<Target = Tasks>> Place<T> {
    const fn new(tasks: T) -> Self {
        Self {
            tasks,
            number: None,
        }
    }

    /// Has the writer woken once.
    fn wait(&mut self, waker: &Waker) {
        let mut waiting = lock(&self.tasks.0);
        let number = *self.number.get_or_insert_with(|| {
            waiting.last_place += 1;
            waiting.last_place
        });
        let before = waiting.writers.insert(number, waker.clone());
        drop(waiting);
        drop(before);
    }
}

impl<T: Deref<Target = Tasks>> Drop for Place<T> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            let waker = lock(&self.tasks.0).writers.remove(&number);
            drop(waker);
        }
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
    /// Where it waits as a `Sink`.
    place: Place<Arc<Tasks>>,
}

impl<T, C: Timer, S> Unpin for Reader<T, C, S> {}
impl<T, C: Timer, S> Unpin for Writer<T, C, S> {}

impl<T, C: Timer, S> Clone for Writer<T, C, S> {
    fn clone(&self) -> Self {
        Self::of(&self.shared)
    }
}

impl<T, C: Timer, S> Writer<T, C, S> {
    fn of(shared: &Arc<Shared<T, C, S>>) -> Self {
        Self {
            shared: Arc::clone(shared),
            place: Place::new(Arc::clone(&shared.tasks)),
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
        let writer = Writer::of(&shared);
        let reader = Reader {
            shared,
            input: self.input,
            subprotocol: self.subprotocol,
            told: false,
        };
        (reader, writer)
    }
}

/// The engine, locked, and the event that was found; `None` when the connection is over.
type Found<'a, T, C, S> = Result<Option<(MutexGuard<'a, Engine<T, C, S>>, Ready)>, Error>;

impl<T: Io, C: Timer, S: Side> Shared<T, C, S> {
    /// Finds the next event. The machine stays locked, as nothing may come between finding an event
    /// and lending it.
    fn poll_event(
        &self,
        waker: &Waker,
        input: &mut Input,
        in_chunks: bool,
    ) -> Poll<Found<'_, T, C, S>> {
        self.tasks.note_reader(waker);
        let wakers = Wakers {
            read: waker,
            write: &self.everybody,
        };
        let mut engine = lock(&self.engine);
        // Reading goes on while the peer doesn't take what the other half writes.
        let flow = Flow {
            in_chunks,
            duplex: true,
        };
        let writing = engine.is_writing();
        let found = engine.poll_event(wakers, input, flow);
        self.tell_writers(writing, &mut engine);
        let found = ready!(found);
        if !matches!(found, Ok(Some(_))) {
            // Nothing that a writer waits for will come.
            drop(engine);
            self.tasks.wake_all();
            return Poll::Ready(found.map(|_| None));
        }
        Poll::Ready(found.map(|found| found.map(|ready| (engine, ready))))
    }

    /// When all that waited to be written has been, whoever waits for that is told: a transport that was
    /// asked by another task meanwhile need not do so.
    fn tell_writers(&self, writing: bool, engine: &mut Engine<T, C, S>) {
        if writing && !engine.is_writing() {
            self.tasks.wake_writers();
        }
    }

    /// Tries once, and where that has to wait, once more when the task has its place: between the two
    /// nobody would wake it.
    fn poll_writing<R>(
        &self,
        cx: &Context<'_>,
        place: &mut Place<impl Deref<Target = Tasks>>,
        mut attempt: impl FnMut(&mut Engine<T, C, S>, &Waker) -> Poll<R>,
    ) -> Poll<R> {
        let mut attempt = || {
            let mut engine = lock(&self.engine);
            let writing = engine.is_writing();
            let done = attempt(&mut engine, &self.everybody);
            self.tell_writers(writing, &mut engine);
            done
        };
        if let Poll::Ready(done) = attempt() {
            return Poll::Ready(done);
        }
        place.wait(cx.waker());
        attempt()
    }

    /// As often as it takes, for a future that may be dropped while it waits.
    async fn writing<R>(
        &self,
        mut attempt: impl FnMut(&mut Engine<T, C, S>, &Waker) -> Poll<R>,
    ) -> R {
        let mut place = Place::new(&*self.tasks);
        poll_fn(|cx| self.poll_writing(cx, &mut place, &mut attempt)).await
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
        self.next_event(false).await
    }

    /// As [`next`](Self::next), with messages in chunks as they arrive: see [`Connection::poll_chunk`].
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn next_chunk(&mut self) -> Result<Option<Event<'_>>, Error> {
        self.next_event(true).await
    }

    async fn next_event(&mut self, in_chunks: bool) -> Result<Option<Event<'_>>, Error> {
        let Self { shared, input, .. } = self;
        // The lock is gone at the end of this block: it is held over no wait.
        let lent = {
            let found = poll_fn(|cx| shared.poll_event(cx.waker(), input, in_chunks)).await?;
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
            let told = ready!(shared.poll_event(cx.waker(), &mut Input::default(), false));
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
            let found = ready!(shared.poll_event(cx.waker(), input, false))?;
            let Some((mut engine, ready)) = found else {
                return Poll::Ready(Ok(None));
            };
            if let Some(message) = engine.message(ready, input) {
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
        self.shared
            .writing(|engine, waker| engine.poll_queue(waker, payload))
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
        let (idle, state) = (engine.buffered_amount() == 0, engine.ws().state());
        let done = queue(&mut engine.outgoing());
        // Something is to be written, or the time for closing begins: the reader waits for neither.
        let woken = idle && engine.buffered_amount() != 0 || engine.ws().state() != state;
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
        self.shared
            .writing(|engine, waker| engine.poll_flush(waker))
            .await
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
        let next = this.poll_message(cx);
        item(next, &mut this.told)
    }
}

impl<T: Io, C: Timer, S: Side> Sink<Message> for Writer<T, C, S> {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Self { shared, place } = self.get_mut();
        shared.poll_writing(cx, place, |engine, waker| engine.poll_room(waker))
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        if let Message::Close { code, reason } = &message {
            return Ok(self.begin_close(*code, reason)?);
        }
        Ok(lock(&self.shared.engine).queue_message(message)?)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Self { shared, place } = self.get_mut();
        shared.poll_writing(cx, place, |engine, waker| engine.poll_flush(waker))
    }

    /// Sends a Close with 1000 where none was sent. The reader sees the rest through.
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let open = lock(&self.shared.engine).ws().state() == State::Open;
        if open {
            self.begin_close(CloseCode::NORMAL, "")?;
        }
        Sink::poll_flush(self, cx)
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
