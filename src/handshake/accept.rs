//! The server's two answers: [`Accept`] opens the connection, [`Rejection`] ends it (RFC 6455 §4.2.2).
//!
//! Both are checked as a whole before the first octet of them is written.
//!
//! ```
//! use websocket_proto::handshake::{Rejection, choose_subprotocol};
//!
//! let mut octets = Vec::new();
//! let login = Rejection::new(302).with_fields(&[("Location", "/login")]);
//! login.emit(&mut |piece| octets.extend_from_slice(piece)).unwrap();
//! assert_eq!(
//!     octets,
//!     b"HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\nLocation: /login\r\n\r\n"
//! );
//! ```

use super::emit::{Put, check_fields, count, put_fields, put_number};
use super::key::accept_key;
use super::request::Request;
use super::token::is_token;
use super::{ChosenAnswer, DeflateChoice};
use crate::error::{Misuse, RequestFault, Violation};

/// The server's choice among the subprotocols that the request offers: the first of `supported` that
/// is offered, or `None`. Case matters (RFC 6455 §4.2.2).
///
/// ```
/// use websocket_proto::handshake::{Accept, Request, choose_subprotocol};
///
/// fn answer<'a>(request: &Request<'a>) -> Accept<'a> {
///     match choose_subprotocol(request, &["graphql-transport-ws", "graphql-ws"]) {
///         Some(name) => Accept::new().with_subprotocol(name),
///         None => Accept::new(),
///     }
/// }
/// # let _ = answer;
/// ```
#[must_use]
pub fn choose_subprotocol<'s>(request: &Request<'_>, supported: &[&'s str]) -> Option<&'s str> {
    let offered = |name: &&&str| request.offered(name).is_some();
    supported.iter().find(offered).copied()
}

/// The answer that opens the connection: status 101, the proof that the key was understood, and what
/// the caller adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accept<'a> {
    subprotocol: Option<&'a str>,
    deflate: Option<DeflateChoice>,
    fields: &'a [(&'a str, &'a str)],
}

impl<'a> Accept<'a> {
    /// No subprotocol, no compression, no further fields.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            subprotocol: None,
            deflate: None,
            fields: &[],
        }
    }

    /// Chooses a subprotocol, which the request has to offer.
    #[must_use]
    pub const fn with_subprotocol(mut self, name: &'a str) -> Self {
        self.subprotocol = Some(name);
        self
    }

    /// The subprotocol that is chosen.
    #[must_use]
    pub const fn subprotocol(&self) -> Option<&'a str> {
        self.subprotocol
    }

    /// Agrees to compress messages where the request offers it in a way that can be honoured (RFC 7692).
    #[cfg(any(feature = "deflate", feature = "inflate"))]
    #[must_use]
    pub const fn with_deflate(mut self, config: super::DeflateConfig) -> Self {
        self.deflate = Some(config);
        self
    }

    /// How messages are to be compressed, where they are.
    #[cfg(any(feature = "deflate", feature = "inflate"))]
    #[must_use]
    pub const fn deflate(&self) -> Option<super::DeflateConfig> {
        self.deflate
    }

    pub(crate) const fn deflate_choice(&self) -> Option<DeflateChoice> {
        self.deflate
    }

    /// Adds fields, each a name and a value (`Set-Cookie`, for example).
    #[must_use]
    pub const fn with_fields(mut self, fields: &'a [(&'a str, &'a str)]) -> Self {
        self.fields = fields;
        self
    }

    /// Checks the answer to this request, and returns how many octets [`emit`](Self::emit) will put.
    ///
    /// # Errors
    /// - [`Misuse::NotAnUpgrade`]: the request is a plain one.
    /// - [`Misuse::Subprotocol`]: no token, or not offered (RFC 6455 §4.2.2).
    /// - [`Misuse::Field`]: a name that is no token or that the handshake owns (`Connection`, `Upgrade`,
    ///   `Sec-WebSocket-*`, `Content-Length`, `Transfer-Encoding`), or a value with a control character.
    pub fn check(&self, request: &Request<'_>) -> Result<usize, Misuse> {
        Ok(self.answer(request)?.len())
    }

    /// Puts the octets of the answer to this request, piece by piece.
    ///
    /// # Errors
    /// As [`check`](Self::check), and then nothing was put.
    pub fn emit(&self, request: &Request<'_>, put: &mut dyn FnMut(&[u8])) -> Result<(), Misuse> {
        self.answer(request)?.put(put);
        Ok(())
    }

    /// The answer to this request, checked: as [`check`](Self::check).
    pub(crate) fn answer<'r>(&'r self, request: &Request<'r>) -> Result<Answer<'r>, Misuse> {
        let key = request.key().ok_or(Misuse::NotAnUpgrade)?;
        // RFC 6455 §4.2.2-6
        if let Some(name) = self.subprotocol
            && (!is_token(name.as_bytes()) || request.offered(name).is_none())
        {
            return Err(Misuse::Subprotocol);
        }
        check_fields(self.fields, &[])?;
        Ok(Answer {
            accept: self,
            key,
            deflate: self
                .deflate
                .and_then(|deflate| deflate.answer(request.extensions())),
        })
    }
}

