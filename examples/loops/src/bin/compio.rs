//! An echo server on io_uring, by compio. What is written is given away with the operation and comes back with
//! its result. What is read comes in a buffer of a pool that all connections share: a connection that waits
//! for a read has none. Where the system has no io_uring, compio polls.
//!
//! ```text
//! cargo run --release --manifest-path examples/loops/Cargo.toml --bin compio -- [ADDR]
//! ```
//!
//! `ADDR` is `127.0.0.1:9001` unless given.

use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::num::NonZero;
use std::pin::{Pin, pin};
use std::task::Poll;

use compio::BufResult;
use compio::buf::IoBuf;
use compio::driver::{BufferRef, ProactorBuilder};
use compio::io::{AsyncRead, AsyncReadManaged, AsyncWrite};
use compio::net::{TcpListener, TcpStream};
use compio::runtime::Runtime;
use compio::time::sleep;
use websocket_proto::adapter::{AcceptOptions, Driver, Step, now};
use websocket_proto::handshake::Accept;
use websocket_proto::{Connection, Event, RecvBuffer, SendBuffer, Server};

/// Asked for in one read: a frame of 64 KiB with its header.
const READ: usize = 68 << 10;

/// How many buffers the kernel has to fill before they are handled.
const BUFFERS: NonZero<u16> = NonZero::new(16).unwrap();

type Tx = SendBuffer<Vec<u8>>;

/// What is to be written, as a buffer that the kernel may have for a while.
struct Queued(Tx);

impl IoBuf for Queued {
    fn as_init(&self) -> &[u8] {
        self.0.octets()
    }
}

/// What was read.
enum Came {
    Lent(BufferRef),
    /// When the kernel had filled all buffers of the pool.
    Own(Vec<u8>),
    Nothing,
}

/// A read that has begun. It is never dropped before its end: what it has read would be lost.
type Reading = Pin<Box<dyn Future<Output = io::Result<Came>>>>;

fn read(stream: &TcpStream) -> Reading {
    let mut stream = stream.clone();
    Box::pin(async move {
        match stream.read_managed(READ).await {
            Ok(Some(octets)) => Ok(Came::Lent(octets)),
            Ok(None) => Ok(Came::Nothing),
            Err(error) if error.kind() == ErrorKind::ResourceBusy => {
                let BufResult(read, octets) = stream.read(Vec::with_capacity(READ)).await;
                read.map(|_| Came::Own(octets))
            }
            Err(error) => Err(error),
        }
    })
}

fn main() -> io::Result<()> {
    let mut proactor = ProactorBuilder::new();
    proactor
        .buffer_pool_size(BUFFERS)
        .buffer_pool_buffer_len(READ);
    let runtime = Runtime::builder().with_proactor(proactor).build()?;
    runtime.block_on(listen())
}

async fn listen() -> io::Result<()> {
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
                // While it waits it holds what is unfinished, and else nothing.
                let mut own = RecvBuffer::new();
                rx.transfer(&mut own).map_err(io::Error::other)?;
                rx = own;
                tx.release();
                let begun = reading.get_or_insert_with(|| read(&stream));
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
                let Some(came) = came.await else {
                    // The read goes on while what is due is done.
                    ws.handle_timeout(now(), &mut tx);
                    continue;
                };
                reading = None;
                match came {
                    Ok(Came::Lent(octets)) => rx.extend(&octets).map_err(io::Error::other)?,
                    Ok(Came::Own(octets)) if !octets.is_empty() => {
                        rx.extend(&octets).map_err(io::Error::other)?;
                    }
                    _ => ws.handle_eof(),
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
