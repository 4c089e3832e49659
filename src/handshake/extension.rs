//! The grammar of `Sec-WebSocket-Extensions`: what is offered, and what is chosen (RFC 6455 §9.1).
//!
//! ```
//! use websocket_proto::handshake::extensions;
//!
//! let value = b"permessage-deflate; server_max_window_bits=\"10\", permessage-deflate";
//! let offers: Vec<_> = extensions(value).map(|offer| offer.expect("the grammar is kept")).collect();
//! assert_eq!(offers.len(), 2);
//! assert_eq!(offers[0].name(), "permessage-deflate");
//! let bits = offers[0].parameters().next().unwrap();
//! assert_eq!((bits.name(), bits.decimal()), ("server_max_window_bits", Some(10)));
//! ```

use super::octets::QUICK;
use super::token::{ListElements, TCHARS, behind_token};

/// One extension with its parameters. Its grammar was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    name: &'a str,
    /// Nothing, or a semicolon and what follows.
    parameters: &'a [u8],
}

/// A parameter of an extension: a name and, perhaps, a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter<'a> {
    name: &'a str,
    /// A token, or what stands between quotes, where a backslash may stand before any octet.
    value: Option<&'a [u8]>,
}

/// The extensions in the value of one `Sec-WebSocket-Extensions` line, in order; `None` in place of one
/// that breaks the grammar.
pub fn extensions(value: &[u8]) -> impl Iterator<Item = Option<Extension<'_>>> {
    ListElements::new(value).map(Extension::parse)
}

impl<'a> Extension<'a> {
    fn parse(element: &'a [u8]) -> Option<Self> {
        if !skip_extension(element)?.is_empty() {
            return None;
        }
        let (name, parameters) = split_token(element)?;
        Some(Self {
            name,
            parameters: skip_ows(parameters),
        })
    }

    /// The extension's name, a token. Case matters.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// The parameters, in order.
    pub fn parameters(&self) -> impl Iterator<Item = Parameter<'a>> + use<'a> {
        let mut rest = self.parameters;
        core::iter::from_fn(move || {
            let [b';', parameter @ ..] = rest else {
                return None;
            };
            let parameter = skip_ows(parameter);
            rest = skip_ows(skip_parameter(parameter)?);
            let (name, value) = split_token(parameter)?;
            let value = match skip_ows(value) {
                [b'=', value @ ..] => Some(skip_ows(value)),
                _ => None,
            };
            Some(Parameter {
                name,
                value: value.map(bare_value),
            })
        })
    }
}

impl<'a> Parameter<'a> {
    /// The parameter's name, a token. Case matters.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// Whether it has a value.
    #[must_use]
    pub const fn has_value(&self) -> bool {
        self.value.is_some()
    }

    /// The octets of its value, which make up a token. Whether it was quoted makes no difference.
    pub fn value(&self) -> impl Iterator<Item = u8> + use<'a> {
        // A backslash is no octet of a token: it can only be an escape.
        let is_escape = |octet: &u8| *octet == b'\\';
        let value = self.value.unwrap_or_default().iter().copied();
        value.filter(move |octet| !is_escape(octet))
    }

    /// Its value, where that is a number below 256 in decimal digits without a leading zero.
    #[must_use]
    pub fn decimal(&self) -> Option<u8> {
        let mut number: u8 = 0;
        for (place, octet) in self.value().enumerate() {
            let digit = octet.checked_sub(b'0').filter(|digit| *digit < 10)?;
            if place > 0 && number == 0 {
                return None;
            }
            number = number.checked_mul(10)?.checked_add(digit)?;
        }
        (self.value().next().is_some()).then_some(number)
    }
}

/// What Chrome offers, and what most libraries do.
const MOST_OFTEN: &[u8] = b"permessage-deflate; client_max_window_bits";

/// Whether the value of a `Sec-WebSocket-Extensions` line follows RFC 6455 §9.1: at least one
/// extension, each a token with parameters behind semicolons. Each octet is looked at once.
pub(super) fn is_extension_list(value: &[u8]) -> bool {
    if QUICK && value == MOST_OFTEN {
        return true;
    }
    let mut rest = skip_ows(value);
    let mut any = false;
    loop {
        rest = match rest {
            [] => return any,
            [b',', rest @ ..] => skip_ows(rest),
            _ => match skip_extension(rest) {
                Some(rest @ ([] | [b',', ..])) => {
                    any = true;
                    rest
                }
                _ => return false,
            },
        };
    }
}

/// What stands behind the extension that begins here, and behind the white space after it. `None`, here
/// and below, if none begins here.
fn skip_extension(octets: &[u8]) -> Option<&[u8]> {
    let mut rest = skip_ows(skip_token(octets)?);
    while let [b';', parameter @ ..] = rest {
        rest = skip_ows(skip_parameter(skip_ows(parameter))?);
    }
    Some(rest)
}

