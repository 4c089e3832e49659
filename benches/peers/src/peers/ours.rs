//! `websocket-proto`: the machine alone, and through its adapter for blocking streams.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::time::Duration;

use arrayvec::ArrayVec;
use websocket_proto::adapter::blocking;
use websocket_proto::handshake::Accept;
#[cfg(feature = "compression")]
use websocket_proto::handshake::DeflateConfig;
use websocket_proto::{
    Config, Connection, Event, MessageKind, RecvBuffer, SendBuffer, Server, Side,
};

#[cfg(feature = "compression")]
use super::Deflate;
use super::{Answer, Part, Receive, Send};
use crate::meter::Meter;
use crate::pipe::Pipe;

/// What is read at once, as over a socket, where each read is a system call.
const READ: usize = 64 << 10;

/// From here on a server writes a payload from where it lies.
const APART: usize = 1 << 10;

/// From here on a client masks a payload where it lies, as wtx does with all of them: what it would be copied to is no
/// longer in the cache when it is written.
const MASKED_APART: usize = 1 << 20;

fn config() -> Config {
    Config::new().with_max_message_size(64 << 20)
}

fn keys() -> impl FnMut() -> [u8; 4] {
    let mut random = fastrand::Rng::new();
    move || random.u32(..).to_ne_bytes()
}

/// The machine, driven by hand.
pub struct Machine;

impl super::Peer for Machine {
    fn name(&self) -> &'static str {
        "websocket-proto"
    }

    fn part(&self) -> Part {
        Part::Ours
    }

    fn receive(&self, pipe: Pipe, _: &Receive, meter: &mut Meter<'_>) -> Answer {
        receive(Connection::open_server(config()), pipe, meter);
        Answer::Done
    }

    fn send(&self, pipe: Pipe, work: &Send<'_>, meter: &mut Meter<'_>) -> Answer {
        let length = work.payloads[0].len();
        if work.client && length >= MASKED_APART {
            send_masked_apart(pipe, work, meter);
        } else if work.client {
            send_queued(Connection::open_client(config(), keys()), pipe, work, meter);
        } else if length >= APART && work.batch == 1 {
            send_apart(pipe, work, meter);
        } else if length >= APART {
            send_batch_apart(pipe, work, meter);
        } else {
            send_queued(Connection::open_server(config()), pipe, work, meter);
        }
        Answer::Done
    }

    fn handshake(&self, open: &dyn Fn() -> Pipe, meter: &mut Meter<'_>) -> Answer {
        // They go from one connection to the next, as in our adapters for tasks. No request of a browser is longer.
        let mut rx = RecvBuffer::with_storage([0; 2048]);
        let mut tx = SendBuffer::with_storage([0; 512]);
        while meter.more() {
            let mut pipe = open();
            let mut ws = Connection::server(config());
            rx.clear();
            loop {
                match ws.poll(&mut rx, &mut tx).unwrap() {
                    Some(Event::Request(request)) => {
                        ws.accept(&request, &Accept::new(), &mut tx).unwrap();
                    }
                    Some(Event::HandshakeDone(_)) => break,
                    Some(event) => panic!("{event:?}"),
                    None => {
                        let count = pipe.read(rx.spare()).unwrap();
                        rx.commit(count);
                    }
                }
            }
            pipe.write_all(tx.octets());
            tx.consume(tx.len());
            std::hint::black_box(&ws);
        }
        Answer::Done
    }

    #[cfg(feature = "compression")]
    fn receive_compressed(
        &self,
        pipe: Pipe,
        _: &Receive,
        deflate: Deflate,
        meter: &mut Meter<'_>,
    ) -> Answer {
        receive(compressing_server(deflate), pipe, meter);
        Answer::Done
    }

    #[cfg(feature = "compression")]
    fn send_compressed(
        &self,
        pipe: Pipe,
        work: &Send<'_>,
        deflate: Deflate,
        meter: &mut Meter<'_>,
    ) -> Answer {
        send_queued(compressing_server(deflate), pipe, work, meter);
        Answer::Done
    }
}

/// A server's end that has agreed to compress.
#[cfg(feature = "compression")]
fn compressing_server(deflate: Deflate) -> Connection<Server> {
    let policy = DeflateConfig::new().with_level(deflate.level);
    let answer = policy.answer([deflate.agreed().as_bytes()]).unwrap();
    Connection::open_server(config()).with_deflate(answer.parameters(), &policy)
}

fn receive(mut ws: Connection<Server>, mut pipe: Pipe, meter: &mut Meter<'_>) {
    let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
    while meter.more() {
        loop {
            match ws.poll(&mut rx, &mut tx).unwrap() {
                Some(Event::Text(text)) => break meter.got(text.as_bytes()),
                Some(Event::Binary(octets)) => break meter.got(octets),
                Some(event) => panic!("{event:?}"),
                None => {
                    let spare = rx.spare_for(READ);
                    let length = spare.len().min(READ);
                    let count = pipe.read(&mut spare[..length]).unwrap();
                    rx.commit(count);
                }
            }
        }
    }
}

fn send_queued<S: Side>(
    mut ws: Connection<S>,
    mut pipe: Pipe,
    work: &Send<'_>,
    meter: &mut Meter<'_>,
) {
    let mut tx = SendBuffer::new();
    let mut payloads = work.rotation();
    loop {
        let batch = meter.take(work.batch);
        if batch == 0 {
            break;
        }
        for payload in payloads.by_ref().take(batch) {
            ws.send_binary(payload, &mut tx).unwrap();
        }
        pipe.write_all(tx.octets());
        tx.consume(tx.len());
    }
}

