//! What the blocking adapter writes, over a stream in memory that takes as much as it is told to: large
//! payloads from where they lie, and what halves queue.
#![cfg(feature = "std")]

mod common;

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use common::frames::{to_client, to_server};
use common::{in_words, open_client, open_server};
use websocket_proto::adapter::blocking::{
    Error, Reader, Stream, WebSocket, Writer, accept, connect,
};
use websocket_proto::{
    Broadcast, CloseCode, Config, Connection, Event, Misuse, RecvBuffer, Server, Side,
};

#[derive(Default)]
struct Ends {
    inbound: VecDeque<u8>,
    outbound: Vec<u8>,
    /// Each write's slices: where they began, and how long they were.
    writes: Vec<Vec<(usize, usize)>>,
    /// Octets that the next writes take, the last of them again and again; 0 is an interruption.
    takes: Vec<usize>,
    /// How writing fails, after so many octets.
    fails: Option<(usize, ErrorKind)>,
    vectored: bool,
    timeouts: usize,
}

/// A stream whose peer is the test. Each handle has a timeout of its own.
#[derive(Clone, Default)]
struct Line(Arc<Mutex<Ends>>);

impl Line {
    fn vectored(takes: &[usize]) -> Self {
        let line = Self::default();
        line.ends().takes = takes.to_vec();
        line.ends().vectored = true;
        line
    }

    fn ends(&self) -> MutexGuard<'_, Ends> {
        self.0.lock().unwrap()
    }

    fn send(&self, octets: &[u8]) {
        self.ends().inbound.extend(octets);
    }

    fn drain(&self) -> (Vec<u8>, Vec<Vec<(usize, usize)>>) {
        let mut ends = self.ends();
        (
            std::mem::take(&mut ends.outbound),
            std::mem::take(&mut ends.writes),
        )
    }
}

impl Read for Line {
    /// The stream ends where nothing is left.
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        self.ends().inbound.read(octets)
    }
}

impl Write for Line {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(octets)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut ends = self.ends();
        assert!(ends.vectored || slices.len() == 1);
        let takes = match ends.takes.len() {
            0 => usize::MAX,
            1 => ends.takes[0],
            _ => ends.takes.remove(0),
        };
        if takes == 0 {
            return Err(ErrorKind::Interrupted.into());
        }
        let all: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
        assert!(!all.is_empty(), "nothing is written");
        let mut count = takes.min(all.len());
        if let Some((left, kind)) = &mut ends.fails {
            if *left == 0 {
                let kind = *kind;
                return match kind {
                    ErrorKind::WriteZero => Ok(0),
                    _ => Err(kind.into()),
                };
            }
            count = count.min(*left);
            *left -= count;
        }
        ends.outbound.extend(&all[..count]);
        let places = slices
            .iter()
            .map(|slice| (slice.as_ptr() as usize, slice.len()));
        ends.writes.push(places.collect());
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for Line {
    fn set_read_timeout(&self, _timeout: Option<Duration>) -> io::Result<()> {
        self.ends().timeouts += 1;
        Ok(())
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn is_vectored(&self) -> bool {
        self.ends().vectored
    }

    fn prepare(&self, _write_timeout: Option<Duration>) -> io::Result<()> {
        Ok(())
    }
}

fn open<S: Side>(line: &Line, ws: Connection<S>) -> WebSocket<Line, S> {
    WebSocket::from_parts(line.clone(), ws, RecvBuffer::new())
}

fn payload(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 97) as u8).collect()
}

#[test]
fn a_server_writes_what_waits_a_header_and_the_payload_in_one_without_a_copy() {
    let line = Line::vectored(&[]);
    let mut ws = open(&line, open_server(Config::new()));
    for length in [4 << 10, 0xFFFF, 0x1_0000, 3_000_000] {
        let octets = payload(length);
        ws.queue().send_text("before").unwrap();
        ws.send_binary(&octets).unwrap();
        let (written, writes) = line.drain();
        let expected = [to_client(0x81, b"before"), to_client(0x82, &octets)].concat();
        assert!(written == expected, "{length}");
        assert_eq!(writes.len(), 1);
        assert_eq!(writes[0][1], (octets.as_ptr() as usize, length));
        let text = String::from_utf8(octets).unwrap();
        ws.send_text(&text).unwrap();
        let (written, writes) = line.drain();
        assert!(written == to_client(0x81, text.as_bytes()), "{length}");
        assert_eq!(writes[0][1], (text.as_ptr() as usize, length));
    }
}

