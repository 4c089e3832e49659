//! An echo server on io_uring, by compio: buffers are given away with each operation and come back with its
//! result, so that a connection that waits for a read has a buffer there. Where the system has no io_uring,
//! compio polls.
//!
//! ```text
//! cargo run --release --manifest-path examples/loops/Cargo.toml --bin compio -- [ADDR]
//! ```
//!
//! `ADDR` is `127.0.0.1:9001` unless given.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::Poll;

use compio::BufResult;
use compio::buf::IoBuf;
use compio::io::{AsyncRead, AsyncWrite};
use compio::net::{TcpListener, TcpStream};
use compio::time::sleep;
use websocket_proto::adapter::{AcceptOptions, Driver, Step, now};
use websocket_proto::handshake::Accept;
use websocket_proto::{Connection, Event, RecvBuffer, SendBuffer, Server};

/// Asked for in one read: a frame of 64 KiB with its header.
const READ: usize = 68 << 10;

type Tx = SendBuffer<Vec<u8>>;

/// What is to be written, as a buffer that the kernel may have for a while.
struct Queued(Tx);

impl IoBuf for Queued {
    fn as_init(&self) -> &[u8] {
        self.0.octets()
    }
}

/// A read that has begun. It is never dropped before its end: the kernel has its buffer, and what it has
/// put there would be lost.
type Reading = Pin<Box<dyn Future<Output = BufResult<usize, Vec<u8>>>>>;

fn read(stream: &TcpStream, buffer: Vec<u8>) -> Reading {
    let mut stream = stream.clone();
    Box::pin(async move { stream.read(buffer).await })
}

#[compio::main]
async fn main() -> io::Result<()> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:9001")).await?;
    println!("listening on ws://{}/", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
        compio::runtime::spawn(async move {
            match serve(stream).await {
                Ok(()) => println!("{peer} closed"),
                Err(error) => println!("{peer} failed: {error}"),
            }
        })
        .detach();
    }
}

async fn serve(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let options = AcceptOptions::new();
    let mut ws = Connection::server(options.config());
    let (mut rx, mut tx) = (RecvBuffer::new(), Tx::new());
    let mut driver = Driver::new();
    let mut reading = None;
    loop {
        match driver.step(&mut ws, &mut rx, &mut tx) {
            Step::Event(ready) => match ws.lend(ready, &mut rx, &mut tx) {
                Ok(event) => answer(event, &mut ws, &mut tx, &options)?,
                Err(violation) => println!("{violation}"),
            },
            Step::Write => {
                let BufResult(written, Queued(back)) = stream.write(Queued(tx)).await;
                tx = back;
                tx.consume(written?);
            }
            Step::ShutdownWrite => {
                if stream.shutdown().await.is_err() {
                    ws.handle_eof();
                }
            }
            Step::Read => {
                let begun = reading.get_or_insert_with(|| {
                    let mut room = match rx.is_empty() {
                        // All of it was handled: its memory goes to the kernel.
                        true => std::mem::take(&mut rx).into_storage(),
                        false => Vec::new(),
                    };
                    room.clear();
                    room.reserve(READ);
                    read(&stream, room)
                });
                let time = now();
                let wait = ws.poll_timeout(time).map(|at| at.saturating_since(time));
                let mut sleep = pin!(async {
                    match wait {
                        Some(wait) => sleep(wait).await,
                        None => std::future::pending().await,
                    }
                });
                let came = poll_fn(|cx| match begun.as_mut().poll(cx) {
                    Poll::Ready(came) => Poll::Ready(Some(came)),
                    Poll::Pending => sleep.as_mut().poll(cx).map(|()| None),
                });
                let Some(BufResult(came, octets)) = came.await else {
                    // The read goes on while what is due is done.
                    ws.handle_timeout(now(), &mut tx);
                    continue;
                };
                reading = None;
                match came {
                    Ok(0) | Err(_) => ws.handle_eof(),
                    Ok(count) if rx.is_empty() => {
                        rx = RecvBuffer::with_storage(octets);
                        rx.commit(count);
                    }
                    // Behind what is unfinished it is copied.
                    Ok(count) => rx.extend(&octets[..count]).map_err(io::Error::other)?,
                }
            }
            Step::Done => return Ok(()),
        }
    }
}

/// The application.
fn answer(
    event: Event<'_>,
    ws: &mut Connection<Server>,
    tx: &mut Tx,
    options: &AcceptOptions<'_>,
) -> io::Result<()> {
    match event {
        Event::Request(request) => match options.answer(&request, |_| Ok(Accept::new())) {
            Ok(accept) => ws.accept(&request, &accept, tx),
            Err(rejection) => ws.reject(&rejection, tx),
        },
        Event::Text(text) => ws.send_text(text, tx),
        Event::Binary(octets) => ws.send_binary(octets, tx),
        _ => Ok(()),
    }
    .map_err(io::Error::other)
}
