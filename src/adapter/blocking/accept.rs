//! A server's way in: `accept(stream)`.

use super::link::Link;
use super::{AcceptOptions, Error, ServerSocket, Stream, WebSocket};
use crate::connection::{Connection, Event};
use crate::handshake::{Accept, Rejection, Request};

/// Opens a WebSocket over an accepted stream, with the defaults.
///
/// # Errors
/// [`Error::Violation`] for a request that isn't one; [`Error::Io`]; [`Error::Ended`] when the client
/// went; [`Error::Rejected`] when it was refused for its origin.
pub fn accept<T: Stream>(stream: T) -> Result<ServerSocket<T>, Error> {
    accept_with(stream, &AcceptOptions::new(), |_| Ok(Accept::new()))
}

/// Opens a WebSocket over an accepted stream, as `decide` says on the request: with a subprotocol and
/// fields, or not at all. Where it names no subprotocol, the one that [`AcceptOptions`] prefers is
/// taken.
///
/// # Errors
/// As [`accept`]; [`Error::Rejected`] when the request was rejected; [`Error::Misuse`] when the answer can't
/// be given.
pub fn accept_with<'a, T: Stream>(
    stream: T,
    options: &AcceptOptions<'a>,
    decide: impl FnOnce(&Request<'_>) -> Result<Accept<'a>, Rejection<'a>>,
) -> Result<ServerSocket<T>, Error> {
    let link = Link::server(stream, options)?;
    let mut socket = WebSocket::new(link, Connection::server(options.config()));
    match socket.next()? {
        Some((Event::Request(request), mut out)) => match options.answer(&request, decide) {
            Ok(accept) => out.accept(&request, &accept)?,
            Err(rejection) => out.reject(&rejection)?,
        },
        _ => return Err(Error::Ended),
    }
    // A rejected client is seen to the door: what was sent is written, and read to its end.
    let subprotocol = match socket.next()? {
        Some((Event::HandshakeDone(handshake), _)) => handshake.subprotocol().map(Into::into),
        _ => return Err(Error::Rejected),
    };
    socket.subprotocol = subprotocol;
    socket.flush()?;
    Ok(socket)
}
