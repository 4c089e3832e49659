//! A server's answer, as the client sees it (RFC 6455 §4.1).
//!
//! Whether it opens the connection is for [`Expected`](super::Expected) to say. Any other answer can
//! be read as well: status, fields and what came of its body.
//!
//! ```
//! use websocket_proto::handshake::Response;
//!
//! let response = Response::parse(
//!     b"HTTP/1.1 401 Unauthorized\r\n\
//!     WWW-Authenticate: Basic realm=\"chat\"\r\n\
//!     \r\n",
//! )
//! .unwrap();
//! assert_eq!(response.status(), 401);
//! assert_eq!(response.field("www-authenticate"), Some(&b"Basic realm=\"chat\""[..]));
//! ```

use core::{fmt, str};

use super::head::{Fields, MAX_FIELDS, check_lines, parse_fields, split_line};
use super::octets::decimal;
use super::token::is_token;
use crate::error::ResponseFault;

/// A parsed response, with the part of its body that is at hand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Response<'a> {
    head: &'a [u8],
    body: &'a [u8],
    status: u16,
}

impl<'a> Response<'a> {
    /// Parses a response. `head` is exactly one head, up to and with its empty line, as
    /// [`HeadScanner`](super::HeadScanner) finds it.
    ///
    /// The version is HTTP/1.1; a response that refuses may be HTTP/1.0. The space behind the status may
    /// be left out together with the reason phrase, as many servers do.
    ///
    /// # Errors
    /// [`Malformed`](ResponseFault::Malformed), [`TooManyFields`](ResponseFault::TooManyFields), or
    /// [`HeadTooLarge`](ResponseFault::HeadTooLarge) for a head over 65 535 octets: RFC 9112 §2.2, §4, §5.
    pub fn parse(head: &'a [u8]) -> Result<Self, ResponseFault> {
        check_lines(head)?;
        Self::parse_scanned(head)
    }

    /// Like [`parse`](Self::parse), of a head that a [`HeadScanner`](super::HeadScanner) has delimited.
    /// It relies on what that has checked: httparse takes lone LFs and leading empty lines.
    pub(crate) fn parse_scanned(head: &'a [u8]) -> Result<Self, ResponseFault> {
        if u16::try_from(head.len()).is_err() {
            return Err(ResponseFault::HeadTooLarge);
        }
        let (line, lines) = split_line(head);
        let (version, status) = parse_status_line(line).ok_or(ResponseFault::Malformed)?;
        parse_fields(lines, &mut [httparse::EMPTY_HEADER; MAX_FIELDS])?;
        match (version, status) {
            (b'1', _) | (b'0', ..=100 | 102..) => Ok(Self::trusted(head, status)),
            _ => Err(ResponseFault::Malformed),
        }
    }

    /// Makes the view anew over a head that was parsed before.
    pub(crate) const fn trusted(head: &'a [u8], status: u16) -> Self {
        Self {
            head,
            body: &[],
            status,
        }
    }

    /// The same response with what has arrived of its body.
    #[must_use]
    pub const fn with_body(mut self, body: &'a [u8]) -> Self {
        self.body = body;
        self
    }

    /// The status, three digits as they were sent; 101 where the server agrees.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The reason phrase, which may be empty and need not be UTF-8 (RFC 9112 §4).
    #[must_use]
    pub fn reason(&self) -> &'a [u8] {
        // `HTTP/1.1 101` is 12 octets, and one space follows unless the line ends there.
        let rest = self.head.get(12..).unwrap_or_default();
        let end = rest.iter().position(|&octet| octet == b'\r').unwrap_or(0);
        rest.get(1..end).unwrap_or_default()
    }

    /// The value of the first field line with this name, matched without case.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'a [u8]> {
        self.fields().named(name).next()
    }

    /// All field lines, in their order.
    #[must_use]
    pub fn fields(&self) -> Fields<'a> {
        Fields::of_head(self.head)
    }

    /// The subprotocol that the server chose, unchecked against what was offered (RFC 6455 §11.3.4).
    #[must_use]
    pub fn subprotocol(&self) -> Option<&'a str> {
        let value = self.field("Sec-WebSocket-Protocol")?;
        str::from_utf8(value)
            .ok()
            .filter(|name| is_token(name.as_bytes()))
    }

    /// The octets of the whole head, with its empty line.
    #[must_use]
    pub const fn octets(&self) -> &'a [u8] {
        self.head
    }

    /// What is at hand of the body, as it was sent: neither unchunked nor decoded.
    #[must_use]
    pub const fn body(&self) -> &'a [u8] {
        self.body
    }
}

/// The minor version and the status of `HTTP/1.1 101 Switching Protocols` (RFC 9112 §4).
fn parse_status_line(line: &[u8]) -> Option<(u8, u16)> {
    let (version, [b' ', digits @ ..]) = line.strip_prefix(b"HTTP/1.")?.split_first()? else {
        return None;
    };
    let (digits, [] | [b' ', ..]) = digits.split_first_chunk::<3>()? else {
        return None;
    };
    // Three digits always fit.
    Some((*version, u16::try_from(decimal(digits)?).ok()?))
}