/// The answer to one request. It was checked.
pub(crate) struct Answer<'r> {
    accept: &'r Accept<'r>,
    key: &'r [u8],
    deflate: Option<ChosenAnswer>,
}

impl Answer<'_> {
    /// How many octets it has.
    pub(crate) fn len(&self) -> usize {
        count(|put| self.put_with(&[0; 28], put))
    }

    /// What it agrees upon as to compression.
    pub(crate) const fn deflate(&self) -> Option<ChosenAnswer> {
        self.deflate
    }

    pub(crate) fn put(&self, put: Put<'_>) {
        self.put_with(&accept_key(self.key), put);
    }

    // RFC 6455 §4.2.2-1, §4.2.2-7, §4.2.2-10
    fn put_with(&self, accept: &[u8; 28], put: Put<'_>) {
        put(b"HTTP/1.1 101 Switching Protocols\r\n\
            Upgrade: websocket\r\n\
            Connection: Upgrade\r\n\
            Sec-WebSocket-Accept: ");
        put(accept);
        put(b"\r\n");
        if let Some(name) = self.accept.subprotocol {
            put_fields(&[("Sec-WebSocket-Protocol", name)], put);
        }
        if let Some(deflate) = &self.deflate {
            put(b"Sec-WebSocket-Extensions: ");
            deflate.emit(put);
            put(b"\r\n");
        }
        put_fields(self.accept.fields, put);
        put(b"\r\n");
    }
}

/// The answer that refuses a request and ends the connection.
///
/// It carries `Connection: close` and a `Content-Length` (but where RFC 9110 §8.6 forbids that: 204,
/// 304). A 426 says what is spoken here: `Upgrade: websocket`, `Sec-WebSocket-Version: 13` (RFC 9110
/// §15.5.22, RFC 6455 §4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejection<'a> {
    status: u16,
    head_only: bool,
    fields: &'a [(&'a str, &'a str)],
    body: &'a [u8],
}

impl<'a> Rejection<'a> {
    /// A rejection with this status, from 200 to 599, without a body.
    #[must_use]
    pub const fn new(status: u16) -> Self {
        Self {
            status,
            head_only: false,
            fields: &[],
            body: &[],
        }
    }

    /// What is sent where a request has this fault: its status, and its reason as plain text.
    // RFC 6455 §4.2.2-4, §4.4-1
    #[must_use]
    pub const fn for_fault(fault: RequestFault) -> Self {
        let fields: &[(&str, &str)] = match fault {
            RequestFault::Method => &[PLAIN_TEXT, ("Allow", "GET")],
            _ => &[PLAIN_TEXT],
        };
        Self::new(fault.status())
            .with_fields(fields)
            .with_body(Violation::Request(fault).reason().as_bytes())
    }

