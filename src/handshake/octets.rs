//! Questions about octets that all of the handshake asks: what are they, where do they stand.

/// With an allocator code is quick, without one it is small: tables, and blocks before octets.
pub(crate) const QUICK: bool = cfg!(feature = "alloc");

/// A set of ASCII octets: a table, or two words where room is short.
pub(super) struct OctetSet {
    #[cfg(feature = "alloc")]
    table: [bool; 256],
    /// Those below 64.
    #[cfg(not(feature = "alloc"))]
    low: u64,
    /// Those from 64 to 127.
    #[cfg(not(feature = "alloc"))]
    high: u64,
}

impl OctetSet {
    /// ASCII letters, digits, and these.
    pub(super) const fn alphanumeric_and(others: &[u8]) -> Self {
        Self::EMPTY
            .with(b"0123456789")
            .with(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
            .with(b"abcdefghijklmnopqrstuvwxyz")
            .with(others)
    }

    const fn with(mut self, mut octets: &[u8]) -> Self {
        while let [octet, rest @ ..] = octets {
            self.insert(*octet);
            octets = rest;
        }
        self
    }
}

#[cfg(feature = "alloc")]
#[expect(
    clippy::indexing_slicing,
    reason = "the table has a place for each octet"
)]
impl OctetSet {
    const EMPTY: Self = Self {
        table: [false; 256],
    };

    const fn insert(&mut self, octet: u8) {
        self.table[octet as usize] = true;
    }

    #[inline]
    pub(super) const fn contains(&self, octet: u8) -> bool {
        self.table[octet as usize]
    }
}

#[cfg(not(feature = "alloc"))]
impl OctetSet {
    const EMPTY: Self = Self { low: 0, high: 0 };

    const fn insert(&mut self, octet: u8) {
        let bit = 1_u64.wrapping_shl(octet as u32);
        match octet >> 6 {
            0 => self.low |= bit,
            _ => self.high |= bit,
        }
    }

    #[inline]
    pub(super) const fn contains(&self, octet: u8) -> bool {
        let word = match octet >> 6 {
            0 => self.low,
            1 => self.high,
            _ => 0,
        };
        // The shift takes the octet modulo 64.
        word.wrapping_shr(octet as u32) & 1 != 0
    }
}

/// Whether this is a control octet; HT is one.
pub(super) const fn is_control(octet: u8) -> bool {
    octet < 0x20 || octet == 0x7F
}

/// Eight octets with the same bits in each.
const fn all(octet: u8) -> u64 {
    u64::from_ne_bytes([octet; 8])
}

/// The top bit of each octet.
const TOPS: u64 = all(0x80);

/// The place of the first octet that is sought, or the end.
///
/// `tops` sets the top bit of each octet of a word, in which the first is lowest, that is sought, and perhaps of octets
/// behind such a one: the lowest bit is always right.
#[inline(always)]
fn find(octets: &[u8], tops: impl Fn(u64) -> u64, is_sought: impl Fn(u8) -> bool) -> usize {
    let mut at = 0_usize;
    if QUICK {
        for word in octets.as_chunks::<8>().0 {
            let found = tops(u64::from_le_bytes(*word)) & TOPS;
            if found != 0 {
                return at.wrapping_add(usize::try_from(found.trailing_zeros() / 8).unwrap_or(0));
            }
            at = at.wrapping_add(8);
        }
    }
    let rest = octets.get(at..).unwrap_or_default();
    let place = rest.iter().position(|octet| is_sought(*octet));
    at.wrapping_add(place.unwrap_or(rest.len()))
}

/// The place of the first control octet at `from` or behind it, or the end.
#[cfg_attr(feature = "alloc", inline)]
#[cfg_attr(not(feature = "alloc"), inline(never))]
pub(super) fn find_control(octets: &[u8], from: usize) -> usize {
    let tops = |word: u64| {
        // Subtracting from an octet below the bound borrows into its top bit.
        let below_space = word.wrapping_sub(all(b' ')) & !word;
        let not_del = word ^ all(0x7F);
        below_space | not_del.wrapping_sub(all(1)) & !not_del
    };
    let place = find(octets.get(from..).unwrap_or_default(), tops, is_control);
    from.saturating_add(place)
}

/// The place of the first CR, or the end.
#[inline]
pub(super) fn find_cr(octets: &[u8]) -> usize {
    let tops = |word: u64| {
        let not_cr = word ^ all(b'\r');
        not_cr.wrapping_sub(all(1)) & !not_cr
    };
    find(octets, tops, |octet| octet == b'\r')
}

/// The place of the first octet that is no ASCII letter, no digit and no hyphen, or the end.
#[inline]
pub(super) fn find_unusual(octets: &[u8]) -> usize {
    let tops = |word: u64| {
        let low = word & !TOPS;
        // Adding what is missing to 128 sets the top bit of those from a bound on.
        let from = |word: u64, bound: u8| word.wrapping_add(all(0x80_u8.wrapping_sub(bound)));
        let letters = low | all(0x20);
        let letter = from(letters, b'a') & !from(letters, b'z' + 1);
        let digit = from(low, b'0') & !from(low, b'9' + 1);
        let hyphen = !from(low ^ all(b'-'), 1);
        word | !(letter | digit | hyphen)
    };
    find(octets, tops, |octet| {
        !octet.is_ascii_alphanumeric() && octet != b'-'
    })
}

