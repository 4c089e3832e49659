//! `host [":" port]`, as it stands in a URL, in `Host` and in `Origin` (RFC 3986 §3.2).

use core::net::Ipv6Addr;

use super::octets::OctetSet;
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
        Self::parse_host_and_port(text).map_err(|fault| match text.contains('@') {
            true => UrlFault::UserInfo,
            false => fault,
        })
    }

    fn parse_host_and_port(text: &'a str) -> Result<Self, UrlFault> {
        let host_end = match text.starts_with('[') {
            true => text.find(']').and_then(|end| end.checked_add(1)),
            false => text
                .bytes()
                .position(|octet| octet == b':')
                .or(Some(text.len())),
        };
        let (host, rest) = host_end
            .and_then(|end| text.split_at_checked(end))
            .ok_or(UrlFault::Host)?;
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
    match text {
        "" => Ok(None),
        _ if !text.bytes().all(|octet| octet.is_ascii_digit()) => Err(UrlFault::Port),
        _ => text.parse().map(Some).map_err(|_| UrlFault::Port),
    }
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[') {
        Some(literal) => literal
            .strip_suffix(']')
            .is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()),
        None => is_registered_name(host.as_bytes()),
    }
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
    use super::*;

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
