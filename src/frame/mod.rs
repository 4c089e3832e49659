//! Frames and octets (RFC 6455 §5): the level of proxies, gateways and tests, usable without a connection.
//!
//! ```text
//! octets ─▶ FrameDecoder::decode_header  ─▶ Header          (not one octet is copied)
//!        ─▶ FrameDecoder::decode_payload ─▶ unmasked in place, in as many pieces as arrive
//! Header::encode + mask::copy            ─▶ octets
//! ```
//!
//! ```
//! use websocket_proto::frame::{FrameDecoder, Header};
//! use websocket_proto::{Opcode, Role};
//!
//! // The masked "Hello" of RFC 6455 §5.7.
//! let mut octets = [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58];
//! let mut decoder = FrameDecoder::new(Role::Server);
//! let (header, length) = decoder.decode_header(&octets)?.expect("the header is whole");
//! assert_eq!((header.opcode(), header.payload_len(), length), (Opcode::TEXT, 5, 6));
//! assert_eq!(decoder.decode_payload(&mut octets[length..]), 5);
//! assert_eq!(&octets[length..], b"Hello");
//! # Ok::<(), websocket_proto::Violation>(())
//! ```
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation
    )
)]

mod decoder;
mod header;
#[cfg(all(feature = "simd", target_arch = "x86_64", not(websocket_proto_safe)))]
mod judge;
pub mod mask;
mod text;
pub(crate) mod unchecked;

pub use decoder::FrameDecoder;
pub use header::{Expect, Header, MAX_CONTROL_PAYLOAD, MAX_HEADER_LEN, RSV1};
pub(crate) use header::{SHORT, WholeFrame};
pub(crate) use text::validate as validate_text;
