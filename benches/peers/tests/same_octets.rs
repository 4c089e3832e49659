//! Every peer delivers what was sent, refuses text that isn't UTF-8, and sends what it is given: on few
//! rows here, on all of them by `cargo run --release -- check`.

use websocket_peers::run::{Options, check};

fn rows(rows: &str) -> usize {
    check(&Options {
        rows: rows.into(),
        ..Options::default()
    })
}

#[test]
fn small_messages_in_large_reads_are_delivered_by_all_peers() {
    let columns = rows("reads of 64 kib+125 b cjk");
    assert!(columns >= 12, "{columns}");
}

#[test]
fn messages_larger_than_a_read_are_delivered_by_all_peers() {
    assert!(rows("receive in reads of 16 kib+64 kib mixed") >= 12);
}

#[test]
fn messages_of_different_lengths_are_delivered_by_all_peers() {
    // Floors that know where each payload lies take only messages of one length.
    assert!(rows("receive in reads of 64 kib+8 to 24") >= 11);
}

#[test]
fn messages_in_fragments_are_joined_by_all_peers() {
    assert!(rows("64 fragments+reads of 16 kib+binary") >= 12);
}

#[test]
fn messages_are_delivered_by_all_peers_when_each_octet_comes_alone() {
    assert!(rows("one octet+: 16 b") >= 12);
}

#[test]
fn what_all_peers_send_are_the_frames_of_their_role() {
    assert!(rows("send+125 b,send+64 × 16 b") >= 40);
}

#[cfg(feature = "compression")]
#[test]
fn compressed_messages_are_delivered_and_sent_by_all_peers_that_compress() {
    // Ours twice, zlib-rs alone, sockudo-ws and yawc; wtx where each message stands alone.
    assert!(rows("receive compressed+takeover+1 kib") >= 5);
    assert!(rows("receive compressed+alone+64 kib") >= 6);
    assert!(rows("send compressed+takeover+125 b") >= 2 * 5);
    assert!(rows("send compressed+alone+1 kib") >= 2 * 6);
}

#[test]
fn a_browsers_request_is_accepted_by_all_peers_that_have_a_handshake() {
    assert!(rows("handshake") >= 10);
}
