//! Which web pages may open a connection (RFC 6455 §4.2.2, §10.2; RFC 6454).
//!
//! A browser sends cookies to any server that any page names. `Origin` says which page it was, and a
//! server that tells users by cookies has to look at it.
//!
//! ```
//! use websocket_proto::handshake::{OriginPolicy, Request};
//!
//! let request = Request::parse(
//!     b"GET / HTTP/1.1\r\n\
//!     Host: chat.example\r\n\
//!     Origin: https://evil.example\r\n\
//!     Upgrade: websocket\r\n\
//!     Connection: Upgrade\r\n\
//!     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
//!     Sec-WebSocket-Version: 13\r\n\
//!     \r\n",
//! )
//! .unwrap();
//! assert!(!OriginPolicy::SameHost.allows(&request));
//! assert!(!OriginPolicy::List(&["https://chat.example"]).allows(&request));
//! ```

use core::str;

use super::authority::Authority;
use super::head::Single;
use super::octets::{is_same, split_scheme};
use super::request::Request;

/// Which origins a server accepts.
///
/// A request without `Origin` comes from no browser and is allowed by all of them: it could have
/// claimed any origin. With `SameHost` and `List` several `Origin` lines, or one that is no origin, are
/// refused, and so is `null` unless it is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OriginPolicy<'a> {
    /// Any page, with the cookies of any user. Only for servers that take nothing from cookies.
    Any,
    /// Pages from the host and port that the request names. A `Host` without a port has the default
    /// port of the origin's scheme, http or https.
    SameHost,
    /// Pages from these origins, each as a browser writes it: `https://example.com`,
    /// `http://localhost:8080`, `null`. Without path, final slash or default port.
    List(&'a [&'a str]),
}

impl OriginPolicy<'_> {
    /// Whether the request may be accepted. If not, it deserves a 403.
    #[must_use]
    pub fn allows(&self, request: &Request<'_>) -> bool {
        if *self == Self::Any {
            return true;
        }
        let origin = match request.single_origin() {
            Single::Missing => return true,
            Single::One(value) => value,
            Single::Several => return false,
        };
        let Ok(origin) = str::from_utf8(origin) else {
            return false;
        };
        match self {
            Self::Any => true,
            Self::SameHost => {
                Origin::parse(origin).is_some_and(|origin| origin.is_host(request.host()))
            }
            Self::List(origins) => {
                // An origin is a scheme, a host and a port: there is nothing in which case matters.
                (origin == "null" || Origin::parse(origin).is_some())
                    && origins.iter().any(|listed| is_same(listed, origin))
            }
        }
    }
}

/// An origin in its serialised form (RFC 6454 §6.2).
struct Origin<'a> {
    scheme: &'a str,
    authority: Authority<'a>,
}

