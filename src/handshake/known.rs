//! The fields that decide about a request, told by their names.
//!
//! ```text
//! "Sec-WebSocket-Key"                    of      ──> Key
//! "Sec-WebSocket-Key: dGhlIHNh…\r\n…"    of_line ──> Key, and " dGhlIHNh…\r\n…"
//! ```
//!
//! Nearly all requests come from browsers and a few libraries, and have the same names. So a line is compared with those
//! first, whose octets then need no judge, and whose end no search.

use super::octets::is_same;
use super::token::split_name;

pub(super) const HOST: &str = "Host";
pub(super) const ORIGIN: &str = "Origin";
pub(super) const PROTOCOL: &str = "Sec-WebSocket-Protocol";
pub(super) const EXTENSIONS: &str = "Sec-WebSocket-Extensions";

/// The fields that decide about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Host,
    Origin,
    Upgrade,
    Connection,
    Length,
    Coding,
    Key,
    Version,
    Protocol,
    Extensions,
}

/// Which field it is, `None` where it doesn't decide, and what stands behind its colon.
type Begun<'a> = (Option<Known>, &'a [u8]);

impl Known {
    /// The field of this name, in any case.
    pub(super) fn of(name: &[u8]) -> Option<Self> {
        // Most others are told apart by their length alone.
        Some(match name.len() {
            4 if is_same(name, HOST) => Self::Host,
            6 if is_same(name, ORIGIN) => Self::Origin,
            7 if is_same(name, "Upgrade") => Self::Upgrade,
            10 if is_same(name, "Connection") => Self::Connection,
            14 if is_same(name, "Content-Length") => Self::Length,
            17 if is_same(name, "Sec-WebSocket-Key") => Self::Key,
            17 if is_same(name, "Transfer-Encoding") => Self::Coding,
            21 if is_same(name, "Sec-WebSocket-Version") => Self::Version,
            22 if is_same(name, PROTOCOL) => Self::Protocol,
            24 if is_same(name, EXTENSIONS) => Self::Extensions,
            _ => return None,
        })
    }

    /// The field whose line begins these. `None` unless a token stands in front of a colon there (RFC 9112 §5.1).
    #[inline(always)]
    pub(super) fn of_line(lines: &[u8]) -> Option<Begun<'_>> {
        Self::of_usual(lines).or_else(|| Self::of_any(lines))
    }

    /// Where it is one of the names that most requests have; `None` says nothing.
    #[inline(always)]
    fn of_usual(lines: &[u8]) -> Option<Begun<'_>> {
        // Eight octets tell these names apart, as a number in one step.
        const ACCEPT_ENCODING: u64 = word(b"accept-e");
        const ACCEPT_LANGUAGE: u64 = word(b"accept-l");
        const CACHE_CONTROL: u64 = word(b"cache-co");
        const CONNECTION: u64 = word(b"connecti");
        const COOKIE: u64 = word(b"cookie: ");
        const ORIGIN: u64 = word(b"origin: ");
        const PRAGMA: u64 = word(b"pragma: ");
        const SEC_WEBSOCKET: u64 = word(b"sec-webs");
        const UPGRADE: u64 = word(b"upgrade:");
        const USER_AGENT: u64 = word(b"user-age");

        // Letters become small; what else changes is found when the whole name is compared.
        let (known, behind) = match word(lines.first_chunk::<8>()?) | word(&[b' '; 8]) {
            ACCEPT_ENCODING => (None, behind(lines, b"accept-encoding:")),
            ACCEPT_LANGUAGE => (None, behind(lines, b"accept-language:")),
            CACHE_CONTROL => (None, behind(lines, b"cache-control:")),
            CONNECTION => (Some(Self::Connection), behind(lines, b"connection:")),
            COOKIE => (None, behind(lines, b"cookie:")),
            ORIGIN => (Some(Self::Origin), behind(lines, b"origin:")),
            PRAGMA => (None, behind(lines, b"pragma:")),
            SEC_WEBSOCKET => {
                let rest = behind(lines, b"sec-websocket-")?;
                match rest.first()? {
                    b'E' | b'e' => (Some(Self::Extensions), behind(rest, b"extensions:")),
                    b'K' | b'k' => (Some(Self::Key), behind(rest, b"key:")),
                    b'P' | b'p' => (Some(Self::Protocol), behind(rest, b"protocol:")),
                    _ => (Some(Self::Version), behind(rest, b"version:")),
                }
            }
            UPGRADE => (Some(Self::Upgrade), behind(lines, b"upgrade:")),
            USER_AGENT => (None, behind(lines, b"user-agent:")),
            _ => (Some(Self::Host), behind(lines, b"host:")),
        };
        Some((known, behind?))
    }

    /// However it is written. Out of line, where it takes no registers from the other way.
    #[inline(never)]
    fn of_any(lines: &[u8]) -> Option<Begun<'_>> {
        match split_name(lines) {
            (name @ [_, ..], [b':', behind @ ..]) => Some((Self::of(name), behind)),
            _ => None,
        }
    }
}

