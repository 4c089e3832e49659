//! The client's opening request (RFC 6455 §4.1).
//!
//! ```
//! use websocket_proto::handshake::{ClientRequest, Url};
//!
//! let url = Url::parse("ws://server.example.com/chat").unwrap();
//! // In earnest 16 octets from the system's entropy, fresh for each connection.
//! let request = ClientRequest::from_url(&url, *b"the sample nonce").with_subprotocols(&["chat"]);
//! let mut octets = Vec::new();
//! request.emit(&mut |piece| octets.extend_from_slice(piece)).unwrap();
//! assert_eq!(
//!     str::from_utf8(&octets).unwrap(),
//!     "GET /chat HTTP/1.1\r\n\
//!     Host: server.example.com\r\n\
//!     Upgrade: websocket\r\n\
//!     Connection: Upgrade\r\n\
//!     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
//!     Sec-WebSocket-Version: 13\r\n\
//!     Sec-WebSocket-Protocol: chat\r\n\
//!     \r\n"
//! );
//! ```

use core::fmt;

use super::DeflateChoice;
use super::authority::Authority;
use super::emit::{Put, check_fields, count, is_value, put_fields, put_number};
use super::key::encode_nonce;
use super::token::is_token;
use super::url::Url;
use crate::error::Misuse;

/// The request that opens a connection. It is checked as a whole before the first octet of it is
/// written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ClientRequest<'a> {
    host: &'a str,
    /// The port, where `host` doesn't hold it.
    port: Option<u16>,
    /// What stands before the target: `/` where a URL has no path.
    slash: &'static str,
    target: &'a str,
    nonce: [u8; 16],
    subprotocols: &'a [&'a str],
    origin: Option<&'a str>,
    deflate: Option<DeflateChoice>,
    fields: &'a [(&'a str, &'a str)],
}

impl<'a> ClientRequest<'a> {
    /// A request for `target` (a path that begins with `/`, and a query) at `host`, which is the value
    /// of `Host`: with the port unless it is the scheme's own, an IPv6 address in brackets.
    ///
    /// `nonce` has to be 16 fresh and unpredictable octets for each connection (RFC 6455 §4.1).
    #[must_use]
    pub const fn new(host: &'a str, target: &'a str, nonce: [u8; 16]) -> Self {
        Self {
            host,
            port: None,
            slash: "",
            target,
            nonce,
            subprotocols: &[],
            origin: None,
            deflate: None,
            fields: &[],
        }
    }

    /// A request for what the URL names. See [`new`](Self::new) for `nonce`.
    #[must_use]
    pub fn from_url(url: &Url<'a>, nonce: [u8; 16]) -> Self {
        let (slash, target) = url.target_parts();
        Self {
            port: url.explicit_port(),
            slash,
            ..Self::new(url.bracketed_host(), target, nonce)
        }
    }

