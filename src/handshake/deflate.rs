//! What two ends agree upon before they compress: offers and answers of permessage-deflate (RFC 7692 §7.1).
//! No codec is needed here.
//!
//! ```
//! use websocket_proto::handshake::DeflateConfig;
//!
//! // At a server's end, that of somebody who has an HTTP stack.
//! let config = DeflateConfig::new().with_server_context_takeover(false);
//! let offers = [&b"permessage-deflate; client_max_window_bits"[..]];
//! let answer = config.answer(offers).expect("it is offered, and can be honoured");
//! assert!(!answer.parameters().server_context_takeover());
//!
//! let mut value = Vec::new();
//! answer.emit(&mut |octets| value.extend_from_slice(octets));
//! assert_eq!(value, b"permessage-deflate; server_no_context_takeover");
//! ```

use core::fmt;
use core::num::NonZeroU8;

use super::emit::{Put, put_number};
use super::extension::{Extension, extensions};
use crate::error::ResponseFault;

const NAME: &str = "permessage-deflate";
const SERVER_NO_CONTEXT_TAKEOVER: &str = "server_no_context_takeover";
const CLIENT_NO_CONTEXT_TAKEOVER: &str = "client_no_context_takeover";
const SERVER_MAX_WINDOW_BITS: &str = "server_max_window_bits";
const CLIENT_MAX_WINDOW_BITS: &str = "client_max_window_bits";

/// The widest window, and what holds where no bits are named: 2^15 octets.
const MOST_BITS: u8 = 15;
const LEAST_BITS: u8 = 8;

/// How one end compresses, in an octet that is never zero: the window's bits, and `TAKEOVER`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Direction(NonZeroU8);

impl Direction {
    const TAKEOVER: u8 = 0x10;

    const fn new(max_window_bits: u8, context_takeover: bool) -> Self {
        let takeover = if context_takeover { Self::TAKEOVER } else { 0 };
        match NonZeroU8::new(legal_bits(max_window_bits) | takeover) {
            Some(octet) => Self(octet),
            // There are eight bits or more.
            None => Self(NonZeroU8::MIN),
        }
    }

    const fn bits(self) -> u8 {
        self.0.get() & !Self::TAKEOVER
    }

    const fn takeover(self) -> bool {
        self.0.get() & Self::TAKEOVER != 0
    }
}

/// What was agreed upon (RFC 7692 §7.1): how each end compresses.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeflateParameters {
    server: Direction,
    client: Direction,
}

impl Default for DeflateParameters {
    /// As [`new`](Self::new).
    fn default() -> Self {
        Self::new()
    }
}

impl DeflateParameters {
    /// What `permessage-deflate` without parameters means: each end takes its context over from message
    /// to message, in a window of 15 bits.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            server: Direction::new(MOST_BITS, true),
            client: Direction::new(MOST_BITS, true),
        }
    }

    /// Whether a message of the server's may refer to those before it.
    #[must_use]
    pub const fn server_context_takeover(&self) -> bool {
        self.server.takeover()
    }

    /// Whether a message of the client's may refer to those before it.
    #[must_use]
    pub const fn client_context_takeover(&self) -> bool {
        self.client.takeover()
    }

    /// How far back, as a power of two from 8 to 15, the server refers at most.
    #[must_use]
    pub const fn server_max_window_bits(&self) -> u8 {
        self.server.bits()
    }

    /// How far back, as a power of two from 8 to 15, the client refers at most.
    #[must_use]
    pub const fn client_max_window_bits(&self) -> u8 {
        self.client.bits()
    }
}

impl fmt::Debug for DeflateParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeflateParameters")
            .field("server_context_takeover", &self.server_context_takeover())
            .field("client_context_takeover", &self.client_context_takeover())
            .field("server_max_window_bits", &self.server_max_window_bits())
            .field("client_max_window_bits", &self.client_max_window_bits())
            .finish()
    }
}

/// How one end wants messages to be compressed: what it offers or answers, and what it does itself.
///
/// Bits outside of 8 to 15 are taken for the nearest legal ones, so that a value that exists is legal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeflateConfig {
    wanted: DeflateParameters,
    level: u8,
    memory_level: u8,
    keeps_codecs: bool,
    min_size: u32,
}

