//! The key that a client sends and the value that proves a server understood it (RFC 6455 §1.3, §4.2.2).
//!
//! ```
//! use websocket_proto::handshake::{accept_key, encode_nonce};
//!
//! let key = encode_nonce(*b"the sample nonce");
//! assert_eq!(&key, b"dGhlIHNhbXBsZSBub25jZQ==");
//! assert_eq!(&accept_key(&key), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
//! ```

#[cfg(not(feature = "alloc"))]
use super::compact::{encode_into, sha1};
use super::octets::OctetSet;

/// What every server appends to the key (RFC 6455 §1.3).
const GUID: &[u8; 36] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The value of `Sec-WebSocket-Accept` for this value of `Sec-WebSocket-Key`: the SHA-1 of the key and
/// a fixed text, in base64 (RFC 6455 §4.2.2).
///
/// The key is hashed as it is; [`answer_key`](super::answer_key) checks it first.
#[must_use]
pub fn accept_key(key: &[u8]) -> [u8; 28] {
    encode(&sha1([key, GUID]))
}

/// The hash of these parts, one behind the other.
#[cfg(feature = "alloc")]
fn sha1(parts: [&[u8]; 2]) -> [u8; 20] {
    let mut hash = sha1_smol::Sha1::new();
    for part in parts {
        hash.update(part);
    }
    hash.digest().bytes()
}

/// The value of `Sec-WebSocket-Key` for these 16 random octets (RFC 6455 §4.1).
///
/// They have to be fresh and unpredictable for each connection.
// RFC 6455 §4.1-20
#[must_use]
pub fn encode_nonce(nonce: [u8; 16]) -> [u8; 24] {
    encode(&nonce)
}

/// Base64 of octets, in a text that is exactly as long as that takes (RFC 4648 §4).
fn encode<const M: usize>(octets: &[u8]) -> [u8; M] {
    let mut text = [b'='; M];
    encode_into(octets, &mut text);
    text
}

#[cfg(feature = "alloc")]
fn encode_into(octets: &[u8], text: &mut [u8]) {
    use base64::Engine as _;
    // It can't fail: the text has the length that base64 needs.
    let _ = base64::engine::general_purpose::STANDARD.encode_slice(octets, text);
}

static ALPHABET: OctetSet = OctetSet::alphanumeric_and(b"+/");

/// Whether this is the base64 of 16 octets, in the standard alphabet and with canonical padding: there
/// is one such text for each 16 octets, and it has 24 characters.
pub(super) fn is_key(value: &[u8]) -> bool {
    // 22 characters of six bits are 132 bits: the last four of them have to be zero, as in these four.
    match value.split_last_chunk::<3>() {
        Some((first, [last, b'=', b'='])) => {
            first.len() == 21
                && first.iter().all(|&octet| ALPHABET.contains(octet))
                && matches!(last, b'A' | b'Q' | b'g' | b'w')
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_6455_section_1_3() {
        assert_eq!(
            &accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="),
            b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }

    // RFC 6455 §4.1-20
    #[test]
    fn rule_18_a_nonce_becomes_a_legal_key() {
        assert_eq!(&encode_nonce([0; 16]), b"AAAAAAAAAAAAAAAAAAAAAA==");
        assert_eq!(&encode_nonce([255; 16]), b"/////////////////////w==");
        assert!(is_key(&encode_nonce([0xA5; 16])));
    }

    #[test]
    fn rule_03_only_16_octets_in_canonical_base64_are_a_key() {
        assert!(is_key(b"dGhlIHNhbXBsZSBub25jZQ=="));
        assert!(is_key(b"+/+/+/+/+/+/+/+/+/+/+w=="));
        for key in [
            "",
            "AAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAAAA=",
            "AAAAAAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAAA=",
            "AAAAAAAAAAAAAAAAAAAAAAAAAA==",
            "AAAAAAAAAAAAAAAAAAAAAB==",
            "-_-_-_-_-_-_-_-_-_-_-w==",
            "AAAAAAAAAA AAAAAAAAAAA==",
            " AAAAAAAAAAAAAAAAAAAAA==",
            "AAAAAAAAAAAAAAAAAAAA====",
            "=AAAAAAAAAAAAAAAAAAAAA==",
        ] {
            assert!(!is_key(key.as_bytes()), "{key}");
        }
    }
}
