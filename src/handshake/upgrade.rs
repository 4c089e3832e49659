//! The upgrade for those whose HTTP stack has parsed the request already (RFC 6455 §4.2).
//!
//! hyper, axum and others hand over a map of header fields. What is left to check is little:
//!
//! ```
//! use std::collections::HashMap;
//! use websocket_proto::handshake::{answer_key, lists_token};
//!
//! /// The value of `Sec-WebSocket-Accept` for the 101, or `None` for a 400.
//! fn upgrade(fields: &HashMap<&str, &str>) -> Option<[u8; 28]> {
//!     let field = |name| fields.get(name).map(|value| value.as_bytes());
//!     let asks = lists_token(field("upgrade"), "websocket")
//!         && lists_token(field("connection"), "upgrade")
//!         && field("sec-websocket-version") == Some(b"13");
//!     if asks { answer_key(field("sec-websocket-key")?) } else { None }
//! }
//!
//! let fields = HashMap::from([
//!     ("upgrade", "websocket"),
//!     ("connection", "keep-alive, Upgrade"),
//!     ("sec-websocket-version", "13"),
//!     ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
//! ]);
//! assert_eq!(upgrade(&fields).as_ref(), Some(b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
//! ```

use super::key::{accept_key, is_key};

/// The value of `Sec-WebSocket-Accept` for this value of `Sec-WebSocket-Key`, or `None` where that is
/// no base64 of 16 octets and deserves a 400 (RFC 6455 §4.2.1, §4.2.2).
#[must_use]
pub fn answer_key(key: &[u8]) -> Option<[u8; 28]> {
    is_key(key).then(|| accept_key(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_03_only_a_legal_key_is_answered() {
        assert_eq!(
            answer_key(b"dGhlIHNhbXBsZSBub25jZQ==").as_ref(),
            Some(b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        );
        assert_eq!(answer_key(b"dGhlIHNhbXBsZSBub25jZQ="), None);
        assert_eq!(answer_key(b""), None);
    }
}