    /// A rejection with this status and its name as plain text: 403 where an origin isn't allowed, 408
    /// where a request was not finished in time.
    #[must_use]
    pub const fn for_status(status: u16) -> Self {
        Self::new(status)
            .with_fields(&[PLAIN_TEXT])
            .with_body(reason_phrase(status).as_bytes())
    }

    /// Adds fields, each a name and a value.
    #[must_use]
    pub const fn with_fields(mut self, fields: &'a [(&'a str, &'a str)]) -> Self {
        self.fields = fields;
        self
    }

    /// Adds a body; `Content-Length` follows from it. Its type is for
    /// [`with_fields`](Self::with_fields) to say.
    #[must_use]
    pub const fn with_body(mut self, body: &'a [u8]) -> Self {
        self.body = body;
        self
    }

    /// Whether the body is left out and only its length said, as for a request with the method HEAD
    /// (RFC 9110 §9.3.2).
    #[must_use]
    pub const fn with_head_only(mut self, head_only: bool) -> Self {
        self.head_only = head_only;
        self
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Checks the answer, and returns how many octets [`emit`](Self::emit) will put.
    ///
    /// # Errors
    /// - [`Misuse::Status`]: not from 200 to 599, or one that forbids the body (204, 205, 304).
    /// - [`Misuse::Field`]: as for [`Accept::check`].
    pub fn check(&self) -> Result<usize, Misuse> {
        let forbids_body = matches!(self.status, 204 | 205 | 304);
        if !matches!(self.status, 200..=599) || forbids_body && !self.body.is_empty() {
            return Err(Misuse::Status);
        }
        check_fields(self.fields, &[])?;
        Ok(count(|put| self.put(put)))
    }

    /// Puts the octets of the answer, piece by piece.
    ///
    /// # Errors
    /// As [`check`](Self::check), and then nothing was put.
    pub fn emit(&self, put: &mut dyn FnMut(&[u8])) -> Result<(), Misuse> {
        self.check()?;
        self.put(put);
        Ok(())
    }

    fn put(&self, put: Put<'_>) {
        put(b"HTTP/1.1 ");
        put_number(u64::from(self.status), put);
        put(b" ");
        put(reason_phrase(self.status).as_bytes());
        put(match self.status {
            // Whoever sends `Upgrade` has to list it in `Connection` (RFC 9110 §7.8).
            426 => {
                b"\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            }
            _ => b"\r\nConnection: close\r\n",
        });
        if !matches!(self.status, 204 | 304) {
            put(b"Content-Length: ");
            put_number(u64::try_from(self.body.len()).unwrap_or(u64::MAX), put);
            put(b"\r\n");
        }
        put_fields(self.fields, put);
        put(b"\r\n");
        if !self.head_only {
            put(self.body);
        }
    }
}

const PLAIN_TEXT: (&str, &str) = ("Content-Type", "text/plain; charset=utf-8");

/// The name of a status (RFC 9110 §15), empty where it is seldom met in an answer to an upgrade.
const fn reason_phrase(status: u16) -> &'static str {
    let mut rest = REASON_PHRASES;
    while let [(known, phrase), others @ ..] = rest {
        if *known == status {
            return phrase;
        }
        rest = others;
    }
    ""
}

const REASON_PHRASES: &[(u16, &str)] = &[
    (200, "OK"),
    (204, "No Content"),
    (301, "Moved Permanently"),
    (302, "Found"),
    (303, "See Other"),
    (304, "Not Modified"),
    (307, "Temporary Redirect"),
    (308, "Permanent Redirect"),
    (400, "Bad Request"),
    (401, "Unauthorized"),
    (403, "Forbidden"),
    (404, "Not Found"),
    (405, "Method Not Allowed"),
    (406, "Not Acceptable"),
    (408, "Request Timeout"),
    (409, "Conflict"),
    (410, "Gone"),
    (414, "URI Too Long"),
    (421, "Misdirected Request"),
    (426, "Upgrade Required"),
    (429, "Too Many Requests"),
    (431, "Request Header Fields Too Large"),
    (500, "Internal Server Error"),
    (501, "Not Implemented"),
    (502, "Bad Gateway"),
    (503, "Service Unavailable"),
    (504, "Gateway Timeout"),
    (505, "HTTP Version Not Supported"),
];

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::string::String;

