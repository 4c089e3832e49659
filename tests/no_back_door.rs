//! The adapters, compiled as if they were somebody else's: against the public API and nothing else.
//! Whatever they used that is private to the crate would not compile here.
#![cfg(feature = "std")]
#![allow(dead_code, unused_imports, unreachable_pub)]

extern crate alloc;

#[path = "../src/adapter/mod.rs"]
mod adapter;

// The paths by which they name things inside of the crate, leading to what everybody can see.
mod buffer {
    pub use websocket_proto::buffer::*;
}
mod close {
    pub use websocket_proto::{Close, CloseCode, Initiator, Outcome};
}
mod config {
    pub use websocket_proto::Config;
}
mod connection {
    pub use websocket_proto::connection::*;
}
mod error {
    pub use websocket_proto::{Error, Misuse, RequestFault, ResponseFault, UrlFault, Violation};
}
mod frame {
    pub use websocket_proto::frame::*;
}
mod handshake {
    pub use websocket_proto::handshake::*;
}
mod opcode {
    pub use websocket_proto::{MessageKind, Opcode};
}
mod role {
    pub use websocket_proto::Role;
}
mod time {
    pub use websocket_proto::Instant;
}

#[test]
fn the_adapters_use_the_public_api_alone() {
    let options = adapter::blocking::ConnectOptions::new();
    let refused = adapter::blocking::connect_with("ws://a#b", &options);
    assert!(refused.is_err(), "this copy of the adapter works");
}
