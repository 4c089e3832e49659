//! A client's opening request, as the server sees it (RFC 6455 §4.1, §4.2.1).
//!
//! A [`Request`] is a view over the octets of a head that was checked. It holds a few offsets and no
//! table of fields: those are looked up when asked for.
//!
//! ```
//! use websocket_proto::handshake::Request;
//!
//! let request = Request::parse(
//!     b"GET /chat?room=42 HTTP/1.1\r\n\
//!     Host: server.example.com\r\n\
//!     Upgrade: websocket\r\n\
//!     Connection: Upgrade\r\n\
//!     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
//!     Sec-WebSocket-Protocol: chat, superchat\r\n\
//!     Sec-WebSocket-Version: 13\r\n\
//!     \r\n",
//! )
//! .unwrap();
//! assert_eq!(request.path(), "/chat");
//! assert_eq!(request.query(), Some("room=42"));
//! assert_eq!(request.host(), "server.example.com");
//! assert!(request.subprotocols().eq(["chat", "superchat"]));
//! ```

use core::{fmt, str};

use super::facts::{Facts, Offers, SEVERAL};
use super::head::{
    Fields, Single, check_lines, parse_fields, plain_fields, plain_line, split_line,
};
use super::known::{EXTENSIONS, HOST, ORIGIN};
use super::octets::{QUICK, offset_in, split_at_any};
use super::request_line::{RequestLine, Target};
use crate::error::RequestFault;

/// A checked opening request, or a checked plain HTTP request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    head: &'a [u8],
    marks: RequestMarks,
}

/// What parsing found out about a head, by which [`Request::trusted`] makes the view anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RequestMarks {
    /// Where the key stands; 0 in a plain request.
    key_at: u16,
    /// Where the first line begins that offers subprotocols; 0 where none does.
    offers_at: u16,
    /// Where the line of `Host` begins: there is one.
    host_at: u16,
    /// Where the line of `Origin` begins; 0 where there is none, [`SEVERAL`] where there are more.
    origin_at: u16,
}

impl<'a> Request<'a> {
    /// Parses and checks an opening request. `head` is exactly one head, up to and with its empty line,
    /// as [`HeadScanner`](super::HeadScanner) finds it.
    ///
    /// # Errors
    /// The first fault in this order, which doesn't depend on the order of the fields but for the first:
    ///
    /// 1. [`Malformed`](RequestFault::Malformed) or [`TooManyFields`](RequestFault::TooManyFields),
    ///    whichever comes first: RFC 9112 §2.2, §3, §5. [`HeadTooLarge`](RequestFault::HeadTooLarge) for
    ///    a head over 65 535 octets.
    /// 2. [`HttpVersion`](RequestFault::HttpVersion) (`PRI * HTTP/2.0` too), then
    ///    [`Method`](RequestFault::Method), then a target that is neither a path nor an http(s) URL,
    ///    which is malformed.
    /// 3. [`Host`](RequestFault::Host), then [`Body`](RequestFault::Body).
    /// 4. [`NotAnUpgrade`](RequestFault::NotAnUpgrade), then [`Connection`](RequestFault::Connection),
    ///    [`WebSocketVersion`](RequestFault::WebSocketVersion), [`Key`](RequestFault::Key) and
    ///    [`List`](RequestFault::List): RFC 6455 §4.2.1.
    pub fn parse(head: &'a [u8]) -> Result<Self, RequestFault> {
        let request = Self::parse_any(head)?;
        if request.is_upgrade() {
            Ok(request)
        } else {
            Err(RequestFault::NotAnUpgrade)
        }
    }

    /// Like [`parse`](Self::parse), but a plain HTTP request (GET or HEAD, with no `Upgrade` to
    /// `websocket`) passes, having [`is_upgrade`](Self::is_upgrade) say false. It can be rejected only,
    /// though with any status.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), without [`NotAnUpgrade`](RequestFault::NotAnUpgrade).
    pub fn parse_any(head: &'a [u8]) -> Result<Self, RequestFault> {
        if QUICK
            && let Some(request) = Self::find(head, u16::MAX)
            && request.head.len() == head.len()
        {
            return Ok(request);
        }
        check_lines(head)?;
        Self::parse_scanned(head)
    }

