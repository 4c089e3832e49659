//! Frame opcodes (RFC 6455 §5.2, §11.8).
//!
//! ```
//! use websocket_proto::Opcode;
//!
//! assert!(Opcode::PING.is_control());
//! assert_eq!(Opcode::new(0x3), None, "reserved");
//! ```

use core::fmt;

/// The four-bit opcode of a frame. Only the six that RFC 6455 defines can be represented.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Opcode(u8);

impl Opcode {
    /// A further fragment of a message (`0x0`).
    pub const CONTINUATION: Self = Self(0x0);
    /// The first, or only, fragment of a text message (`0x1`).
    pub const TEXT: Self = Self(0x1);
    /// The first, or only, fragment of a binary message (`0x2`).
    pub const BINARY: Self = Self(0x2);
    /// Close (`0x8`).
    pub const CLOSE: Self = Self(0x8);
    /// Ping (`0x9`).
    pub const PING: Self = Self(0x9);
    /// Pong (`0xA`).
    pub const PONG: Self = Self(0xA);

    /// The opcode with this value, or `None` where RFC 6455 reserves it.
    #[must_use]
    pub const fn new(value: u8) -> Option<Self> {
        match value {
            0x0..=0x2 | 0x8..=0xA => Some(Self(value)),
            _ => None,
        }
    }

    /// The low four bits of a frame's first octet; the caller has checked them.
    pub(crate) const fn from_first_octet(first: u8) -> Self {
        Self(first & 0x0F)
    }

    /// The value as it stands on the wire, 0 to 15.
    #[must_use]
    pub const fn value(self) -> u8 {
        self.0
    }

    /// Whether this is Close, Ping or Pong (RFC 6455 §5.5).
    #[must_use]
    pub const fn is_control(self) -> bool {
        self.0 & 0x8 != 0
    }

    /// Whether this is text, binary or a continuation of one (RFC 6455 §5.6).
    #[must_use]
    pub const fn is_data(self) -> bool {
        !self.is_control()
    }
}

impl fmt::Debug for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::CONTINUATION => "CONTINUATION",
            Self::TEXT => "TEXT",
            Self::BINARY => "BINARY",
            Self::CLOSE => "CLOSE",
            Self::PING => "PING",
            _ => "PONG",
        })
    }
}

/// Whether a message is text or binary (RFC 6455 §5.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// UTF-8 text.
    Text,
    /// Octets of any value.
    Binary,
}

impl MessageKind {
    /// The opcode of the message's first frame.
    #[must_use]
    pub const fn opcode(self) -> Opcode {
        match self {
            Self::Text => Opcode::TEXT,
            Self::Binary => Opcode::BINARY,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_of_sixteen_values_are_opcodes() {
        let known: [u8; 6] = [0, 1, 2, 8, 9, 10];
        for value in 0..=255 {
            assert_eq!(
                Opcode::new(value).is_some(),
                known.contains(&value),
                "{value}"
            );
        }
    }
}
