//! Opening handshakes over a transport that is connected (RFC 6455 §4).

use std::boxed::Box;
use std::future::{Future, poll_fn};
use std::task::{Context, Poll, ready};

use super::engine::Wakers;
use super::link::Link;
use super::socket::alone;
use super::{ClientSocket, Io, Outgoing, ServerSocket, WebSocket};
use crate::adapter::sizes::send_buffer;
use crate::adapter::{AcceptOptions, ConnectOptions, Error, Refusal, SystemKeys, Timer, nonce};
use crate::connection::{Connection, Event, Side};
use crate::error::{ResponseFault, Violation};
use crate::handshake::{Accept, Rejection, Request, Url};

/// Opens a WebSocket over an accepted transport, with the defaults.
///
/// # Errors
/// As [`accept_with`]; [`Error::Rejected`] when it was refused for its origin.
pub fn accept<T: Io, C: Timer>(
    io: T,
    timer: C,
) -> impl Future<Output = Result<ServerSocket<T, C>, Error>> {
    let options = AcceptOptions::new();
    let ws = Connection::server(options.config());
    let socket = WebSocket::new(Link::plain(io), timer, ws, options.write_timeout());
    // The options are made anew for the answer: kept, they would be the better part of this future.
    accepted(Ok(socket), |request: &Request<'_>| {
        AcceptOptions::new().answer(request, |_| Ok(Accept::new()))
    })
}

/// Opens a WebSocket over an accepted transport, as `decide` says on the request: with a subprotocol and
/// fields, or not at all. Where it names no subprotocol, the one that [`AcceptOptions`] prefers is taken.
///
/// # Errors
/// [`Error::Violation`] for a request that isn't one; [`Error::Rejected`] when the request was rejected;
/// [`Error::Misuse`] when the answer can't be given; [`Error::Io`]; [`Error::Ended`] when the client went.
pub fn accept_with<'a, T: Io, C: Timer>(
    io: T,
    timer: C,
    options: &AcceptOptions<'a>,
    decide: impl FnOnce(&Request<'_>) -> Result<Accept<'a>, Rejection<'a>>,
) -> impl Future<Output = Result<ServerSocket<T, C>, Error>> {
    let ws = Connection::server(options.config());
    let link = Link::server(io, options);
    let socket = link.map(|link| WebSocket::new(link, timer, ws, options.write_timeout()));
    accepted(socket, |request: &Request<'_>| {
        options.answer(request, decide)
    })
}

/// The future of accepting. It is little more than the socket: tasks are as large as their largest state.
fn accepted<'a, T: Io, C: Timer>(
    socket: Result<ServerSocket<T, C>, Error>,
    answer: impl FnOnce(&Request<'_>) -> Result<Accept<'a>, Rejection<'a>>,
) -> impl Future<Output = Result<ServerSocket<T, C>, Error>> {
    let mut socket = Some(socket);
    let mut answer = Some(answer);
    let mut open = false;
    poll_fn(move |cx| {
        let Some(Ok(ws)) = &mut socket else {
            return Poll::Ready(socket.take().unwrap_or(Err(Error::Ended)));
        };
        if !open {
            open = ready!(ws.poll_open(cx, |request, mut out| {
                // A request comes once: it is answered, or the connection is given up.
                match answer.take().map(|answer| answer(&request)) {
                    Some(Ok(accept)) => out.accept(&request, &accept)?,
                    Some(Err(rejection)) => out.reject(&rejection)?,
                    None => {}
                }
                Ok(())
            }))?;
        }
        if open {
            ready!(ws.engine.poll_flush(cx.waker()))?;
            return Poll::Ready(socket.take().unwrap_or(Err(Error::Ended)));
        }
        // Whoever was rejected has been seen to the door.
        Poll::Ready(Err(match answer {
            None => Error::Rejected,
            Some(_) => Error::Ended,
        }))
    })
}

/// Opens a WebSocket over a connected transport.
///
/// # Errors
/// [`Error::Misuse`] for the options; [`Error::Refused`] when the server answers with another status
/// than 101; [`Error::Violation`]; [`Error::Io`]; [`Error::Ended`].
pub fn connect_over<T: Io, C: Timer>(
    io: T,
    timer: C,
    url: &Url<'_>,
    options: &ConnectOptions<'_>,
) -> impl Future<Output = Result<ClientSocket<T, C>, Error>> + use<T, C> {
    let mut socket = Some(WebSocket::client(io, timer, url, options));
    poll_fn(move |cx| {
        let open = match &mut socket {
            Some(Ok(ws)) => ready!(ws.poll_open(cx, |_, _| Ok(()))),
            _ => Ok(true),
        };
        Poll::Ready(match (open, socket.take()) {
            (Ok(true), Some(socket)) => socket,
            (
                Err(Error::Violation(Violation::Response(ResponseFault::Status(_)))),
                Some(Ok(ws)),
            ) => Err(ws.refusal()),
            (Err(error), _) => Err(error),
            (Ok(_), _) => Err(Error::Ended),
        })
    })
}

impl<T: Io, C: Timer> ClientSocket<T, C> {
    fn client(io: T, timer: C, url: &Url<'_>, options: &ConnectOptions<'_>) -> Result<Self, Error> {
        let request = options.request(url, nonce()?);
        let config = options.config();
        let mut tx = send_buffer(&config);
        let ws = Connection::client(&request, config, SystemKeys, &mut tx)?;
        let link = Link::client(io, url, options)?;
        let mut socket = Self::new(link, timer, ws, options.write_timeout());
        let (_, queue) = socket.engine.machine();
        // A request is far smaller than any limit.
        let _ = queue.extend(tx.octets());
        Ok(socket)
    }

    fn refusal(&self) -> Error {
        let response = self
            .input
            .get()
            .and_then(|rx| self.engine.ws().response(rx));
        match response {
            Some(response) => Error::Refused(Box::new(Refusal::new(&response))),
            None => Error::Ended,
        }
    }
}

impl<T: Io, C: Timer, S: Side> WebSocket<T, C, S> {
    /// Goes on until the opening handshake is over; false when it came to no connection.
    fn poll_open(
        &mut self,
        cx: &mut Context<'_>,
        mut answer: impl FnMut(Request<'_>, Outgoing<'_, S>) -> Result<(), Error>,
    ) -> Poll<Result<bool, Error>> {
        let Self { engine, input, .. } = self;
        loop {
            let found = ready!(engine.poll_event(Wakers::one(cx), input, alone(false)))?;
            let Some(ready) = found else {
                return Poll::Ready(Ok(false));
            };
            let (ws, tx) = engine.machine();
            match ws.lend(ready, input.rx(), tx)? {
                Event::Request(request) => answer(request, Outgoing::new(ws, tx))?,
                Event::HandshakeDone(handshake) => {
                    self.subprotocol = handshake.subprotocol().map(Into::into);
                    return Poll::Ready(Ok(true));
                }
                _ => {}
            }
        }
    }
}