    /// The short way: a request that stands whole at the beginning of `octets`, has a head of at most `limit`
    /// octets, and is as one expects. `None` says nothing about the octets: a
    /// [`HeadScanner`](super::HeadScanner) and [`parse_scanned`](Self::parse_scanned) have to judge them.
    pub(crate) fn find(octets: &'a [u8], limit: u16) -> Option<Self> {
        let (line, lines) = plain_line(octets)?;
        let line = RequestLine::parse(line)?;
        let mut facts = Facts::default();
        let behind = plain_fields(lines, |lines| facts.add_plain(octets, lines))?;
        let head = octets.get(..octets.len().checked_sub(behind.len())?)?;
        if head.len() > usize::from(limit) {
            return None;
        }
        Self::judge(head, line, &facts).ok()
    }

    /// Like [`parse_any`](Self::parse_any), of a head that a [`HeadScanner`](super::HeadScanner) has
    /// delimited. It relies on what that has checked: httparse takes lone LFs and leading empty lines.
    // RFC 6455 §4.2.1-1
    pub(crate) fn parse_scanned(head: &'a [u8]) -> Result<Self, RequestFault> {
        if u16::try_from(head.len()).is_err() {
            return Err(RequestFault::HeadTooLarge);
        }
        let (line, lines) = split_line(head);
        let line = RequestLine::parse(line).ok_or(RequestFault::Malformed)?;
        let mut facts = Facts::default();
        parse_fields(lines, &mut |name, value| facts.add(head, name, value))?;
        Self::judge(head, line, &facts)
    }

    /// A head whose lines are legal.
    fn judge(
        head: &'a [u8],
        line: RequestLine<'a>,
        facts: &Facts<'a>,
    ) -> Result<Self, RequestFault> {
        let RequestLine {
            method,
            target,
            version,
        } = line;
        if version != [b'1', b'1'] {
            return Err(RequestFault::HttpVersion);
        }
        if method != b"GET" && (method != b"HEAD" || facts.upgrade) {
            return Err(RequestFault::Method);
        }
        if !Target::is_legal(target) {
            return Err(RequestFault::Malformed);
        }
        facts.check_http()?;
        let mut marks = RequestMarks {
            host_at: facts.host_at,
            origin_at: facts.origin_at,
            ..RequestMarks::default()
        };
        if facts.upgrade {
            let key = facts.check_upgrade(head)?;
            marks.key_at = offset_in(head, key).unwrap_or_default();
            marks.offers_at = facts.offers_at;
        }
        Ok(Self { head, marks })
    }

    /// Makes the view anew over the head that had these marks.
    pub(crate) const fn trusted(head: &'a [u8], marks: RequestMarks) -> Self {
        Self { head, marks }
    }

    /// What [`trusted`](Self::trusted) needs.
    pub(crate) const fn marks(&self) -> RequestMarks {
        self.marks
    }

    /// Whether this is a WebSocket request. If it isn't, it asks for no upgrade to `websocket`.
    #[must_use]
    pub const fn is_upgrade(&self) -> bool {
        self.marks.key_at != 0
    }

