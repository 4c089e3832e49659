//! Whose fault it was: [`Violation`] is the peer's, [`Misuse`] is the caller's.
//!
//! A violation is final: the connection stores the first one, tells the peer with
//! [`Violation::close_code`] or [`Violation::status`], and returns the same one from then on. A misuse
//! changes nothing: no octet was written and the connection goes on.
//!
//! ```
//! use websocket_proto::{CloseCode, Violation};
//!
//! assert_eq!(Violation::UnmaskedFrame.close_code(), CloseCode::PROTOCOL_ERROR);
//! assert_eq!(Violation::UnmaskedFrame.section(), "RFC 6455 §5.1");
//! ```

use core::fmt;

use crate::close::CloseCode;

/// The peer broke the protocol, a limit or a deadline. The connection has failed (RFC 6455 §7.1.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Violation {
    /// A client's frame was not masked.
    UnmaskedFrame,
    /// A server's frame was masked.
    MaskedFrame,
    /// A reserved bit was set without an extension that gives it a meaning.
    ReservedBits,
    /// A reserved opcode.
    ReservedOpcode,
    /// A payload length in more octets than it needs.
    LengthNotMinimal,
    /// A 64-bit payload length with its highest bit set.
    LengthOverflow,
    /// A control frame of more than 125 octets.
    ControlTooLong,
    /// A control frame without FIN.
    ControlFragmented,
    /// A continuation where no message was begun.
    UnexpectedContinuation,
    /// A new text or binary frame within a fragmented message.
    ExpectedContinuation,
    /// Text that isn't UTF-8.
    InvalidUtf8,
    /// A compressed message that can't be inflated, or refers to what it may not.
    CorruptDeflate,
    /// A Close frame with a payload of one octet.
    CloseTruncated,
    /// A close code that must not stand on the wire.
    CloseCodeInvalid(u16),
    /// A close reason that isn't UTF-8.
    CloseReasonNotUtf8,
    /// A message over [`max_message_size`](crate::Config::max_message_size), or one that the receive
    /// buffer can't hold.
    MessageTooBig,
    /// A message in more fragments than [`max_fragments`](crate::Config::max_fragments).
    TooManyFragments,
    /// Nothing arrived within the pong deadline after a Ping.
    PongTimeout,
    /// The opening handshake was not finished in time.
    HandshakeTimeout,
    /// A client's opening request was refused.
    Request(RequestFault),
    /// A server's answer did not open the connection.
    Response(ResponseFault),
}

