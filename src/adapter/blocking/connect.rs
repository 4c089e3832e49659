//! A client's way in: `connect(url)`.

use std::boxed::Box;
use std::io::{self, ErrorKind};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::{ClientSocket, Error, Refusal, Stream, WebSocket, send_buffer};
use crate::adapter::entropy::{SystemKeys, nonce};
use crate::config::Config;
use crate::connection::{Connection, Event};
use crate::error::{Misuse, ResponseFault, UrlFault, Violation};
use crate::handshake::{ClientRequest, Url};

/// How a client connects.
///
/// ```
/// use std::time::Duration;
/// use websocket_proto::adapter::blocking::ConnectOptions;
///
/// let options = ConnectOptions::new()
///     .with_subprotocols(&["chat.v2", "chat.v1"])
///     .with_fields(&[("Authorization", "Bearer 123")])
///     .with_origin("https://app.example")
///     .with_connect_timeout(Some(Duration::from_secs(3)));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ConnectOptions<'a> {
    config: Config,
    subprotocols: &'a [&'a str],
    fields: &'a [(&'a str, &'a str)],
    origin: Option<&'a str>,
    connect_timeout: Option<Duration>,
    write_timeout: Option<Duration>,
}

impl Default for ConnectOptions<'_> {
    fn default() -> Self {
        Self::new()
    }
}

/// How long a write may take by default.
pub(super) const WRITE_TIMEOUT: Option<Duration> = Some(Duration::from_secs(30));

/// The defaults of an adapter: those of the machine, and keepalive on.
pub(super) fn default_config() -> Config {
    Config::new().with_ping_interval(Some(Duration::from_secs(20)))
}

impl<'a> ConnectOptions<'a> {
    /// The defaults: a Ping after 20 s of silence, 20 s for its Pong, 10 s to connect to an address and
    /// 10 s for the opening handshake, 30 s for a write.
    #[must_use]
    pub fn new() -> Self {
        Self {
            config: default_config(),
            subprotocols: &[],
            fields: &[],
            origin: None,
            connect_timeout: Some(Duration::from_secs(10)),
            write_timeout: WRITE_TIMEOUT,
        }
    }

    /// Limits and deadlines of the connection.
    #[must_use]
    pub const fn with_config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Subprotocols to offer, the preferred ones first.
    #[must_use]
    pub const fn with_subprotocols(mut self, subprotocols: &'a [&'a str]) -> Self {
        self.subprotocols = subprotocols;
        self
    }

    /// Fields to add to the request.
    #[must_use]
    pub const fn with_fields(mut self, fields: &'a [(&'a str, &'a str)]) -> Self {
        self.fields = fields;
        self
    }

    /// The `Origin` to claim. Only browsers have to.
    #[must_use]
    pub const fn with_origin(mut self, origin: &'a str) -> Self {
        self.origin = Some(origin);
        self
    }

    /// How long connecting to one address may take.
    #[must_use]
    pub const fn with_connect_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long one write may wait for a peer that doesn't read.
    #[must_use]
    pub const fn with_write_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.write_timeout = timeout;
        self
    }
}

/// Connects to a `ws://` URL with the defaults.
///
/// # Errors
/// As [`connect_with`].
pub fn connect(url: &str) -> Result<ClientSocket<TcpStream>, Error> {
    connect_with(url, &ConnectOptions::new())
}

/// Connects to a `ws://` URL. All addresses of its host are tried in turn.
///
/// # Errors
/// [`Error::Misuse`] for the URL or the options, `wss://` without TLS among them; [`Error::Io`];
/// [`Error::Refused`] when the server answers with another status than 101; [`Error::Violation`].
pub fn connect_with(
    url: &str,
    options: &ConnectOptions<'_>,
) -> Result<ClientSocket<TcpStream>, Error> {
    let url = Url::parse(url)?;
    if url.is_secure() {
        return Err(Misuse::Url(UrlFault::NeedsTls).into());
    }
    let stream = dial(url.host(), url.port(), options.connect_timeout)?;
    connect_over(stream, &url, options)
}

fn dial(host: &str, port: u16, timeout: Option<Duration>) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the host has no address");
    for address in (host, port).to_socket_addrs()? {
        let attempt = match timeout {
            Some(timeout) => TcpStream::connect_timeout(&address, timeout),
            None => TcpStream::connect(address),
        };
        match attempt {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Opens a WebSocket over a stream that is connected already: through a proxy, or TLS.
///
/// # Errors
/// As [`connect_with`].
pub fn connect_over<T: Stream>(
    stream: T,
    url: &Url<'_>,
    options: &ConnectOptions<'_>,
) -> Result<ClientSocket<T>, Error> {
    stream.prepare(options.write_timeout)?;
    let mut request = ClientRequest::from_url(url, nonce()?)
        .with_subprotocols(options.subprotocols)
        .with_fields(options.fields);
    if let Some(origin) = options.origin {
        request = request.with_origin(origin);
    }
    let mut tx = send_buffer(&options.config);
    let ws = Connection::client(&request, options.config, SystemKeys, &mut tx)?;
    let mut socket = WebSocket {
        tx,
        ..WebSocket::new(stream, ws)
    };
    // The first event of a client is that the handshake is over.
    let subprotocol = match socket.next() {
        Ok(Some((Event::HandshakeDone(handshake), _))) => handshake.subprotocol().map(Into::into),
        Ok(_) => return Err(Error::Ended),
        Err(Error::Violation(Violation::Response(ResponseFault::Status(_)))) => {
            return Err(socket.refusal());
        }
        Err(error) => return Err(error),
    };
    socket.subprotocol = subprotocol;
    Ok(socket)
}

impl<T: Stream> ClientSocket<T> {
    fn refusal(&self) -> Error {
        match self.ws.response(&self.rx) {
            Some(response) => Error::Refused(Box::new(Refusal::new(&response))),
            None => Error::Ended,
        }
    }
}