    /// The method: `GET`, or in a plain request also `HEAD`.
    #[must_use]
    pub fn method(&self) -> &'a str {
        self.word(0)
    }

    /// The request target as it was sent: a path with its query or, rarely, a whole URL (RFC 9112 §3.2).
    #[must_use]
    pub fn target(&self) -> &'a str {
        self.word(1)
    }

    /// The target's path, percent-encoded as it was sent; it begins with `/`.
    #[must_use]
    pub fn path(&self) -> &'a str {
        match split_at_any(self.resource(), b"?").0 {
            "" => "/",
            path => path,
        }
    }

    /// What stands behind the target's first `?`, percent-encoded as it was sent.
    #[must_use]
    pub fn query(&self) -> Option<&'a str> {
        split_at_any(self.resource(), b"?").1.get(1..)
    }

    /// The host, with its port if one was given: of `Host` or, where the target is a whole URL, of that
    /// (RFC 9112 §3.2.2). It is never empty and holds legal characters only.
    #[must_use]
    pub fn host(&self) -> &'a str {
        Target::parse(self.target())
            .and_then(|target| target.authority)
            .or_else(|| str::from_utf8(self.field_at(self.marks.host_at, HOST)?).ok())
            .unwrap_or_default()
    }

    /// The value of the first `Origin` line, unchecked. [`OriginPolicy`](super::OriginPolicy) judges it.
    #[must_use]
    pub fn origin(&self) -> Option<&'a [u8]> {
        match self.single_origin() {
            Single::Missing => None,
            Single::One(origin) => Some(origin),
            Single::Several => self.field(ORIGIN),
        }
    }

    /// The value of the `Origin` line, where there is one and no other.
    pub(super) fn single_origin(&self) -> Single<'a> {
        match self.marks.origin_at {
            0 => Single::Missing,
            SEVERAL => Single::Several,
            at => self
                .field_at(at, ORIGIN)
                .map_or(Single::Several, Single::One),
        }
    }

    /// The value of the first field line with this name, matched without case.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'a [u8]> {
        self.fields().named(name).next()
    }

    /// The value of the field whose line begins at the head's octet `at`.
    fn field_at(&self, at: u16, name: &str) -> Option<&'a [u8]> {
        Fields::from_line(self.head, at).named(name).next()
    }

    /// All field lines, in their order.
    #[must_use]
    pub fn fields(&self) -> Fields<'a> {
        Fields::of_head(self.head)
    }

    /// The value of each `Cookie` line, unparsed (RFC 6265 §4.2).
    pub fn cookies(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.fields().named("Cookie")
    }

    /// The subprotocols that the client offers, in its order of preference (RFC 6455 §11.3.4). They are
    /// tokens, none of them twice, over all lines of the field. A plain request offers none.
    pub fn subprotocols(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let offers = Offers::of(self.head, self.marks.offers_at);
        offers.filter_map(|name| str::from_utf8(name).ok())
    }

    /// The offered subprotocol of this name, as it stands in the head. Case matters.
    pub(super) fn offered(&self, name: &str) -> Option<&'a [u8]> {
        Offers::of(self.head, self.marks.offers_at).find(|offered| *offered == name.as_bytes())
    }

    /// The value of each `Sec-WebSocket-Extensions` line; its grammar was checked, unless the request
    /// is a plain one (RFC 6455 §9.1).
    pub fn extensions(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.fields().named(EXTENSIONS)
    }

    /// The value of `Sec-WebSocket-Key`, 24 characters, or `None` in a plain request.
    #[must_use]
    pub fn key(&self) -> Option<&'a [u8]> {
        let from = usize::from(self.marks.key_at);
        let key = self.head.get(from..from.saturating_add(24))?;
        self.is_upgrade().then_some(key)
    }

    /// The octets of the whole head, with its empty line.
    #[must_use]
    pub const fn octets(&self) -> &'a [u8] {
        self.head
    }

    /// Where the offered subprotocol of this name stands in the head: offset and length.
    pub(crate) fn subprotocol_range(&self, name: &str) -> Option<(u16, u16)> {
        let offered = self.offered(name)?;
        Some((offset_in(self.head, offered)?, length_of(name)))
    }

    /// One of the parts of the request line.
    fn word(&self, number: usize) -> &'a str {
        let word = self.head.split(|&octet| octet == b' ').nth(number);
        str::from_utf8(word.unwrap_or_default()).unwrap_or_default()
    }

    /// Path and query.
    fn resource(&self) -> &'a str {
        Target::parse(self.target()).map_or("/", |target| target.resource)
    }
}

impl fmt::Debug for Request<'_> {
    /// Shows no fields, as they hold cookies and credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method())
            .field("target", &self.target())
            .field("host", &self.host())
            .field("is_upgrade", &self.is_upgrade())
            .finish_non_exhaustive()
    }
}

