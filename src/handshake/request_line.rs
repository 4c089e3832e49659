//! The first line of a request, and the target in it (RFC 9112 §3).

use core::str;

use super::authority::Authority;
use super::octets::{is_same, split_at_any, split_scheme};
use super::token::is_token;

/// `GET /chat HTTP/1.1` (RFC 9112 §3), taken apart.
pub(super) struct RequestLine<'a> {
    /// A token.
    pub(super) method: &'a [u8],
    pub(super) target: &'a str,
    /// Two digits.
    pub(super) version: [u8; 2],
}

impl<'a> RequestLine<'a> {
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        let mut parts = line.split(|&octet| octet == b' ');
        let (method, target) = (parts.next()?, parts.next()?);
        let (&[b'H', b'T', b'T', b'P', b'/', major, b'.', minor], None) =
            (parts.next()?, parts.next())
        else {
            return None;
        };
        let legal = is_token(method)
            && !target.is_empty()
            && target.iter().all(|&octet| octet != b'\t')
            && major.is_ascii_digit()
            && minor.is_ascii_digit();
        legal.then_some(Self {
            method,
            target: str::from_utf8(target).ok()?,
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
    pub(super) fn parse(target: &'a str) -> Option<Self> {
        if !target
            .bytes()
            .all(|octet| octet.is_ascii_graphic() && octet != b'#')
        {
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
