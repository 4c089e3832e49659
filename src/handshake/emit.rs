//! Writing heads: what is checked before an octet is written, and the pieces that all heads share.

use super::octets::{is_control, is_same};
use super::token::is_token;
use crate::error::Misuse;

/// Where the octets of a head go, piece by piece.
pub(super) type Put<'p> = &'p mut dyn FnMut(&[u8]);

/// How many octets `write` puts.
pub(super) fn count(write: impl FnOnce(Put<'_>)) -> usize {
    let mut octets: usize = 0;
    write(&mut |piece| octets = octets.saturating_add(piece.len()));
    octets
}

/// Whether the handshake itself writes the field, in either direction. Letting a caller write it too
/// would make two answers out of one.
// RFC 6455 §9.1-3, §9.1-4
fn is_owned(name: &str) -> bool {
    const OWNED: [&str; 4] = [
        "Connection",
        "Upgrade",
        "Content-Length",
        "Transfer-Encoding",
    ];
    const OWNED_PREFIX: &str = "Sec-WebSocket-";
    OWNED.iter().any(|owned| is_same(name, owned))
        || name
            .get(..OWNED_PREFIX.len())
            .is_some_and(|prefix| is_same(prefix, OWNED_PREFIX))
}

/// Checks a caller's fields: names are tokens and neither owned by the handshake nor by this message,
/// values hold no control octets.
pub(super) fn check_fields(fields: &[(&str, &str)], also_owned: &[&str]) -> Result<(), Misuse> {
    let legal = |&(name, value): &(&str, &str)| {
        is_token(name.as_bytes())
            && !is_owned(name)
            && !also_owned.iter().any(|owned| is_same(name, owned))
            && is_value(value)
    };
    fields.iter().all(legal).then_some(()).ok_or(Misuse::Field)
}

/// Whether this can stand behind the colon of a field: no control octets, but tabs (RFC 9110 §5.5).
pub(super) fn is_value(value: &str) -> bool {
    !value
        .bytes()
        .any(|octet| is_control(octet) && octet != b'\t')
}

pub(super) fn put_fields(fields: &[(&str, &str)], put: Put<'_>) {
    for &(name, value) in fields {
        put(name.as_bytes());
        put(b": ");
        put(value.as_bytes());
        put(b"\r\n");
    }
}

/// Puts a number in decimal digits.
pub(super) fn put_number(number: u64, put: Put<'_>) {
    // The longest u64 has 20 digits. They come from the last to the first.
    let mut digits = [0; 20];
    let mut rest = number;
    let mut first = digits.len();
    for (place, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0' | u8::try_from(rest % 10).unwrap_or(0);
        first = place;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    put(digits.get(first..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_17_fields_that_would_change_the_head_are_refused() {
        for legal in [
            ("X-A", "b"),
            ("Cookie", "a=b; c=d"),
            ("X", ""),
            ("X", "a\tb"),
            ("X", "ä"),
            ("SecWebSocket", "a"),
            ("Upgrade-Insecure-Requests", "1"),
        ] {
            assert_eq!(check_fields(&[legal], &[]), Ok(()), "{legal:?}");
        }
        for illegal in [
            ("", "b"),
            ("X A", "b"),
            ("X:", "b"),
            ("X\r\nY", "b"),
            ("X", "a\r\nb"),
            ("X", "a\rb"),
            ("X", "a\nb"),
            ("X", "a\0b"),
            ("X", "a\x7fb"),
            ("ä", "b"),
            ("connection", "close"),
            ("UPGRADE", "x"),
            ("Content-Length", "0"),
            ("transfer-encoding", "chunked"),
            ("Sec-WebSocket-Accept", "x"),
            ("sec-websocket-", "x"),
            ("sec-websocket-protocol", "x"),
        ] {
            assert_eq!(
                check_fields(&[("A", "b"), illegal], &[]),
                Err(Misuse::Field),
                "{illegal:?}"
            );
        }
        assert_eq!(check_fields(&[("host", "a")], &[]), Ok(()));
        assert_eq!(
            check_fields(&[("host", "a")], &["Host"]),
            Err(Misuse::Field)
        );
    }

    #[cfg(feature = "std")]
    #[test]
    fn numbers_are_written_in_decimal() {
        use std::string::{String, ToString as _};
        for number in [
            0,
            1,
            9,
            10,
            11,
            99,
            100,
            101,
            443,
            65535,
            1_000_000,
            u64::MAX,
        ] {
            let mut text = String::new();
            put_number(number, &mut |octets| {
                text.push_str(str::from_utf8(octets).unwrap())
            });
            assert_eq!(text, number.to_string());
        }
    }
}
