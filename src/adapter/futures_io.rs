//! futures-io: the streams of smol, async-std and others. The runtime's timer is passed in.
//!
//! ```no_run
//! use smol::Timer;
//! use smol::net::TcpListener;
//! use websocket_proto::Event;
//! use websocket_proto::adapter::futures_io as ws;
//!
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! let listener = TcpListener::bind("127.0.0.1:9001").await?;
//! loop {
//!     let (stream, _) = listener.accept().await?;
//!     stream.set_nodelay(true)?;
//!     smol::spawn(async move {
//!         let mut ws = ws::accept(stream, Timer::after).await?;
//!         while let Some((event, mut out)) = ws.next().await? {
//!             match event {
//!                 // Queued, and written with all other answers before the task waits.
//!                 Event::Text(text) => out.send_text(text)?,
//!                 Event::Binary(octets) => out.send_binary(octets)?,
//!                 _ => {}
//!             }
//!         }
//!         Ok::<(), ws::Error>(())
//!     })
//!     .detach();
//! }
//! # }
//! ```
//!
//! Streams come connected, as only the runtime can connect them. A TCP stream should have `TCP_NODELAY`:
//! everything that waits goes out in one write, and needs no further waiting.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use ::futures_io::{AsyncRead, AsyncWrite};

pub use super::poll::Message;
pub use super::{AcceptOptions, ConnectOptions, Error, Outcome, Refusal};

use super::{SystemKeys, Timer, now, poll};
use crate::connection::{Client, Server};
use crate::handshake::{Accept, Rejection, Request, Url};
use crate::time::Instant;

/// A WebSocket over a stream `T`, with the time from `F`, at the side `S`.
pub type WebSocket<T, F, S> = poll::WebSocket<Stream<T>, Clock<F>, S>;

/// A server's end.
pub type ServerSocket<T, F> = WebSocket<T, F, Server>;

/// A client's end.
pub type ClientSocket<T, F> = WebSocket<T, F, Client<SystemKeys>>;

/// The half that receives.
pub type Reader<T, F, S> = poll::Reader<Stream<T>, Clock<F>, S>;

/// The half that sends.
pub type Writer<T, F, S> = poll::Writer<Stream<T>, Clock<F>, S>;

/// The means to answer while an event is held.
pub type Outgoing<'a, S> = poll::Outgoing<'a, S>;

/// Opens a WebSocket over an accepted stream, with the defaults. `sleep` makes a future that waits for
/// so long, as `smol::Timer::after` does.
///
/// # Errors
/// [`Error::Violation`] for a request that isn't one; [`Error::Io`]; [`Error::Ended`] when the client
/// went; [`Error::Rejected`] when it was refused for its origin.
pub fn accept<T, F, W>(
    stream: T,
    sleep: F,
) -> impl Future<Output = Result<ServerSocket<T, F>, Error>>
where
    T: AsyncRead + AsyncWrite + Unpin,
    F: Fn(Duration) -> W,
    W: Future,
{
    poll::accept(Stream(stream), Clock(sleep))
}

/// Opens a WebSocket over an accepted stream, as `decide` says on the request: with a subprotocol and
/// fields, or not at all. Where it names no subprotocol, the one that [`AcceptOptions`] prefers is
/// taken.
///
/// # Errors
/// As [`accept`]; [`Error::Rejected`] when the request was rejected; [`Error::Misuse`] when the answer can't
/// be given.
pub fn accept_with<'a, T, F, W>(
    stream: T,
    sleep: F,
    options: &AcceptOptions<'a>,
    decide: impl FnOnce(&Request<'_>) -> Result<Accept<'a>, Rejection<'a>>,
) -> impl Future<Output = Result<ServerSocket<T, F>, Error>>
where
    T: AsyncRead + AsyncWrite + Unpin,
    F: Fn(Duration) -> W,
    W: Future,
{
    poll::accept_with(Stream(stream), Clock(sleep), options, decide)
}

/// Opens a WebSocket over a stream that is connected.
///
/// # Errors
/// [`Error::Misuse`] for the options; [`Error::Refused`] when the server answers with another status
/// than 101; [`Error::Violation`]; [`Error::Io`]; [`Error::Ended`].
pub fn connect_over<T, F, W>(
    stream: T,
    sleep: F,
    url: &Url<'_>,
    options: &ConnectOptions<'_>,
) -> impl Future<Output = Result<ClientSocket<T, F>, Error>> + use<T, F, W>
where
    T: AsyncRead + AsyncWrite + Unpin,
    F: Fn(Duration) -> W,
    W: Future,
{
    poll::connect_over(Stream(stream), Clock(sleep), url, options)
}

/// A stream of futures-io's as the core sees it.
#[derive(Debug)]
pub struct Stream<T>(pub T);

impl<T: AsyncRead + AsyncWrite + Unpin> poll::Io for Stream<T> {
    fn poll_read(&mut self, cx: &mut Context<'_>, octets: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, octets)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, octets)
    }

    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, slices)
    }

    // Streams of futures-io don't tell; sockets can.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A TCP stream shuts down its writing side, and is read on.
        Pin::new(&mut self.0).poll_close(cx)
    }
}

/// The system's clock, and a runtime's way to wait.
#[derive(Clone, Copy, Debug)]
pub struct Clock<F>(pub F);

impl<F: Fn(Duration) -> W, W: Future> Timer for Clock<F> {
    type Sleep = W;

    fn now(&self) -> Instant {
        now()
    }

    fn sleep(&self, duration: Duration) -> W {
        (self.0)(duration)
    }
}