impl<'a> Origin<'a> {
    fn parse(origin: &'a str) -> Option<Self> {
        let (scheme, authority) = split_scheme(origin)?;
        let (first, rest) = scheme.as_bytes().split_first()?;
        let is_scheme = first.is_ascii_alphabetic()
            && rest
                .iter()
                .all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'-' | b'.'));
        let authority = Authority::parse(authority).ok()?;
        is_scheme.then_some(Self { scheme, authority })
    }

    fn default_port(&self) -> Option<u16> {
        match self.scheme {
            scheme if is_same(scheme, "http") => Some(80),
            scheme if is_same(scheme, "https") => Some(443),
            _ => None,
        }
    }

    /// Whether the page comes from the server of this name.
    fn is_host(&self, host: &str) -> bool {
        let (Some(default), Ok(host)) = (self.default_port(), Authority::parse(host)) else {
            return false;
        };
        is_same(self.authority.host, host.host)
            && self.authority.port.unwrap_or(default) == host.port.unwrap_or(default)
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::format;
    use std::string::String;

    use super::*;

    fn allows(policy: OriginPolicy<'_>, host: &str, origins: &[&str]) -> bool {
        let lines: String = origins
            .iter()
            .map(|origin| format!("Origin: {origin}\r\n"))
            .collect();
        let head = format!(
            "GET / HTTP/1.1\r\nHost: {host}\r\n{lines}Upgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        );
        policy.allows(&Request::parse(head.as_bytes()).unwrap())
    }

    #[test]
    fn rule_11_no_origin_is_no_browser_and_any_is_any() {
        for policy in [
            OriginPolicy::Any,
            OriginPolicy::SameHost,
            OriginPolicy::List(&[]),
        ] {
            assert!(allows(policy, "a", &[]));
        }
        assert!(allows(OriginPolicy::Any, "a", &["https://b"]));
        assert!(allows(OriginPolicy::Any, "a", &["https://b", "x"]));
    }

    #[test]
    fn rule_11_same_host_compares_host_and_port() {
        for (host, origin) in [
            ("good.example", "https://good.example"),
            ("good.example", "http://good.example"),
            ("Good.Example", "HTTPS://gOOD.example"),
            ("good.example:443", "https://good.example"),
            ("good.example", "https://good.example:443"),
            ("good.example:8080", "http://good.example:8080"),
            ("[::1]:3000", "http://[::1]:3000"),
        ] {
            assert!(
                allows(OriginPolicy::SameHost, host, &[origin]),
                "{host} {origin}"
            );
        }
        for (host, origin) in [
            ("good.example", "https://evil.example"),
            ("good.example", "https://good.example.evil.example"),
            ("good.example", "https://evil-good.example"),
            ("good.example", "https://good.example@evil.example"),
            ("good.example", "https://good.example@evil"),
            ("good.example", "https://evil@good.example"),
            ("good.example", "https://good.example:8443"),
            ("good.example:443", "http://good.example"),
            ("good.example:8443", "https://good.example"),
            ("good.example", "https://good.example/"),
            ("good.example", "https://good.example/a"),
            ("good.example", "//good.example"),
            ("good.example", "good.example"),
            ("good.example", "file://good.example"),
            ("good.example", "null"),
            ("null", "null"),
            ("good.example", ""),
            ("good.example", "https://"),
            ("good.example", "https://good.example, https://good.example"),
            ("good.example", "https://good.example https://evil.example"),
        ] {
            assert!(
                !allows(OriginPolicy::SameHost, host, &[origin]),
                "{host} {origin}"
            );
        }
    }

    #[test]
    fn rule_11_a_list_is_exact() {
        let list =
            OriginPolicy::List(&["https://good.example", "http://localhost:8080", "x.y", "*"]);
        for origin in [
            "https://good.example",
            "https://GOOD.example",
            "http://localhost:8080",
        ] {
            assert!(allows(list, "other", &[origin]), "{origin}");
        }
        for origin in [
            "http://good.example",
            "https://good.example:8443",
            "https://good.example.evil.example",
            "https://good.example@evil",
            "https://good.example@evil.example",
            "https://sub.good.example",
            "https://good.example/",
            "https://good.exampl",
            "http://localhost",
            "http://localhost:80800",
            "x.y",
            "*",
            "",
            "null",
        ] {
            assert!(!allows(list, "good.example", &[origin]), "{origin}");
        }
        assert!(allows(OriginPolicy::List(&["null"]), "a", &["null"]));
        for (origin, is_one) in [
            ("a+.-1://a", true),
            ("1a://a", false),
            ("a_b://a", false),
            ("://a", false),
        ] {
            assert_eq!(
                allows(OriginPolicy::List(&[origin]), "a", &[origin]),
                is_one,
                "{origin}"
            );
        }
    }

    #[test]
    fn rule_11_several_origins_are_refused() {
        let origins = ["https://a", "https://a"];
        assert!(!allows(OriginPolicy::SameHost, "a", &origins));
        assert!(!allows(OriginPolicy::List(&["https://a"]), "a", &origins));
    }
}
