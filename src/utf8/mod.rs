//! A UTF-8 validator that takes its text in pieces (RFC 6455 §5.6, §8.1; RFC 3629).
//!
//! A code point may span fragments and reads. The validator keeps no octets, only what the next one may
//! be, and fails at the first octet that no continuation could make valid.
//!
//! ```
//! use websocket_proto::utf8::Utf8Validator;
//!
//! let mut text = Utf8Validator::new();
//! text.validate(b"caf\xC3").unwrap();
//! assert!(!text.is_complete());
//! text.validate(b"\xA9").unwrap();
//! assert!(text.is_complete());
//! assert!(text.validate(b"\xED\xA0").is_err(), "a surrogate, before its last octet");
//! ```
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation
    )
)]

#[cfg(all(feature = "alloc", not(websocket_proto_safe)))]
mod few;
mod one;

/// The octets are not, and can't become, UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidUtf8;

impl core::fmt::Display for InvalidUtf8 {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("not UTF-8")
    }
}

impl core::error::Error for InvalidUtf8 {}

/// What the next octet of a text may be: one octet of state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Utf8Validator(Expecting);

/// The rows of RFC 3629 §4, by how far an open code point has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Expecting {
    /// The first octet of a code point.
    #[default]
    Lead,
    /// The second and last octet.
    SecondOfTwo,
    /// The second of three octets; after E0 and ED not all will do.
    SecondOfThree,
    SecondAfterE0,
    SecondAfterEd,
    ThirdOfThree,
    /// The second of four octets; after F0 and F4 not all will do.
    SecondOfFour,
    SecondAfterF0,
    SecondAfterF4,
    ThirdOfFour,
    FourthOfFour,
    /// Any octet: this needn't be text.
    Anything,
    /// No octet: this is no text. No validator stays here.
    Nothing,
}

impl Utf8Validator {
    /// Takes whatever comes: octets that needn't be text.
    pub(crate) const ANYTHING: Self = Self(Expecting::Anything);

    /// A validator at the beginning of a text.
    #[must_use]
    pub const fn new() -> Self {
        Self(Expecting::Lead)
    }

    /// Takes the next piece of the text.
    ///
    /// # Errors
    /// [`InvalidUtf8`] when the text so far is no prefix of any UTF-8 text. What the validator says
    /// afterwards has no meaning.
    #[inline]
    pub fn validate(&mut self, piece: &[u8]) -> Result<(), InvalidUtf8> {
        match piece {
            [0..=0x7F] if self.is_complete() => Ok(()),
            piece => self.validate_any(piece),
        }
    }

    fn validate_any(&mut self, piece: &[u8]) -> Result<(), InvalidUtf8> {
        // Octet by octet is the quicker way for a few.
        if piece.len() < 8 {
            return piece
                .iter()
                .try_for_each(|&octet| self.0.after(octet).map(|next| self.0 = next));
        }
        // No code point is cut off, as in most pieces.
        if self.is_complete() && piece.last().is_some_and(u8::is_ascii) {
            return text(piece).map(|_| ()).ok_or(InvalidUtf8);
        }
        let mut rest = piece;
        while !self.is_complete() {
            let Some((&octet, after)) = rest.split_first() else {
                return Ok(());
            };
            self.0 = self.0.after(octet)?;
            rest = after;
        }
        // What is cut off at the end goes to this validator's state.
        let (whole, cut) = rest.split_at(rest.len().saturating_sub(cut_off(rest)));
        text(whole).ok_or(InvalidUtf8)?;
        cut.iter()
            .try_for_each(|&octet| self.0.after(octet).map(|next| self.0 = next))
    }