/// Whether these are the same ASCII letters in any case, and the same other octets.
///
/// The library's comparison does the same in five times the code. Most often the case is the same, too, which is a few
/// instructions where `other` is a constant.
#[cfg_attr(feature = "alloc", inline)]
pub(super) fn is_same(one: impl AsRef<[u8]>, other: &str) -> bool {
    let (one, other) = (one.as_ref(), other.as_bytes());
    one.len() == other.len() && (QUICK && one == other || is_same_but_for_case(one, other))
}

#[cfg_attr(feature = "alloc", inline(never))]
fn is_same_but_for_case(one: &[u8], other: &[u8]) -> bool {
    let same = |(one, other): (&u8, &u8)| one.eq_ignore_ascii_case(other);
    one.iter().zip(other).all(same)
}

/// The number that these decimal digits are, saturated; `None` where one is no digit.
pub(super) fn decimal(digits: &[u8]) -> Option<u32> {
    let mut number = 0_u32;
    for digit in digits {
        let digit = digit.is_ascii_digit().then_some(digit & 0x0F)?;
        number = number.saturating_mul(10).saturating_add(digit.into());
    }
    Some(number)
}

/// Without spaces and tabs at either end (RFC 9110 §5.6.3).
#[inline]
pub(super) const fn trim_ows(octets: &[u8]) -> &[u8] {
    match octets {
        // As nearly all are written: one space in front, and two or more octets that aren't white space.
        [b' ', rest @ ..] if QUICK && matches!(rest, [b'!'..=0xFF, .., b'!'..=0xFF]) => rest,
        _ => trim_each(octets),
    }
}

const fn trim_each(mut octets: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = octets {
        octets = rest;
    }
    octets
}

/// `text` at the first of these ASCII octets, which the second part begins with, or at its end.
///
/// The library's searches do the same in ten times the code.
#[allow(clippy::manual_contains, reason = "for octets that is such a search")]
pub(super) fn split_at_any<'a>(text: &'a str, octets: &[u8]) -> (&'a str, &'a str) {
    let is_end = |octet| octets.contains(&octet);
    let end = text.bytes().position(is_end);
    end.and_then(|end| text.split_at_checked(end))
        .unwrap_or((text, ""))
}

/// The scheme of a URL, and what stands behind its `://`.
pub(super) fn split_scheme(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = split_at_any(url, b":");
    let rest = rest.as_bytes().strip_prefix(b"://")?;
    // What stands behind an ASCII octet of a text is text.
    let rest = url.get(url.len().checked_sub(rest.len())?..)?;
    Some((scheme, rest))
}

/// Where `part`, a slice of `whole`, begins in it.
pub(super) fn offset_in(whole: &[u8], part: &[u8]) -> Option<u16> {
    let offset = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    u16::try_from(offset).ok().filter(|_| offset <= whole.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_it_was_made_of() {
        let set = OctetSet::alphanumeric_and(b"!?@~");
        for octet in 0..=u8::MAX {
            let expected = octet.is_ascii_alphanumeric() || b"!?@~".contains(&octet);
            assert_eq!(set.contains(octet), expected, "{octet:#x}");
        }
    }

    #[test]
    fn the_first_control_octet_is_found_wherever_it_stands() {
        for before in [0x20, b'a', 0x7E, 0x80, 0xFF] {
            for octet in 0..=u8::MAX {
                for at in 0..60 {
                    let mut octets = [before; 61];
                    octets[at] = octet;
                    // Another must not be taken for the first.
                    octets[60] = b'\r';
                    let first = |hit: bool| if hit { at } else { 60 };
                    let control = first(is_control(octet));
                    assert_eq!(find_control(&octets, 0), control, "{octet:#x} at {at}");
                    assert_eq!(find_control(&octets, at), control);
                    let cr = first(octet == b'\r');
                    assert_eq!(find_cr(&octets), cr, "{octet:#x} at {at}");
                    assert_eq!(
                        (find_control(&octets[..at], 0), find_cr(&octets[..at])),
                        (at, at)
                    );
                }
            }
        }
        assert_eq!(find_control(b"abc", 4), 4);
    }

    #[test]
    fn the_first_octet_that_names_seldom_have_is_found_wherever_it_stands() {
        for usual in *b"azAZ09-" {
            for octet in 0..=u8::MAX {
                for at in 0..20 {
                    let mut octets = [usual; 20];
                    octets[at] = octet;
                    let is_usual = octet.is_ascii_alphanumeric() || octet == b'-';
                    let place = if is_usual { 20 } else { at };
                    assert_eq!(find_unusual(&octets), place, "{octet:#x} at {at}");
                    // A carry out of one octet must not make another the first.
                    octets[at..].fill(octet);
                    assert_eq!(find_unusual(&octets), place, "{octet:#x} from {at} on");
                }
            }
        }
    }

    #[test]
    fn a_part_is_found_in_its_whole() {
        let whole = [0; 10];
        assert_eq!(offset_in(&whole, &whole[..0]), Some(0));
        assert_eq!(offset_in(&whole, &whole[7..9]), Some(7));
        assert_eq!(offset_in(&whole[..5], &whole[7..]), None);
        assert_eq!(offset_in(&whole[5..], &whole[..2]), None);
    }
}
