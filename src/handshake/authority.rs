//! `host [":" port]`, as it stands in a URL, in `Host` and in `Origin` (RFC 3986 §3.2).

use super::octets::{OctetSet, split_at_any};
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

/// RFC 3986 §3.2.3 lets the port be empty. `u16::from_str` alone would accept a sign.
fn parse_port(text: &str) -> Result<Option<u16>, UrlFault> {
    if text.is_empty() {
        return Ok(None);
    }
    let add = |port: u16, octet: u8| {
        let digit = octet.is_ascii_digit().then_some(octet & 0x0F)?;
        port.checked_mul(10)?.checked_add(digit.into())
    };
    let port = text.bytes().try_fold(0, add);
    port.map(Some).ok_or(UrlFault::Port)
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
fn is_ipv6(address: &[u8]) -> bool {
    let mut groups = 0_u8;
    let mut shortened = false;
    let mut rest = address;
    loop {
        // At the beginning of a group.
        match rest {
            [b':', b':', after @ ..] if groups == 0 && !shortened => {
                shortened = true;
                rest = after;
            }
            _ => {}
        }
        let digits = rest.iter().take_while(|octet| octet.is_ascii_hexdigit());
        let (group, after) = rest.split_at_checked(digits.count()).unwrap_or_default();
        if after.starts_with(b".") {
            groups = groups.saturating_add(2);
            return is_ipv4(rest) && complete(groups, shortened);
        }
        if group.is_empty() {
            return after.is_empty() && shortened && ends_shortened(address) && groups < 8;
        }
        groups = groups.saturating_add(1);
        rest = match after {
            _ if group.len() > 4 => return false,
            [] => return complete(groups, shortened),
            [b':', b':', after @ ..] if !shortened => {
                shortened = true;
                after
            }
            [b':', after @ ..] => after,
            _ => return false,
        };
    }
}

fn ends_shortened(address: &[u8]) -> bool {
    address.ends_with(b"::")
}

fn complete(groups: u8, shortened: bool) -> bool {
    if shortened { groups < 8 } else { groups == 8 }
}

/// `IPv4address` of RFC 3986 §3.2.2: four numbers up to 255, without leading zeros.
fn is_ipv4(address: &[u8]) -> bool {
    let mut numbers = 0_u8;
    for number in address.split(|&octet| octet == b'.') {
        let legal = match number {
            [digit] => digit.is_ascii_digit(),
            [b'1'..=b'9', digit] => digit.is_ascii_digit(),
            [b'1', a, b] => a.is_ascii_digit() && b.is_ascii_digit(),
            [b'2', b'0'..=b'4', digit] => digit.is_ascii_digit(),
            [b'2', b'5', b'0'..=b'5'] => true,
            _ => false,
        };
        if !legal {
            return false;
        }
        numbers = numbers.saturating_add(1);
    }
    numbers == 4
}

/// `unreserved` and `sub-delims` of RFC 3986 §2.
const NAME_OCTETS: OctetSet = OctetSet::alphanumeric_and(b"-._~!$&'()*+,;=");

/// `reg-name` of RFC 3986 §3.2.2, which covers IPv4 addresses, but not empty.
fn is_registered_name(name: &[u8]) -> bool {
    let mut rest = name;
    loop {
        rest = match rest {
            [] => return !name.is_empty(),
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                rest
            }
            [octet, rest @ ..] if NAME_OCTETS.contains(*octet) => rest,
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