    /// Whether the text may end here: no code point is open.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        matches!(self.0, Expecting::Lead | Expecting::Anything)
    }

    /// How many octets of an open code point have been taken, 0 to 3.
    #[must_use]
    pub const fn pending(&self) -> usize {
        match self.0 {
            Expecting::Lead | Expecting::Anything => 0,
            Expecting::ThirdOfThree | Expecting::ThirdOfFour => 2,
            Expecting::FourthOfFour => 3,
            _ => 1,
        }
    }

    /// How many octets an open code point lacks, 0 to 3.
    pub(crate) const fn missing(self) -> usize {
        match self.0 {
            Expecting::Lead | Expecting::Anything => 0,
            Expecting::SecondOfTwo | Expecting::ThirdOfThree | Expecting::FourthOfFour => 1,
            Expecting::SecondOfFour | Expecting::SecondAfterF0 | Expecting::SecondAfterF4 => 3,
            _ => 2,
        }
    }
}

/// The octets as text. `None` where they are not UTF-8.
///
/// The library looks at one octet after the other wherever one isn't ASCII. With the feature `simd`, and from
/// 64 octets on, simdutf8 looks at 32 at once, by what it finds the processor to have.
#[inline]
pub(crate) fn text(octets: &[u8]) -> Option<&str> {
    #[cfg(all(feature = "simd", not(websocket_proto_safe)))]
    return simdutf8::basic::from_utf8(octets).ok();
    #[cfg(not(all(feature = "simd", not(websocket_proto_safe))))]
    core::str::from_utf8(octets).ok()
}

/// Whether octets are UTF-8.
pub(crate) fn is_text(octets: &[u8]) -> bool {
    #[cfg(all(feature = "alloc", not(websocket_proto_safe)))]
    if octets.len() < few::MANY {
        return few::are_text(octets);
    }
    text(octets).is_some()
}

/// How many octets at the end, 0 to 3, begin a code point that they are too few for, as far as the first of
/// them says.
pub(crate) fn cut_off(octets: &[u8]) -> usize {
    for (length, octet) in (1..).zip(octets.iter().rev().take(3)) {
        let needed = match octet {
            0x80..=0xBF => continue,
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xFF => 4,
            _ => 1,
        };
        return if length < needed { length } else { 0 };
    }
    0
}

impl Expecting {
    /// In the order of their numbers.
    const ALL: [Self; 13] = [
        Self::Lead,
        Self::SecondOfTwo,
        Self::SecondOfThree,
        Self::SecondAfterE0,
        Self::SecondAfterEd,
        Self::ThirdOfThree,
        Self::SecondOfFour,
        Self::SecondAfterF0,
        Self::SecondAfterF4,
        Self::ThirdOfFour,
        Self::FourthOfFour,
        Self::Anything,
        Self::Nothing,
    ];

    const fn after(self, octet: u8) -> Result<Self, InvalidUtf8> {
        let (lowest, highest, next) = match self {
            Self::Lead => return Self::after_lead(octet),
            Self::Anything => return Ok(self),
            Self::Nothing => return Err(InvalidUtf8),
            Self::SecondOfTwo | Self::ThirdOfThree | Self::FourthOfFour => (0x80, 0xBF, Self::Lead),
            Self::SecondOfThree => (0x80, 0xBF, Self::ThirdOfThree),
            Self::SecondAfterE0 => (0xA0, 0xBF, Self::ThirdOfThree),
            Self::SecondAfterEd => (0x80, 0x9F, Self::ThirdOfThree),
            Self::SecondOfFour => (0x80, 0xBF, Self::ThirdOfFour),
            Self::SecondAfterF0 => (0x90, 0xBF, Self::ThirdOfFour),
            Self::SecondAfterF4 => (0x80, 0x8F, Self::ThirdOfFour),
            Self::ThirdOfFour => (0x80, 0xBF, Self::FourthOfFour),
        };
        if octet < lowest || octet > highest {
            return Err(InvalidUtf8);
        }
        Ok(next)
    }