impl Default for DeflateConfig {
    /// As [`new`](Self::new).
    fn default() -> Self {
        Self::new()
    }
}

impl DeflateConfig {
    /// The defaults: context takeover and 15 bits both ways, level 1, messages of 64 octets and more,
    /// codecs kept between messages.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            wanted: DeflateParameters::new(),
            level: 1,
            memory_level: 8,
            keeps_codecs: true,
            min_size: 64,
        }
    }

    /// Whether the server's messages may refer to earlier ones. Without, they compress less and the
    /// server holds no compressor between them (RFC 7692 §7.1.1.1).
    #[must_use]
    pub const fn with_server_context_takeover(mut self, allowed: bool) -> Self {
        self.wanted.server = Direction::new(self.wanted.server.bits(), allowed);
        self
    }

    /// Whether the client's messages may refer to earlier ones (RFC 7692 §7.1.1.2).
    #[must_use]
    pub const fn with_client_context_takeover(mut self, allowed: bool) -> Self {
        self.wanted.client = Direction::new(self.wanted.client.bits(), allowed);
        self
    }

    /// How far back the server refers at most, as a power of two from 8 to 15 (RFC 7692 §7.1.2.1).
    #[must_use]
    pub const fn with_server_max_window_bits(mut self, bits: u8) -> Self {
        self.wanted.server = Direction::new(bits, self.wanted.server.takeover());
        self
    }

    /// How far back the client refers at most, as a power of two from 8 to 15 (RFC 7692 §7.1.2.2). A
    /// server can ask for it only where the client offers to be asked.
    #[must_use]
    pub const fn with_client_max_window_bits(mut self, bits: u8) -> Self {
        self.wanted.client = Direction::new(bits, self.wanted.client.takeover());
        self
    }

    /// How hard this end compresses, from 1 (fast, the default) to 9 (small).
    #[must_use]
    pub const fn with_level(mut self, level: u8) -> Self {
        self.level = clamp(level, 1, 9);
        self
    }

    /// How much memory this end's compressor takes beside its window, from 1 to 9; 8 by default.
    /// `docs/compression.md` has the octets.
    #[must_use]
    pub const fn with_memory_level(mut self, level: u8) -> Self {
        self.memory_level = clamp(level, 1, 9);
        self
    }

    /// The size in octets from which whole messages are compressed; 64 by default. Smaller ones are
    /// sent as they are. Messages in parts are always compressed.
    #[must_use]
    pub const fn with_min_size(mut self, octets: u32) -> Self {
        self.min_size = octets;
        self
    }

    /// Whether a connection with context takeover keeps its compressor and its decompressor between
    /// messages, which is the default. Without, it keeps what the peer may refer to, at most 32 KiB;
    /// its own messages don't refer to each other then, and codecs are those of the thread.
    #[must_use]
    pub const fn with_kept_codecs(mut self, kept: bool) -> Self {
        self.keeps_codecs = kept;
        self
    }

    /// See [`with_level`](Self::with_level).
    #[must_use]
    pub const fn level(&self) -> u8 {
        self.level
    }

    /// See [`with_memory_level`](Self::with_memory_level).
    #[must_use]
    pub const fn memory_level(&self) -> u8 {
        self.memory_level
    }

    /// See [`with_min_size`](Self::with_min_size).
    #[must_use]
    pub const fn min_size(&self) -> u32 {
        self.min_size
    }

    /// See [`with_kept_codecs`](Self::with_kept_codecs).
    #[must_use]
    pub const fn keeps_codecs(&self) -> bool {
        self.keeps_codecs
    }

    /// A server's answer to the offers in the values of all `Sec-WebSocket-Extensions` lines of a request: to
    /// the first that can be honoured. `None` where there is none; the connection opens without.
    ///
    /// An offer with a parameter that is unknown, illegal or there twice is passed over (RFC 7692 §7).
    // RFC 6455 §4.2.2-8, §4.2.2-9, §9-1, §9-2
    // RFC 7692 §5-5, §5-7, §5-9
    pub fn answer<'a>(&self, values: impl IntoIterator<Item = &'a [u8]>) -> Option<DeflateAnswer> {
        let mut offers = values.into_iter().flat_map(extensions).flatten();
        offers.find_map(|offer| Some(self.answer_to(Named::parse(&offer, Place::Offer)?)))
    }

    // RFC 7692 §5-4
    fn answer_to(&self, offer: Named) -> DeflateAnswer {
        let wanted = &self.wanted;
        let offered_bits = offer.server_max_window_bits;
        let server_bits = least(wanted.server.bits(), offered_bits);
        // RFC 7692 §7.1.2.2-2, §7.1.2.2-4
        let client_bits = match offer.client_max_window_bits {
            Some(hint) => least(wanted.client.bits(), hint),
            // The client can't be told, and refers as far back as it likes (§7.1.2.2).
            None => MOST_BITS,
        };
        let parameters = DeflateParameters {
            server: Direction::new(
                server_bits,
                // RFC 7692 §7.1.1.1-1
                wanted.server.takeover() && !offer.server_no_context_takeover,
            ),
            client: Direction::new(
                client_bits,
                // RFC 7692 §7.2.2-4
                wanted.client.takeover() && !offer.client_no_context_takeover,
            ),
        };
        DeflateAnswer {
            parameters,
            // RFC 7692 §7.1.2.1-2
            names_server_bits: offered_bits.is_some() || server_bits < MOST_BITS,
        }
    }

    /// Puts a client's offer: the value of a `Sec-WebSocket-Extensions` line.
    // RFC 6455 §9.1-3, §9.1-4
    // RFC 7692 §5-1, §5-2
    pub fn emit_offer(&self, put: &mut dyn FnMut(&[u8])) {
        let wanted = &self.wanted;
        put(NAME.as_bytes());
        put_takeover(wanted, put);
        if wanted.server.bits() < MOST_BITS {
            put_bits(SERVER_MAX_WINDOW_BITS, wanted.server.bits(), put);
        }
        // Always there: without, the server couldn't ask for less (§7.1.2.2).
        if wanted.client.bits() < MOST_BITS {
            put_bits(CLIENT_MAX_WINDOW_BITS, wanted.client.bits(), put);
        } else {
            put_name(CLIENT_MAX_WINDOW_BITS, put);
        }
    }

    /// What the server has chosen of this offer, in the values of all `Sec-WebSocket-Extensions` lines of its
    /// response; `None` where it chose nothing.
    ///
    /// # Errors
    /// [`ResponseFault::Extension`] for another extension, or one more;
    /// [`ResponseFault::Deflate`] for a parameter that is unknown, illegal, there twice, or doesn't
    /// suit the offer (RFC 7692 §5, §7).
    pub fn verify<'a>(
        &self,
        values: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Option<DeflateParameters>, ResponseFault> {
        let mut chosen = None;
        for value in values {
            // A line has to name something.
            let mut named = 0_usize;
            for extension in extensions(value) {
                named = named.saturating_add(1);
                let extension = extension.ok_or(ResponseFault::Extension)?;
                // RFC 6455 §4.1-31, §9-2, §11.3.2-1
                // RFC 7692 §5-6, §5-8, §5-10
                if extension.name() != NAME || chosen.is_some() {
                    return Err(ResponseFault::Extension);
                }
                chosen = Some(self.verify_one(&extension).ok_or(ResponseFault::Deflate)?);
            }
            if named == 0 {
                return Err(ResponseFault::Extension);
            }
        }
        Ok(chosen)
    }

    // RFC 7692 §7-2, §7.1.1.2-1
    fn verify_one(&self, chosen: &Extension<'_>) -> Option<DeflateParameters> {
        let wanted = &self.wanted;
        let answer = Named::parse(chosen, Place::Answer)?;
        // What was asked for has to be granted (§7.1.1.1, §7.1.2.1).
        if !wanted.server.takeover() && !answer.server_no_context_takeover {
            return None;
        }
        let server_bits = answer.server_max_window_bits.unwrap_or(MOST_BITS);
        let client_bits = answer.client_max_window_bits.flatten();
        let client_bits = client_bits.unwrap_or(wanted.client.bits());
        if server_bits > wanted.server.bits() || client_bits > wanted.client.bits() {
            return None;
        }
        Some(DeflateParameters {
            server: Direction::new(server_bits, !answer.server_no_context_takeover),
            client: Direction::new(
                client_bits,
                wanted.client.takeover() && !answer.client_no_context_takeover,
            ),
        })
    }
}

