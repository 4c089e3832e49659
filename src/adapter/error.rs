//! Everything that can go wrong with a WebSocket over a stream of the system's.

use core::fmt;
use std::boxed::Box;
use std::io;
use std::string::String;
use std::vec::Vec;

use crate::error::{Misuse, UrlFault, Violation};
use crate::handshake::Response;

/// What went wrong.
//
// Which it is takes a word: where an adapter lends an event, the compiler puts an error in the same place, and would
// take the event's words apart wherever the error has something smaller.
#[derive(Debug)]
#[non_exhaustive]
#[repr(usize)]
pub enum Error {
    /// The stream failed.
    Io(io::Error),
    /// The peer broke the protocol.
    Violation(Violation),
    /// The caller asked for what can't be done.
    Misuse(Misuse),
    /// The server answered with another status than 101.
    Refused(Box<Refusal>),
    /// TLS failed: a certificate that isn't trusted, has expired or is another host's, a peer that
    /// doesn't speak TLS, or one that gave up with an alert.
    #[cfg(feature = "tls")]
    Tls(Box<::rustls::Error>),
    /// The request was rejected, as the caller or the origin policy said.
    Rejected,
    /// The stream ended before the opening handshake was over.
    Ended,
}

/// A server's refusal: what it answered instead of opening the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// The header's fields, in order.
    pub fields: Vec<(String, Vec<u8>)>,
    /// The body, as far as it came: at most the limit of a head.
    pub body: Vec<u8>,
}

impl Refusal {
    /// What a response says, in memory of its own.
    #[must_use]
    pub fn new(response: &Response<'_>) -> Self {
        Self {
            status: response.status(),
            fields: response
                .fields()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            body: response.body().into(),
        }
    }

    /// The value of the first field with this name, in any case.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.fields
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_slice())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the stream failed: {error}"),
            Self::Violation(violation) => write!(f, "the peer broke the protocol: {violation}"),
            Self::Misuse(misuse) => fmt::Display::fmt(misuse, f),
            Self::Refused(refusal) => {
                write!(f, "the server answered with status {}", refusal.status)
            }
            #[cfg(feature = "tls")]
            Self::Tls(error) => match **error {
                ::rustls::Error::InvalidMessage(::rustls::InvalidMessage::InvalidContentType) => {
                    write!(f, "TLS failed, the peer may not speak it: {error}")
                }
                _ => write!(f, "TLS failed: {error}"),
            },
            Self::Rejected => f.write_str("the request was rejected"),
            Self::Ended => f.write_str("the stream ended within the opening handshake"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Violation(violation) => Some(violation),
            Self::Misuse(misuse) => Some(misuse),
            #[cfg(feature = "tls")]
            Self::Tls(error) => Some(error),
            Self::Refused(_) | Self::Rejected | Self::Ended => None,
        }
    }
}

impl From<io::Error> for Error {
    /// A failure of TLS comes out of a stream as one of its own.
    fn from(error: io::Error) -> Self {
        #[cfg(feature = "tls")]
        if let Some(tls) = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<::rustls::Error>())
        {
            return tls.clone().into();
        }
        Self::Io(error)
    }
}

#[cfg(feature = "tls")]
impl From<::rustls::Error> for Error {
    fn from(error: ::rustls::Error) -> Self {
        Self::Tls(Box::new(error))
    }
}

impl From<Violation> for Error {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

impl From<Misuse> for Error {
    fn from(misuse: Misuse) -> Self {
        Self::Misuse(misuse)
    }
}

impl From<UrlFault> for Error {
    fn from(fault: UrlFault) -> Self {
        Self::Misuse(fault.into())
    }
}

/// Whether the peer has gone without a word.
pub(super) fn is_disconnect(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::NotConnected
    )
}