impl Violation {
    /// The code of the Close frame that tells the peer (RFC 6455 §7.4.1).
    ///
    /// Total over all violations. Those of the opening handshake send no Close frame: there the code
    /// is [`CloseCode::ABNORMAL`], which is also what the outcome says.
    #[must_use]
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::UnmaskedFrame
            | Self::MaskedFrame
            | Self::ReservedBits
            | Self::ReservedOpcode
            | Self::LengthNotMinimal
            | Self::LengthOverflow
            | Self::ControlTooLong
            | Self::ControlFragmented
            | Self::UnexpectedContinuation
            | Self::ExpectedContinuation
            | Self::CloseTruncated
            | Self::CloseCodeInvalid(_) => CloseCode::PROTOCOL_ERROR,
            Self::InvalidUtf8 | Self::CorruptDeflate | Self::CloseReasonNotUtf8 => {
                CloseCode::INVALID_PAYLOAD
            }
            Self::MessageTooBig => CloseCode::MESSAGE_TOO_BIG,
            Self::TooManyFragments => CloseCode::POLICY_VIOLATION,
            Self::PongTimeout => CloseCode::INTERNAL_ERROR,
            Self::HandshakeTimeout | Self::Request(_) | Self::Response(_) => CloseCode::ABNORMAL,
        }
    }

    /// The HTTP status with which a server refuses, or `None` where the fault isn't a request's.
    #[must_use]
    pub const fn status(self) -> Option<u16> {
        match self {
            Self::Request(fault) => Some(fault.status()),
            Self::HandshakeTimeout => Some(408),
            _ => None,
        }
    }

    /// Where the rule stands that was broken.
    #[must_use]
    pub const fn section(self) -> &'static str {
        match self {
            Self::UnmaskedFrame | Self::MaskedFrame => "RFC 6455 §5.1",
            Self::ReservedBits
            | Self::ReservedOpcode
            | Self::LengthNotMinimal
            | Self::LengthOverflow => "RFC 6455 §5.2",
            Self::ControlTooLong | Self::ControlFragmented => "RFC 6455 §5.5",
            Self::UnexpectedContinuation | Self::ExpectedContinuation => "RFC 6455 §5.4",
            Self::InvalidUtf8 => "RFC 6455 §8.1",
            Self::CorruptDeflate => "RFC 7692 §7.2.2",
            Self::CloseTruncated | Self::CloseReasonNotUtf8 => "RFC 6455 §5.5.1",
            Self::CloseCodeInvalid(_) => "RFC 6455 §7.4",
            Self::MessageTooBig | Self::TooManyFragments => "RFC 6455 §10.4",
            Self::PongTimeout => "RFC 6455 §5.5.2",
            Self::HandshakeTimeout => "RFC 6455 §4",
            Self::Request(fault) => fault.section(),
            Self::Response(fault) => fault.section(),
        }
    }

    /// What was wrong, in a few words that may be shown to the peer.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::UnmaskedFrame => "unmasked frame from a client",
            Self::MaskedFrame => "masked frame from a server",
            Self::ReservedBits => "reserved bit set",
            Self::ReservedOpcode => "reserved opcode",
            Self::LengthNotMinimal => "payload length not minimal",
            Self::LengthOverflow => "payload length over 2^63-1",
            Self::ControlTooLong => "control frame over 125 octets",
            Self::ControlFragmented => "fragmented control frame",
            Self::UnexpectedContinuation => "continuation without a message",
            Self::ExpectedContinuation => "new message within a message",
            Self::InvalidUtf8 => "text is not UTF-8",
            Self::CorruptDeflate => "corrupt compressed message",
            Self::CloseTruncated => "close payload of one octet",
            Self::CloseCodeInvalid(_) => "invalid close code",
            Self::CloseReasonNotUtf8 => "close reason is not UTF-8",
            Self::MessageTooBig => "message too big",
            Self::TooManyFragments => "too many fragments",
            Self::PongTimeout => "no pong in time",
            Self::HandshakeTimeout => "opening handshake not finished in time",
            Self::Request(fault) => fault.reason(),
            Self::Response(fault) => fault.reason(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())?;
        match self {
            Self::CloseCodeInvalid(code) => write!(f, " {code}")?,
            Self::Response(ResponseFault::Status(status)) => write!(f, " {status}")?,
            _ => {}
        }
        write!(f, " ({})", self.section())
    }
}

impl core::error::Error for Violation {}

/// What was wrong with a client's opening request (RFC 6455 §4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequestFault {
    /// The octets are no HTTP/1.1 head, or not in its strict form: 400.
    Malformed,
    /// The request line is over the limit: 414.
    RequestLineTooLong,
    /// The head is over [`max_head_size`](crate::Config::max_head_size): 431.
    HeadTooLarge,
    /// The head has more than [`MAX_FIELDS`](crate::handshake::MAX_FIELDS) fields: 431.
    TooManyFields,
    /// A method other than GET: 405.
    Method,
    /// An HTTP version other than 1.1: 505.
    HttpVersion,
    /// No `Host`, or several, or an illegal one: 400.
    Host,
    /// A body was announced: 400.
    Body,
    /// No `Upgrade` to `websocket`: a plain HTTP request. 426.
    NotAnUpgrade,
    /// `Connection` doesn't list `Upgrade`: 400.
    Connection,
    /// `Sec-WebSocket-Key` is missing, repeated or not 16 octets in base64: 400.
    Key,
    /// `Sec-WebSocket-Version` is not 13: 426, with the version that is spoken here.
    WebSocketVersion,
    /// `Sec-WebSocket-Protocol` or `Sec-WebSocket-Extensions` doesn't follow its grammar, or offers a
    /// subprotocol twice, or more than 100: 400.
    List,
}

