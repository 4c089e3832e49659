//! The first line of a request, and the target in it (RFC 9112 §3).

use core::str;

use super::authority::Authority;
use super::octets::{is_same, split_at_any, split_scheme};
use super::token::behind_token;

/// `GET /chat HTTP/1.1` (RFC 9112 §3), taken apart.
pub(super) struct RequestLine<'a> {
    /// A token.
    pub(super) method: &'a [u8],
    pub(super) target: &'a [u8],
    /// Two digits.
    pub(super) version: [u8; 2],
}

impl<'a> RequestLine<'a> {
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        let rest = behind_token(line);
        let method = line.get(..line.len().checked_sub(rest.len())?)?;
        let (target, version) = rest.strip_prefix(b" ")?.split_last_chunk::<9>()?;
        let &[b' ', b'H', b'T', b'T', b'P', b'/', major, b'.', minor] = version else {
            return None;
        };
        let legal = !method.is_empty()
            && !target.is_empty()
            && !target.iter().any(|octet| matches!(octet, b' ' | b'\t'))
            && major.is_ascii_digit()
            && minor.is_ascii_digit();
        legal.then_some(Self {
            method,
            target,
            version: [major, minor],
        })
    }
}

/// A target in origin-form or absolute-form (RFC 9112 §3.2.1, §3.2.2), taken apart.
pub(super) struct Target<'a> {
    pub(super) authority: Option<&'a str>,
    /// Path and query; empty where a URL ends behind its authority.
    pub(super) resource: &'a str,
}

impl<'a> Target<'a> {
    /// Whether this is a target in one of these forms.
    pub(super) fn is_legal(target: &[u8]) -> bool {
        match target {
            [b'/', resource @ ..] => are_uri_octets(resource),
            target => str::from_utf8(target).is_ok_and(|target| Target::parse(target).is_some()),
        }
    }

    pub(super) fn parse(target: &'a str) -> Option<Self> {
        if !are_uri_octets(target.as_bytes()) {
            return None;
        }
        if target.starts_with('/') {
            return Some(Self {
                authority: None,
                resource: target,
            });
        }
        let (scheme, rest) = split_scheme(target)?;
        if !is_same(scheme, "http") && !is_same(scheme, "https") {
            return None;
        }
        let (authority, resource) = split_at_any(rest, b"/?");
        Authority::parse(authority).ok()?;
        Some(Self {
            authority: Some(authority),
            resource,
        })
    }
}

/// Whether these octets may stand in a URI, in front of its fragment (RFC 3986 §2).
fn are_uri_octets(octets: &[u8]) -> bool {
    octets
        .iter()
        .all(|octet| octet.is_ascii_graphic() && *octet != b'#')
}
