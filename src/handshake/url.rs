//! WebSocket URLs (RFC 6455 §3).
//!
//! ```
//! use websocket_proto::handshake::Url;
//!
//! let url = Url::parse("wss://example.com/chat?room=42").unwrap();
//! assert_eq!((url.host(), url.port()), ("example.com", 443));
//! assert!(url.is_secure());
//! assert_eq!(Url::parse("http://[::1]:80?a").unwrap().to_string(), "ws://[::1]/?a");
//! ```

use core::fmt;

use super::authority::Authority;
use super::octets::{is_same, split_at_any, split_scheme};
use crate::error::UrlFault;

/// A checked URL with the scheme ws or wss. It borrows the text that it was parsed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Url<'a> {
    secure: bool,
    /// An IPv6 address keeps its brackets.
    host: &'a str,
    port: u16,
    /// Path and query as they were given; empty, or beginning with `/` or `?`.
    resource: &'a str,
}

impl<'a> Url<'a> {
    /// Parses a URL. As in browsers, `http` stands for `ws` and `https` for `wss`.
    ///
    /// What is percent-encoded stays so. Nothing is encoded, resolved or left out.
    ///
    /// # Errors
    /// See [`UrlFault`]; RFC 6455 §3, RFC 3986 §3.2.
    // RFC 6455 §3-1, §4.1-2, §4.1-3
    pub fn parse(url: &'a str) -> Result<Self, UrlFault> {
        let (scheme, rest) = split_scheme(url).ok_or(UrlFault::Scheme)?;
        let is = |known: &str| is_same(scheme, known);
        let secure = match () {
            () if is("ws") || is("http") => false,
            () if is("wss") || is("https") => true,
            () => return Err(UrlFault::Scheme),
        };
        let (authority, resource) = split_at_any(rest, b"/?#");
        let authority = Authority::parse(authority)?;
        if resource.bytes().any(|octet| octet == b'#') {
            return Err(UrlFault::Fragment);
        }
        if !resource.bytes().all(|octet| octet.is_ascii_graphic()) {
            return Err(UrlFault::Target);
        }
        Ok(Self {
            secure,
            host: authority.host,
            port: authority.port.unwrap_or(default_port(secure)),
            resource,
        })
    }

    /// Whether the scheme is wss: TLS comes first.
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// The host to connect to, as it was given. An IPv6 address comes without its brackets.
    #[must_use]
    pub fn host(&self) -> &'a str {
        self.host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(self.host)
    }

    /// The port to connect to: 80, or 443 with TLS, where the URL names none.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The request target in two parts to be written one behind the other. The first is `/` where the
    /// URL has no path, else empty.
    #[must_use]
    pub fn target_parts(&self) -> (&'static str, &'a str) {
        let slash = if self.resource.starts_with('/') {
            ""
        } else {
            "/"
        };
        (slash, self.resource)
    }

    /// The host as it stands in `Host`, with brackets.
    pub(super) const fn bracketed_host(&self) -> &'a str {
        self.host
    }

    /// The port, unless it is the scheme's own.
    pub(super) fn explicit_port(&self) -> Option<u16> {
        (self.port != default_port(self.secure)).then_some(self.port)
    }
}

const fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

