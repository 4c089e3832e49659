//! What the machine has to say.

use core::fmt;
use core::num::NonZeroU64;
use core::ops::Range;
use core::str;

use crate::close::{Close, CloseCode};
use crate::error::Violation;
use crate::frame::mask::MaskKey;
use crate::frame::unchecked::as_text;
use crate::handshake::{DeflateParameters, Fields, Request, RequestMarks};

/// Something that happened. It borrows from the receive buffer alone.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A client asks for a connection: [`accept`](super::Connection::accept) or
    /// [`reject`](super::Connection::reject) it. Comes again with each call until one is done.
    Request(Request<'a>),
    /// The opening handshake is over, and messages can come. A server may send before that, as soon as
    /// it has accepted.
    HandshakeDone(Handshake<'a>),
    /// A whole text message.
    Text(&'a str),
    /// A whole binary message.
    Binary(&'a [u8]),
    /// A part of a text message, from `poll_chunk`: whole code points.
    TextChunk {
        /// The next part of the text; may be empty where it is the last.
        text: &'a str,
        /// Whether the message ends with it.
        last: bool,
    },
    /// A part of a binary message, from `poll_chunk`.
    BinaryChunk {
        /// The next octets; may be none where it is the last.
        octets: &'a [u8],
        /// Whether the message ends with it.
        last: bool,
    },
    /// A Ping. Its Pong is already in the send buffer (RFC 6455 §5.5.2).
    Ping(&'a [u8]),
    /// A Pong, asked for or not (RFC 6455 §5.5.3).
    Pong(&'a [u8]),
    /// The peer's Close. The answer, where one is due, is already in the send buffer (RFC 6455 §5.5.1).
    Close(Close<'a>),
}

/// The next event, found but not lent yet: what `poll_ready` returns and `lend` takes.
///
/// It says nothing that has changed: when it is dropped, the next `poll_ready` finds the same event.
//
// It is packed, so that it and an `Option` of it travel in two registers. A value of several small fields
// goes through memory, stored in pieces and loaded in others, for which a processor waits longer than all
// the rest of a short message takes.
#[must_use = "an event that is not lent comes again"]
pub struct Ready {
    /// From the lowest octet: what it is, which is never 0; the header's length; two of nothing; the key.
    lead: NonZeroU64,
    payload_len: usize,
}

impl Ready {
    const WHOLE_TEXT: u8 = 1;
    const WHOLE_BINARY: u8 = 2;
    const MESSAGE: u8 = 3;
    const CHUNK: u8 = 4;
    const PING: u8 = 5;
    const PONG: u8 = 6;
    const CLOSE: u8 = 7;
    const REQUEST: u8 = 8;
    const HANDSHAKE_DONE: u8 = 9;

    #[inline(always)]
    pub(super) fn new(found: Found) -> Self {
        let (what, place) = match found {
            Found::WholeText(place) => (Self::WHOLE_TEXT, place),
            Found::WholeBinary(place) => (Self::WHOLE_BINARY, place),
            Found::Message => (Self::MESSAGE, Place::NONE),
            Found::Chunk => (Self::CHUNK, Place::NONE),
            Found::Ping(place) => (Self::PING, place),
            Found::Pong(place) => (Self::PONG, place),
            Found::Close(place) => (Self::CLOSE, place),
            Found::Request => (Self::REQUEST, Place::NONE),
            Found::HandshakeDone => (Self::HANDSHAKE_DONE, Place::NONE),
        };
        let header_len = u64::from(place.header_len) << 8;
        let key = u64::from(u32::from_ne_bytes(place.key)) << 32;
        let lead = NonZeroU64::new(u64::from(what) | header_len | key);
        Self {
            // What it is makes it more than zero.
            lead: lead.unwrap_or(NonZeroU64::MIN),
            payload_len: place.payload_len,
        }
    }

    #[inline(always)]
    pub(super) const fn found(&self) -> Found {
        let lead = self.lead.get();
        let place = Place {
            key: ((lead >> 32) as u32).to_ne_bytes(),
            header_len: (lead >> 8) as u8,
            payload_len: self.payload_len,
        };
        match lead as u8 {
            Self::WHOLE_TEXT => Found::WholeText(place),
            Self::WHOLE_BINARY => Found::WholeBinary(place),
            Self::MESSAGE => Found::Message,
            Self::CHUNK => Found::Chunk,
            Self::PING => Found::Ping(place),
            Self::PONG => Found::Pong(place),
            Self::CLOSE => Found::Close(place),
            Self::REQUEST => Found::Request,
            _ => Found::HandshakeDone,
        }
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ready").field(&self.found()).finish()
    }
}

/// Where the next event lies. Offsets count from the first octet that has yet to be handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A whole message in one frame, which is still masked.
    WholeText(Place),
    WholeBinary(Place),
    /// A message that has been joined, or what is left of it.
    Message,
    /// What there is of a message.
    Chunk,
    Ping(Place),
    Pong(Place),
    Close(Place),
    Request,
    HandshakeDone,
}

/// A whole frame that has yet to be unmasked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) key: MaskKey,
    pub(super) header_len: u8,
    pub(super) payload_len: usize,
}

impl Place {
    /// For what lies elsewhere.
    const NONE: Self = Self {
        key: [0; 4],
        header_len: 0,
        payload_len: 0,
    };
}

/// An event whose octets are named by their place in the receive buffer.
pub(super) struct Located {
    pub(super) place: Range<usize>,
    pub(super) kind: LocatedKind,
    /// Whether they are known to be text.
    pub(super) judged: bool,
}

/// What kind of event it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LocatedKind {
    Text,
    Binary,
    TextChunk {
        last: bool,
    },
    BinaryChunk {
        last: bool,
    },
    Ping,
    Pong,
    Close,
    Request(RequestMarks),
    HandshakeDone {
        subprotocol: Option<(u16, u16)>,
        deflate: Option<DeflateParameters>,
    },
}

impl Located {
    /// The event over its octets. None for a text that isn't UTF-8, which the machine has ruled out for
    /// all but whole frames.
    pub(super) fn over(kind: LocatedKind, octets: &[u8], judged: bool) -> Option<Event<'_>> {
        Some(match kind {
            LocatedKind::Text => Event::Text(as_text(octets, judged)?),
            LocatedKind::Binary => Event::Binary(octets),
            LocatedKind::TextChunk { last } => Event::TextChunk {
                text: as_text(octets, judged)?,
                last,
            },
            LocatedKind::BinaryChunk { last } => Event::BinaryChunk { octets, last },
            LocatedKind::Ping => Event::Ping(octets),
            LocatedKind::Pong => Event::Pong(octets),
            LocatedKind::Close => Event::Close(parse_close(octets).ok()?),
            LocatedKind::Request(marks) => Event::Request(Request::trusted(octets, marks)),
            LocatedKind::HandshakeDone {
                subprotocol,
                deflate,
            } => Event::HandshakeDone(Handshake {
                head: octets,
                subprotocol,
                deflate,
            }),
        })
    }
}

/// What a Close frame says (§5.5.1): nothing, or a code and a reason in UTF-8.
// RFC 6455 §5.5.1-1, §8.1-1
pub(super) fn parse_close(payload: &[u8]) -> Result<Close<'_>, Violation> {
    match payload.split_first_chunk::<2>() {
        None if payload.is_empty() => Ok(Close {
            code: CloseCode::NO_STATUS,
            reason: "",
        }),
        None => Err(Violation::CloseTruncated),
        Some((code, reason)) => {
            let code = CloseCode::from(u16::from_be_bytes(*code));
            if !code.may_be_received() {
                return Err(Violation::CloseCodeInvalid(code.value()));
            }
            let reason = str::from_utf8(reason).map_err(|_| Violation::CloseReasonNotUtf8)?;
            Ok(Close { code, reason })
        }
    }
}

/// What the opening handshake has agreed upon: the peer's head, the request at a server's end and the
/// response at a client's.
#[derive(Clone, Copy, Debug)]
pub struct Handshake<'a> {
    head: &'a [u8],
    subprotocol: Option<(u16, u16)>,
    deflate: Option<DeflateParameters>,
}