/// A server's answer to an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeflateAnswer {
    parameters: DeflateParameters,
    /// Where an offer names the server's bits, the answer has to (§7.1.2.1).
    names_server_bits: bool,
}

impl DeflateAnswer {
    /// What it agrees upon.
    #[must_use]
    pub const fn parameters(&self) -> DeflateParameters {
        self.parameters
    }

    /// Puts the value of the response's `Sec-WebSocket-Extensions` line.
    // RFC 7692 §5-3
    pub fn emit(&self, put: &mut dyn FnMut(&[u8])) {
        put(NAME.as_bytes());
        put_takeover(&self.parameters, put);
        if self.names_server_bits {
            let bits = self.parameters.server.bits();
            put_bits(SERVER_MAX_WINDOW_BITS, bits, put);
        }
        if self.parameters.client.bits() < MOST_BITS {
            let bits = self.parameters.client.bits();
            put_bits(CLIENT_MAX_WINDOW_BITS, bits, put);
        }
    }
}

/// Where parameters stand: in an offer the client's bits need no value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Offer,
    Answer,
}

/// The parameters that an offer or an answer names.
#[derive(Default)]
struct Named {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    client_max_window_bits: Option<Option<u8>>,
}

impl Named {
    /// `None` for another extension, and where a parameter is unknown, illegal or there twice.
    fn parse(extension: &Extension<'_>, place: Place) -> Option<Self> {
        if extension.name() != NAME {
            return None;
        }
        let mut named = Self::default();
        for parameter in extension.parameters() {
            // RFC 7692 §7.1.2.1-1, §7.1.2.1-3, §7.1.2.2-1, §7.1.2.2-3
            let bits = || parameter.decimal().filter(|&bits| bits == legal_bits(bits));
            // RFC 7692 §7-1
            let twice = match parameter.name() {
                SERVER_NO_CONTEXT_TAKEOVER if !parameter.has_value() => {
                    core::mem::replace(&mut named.server_no_context_takeover, true)
                }
                CLIENT_NO_CONTEXT_TAKEOVER if !parameter.has_value() => {
                    core::mem::replace(&mut named.client_no_context_takeover, true)
                }
                SERVER_MAX_WINDOW_BITS => named.server_max_window_bits.replace(bits()?).is_some(),
                CLIENT_MAX_WINDOW_BITS if parameter.has_value() => {
                    let bits = Some(bits()?);
                    named.client_max_window_bits.replace(bits).is_some()
                }
                CLIENT_MAX_WINDOW_BITS if place == Place::Offer => {
                    named.client_max_window_bits.replace(None).is_some()
                }
                _ => return None,
            };
            if twice {
                return None;
            }
        }
        Some(named)
    }
}

