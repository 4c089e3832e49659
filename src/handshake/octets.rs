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

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = ONES << 7;

/// The place of the first octet that is sought, or the end.
///
/// `any` says whether a block holds one: compilers make a few vector instructions of it. `tops` sets the top bit of
/// each octet of a word that is one, and perhaps of octets above such a one: the lowest bit is always right.
#[inline(always)]
fn find(
    octets: &[u8],
    any: impl Fn(&[u8; 16]) -> bool,
    tops: impl Fn(u64) -> u64,
    is_one: impl Fn(&u8) -> bool,
) -> usize {
    let mut at = 0_usize;
    if QUICK {
        for block in octets.as_chunks::<16>().0 {
            if any(block) {
                break;
            }
            at = at.wrapping_add(16);
        }
    }
    let tail = octets.get(at..).unwrap_or_default();
    let (words, last) = tail.as_chunks::<8>();
    for word in words {
        let found = tops(u64::from_le_bytes(*word)) & TOPS;
        if found != 0 {
            return at.wrapping_add(usize::try_from(found.trailing_zeros() / 8).unwrap_or(0));
        }
        at = at.wrapping_add(8);
    }
    at.wrapping_add(last.iter().position(is_one).unwrap_or(last.len()))
}

/// The place of the first control octet at `from` or behind it, or the end.
#[cfg_attr(feature = "alloc", inline)]
#[cfg_attr(not(feature = "alloc"), inline(never))]
pub(super) fn find_control(octets: &[u8], from: usize) -> usize {
    const SPACES: u64 = ONES << 5;
    const DELS: u64 = TOPS.wrapping_sub(ONES);
    let place = find(
        octets.get(from..).unwrap_or_default(),
        |block| {
            block
                .iter()
                .fold(false, |any, octet| any | is_control(*octet))
        },
        |word| {
            // Subtracting from an octet below the bound borrows into its top bit.
            let below_space = word.wrapping_sub(SPACES) & !word;
            let not_del = word ^ DELS;
            let del = not_del.wrapping_sub(ONES) & !not_del;
            below_space | del
        },
        |octet| is_control(*octet),
    );
    from.saturating_add(place)
}

/// The place of the first CR, or the end.
#[inline]
pub(super) fn find_cr(octets: &[u8]) -> usize {
    const CRS: u64 = ONES * 0x0D;
    let is_cr = |octet: &u8| *octet == b'\r';
    if !QUICK {
        return octets.iter().position(is_cr).unwrap_or(octets.len());
    }
    find(
        octets,
        |block| block.iter().fold(false, |any, octet| any | is_cr(octet)),
        |word| {
            let not_cr = word ^ CRS;
            not_cr.wrapping_sub(ONES) & !not_cr
        },
        is_cr,
    )
}

/// Whether these are the same ASCII letters in any case, and the same other octets.
///
/// The library's comparison does the same in five times the code. Most often the case is the same, too.
pub(super) fn is_same(one: impl AsRef<[u8]>, other: &str) -> bool {
    same_octets(one.as_ref(), other.as_bytes())
}

fn same_octets(one: &[u8], other: &[u8]) -> bool {
    let same = |(one, other): (&u8, &u8)| one.eq_ignore_ascii_case(other);
    one.len() == other.len() && (QUICK && one == other || one.iter().zip(other).all(same))
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
pub(super) const fn trim_ows(mut octets: &[u8]) -> &[u8] {
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
                    // A borrow out of the first must not hide it, nor make another the first.
                    octets[60] = b'\r';
                    let first = |hit: bool| if hit { at } else { 60 };
                    let control = first(is_control(octet));
                    assert_eq!(find_control(&octets, 0), control, "{octet:#x} at {at}");
                    assert_eq!(find_control(&octets, at), control);
                    assert_eq!(
                        find_cr(&octets),
                        first(octet == b'\r'),
                        "{octet:#x} at {at}"
                    );
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
    fn a_part_is_found_in_its_whole() {
        let whole = [0; 10];
        assert_eq!(offset_in(&whole, &whole[..0]), Some(0));
        assert_eq!(offset_in(&whole, &whole[7..9]), Some(7));
        assert_eq!(offset_in(&whole[..5], &whole[7..]), None);
        assert_eq!(offset_in(&whole[5..], &whole[..2]), None);
    }
}
