//! Messages that own their octets, for `Stream`, `Sink` and channels between tasks.

use std::string::String;
use std::task::Poll;

use bytes::Bytes;

use crate::adapter::Error;
use crate::close::CloseCode;
use crate::connection::Event;
use crate::opcode::MessageKind;

/// A message, or a control frame, in memory of its own.
///
/// Octets are shared ([`Bytes`]): to send one payload to many connections, clone it.
///
/// ```
/// use websocket_proto::adapter::poll::Message;
///
/// let message = Message::from("Hello");
/// assert_eq!(message, Message::Text("Hello".into()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Message {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Bytes),
    /// A Ping of at most 125 octets. One that comes has been answered.
    Ping(Bytes),
    /// A Pong of at most 125 octets.
    Pong(Bytes),
    /// A Close. One that comes has been answered.
    Close {
        /// The code; [`CloseCode::NO_STATUS`] stands for none.
        code: CloseCode,
        /// The reason, of at most 123 octets.
        reason: String,
    },
}

impl Message {
    /// The event in memory of its own; `None` for what is no message: those of the opening handshake,
    /// and chunks.
    #[must_use]
    pub fn from_event(event: &Event<'_>) -> Option<Self> {
        Some(match *event {
            Event::Text(text) => Self::Text(text.into()),
            Event::Binary(octets) => Self::Binary(Bytes::copy_from_slice(octets)),
            Event::Ping(payload) => Self::Ping(Bytes::copy_from_slice(payload)),
            Event::Pong(payload) => Self::Pong(Bytes::copy_from_slice(payload)),
            Event::Close(close) => Self::Close {
                code: close.code,
                reason: close.reason.into(),
            },
            _ => return None,
        })
    }
}

impl Message {
    /// The octets of a text or a binary message, without a copy.
    pub(super) fn into_octets(self) -> Bytes {
        match self {
            Self::Text(text) => text.into(),
            Self::Binary(octets) => octets,
            _ => Bytes::new(),
        }
    }
}

/// What a `Stream` gives for what came next. A fault comes last, and once: from then on it has `told`.
pub(super) fn item(
    next: Poll<Result<Option<Message>, Error>>,
    told: &mut bool,
) -> Poll<Option<Result<Message, Error>>> {
    let next = next.map(Result::transpose);
    *told = matches!(next, Poll::Ready(None | Some(Err(_))));
    next
}

/// What is to become a whole message.
#[derive(Clone, Copy)]
pub(super) enum Payload<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
}

impl<'a> Payload<'a> {
    pub(super) const fn octets(self) -> &'a [u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(octets) => octets,
        }
    }

    pub(super) const fn kind(self) -> MessageKind {
        match self {
            Self::Text(_) => MessageKind::Text,
            Self::Binary(_) => MessageKind::Binary,
        }
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Bytes> for Message {
    fn from(octets: Bytes) -> Self {
        Self::Binary(octets)
    }
}

impl From<std::vec::Vec<u8>> for Message {
    fn from(octets: std::vec::Vec<u8>) -> Self {
        Self::Binary(octets.into())
    }
}
