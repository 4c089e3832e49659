//! `host [":" port]`, as it stands in a URL, in `Host` and in `Origin` (RFC 3986 §3.2).

use super::octets::{OctetSet, decimal, split_at_any};
use crate::error::UrlFault;

/// A host and the port behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Authority<'a> {
    /// A name, an IPv4 address, or an IPv6 address in its brackets; never empty.
    pub(super) host: &'a str,
    /// `None` where there is none, or where nothing stands behind the colon.
    pub(super) port: Option<u16>,
}

impl<'a> Authority<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, UrlFault> {
        Self::parse_host_and_port(text).map_err(|fault| {
            match text.bytes().any(|octet| octet == b'@') {
                true => UrlFault::UserInfo,
                false => fault,
            }
        })
    }

    fn parse_host_and_port(text: &'a str) -> Result<Self, UrlFault> {
        let host_end = match text.starts_with('[') {
            true => split_at_any(text, b"]").0.len().saturating_add(1),
            false => split_at_any(text, b":").0.len(),
        };
        let (host, rest) = text.split_at_checked(host_end).ok_or(UrlFault::Host)?;
        if !is_host(host) {
            return Err(UrlFault::Host);
        }
        let port = match rest.strip_prefix(':') {
            Some(port) => parse_port(port)?,
            None if rest.is_empty() => None,
            None => return Err(UrlFault::Host),
        };
        Ok(Self { host, port })
    }
}

/// RFC 3986 §3.2.3 lets the port be empty.
fn parse_port(text: &str) -> Result<Option<u16>, UrlFault> {
    if text.is_empty() {
        return Ok(None);
    }
    let port = decimal(text.as_bytes()).ok_or(UrlFault::Port)?;
    u16::try_from(port).map(Some).map_err(|_| UrlFault::Port)
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[') {
        Some(literal) => literal
            .strip_suffix(']')
            .is_some_and(|address| is_ipv6(address.as_bytes())),
        None => is_registered_name(host.as_bytes()),
    }
}

/// `IPv6address` of RFC 3986 §3.2.2: eight groups of up to four hex digits, of which two may be an IPv4
/// address, and one run of zero groups may be left out.
///
/// The library's parser would do, in 2 KB of code more.
#[inline(never)]
fn is_ipv6(address: &[u8]) -> bool {
    let (mut rest, mut shortened) = match address.strip_prefix(b"::") {
        Some(rest) => (rest, true),
        None => (address, false),
    };
    let mut groups = 0_u8;
    // Each turn takes a group. What stands behind `::` may be nothing.
    while !(shortened && rest.is_empty()) {
        let digits = rest.iter().take_while(|octet| octet.is_ascii_hexdigit());
        let digits = digits.count();
        rest = match rest.get(digits..).unwrap_or_default() {
            [b'.', ..] => {
                groups = groups.saturating_add(2);
                match is_ipv4(rest) {
                    true => break,
                    false => return false,
                }
            }
            _ if !matches!(digits, 1..=4) => return false,
            [] => {
                groups = groups.saturating_add(1);
                break;
            }
            [b':', b':', after @ ..] if !shortened => {
                shortened = true;
                after
            }
            // A single colon has a group behind it.
            [b':', after @ ..] if !after.is_empty() => after,
            _ => return false,
        };
        groups = groups.saturating_add(1);
    }
    if shortened { groups < 8 } else { groups == 8 }
}

/// `IPv4address` of RFC 3986 §3.2.2: four numbers up to 255, without leading zeros.
fn is_ipv4(address: &[u8]) -> bool {
    let mut numbers = 0_u8;
    for number in address.split(|&octet| octet == b'.') {
        let canonical = matches!(number, [_] | [b'1'..=b'9', ..]);
        if !canonical || decimal(number).is_none_or(|number| number > 255) {
            return false;
        }
        numbers = numbers.saturating_add(1);
    }
    numbers == 4
}

/// `unreserved` and `sub-delims` of RFC 3986 §2.
static NAME_OCTETS: OctetSet = OctetSet::alphanumeric_and(b"-._~!$&'()*+,;=");

