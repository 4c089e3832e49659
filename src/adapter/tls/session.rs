//! A TLS session without IO: octets in, octets out.

use std::borrow::ToOwned;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::vec;

use ::rustls::pki_types::ServerName;
use ::rustls::{ClientConnection, Connection, ServerConnection};

use super::incoming::Incoming;
use crate::adapter::Error;
use crate::adapter::options::{AcceptOptions, ConnectOptions};
use crate::error::UrlFault;
use crate::handshake::Url;

/// The one protocol that a WebSocket opens with (RFC 7301 §6).
const ALPN: &[u8] = b"http/1.1";

/// How much is encrypted before it is written.
const PER_WRITE: usize = 64 << 10;

/// A TLS session without IO.
#[derive(Debug)]
pub(crate) struct Session {
    tls: Connection,
    /// What went wrong: told once everything that was received before was delivered.
    fault: Option<::rustls::Error>,
}

impl Session {
    /// A server's, if it is to do TLS.
    // RFC 6455 §4.2.2-2, §10.6-1
    pub(crate) fn accepting(options: &AcceptOptions<'_>) -> Result<Option<Self>, Error> {
        let Some(config) = options.tls() else {
            return Ok(None);
        };
        let tls = ServerConnection::new(config.clone())?;
        Ok(Some(Self::new(tls.into())))
    }

    /// A client's, if it is to do TLS.
    // RFC 6455 §4.1-10, §4.1-12, §10.6-1
    pub(crate) fn connecting(
        url: &Url<'_>,
        options: &ConnectOptions<'_>,
    ) -> Result<Option<Self>, Error> {
        let Some(config) = options.tls().filter(|_| url.is_secure()) else {
            return Ok(None);
        };
        // RFC 6455 §4.1-12
        let name = ServerName::try_from(url.host().to_owned()).map_err(|_| UrlFault::Host)?;
        let tls = ClientConnection::new_with_alpn(config.clone(), name, vec![ALPN.into()])?;
        Ok(Some(Self::new(tls.into())))
    }

    fn new(mut tls: Connection) -> Self {
        // Until the handshake is over, the opening request waits in there, whatever its size.
        tls.set_buffer_limit(None);
        Self { tls, fault: None }
    }

    pub(crate) const fn tls(&self) -> &Connection {
        &self.tls
    }

    /// Decrypts what has come into `plain`, as far as there is room. `None` when more has to come first,
    /// 0 when the peer has said that nothing more will come.
    pub(super) fn decrypt(
        &mut self,
        incoming: &mut Incoming,
        plain: &mut [u8],
    ) -> io::Result<Option<usize>> {
        let mut filled = 0;
        loop {
            let ended = match self.tls.reader().read(&mut plain[filled..]) {
                Ok(0) => Ok(Some(0)),
                Ok(count) => {
                    filled += count;
                    if filled == plain.len() {
                        return Ok(Some(filled));
                    }
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
                Err(error) => Err(error),
            };
            if filled == 0
                && let Some(fault) = &self.fault
            {
                return Err(io::Error::new(ErrorKind::InvalidData, fault.clone()));
            }
            if matches!(ended, Ok(None)) && self.fault.is_none() && !incoming.is_empty() {
                self.feed(incoming)?;
                continue;
            }
            return if filled > 0 { Ok(Some(filled)) } else { ended };
        }
    }

    /// Takes in some of what has come.
    // RFC 6455 §4.1-11
    fn feed(&mut self, incoming: &mut Incoming) -> io::Result<()> {
        let mut waiting = incoming.waiting();
        let count = self.tls.read_tls(&mut waiting)?;
        incoming.consume(count);
        self.fault = self.tls.process_new_packets().err();
        Ok(())
    }

    /// The stream has ended.
    pub(super) fn end(&mut self) -> io::Result<()> {
        self.tls.read_tls(&mut io::empty()).map(drop)
    }

    /// Gives back memory that was needed for what came.
    #[cfg(feature = "poll")]
    pub(super) fn settle(&mut self) {
        // What rustls keeps for records becomes smaller with the next attempt to read, and not before.
        let _ = self.tls.read_tls(&mut NotNow);
    }

    /// Encrypts some of the slices, one behind the other. How many octets were taken.
    pub(super) fn encrypt(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        if !self.tls.is_handshaking() {
            self.tls.set_buffer_limit(Some(PER_WRITE));
        }
        self.tls.writer().write_vectored(slices)
    }

    /// Says that nothing more will be sent (RFC 8446 §6.1). Once is enough.
    pub(super) fn close(&mut self) {
        self.tls.send_close_notify();
    }

    /// Whether something waits to be written to the network.
    pub(super) fn wants_write(&self) -> bool {
        self.tls.wants_write()
    }

    /// Writes some of what waits to the network.
    pub(super) fn write_to(&mut self, network: &mut dyn Write) -> io::Result<usize> {
        self.tls.write_tls(network)
    }
}

/// A network from which nothing comes just now.
#[cfg(feature = "poll")]
struct NotNow;

#[cfg(feature = "poll")]
impl Read for NotNow {
    fn read(&mut self, _octets: &mut [u8]) -> io::Result<usize> {
        Err(ErrorKind::WouldBlock.into())
    }
}
