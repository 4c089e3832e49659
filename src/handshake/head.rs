//! The head of an HTTP message: where it ends, and its field lines (RFC 9112 §2.1, §5).
//!
//! A head is looked for before it is parsed, so that one that arrives in a thousand reads is still
//! read twice at most: once by [`HeadScanner`], which remembers how far it came, and once by the parser.
//!
//! ```
//! use websocket_proto::handshake::HeadScanner;
//!
//! let octets = b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n\x81\x80";
//! let mut scanner = HeadScanner::default();
//! assert_eq!(scanner.scan(&octets[..20], 1024), Ok(None), "not finished");
//! assert_eq!(scanner.scan(octets, 1024), Ok(Some(37)), "two octets are no longer the head's");
//! ```

use core::str;

use super::octets::{find_control, find_cr, is_control, is_same, trim_ows};
use crate::error::{RequestFault, ResponseFault};

/// The largest number of field lines in a head. More are refused, none is ever left out silently.
pub const MAX_FIELDS: usize = 100;

/// Why no head can begin with these octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HeadFault {
    /// A control octet other than HT, a CR or LF that isn't part of a CRLF, or an empty first line
    /// (RFC 9112 §2.2, §5.5).
    Malformed,
    /// The head doesn't end within the limit.
    TooLarge,
    /// Not even the first line ends within the limit.
    StartLineTooLong,
}

impl From<HeadFault> for RequestFault {
    fn from(fault: HeadFault) -> Self {
        match fault {
            HeadFault::Malformed => Self::Malformed,
            HeadFault::TooLarge => Self::HeadTooLarge,
            HeadFault::StartLineTooLong => Self::RequestLineTooLong,
        }
    }
}

impl From<HeadFault> for ResponseFault {
    fn from(fault: HeadFault) -> Self {
        match fault {
            HeadFault::Malformed => Self::Malformed,
            HeadFault::TooLarge | HeadFault::StartLineTooLong => Self::HeadTooLarge,
        }
    }
}

/// Finds the end of a head, in time linear in its octets however they are cut into reads.
///
/// What it says depends on the octets alone: the same head, or the same fault, whether they come
/// whole or one by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeadScanner {
    /// How many octets were looked at.
    position: u32,
    state: ScanState,
    start_line_ended: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ScanState {
    /// Before the first octet.
    #[default]
    Start,
    /// Within a line, before its CR.
    Line,
    /// After the CR of a line.
    LineCr,
    /// After the CRLF of a line.
    NextLine,
    /// After the CR of the empty line that ends the head.
    LastCr,
}

impl HeadScanner {
    /// Whether it has looked at nothing yet.
    pub(crate) const fn is_fresh(&self) -> bool {
        self.position == 0
    }

    /// Looks at the octets that are new since the last call and returns the head's length, the final
    /// CRLF CRLF included, or `None` if it goes on.
    ///
    /// `octets` is everything received from the head's first octet on, at each call. A head of `limit`
    /// octets is fine.
    ///
    /// # Errors
    /// [`HeadFault`], at the first octet that shows it: RFC 9112 §2.2, and see each variant.
    pub fn scan(&mut self, octets: &[u8], limit: usize) -> Result<Option<usize>, HeadFault> {
        let limit = limit.min(usize::try_from(u32::MAX).unwrap_or(usize::MAX));
        let within = octets.get(..limit).unwrap_or(octets);
        let mut at = usize::try_from(self.position).unwrap_or(usize::MAX);
        let mut state = self.state;
        loop {
            if state == ScanState::Line {
                // Nothing but a control octet changes the state within a line.
                at = find_control(within, at);
                if let Some([b'\r', b'\n', next, ..]) = within.get(at..)
                    && !is_control(*next)
                {
                    // The usual case at once: one line ends and another begins.
                    self.start_line_ended = true;
                    at = at.saturating_add(3);
                    continue;
                }
            }
            let Some(&octet) = within.get(at) else { break };
            at = at.saturating_add(1);
            state = match (state, octet) {
                (ScanState::Line, b'\r') => ScanState::LineCr,
                (ScanState::LineCr, b'\n') => {
                    self.start_line_ended = true;
                    ScanState::NextLine
                }
                (ScanState::NextLine, b'\r') => ScanState::LastCr,
                (ScanState::LastCr, b'\n') => return Ok(Some(at)),
                (ScanState::LineCr | ScanState::LastCr, _) => return Err(HeadFault::Malformed),
                (_, b'\t') => ScanState::Line,
                (_, octet) if is_control(octet) => return Err(HeadFault::Malformed),
                _ => ScanState::Line,
            };
        }
        self.state = state;
        self.position = u32::try_from(at).unwrap_or(u32::MAX);
        match (octets.len() < limit, self.start_line_ended) {
            (true, _) => Ok(None),
            (false, true) => Err(HeadFault::TooLarge),
            (false, false) => Err(HeadFault::StartLineTooLong),
        }
    }
}