impl fmt::Display for Url<'_> {
    /// The URL in its normal form: scheme and host in lower case, no default port, a path.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;

        f.write_str(if self.secure { "wss://" } else { "ws://" })?;
        for character in self.host.chars() {
            f.write_char(character.to_ascii_lowercase())?;
        }
        if let Some(port) = self.explicit_port() {
            write!(f, ":{port}")?;
        }
        let (slash, resource) = self.target_parts();
        f.write_str(slash)?;
        f.write_str(resource)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 6455 §4.1-2
    #[test]
    fn rule_16_ws_and_wss_urls_and_what_maps_to_them() {
        for (url, secure, host, port, target) in [
            ("ws://a", false, "a", 80, ("/", "")),
            ("wss://a", true, "a", 443, ("/", "")),
            ("http://a/", false, "a", 80, ("", "/")),
            ("https://a/b?c", true, "a", 443, ("", "/b?c")),
            ("WSS://A.b:80", true, "A.b", 80, ("/", "")),
            ("ws://a:443?b", false, "a", 443, ("/", "?b")),
            ("ws://a:?", false, "a", 80, ("/", "?")),
            (
                "ws://[2001:db8::1]:9/%20//",
                false,
                "2001:db8::1",
                9,
                ("", "/%20//"),
            ),
            ("ws://a/b?c://d@e", false, "a", 80, ("", "/b?c://d@e")),
        ] {
            let parsed = Url::parse(url).unwrap();
            assert_eq!(parsed.is_secure(), secure, "{url}");
            assert_eq!((parsed.host(), parsed.port()), (host, port), "{url}");
            assert_eq!(parsed.target_parts(), target, "{url}");
        }
    }

    // RFC 6455 §3-1, §4.1-3
    #[test]
    fn rule_17_what_is_no_url_is_refused() {
        for (url, fault) in [
            ("", UrlFault::Scheme),
            ("a", UrlFault::Scheme),
            ("ws:a", UrlFault::Scheme),
            ("ftp://a", UrlFault::Scheme),
            (" ws://a", UrlFault::Scheme),
            ("wsss://a", UrlFault::Scheme),
            ("ws://", UrlFault::Host),
            ("ws:///b", UrlFault::Host),
            ("ws://a b/", UrlFault::Host),
            ("ws://a\r\nHost: b/", UrlFault::Host),
            ("ws://a\\b", UrlFault::Host),
            ("ws://ä/", UrlFault::Host),
            ("ws://[::1", UrlFault::Host),
            ("ws://[::g]", UrlFault::Host),
            ("ws://a:65536/", UrlFault::Port),
            ("ws://a:x/", UrlFault::Port),
            ("ws://u@a/", UrlFault::UserInfo),
            ("ws://u:p@a/", UrlFault::UserInfo),
            ("ws://@a/", UrlFault::UserInfo),
            ("ws://a#", UrlFault::Fragment),
            ("ws://a/#b", UrlFault::Fragment),
            ("ws://a/?b#c", UrlFault::Fragment),
            ("ws://a/b c", UrlFault::Target),
            ("ws://a/ä", UrlFault::Target),
            ("ws://a/\r\nX: y", UrlFault::Target),
            ("ws://a/\0", UrlFault::Target),
            ("ws://a/\x7f", UrlFault::Target),
            ("ws://a ", UrlFault::Host),
        ] {
            assert_eq!(Url::parse(url), Err(fault), "{url}");
        }
        assert!(Url::parse("ws://a:65535/").is_ok());
    }

    #[cfg(feature = "std")]
    mod properties {
        use proptest::prelude::*;
        use std::string::ToString as _;

        use super::*;

        #[test]
        fn a_url_is_written_back_in_its_normal_form() {
            for (url, normal) in [
                ("HTTP://EXAMPLE.com:80", "ws://example.com/"),
                ("https://a:443?B", "wss://a/?B"),
                ("wss://a:80/B", "wss://a:80/B"),
                ("ws://[2001:DB8::1]:", "ws://[2001:db8::1]/"),
            ] {
                assert_eq!(Url::parse(url).unwrap().to_string(), normal);
            }
        }

        proptest! {
            #[test]
            fn rule_12_any_text_can_be_parsed_and_a_url_that_exists_is_safe(
                url in prop_oneof![".*", "(ws|wss|http)://[a-zA-Z0-9.:@%\\[\\]_ \r\n-]{0,12}[/?#]?[ -~]{0,8}"],
            ) {
                if let Ok(parsed) = Url::parse(&url) {
                    let normal = parsed.to_string();
                    prop_assert!(normal.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'#'));
                    let again = Url::parse(&normal).unwrap();
                    prop_assert_eq!(again.to_string(), &*normal);
                    prop_assert_eq!(again.port(), parsed.port());
                    prop_assert_eq!(again.target_parts().1.trim_start_matches('/'), parsed.target_parts().1.trim_start_matches('/'));
                }
            }
        }
    }
}