    use super::*;

    const OFFERS: &[u8] =
        b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Protocol: third\r\n\r\n";
    const PLAIN: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    fn accepted(accept: &Accept<'_>, head: &[u8]) -> Result<String, Misuse> {
        let request = Request::parse_any(head).unwrap();
        let mut text = String::new();
        let result = accept.emit(&request, &mut |piece| {
            text.push_str(str::from_utf8(piece).unwrap())
        });
        assert_eq!(accept.check(&request), result.map(|()| text.len()));
        assert!(
            result.is_ok() || text.is_empty(),
            "rule 52: nothing was written"
        );
        result.map(|()| text)
    }

    fn rejected(rejection: &Rejection<'_>) -> Result<String, Misuse> {
        let mut text = String::new();
        let result = rejection.emit(&mut |piece| text.push_str(str::from_utf8(piece).unwrap()));
        assert_eq!(rejection.check(), result.map(|()| text.len()));
        assert!(
            result.is_ok() || text.is_empty(),
            "rule 52: nothing was written"
        );
        result.map(|()| text)
    }

    // RFC 6455 §4.2.2-1, §4.2.2-7, §4.2.2-10
    #[test]
    fn rule_06_no_agreed_subprotocol_is_no_header() {
        assert_eq!(
            accepted(&Accept::new(), OFFERS).unwrap(),
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
        );
    }

    #[test]
    fn an_answer_carries_the_subprotocol_and_further_fields() {
        let accept = Accept::new()
            .with_subprotocol("superchat")
            .with_fields(&[("Set-Cookie", "a=b"), ("Server", "x")]);
        assert_eq!(accept.subprotocol(), Some("superchat"));
        assert_eq!(
            accepted(&accept, OFFERS).unwrap(),
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: superchat\r\n\
             Set-Cookie: a=b\r\nServer: x\r\n\r\n"
        );
    }

    // RFC 6455 §4.2.2-6
    #[test]
    fn rule_52_an_answer_that_does_not_fit_its_request_is_not_written() {
        assert!(accepted(&Accept::new().with_subprotocol("third"), OFFERS).is_ok());
        for name in [
            "other",
            "Chat",
            "",
            "chat, superchat",
            "chat\r\nX: y",
            "cha",
        ] {
            let accept = Accept::new().with_subprotocol(name);
            assert_eq!(
                accepted(&accept, OFFERS),
                Err(Misuse::Subprotocol),
                "{name}"
            );
        }
        assert_eq!(accepted(&Accept::new(), PLAIN), Err(Misuse::NotAnUpgrade));
    }

    // RFC 6455 §9.1-3, §9.1-4
    #[test]
    fn rule_17_fields_that_the_handshake_owns_are_refused_in_both_answers() {
        for field in [
            ("Upgrade", "x"),
            ("sec-websocket-accept", "x"),
            ("A", "b\r\nC: d"),
            ("A b", "c"),
        ] {
            let fields = [field];
            assert_eq!(
                accepted(&Accept::new().with_fields(&fields), OFFERS),
                Err(Misuse::Field)
            );
            assert_eq!(
                rejected(&Rejection::new(400).with_fields(&fields)),
                Err(Misuse::Field)
            );
        }
    }

    #[test]
    fn the_server_s_order_decides_which_subprotocol_is_chosen() {
        let request = Request::parse(OFFERS).unwrap();
        assert_eq!(
            choose_subprotocol(&request, &["x", "third", "chat"]),
            Some("third")
        );
        assert_eq!(choose_subprotocol(&request, &["Chat", "x"]), None);
        assert_eq!(choose_subprotocol(&request, &[]), None);
        let plain = Request::parse_any(PLAIN).unwrap();
        assert_eq!(choose_subprotocol(&plain, &["chat"]), None);
    }