/// The short way: passes over field lines that are as one expects, up to the empty line that ends their head, and
/// returns what stands behind that.
///
/// `pass` is given what there is from a line on, and returns it from the next one on. `None`, its or this function's,
/// says nothing about the octets but that a [`HeadScanner`] and [`parse_fields`] have to judge them.
#[inline(always)]
pub(super) fn plain_fields<'a>(
    lines: &'a [u8],
    mut pass: impl FnMut(&'a [u8]) -> Option<&'a [u8]>,
) -> Option<&'a [u8]> {
    let mut rest = lines;
    for _ in 0..MAX_FIELDS.saturating_add(1) {
        if let Some(behind) = rest.strip_prefix(b"\r\n") {
            return Some(behind);
        }
        rest = pass(rest)?;
    }
    None
}

/// Of the short way: splits behind the first CRLF, where no other control octet stands before it.
#[inline(always)]
pub(super) fn plain_line(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (line, rest) = octets.split_at_checked(find_control(octets, 0))?;
    Some((line, rest.strip_prefix(b"\r\n")?))
}

/// Fails unless `head` is one complete head and nothing else, whose lines hold no control octets.
pub(super) fn check_lines(head: &[u8]) -> Result<(), HeadFault> {
    match HeadScanner::default().scan(head, usize::MAX) {
        Ok(Some(length)) if length == head.len() => Ok(()),
        Ok(_) => Err(HeadFault::Malformed),
        Err(fault) => Err(fault),
    }
}

/// Why the field lines of a head are not legal.
pub(super) enum FieldFault {
    Malformed,
    TooMany,
}

impl From<FieldFault> for RequestFault {
    fn from(fault: FieldFault) -> Self {
        match fault {
            FieldFault::Malformed => Self::Malformed,
            FieldFault::TooMany => Self::TooManyFields,
        }
    }
}

impl From<FieldFault> for ResponseFault {
    fn from(fault: FieldFault) -> Self {
        match fault {
            FieldFault::Malformed => Self::Malformed,
            FieldFault::TooMany => Self::TooManyFields,
        }
    }
}

/// Parses `lines`, the rest of a head behind its first line, and shows all fields if they are legal. It
/// relies on what a [`HeadScanner`] has checked: httparse takes lone LFs.
///
/// The table of fields takes 3 KiB of stack, which is why it stands here alone, out of line.
#[inline(never)]
pub(super) fn parse_fields<'a>(
    lines: &'a [u8],
    show: &mut dyn FnMut(&'a [u8], &'a [u8]),
) -> Result<(), FieldFault> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    match httparse::parse_headers(lines, &mut fields) {
        Ok(httparse::Status::Complete((length, fields))) if length == lines.len() => {
            fields
                .iter()
                .for_each(|field| show(field.name.as_bytes(), field.value));
            Ok(())
        }
        Err(httparse::Error::TooManyHeaders) => Err(FieldFault::TooMany),
        _ => Err(FieldFault::Malformed),
    }
}

/// The field lines of a head that was parsed: names as they were written, values without the white
/// space around them (RFC 9112 §5.1).
///
/// ```
/// use websocket_proto::handshake::Response;
///
/// let response = Response::parse(b"HTTP/1.1 404 Not Found\r\nServer:  x \r\n\r\n").unwrap();
/// assert!(response.fields().eq([("Server", &b"x"[..])]));
/// ```
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    /// Begins at the start of a line; the rest of a head that was checked.
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The field lines of a whole head, behind its first line.
    pub(crate) fn of_head(head: &'a [u8]) -> Self {
        Self {
            rest: split_line(head).1,
        }
    }

    /// The field lines from the line on that begins at the head's octet `at`.
    pub(super) fn from_line(head: &'a [u8], at: u16) -> Self {
        Self {
            rest: head.get(usize::from(at)..).unwrap_or_default(),
        }
    }

    /// The values of the lines with this name, matched without case.
    pub(super) const fn named(self, name: &str) -> Named<'a, '_> {
        Named { fields: self, name }
    }

    /// Whether there is no, one or more than one line with this name.
    pub(super) fn single(self, name: &str) -> Single<'a> {
        let mut single = Single::Missing;
        for value in self.named(name) {
            single.add(value);
        }
        single
    }

    /// `None` at the empty line that ends the head.
    fn next_line(&mut self) -> Option<&'a [u8]> {
        let (line, rest) = split_line(self.rest);
        self.rest = rest;
        (!line.is_empty()).then_some(line)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a str, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.next_line()?;
        let colon = line.iter().position(|&octet| octet == b':')?;
        let (name, value) = line.split_at_checked(colon)?;
        Some((
            str::from_utf8(name).ok()?,
            trim_ows(value.get(1..).unwrap_or_default()),
        ))
    }
}

