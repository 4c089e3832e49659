//! The machine on transports. Each adapter uses the public API alone, and each only carries out what
//! the one [`Driver`] says.
//!
//! - `blocking`: any `Read + Write`, and `std::net` (feature `std`).
//!
//! What they have in common stands here: the [`Driver`], the options of [accepting](AcceptOptions) and
//! [connecting](ConnectOptions), [the means to answer](Outgoing), and with `std` errors, the clock and
//! the system's entropy.

pub mod driver;
mod options;
mod outgoing;

#[cfg(feature = "std")]
pub mod blocking;
#[cfg(feature = "std")]
mod clock;
#[cfg(feature = "std")]
mod entropy;
#[cfg(feature = "std")]
mod error;
#[cfg(feature = "alloc")]
mod outcome;
#[cfg(feature = "std")]
mod sizes;

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