/// `reg-name` of RFC 3986 §3.2.2, which covers IPv4 addresses, but not empty.
pub(super) fn is_registered_name(name: &[u8]) -> bool {
    let mut rest = name;
    loop {
        rest = match rest {
            [] => return !name.is_empty(),
            [octet, rest @ ..] if NAME_OCTETS.contains(*octet) => rest,
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                rest
            }
            _ => return false,
        };
    }
}

#[cfg(test)]
mod tests {
    use core::net::Ipv6Addr;

    use super::*;

    #[test]
    fn ipv6_addresses_are_judged_as_by_the_library() {
        // All texts of up to nine of these pieces would be too many; these walk through them.
        let pieces = [
            "::",
            ":",
            "1",
            "abcd",
            "12345",
            "1.2.3.4",
            "256.1.1.1",
            "1.2.3",
            "g",
            "0",
        ];
        let mut text = arrayvec::ArrayString::<128>::new();
        let mut legal = 0;
        for seed in 0..300_000_u64 {
            text.clear();
            let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (seed << 7);
            for _ in 0..=seed % 17 {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let choice = (random >> 40) % 24;
                text.push_str(
                    pieces[if choice > 9 {
                        1 + (choice % 2) as usize
                    } else {
                        choice as usize
                    }],
                );
            }
            let known = text.parse::<Ipv6Addr>().is_ok();
            legal += u32::from(known);
            assert_eq!(is_ipv6(text.as_bytes()), known, "{text}");
        }
        assert!(legal > 1000, "{legal}");
    }

    #[test]
    fn ipv4_addresses_at_the_end_of_ipv6_ones_have_four_numbers_up_to_255() {
        for (end, legal) in [
            ("255.255.255.255", true),
            ("0.0.0.0", true),
            ("256.0.0.0", false),
            ("0.0.0.256", false),
            ("1.2.3", false),
            ("1.2.3.4.5", false),
            ("01.2.3.4", false),
            ("1.2..4", false),
        ] {
            let address = arrayvec::ArrayString::<32>::from("::").map(|mut text| {
                text.push_str(end);
                text
            });
            assert_eq!(is_ipv6(address.unwrap().as_bytes()), legal, "{end}");
        }
    }

    #[test]
    fn rule_17_hosts_and_ports_on_both_sides_of_the_limit() {
        for (text, host, port) in [
            ("example.com", "example.com", None),
            ("EXAMPLE.com:80", "EXAMPLE.com", Some(80)),
            ("a:", "a", None),
            ("a:0", "a", Some(0)),
            ("a:65535", "a", Some(65535)),
            ("127.0.0.1:9001", "127.0.0.1", Some(9001)),
            ("[::1]", "[::1]", None),
            ("[2001:db8::1]:443", "[2001:db8::1]", Some(443)),
            ("[::ffff:1.2.3.4]:", "[::ffff:1.2.3.4]", None),
            ("a%2Db", "a%2Db", None),
            ("my_host", "my_host", None),
        ] {
            assert_eq!(
                Authority::parse(text),
                Ok(Authority { host, port }),
                "{text}"
            );
        }
        for (text, fault) in [
            ("", UrlFault::Host),
            (":80", UrlFault::Host),
            ("a b", UrlFault::Host),
            ("a/b", UrlFault::Host),
            ("a\\b", UrlFault::Host),
            ("a\r\nb", UrlFault::Host),
            ("a\0", UrlFault::Host),
            ("ä", UrlFault::Host),
            ("a%2", UrlFault::Host),
            ("a%zz", UrlFault::Host),
            ("[::1", UrlFault::Host),
            ("[]", UrlFault::Host),
            ("[a]", UrlFault::Host),
            ("[::1%eth0]", UrlFault::Host),
            ("[v1.a]", UrlFault::Host),
            ("[::1]a", UrlFault::Host),
            ("[::1]]", UrlFault::Host),
            ("a]", UrlFault::Host),
            ("user@a", UrlFault::UserInfo),
            ("a:65536", UrlFault::Port),
            ("a:+1", UrlFault::Port),
            ("a:-1", UrlFault::Port),
            ("a:8 0", UrlFault::Port),
            ("::1", UrlFault::Host),
            ("a:1:2", UrlFault::Port),
        ] {
            assert_eq!(Authority::parse(text), Err(fault), "{text}");
        }
    }
}
