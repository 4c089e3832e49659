//! tokio: its TCP streams, and anything that is `AsyncRead + AsyncWrite`.
//!
//! ```no_run
//! use tokio::net::TcpListener;
//! use websocket_proto::Event;
//! use websocket_proto::adapter::tokio as ws;
//!
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! let listener = TcpListener::bind("127.0.0.1:9001").await?;
//! loop {
//!     let (stream, _) = listener.accept().await?;
//!     tokio::spawn(async move {
//!         let mut ws = ws::accept(stream).await?;
//!         while let Some((event, mut out)) = ws.next().await? {
//!             match event {
//!                 // Queued, and written with all other answers before the task waits.
//!                 Event::Text(text) => out.send_text(text)?,
//!                 Event::Binary(octets) => out.send_binary(octets)?,
//!                 _ => {}
//!             }
//!         }
//!         Ok::<(), ws::Error>(())
//!     });
//! }
//! # }
//! ```
//!
//! Everything has to happen within a runtime whose timers are enabled, and so for `connect` its IO.

use std::any::Any;
use std::future::Future;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use ::tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use ::tokio::net::{TcpStream, lookup_host};
use ::tokio::time;

pub use super::poll::Message;
pub use super::{AcceptOptions, ConnectOptions, Error, Outcome, Refusal};

use super::{SystemKeys, Timer, poll};
use crate::connection::{Client, Server};
use crate::handshake::{Accept, Rejection, Request, Url};
use crate::time::Instant;

/// A WebSocket over a stream `T`, at the side `S`.
pub type WebSocket<T, S> = poll::WebSocket<Stream<T>, Clock, S>;

/// A server's end.
pub type ServerSocket<T> = WebSocket<T, Server>;

/// A client's end.
pub type ClientSocket<T> = WebSocket<T, Client<SystemKeys>>;

/// The half that receives.
pub type Reader<T, S> = poll::Reader<Stream<T>, Clock, S>;

/// The half that sends.
pub type Writer<T, S> = poll::Writer<Stream<T>, Clock, S>;

/// The means to answer while an event is held.
pub type Outgoing<'a, S> = poll::Outgoing<'a, S>;

/// Opens a WebSocket over an accepted stream, with the defaults.
///
/// # Errors
/// [`Error::Violation`] for a request that isn't one; [`Error::Io`]; [`Error::Ended`] when the client
/// went; [`Error::Rejected`] when it was refused for its origin.
pub fn accept<T>(stream: T) -> impl Future<Output = Result<ServerSocket<T>, Error>>
where
    T: AsyncRead + AsyncWrite + Unpin + 'static,
{
    poll::accept(Stream::new(stream), Clock)
}

/// Opens a WebSocket over an accepted stream, as `decide` says on the request: with a subprotocol and
/// fields, or not at all. Where it names no subprotocol, the one that [`AcceptOptions`] prefers is
/// taken. A [`TcpStream`] gets `TCP_NODELAY`.
///
/// # Errors
/// As [`accept`]; [`Error::Rejected`] when the request was rejected; [`Error::Misuse`] when the answer can't
/// be given.
pub fn accept_with<'a, T>(
    stream: T,
    options: &AcceptOptions<'a>,
    decide: impl FnOnce(&Request<'_>) -> Result<Accept<'a>, Rejection<'a>>,
) -> impl Future<Output = Result<ServerSocket<T>, Error>>
where
    T: AsyncRead + AsyncWrite + Unpin + 'static,
{
    poll::accept_with(Stream::new(stream), Clock, options, decide)
}

/// Connects to a `ws://` or `wss://` URL with the defaults.
///
/// # Errors
/// As [`connect_with`].
pub async fn connect(url: &str) -> Result<ClientSocket<TcpStream>, Error> {
    connect_with(url, &ConnectOptions::new()).await
}

/// Connects to a `ws://` or `wss://` URL. All addresses of its host are tried in turn.
///
/// # Errors
/// [`Error::Misuse`] for the URL or the options: [`UrlFault::NeedsTls`](crate::UrlFault::NeedsTls) for
/// `wss://` without the features for TLS; [`Error::Io`]; `Error::Tls`;
/// [`Error::Refused`] when the server answers with another status than 101; [`Error::Violation`].
pub async fn connect_with(
    url: &str,
    options: &ConnectOptions<'_>,
) -> Result<ClientSocket<TcpStream>, Error> {
    let url = Url::parse(url)?;
    let options = &options.for_url(&url)?;
    let stream = dial(url.host(), url.port(), options.connect_timeout()).await?;
    connect_over(stream, &url, options).await
}

/// Opens a WebSocket over a stream that is connected already: through a proxy, or by other means. Where the
/// options say how to do TLS (`with_tls`) and the URL's scheme is wss, TLS comes first. A [`TcpStream`]
/// gets `TCP_NODELAY`.
///
/// # Errors
/// As [`connect_with`].
pub fn connect_over<T>(
    stream: T,
    url: &Url<'_>,
    options: &ConnectOptions<'_>,
) -> impl Future<Output = Result<ClientSocket<T>, Error>> + use<T>
where
    T: AsyncRead + AsyncWrite + Unpin + 'static,
{
    poll::connect_over(Stream::new(stream), Clock, url, options)
}

/// Connects to the first address that answers, each in its time.
async fn dial(host: &str, port: u16, timeout: Option<Duration>) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the host has no address");
    for address in lookup_host((host, port)).await? {
        let attempt = TcpStream::connect(address);
        let attempt = match timeout {
            Some(timeout) => time::timeout(timeout, attempt)
                .await
                .unwrap_or_else(|_| Err(ErrorKind::TimedOut.into())),
            None => attempt.await,
        };
        match attempt {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A stream of tokio's as the core sees it.
#[derive(Debug)]
pub struct Stream<T>(T);

impl<T: AsyncRead + AsyncWrite + Unpin + 'static> Stream<T> {
    /// Makes a stream ready to carry a WebSocket: a [`TcpStream`] doesn't wait for more to send
    /// (`TCP_NODELAY`).
    #[must_use]
    pub fn new(stream: T) -> Self {
        if let Some(stream) = (&stream as &dyn Any).downcast_ref::<TcpStream>() {
            // Of a socket that is closed already, reading tells.
            let _ = stream.set_nodelay(true);
        }
        Self(stream)
    }
}

impl<T> Stream<T> {
    /// The stream.
    pub const fn get_ref(&self) -> &T {
        &self.0
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> poll::Io for Stream<T> {
    fn poll_read(&mut self, cx: &mut Context<'_>, octets: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut room = ReadBuf::new(octets);
        ready!(Pin::new(&mut self.0).poll_read(cx, &mut room))?;
        Poll::Ready(Ok(room.filled().len()))
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

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// For how long a runtime's clock may have been paused before anybody asks for the time.
const MOST_PAUSED: Duration = Duration::from_secs(3600);

/// tokio's clock, which a test can pause.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock;

impl Timer for Clock {
    type Sleep = time::Sleep;

    fn now(&self) -> Instant {
        static EPOCH: OnceLock<time::Instant> = OnceLock::new();
        let epoch = EPOCH.get_or_init(|| {
            let now = std::time::Instant::now();
            // A clock that a test has paused may have stood still for a while when this is asked first.
            now.checked_sub(MOST_PAUSED).unwrap_or(now).into()
        });
        Instant::new(epoch.elapsed())
    }

    fn sleep(&self, duration: Duration) -> time::Sleep {
        time::sleep(duration)
    }
}
