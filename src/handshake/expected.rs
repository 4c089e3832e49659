//! What a client has to find in the server's answer (RFC 6455 §4.1, from "Once the client's opening
//! handshake has been sent" on).
//!
//! ```
//! use websocket_proto::handshake::{ClientRequest, Expected, Response};
//!
//! let request = ClientRequest::new("example.com", "/chat", *b"the sample nonce");
//! let expected = Expected::new(&request).unwrap();
//! let response = Response::parse(
//!     b"HTTP/1.1 101 Switching Protocols\r\n\
//!     Upgrade: websocket\r\n\
//!     Connection: Upgrade\r\n\
//!     Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
//!     \r\n",
//! )
//! .unwrap();
//! let agreed = expected.verify(&response).unwrap();
//! assert_eq!(agreed.subprotocol(&response), None);
//! assert_eq!(agreed.deflate(), None);
//! ```

use super::client::ClientRequest;
use super::head::Single;
use super::key::{accept_key, encode_nonce};
use super::octets::{is_same, offset_in};
use super::response::Response;
use super::token::{ListElements, is_token, lists_token};
use super::{DeflateChoice, DeflateParameters};
use crate::error::{Misuse, ResponseFault};

/// What the answer to one request must say. It borrows nothing, so that it can wait for the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    nonce: [u8; 16],
    offered: Offered,
    deflate: Option<DeflateChoice>,
}

/// What the answer has agreed upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// Where the subprotocol stands in the head: offset and length.
    pub(crate) subprotocol: Option<(u16, u16)>,
    deflate: Option<DeflateParameters>,
}

impl Agreed {
    /// The subprotocol that the server chose (RFC 6455 §4.1), in the response that was verified.
    #[must_use]
    pub fn subprotocol<'a>(&self, response: &Response<'a>) -> Option<&'a str> {
        let (start, length) = self.subprotocol?;
        let (_, rest) = response.octets().split_at_checked(start.into())?;
        str::from_utf8(rest.get(..length.into())?).ok()
    }

    /// How messages are compressed, where they are (RFC 7692 §7.1).
    #[must_use]
    pub const fn deflate(&self) -> Option<DeflateParameters> {
        self.deflate
    }
}

impl Expected {
    /// What the answer to this request must say.
    ///
    /// Without the feature `alloc` the names of the subprotocols, with a comma between them, may take
    /// 120 octets.
    ///
    /// # Errors
    /// As [`ClientRequest::check`], and [`Misuse::Subprotocol`] where the names don't fit.
    pub fn new(request: &ClientRequest<'_>) -> Result<Self, Misuse> {
        request.check()?;
        Ok(Self {
            nonce: request.nonce(),
            offered: Offered::new(request.subprotocols())?,
            deflate: request.deflate(),
        })
    }

    /// How messages are to be compressed, where that was offered.
    pub(crate) const fn deflate(&self) -> Option<&DeflateChoice> {
        self.deflate.as_ref()
    }

    /// Checks the answer, and returns what it has agreed upon.
    ///
    /// # Errors
    /// The first of: [`Status`](ResponseFault::Status) (not 101), [`Upgrade`](ResponseFault::Upgrade),
    /// [`Connection`](ResponseFault::Connection), [`Accept`](ResponseFault::Accept),
    /// [`Extension`](ResponseFault::Extension), [`Deflate`](ResponseFault::Deflate),
    /// [`Subprotocol`](ResponseFault::Subprotocol); RFC 6455 §4.1.
    // RFC 6455 §4.1-27, §4.1-33
    pub fn verify(&self, response: &Response<'_>) -> Result<Agreed, ResponseFault> {
        if response.status() != 101 {
            return Err(ResponseFault::Status(response.status()));
        }
        let fields = || response.fields();
        // RFC 6455 §4.1-28
        let upgrade = fields().single("Upgrade").get();
        if !upgrade.is_some_and(|upgrade| is_same(upgrade, "websocket")) {
            return Err(ResponseFault::Upgrade);
        }
        // RFC 6455 §4.1-29
        if !lists_token(fields().named("Connection"), "upgrade") {
            return Err(ResponseFault::Connection);
        }
        let accept = accept_key(&encode_nonce(self.nonce));
        // RFC 6455 §4.1-30, §11.3.3-1
        if fields().single("Sec-WebSocket-Accept").get() != Some(&accept) {
            return Err(ResponseFault::Accept);
        }
        let chosen = || fields().named("Sec-WebSocket-Extensions");
        Ok(Agreed {
            // RFC 6455 §4.1-31
            deflate: match &self.deflate {
                Some(offer) => offer.verify(chosen())?,
                // Nothing is offered, so that nothing may be chosen.
                None if chosen().next().is_some() => return Err(ResponseFault::Extension),
                None => None,
            },
            subprotocol: self.verify_subprotocol(response)?,
        })
    }