impl RequestFault {
    /// The status of the refusal.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed
            | Self::Host
            | Self::Body
            | Self::Connection
            | Self::Key
            | Self::List => 400,
            Self::Method => 405,
            Self::RequestLineTooLong => 414,
            Self::NotAnUpgrade | Self::WebSocketVersion => 426,
            Self::HeadTooLarge | Self::TooManyFields => 431,
            Self::HttpVersion => 505,
        }
    }

    const fn section(self) -> &'static str {
        match self {
            Self::Malformed | Self::Body => "RFC 9112 §2.2",
            Self::RequestLineTooLong => "RFC 9110 §15.5.15",
            Self::HeadTooLarge | Self::TooManyFields => "RFC 6585 §5",
            Self::WebSocketVersion => "RFC 6455 §4.4",
            Self::List => "RFC 6455 §11.3",
            _ => "RFC 6455 §4.2.1",
        }
    }

    const fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "malformed HTTP request",
            Self::RequestLineTooLong => "request line too long",
            Self::HeadTooLarge => "request head too large",
            Self::TooManyFields => "too many header fields",
            Self::Method => "method is not GET",
            Self::HttpVersion => "HTTP version is not 1.1",
            Self::Host => "missing, repeated or illegal Host",
            Self::Body => "a WebSocket request has no body",
            Self::NotAnUpgrade => "this is a WebSocket endpoint",
            Self::Connection => "Connection does not list Upgrade",
            Self::Key => "missing, repeated or illegal Sec-WebSocket-Key",
            Self::WebSocketVersion => "Sec-WebSocket-Version is not 13",
            Self::List => "illegal Sec-WebSocket-Protocol or Sec-WebSocket-Extensions",
        }
    }
}

/// What was wrong with a server's answer (RFC 6455 §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResponseFault {
    /// The octets are no HTTP/1.1 head, or not in its strict form.
    Malformed,
    /// The head is over [`max_head_size`](crate::Config::max_head_size).
    HeadTooLarge,
    /// The head has more than [`MAX_FIELDS`](crate::handshake::MAX_FIELDS) fields.
    TooManyFields,
    /// The stream ended before the head did.
    Truncated,
    /// A status other than 101. The response is at hand: see
    /// [`Connection::response`](crate::Connection::response).
    Status(u16),
    /// `Upgrade` is missing, repeated or not `websocket`.
    Upgrade,
    /// `Connection` doesn't list `Upgrade`.
    Connection,
    /// `Sec-WebSocket-Accept` is missing, repeated or not the answer to our key.
    Accept,
    /// A subprotocol that was not offered, or more than one.
    Subprotocol,
    /// An extension that was not offered.
    Extension,
    /// Parameters of permessage-deflate that are illegal, or don't suit what was offered (RFC 7692
    /// §7.1).
    Deflate,
}

impl ResponseFault {
    const fn section(self) -> &'static str {
        match self {
            Self::Malformed | Self::Truncated => "RFC 9112 §2.2",
            _ => "RFC 6455 §4.1",
        }
    }

    const fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "malformed HTTP response",
            Self::HeadTooLarge => "response head too large",
            Self::TooManyFields => "too many header fields",
            Self::Truncated => "the stream ended within the response",
            Self::Status(_) => "the server answered with status",
            Self::Upgrade => "missing, repeated or illegal Upgrade",
            Self::Connection => "Connection does not list Upgrade",
            Self::Accept => "missing, repeated or wrong Sec-WebSocket-Accept",
            Self::Subprotocol => "the server chose a subprotocol that was not offered",
            Self::Extension => "the server chose an extension that was not offered",
            Self::Deflate => "the server's parameters of permessage-deflate don't suit the offer",
        }
    }
}

