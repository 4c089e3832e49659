//! A server's way in: `accept(stream)`.

use std::time::Duration;

use super::connect::{WRITE_TIMEOUT, default_config};
use super::{Error, Outgoing, ServerSocket, Stream, WebSocket};
use crate::config::Config;
use crate::connection::{Connection, Event, Server};
use crate::error::Misuse;
use crate::handshake::{Accept, OriginPolicy, Rejection, Request, choose_subprotocol};

/// What a server accepts.
///
/// ```
/// use websocket_proto::adapter::blocking::AcceptOptions;
/// use websocket_proto::handshake::OriginPolicy;
///
/// let options = AcceptOptions::new()
///     .with_origins(OriginPolicy::List(&["https://app.example"]))
///     .with_subprotocols(&["chat.v2", "chat.v1"]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AcceptOptions<'a> {
    config: Config,
    origins: OriginPolicy<'a>,
    subprotocols: &'a [&'a str],
    write_timeout: Option<Duration>,
}

impl Default for AcceptOptions<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> AcceptOptions<'a> {
    /// The defaults: browsers from pages of the same host only, no subprotocol, a Ping after 20 s of
    /// silence, 20 s for its Pong, 10 s for the opening handshake.
    #[must_use]
    pub fn new() -> Self {
        Self {
            config: default_config(),
            origins: OriginPolicy::SameHost,
            subprotocols: &[],
            write_timeout: WRITE_TIMEOUT,
        }
    }

    /// Limits and deadlines of the connection.
    #[must_use]
    pub const fn with_config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// From whose pages browsers may connect (RFC 6455 §10.2). Others get 403.
    #[must_use]
    pub const fn with_origins(mut self, origins: OriginPolicy<'a>) -> Self {
        self.origins = origins;
        self
    }

    /// How long one write may wait for a peer that doesn't read; 30 s by default.
    #[must_use]
    pub const fn with_write_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.write_timeout = timeout;
        self
    }

    /// Subprotocols that are spoken, the preferred ones first.
    #[must_use]
    pub const fn with_subprotocols(mut self, subprotocols: &'a [&'a str]) -> Self {
        self.subprotocols = subprotocols;
        self
    }
}

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
    stream.prepare(options.write_timeout)?;
    let mut socket = WebSocket::new(stream, Connection::server(options.config));
    match socket.next()? {
        Some((Event::Request(request), mut out)) => {
            let answer = if request.is_upgrade() && !options.origins.allows(&request) {
                Err(Rejection::new(403))
            } else {
                decide(&request)
            };
            match answer {
                Ok(accept) => out.accept(&request, &with_preferred(accept, &request, options))?,
                Err(rejection) => out.reject(&rejection)?,
            }
        }
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

fn with_preferred<'a>(
    accept: Accept<'a>,
    request: &Request<'_>,
    options: &AcceptOptions<'a>,
) -> Accept<'a> {
    match (
        accept.subprotocol(),
        choose_subprotocol(request, options.subprotocols),
    ) {
        (None, Some(name)) => accept.with_subprotocol(name),
        _ => accept,
    }
}

impl Outgoing<'_, Server> {
    /// Answers the request with 101.
    ///
    /// # Errors
    /// See [`Connection::accept`].
    pub fn accept(&mut self, request: &Request<'_>, accept: &Accept<'_>) -> Result<(), Misuse> {
        self.ws.accept(request, accept, self.tx)
    }

    /// Answers the request with another status, and ends the connection.
    ///
    /// # Errors
    /// See [`Connection::reject`].
    pub fn reject(&mut self, rejection: &Rejection<'_>) -> Result<(), Misuse> {
        self.ws.reject(rejection, self.tx)
    }
}
