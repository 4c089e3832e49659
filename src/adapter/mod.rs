//! The machine on transports. Each adapter uses the public API alone, and each only carries out what
//! the one [`Driver`] says.
//!
//! - `blocking`: any `Read + Write`, and `std::net` (feature `std`).
//! - `tokio`: its TCP streams, and any `AsyncRead + AsyncWrite` (feature `tokio`).
//! - `futures_io`: the streams of smol, async-std and others (feature `futures-io`).
//! - `embedded`: embedded-io-async, in fixed buffers (feature `embedded-io-async`).
//! - `tls`: `wss://` under blocking and async adapters (feature `rustls`).
//! - `poll`: what tokio and futures-io have in common, for runtimes of another make (feature `poll`).
//!
//! What they have in common stands here: the [`Driver`], the options of [accepting](AcceptOptions) and
//! [connecting](ConnectOptions), [the means to answer](Outgoing), and with `std` errors, the clock and
//! the system's entropy.

#[cfg(feature = "std")]
mod apart;
pub mod driver;
mod options;
mod outgoing;
mod timer;

#[cfg(feature = "std")]
pub mod blocking;
#[cfg(feature = "std")]
mod clock;
#[cfg(feature = "embedded-io-async")]
pub mod embedded;
#[cfg(feature = "std")]
mod entropy;
#[cfg(feature = "std")]
mod error;
#[cfg(feature = "futures-io")]
pub mod futures_io;
#[cfg(feature = "alloc")]
mod outcome;
#[cfg(feature = "poll")]
pub mod poll;
#[cfg(feature = "std")]
mod sizes;
#[cfg(feature = "tls")]
pub mod tls;
#[cfg(feature = "tokio")]
pub mod tokio;

#[cfg(feature = "std")]
pub use clock::now;
pub use driver::{Driver, Step};
#[cfg(feature = "std")]
pub use entropy::{SystemKeys, nonce};
#[cfg(feature = "std")]
pub use error::{Error, Refusal};
pub use options::{AcceptOptions, ConnectOptions};
#[cfg(feature = "alloc")]
pub use outcome::Outcome;
pub use outgoing::Outgoing;
pub use timer::Timer;