/// `token [ "=" ( token / quoted-string ) ]`, where what is quoted has to be a token too.
fn skip_parameter(octets: &[u8]) -> Option<&[u8]> {
    let rest = skip_ows(skip_token(octets)?);
    let [b'=', value @ ..] = rest else {
        return Some(rest);
    };
    match skip_ows(value) {
        [b'"', quoted @ ..] => skip_quoted_token(quoted),
        value => skip_token(value),
    }
}

fn skip_token(octets: &[u8]) -> Option<&[u8]> {
    let rest = behind_token(octets);
    (rest.len() < octets.len()).then_some(rest)
}

// RFC 6455 §4.3-1, §9.1-2
fn skip_quoted_token(quoted: &[u8]) -> Option<&[u8]> {
    let mut rest = quoted;
    loop {
        rest = match (rest, rest.strip_prefix(b"\\").unwrap_or(rest)) {
            ([b'"', behind @ ..], _) => return (rest.len() < quoted.len()).then_some(behind),
            (_, [octet, rest @ ..]) if TCHARS.contains(*octet) => rest,
            _ => return None,
        };
    }
}

fn skip_ows(mut octets: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = octets {
        octets = rest;
    }
    octets
}

/// Splits behind the token that stands at the beginning.
fn split_token(octets: &[u8]) -> Option<(&str, &[u8])> {
    let rest = skip_token(octets)?;
    let length = octets.len().checked_sub(rest.len())?;
    let token = str::from_utf8(octets.get(..length)?).ok()?;
    Some((token, rest))
}

/// The value that stands at the beginning, a token or quoted, without its quotes.
fn bare_value(octets: &[u8]) -> &[u8] {
    let (rest, open) = match octets {
        [b'"', quoted @ ..] => (quoted, true),
        token => (token, false),
    };
    let is_end = |&octet: &u8| match octet {
        b'"' => open,
        // Within quotes the grammar allows it only as an escape.
        b'\\' => false,
        octet => !TCHARS.contains(octet),
    };
    let end = rest.iter().position(is_end).unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 6455 §4.3-1, §9.1-1, §9.1-2
    #[test]
    fn rule_05_extension_offers_follow_their_grammar() {
        for value in [
            "foo",
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate;server_max_window_bits=10, permessage-deflate",
            "foo; a=\"10\"; b = c",
            "foo; a=\"\\1\\0\"",
            ", foo ,, bar",
        ] {
            assert!(is_extension_list(value.as_bytes()), "{value}");
        }
        for value in [
            "",
            ",",
            "foo;",
            "foo;;a",
            "foo; =1",
            "foo; a=",
            "foo; a=\"\"",
            "foo; a=\"b c\"",
            "foo; a=\"b",
            "foo; a=b=c",
            "foo bar",
            "\"foo\"",
            "foo; a=\"b\"c",
            "foo; a=\"\\\"",
            ";a",
            "foo; a=\"b,c\"",
            "foo/bar",
        ] {
            assert!(!is_extension_list(value.as_bytes()), "{value}");
        }
    }

    // RFC 6455 §9.1-2
    #[cfg(feature = "std")]
    #[test]
    fn rule_40_a_quoted_value_equals_the_token() {
        use std::string::String;
        use std::vec::Vec;

        let value = b"a; b=10; c = \"10\" ;d=\"\\1\\0\"; e , f";
        let parsed: Vec<Extension<'_>> = extensions(value).map(Option::unwrap).collect();
        let parameters: Vec<(&str, Option<String>)> = parsed[0]
            .parameters()
            .map(|each| {
                let value = each.value().map(char::from).collect();
                (each.name(), each.has_value().then_some(value))
            })
            .collect();
        let ten = || Some("10".into());
        assert_eq!(
            parameters,
            [("b", ten()), ("c", ten()), ("d", ten()), ("e", None)]
        );
        assert_eq!((parsed[1].name(), parsed[1].parameters().count()), ("f", 0));
    }

    #[test]
    fn rule_40_a_number_has_digits_and_no_leading_zero() {
        for (value, number) in [
            (&b"a; b=0"[..], Some(0)),
            (b"a; b=8", Some(8)),
            (b"a; b=15", Some(15)),
            (b"a; b=255", Some(255)),
            (b"a; b=256", None),
            (b"a; b=08", None),
            (b"a; b=00", None),
            (b"a; b=+8", None),
            (b"a; b=8x", None),
            (b"a; b", None),
        ] {
            let extension = extensions(value).next().flatten().unwrap();
            let parameter = extension.parameters().next().unwrap();
            assert_eq!(parameter.decimal(), number, "{parameter:?}");
        }
    }

    #[cfg(feature = "std")]
    proptest::proptest! {
        #[test]
        fn rule_12_any_octets_can_be_read_as_extensions(
            value in proptest::collection::vec(proptest::sample::select(&b"ab;=, \"\\"[..]), 0..40),
        ) {
            let legal = is_extension_list(&value);
            let parsed = extensions(&value).all(|each| {
                each.is_some_and(|each| each.parameters().all(|each| !each.name().is_empty()))
            });
            proptest::prop_assert_eq!(legal, parsed && extensions(&value).next().is_some());
        }
    }
}
