//! A sans-IO WebSocket protocol state machine: RFC 6455, client and server.
//!
//! The core takes octets and gives events. It owns no socket, no clock, no random source, no thread and
//! no task, and it needs neither `std` nor an allocator. Around it stand thin adapters.
//!
//! - To talk WebSocket over `std::net`, see `adapter::blocking`; on tokio, `adapter::tokio`; on smol and
//!   others, `adapter::futures_io`; on bare metal, `adapter::embedded`.
//! - To bring it to another runtime or an event loop of your own, see [`adapter`] and [`Connection`].
//! - To handle frames rather than messages, see [`frame`].
//! - To do the upgrade alone, see [`handshake`].
//!
#![cfg_attr(
    feature = "std",
    doc = r#"
```no_run
use std::net::TcpListener;
use websocket_proto::Event;
use websocket_proto::adapter::blocking;

for stream in TcpListener::bind("127.0.0.1:9001")?.incoming() {
    let mut ws = blocking::accept(stream?)?;
    while let Some((event, mut out)) = ws.next()? {
        match event {
            Event::Text(text) => out.send_text(text)?,
            Event::Binary(octets) => out.send_binary(octets)?,
            _ => {}
        }
    }
}
# Ok::<(), Box<dyn std::error::Error>>(())
```
"#
)]
//! # Floors
//!
//! | floor | what stands on it |
//! | --- | --- |
//! | ground | [`Role`], [`Opcode`], [`CloseCode`], [`Violation`] and [`Misuse`], [`Instant`], [`Config`], [`utf8`] |
//! | frames, and beside them the opening | [`frame`], [`handshake`] |
//! | messages | [`buffer`] and what joins fragments |
//! | connection | [`Connection`], [`Event`], [`State`] |
//! | roof | [`adapter`], the only rooms that know of IO |
//!
//! # Features
//!
//! | feature | adds |
//! | --- | --- |
//! | `std` (default) | the system's clock and entropy, and `adapter::blocking` |
//! | `simd` (default) | long payloads masked, and texts judged, by what the processor is found to have |
//! | `tokio` | `adapter::tokio` |
//! | `futures-io` | `adapter::futures_io`, for smol, async-std and others |
//! | `embedded-io-async` | `adapter::embedded`, in fixed buffers, without `std` and allocator |
//! | `rustls` | `wss://` by rustls: `adapter::tls`, for the configurations of the caller's |
//! | `webpki-roots` | `rustls`, and `connect` trusts the roots of Mozilla's programme, built in |
//! | `rustls-platform-verifier` | `rustls`, and `connect` trusts whom the system trusts |
//! | `tls` | `rustls` without a cryptographic provider: configurations bring one |
//! | `poll` | `adapter::poll`: what tokio and futures-io have in common |
//! | `deflate` | permessage-deflate (RFC 7692), both ways, by zlib-rs |
//! | `inflate` | permessage-deflate without `std`: inflates what comes, sends messages as they are |
//! | `alloc` | buffers that grow |
//! | none | everything else, in fixed buffers |

#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod close;
mod config;
mod error;
mod opcode;
mod role;
mod time;
pub mod utf8;

pub mod frame;
pub mod handshake;

pub mod buffer;
mod deflate;
mod message;

pub mod connection;

pub mod adapter;

#[cfg(feature = "std")]
pub use adapter::SystemKeys;
pub use buffer::{RecvBuffer, SendBuffer};
pub use close::{Close, CloseCode, Initiator, Outcome};
pub use config::Config;
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
pub use connection::Broadcast;
pub use connection::{
    Client, Connection, Event, Handshake, HeaderOctets, Ready, ReadyState, Server, Side, State,
    Transport,
};
pub use error::{Error, Misuse, RequestFault, ResponseFault, UrlFault, Violation};
pub use frame::mask::KeySource;
pub use opcode::{MessageKind, Opcode};
pub use role::Role;
pub use time::Instant;

/// The programs of the README, compiled.
#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// The programs of the guides, compiled.
#[cfg(all(doctest, feature = "deflate"))]
#[doc = include_str!("../docs/compression.md")]
struct Compression;

#[cfg(all(doctest, feature = "poll"))]
#[doc = include_str!("../docs/writing-an-adapter.md")]
struct WritingAnAdapter;

#[cfg(all(doctest, feature = "tokio"))]
#[doc = include_str!("../docs/migrating-from-tungstenite.md")]
struct MigratingFromTungstenite;