    const fn after_lead(octet: u8) -> Result<Self, InvalidUtf8> {
        Ok(match octet {
            0x00..=0x7F => Self::Lead,
            0xC2..=0xDF => Self::SecondOfTwo,
            0xE0 => Self::SecondAfterE0,
            0xED => Self::SecondAfterEd,
            0xE1..=0xEF => Self::SecondOfThree,
            0xF0 => Self::SecondAfterF0,
            0xF1..=0xF3 => Self::SecondOfFour,
            0xF4 => Self::SecondAfterF4,
            _ => return Err(InvalidUtf8),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether `octets` is a prefix of some UTF-8 text, by the library's word.
    fn may_become_utf8(octets: &[u8]) -> bool {
        core::str::from_utf8(octets)
            .err()
            .is_none_or(|error| error.error_len().is_none())
    }

    fn agrees_at_every_cut(octets: &[u8]) {
        for cut in 0..=octets.len() {
            let (one, two) = octets.split_at(cut);
            let mut validator = Utf8Validator::new();
            let result = validator.validate(one);
            assert_eq!(result.is_ok(), may_become_utf8(one), "{one:x?}");
            if result.is_err() {
                continue;
            }
            let result = validator.validate(two);
            assert_eq!(
                result.is_ok(),
                may_become_utf8(octets),
                "{octets:x?} at {cut}"
            );
            if result.is_ok() {
                assert_eq!(
                    validator.is_complete(),
                    core::str::from_utf8(octets).is_ok()
                );
                let valid = core::str::from_utf8(octets).map_or_else(|e| e.valid_up_to(), str::len);
                assert_eq!(validator.pending(), octets.len() - valid);
            }
        }
    }

    #[test]
    fn rule_29_every_pair_and_every_interesting_sequence_is_judged_as_by_the_library() {
        for first in 0..=255 {
            agrees_at_every_cut(&[first]);
            for second in 0..=255 {
                agrees_at_every_cut(&[first, second]);
            }
        }
        let edges = [
            0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1,
            0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
        ];
        for a in edges {
            for b in edges {
                for c in edges {
                    agrees_at_every_cut(&[a, b, c]);
                    for d in edges {
                        agrees_at_every_cut(&[a, b, c, d]);
                    }
                }
            }
        }
    }

    #[test]
    fn rule_29_a_long_text_is_judged_at_every_cut_and_with_every_octet_broken() {
        // Long enough for what looks at many octets at once.
        let text = "a\u{e9}\u{2603}\u{1F4A9}b".repeat(16);
        let octets = text.as_bytes();
        agrees_at_every_cut(octets);
        let mut broken = [0; 176];
        assert_eq!(octets.len(), broken.len());
        for place in 0..octets.len() {
            agrees_at_every_cut(&octets[..place]);
            for octet in [0x00, 0x80, 0xC0, 0xC3, 0xED, 0xF0, 0xFF] {
                broken.copy_from_slice(octets);
                broken[place] = octet;
                assert_eq!(super::text(&broken), core::str::from_utf8(&broken).ok());
                let judged = Utf8Validator::new().validate(&broken);
                assert_eq!(
                    judged.is_ok(),
                    may_become_utf8(&broken),
                    "{octet:x} at {place}"
                );
            }
        }
    }

    #[test]
    fn rule_30_nul_bom_and_noncharacters_are_text() {
        agrees_at_every_cut("\u{0}\u{FEFF}\u{FFFE}\u{FFFF}\u{1FFFF}\u{10FFFF}x".as_bytes());
        let mut validator = Utf8Validator::new();
        assert_eq!(
            validator.validate("\u{0}\u{FEFF}\u{FFFF}\u{10FFFF}".as_bytes()),
            Ok(())
        );
        assert!(validator.is_complete());
    }

    #[test]
    fn only_a_code_point_that_lacks_octets_is_cut_off_at_the_end() {
        for whole in ["", "a", "\u{e9}", "\u{2603}", "\u{1F4A9}", "\u{1F4A9}b"] {
            assert_eq!(cut_off(whole.as_bytes()), 0, "{whole}");
        }
        for code_point in ["\u{e9}", "\u{2603}", "\u{1F4A9}"] {
            for come in 1..code_point.len() {
                let text = ["abc".as_bytes(), &code_point.as_bytes()[..come]];
                let mut octets = [0; 6];
                octets[..3].copy_from_slice(text[0]);
                octets[3..3 + come].copy_from_slice(text[1]);
                assert_eq!(cut_off(&octets[..3 + come]), come, "{code_point}");
            }
        }
    }
}
