//! Tokens and comma-separated lists (RFC 9110 §5.6).
//!
//! ```
//! use websocket_proto::handshake::{is_token, lists_token};
//!
//! assert!(is_token(b"graphql-transport-ws"));
//! assert!(lists_token([&b"keep-alive, Upgrade"[..]], "upgrade"));
//! assert!(!lists_token([&b"upgradeX, \"upgrade\""[..]], "upgrade"));
//! ```

use super::octets::{OctetSet, find_unusual, is_same, trim_ows};

/// Whether these octets are a token: one or more of the octets that RFC 9110 §5.6.2 lists.
#[must_use]
pub const fn is_token(octets: &[u8]) -> bool {
    !octets.is_empty() && behind_token(octets).is_empty()
}

/// From the first octet on that has no place in a token.
pub(super) const fn behind_token(octets: &[u8]) -> &[u8] {
    let mut rest = octets;
    while let [octet, tail @ ..] = rest
        && TCHARS.contains(*octet)
    {
        rest = tail;
    }
    rest
}

/// Splits in front of the first octet that has no place in a token; the first part may be empty. It is quick where
/// tokens are made as names of fields are, of letters, digits and hyphens: those go eight at a time.
#[inline]
pub(super) fn split_name(octets: &[u8]) -> (&[u8], &[u8]) {
    let mut length = 0_usize;
    loop {
        length = length.wrapping_add(find_unusual(octets.get(length..).unwrap_or_default()));
        match octets.get(length) {
            Some(octet) if TCHARS.contains(*octet) => length = length.wrapping_add(1),
            _ => return octets.split_at_checked(length).unwrap_or((octets, &[])),
        }
    }
}

/// The octets of tokens (RFC 9110 §5.6.2).
pub(super) static TCHARS: OctetSet = OctetSet::alphanumeric_and(b"!#$%&'*+-.^_`|~");

/// Whether a comma-separated list, over all lines of its field, holds this token; case doesn't matter
/// (RFC 9110 §7.6.1).
///
/// Only whole elements count: neither a part of one, nor what stands within a quoted string.
pub fn lists_token<'a>(values: impl IntoIterator<Item = &'a [u8]>, token: &str) -> bool {
    values.into_iter().any(|value| {
        // Most often the token is all that the line holds.
        is_same(value, token) || ListElements::new(value).any(|element| is_same(element, token))
    })
}

/// The elements of a comma-separated list, without the white space around them; empty ones are passed
/// over (RFC 9110 §5.6.1).
///
/// A comma within a quoted string separates nothing. The elements are not checked to be tokens.
#[derive(Clone, Debug)]
pub struct ListElements<'a> {
    rest: &'a [u8],
}

impl<'a> ListElements<'a> {
    /// The elements of the value of one field line.
    #[must_use]
    pub const fn new(value: &'a [u8]) -> Self {
        Self { rest: value }
    }
}

impl<'a> Iterator for ListElements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.rest.is_empty() {
            let (element, rest) = split_element(self.rest);
            self.rest = rest;
            let element = trim_ows(element);
            if !element.is_empty() {
                return Some(element);
            }
        }
        None
    }
}

/// Splits at the first comma that doesn't stand within a quoted string, which belongs to neither part.
fn split_element(octets: &[u8]) -> (&[u8], &[u8]) {
    let mut quoted = false;
    let mut escaped = false;
    let end = octets.iter().position(|&octet| {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ => return octet == b',' && !quoted,
        }
        false
    });
    match end.and_then(|end| octets.split_at_checked(end)) {
        Some((element, rest)) => (element, rest.get(1..).unwrap_or_default()),
        None => (octets, &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_10_tokens_are_the_octets_that_rfc_9110_lists() {
        let separators = b"\"(),/:;<=>?@[\\]{} \t";
        for octet in 0..=u8::MAX {
            let expected = octet.is_ascii_graphic() && !separators.contains(&octet);
            assert_eq!(is_token(&[octet]), expected, "{octet:#x}");
            assert_eq!(is_token(&[b'a', octet, b'b']), expected, "{octet:#x}");
        }
        assert!(!is_token(b""));
    }

    #[test]
    fn rule_10_a_name_ends_where_a_token_does() {
        for octet in 0..=u8::MAX {
            for at in 0..20 {
                let mut octets = *b"Sec_WebSocket.Key-1: x";
                octets[at] = octet;
                let (name, rest) = split_name(&octets);
                assert_eq!(rest, behind_token(&octets), "{octet:#x} at {at}");
                assert_eq!([name, rest].concat(), octets);
            }
        }
        assert_eq!(split_name(b"Host"), (&b"Host"[..], &b""[..]));
    }

    #[test]
    fn rule_02_only_a_whole_element_of_a_list_matches() {
        for value in [
            "upgrade",
            "Upgrade",
            "keep-alive, Upgrade",
            ",\t UPGRADE ,",
            "\"x\", upgrade",
        ] {
            assert!(lists_token([value.as_bytes()], "upgrade"), "{value}");
        }
        for value in [
            "",
            ",",
            "upgradeX",
            "Xupgrade",
            "up grade",
            "upgrade keep-alive",
            "upgrade;q=1",
            "\"upgrade\"",
            "\"a, upgrade, b\"",
            "\"a\\\", upgrade, b\"",
            "\"a, upgrade",
        ] {
            assert!(!lists_token([value.as_bytes()], "upgrade"), "{value}");
        }
        assert!(
            lists_token([&b"keep-alive"[..], b"upgrade"], "upgrade"),
            "several lines"
        );
        assert!(
            lists_token([&b"a\\,upgrade"[..]], "upgrade"),
            "a backslash means nothing outside of quotes"
        );
        assert!(
            !lists_token([&b"up"[..], b"grade"], "upgrade"),
            "lines are not glued"
        );
    }

    #[cfg(feature = "std")]
    proptest::proptest! {
        #[test]
        fn rule_12_any_octets_can_be_read_as_a_list(value in proptest::collection::vec(proptest::num::u8::ANY, 0..60)) {
            proptest::prop_assert!(ListElements::new(&value).all(|element| !element.is_empty()));
        }
    }
}
