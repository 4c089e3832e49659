//! permessage-deflate (RFC 7692): the messages' payloads, compressed and inflated.
//!
//! What two ends agree upon stands in [`handshake`](crate::handshake), which needs no codec. Here is what
//! they do then, over one of two codecs:
//!
//! | feature | codec | receives | sends |
//! | --- | --- | --- | --- |
//! | `deflate` | `zlib-rs`, needs `std` | compressed | compressed |
//! | `inflate` | `miniz_oxide`, needs `alloc` | compressed | as it is |
//! | neither | none: every offer is declined | as it is | as it is |
//!
//! ```text
//!             first frame has RSV1        octets, unmasked          last frame ends
//! Inbound         begin ───────────────────▶ inflate ──────────────────▶ finish
//! Outbound        (whole messages and parts) deflate, sync-flushed; the message's last 4 octets go
//! ```
//!
//! A connection keeps what it compresses with in a box that appears when both ends agree.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation
    )
)]

#[cfg(not(any(feature = "deflate", feature = "inflate")))]
mod absent;
#[cfg(any(feature = "deflate", feature = "inflate"))]
mod inbound;
#[cfg(all(feature = "inflate", not(feature = "deflate")))]
mod miniz;
#[cfg(feature = "deflate")]
mod outbound;
#[cfg(feature = "deflate")]
mod pool;
#[cfg(any(feature = "deflate", feature = "inflate"))]
mod slot;
#[cfg(feature = "deflate")]
mod variants;
#[cfg(all(feature = "inflate", not(feature = "deflate")))]
mod verbatim;
#[cfg(feature = "deflate")]
mod zlib;

#[cfg(not(any(feature = "deflate", feature = "inflate")))]
pub(crate) use absent::Slot;
#[cfg(all(feature = "inflate", not(feature = "deflate")))]
use miniz::Inflater;
#[cfg(any(feature = "deflate", feature = "inflate"))]
pub(crate) use slot::Slot;
#[cfg(feature = "deflate")]
pub(crate) use variants::Variants;
#[cfg(feature = "deflate")]
use zlib::Inflater;

/// Nothing is compressed, in no way.
#[cfg(all(feature = "alloc", target_has_atomic = "ptr", not(feature = "deflate")))]
#[derive(Debug)]
pub(crate) struct Variants;

#[cfg(all(feature = "alloc", target_has_atomic = "ptr", not(feature = "deflate")))]
impl Variants {
    pub(crate) const fn new() -> Self {
        Self
    }
}

/// What a message ends with once it is compressed, and what isn't sent of it (RFC 7692 §7.2.1).
#[cfg(any(feature = "deflate", feature = "inflate"))]
const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];

/// Octets of a compressed message, unmasked.
#[cfg_attr(
    not(any(feature = "deflate", feature = "inflate")),
    expect(dead_code, reason = "nothing is inflated")
)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a> {
    /// Those octets, and behind them whatever the buffer holds: other messages, or what is left of them. A codec
    /// that sees more than it is to read needn't look for the end after each octet. Nothing follows from what
    /// they are.
    pub(crate) octets: &'a [u8],
    /// How many of them are to be inflated.
    pub(crate) count: usize,
    /// Whether the message has no octets behind these.
    pub(crate) last: bool,
}

/// What has come of a step of inflating.
#[cfg(any(feature = "deflate", feature = "inflate"))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Step {
    /// Octets of the input that were used up.
    read: usize,
    /// Octets that were written to the output.
    written: usize,
    /// A block that calls itself the last of all has ended (RFC 7692 §7.2.3.4).
    ended: bool,
    /// So has the message, and what its sender has left out of it did what it should.
    complete: bool,
    /// What comes next is no deflate stream. What came before it counts.
    corrupt: bool,
}