/// The caller asked for something that can't be done. Nothing was written, nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Misuse {
    /// The opening handshake isn't finished.
    NotOpen,
    /// A Close was sent or received, or the connection has ended (RFC 6455 §5.5.1).
    Closing,
    /// A control frame carries at most 125 octets (RFC 6455 §5.5), a close reason 123.
    ControlTooLong,
    /// A close code that may not be sent (RFC 6455 §7.4).
    CloseCode,
    /// The send buffer's limit would be passed. Write what waits, then try again.
    SendBufferFull,
    /// A message is being sent in parts: end it first (RFC 6455 §5.4).
    MessageInProgress,
    /// No message is being sent in parts.
    NoMessage,
    /// The parts of a text message are not UTF-8 (RFC 6455 §5.6).
    InvalidUtf8,
    /// There is no request to answer, or it was answered before.
    NoRequest,
    /// The request is no WebSocket request: it can only be rejected.
    NotAnUpgrade,
    /// An HTTP status outside 200 to 599, or 101, for a rejection.
    Status,
    /// A field name that is no token or belongs to the handshake, or a value with a control character.
    Field,
    /// A host that could change the structure of the request.
    Host,
    /// A target that doesn't begin with `/` or holds spaces, controls, non-ASCII octets or a fragment.
    Target,
    /// A subprotocol that is no token, was named twice, was not offered, or doesn't fit.
    Subprotocol,
    /// A URL that doesn't follow RFC 6455 §3.
    Url(UrlFault),
}

/// What is wrong with a WebSocket URL (RFC 6455 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UrlFault {
    /// A scheme other than ws, wss, http or https.
    Scheme,
    /// `wss` where there is no TLS, or nobody to trust: see the features `rustls`, `webpki-roots` and
    /// `rustls-platform-verifier`, or connect the stream by other means.
    NeedsTls,
    /// An empty or illegal host.
    Host,
    /// A port that is no number from 0 to 65535.
    Port,
    /// A user name or password.
    UserInfo,
    /// A space, control or non-ASCII octet in path or query: percent-encode it.
    Target,
    /// A fragment (`#`).
    Fragment,
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotOpen => "the opening handshake isn't finished",
            Self::Closing => "the connection is closing or closed (RFC 6455 §5.5.1)",
            Self::ControlTooLong => {
                "a control frame carries at most 125 octets, a close reason 123 (RFC 6455 §5.5)"
            }
            Self::CloseCode => "this close code may not be sent (RFC 6455 §7.4)",
            Self::SendBufferFull => "the send buffer is full",
            Self::MessageInProgress => "a message is being sent in parts (RFC 6455 §5.4)",
            Self::NoMessage => "no message is being sent in parts",
            Self::InvalidUtf8 => "the text is not UTF-8 (RFC 6455 §5.6)",
            Self::NoRequest => "there is no request to answer",
            Self::NotAnUpgrade => "the request is no WebSocket request (RFC 6455 §4.2.1)",
            Self::Status => "not a status of a rejection",
            Self::Field => "illegal header field",
            Self::Host => "illegal host",
            Self::Target => "illegal request target",
            Self::Subprotocol => "illegal subprotocol",
            Self::Url(fault) => return fmt::Display::fmt(fault, f),
        })
    }
}

impl core::error::Error for Misuse {}

impl fmt::Display for UrlFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "the URL's scheme is not ws, wss, http or https (RFC 6455 §3)",
            Self::NeedsTls => {
                "the URL's scheme is wss, which needs TLS (RFC 6455 §3): turn on the feature `rustls` and say \
                 whom to trust, by the feature `webpki-roots` or `rustls-platform-verifier` or by an own \
                 configuration (`with_tls`), or bring a stream that does TLS (`connect_over`)"
            }
            Self::Host => "the URL's host is empty or illegal (RFC 6455 §3)",
            Self::Port => "the URL's port is not a number up to 65535 (RFC 6455 §3)",
            Self::UserInfo => "the URL holds a user name or password (RFC 6455 §3)",
            Self::Target => "the URL's path or query needs percent-encoding (RFC 6455 §3)",
            Self::Fragment => "the URL has a fragment (RFC 6455 §3)",
        })
    }
}

impl core::error::Error for UrlFault {}

impl From<UrlFault> for Misuse {
    fn from(fault: UrlFault) -> Self {
        Self::Url(fault)
    }
}

/// Either fault, for callers that return both through one `?`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Error {
    /// The peer's.
    Violation(Violation),
    /// The caller's.
    Misuse(Misuse),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Violation(violation) => fmt::Display::fmt(violation, f),
            Self::Misuse(misuse) => fmt::Display::fmt(misuse, f),
        }
    }
}

impl core::error::Error for Error {}

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
