//! Close codes, and how a connection ended (RFC 6455 §7.1, §7.4).
//!
//! ```
//! use websocket_proto::CloseCode;
//!
//! assert!(CloseCode::NORMAL.may_be_received());
//! assert!(!CloseCode::ABNORMAL.may_be_received(), "1006 never stands on the wire");
//! assert!(CloseCode::from(4001).is_application());
//! ```

use core::fmt;

/// A close code: why a connection ends (RFC 6455 §7.4).
///
/// Any `u16` can be one, as a peer may send any; [`may_be_received`](Self::may_be_received) and
/// [`may_be_sent`](Self::may_be_sent) say which are legal on the wire.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: the purpose of the connection is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// 1001: this end goes away (a server stops, a page is left).
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// 1003: this end can't accept this kind of data.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// 1005: the peer's Close carried no code. Never on the wire.
    pub const NO_STATUS: Self = Self(1005);
    /// 1006: the connection ended without a Close. Never on the wire.
    pub const ABNORMAL: Self = Self(1006);
    /// 1007: the octets don't fit the message's type (text that isn't UTF-8).
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// 1008: this end's policy forbids the message.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// 1009: the message is too big for this end.
    pub const MESSAGE_TOO_BIG: Self = Self(1009);
    /// 1010: the server did not agree to an extension that the client needs.
    pub const EXTENSION_REQUIRED: Self = Self(1010);
    /// 1011: an unexpected condition on this end.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// 1012: the service restarts.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// 1013: the service is overloaded; try again later.
    pub const TRY_AGAIN_LATER: Self = Self(1013);
    /// 1014: a gateway got a bad answer from upstream.
    pub const BAD_GATEWAY: Self = Self(1014);
    /// 1015: the TLS handshake failed. Never on the wire.
    pub const TLS_HANDSHAKE: Self = Self(1015);

    /// The code with this number.
    #[must_use]
    pub const fn new(value: u16) -> Self {
        Self(value)
    }

    /// The code as a number.
    #[must_use]
    pub const fn value(self) -> u16 {
        self.0
    }

    /// Whether a peer may send this code: 1000 to 1003, 1007 to 1014, 3000 to 4999 (RFC 6455 §7.4).
    #[must_use]
    pub const fn may_be_received(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }

    /// Whether this end may send this code. The same set as [`may_be_received`](Self::may_be_received).
    #[must_use]
    pub const fn may_be_sent(self) -> bool {
        self.may_be_received()
    }

    /// Whether the code is free for libraries (3000 to 3999) and applications (4000 to 4999) to give
    /// a meaning (RFC 6455 §7.4.2). Besides 1000, these are what a browser's `close()` takes.
    #[must_use]
    pub const fn is_application(self) -> bool {
        matches!(self.0, 3000..=4999)
    }

    /// The registered name of the code, where there is one (RFC 6455 §11.7 and the IANA registry).
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            1000 => "normal closure",
            1001 => "going away",
            1002 => "protocol error",
            1003 => "unsupported data",
            1005 => "no status received",
            1006 => "abnormal closure",
            1007 => "invalid frame payload data",
            1008 => "policy violation",
            1009 => "message too big",
            1010 => "mandatory extension",
            1011 => "internal error",
            1012 => "service restart",
            1013 => "try again later",
            1014 => "bad gateway",
            1015 => "TLS handshake",
            _ => return None,
        })
    }
}

impl From<u16> for CloseCode {
    fn from(value: u16) -> Self {
        Self(value)
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        code.0
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} ({name})", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

/// What a Close frame said (RFC 6455 §5.5.1, §7.1.5, §7.1.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close<'a> {
    /// The code; [`CloseCode::NO_STATUS`] where the frame carried none.
    pub code: CloseCode,
    /// The reason, at most 123 octets of UTF-8; empty where the frame carried none.
    pub reason: &'a str,
}

/// Who ended the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Initiator {
    /// This end: it sent the first Close, failed the connection, or a deadline passed.
    Local,
    /// The peer: it sent the first Close, or its stream ended.
    Peer,
}

/// How the connection ended: what a browser's `CloseEvent` says, and who began (RFC 6455 §7.1.4 to §7.1.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome<'a> {
    /// The code of the first Close that the peer sent; [`CloseCode::NO_STATUS`] where that carried none,
    /// [`CloseCode::ABNORMAL`] where the peer sent no Close.
    pub code: CloseCode,
    /// The peer's reason; empty where there was none.
    pub reason: &'a str,
    /// Whether the closing handshake was completed (RFC 6455 §7.1.4).
    pub clean: bool,
    /// Who ended it.
    pub initiator: Initiator,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_34_which_codes_may_stand_on_the_wire() {
        for (range, legal) in [
            (0..=999, false),
            (1000..=1003, true),
            (1004..=1006, false),
            (1007..=1014, true),
            (1015..=2999, false),
            (3000..=4999, true),
            (5000..=65535, false),
        ] {
            for value in range {
                assert_eq!(CloseCode::from(value).may_be_received(), legal, "{value}");
                assert_eq!(CloseCode::from(value).may_be_sent(), legal, "{value}");
            }
        }
    }
}