    /// Offers subprotocols, in order of preference.
    #[must_use]
    pub const fn with_subprotocols(mut self, names: &'a [&'a str]) -> Self {
        self.subprotocols = names;
        self
    }

    /// Adds `Origin`, as a browser does.
    #[must_use]
    pub const fn with_origin(mut self, origin: &'a str) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Offers to compress messages (RFC 7692).
    #[cfg(any(feature = "deflate", feature = "inflate"))]
    #[must_use]
    pub const fn with_deflate(mut self, config: super::DeflateConfig) -> Self {
        self.deflate = Some(config);
        self
    }

    /// Adds fields, each a name and a value (`Authorization`, `Cookie`, `User-Agent`).
    #[must_use]
    pub const fn with_fields(mut self, fields: &'a [(&'a str, &'a str)]) -> Self {
        self.fields = fields;
        self
    }

    /// Checks the request, and returns how many octets [`emit`](Self::emit) will put.
    ///
    /// # Errors
    /// - [`Misuse::Host`]: empty, or with characters that have no place in a host or its port.
    /// - [`Misuse::Target`]: not beginning with `/`, or with a fragment, space, control or non-ASCII
    ///   character.
    /// - [`Misuse::Subprotocol`]: no token, or one twice (RFC 6455 §4.1).
    /// - [`Misuse::Field`]: a name that is no token or that the handshake owns (`Host`, `Connection`,
    ///   `Upgrade`, `Sec-WebSocket-*`, `Content-Length`, `Transfer-Encoding`, and `Origin` if it was
    ///   given apart), or a value, `Origin`'s too, with a control character.
    pub fn check(&self) -> Result<usize, Misuse> {
        Authority::parse(self.host).map_err(|_| Misuse::Host)?;
        // RFC 6455 §3-2, §4.1-16
        let legal = |octet: u8| octet.is_ascii_graphic() && octet != b'#';
        let rooted = self.slash == "/" || self.target.starts_with('/');
        if !rooted || !self.target.bytes().all(legal) {
            return Err(Misuse::Target);
        }
        // RFC 6455 §4.1-24, §4.1-25
        if !are_distinct_tokens(self.subprotocols) {
            return Err(Misuse::Subprotocol);
        }
        let owned: &[&str] = match self.origin {
            Some(origin) if !is_value(origin) => return Err(Misuse::Field),
            Some(_) => &["Host", "Origin"],
            None => &["Host"],
        };
        check_fields(self.fields, owned)?;
        Ok(count(|put| self.put(put)))
    }

    /// Puts the octets of the request, piece by piece.
    ///
    /// # Errors
    /// As [`check`](Self::check), and then nothing was put.
    pub fn emit(&self, put: &mut dyn FnMut(&[u8])) -> Result<(), Misuse> {
        self.check()?;
        self.put(put);
        Ok(())
    }

    pub(super) const fn nonce(&self) -> [u8; 16] {
        self.nonce
    }

    pub(super) const fn subprotocols(&self) -> &'a [&'a str] {
        self.subprotocols
    }

    pub(super) const fn deflate(&self) -> Option<DeflateChoice> {
        self.deflate
    }

    // RFC 6455 §4.1-14, §4.1-15, §4.1-17, §4.1-18, §4.1-19, §4.1-20, §4.1-23
    fn put(&self, put: Put<'_>) {
        put(b"GET ");
        put(self.slash.as_bytes());
        put(self.target.as_bytes());
        put(b" HTTP/1.1\r\nHost: ");
        put(self.host.as_bytes());
        if let Some(port) = self.port {
            put(b":");
            put_number(u64::from(port), put);
        }
        put(b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ");
        put(&encode_nonce(self.nonce));
        put(b"\r\nSec-WebSocket-Version: 13\r\n");
        if let Some((first, others)) = self.subprotocols.split_first() {
            put(b"Sec-WebSocket-Protocol: ");
            put(first.as_bytes());
            for name in others {
                put(b", ");
                put(name.as_bytes());
            }
            put(b"\r\n");
        }
        if let Some(deflate) = &self.deflate {
            put(b"Sec-WebSocket-Extensions: ");
            deflate.emit_offer(put);
            put(b"\r\n");
        }
        if let Some(origin) = self.origin {
            put_fields(&[("Origin", origin)], put);
        }
        put_fields(self.fields, put);
        put(b"\r\n");
    }
}

fn are_distinct_tokens(names: &[&str]) -> bool {
    let mut rest = names;
    while let [name, others @ ..] = rest {
        if !is_token(name.as_bytes()) || others.contains(name) {
            return false;
        }
        rest = others;
    }
    true
}

