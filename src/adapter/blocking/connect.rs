//! A client's way in: `connect(url)`.

use std::boxed::Box;
use std::io::{self, ErrorKind};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::link::Link;
use super::{ClientSocket, ConnectOptions, Error, Refusal, Stream, WebSocket};
use crate::adapter::entropy::{SystemKeys, nonce};
use crate::adapter::sizes::send_buffer;
use crate::connection::{Connection, Event};
use crate::error::{ResponseFault, Violation};
use crate::handshake::Url;

/// Connects to a `ws://` or `wss://` URL with the defaults.
///
/// # Errors
/// As [`connect_with`].
pub fn connect(url: &str) -> Result<ClientSocket<TcpStream>, Error> {
    connect_with(url, &ConnectOptions::new())
}

/// Connects to a `ws://` or `wss://` URL. All addresses of its host are tried in turn.
///
/// # Errors
/// [`Error::Misuse`] for the URL or the options: [`UrlFault::NeedsTls`](crate::UrlFault::NeedsTls) for
/// `wss://` without the features for TLS; [`Error::Io`]; `Error::Tls`;
/// [`Error::Refused`] when the server answers with another status than 101; [`Error::Violation`].
// RFC 6455 §4.1-9
pub fn connect_with(
    url: &str,
    options: &ConnectOptions<'_>,
) -> Result<ClientSocket<TcpStream>, Error> {
    let url = Url::parse(url)?;
    let options = &options.for_url(&url)?;
    let stream = dial(url.host(), url.port(), options.connect_timeout())?;
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

/// Opens a WebSocket over a stream that is connected already: through a proxy, or by other means. Where the
/// options say how to do TLS (`with_tls`) and the URL's scheme is wss, TLS comes first.
///
/// # Errors
/// As [`connect_with`].
pub fn connect_over<T: Stream>(
    stream: T,
    url: &Url<'_>,
    options: &ConnectOptions<'_>,
) -> Result<ClientSocket<T>, Error> {
    let link = Link::client(stream, url, options)?;
    let request = options.request(url, nonce()?);
    let config = options.config();
    let mut tx = send_buffer(&config);
    let ws = Connection::client(&request, config, SystemKeys, &mut tx)?;
    let mut socket = WebSocket {
        tx,
        ..WebSocket::new(link, ws)
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
