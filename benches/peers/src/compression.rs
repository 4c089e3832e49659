//! Compressed messages (RFC 7692): what a client sends, and what a server's messages come to.
//!
//! What peers receive was compressed by zlib-rs; what they send is inflated by `miniz_oxide`, which none of
//! them uses.

use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZFlush};
use zlib_rs::{Deflate as Compressor, DeflateFlush};

use crate::data;
use crate::peers::Deflate;
use crate::rows::Kind;

/// What a sender leaves out at the end of a message (§7.2.1).
pub const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];

/// Set in the first octet of a compressed message.
const RSV1: u8 = 0x40;

/// A client's request, for peers that agree to compress only so. Each of them can do without context
/// takeover, and no row with it needs the request.
pub const REQUEST: &[u8] = b"GET / HTTP/1.1\r\n\
    Host: example.com\r\n\
    Connection: Upgrade\r\n\
    Upgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n\
    \r\n";

/// The payloads as they stand in frames. The first one refers to nothing, so that a rotation can follow a
/// rotation.
pub fn compressed(payloads: &[Vec<u8>], deflate: Deflate) -> Vec<Vec<u8>> {
    let mut stream = Compressor::new(deflate.level.into(), false, 15);
    payloads
        .iter()
        .map(|payload| {
            if !deflate.takeover {
                stream.reset();
            }
            let mut output = vec![0; payload.len() * 2 + 64];
            let before = stream.total_out();
            stream
                .compress(payload, &mut output, DeflateFlush::SyncFlush)
                .expect("an output with room");
            output.truncate((stream.total_out() - before) as usize);
            output
                .strip_suffix(&TAIL)
                .expect("the end of a flush")
                .to_vec()
        })
        .collect()
}

/// The payloads as a client sends them, behind [`REQUEST`].
pub fn client_stream(kind: Kind, payloads: &[Vec<u8>], deflate: Deflate) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    let first = 0x80 | RSV1 | if kind.is_text() { 1 } else { 2 };
    let mut out = REQUEST.to_vec();
    for payload in compressed(payloads, deflate) {
        let key = random.u32(..).to_ne_bytes();
        data::put_frame(&mut out, first, &payload, Some(key));
    }
    out
}

/// Compares what a server has sent, perhaps behind the head of its answer, with the payloads in rotation.
/// Panics where a message isn't the next of them, compressed as agreed, or where compressing saves less than
/// it does with zlib-rs at this level.
pub fn check_sent(
    written: &[u8],
    payloads: &[Vec<u8>],
    count: usize,
    deflate: Deflate,
    name: &str,
) {
    let head = written.starts_with(b"HTTP/");
    let end = written.windows(4).position(|four| four == b"\r\n\r\n");
    let frames = match end {
        Some(end) if head => &written[end + 4..],
        _ => written,
    };
    let sent = data::payloads_of(frames, false);
    assert_eq!(sent.len(), count, "{name}");
    let mut state = InflateState::new_boxed(DataFormat::Raw);
    for ((first, octets), payload) in sent.iter().zip(payloads.iter().cycle()) {
        assert_eq!(
            *first,
            0x82 | RSV1,
            "{name}: a whole binary message, compressed"
        );
        if !deflate.takeover {
            state = InflateState::new_boxed(DataFormat::Raw);
        }
        let input = [&octets[..], &TAIL].concat();
        let mut output = vec![0; payload.len() + 1];
        let end = inflate(&mut state, &input, &mut output, MZFlush::Sync);
        assert!(end.status.is_ok(), "{name}: {:?}", end.status);
        assert_eq!(end.bytes_consumed, input.len(), "{name}: all of a message");
        assert!(
            output[..end.bytes_written] == payload[..],
            "{name}: another payload"
        );
    }
    // Whoever compresses less has less to do.
    let size: usize = sent.iter().map(|(_, octets)| octets.len()).sum();
    let usual: usize = compressed(payloads, deflate).iter().map(Vec::len).sum();
    let (mean, usual) = (size / sent.len(), usual / payloads.len());
    assert!(
        mean <= usual + usual / 10 + 2,
        "{name}: {mean} octets a message, not some {usual}"
    );
}
