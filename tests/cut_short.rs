//! Compressed messages that end too early, in one read and in many: they are refused, and what lies behind them
//! in the buffer is not touched (RFC 7692 §7.2.2).
#![cfg(feature = "deflate")]

mod common;

use common::frames::sent_to;
use common::trace::{Seen, Setup, run_every_way};
use websocket_proto::{Role, Violation};

/// What `permessage-deflate` makes of the octets, at this level.
fn compressed(octets: &[u8], level: i32) -> Vec<u8> {
    let mut deflate = zlib_rs::Deflate::new(level, false, 15);
    let mut output = vec![0; octets.len() * 2 + 64];
    let flush = zlib_rs::DeflateFlush::SyncFlush;
    deflate.compress(octets, &mut output, flush).unwrap();
    output.truncate(deflate.total_out() as usize);
    output.strip_suffix(&[0, 0, 0xFF, 0xFF]).unwrap().to_vec()
}

/// The message in a compressed frame, and behind it one as it is.
fn frames(role: Role, message: &[u8]) -> Vec<u8> {
    [sent_to(role, 0xC1, message), sent_to(role, 0x81, b"next")].concat()
}

#[test]
fn a_message_that_was_cut_is_refused_however_it_comes() {
    let text = "{\"symbol\":\"ABC\",\"bid\":101.25,\"ask\":101.5},".repeat(2);
    for parameters in [
        "permessage-deflate",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    ] {
        for role in [Role::Server, Role::Client] {
            let setup = Setup {
                deflate: Some(parameters.to_owned()),
                ..Setup::open(role)
            };
            // Stored, with a fixed code, and with one of its own.
            for level in [0, 1, 9] {
                let whole = compressed(text.as_bytes(), level);
                let (trace, _) = run_every_way(&setup, &frames(role, &whole), true);
                let next = Seen::Text("next".to_owned());
                assert_eq!(trace.events, [Seen::Text(text.clone()), next]);
                assert_eq!(trace.error, None);
                // The first octet of a stored block alone is an empty message, and the last octet of any may be no
                // more than the end of a header.
                for cut in 2..whole.len() - 1 {
                    let input = frames(role, &whole[..cut]);
                    let (trace, _) = run_every_way(&setup, &input, true);
                    assert_eq!(trace.error, Some(Violation::CorruptDeflate), "{cut}");
                    assert_eq!(trace.events, [], "level {level}, cut at {cut}");
                }
            }
        }
    }
}

#[test]
fn a_message_that_ends_its_stream_itself_is_whole_and_what_follows_it_is_not_touched() {
    // A last block of "Hello", with the octet that RFC 7692 §7.2.3.4 puts behind it, and without.
    for message in [
        &[0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00][..],
        &[0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00][..],
    ] {
        for role in [Role::Server, Role::Client] {
            let setup = Setup {
                deflate: Some(
                    "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
                        .to_owned(),
                ),
                ..Setup::open(role)
            };
            let input = [frames(role, message), frames(role, message)].concat();
            let (trace, _) = run_every_way(&setup, &input, true);
            let two = ["Hello", "next"].map(|text| Seen::Text(text.to_owned()));
            assert_eq!(trace.events, [two.clone(), two].concat());
            assert_eq!(trace.error, None);
        }
    }
}
