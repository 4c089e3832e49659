//! Tasks of any async runtime: what the adapters for them have in common, and the way to write another.
//!
//! A runtime brings a transport ([`Io`]) and a clock ([`Timer`](super::Timer)); everything else stands
//! here. `adapter::tokio` and `adapter::futures_io` are two such pairs.
//!
//! - [`WebSocket::next`] lends an event with the means to answer it. What is queued while events are
//!   handled goes out in one write before the task waits.
//! - Deadlines are kept by whoever waits: there is no task in the background.
//! - A future that is dropped while it waits loses nothing and sends nothing twice. Those that open a
//!   connection own the transport: dropped, they take it with them.
//! - A connection that waits with nothing unfinished holds no buffer.
//!
//! ```
//! use websocket_proto::adapter::poll::{Io, WebSocket};
//! use websocket_proto::adapter::{Error, Timer};
//! use websocket_proto::{Event, Side};
//!
//! async fn echo<T: Io, C: Timer, S: Side>(mut ws: WebSocket<T, C, S>) -> Result<(), Error> {
//!     while let Some((event, mut out)) = ws.next().await? {
//!         match event {
//!             Event::Text(text) => out.send_text(text)?,
//!             Event::Binary(octets) => out.send_binary(octets)?,
//!             _ => {}
//!         }
//!     }
//!     Ok(())
//! }
//! ```

mod alarm;
mod buffers;
mod engine;
mod io;
mod link;
mod message;
mod open;
mod socket;
mod split;

use std::vec::Vec;

pub use self::io::Io;
pub use self::message::Message;
pub use self::open::{accept, accept_with, connect_over};
pub use self::socket::{Lent, WebSocket};
pub use self::split::{Reader, Writer};

use super::SystemKeys;
use crate::connection::{Client, Server};

/// A server's end.
pub type ServerSocket<T, C> = WebSocket<T, C, Server>;

/// A client's end.
pub type ClientSocket<T, C> = WebSocket<T, C, Client<SystemKeys>>;

/// The means to answer while an event is held. What it sends is queued.
pub type Outgoing<'a, S> = super::Outgoing<'a, S, Vec<u8>>;