/// The values of the lines with one name.
#[derive(Clone, Debug)]
pub(super) struct Named<'a, 'n> {
    fields: Fields<'a>,
    name: &'n str,
}

impl<'a> Iterator for Named<'a, '_> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let line = self.fields.next_line()?;
            // No name holds a colon: where one stands behind the name's length, lengths are equal.
            if let Some((field, [b':', value @ ..])) = line.split_at_checked(self.name.len())
                && is_same(field, self.name)
            {
                return Some(trim_ows(value));
            }
        }
    }
}

/// A field that may stand on one line only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Single<'a> {
    #[default]
    Missing,
    One(&'a [u8]),
    Several,
}

impl<'a> Single<'a> {
    pub(super) fn add(&mut self, value: &'a [u8]) {
        *self = match self {
            Self::Missing => Self::One(value),
            _ => Self::Several,
        };
    }

    /// The value, if the field stands there exactly once.
    pub(super) const fn get(self) -> Option<&'a [u8]> {
        match self {
            Self::One(value) => Some(value),
            _ => None,
        }
    }
}

/// Splits behind the first CRLF, which belongs to neither part. All is one line if there is none. Of a head
/// that was scanned: no CR stands anywhere else.
#[cfg_attr(feature = "alloc", inline(always))]
pub(super) fn split_line(octets: &[u8]) -> (&[u8], &[u8]) {
    let end = find_cr(octets);
    let (line, rest) = octets.split_at_checked(end).unwrap_or((octets, &[]));
    (line, rest.get(2..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    fn whole(octets: &[u8], limit: usize) -> Result<Option<usize>, HeadFault> {
        HeadScanner::default().scan(octets, limit)
    }

    #[test]
    fn a_head_ends_where_its_octets_do() {
        assert_eq!(check_lines(HEAD), Ok(()));
        let longer = [HEAD, b"a: b\r\n\r\n"].concat();
        for octets in [&longer[..], &HEAD[..HEAD.len() - 1]] {
            assert_eq!(check_lines(octets), Err(HeadFault::Malformed));
        }
        let mut fields = 0;
        let mut count = |_: &[u8], _: &[u8]| fields += 1;
        assert!(parse_fields(b"a: b\r\nc: d\r\n\r\n", &mut count).is_ok());
        assert!(parse_fields(b"a: b\r\n\r\nc: d\r\n\r\n", &mut count).is_err());
        assert_eq!(fields, 2);
    }

    #[test]
    fn a_scanner_is_fresh_until_it_has_looked_at_something() {
        let mut scanner = HeadScanner::default();
        scanner.scan(b"", 100).unwrap();
        assert!(scanner.is_fresh());
        scanner.scan(b"G", 100).unwrap();
        assert!(!scanner.is_fresh());
    }

    fn octet_by_octet(octets: &[u8], limit: usize) -> Result<Option<usize>, HeadFault> {
        let mut scanner = HeadScanner::default();
        for end in 0..=octets.len() {
            match scanner.scan(&octets[..end], limit) {
                Ok(None) => {}
                done => return done,
            }
        }
        Ok(None)
    }

    #[test]
    fn a_scanner_is_eight_octets() {
        assert_eq!(size_of::<HeadScanner>(), 8);
    }

    #[test]
    fn rule_07_octets_behind_the_head_are_not_its() {
        assert_eq!(whole(HEAD, 100), Ok(Some(HEAD.len())));
        assert_eq!(whole(b"a\r\n\r\n\0\0", 100), Ok(Some(5)));
        assert_eq!(whole(b"a\r\n\r\n\r\n", 100), Ok(Some(5)));
    }

    #[test]
    fn rule_09_a_head_of_the_limit_passes_and_one_more_octet_fails() {
        assert_eq!(whole(HEAD, HEAD.len()), Ok(Some(HEAD.len())));
        for scan in [whole, octet_by_octet] {
            assert_eq!(scan(HEAD, HEAD.len() - 1), Err(HeadFault::TooLarge));
            assert_eq!(
                scan(HEAD, 16),
                Err(HeadFault::TooLarge),
                "first line is whole"
            );
            assert_eq!(scan(HEAD, 15), Err(HeadFault::StartLineTooLong));
            assert_eq!(scan(HEAD, 0), Err(HeadFault::StartLineTooLong));
        }
    }

    #[test]
    fn rule_10_control_octets_fail_as_soon_as_they_are_seen() {
        for octet in 0..=u8::MAX {
            for before in 1..20 {
                let mut octets = [b'a'; 24];
                octets[before] = octet;
                let seen = &octets[..=before];
                let legal = !is_control(octet) || octet == b'\t' || octet == b'\r';
                let expected = if legal {
                    Ok(None)
                } else {
                    Err(HeadFault::Malformed)
                };
                assert_eq!(whole(seen, 100), expected, "{octet:#x} at {before}");
                assert_eq!(
                    octet_by_octet(seen, 100),
                    expected,
                    "{octet:#x} at {before}"
                );
            }
        }
    }

    #[test]
    fn rule_10_bare_cr_lone_lf_and_leading_empty_lines_are_malformed() {
        for octets in [
            &b"GET / HTTP/1.1\rHost"[..],
            b"GET / HTTP/1.1\nHost",
            b"\n",
            b"\r",
            b"\r\nGET / HTTP/1.1",
            b"a\r\n\n",
            b"a\r\n\rb",
            b"a\r\r\n",
            b"a\n\n",
        ] {
            assert_eq!(whole(octets, 100), Err(HeadFault::Malformed), "{octets:?}");
            assert_eq!(
                octet_by_octet(octets, 100),
                Err(HeadFault::Malformed),
                "{octets:?}"
            );
        }
    }

    #[test]
    fn fields_come_with_their_values_trimmed() {
        let head = b"x\r\nA:1\r\nB: \t2 3\t \r\nC:\r\nD:\xff:\x80\r\n\r\n";
        assert!(Fields::of_head(head).eq([
            ("A", &b"1"[..]),
            ("B", b"2 3"),
            ("C", b""),
            ("D", b"\xff:\x80"),
        ]));
        assert_eq!(Fields::of_head(head).single("a"), Single::One(b"1"));
        assert_eq!(Fields::of_head(head).single("e"), Single::Missing);
        assert_eq!(
            Fields::of_head(b"x\r\nA:1\r\na:1\r\n\r\n").single("A"),
            Single::Several
        );
    }

    #[cfg(feature = "std")]
    mod properties {
        use proptest::prelude::*;
        use std::vec::Vec;

        use super::*;

        fn octets() -> impl Strategy<Value = Vec<u8>> {
            let likely = prop::sample::select(&b"\r\n\r\n\r\n\t\0\x7f: abcdefghijkl\x80"[..]);
            prop_oneof![
                prop::collection::vec(likely, 0..60),
                prop::collection::vec(any::<u8>(), 0..60),
                prop::collection::vec(0x20..0x7fu8, 0..60).prop_map(|mut line| {
                    line.extend_from_slice(b"\r\n\r\n");
                    line
                }),
            ]
        }

        /// The same in a plain way, to compare with.
        fn plain(octets: &[u8], limit: usize) -> Result<Option<usize>, HeadFault> {
            for end in 0..=octets.len().min(limit) {
                let seen = &octets[..end];
                if seen.len() > 4 && seen.ends_with(b"\r\n\r\n") && !seen.starts_with(b"\r") {
                    return Ok(Some(end));
                }
                let before = seen.len().checked_sub(2).map(|at| seen[at]);
                let bad = match seen.last() {
                    None => false,
                    Some(b'\n') => before != Some(b'\r'),
                    Some(_) if before == Some(b'\r') => true,
                    Some(b'\r') => before.is_none(),
                    Some(&octet) => is_control(octet) && octet != b'\t',
                };
                if bad {
                    return Err(HeadFault::Malformed);
                }
            }
            if octets.len() < limit {
                Ok(None)
            } else if octets[..limit].contains(&b'\n') {
                Err(HeadFault::TooLarge)
            } else {
                Err(HeadFault::StartLineTooLong)
            }
        }

        proptest! {
            #[test]
            fn rule_13_a_scan_is_the_same_however_the_octets_are_cut(
                octets in octets(),
                limit in 0..80usize,
                cuts in prop::collection::vec(0..60usize, 0..4),
            ) {
                let expected = plain(&octets, limit);
                prop_assert_eq!(whole(&octets, limit), expected);
                prop_assert_eq!(octet_by_octet(&octets, limit), expected);

                let mut cuts = cuts;
                cuts.sort_unstable();
                cuts.push(octets.len());
                let mut scanner = HeadScanner::default();
                let mut result = Ok(None);
                for cut in cuts {
                    result = scanner.scan(&octets[..cut.min(octets.len())], limit);
                    if result != Ok(None) {
                        break;
                    }
                }
                prop_assert_eq!(result, expected);
            }

            #[test]
            fn rule_12_any_octets_can_be_iterated_as_fields(octets in octets()) {
                prop_assert!(Fields::of_head(&octets).count() <= octets.len());
            }
        }
    }
}