    #[test]
    fn rule_08_a_rejection_closes_the_connection() {
        let rejection = Rejection::new(401)
            .with_fields(&[("WWW-Authenticate", "Basic")])
            .with_body(b"who are you?");
        let head = "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 12\r\n\
                    WWW-Authenticate: Basic\r\n\r\n";
        assert_eq!(
            rejected(&rejection).unwrap(),
            String::from(head) + "who are you?"
        );
        assert_eq!(rejected(&rejection.with_head_only(true)).unwrap(), head);
    }

    #[test]
    fn rule_04_a_426_says_what_is_spoken_here() {
        let expected = "HTTP/1.1 426 Upgrade Required\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n\
                        Sec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(rejected(&Rejection::new(426)).unwrap(), expected);
        for fault in [RequestFault::WebSocketVersion, RequestFault::NotAnUpgrade] {
            let text = rejected(&Rejection::for_fault(fault)).unwrap();
            assert!(text.contains("\r\nSec-WebSocket-Version: 13\r\n"), "{text}");
            assert!(text.contains("\r\nUpgrade: websocket\r\n"), "{text}");
        }
    }

    #[test]
    fn rule_08_each_fault_has_a_refusal_with_its_status_and_reason() {
        for (fault, line) in [
            (RequestFault::Malformed, "400 Bad Request"),
            (RequestFault::Host, "400 Bad Request"),
            (RequestFault::Body, "400 Bad Request"),
            (RequestFault::Connection, "400 Bad Request"),
            (RequestFault::Key, "400 Bad Request"),
            (RequestFault::List, "400 Bad Request"),
            (RequestFault::Method, "405 Method Not Allowed"),
            (RequestFault::RequestLineTooLong, "414 URI Too Long"),
            (RequestFault::NotAnUpgrade, "426 Upgrade Required"),
            (RequestFault::WebSocketVersion, "426 Upgrade Required"),
            (
                RequestFault::HeadTooLarge,
                "431 Request Header Fields Too Large",
            ),
            (
                RequestFault::TooManyFields,
                "431 Request Header Fields Too Large",
            ),
            (RequestFault::HttpVersion, "505 HTTP Version Not Supported"),
        ] {
            let text = rejected(&Rejection::for_fault(fault)).unwrap();
            let (first, _) = text.split_once("\r\n").unwrap();
            assert_eq!(first.strip_prefix("HTTP/1.1 "), Some(line));
            assert!(text.contains("\r\nConnection: close"), "{text}");
            assert!(text.ends_with(Violation::Request(fault).reason()), "{text}");
            assert_eq!(
                text.contains("\r\nAllow: GET\r\n"),
                fault == RequestFault::Method
            );
        }
        assert_eq!(Rejection::for_fault(RequestFault::Method).status(), 405);
        let text = rejected(&Rejection::for_status(408)).unwrap();
        assert!(
            text.starts_with("HTTP/1.1 408 Request Timeout\r\n"),
            "{text}"
        );
        assert!(
            text.contains("Content-Length: 15\r\n") && text.ends_with("\r\n\r\nRequest Timeout"),
            "{text}"
        );
    }

    #[test]
    fn rule_52_only_statuses_from_200_to_599_reject() {
        for status in [200, 299, 418, 599] {
            assert!(rejected(&Rejection::new(status)).is_ok(), "{status}");
        }
        for status in [0, 99, 100, 101, 199, 600, 1000, u16::MAX] {
            assert_eq!(
                rejected(&Rejection::new(status)),
                Err(Misuse::Status),
                "{status}"
            );
        }
        for status in [204, 205, 304] {
            assert!(rejected(&Rejection::new(status)).is_ok());
            assert_eq!(
                rejected(&Rejection::new(status).with_body(b"x")),
                Err(Misuse::Status)
            );
        }
        assert!(
            !rejected(&Rejection::new(204))
                .unwrap()
                .contains("Content-Length")
        );
        assert!(
            rejected(&Rejection::new(599))
                .unwrap()
                .starts_with("HTTP/1.1 599 \r\n")
        );
    }
}
