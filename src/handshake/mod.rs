//! The opening handshake: HTTP heads in, HTTP heads out (RFC 6455 §1.3, §4).
//!
//! Nothing here knows of frames, buffers or connections, nothing reads or writes, and nothing
//! allocates. What comes in is a slice of octets and is looked at in place; what goes out is handed to
//! a closure piece by piece.
//!
//! ```text
//!            octets ──> HeadScanner ──> length of the head
//! server     head ────> Request ──────> Accept │ Rejection ──> octets
//! client     Url ─────> ClientRequest ───────────────────────> octets
//!            head ────> Response ─────> Expected::verify ────> subprotocol
//! ```
//!
//! A connection does all of this by itself. The parts stand alone for those who only need the upgrade;
//! with an HTTP stack that has parsed the head already, [`answer_key`] is enough.
//!
//! ```
//! use websocket_proto::handshake::{Accept, HeadScanner, Request};
//!
//! let received = b"GET /chat HTTP/1.1\r\n\
//!     Host: server.example.com\r\n\
//!     Upgrade: websocket\r\n\
//!     Connection: Upgrade\r\n\
//!     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
//!     Sec-WebSocket-Version: 13\r\n\
//!     \r\n";
//! let length = HeadScanner::default().scan(received, 16 << 10).unwrap().unwrap();
//! let request = Request::parse(&received[..length]).unwrap();
//! assert_eq!(request.path(), "/chat");
//!
//! let mut answer = Vec::new();
//! Accept::new().emit(&request, &mut |octets| answer.extend_from_slice(octets)).unwrap();
//! assert!(answer.starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"));
//! ```
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation
    )
)]

mod accept;
mod authority;
mod client;
#[cfg(any(test, not(feature = "alloc")))]
mod compact;
mod deflate;
mod emit;
mod expected;
mod extension;
mod facts;
mod head;
mod key;
mod known;
mod octets;
mod origin;
mod request;
mod request_line;
mod response;
mod token;
#[cfg(not(any(feature = "deflate", feature = "inflate")))]
mod undeflated;
mod upgrade;
mod url;

pub use accept::{Accept, Rejection, choose_subprotocol};
pub use client::ClientRequest;
pub use deflate::{DeflateAnswer, DeflateConfig, DeflateParameters};
pub use expected::{Agreed, Expected};
pub use extension::{Extension, Parameter, extensions};
pub use facts::MAX_SUBPROTOCOLS;
pub use head::{Fields, HeadFault, HeadScanner, MAX_FIELDS};
pub use key::{accept_key, encode_nonce};
pub use origin::OriginPolicy;
pub use request::Request;
pub use response::Response;
pub use token::{ListElements, is_token, lists_token};
pub use upgrade::answer_key;
pub use url::Url;

pub(crate) use octets::QUICK;
pub(crate) use request::RequestMarks;

/// How a connection compresses, and the answer to an offer: values that there are only where a codec is
/// built in.
#[cfg(any(feature = "deflate", feature = "inflate"))]
pub(crate) type DeflateChoice = DeflateConfig;
#[cfg(any(feature = "deflate", feature = "inflate"))]
type ChosenAnswer = DeflateAnswer;
#[cfg(not(any(feature = "deflate", feature = "inflate")))]
pub(crate) type DeflateChoice = undeflated::Undeflated;
#[cfg(not(any(feature = "deflate", feature = "inflate")))]
type ChosenAnswer = undeflated::Undeflated;