/// A server writes a long payload from where it lies, after its header.
fn send_apart(mut pipe: Pipe, work: &Send<'_>, meter: &mut Meter<'_>) {
    let mut ws = Connection::open_server(config());
    let mut payloads = work.rotation();
    while meter.more() {
        let payload = payloads.next().unwrap();
        let header = ws.send_header(MessageKind::Binary, payload.len()).unwrap();
        pipe.write_slices(&[IoSlice::new(header.as_ref()), IoSlice::new(payload)]);
    }
}

/// Several of them in one vectored write.
fn send_batch_apart(mut pipe: Pipe, work: &Send<'_>, meter: &mut Meter<'_>) {
    let mut ws = Connection::open_server(config());
    let mut payloads = work.rotation();
    loop {
        let batch = meter.take(work.batch);
        if batch == 0 {
            break;
        }
        let messages: ArrayVec<_, 64> = payloads
            .by_ref()
            .take(batch)
            .map(|payload| {
                let header = ws.send_header(MessageKind::Binary, payload.len());
                (header.unwrap(), payload)
            })
            .collect();
        let slices: ArrayVec<_, 128> = messages
            .iter()
            .flat_map(|(header, payload)| [header.as_ref(), payload].map(IoSlice::new))
            .collect();
        pipe.write_slices(&slices);
    }
}

/// A client masks a long payload where it lies, and writes it from there.
fn send_masked_apart(mut pipe: Pipe, work: &Send<'_>, meter: &mut Meter<'_>) {
    let mut ws = Connection::open_client(config(), keys());
    // They stay masked. Where it matters what goes out, they are copied anew each time.
    let mut own: Vec<Vec<u8>> = work.payloads.iter().map(|each| each.to_vec()).collect();
    let mut at = 0;
    while meter.more() {
        let payload = &mut own[at];
        if meter.compares() {
            payload.copy_from_slice(&work.payloads[at]);
        }
        at = (at + 1) % work.payloads.len();
        let header = ws.send_apart(MessageKind::Binary, payload).unwrap();
        pipe.write_slices(&[IoSlice::new(header.as_ref()), IoSlice::new(payload)]);
    }
}

/// The adapter for blocking streams.
pub struct Blocking;

impl super::Peer for Blocking {
    fn name(&self) -> &'static str {
        "websocket-proto, blocking"
    }

    fn part(&self) -> Part {
        Part::Ours
    }

    fn receive(&self, pipe: Pipe, _: &Receive, meter: &mut Meter<'_>) -> Answer {
        receive_blocking(Connection::open_server(config()), pipe, meter);
        Answer::Done
    }

    fn send(&self, pipe: Pipe, work: &Send<'_>, meter: &mut Meter<'_>) -> Answer {
        if work.client {
            send_blocking(Connection::open_client(config(), keys()), pipe, work, meter);
        } else {
            send_blocking(Connection::open_server(config()), pipe, work, meter);
        }
        Answer::Done
    }

    fn handshake(&self, open: &dyn Fn() -> Pipe, meter: &mut Meter<'_>) -> Answer {
        while meter.more() {
            std::hint::black_box(&blocking::accept(Line(open())).unwrap());
        }
        Answer::Done
    }

    #[cfg(feature = "compression")]
    fn receive_compressed(
        &self,
        pipe: Pipe,
        _: &Receive,
        deflate: Deflate,
        meter: &mut Meter<'_>,
    ) -> Answer {
        receive_blocking(compressing_server(deflate), pipe, meter);
        Answer::Done
    }

    #[cfg(feature = "compression")]
    fn send_compressed(
        &self,
        pipe: Pipe,
        work: &Send<'_>,
        deflate: Deflate,
        meter: &mut Meter<'_>,
    ) -> Answer {
        send_blocking(compressing_server(deflate), pipe, work, meter);
        Answer::Done
    }
}

fn receive_blocking(ws: Connection<Server>, pipe: Pipe, meter: &mut Meter<'_>) {
    let mut ws = blocking::WebSocket::from_parts(Line(pipe), ws, RecvBuffer::new());
    while meter.more() {
        match ws.next().unwrap() {
            Some((Event::Text(text), _)) => meter.got(text.as_bytes()),
            Some((Event::Binary(octets), _)) => meter.got(octets),
            event => panic!("{event:?}"),
        }
    }
}

fn send_blocking<S: Side>(ws: Connection<S>, pipe: Pipe, work: &Send<'_>, meter: &mut Meter<'_>) {
    let mut ws = blocking::WebSocket::from_parts(Line(pipe), ws, RecvBuffer::new());
    let mut payloads = work.rotation();
    if work.batch == 1 {
        while meter.more() {
            ws.send_binary(payloads.next().unwrap()).unwrap();
        }
        return;
    }
    loop {
        let batch = meter.take(work.batch);
        if batch == 0 {
            break;
        }
        for payload in payloads.by_ref().take(batch) {
            ws.queue().send_binary(payload).unwrap();
        }
        ws.flush().unwrap();
    }
}

/// The pipe as a stream that writes several slices at once, as a socket does.
struct Line(Pipe);

impl Read for Line {
    #[inline]
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        self.0.read(target)
    }
}

impl Write for Line {
    #[inline]
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.write(octets)
    }

    #[inline]
    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl blocking::Stream for Line {
    fn set_read_timeout(&self, _timeout: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    fn is_vectored(&self) -> bool {
        true
    }

    fn prepare(&self, _write_timeout: Option<Duration>) -> io::Result<()> {
        Ok(())
    }
}