const fn clamp(value: u8, least: u8, most: u8) -> u8 {
    if value < least {
        least
    } else if value > most {
        most
    } else {
        value
    }
}

// RFC 7692 §7.2.1-4
const fn legal_bits(bits: u8) -> u8 {
    clamp(bits, LEAST_BITS, MOST_BITS)
}

fn least(wanted: u8, other: Option<u8>) -> u8 {
    other.map_or(wanted, |other| wanted.min(other))
}

fn put_takeover(parameters: &DeflateParameters, put: Put<'_>) {
    if !parameters.server.takeover() {
        put_name(SERVER_NO_CONTEXT_TAKEOVER, put);
    }
    if !parameters.client.takeover() {
        put_name(CLIENT_NO_CONTEXT_TAKEOVER, put);
    }
}

fn put_name(name: &str, put: Put<'_>) {
    put(b"; ");
    put(name.as_bytes());
}

fn put_bits(name: &str, bits: u8, put: Put<'_>) {
    put_name(name, put);
    put(b"=");
    put_number(bits.into(), put);
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::string::String;

    use super::*;

    fn answered(config: &DeflateConfig, offers: &str) -> Option<String> {
        let answer = config.answer([offers.as_bytes()])?;
        let mut text = String::new();
        answer.emit(&mut |octets| text.push_str(str::from_utf8(octets).unwrap()));
        Some(text.strip_prefix(NAME).unwrap().into())
    }

    fn offered(config: &DeflateConfig) -> String {
        let mut text = String::new();
        config.emit_offer(&mut |octets| text.push_str(str::from_utf8(octets).unwrap()));
        text
    }

    const ALL: DeflateConfig = DeflateConfig::new();

    // RFC 6455 §4.2.2-8, §4.2.2-9, §9-1
    // RFC 7692 §5-5, §5-7, §5-9, §7-1
    #[test]
    fn rule_39_an_offer_that_can_t_be_understood_is_passed_over() {
        for offer in [
            "",
            "foo",
            "Permessage-deflate",
            "permessage-deflate; unknown",
            "permessage-deflate; server_no_context_takeover=1",
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            "permessage-deflate; client_no_context_takeover=\"\\1\"",
            "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
            "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
            "permessage-deflate; Server_max_window_bits=10",
        ] {
            assert_eq!(answered(&ALL, offer), None, "{offer}");
            let next = std::format!("{offer}, permessage-deflate; server_max_window_bits=10");
            assert_eq!(
                answered(&ALL, &next).as_deref(),
                Some("; server_max_window_bits=10"),
                "{next}"
            );
        }
        let lines = [&b"foo"[..], b"bar, permessage-deflate"];
        assert!(ALL.answer(lines).is_some(), "on any line");
    }

    // RFC 7692 §7.1.2.1-1, §7.1.2.1-3, §7.1.2.2-1, §7.1.2.2-3
    #[test]
    fn rule_40_window_bits_go_from_8_to_15() {
        for bits in 0..=20_u8 {
            for (value, legal) in [
                (std::format!("{bits}"), (8..=15).contains(&bits)),
                (std::format!("\"{bits}\""), (8..=15).contains(&bits)),
                (std::format!("0{bits}"), false),
                (std::format!("{bits}."), false),
            ] {
                for name in [SERVER_MAX_WINDOW_BITS, CLIENT_MAX_WINDOW_BITS] {
                    let offer = std::format!("{NAME}; {name}={value}");
                    assert_eq!(answered(&ALL, &offer).is_some(), legal, "{offer}");
                }
            }
        }
    }

    // RFC 7692 §5-3, §5-4, §7.1.1.1-1, §7.1.2.1-2, §7.1.2.2-2, §7.1.2.2-4, §7.2.2-4
    #[test]
    fn rule_40_a_server_answers_with_what_both_ends_can_do() {
        let narrow = ALL
            .with_server_max_window_bits(12)
            .with_client_max_window_bits(0);
        let closed = ALL
            .with_server_context_takeover(false)
            .with_client_context_takeover(false);
        for (config, offer, answer) in [
            (ALL, "", ""),
            (ALL, "; client_max_window_bits", ""),
            (ALL, "; client_max_window_bits=15", ""),
            (
                ALL,
                "; client_max_window_bits=9",
                "; client_max_window_bits=9",
            ),
            (
                ALL,
                "; server_max_window_bits=8",
                "; server_max_window_bits=8",
            ),
            (
                ALL,
                "; server_max_window_bits=15",
                "; server_max_window_bits=15",
            ),
            (
                ALL,
                "; server_no_context_takeover; client_no_context_takeover",
                "; server_no_context_takeover; client_no_context_takeover",
            ),
            (narrow, "", "; server_max_window_bits=12"),
            (
                narrow,
                "; client_max_window_bits; server_max_window_bits=\"14\"",
                "; server_max_window_bits=12; client_max_window_bits=8",
            ),
            (
                narrow,
                "; server_max_window_bits=9",
                "; server_max_window_bits=9",
            ),
            (
                closed,
                "",
                "; server_no_context_takeover; client_no_context_takeover",
            ),
        ] {
            let offer = std::format!("{NAME}{offer}");
            assert_eq!(
                answered(&config, &offer).as_deref(),
                Some(answer),
                "{offer}"
            );
        }
    }

    // RFC 6455 §9.1-3, §9.1-4
    // RFC 7692 §5-1, §5-2
    #[test]
    fn an_offer_says_what_the_client_wants() {
        assert_eq!(offered(&ALL), "permessage-deflate; client_max_window_bits");
        let config = ALL
            .with_server_context_takeover(false)
            .with_client_context_takeover(false)
            .with_server_max_window_bits(10)
            .with_client_max_window_bits(11);
        assert_eq!(
            offered(&config),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
             server_max_window_bits=10; client_max_window_bits=11"
        );
    }

    // RFC 6455 §9-2
    // RFC 7692 §7-2, §7.1.1.2-1, §7.1.2.2-4
    #[test]
    fn rule_39_an_answer_that_does_not_suit_the_offer_is_fatal() {
        let asks = ALL
            .with_server_context_takeover(false)
            .with_server_max_window_bits(10)
            .with_client_max_window_bits(12);
        let granted = "; server_no_context_takeover; server_max_window_bits=10";
        let verify = |config: &DeflateConfig, text: &str| {
            config.verify([std::format!("{NAME}{text}").as_bytes()])
        };
        for (config, text, legal) in [
            (ALL, "", true),
            (
                ALL,
                "; server_no_context_takeover; client_no_context_takeover",
                true,
            ),
            (
                ALL,
                "; server_max_window_bits=8; client_max_window_bits=8",
                true,
            ),
            (ALL, "; client_max_window_bits", false),
            (ALL, "; client_max_window_bits=16", false),
            (
                ALL,
                "; client_max_window_bits=9; client_max_window_bits=9",
                false,
            ),
            (ALL, "; server_max_window_bits", false),
            (ALL, "; unknown", false),
            (asks, granted, true),
            (asks, "", false),
            (asks, "; server_no_context_takeover", false),
            (asks, "; server_max_window_bits=10", false),
            (
                asks,
                "; server_no_context_takeover; server_max_window_bits=11",
                false,
            ),
            (
                asks,
                "; server_no_context_takeover; server_max_window_bits=9; client_max_window_bits=12",
                true,
            ),
            (
                asks,
                "; server_no_context_takeover; server_max_window_bits=9; client_max_window_bits=13",
                false,
            ),
        ] {
            let result = verify(&config, text);
            assert_eq!(result.is_ok(), legal, "{text}");
            if !legal {
                assert_eq!(result, Err(ResponseFault::Deflate), "{text}");
            }
        }
        let agreed = verify(&asks, granted).unwrap().unwrap();
        assert_eq!(
            agreed.client_max_window_bits(),
            12,
            "ours, where none is named"
        );
        assert!(agreed.client_context_takeover() && !agreed.server_context_takeover());
    }

    // RFC 6455 §4.1-31, §11.3.2-1
    // RFC 7692 §5-6, §5-8, §5-10
    #[test]
    fn rule_15_any_other_extension_is_fatal() {
        for values in [
            &["foo"][..],
            &["permessage-deflate, foo"],
            &["permessage-deflate", "permessage-deflate"],
            &["permessage-deflate, permessage-deflate"],
            &[""],
            &["permessage-deflate;"],
            &["permessage-deflate; a b"],
        ] {
            let values = values.iter().map(|value| value.as_bytes());
            assert_eq!(ALL.verify(values), Err(ResponseFault::Extension));
        }
        assert_eq!(ALL.verify([]), Ok(None));
    }

    proptest::proptest! {
        #[test]
        fn what_a_server_answers_a_client_accepts_and_both_agree(
            bits in proptest::array::uniform4(8..=15_u8),
            takeover in proptest::array::uniform4(proptest::bool::ANY),
        ) {
            let config = |bits: &[u8], takeover: &[bool]| {
                ALL.with_server_max_window_bits(bits[0])
                    .with_client_max_window_bits(bits[1])
                    .with_server_context_takeover(takeover[0])
                    .with_client_context_takeover(takeover[1])
            };
            let (server, client) = (
                config(&bits[..2], &takeover[..2]),
                config(&bits[2..], &takeover[2..]),
            );
            let answer = server.answer([offered(&client).as_bytes()]).unwrap();
            let mut value = String::new();
            answer.emit(&mut |octets| value.push_str(str::from_utf8(octets).unwrap()));
            let agreed = client.verify([value.as_bytes()]).unwrap().unwrap();
            proptest::prop_assert_eq!(agreed, answer.parameters());
        }
    }
}