#[test]
fn a_client_and_a_stream_without_vectored_writes_take_a_copy() {
    let octets = payload(10_000);
    let line = Line::vectored(&[]);
    let mut ws = open(&line, open_client(Config::new()));
    ws.send_binary(&octets).unwrap();
    let (written, writes) = line.drain();
    assert_eq!(written, to_server(0x82, &octets));
    assert_eq!((writes.len(), writes[0].len()), (1, 1));

    let line = Line::default();
    let mut ws = open(&line, open_server(Config::new()));
    ws.send_binary(&octets).unwrap();
    let (written, writes) = line.drain();
    assert_eq!(written, to_client(0x82, &octets));
    assert_eq!((writes.len(), writes[0].len()), (1, 1));
}

#[test]
fn whatever_a_write_takes_all_of_it_goes_in_order() {
    let octets = payload(5_000);
    let shared = Broadcast::binary(&payload(300));
    let expected = [
        to_client(0x81, b"before"),
        to_client(0x82, &payload(300)),
        to_client(0x81, b"behind"),
        to_client(0x82, &octets),
        to_client(0x81, b"after"),
    ]
    .concat();
    let patterns = [
        vec![1],
        vec![0, 3, 0, 2, 300, 1, 1, 1, 4_990, 7],
        vec![usize::MAX],
        vec![8, 304, 8, 4, 5_000],
        vec![10, 310, 10],
    ];
    for takes in patterns {
        let line = Line::vectored(&takes);
        let mut ws = open(&line, open_server(Config::new()));
        ws.queue().send_text("before").unwrap();
        ws.queue().send_shared(&shared).unwrap();
        ws.queue().send_text("behind").unwrap();
        ws.send_binary(&octets).unwrap();
        ws.send_text("after").unwrap();
        assert!(line.drain().0 == expected, "{takes:?}");
    }
}

#[test]
fn a_payload_beyond_the_limit_is_refused_and_nothing_written() {
    let config = Config::new().with_max_message_size(0);
    let line = Line::vectored(&[]);
    let mut ws = open(&line, open_server(config));
    ws.queue().send_text("a").unwrap();
    // The limit is 16 MiB; what waits counts.
    let most = (16 << 20) - 3 - 14;
    let octets = vec![0; most + 1];
    let refused = ws.send_binary(&octets);
    assert!(matches!(
        refused,
        Err(Error::Misuse(Misuse::SendBufferFull))
    ));
    assert!(line.drain().1.is_empty());
    ws.send_binary(&octets[..most]).unwrap();
    assert_eq!(line.drain().0.len(), 3 + 10 + most);
    ws.queue().close(CloseCode::NORMAL, "").unwrap();
    let refused = ws.send_binary(&octets[..5_000]);
    assert!(matches!(refused, Err(Error::Misuse(Misuse::Closing))));
}