impl fmt::Debug for ClientRequest<'_> {
    /// Shows neither the nonce nor the fields, as those hold cookies and credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientRequest")
            .field("host", &self.host)
            .field("target", &self.target)
            .field("subprotocols", &self.subprotocols)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::format;
    use std::string::String;

    use super::super::request::Request;
    use super::*;

    fn written(request: &ClientRequest<'_>) -> Result<String, Misuse> {
        let mut text = String::new();
        let result = request.emit(&mut |piece| text.push_str(str::from_utf8(piece).unwrap()));
        assert_eq!(request.check(), result.map(|()| text.len()));
        assert!(
            result.is_ok() || text.is_empty(),
            "rule 52: nothing was written"
        );
        result.map(|()| text)
    }

    fn request<'a>() -> ClientRequest<'a> {
        ClientRequest::new("a", "/", [7; 16])
    }

    // RFC 6455 §4.1-13, §4.1-14, §4.1-15, §4.1-16, §4.1-17, §4.1-18, §4.1-19, §4.1-23
    #[test]
    fn our_own_server_accepts_our_request() {
        let text = written(
            &ClientRequest::new("[::1]:8080", "/a?b", [7; 16])
                .with_subprotocols(&["x", "y"])
                .with_origin("https://c")
                .with_fields(&[("Cookie", "d"), ("User-Agent", "e")]),
        )
        .unwrap();
        let parsed = Request::parse(text.as_bytes()).unwrap();
        assert_eq!((parsed.method(), parsed.target()), ("GET", "/a?b"));
        assert_eq!(parsed.host(), "[::1]:8080");
        assert!(parsed.subprotocols().eq(["x", "y"]));
        assert_eq!(parsed.origin(), Some(&b"https://c"[..]));
        assert!(parsed.cookies().eq([b"d"]));
        assert_eq!(parsed.field("user-agent"), Some(&b"e"[..]));
        assert_eq!(parsed.key(), Some(&encode_nonce([7; 16])[..]));
    }

    // RFC 6455 §4.1-16, §4.1-17
    #[test]
    fn a_url_becomes_target_and_host() {
        for (url, line, host) in [
            ("ws://a", "GET / HTTP/1.1", "a"),
            ("ws://a?b", "GET /?b HTTP/1.1", "a"),
            ("wss://a:443/b?c", "GET /b?c HTTP/1.1", "a"),
            ("ws://a:443/", "GET / HTTP/1.1", "a:443"),
            ("wss://[::1]:80/", "GET / HTTP/1.1", "[::1]:80"),
            ("ws://[::1]:80/", "GET / HTTP/1.1", "[::1]"),
        ] {
            let text =
                written(&ClientRequest::from_url(&Url::parse(url).unwrap(), [0; 16])).unwrap();
            let start = format!("{line}\r\nHost: {host}\r\n");
            assert!(text.starts_with(&start), "{url}: {text}");
        }
    }

    // RFC 6455 §3-2, §4.1-3
    #[test]
    fn rule_17_hosts_and_targets_that_would_change_the_request_are_refused() {
        for host in [
            "",
            "a b",
            "a\r\nX: y",
            "a\n",
            "a\0",
            "u@a",
            "a/b",
            "::1",
            "[::1",
            "a:x",
            "a:65536",
            "ä",
        ] {
            let request = ClientRequest::new(host, "/", [0; 16]);
            assert_eq!(written(&request), Err(Misuse::Host), "{host}");
        }
        for target in [
            "",
            "a",
            "*",
            "?a",
            "http://a/",
            "/ HTTP/1.1\r\nX: y",
            "/a b",
            "/\t",
            "/\0",
            "/\x7f",
            "/ä",
            "/a#b",
        ] {
            let request = ClientRequest::new("a", target, [0; 16]);
            assert_eq!(written(&request), Err(Misuse::Target), "{target}");
        }
    }

    // RFC 6455 §4.1-24, §4.1-25
    #[test]
    fn rule_16_subprotocols_are_tokens_without_duplicates() {
        assert!(written(&request().with_subprotocols(&["a", "A"])).is_ok());
        for names in [
            &["a", "b", "a"][..],
            &["a", "a"],
            &[""],
            &["a", "b c"],
            &["a,b"],
            &["a\r\n"],
            &["ä"],
        ] {
            assert_eq!(
                written(&request().with_subprotocols(names)),
                Err(Misuse::Subprotocol),
                "{names:?}"
            );
        }
        assert!(
            !written(&request())
                .unwrap()
                .contains("Sec-WebSocket-Protocol")
        );
    }

    #[test]
    fn rule_17_fields_that_the_handshake_owns_are_refused() {
        for field in [
            ("Host", "b"),
            ("upgrade", "x"),
            ("Connection", "x"),
            ("Sec-WebSocket-Key", "x"),
            ("sec-websocket-extensions", "x"),
            ("Content-Length", "1"),
            ("Transfer-Encoding", "chunked"),
            ("A", "b\r\nC: d"),
            ("A:", "b"),
        ] {
            assert_eq!(
                written(&request().with_fields(&[field])),
                Err(Misuse::Field),
                "{field:?}"
            );
        }
        let origin = [("Origin", "https://a")];
        assert!(written(&request().with_fields(&origin)).is_ok());
        assert_eq!(
            written(&request().with_fields(&origin).with_origin("x")),
            Err(Misuse::Field)
        );
        assert_eq!(
            written(&request().with_origin("x\r\nA: b")),
            Err(Misuse::Field)
        );
    }
}