    fn verify_subprotocol(
        &self,
        response: &Response<'_>,
    ) -> Result<Option<(u16, u16)>, ResponseFault> {
        // RFC 6455 §4.1-32, §11.3.4-1
        let name = match response.fields().single("Sec-WebSocket-Protocol") {
            Single::Missing => return Ok(None),
            Single::One(name) if self.offered.contains(name) => name,
            _ => return Err(ResponseFault::Subprotocol),
        };
        let range = offset_in(response.octets(), name).zip(u16::try_from(name.len()).ok());
        range.map(Some).ok_or(ResponseFault::Subprotocol)
    }
}

/// The subprotocols that were offered, with commas between them.
#[cfg(feature = "alloc")]
#[derive(Clone, Debug, PartialEq, Eq)]
struct Offered(Option<alloc::boxed::Box<str>>);

#[cfg(feature = "alloc")]
impl Offered {
    #[allow(clippy::unnecessary_wraps, reason = "without alloc it can fail")]
    fn new(names: &[&str]) -> Result<Self, Misuse> {
        Ok(Self((!names.is_empty()).then(|| names.join(",").into())))
    }

    fn joined(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }
}

/// The subprotocols that were offered, with commas between them.
#[cfg(not(feature = "alloc"))]
#[derive(Clone, Debug, PartialEq, Eq)]
struct Offered(arrayvec::ArrayString<120>);

#[cfg(not(feature = "alloc"))]
impl Offered {
    fn new(names: &[&str]) -> Result<Self, Misuse> {
        let mut joined = arrayvec::ArrayString::new();
        for name in names {
            let comma = if joined.is_empty() { "" } else { "," };
            joined
                .try_push_str(comma)
                .map_err(|_| Misuse::Subprotocol)?;
            joined.try_push_str(name).map_err(|_| Misuse::Subprotocol)?;
        }
        Ok(Self(joined))
    }

    fn joined(&self) -> &str {
        &self.0
    }
}

impl Offered {
    /// Whether this is one of the names. Case matters.
    fn contains(&self, name: &[u8]) -> bool {
        is_token(name) && ListElements::new(self.joined().as_bytes()).any(|offered| offered == name)
    }
}

#[cfg(all(test, any(feature = "std", not(feature = "alloc"))))]
mod tests {
    use super::*;

    #[cfg(not(feature = "alloc"))]
    #[test]
    fn without_alloc_the_names_of_120_octets_fit_and_one_more_does_not() {
        let long = str::from_utf8(&[b'x'; 118]).unwrap();
        let request = ClientRequest::new("a", "/", [0; 16]);
        assert!(Expected::new(&request.with_subprotocols(&["a", long])).is_ok());
        assert_eq!(
            Expected::new(&request.with_subprotocols(&["ab", long])),
            Err(Misuse::Subprotocol)
        );
    }

    #[cfg(feature = "std")]
    mod with_std {
        use std::format;
        use std::string::String;

        use super::*;

        const OFFER: &[&str] = &["chat", "superchat"];
        const START: &str = "HTTP/1.1 101 Switching Protocols\r\n";
        const UPGRADE: &str = "Upgrade: websocket\r\n";
        const CONNECTION: &str = "Connection: Upgrade\r\n";
        const ACCEPT: &str = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

        fn verified(offer: &[&str], head: &str) -> Result<Option<String>, ResponseFault> {
            let request =
                ClientRequest::new("a", "/", *b"the sample nonce").with_subprotocols(offer);
            let response = Response::parse(head.as_bytes()).unwrap();
            let agreed = Expected::new(&request).unwrap().verify(&response)?;
            let chosen = agreed.subprotocol(&response);
            assert_eq!(chosen, response.subprotocol());
            Ok(chosen.map(Into::into))
        }

        fn answer(fields: &[&str]) -> String {
            format!("{START}{}\r\n", fields.concat())
        }

        #[test]
        fn rule_14_a_right_answer_opens_the_connection() {
            assert_eq!(
                verified(&[], &answer(&[UPGRADE, CONNECTION, ACCEPT])),
                Ok(None)
            );
            assert_eq!(
                verified(OFFER, &answer(&[ACCEPT, CONNECTION, UPGRADE])),
                Ok(None)
            );
            let head = answer(&[
                "upgrade: WebSocket\r\n",
                "CONNECTION: keep-alive, upgrade\r\n",
                ACCEPT,
            ]);
            assert_eq!(verified(&[], &head), Ok(None));
        }

