//! A server's way in: `accept(stream)`.

use super::link::Link;
use super::{AcceptOptions, Error, ServerSocket, Stream, WebSocket, write};
use crate::buffer::SendBuffer;
use crate::connection::{Connection, Event};
use crate::error::Misuse;
use crate::handshake::{Accept, Rejection, Request};

/// The length of an answer with a subprotocol, compression and a cookie or two.
const ANSWER: usize = 512;

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
    let WebSocket {
        io,
        ws,
        rx,
        tx,
        reading,
        ..
    } = &mut socket;
    let Some(ready) = reading.next(io, ws, rx, tx)? else {
        return Err(Error::Ended);
    };
    // The usual answer needs no memory but the stack.
    let mut answer = SendBuffer::with_storage([0; ANSWER]);
    match ws.lend(ready, rx, tx)? {
        Event::Request(request) => match options.answer(&request, decide) {
            Ok(accept) => match ws.accept(&request, &accept, &mut answer) {
                Err(Misuse::SendBufferFull) => ws.accept(&request, &accept, tx)?,
                done => done?,
            },
            Err(rejection) => ws.reject(&rejection, tx)?,
        },
        _ => return Err(Error::Ended),
    }
    write(io, ws, &mut answer, &[])?;
    // A rejected client is seen to the door: what was sent is written, and read to its end.
    let subprotocol = match socket.next()? {
        Some((Event::HandshakeDone(handshake), _)) => handshake.subprotocol().map(Into::into),
        _ => return Err(Error::Rejected),
    };
    socket.subprotocol = subprotocol;
    socket.flush()?;
    Ok(socket)
}
