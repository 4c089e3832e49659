//! Sizes that are promised: of an idle connection, and of what travels.

#[cfg(feature = "std")]
use websocket_proto::{Client, SystemKeys};
use websocket_proto::{Connection, Event, Ready, Server};
#[cfg(feature = "alloc")]
use websocket_proto::{RecvBuffer, SendBuffer};

#[test]
fn an_idle_server_connection_takes_at_most_128_octets() {
    assert!(
        size_of::<Connection<Server>>() <= 128,
        "{}",
        size_of::<Connection<Server>>()
    );
}

#[cfg(feature = "std")]
#[test]
fn an_idle_client_connection_takes_at_most_256_octets() {
    let size = size_of::<Connection<Client<SystemKeys>>>();
    assert!(size <= 256, "{size}");
}

#[cfg(feature = "alloc")]
#[test]
fn idle_buffers_take_at_most_128_octets_and_hold_no_memory() {
    let (rx, tx) = (RecvBuffer::new(), SendBuffer::new());
    assert!(size_of_val(&rx) + size_of_val(&tx) <= 128);
    assert_eq!(rx.into_storage().capacity(), 0);
    assert!(tx.is_empty());
}

#[test]
fn events_are_cheap_to_return() {
    assert!(size_of::<Event<'_>>() <= 32);
    assert!(size_of::<Ready>() <= 24);
}
