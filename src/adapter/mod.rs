//! The machine on transports. Each adapter uses the public API alone, and each only carries out what
//! the one [`Driver`] says.
//!
//! - `blocking`: any `Read + Write`, and `std::net` (feature `std`).

pub mod driver;

#[cfg(feature = "std")]
pub mod blocking;
#[cfg(feature = "std")]
mod entropy;

pub use driver::{Driver, Step};
#[cfg(feature = "std")]
pub use entropy::{SystemKeys, nonce};