/// What stands behind `name` in any case, where these lines begin with it. `name` is given in small letters, with what ends
/// it, and has four octets or more: letters, digits, hyphens and colons.
#[inline(always)]
fn behind<'a>(lines: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (line, rest) = lines.split_at_checked(name.len())?;
    let is_name = match name.len() {
        0..8 => is_same_by::<4>(line, name),
        _ => is_same_by::<8>(line, name),
    };
    is_name.then_some(rest)
}

/// Compares the first and the last `N` octets, and those between, as numbers: in a few instructions where `name` is a
/// constant.
#[inline(always)]
fn is_same_by<const N: usize>(line: &[u8], name: &[u8]) -> bool {
    let is_same = |(line, name): (&[u8; N], &[u8; N])| {
        // Small letters alone have this bit of those in `name`. The next one below it tells the case.
        let case = (word(name) & word(&[0x40; N])) >> 1;
        word(line) | case == word(name)
    };
    let (lines, names) = (line.as_chunks().0, name.as_chunks().0);
    lines.iter().zip(names).all(is_same)
        && line
            .last_chunk()
            .zip(name.last_chunk())
            .is_some_and(is_same)
}

/// At most eight octets as a number.
#[inline(always)]
const fn word<const N: usize>(octets: &[u8; N]) -> u64 {
    let mut word = [0; 8];
    word.split_at_mut(N).0.copy_from_slice(octets);
    u64::from_ne_bytes(word)
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::format;
    use std::vec::Vec;

    use super::*;

    const NAMES: [&str; 17] = [
        HOST,
        ORIGIN,
        "Upgrade",
        "Connection",
        "Content-Length",
        "Sec-WebSocket-Key",
        "Transfer-Encoding",
        "Sec-WebSocket-Version",
        PROTOCOL,
        EXTENSIONS,
        "Accept-Encoding",
        "Accept-Language",
        "Cache-Control",
        "Cookie",
        "Pragma",
        "User-Agent",
        "X",
    ];

    #[test]
    fn a_name_of_the_same_length_is_another_field() {
        for name in &NAMES[..10] {
            assert!(Known::of(name.as_bytes()).is_some(), "{name}");
            assert!(Known::of(name.to_uppercase().as_bytes()).is_some());
            for at in 0..name.len() {
                let mut other = name.as_bytes().to_vec();
                other[at] = b'~';
                assert!(Known::of(&other).is_none(), "{name}, another octet at {at}");
            }
            assert!(Known::of(&name.as_bytes()[1..]).is_none());
        }
        for name in &NAMES[10..] {
            assert!(Known::of(name.as_bytes()).is_none(), "{name}");
        }
    }

    #[test]
    fn a_line_is_the_field_of_its_name_however_that_is_written() {
        let same = |line: &[u8]| {
            let colon = line.iter().position(|octet| *octet == b':');
            let expected = colon
                .map(|colon| line.split_at(colon))
                .filter(|(name, _)| super::super::is_token(name))
                .map(|(name, rest)| (Known::of(name), &rest[1..]));
            assert_eq!(Known::of_line(line), expected, "{line:?}");
            assert_eq!(Known::of_any(line), expected, "{line:?}");
        };
        for name in NAMES {
            for value in ["", "\r\n", " ", " a\r\n", "a, b: c\r\nHost: d\r\n\r\n"] {
                let line = format!("{name}:{value}");
                for line in [&line, &line.to_lowercase(), &line.to_uppercase()] {
                    same(line.as_bytes());
                }
                for at in 0..line.len() {
                    same(&line.as_bytes()[..at]);
                    for octet in 0..=u8::MAX {
                        let mut other: Vec<u8> = line.clone().into_bytes();
                        other[at] = octet;
                        same(&other);
                    }
                }
            }
        }
    }

    #[test]
    fn usual_names_are_found_without_a_search() {
        for name in NAMES {
            let is_searched = matches!(name, "Content-Length" | "Transfer-Encoding" | "X");
            let line = format!("{name}: a\r\n");
            for line in [&line, &line.to_lowercase(), &line.to_uppercase()] {
                let found = Known::of_usual(line.as_bytes());
                assert_eq!(found.is_none(), is_searched, "{line}");
            }
        }
    }
}