#[test]
fn nothing_follows_a_write_that_has_failed() {
    let octets = payload(5_000);
    let whole = [to_client(0x81, b"before"), to_client(0x82, &octets)].concat();
    for kind in [
        ErrorKind::TimedOut,
        ErrorKind::WriteZero,
        ErrorKind::BrokenPipe,
    ] {
        for taken in [0, 5, 10, 12, 13, 4_000] {
            for halves in [false, true] {
                let line = Line::vectored(&[]);
                let mut ws = open(&line, open_server(Config::new()));
                // What came before is lent, whatever becomes of writing.
                line.send(&to_server(0x81, b"received").repeat(2));
                assert!(ws.next().unwrap().is_some());
                line.ends().fails = Some((taken, kind));
                ws.queue().send_text("before").unwrap();
                let (sent, again, received) = if halves {
                    let (mut reader, writer) = ws.split_with(line.clone());
                    let sent = writer.send_binary(&octets);
                    line.ends().fails = None;
                    let again = writer.send_text("more");
                    (sent, again, reader.next().unwrap().map(|e| in_words(&e)))
                } else {
                    let sent = ws.send_binary(&octets);
                    line.ends().fails = None;
                    let again = ws.send_text("more");
                    let received = ws.next().unwrap().map(|(event, _)| in_words(&event));
                    (sent, again, received)
                };
                // Where the peer has gone, it is the outcome that tells.
                assert_eq!(sent.is_ok(), kind == ErrorKind::BrokenPipe);
                assert!(matches!(again, Err(Error::Misuse(Misuse::Closing))));
                assert_eq!(received.as_deref(), Some("text received"));
                assert!(line.drain().0 == whole[..taken], "{kind:?} after {taken}");
            }
        }
    }
}

// ---- halves --------------------------------------------------------------------------------------

type Halves = (Reader<Line, Server>, Writer<Line, Server>);

fn halves(line: &Line, config: Config) -> Halves {
    open(line, open_server(config)).split_with(line.clone())
}

#[test]
fn what_a_writer_queues_goes_out_in_one_write_and_the_reader_leaves_it_to_the_writer() {
    let line = Line::vectored(&[]);
    let (mut reader, writer) = halves(&line, Config::new());
    writer.queue(|out| out.send_text("one")).unwrap();
    let two = writer.queue(|out| {
        out.send_text("two")?;
        Ok(out.buffered_amount())
    });
    assert_eq!(two, Ok(10));
    line.send(&to_server(0x89, b"ping"));
    line.send(&to_server(0x81, b"next"));
    for expected in ["ping ping", "text next"] {
        assert_eq!(in_words(&reader.next().unwrap().unwrap()), expected);
    }
    assert!(line.drain().1.is_empty(), "the reader writes no message");
    writer.flush().unwrap();
    let queued = [
        to_client(0x81, b"one"),
        to_client(0x81, b"two"),
        to_client(0x8A, b"ping"),
    ];
    let (written, writes) = line.drain();
    assert_eq!((written, writes.len()), (queued.concat(), 1));
    writer.flush().unwrap();
    assert!(line.drain().1.is_empty(), "there is nothing left");

    // What is queued before a message of any size goes with it.
    let octets = payload(9_000);
    writer.queue(|out| out.send_text("before")).unwrap();
    writer.send_binary(&octets).unwrap();
    let (written, writes) = line.drain();
    let expected = [to_client(0x81, b"before"), to_client(0x82, &octets)];
    assert_eq!((written, writes.len()), (expected.concat(), 1));
    assert_eq!(writes[0][1], (octets.as_ptr() as usize, 9_000));

    // Where no writer has queued anything, the reader writes.
    line.send(&to_server(0x89, b"again"));
    assert_eq!(in_words(&reader.next().unwrap().unwrap()), "ping again");
    line.send(&to_server(0x81, b"next"));
    assert_eq!(in_words(&reader.next().unwrap().unwrap()), "text next");
    assert_eq!(line.drain().0, to_client(0x8A, b"again"));
}

#[test]
fn a_queue_that_nobody_flushes_goes_out_when_the_peer_closes() {
    let line = Line::vectored(&[]);
    let (mut reader, writer) = halves(&line, Config::new());
    writer.queue(|out| out.send_text("forgotten")).unwrap();
    line.send(&to_server(0x88, b""));
    while reader.next().unwrap().is_some() {}
    let expected = [to_client(0x81, b"forgotten"), to_client(0x88, b"")];
    assert_eq!(line.drain().0, expected.concat());
    assert!(reader.outcome().unwrap().clean);
}