impl fmt::Debug for Response<'_> {
    /// Shows no fields, as they hold cookies.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("body", &self.body.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_14_status_reason_fields_and_body_can_be_read() {
        let response =
            Response::parse(b"HTTP/1.1 503 Try later\r\nRetry-After: 5\r\nA: \xff\r\n\r\n")
                .unwrap()
                .with_body(b"busy");
        assert_eq!(response.status(), 503);
        assert_eq!(response.reason(), b"Try later");
        assert_eq!(response.field("retry-after"), Some(&b"5"[..]));
        assert_eq!(response.field("a"), Some(&b"\xff"[..]));
        assert_eq!(response.field("b"), None);
        assert_eq!(response.fields().count(), 2);
        assert_eq!(response.body(), b"busy");
        assert_eq!(response.subprotocol(), None);
    }

    #[test]
    fn a_reason_may_be_missing_empty_or_not_utf_8() {
        for (head, reason) in [
            (&b"HTTP/1.1 101\r\n\r\n"[..], &b""[..]),
            (b"HTTP/1.1 101 \r\n\r\n", b""),
            (b"HTTP/1.1 101 a b\r\n\r\n", b"a b"),
            (b"HTTP/1.1 101 \xe4\xff\r\n\r\n", b"\xe4\xff"),
        ] {
            assert_eq!(
                Response::parse(head).map(|response| response.reason()),
                Ok(reason)
            );
        }
    }

    #[test]
    fn http_1_0_may_refuse_but_not_agree() {
        assert_eq!(
            Response::parse(b"HTTP/1.0 404 x\r\n\r\n").unwrap().status(),
            404
        );
        assert_eq!(
            Response::parse(b"HTTP/1.0 101 x\r\n\r\n"),
            Err(ResponseFault::Malformed)
        );
    }

    #[test]
    fn rule_10_a_head_that_is_not_strict_is_malformed() {
        for head in [
            &b""[..],
            b"HTTP/1.1 101 x\r\n",
            b"HTTP/1.1 101 x\r\n\r\n\r\n",
            b"\r\nHTTP/1.1 101 x\r\n\r\n",
            b"HTTP/1.1 101 x\n\n",
            b"HTTP/1.1 101 x\nA: b\r\n\r\n",
            b"HTTP/1.1  101 x\r\n\r\n",
            b"HTTP/1.1 1010 x\r\n\r\n",
            b"HTTP/1.1 10 x\r\n\r\n",
            b"HTTP/1.1 1a1 x\r\n\r\n",
            b"HTTP/1.1\t101 x\r\n\r\n",
            b"HTTP/2.0 101 x\r\n\r\n",
            b"http/1.1 101 x\r\n\r\n",
            b"ICY 200 OK\r\n\r\n",
            b"HTTP/1.1 101 x\r\n A: b\r\n\r\n",
            b"HTTP/1.1 101 x\r\nA: b\r\n c\r\n\r\n",
            b"HTTP/1.1 101 x\r\nA : b\r\n\r\n",
            b"HTTP/1.1 101 x\r\nA\r\n\r\n",
            b"HTTP/1.1 101 x\r\n: b\r\n\r\n",
            b"HTTP/1.1 101 x\r\nA: \0\r\n\r\n",
            b"HTTP/1.1 101 x\r\nA: \r \r\n\r\n",
            b"HTTP/1.1 101 x\0\r\n\r\n",
        ] {
            assert_eq!(
                Response::parse(head),
                Err(ResponseFault::Malformed),
                "{head:?}"
            );
        }
    }

    #[cfg(feature = "std")]
    mod with_std {
        use proptest::prelude::*;
        use std::{format, vec::Vec};

        use super::*;

        #[test]
        fn rule_09_a_hundred_fields_pass_and_one_more_fails() {
            let head =
                |fields: usize| format!("HTTP/1.1 101 x\r\n{}\r\n", "A: b\r\n".repeat(fields));
            assert_eq!(
                Response::parse(head(100).as_bytes())
                    .unwrap()
                    .fields()
                    .count(),
                100
            );
            assert_eq!(
                Response::parse(head(101).as_bytes()),
                Err(ResponseFault::TooManyFields)
            );
        }

        #[test]
        fn a_head_of_65535_octets_passes_and_one_more_fails() {
            let head = |length: usize| format!("HTTP/1.1 101 {}\r\n\r\n", "x".repeat(length - 17));
            assert!(Response::parse(head(65_535).as_bytes()).is_ok());
            assert_eq!(
                Response::parse(head(65_536).as_bytes()),
                Err(ResponseFault::HeadTooLarge)
            );
        }

        proptest! {
            #[test]
            fn rule_12_no_octets_panic(
                line in prop::sample::select(&["", "HTTP/1.1 101 x\r\n", "HTTP/1.1 "][..]),
                rest in prop::collection::vec(prop::sample::select(&b"\r\n\r\n: ,aA\t\0\xff1"[..]), 0..40),
            ) {
                let mut head = Vec::from(line);
                head.extend_from_slice(&rest);
                if let Ok(response) = Response::parse(&head) {
                    let _ = response.reason();
                    response.fields().for_each(|(name, _)| assert!(is_token(name.as_bytes())));
                }
                head.extend_from_slice(b"\r\n\r\n");
                let _ = Response::parse(&head);
                let _ = Response::parse(&rest);
            }
        }
    }
}