impl<'a> Handshake<'a> {
    /// How messages are compressed, where they are (RFC 7692 §7.1).
    #[must_use]
    pub const fn deflate(&self) -> Option<DeflateParameters> {
        self.deflate
    }

    /// The subprotocol that was agreed upon (RFC 6455 §1.9).
    #[must_use]
    pub fn subprotocol(&self) -> Option<&'a str> {
        let (start, length) = self.subprotocol?;
        let (_, rest) = self.head.split_at_checked(start.into())?;
        core::str::from_utf8(rest.get(..length.into())?).ok()
    }

    /// The fields of the peer's head.
    #[must_use]
    pub fn fields(&self) -> Fields<'a> {
        Fields::of_head(self.head)
    }

    /// The value of the first field with this name, in any case.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'a [u8]> {
        self.fields()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_small() {
        assert!(size_of::<Event<'_>>() <= 32);
        // Two registers, where they have 64 bits.
        assert!(size_of::<Ready>() <= 16);
        assert!(size_of::<Option<Ready>>() <= 16);
    }

    #[test]
    fn what_was_found_is_packed_and_comes_out_again() {
        let places = [
            Place::NONE,
            Place {
                key: [1, 2, 3, 4],
                header_len: 14,
                payload_len: usize::MAX,
            },
            Place {
                key: [0xFF; 4],
                header_len: u8::MAX,
                payload_len: 125,
            },
        ];
        let alone = [
            Found::Message,
            Found::Chunk,
            Found::Request,
            Found::HandshakeDone,
        ];
        let placed = [
            Found::WholeText,
            Found::WholeBinary,
            Found::Ping,
            Found::Pong,
            Found::Close,
        ];
        let placed = placed.iter().flat_map(|found| places.map(found));
        for found in placed.chain(alone) {
            assert_eq!(Ready::new(found).found(), found);
        }
    }
}