#[test]
fn a_refused_command_says_so_and_queues_nothing() {
    let line = Line::vectored(&[]);
    let (_reader, writer) = halves(&line, Config::new());
    let refused = writer.queue(|out| out.send_ping(&[0; 126]));
    assert_eq!(refused, Err(Misuse::ControlTooLong));
    writer.flush().unwrap();
    writer
        .queue(|out| out.close(CloseCode::NORMAL, ""))
        .unwrap();
    for length in [1, 5_000] {
        assert!(matches!(
            writer.send_binary(&vec![0; length]),
            Err(Error::Misuse(Misuse::Closing))
        ));
    }
    writer.flush().unwrap();
    assert_eq!(line.drain().0, to_client(0x88, &[3, 0xE8]));
}

#[test]
fn a_reader_takes_messages_whole_and_in_chunks() {
    let line = Line::vectored(&[]);
    let (mut reader, _writer) = halves(&line, Config::new().with_max_message_size(u64::MAX));
    let octets = payload(300_000);
    line.send(&to_server(0x82, &octets));
    line.send(&to_server(0x81, b"whole"));
    let (mut got, mut chunks) = (Vec::new(), 0);
    loop {
        match reader.next_chunk().unwrap().unwrap() {
            Event::BinaryChunk { octets, last } => {
                got.extend_from_slice(octets);
                chunks += 1;
                if last {
                    break;
                }
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(got == octets && chunks > 2, "{chunks}");
    assert!(matches!(reader.next().unwrap(), Some(Event::Text("whole"))));
}

#[test]
fn a_reading_half_sets_the_timeout_of_its_own_handle() {
    let line = Line::vectored(&[]);
    let config = Config::new()
        .with_ping_interval(Some(Duration::from_secs(20)))
        .with_close_timeout(Some(Duration::from_secs(600)));
    let mut ws = open(&line, open_server(config));
    line.send(&to_server(0x81, b"one"));
    ws.next().unwrap();
    assert_eq!(line.ends().timeouts, 1);
    let other = Line::vectored(&[]);
    let (mut reader, _writer) = ws.split_with(other.clone());
    other.send(&to_server(0x81, b"two"));
    assert!(matches!(reader.next().unwrap(), Some(Event::Text("two"))));
    assert_eq!(other.ends().timeouts, 1);
}

#[test]
fn many_writers_come_between_no_header_and_its_payload() {
    const EACH: usize = 200;
    const LENGTHS: [usize; 4] = [10, 4 << 10, 20_000, 70_000];

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let ws = accept(listener.accept().unwrap().0).unwrap();
        let (mut reader, writer) = ws.split().unwrap();
        let writing = LENGTHS.map(|length| {
            let writer = writer.clone();
            thread::spawn(move || {
                for at in 0..EACH {
                    writer.queue(|out| out.send_text("queued")).unwrap();
                    writer.send_binary(&vec![at as u8; length]).unwrap();
                }
            })
        });
        // It answers Pings meanwhile.
        let reading = thread::spawn(move || {
            while reader.next().unwrap().is_some() {}
            reader.outcome().unwrap().clean
        });
        for thread in writing {
            thread.join().unwrap();
        }
        writer.close(CloseCode::NORMAL, "").unwrap();
        reading.join().unwrap()
    });
    let mut ws = connect(&url).unwrap();
    let mut seen = [0; LENGTHS.len()];
    let (mut texts, mut pongs) = (0, 0);
    while let Some((event, mut out)) = ws.next().unwrap() {
        match event {
            Event::Text("queued") => texts += 1,
            Event::Binary(octets) => {
                let who = LENGTHS.iter().position(|length| *length == octets.len());
                let number = &mut seen[who.unwrap()];
                assert!(octets.iter().all(|octet| *octet == *number as u8));
                *number += 1;
                if *number % 10 == 1 {
                    out.send_ping(b"ping").unwrap();
                }
            }
            Event::Pong(_) => pongs += 1,
            Event::Close(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(server.join().unwrap());
    assert_eq!((seen, texts), ([EACH; 4], 4 * EACH));
    assert!(pongs > 0);
}