/// A head is no longer than a `u16` can say, nor is a part of it.
fn length_of(part: impl AsRef<[u8]>) -> u16 {
    u16::try_from(part.as_ref().len()).unwrap_or(u16::MAX)
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::format;
    use std::string::{String, ToString as _};
    use std::vec::Vec;

    use super::*;
    use crate::handshake::MAX_SUBPROTOCOLS;

    const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    const LINES: [&str; 5] = [
        "Host: a\r\n",
        "Upgrade: websocket\r\n",
        "Connection: Upgrade\r\n",
        "Sec-WebSocket-Version: 13\r\n",
        KEY,
    ];

    /// A right request whose line number `at` is replaced; 5 adds one.
    fn with(at: usize, line: &str) -> String {
        let mut lines: Vec<_> = LINES.to_vec();
        lines.push("");
        lines[at] = line;
        format!("GET / HTTP/1.1\r\n{}\r\n", lines.concat())
    }

    fn starting(line: &str) -> String {
        with(5, "").replace("GET / HTTP/1.1", line)
    }

    fn fault(head: &str) -> Option<RequestFault> {
        Request::parse(head.as_bytes()).err()
    }

    #[track_caller]
    fn all(at: usize, fault_of_all: Option<RequestFault>, lines: &[&str]) {
        for line in lines {
            assert_eq!(fault(&with(at, line)), fault_of_all, "{line}");
        }
    }

    #[test]
    fn a_view_is_24_octets() {
        assert!(size_of::<Request<'_>>() <= 24);
        assert_eq!(size_of::<RequestMarks>(), 8);
    }

    #[test]
    fn what_a_request_says_can_be_read() {
        let head = with(
            5,
            "Origin: https://b\r\nCookie: c=d\r\nX: y\r\ncookie: e=f\r\nSec-WebSocket-Protocol: g, h\r\n\
             Sec-WebSocket-Extensions: i; j\r\nsec-websocket-protocol: k\r\nSec-WebSocket-Extensions: l\r\n",
        );
        let parsed = Request::parse(head.as_bytes()).unwrap();
        for request in [parsed, Request::trusted(head.as_bytes(), parsed.marks())] {
            assert!(request.is_upgrade());
            assert_eq!(
                (request.method(), request.target(), request.host()),
                ("GET", "/", "a")
            );
            assert_eq!(request.origin(), Some(&b"https://b"[..]));
            assert_eq!(request.field("x"), Some(&b"y"[..]));
            assert_eq!(request.field("z"), None);
            assert!(request.cookies().eq([b"c=d", b"e=f"]));
            assert!(request.subprotocols().eq(["g", "h", "k"]));
            assert!(request.extensions().eq([&b"i; j"[..], b"l"]));
            assert_eq!(request.key(), Some(&b"dGhlIHNhbXBsZSBub25jZQ=="[..]));
            assert_eq!(request.fields().count(), 13);
            assert_eq!(request.octets(), head.as_bytes());
            let (at, length) = request.subprotocol_range("k").unwrap();
            assert_eq!(&head[at.into()..][..length.into()], "k");
            assert_eq!(
                usize::from(at),
                head.find("k\r\nSec-WebSocket-Extensions: l").unwrap()
            );
            assert_eq!(request.subprotocol_range("i"), None);
        }
    }

    #[test]
    fn marks_of_another_head_do_no_harm() {
        let head = with(5, "Sec-WebSocket-Protocol: g\r\n");
        let marks = Request::parse(head.as_bytes()).unwrap().marks();
        for other in [&b""[..], b"\r\n\r\n", &[0xFF; 300], &head.as_bytes()[..150]] {
            let request = Request::trusted(other, marks);
            let _ = (
                request.method(),
                request.path(),
                request.query(),
                request.host(),
                request.key(),
            );
            assert!(request.subprotocols().count() <= other.len());
        }
    }

    // RFC 6455 §4.2.1-1
    #[test]
    fn rule_01_the_method_is_get_and_the_version_1_1() {
        assert_eq!(fault(&starting("GET / HTTP/1.1")), None);
        for (line, expected) in [
            ("POST / HTTP/1.1", RequestFault::Method),
            ("HEAD / HTTP/1.1", RequestFault::Method),
            ("get / HTTP/1.1", RequestFault::Method),
            ("GETS / HTTP/1.1", RequestFault::Method),
            ("CONNECT a:80 HTTP/1.1", RequestFault::Method),
            ("OPTIONS * HTTP/1.1", RequestFault::Method),
            ("GET / HTTP/1.0", RequestFault::HttpVersion),
            ("GET / HTTP/1.2", RequestFault::HttpVersion),
            ("GET / HTTP/0.9", RequestFault::HttpVersion),
            ("GET / HTTP/2.0", RequestFault::HttpVersion),
            ("POST / HTTP/1.0", RequestFault::HttpVersion),
            ("PRI * HTTP/2.0", RequestFault::HttpVersion),
            // The version and the method precede the target, whatever octets that has.
            ("GET /\u{e9} HTTP/1.0", RequestFault::HttpVersion),
            ("POST /\u{e9} HTTP/1.1", RequestFault::Method),
            ("GET /\u{e9} HTTP/1.1", RequestFault::Malformed),
            ("GET / HTTP/1.10", RequestFault::Malformed),
            ("GET / HTTP/11", RequestFault::Malformed),
            ("GET / HTTP/a.b", RequestFault::Malformed),
            ("GET / HTTPS/1.1", RequestFault::Malformed),
            ("GET / http/1.1", RequestFault::Malformed),
            ("GET /", RequestFault::Malformed),
        ] {
            assert_eq!(fault(&starting(line)), Some(expected), "{line}");
        }
        assert_eq!(
            fault("PRI * HTTP/2.0\r\n\r\n"),
            Some(RequestFault::HttpVersion)
        );
        let not_utf8 = |line: &[u8]| Request::parse(&[line, b"\r\nHost: a\r\n\r\n"].concat()).err();
        for (line, expected) in [
            (&b"GET /\xFF HTTP/1.0"[..], RequestFault::HttpVersion),
            (b"POST /\xFF HTTP/1.1", RequestFault::Method),
            (b"GET /\xFF HTTP/1.1", RequestFault::Malformed),
        ] {
            assert_eq!(not_utf8(line), Some(expected), "{line:x?}");
        }
    }

    #[test]
    fn rule_01_there_is_one_host_with_legal_characters() {
        all(
            0,
            None,
            &["Host: a.b:80\r\n", "HOST:[::1]:1\r\n", "host: 1.2.3.4\r\n"],
        );
        let illegal = [
            "",
            "Host: a\r\nHost: a\r\n",
            "Host: a\r\nhost: b\r\n",
            "Host:\r\n",
            "Host: a b\r\n",
            "Host: a, b\r\n",
            "Host: u@a\r\n",
            "Host: a/\r\n",
            "Host: a:65536\r\n",
            "Host: ä\r\n",
        ];
        all(0, Some(RequestFault::Host), &illegal);
    }

    #[test]
    fn rule_02_upgrade_and_connection_are_lists_of_tokens() {
        all(
            1,
            None,
            &[
                "Upgrade: WebSocket\r\n",
                "Upgrade: h2c\r\nupgrade: a, websocket\r\n",
            ],
        );
        let plain = [
            "",
            "Upgrade: websocketX\r\n",
            "Upgrade: \"websocket\"\r\n",
            "Upgrade: web socket\r\n",
            "Upgrade: websocket/13\r\n",
            "Upgrade: h2c\r\n",
        ];
        all(1, Some(RequestFault::NotAnUpgrade), &plain);
        let listing = [
            "Connection: upgrade\r\n",
            "Connection: keep-alive, Upgrade\r\n",
            "Connection: a\r\nConnection: b,UPGRADE\r\n",
        ];
        all(2, None, &listing);
        let other = [
            "",
            "Connection: upgradeX\r\n",
            "Connection: \"upgrade\"\r\n",
            "Connection: close\r\n",
        ];
        all(2, Some(RequestFault::Connection), &other);
    }

    // RFC 6455 §11.3.1-1
    #[test]
    fn rule_03_there_is_one_key_of_16_octets() {
        all(4, None, &["sec-websocket-key:AAAAAAAAAAAAAAAAAAAAAA==\r\n"]);
        let illegal = [
            "",
            &KEY.repeat(2),
            "Sec-WebSocket-Key:\r\n",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAA\r\n",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAA=\r\n",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAB==\r\n",
            "Sec-WebSocket-Key: AAAAAAAAAA AAAAAAAAAAA==\r\n",
            "Sec-WebSocket-Key: --------------------AA==\r\n",
        ];
        all(4, Some(RequestFault::Key), &illegal);
    }

    // RFC 6455 §11.3.5-1
    #[test]
    fn rule_04_the_version_is_13_alone() {
        all(3, None, &["Sec-WebSocket-Version:\t13 \r\n"]);
        let illegal = [
            "",
            "Sec-WebSocket-Version: 8\r\n",
            "Sec-WebSocket-Version: 14\r\n",
            "Sec-WebSocket-Version: 013\r\n",
            "Sec-WebSocket-Version: 13, 8\r\n",
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13\r\n",
            "Sec-WebSocket-Version:\r\n",
        ];
        all(3, Some(RequestFault::WebSocketVersion), &illegal);
    }

    // RFC 6455 §9.1-1
    #[test]
    fn rule_05_offers_may_stand_on_several_lines_and_follow_their_grammar() {
        let legal = [
            "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b, A\r\n",
            "Sec-WebSocket-Extensions: a; b=c\r\nSec-WebSocket-Extensions: a\r\n",
        ];
        all(5, None, &legal);
        let illegal = [
            "Sec-WebSocket-Protocol:\r\n",
            "Sec-WebSocket-Protocol: ,\r\n",
            "Sec-WebSocket-Protocol: a b\r\n",
            "Sec-WebSocket-Protocol: \"a\"\r\n",
            "Sec-WebSocket-Protocol: a, b, a\r\n",
            "Sec-WebSocket-Protocol: a\r\nX: y\r\nSec-WebSocket-Protocol: b, a\r\n",
            "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol:\r\n",
            "Sec-WebSocket-Extensions:\r\n",
            "Sec-WebSocket-Extensions: a;\r\n",
            "Sec-WebSocket-Extensions: a\r\nSec-WebSocket-Extensions: b c\r\n",
        ];
        all(5, Some(RequestFault::List), &illegal);
    }

    #[test]
    fn a_hundred_subprotocols_may_be_offered_and_one_more_may_not() {
        let offer = |count: usize| {
            let names: Vec<_> = (0..count).map(|number| number.to_string()).collect();
            with(
                5,
                &format!("Sec-WebSocket-Protocol: {}\r\n", names.join(",")),
            )
        };
        assert_eq!(fault(&offer(MAX_SUBPROTOCOLS)), None);
        assert_eq!(
            fault(&offer(MAX_SUBPROTOCOLS + 1)),
            Some(RequestFault::List)
        );
    }

    #[test]
    fn rule_08_a_body_is_refused() {
        all(
            5,
            None,
            &[
                "Content-Length: 0\r\n",
                "Content-Length: 0\r\nContent-Length: 0\r\n",
            ],
        );
        let bodies = [
            "Content-Length: 1\r\n",
            "Content-Length: 0\r\nContent-Length: 1\r\n",
            "Content-Length: 0, 0\r\n",
            "Content-Length: +0\r\n",
            "Content-Length:\r\n",
            "Transfer-Encoding: chunked\r\n",
            "transfer-encoding: identity\r\n",
            "Transfer-Encoding:\r\n",
        ];
        all(5, Some(RequestFault::Body), &bodies);
    }

    #[test]
    fn rule_09_a_hundred_fields_pass_and_one_more_fails() {
        assert_eq!(fault(&with(5, &"A: b\r\n".repeat(95))), None);
        assert_eq!(
            fault(&with(5, &"A: b\r\n".repeat(96))),
            Some(RequestFault::TooManyFields)
        );
        let other_version = with(5, &"A: b\r\n".repeat(96)).replace("HTTP/1.1", "HTTP/2.0");
        assert_eq!(fault(&other_version), Some(RequestFault::TooManyFields));
    }

    #[test]
    fn rule_09_a_head_of_65535_octets_passes_and_one_more_fails() {
        let long = |length: usize| {
            let rest = with(5, "").len();
            starting(&format!("GET /{} HTTP/1.1", "x".repeat(length - rest)))
        };
        let head = long(65_535);
        assert_eq!(head.len(), 65_535);
        assert_eq!(
            Request::parse(head.as_bytes()).unwrap().path().len(),
            head.len() - with(5, "").len() + 1
        );
        assert_eq!(fault(&long(65_536)), Some(RequestFault::HeadTooLarge));
    }

    // RFC 6455 §4.2.1-1
    #[test]
    fn rule_10_what_is_not_strict_is_malformed() {
        let lines = [
            "A : b\r\n",
            "A\t: b\r\n",
            " A: b\r\n",
            "A: b\r\n c\r\n",
            "A: b\r\n\tc\r\n",
            "A:\r\n b\r\n",
            ": b\r\n",
            "A\r\n",
            "A b: c\r\n",
            "Ä: b\r\n",
            "A(: b\r\n",
            "A: b\n",
            "A: b\rC: d\r\n",
            "A: \0\r\n",
            "A: \x7f\r\n",
            "A: \x1f\r\n",
            "A: b\r\n\n",
        ];
        all(5, Some(RequestFault::Malformed), &lines);
        all(0, Some(RequestFault::Malformed), &[" Host: a\r\n"]);
        all(
            5,
            None,
            &["A:b\tc\r\n", "A:\r\n", "!#$%&'*+-.^_`|~: \u{e4}\r\n"],
        );
        for line in [
            "\r\nGET / HTTP/1.1",
            "\nGET / HTTP/1.1",
            " GET / HTTP/1.1",
            "GET  / HTTP/1.1",
            "GET /  HTTP/1.1",
            "GET / HTTP/1.1 ",
            "GET\t/ HTTP/1.1",
            "GET / x HTTP/1.1",
            "GET  HTTP/1.1",
            "G(T / HTTP/1.1",
            " / HTTP/1.1",
            "GET /\0 HTTP/1.1",
            "GET / HTTP/1.1\r\n A: b",
        ] {
            assert_eq!(
                fault(&starting(line)),
                Some(RequestFault::Malformed),
                "{line}"
            );
        }
        let head = with(5, "");
        assert_eq!(
            fault(&head[..head.len() - 2]),
            Some(RequestFault::Malformed),
            "not finished"
        );
        assert_eq!(
            fault(&(head.clone() + "\r\n")),
            Some(RequestFault::Malformed),
            "more than a head"
        );
        assert_eq!(
            fault(&head.replace('\r', "")),
            Some(RequestFault::Malformed),
            "lone LFs"
        );
        assert_eq!(fault(""), Some(RequestFault::Malformed));
    }

    #[test]
    fn rule_10_a_malformed_field_comes_before_another_version() {
        for line in ["A : b\r\n", "A: b\r\n c\r\n"] {
            for version in ["HTTP/1.0", "HTTP/2.0"] {
                let head = with(5, line).replace("HTTP/1.1", version);
                assert_eq!(fault(&head), Some(RequestFault::Malformed), "{head}");
            }
        }
    }

    #[test]
    fn a_target_is_a_path_or_a_url() {
        for (target, path, query, host) in [
            ("/", "/", None, "a"),
            ("/b/c?d?e", "/b/c", Some("d?e"), "a"),
            ("/?", "/", Some(""), "a"),
            ("//b", "//b", None, "a"),
            ("http://b", "/", None, "b"),
            ("http://b:8/", "/", None, "b:8"),
            ("HTTPS://b?c/d", "/", Some("c/d"), "b"),
            ("http://[::1]/c?d", "/c", Some("d"), "[::1]"),
        ] {
            let head = starting(&format!("GET {target} HTTP/1.1"));
            let request = Request::parse(head.as_bytes()).unwrap();
            assert_eq!(request.target(), target);
            assert_eq!(
                (request.path(), request.query(), request.host()),
                (path, query, host),
                "{target}"
            );
        }
        for target in [
            "*",
            "a",
            "a:80",
            "?a",
            "/a#b",
            "#",
            "ftp://a/",
            "http://",
            "http:///",
            "http://u@a/",
            "/\u{e4}",
        ] {
            let head = starting(&format!("GET {target} HTTP/1.1"));
            assert_eq!(fault(&head), Some(RequestFault::Malformed), "{target}");
        }
    }

    #[test]
    fn a_plain_request_passes_where_it_is_asked_for() {
        for method in ["GET", "HEAD"] {
            let head = format!(
                "{method} /health HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Protocol: x y\r\n\r\n"
            );
            assert_eq!(fault(&head), Some(RequestFault::NotAnUpgrade));
            let request = Request::parse_any(head.as_bytes()).unwrap();
            assert!(!request.is_upgrade());
            assert_eq!(
                (request.method(), request.path(), request.key()),
                (method, "/health", None)
            );
            assert_eq!(request.subprotocols().count(), 0);
        }
        for (head, expected) in [
            ("POST / HTTP/1.1\r\nHost: a\r\n\r\n", RequestFault::Method),
            ("GET / HTTP/1.1\r\n\r\n", RequestFault::Host),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n",
                RequestFault::Body,
            ),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n",
                RequestFault::Connection,
            ),
        ] {
            assert_eq!(Request::parse_any(head.as_bytes()), Err(expected), "{head}");
        }
    }

    #[test]
    fn faults_are_reported_in_the_documented_order_whatever_the_order_of_fields() {
        // Each step mends the first fault of the head before it.
        let steps = [
            ("PUT * HTTP/1.1", "", RequestFault::Method),
            ("GET * HTTP/1.1", "", RequestFault::Malformed),
            ("GET / HTTP/1.1", "", RequestFault::Host),
            ("GET / HTTP/1.1", LINES[0], RequestFault::Body),
        ];
        for (line, host, expected) in steps {
            let head = format!(
                "{line}\r\nSec-WebSocket-Protocol: a, a\r\nContent-Length: 1\r\n{host}\r\n"
            );
            assert_eq!(fault(&head), Some(expected), "{head}");
        }
        let mut lines = Vec::from(["Sec-WebSocket-Protocol: a, a\r\n", LINES[0]]);
        for (line, expected) in [
            (LINES[1], RequestFault::NotAnUpgrade),
            (LINES[2], RequestFault::Connection),
            (LINES[3], RequestFault::WebSocketVersion),
            (LINES[4], RequestFault::Key),
            ("", RequestFault::List),
        ] {
            for _ in 0..lines.len() {
                lines.rotate_left(1);
                let head = format!("GET / HTTP/1.1\r\n{}\r\n", lines.concat());
                assert_eq!(fault(&head), Some(expected), "{head}");
            }
            lines.push(line);
        }
    }

    #[test]
    fn host_and_origin_are_found_on_whichever_lines_they_stand() {
        let lines = [
            "Host: a\r\n",
            "oRIGIN:\t b \r\n",
            "X-Origin: c\r\n",
            "Hosts: d\r\n",
        ];
        for turned in 0..lines.len() {
            let mut lines = lines;
            lines.rotate_left(turned);
            for second in ["", "Origin: e\r\n"] {
                let head = format!("GET / HTTP/1.1\r\n{}{second}\r\n", lines.concat());
                let request = Request::parse_any(head.as_bytes()).unwrap();
                assert_eq!(request.host(), "a");
                assert_eq!(request.origin(), Some(&b"b"[..]), "the first of them");
                let single = request.single_origin();
                assert_eq!(single == Single::Several, !second.is_empty(), "{head}");
            }
        }
        let head = starting("GET http://b/ HTTP/1.1");
        let request = Request::parse(head.as_bytes()).unwrap();
        assert_eq!((request.host(), request.origin()), ("b", None));
    }

    #[test]
    fn debugging_shows_no_cookies() {
        let head = with(5, "Cookie: secret\r\n");
        let text = format!("{:?}", Request::parse(head.as_bytes()).unwrap());
        assert!(
            text.contains("target") && !text.contains("secret"),
            "{text}"
        );
    }

    mod properties {
        use proptest::prelude::*;

        use super::*;
        use crate::handshake::key::is_key;
        use crate::handshake::{HeadScanner, is_token};

        proptest! {
            #[test]
            fn rule_12_no_octets_panic_whether_they_were_scanned_or_not(
                head in prop::collection::vec(any::<u8>(), 0..80),
                line in prop::collection::vec(prop::sample::select(&b"\r\n\r\n: ,;\"\\=aA\t\0\xff1"[..]), 0..40),
                at in 0..6usize,
            ) {
                let _ = Request::parse_any(&head);
                let _ = Request::parse_scanned(&head);
                let mut right = Vec::from(with(at, "#"));
                let place = right.iter().position(|&octet| octet == b'#').unwrap();
                right.splice(place..=place, line);
                let _ = Request::parse_scanned(&right);
                if let Ok(request) = Request::parse_any(&right) {
                    prop_assert!(request.fields().all(|(name, _)| is_token(name.as_bytes())));
                    prop_assert!(!request.host().is_empty());
                    prop_assert!(request.subprotocols().all(|name| is_token(name.as_bytes())));
                    prop_assert_eq!(request.is_upgrade(), request.key().is_some_and(is_key));
                }
            }

            #[test]
            fn the_short_way_finds_what_the_long_way_finds(
                line in prop::collection::vec(prop::sample::select(&b"\r\n: ,;=aA\t\0\x7f\xff1"[..]), 0..12),
                ends_line in any::<bool>(),
                at in 0..6usize,
                behind in prop::collection::vec(any::<u8>(), 0..20),
                limit in 100..300_u16,
            ) {
                let mut octets = Vec::from(with(at, "#"));
                let place = octets.iter().position(|&octet| octet == b'#').unwrap();
                octets.splice(place..=place, line.iter().chain(ends_line.then_some(b"\r\n").into_iter().flatten()).copied());
                octets.extend(behind);
                let scanned = HeadScanner::default().scan(&octets, limit.into());
                let long = match scanned {
                    Ok(Some(length)) => Request::parse_scanned(&octets[..length]).ok(),
                    _ => None,
                };
                match (Request::find(&octets, limit), long) {
                    // A tab is legal, but seldom.
                    (None, Some(long)) => prop_assert!(long.head.contains(&b'\t')),
                    (short, long) => prop_assert_eq!(short, long),
                }
            }

            #[test]
            fn rule_12_the_fields_that_were_checked_are_the_fields_that_are_shown(
                names in prop::collection::vec("[!-9;-~]{1,8}", 0..6),
                value in "[ -~\t]{0,12}",
            ) {
                let lines: String = names.iter().map(|name| format!("{name}:{value}\r\n")).collect();
                let head = format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
                let mut storage = [httparse::EMPTY_HEADER; 10];
                let mut reference = httparse::Request::new(&mut storage);
                let legal = reference.parse(head.as_bytes()).is_ok();
                if let Ok(request) = Request::parse_any(head.as_bytes()) {
                    prop_assert!(legal);
                    let expected: Vec<_> = reference.headers.iter().map(|field| (field.name, field.value)).collect();
                    prop_assert_eq!(request.fields().collect::<Vec<_>>(), expected);
                    prop_assert_eq!(Some(request.host().as_bytes()), request.field("host"));
                    prop_assert_eq!(request.origin(), request.field("origin"));
                }
            }
        }
    }

    #[test]
    fn rule_09_a_head_of_as_many_octets_as_the_limit_goes_the_short_way() {
        let head = with(5, "");
        let whole = [head.as_bytes(), b"what follows"].concat();
        let limit = u16::try_from(head.len()).unwrap();
        let found = Request::find(&whole, limit).map(|request| request.octets().len());
        assert_eq!(found, QUICK.then_some(head.len()));
        assert!(Request::find(&whole, limit - 1).is_none(), "one too many");
    }
}
