//! `websocket-proto` beside other WebSocket crates: the same work, the same octets, one run.
//!
//! ```text
//! rows ── what is measured: a kind of message, a size, a way of reading
//!   │
//!   ▼
//! peers ── one trait, one file per crate ──▶ pipe ── memory in the place of a socket
//!   │                                         meter ── when to start, when to stop, what came
//!   ▼
//! run ── checks every peer's octets, then measures in rounds ──▶ table
//! ```
//!
//! To add a peer: implement [`peers::Peer`] in a file of its own and list it in [`peers::all`]; for real
//! sockets, add its loop under `echo` and name it in [`echo::SERVERS`].

pub mod allocations;
pub mod callgrind;
pub mod compression;
pub mod data;
pub mod echo;
pub mod load;
pub mod meter;
pub mod peers;
pub mod pipe;
pub mod rows;
pub mod run;
pub mod table;
pub mod versions;