        #[test]
        fn rule_14_any_other_status_is_reported() {
            for status in [100, 103, 200, 302, 401, 426, 500] {
                let head =
                    answer(&[UPGRADE, CONNECTION, ACCEPT]).replace("101", &format!("{status}"));
                assert_eq!(verified(&[], &head), Err(ResponseFault::Status(status)));
            }
        }

        // RFC 6455 §4.1-27, §4.1-28, §4.1-29, §4.1-30, §4.1-33, §11.3.3-1
        #[test]
        fn rule_14_each_field_is_needed_once_and_right() {
            let lowercase = ACCEPT.replace("s3pP", "S3Pp");
            let longer = ACCEPT.replace("=\r\n", "=,\r\n");
            for (fields, fault) in [
                (&[CONNECTION, ACCEPT][..], ResponseFault::Upgrade),
                (
                    &[UPGRADE, UPGRADE, CONNECTION, ACCEPT],
                    ResponseFault::Upgrade,
                ),
                (
                    &["Upgrade: websocket, h2c\r\n", CONNECTION, ACCEPT],
                    ResponseFault::Upgrade,
                ),
                (
                    &["Upgrade: websocketX\r\n", CONNECTION, ACCEPT],
                    ResponseFault::Upgrade,
                ),
                (
                    &["Upgrade:\r\n", CONNECTION, ACCEPT],
                    ResponseFault::Upgrade,
                ),
                (&[UPGRADE, ACCEPT], ResponseFault::Connection),
                (
                    &[UPGRADE, "Connection: upgradeX\r\n", ACCEPT],
                    ResponseFault::Connection,
                ),
                (
                    &[UPGRADE, "Connection: close\r\n", ACCEPT],
                    ResponseFault::Connection,
                ),
                (&[UPGRADE, CONNECTION], ResponseFault::Accept),
                (
                    &[UPGRADE, CONNECTION, ACCEPT, ACCEPT],
                    ResponseFault::Accept,
                ),
                (&[UPGRADE, CONNECTION, &lowercase], ResponseFault::Accept),
                (&[UPGRADE, CONNECTION, &longer], ResponseFault::Accept),
                (
                    &[UPGRADE, CONNECTION, "Sec-WebSocket-Accept:\r\n"],
                    ResponseFault::Accept,
                ),
            ] {
                assert_eq!(verified(&[], &answer(fields)), Err(fault), "{fields:?}");
            }
        }

        // RFC 6455 §4.1-32, §11.3.4-1
        #[test]
        fn rule_15_only_a_subprotocol_that_was_offered_may_be_chosen() {
            let with = |field: &str| answer(&[UPGRADE, CONNECTION, ACCEPT, field]);
            assert_eq!(
                verified(OFFER, &with("Sec-WebSocket-Protocol:  superchat \r\n")),
                Ok(Some("superchat".into()))
            );
            for field in [
                "Sec-WebSocket-Protocol: other\r\n",
                "Sec-WebSocket-Protocol: Chat\r\n",
                "Sec-WebSocket-Protocol: cha\r\n",
                "Sec-WebSocket-Protocol: chat, superchat\r\n",
                "Sec-WebSocket-Protocol: chat,superchat\r\n",
                "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: superchat\r\n",
                "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat\r\n",
                "Sec-WebSocket-Protocol:\r\n",
            ] {
                assert_eq!(
                    verified(OFFER, &with(field)),
                    Err(ResponseFault::Subprotocol),
                    "{field}"
                );
                assert_eq!(
                    verified(&[], &with(field)),
                    Err(ResponseFault::Subprotocol),
                    "{field}"
                );
            }
        }

        // RFC 6455 §4.1-31
        #[test]
        fn rule_15_an_extension_that_was_not_offered_fails() {
            for field in [
                "Sec-WebSocket-Extensions: permessage-deflate\r\n",
                "sec-websocket-extensions:\r\n",
            ] {
                let head = answer(&[UPGRADE, CONNECTION, ACCEPT, field]);
                assert_eq!(
                    verified(OFFER, &head),
                    Err(ResponseFault::Extension),
                    "{field}"
                );
            }
        }

        #[test]
        fn what_is_expected_of_an_illegal_request_is_a_misuse() {
            let request = ClientRequest::new("a b", "/", [0; 16]);
            assert_eq!(Expected::new(&request), Err(Misuse::Host));
        }

        #[test]
        fn it_is_small_while_it_waits() {
            assert!(size_of::<Expected>() <= 48);
        }
    }
}
