//! Halves of a WebSocket in many tasks: who is woken, and who is left alone. A task is polled here only when
//! it was woken, and the transport keeps to the least that it has to: it wakes who was pending last.
#![cfg(feature = "poll")]

mod common;

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use common::frames::{to_client, to_server, whole_frames};
use common::wire::Clock;
use futures_util::SinkExt;
use websocket_proto::adapter::poll::{Io, Message, Reader, WebSocket, Writer};
use websocket_proto::{CloseCode, Config, Connection, Event, RecvBuffer, Server};

/// A transport whose peer is the test.
#[derive(Clone, Default)]
struct Line(Arc<Mutex<Ends>>);

#[derive(Default)]
struct Ends {
    inbound: Vec<u8>,
    outbound: Vec<u8>,
    /// How many octets may still be written.
    room: usize,
    /// Who was pending last; nobody, once it was asked again with success.
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Line {
    /// Octets for the end under test.
    fn send(&self, octets: &[u8]) {
        self.0.lock().unwrap().inbound.extend(octets);
        let reader = self.0.lock().unwrap().reader.take();
        reader.into_iter().for_each(Waker::wake);
    }

    /// Room to write; whoever waits for it is told by [`tell`](Self::tell).
    fn give_room(&self, room: usize) {
        self.0.lock().unwrap().room += room;
    }

    fn tell(&self) {
        let writer = self.0.lock().unwrap().writer.take();
        writer.into_iter().for_each(Waker::wake);
    }

    fn written(&self) -> Vec<u8> {
        self.0.lock().unwrap().outbound.clone()
    }
}

impl Io for Line {
    fn poll_read(&mut self, cx: &mut Context<'_>, octets: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut ends = self.0.lock().unwrap();
        let count = ends.inbound.len().min(octets.len());
        if count == 0 {
            ends.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        for (place, octet) in octets.iter_mut().zip(ends.inbound.drain(..count)) {
            *place = octet;
        }
        ends.reader = None;
        Poll::Ready(Ok(count))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let mut ends = self.0.lock().unwrap();
        let count = ends.room.min(octets.len());
        if count == 0 {
            ends.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        ends.room -= count;
        ends.outbound.extend(&octets[..count]);
        ends.writer = None;
        Poll::Ready(Ok(count))
    }

    fn poll_flush(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Whether a task was woken.
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Task<'a> {
    future: Option<Pin<Box<dyn Future<Output = ()> + 'a>>>,
    woken: Arc<Woken>,
}

impl<'a> Task<'a> {
    fn new(future: impl Future<Output = ()> + 'a) -> Self {
        Self {
            future: Some(Box::pin(future)),
            woken: Arc::new(Woken(AtomicBool::new(true))),
        }
    }

    fn is_done(&self) -> bool {
        self.future.is_none()
    }

    /// How many wakers of this task somebody holds.
    fn known(&self) -> usize {
        Arc::strong_count(&self.woken) - 1
    }

    /// Polls the task if it was woken, and says whether it was.
    fn poll(&mut self) -> bool {
        let Some(future) = &mut self.future else {
            return false;
        };
        if !self.woken.0.swap(false, Ordering::Relaxed) {
            return false;
        }
        let waker = Waker::from(Arc::clone(&self.woken));
        if future
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_ready()
        {
            self.future = None;
        }
        true
    }
}

/// Polls the tasks that are woken until none is. Returns how many polls that took.
fn settle<'a, 'b: 'a>(tasks: impl IntoIterator<Item = &'a mut Task<'b>>) -> usize {
    let mut tasks: Vec<_> = tasks.into_iter().collect();
    let mut polls = 0;
    loop {
        let before = polls;
        for task in &mut tasks {
            polls += usize::from(task.poll());
        }
        if polls == before {
            return polls;
        }
        assert!(polls < 100_000, "tasks wake each other for ever");
    }
}

type Halves = (Reader<Line, Clock, Server>, Writer<Line, Clock, Server>);

/// An open server's end in halves, over a line without room.
fn open() -> (Halves, Line, Clock) {
    let (line, clock) = (Line::default(), Clock::default());
    let ws = Connection::open_server(Config::new());
    let timeout = Some(Duration::from_secs(30));
    let ws = WebSocket::from_parts(line.clone(), clock.clone(), ws, RecvBuffer::new(), timeout);
    (ws.split(), line, clock)
}

async fn read_on(reader: &mut Reader<Line, Clock, Server>) {
    while reader.next().await.unwrap().is_some() {}
}

/// How many writers wait at once.
const MANY: usize = 500;

#[test]
fn writers_that_wait_are_left_alone_and_all_are_told_in_the_end() {
    let ((mut reader, writer), line, _) = open();
    let mut reading = Task::new(read_on(&mut reader));
    let mut writing: Vec<_> = (0..MANY)
        .map(|at| {
            let writer = writer.clone();
            Task::new(async move { writer.send_text(&format!("{at:03}")).await.unwrap() })
        })
        .collect();
    let polls = settle(writing.iter_mut().chain([&mut reading]));
    assert!(
        polls < 2 * MANY,
        "{polls} polls where nothing can be written"
    );
    line.give_room(usize::MAX);
    line.tell();
    settle(writing.iter_mut().chain([&mut reading]));
    assert!(writing.iter().all(Task::is_done));
    assert!(!reading.is_done());
    let mut texts: Vec<_> = whole_frames(&line.written())
        .into_iter()
        .map(|frame| String::from_utf8(frame.payload).unwrap())
        .collect();
    texts.sort();
    let expected: Vec<_> = (0..MANY).map(|at| format!("{at:03}")).collect();
    assert_eq!(texts, expected, "each once");
}

#[test]
fn a_writer_that_is_dropped_is_forgotten() {
    let ((_reader, writer), line, _) = open();
    let mut future = Task::new(async { writer.send_text("future").await.unwrap() });
    let mut sink = writer.clone();
    let mut feeding = Task::new(async move { sink.send(Message::from("sink")).await.unwrap() });
    settle([&mut future, &mut feeding]);
    assert_eq!((future.known(), feeding.known()), (1, 1));
    future.future = None;
    assert_eq!(future.known(), 0, "a future goes with its place");
    feeding.future = None;
    assert_eq!(feeding.known(), 0, "and a sink, which was in its task");
    // What they queued is whole, and goes with the next who writes.
    line.give_room(usize::MAX);
    let mut last = Task::new(async { writer.flush().await.unwrap() });
    settle([&mut last]);
    assert!(last.is_done());
    let expected = [to_client(0x81, b"future"), to_client(0x81, b"sink")];
    assert_eq!(line.written(), expected.concat());
}

#[test]
fn whoever_finds_the_transport_free_tells_those_who_wait() {
    for by_reader in [true, false] {
        let ((mut reader, writer), line, _) = open();
        let mut waiting = Task::new(async { writer.send_text("waits").await.unwrap() });
        let mut reading = Task::new(read_on(&mut reader));
        settle([&mut reading, &mut waiting]);
        // Before the transport says so, another task finds that there is room.
        line.give_room(usize::MAX);
        if by_reader {
            line.send(&to_server(0x8A, b""));
            settle([&mut reading]);
        } else {
            let mut flushing = Task::new(async { writer.flush().await.unwrap() });
            settle([&mut flushing]);
        }
        assert_eq!(line.written(), to_client(0x81, b"waits"));
        line.tell();
        settle([&mut waiting]);
        assert!(waiting.is_done(), "by the reader: {by_reader}");
    }
}

#[test]
fn a_close_that_is_queued_behind_others_begins_the_time_for_closing() {
    let ((mut reader, writer), line, clock) = open();
    let mut reading = Task::new(read_on(&mut reader));
    settle([&mut reading]);
    writer.queue(|out| out.send_text("first")).unwrap();
    settle([&mut reading]);
    writer
        .queue(|out| out.close(CloseCode::NORMAL, ""))
        .unwrap();
    assert_eq!(settle([&mut reading]), 1, "the reader learns of it");
    clock.advance(Duration::from_secs(5));
    reading.woken.0.store(true, Ordering::Relaxed);
    settle([&mut reading]);
    assert!(reading.is_done(), "not the 30 seconds for writing");
    drop(reading);
    assert!(line.written().is_empty());
    assert_eq!(reader.outcome().unwrap().code, CloseCode::ABNORMAL);
}

#[test]
fn a_reader_takes_chunks_while_the_message_arrives() {
    let ((mut reader, _writer), line, _) = open();
    let octets = vec![7; 100_000];
    let frame = to_server(0x82, &octets);
    let mut got = Vec::new();
    let mut chunks = 0;
    let mut reading = Task::new(async {
        loop {
            match reader.next_chunk().await.unwrap() {
                Some(Event::BinaryChunk { octets, last }) => {
                    got.extend_from_slice(octets);
                    chunks += 1;
                    if last {
                        break;
                    }
                }
                _ => panic!("no chunk"),
            }
        }
    });
    for piece in frame.chunks(10_000) {
        settle([&mut reading]);
        assert!(!reading.is_done());
        line.send(piece);
    }
    settle([&mut reading]);
    assert!(reading.is_done());
    drop(reading);
    assert!(got == octets);
    assert!(chunks >= 10, "{chunks} chunks");
}
