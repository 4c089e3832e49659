//! Questions about octets that all of the handshake asks: what are they, where do they stand.

/// A set of ASCII octets, two words wide.
#[derive(Clone, Copy)]
pub(super) struct OctetSet {
    /// Those below 64.
    low: u64,
    /// Those from 64 to 127.
    high: u64,
}

impl OctetSet {
    /// ASCII letters, digits, and these.
    pub(super) const fn alphanumeric_and(others: &[u8]) -> Self {
        let set = Self { low: 0, high: 0 };
        set.with(b"0123456789")
            .with(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
            .with(b"abcdefghijklmnopqrstuvwxyz")
            .with(others)
    }

    const fn with(mut self, mut octets: &[u8]) -> Self {
        while let [octet, rest @ ..] = octets {
            let bit = 1_u64.wrapping_shl(*octet as u32);
            match *octet >> 6 {
                0 => self.low |= bit,
                _ => self.high |= bit,
            }
            octets = rest;
        }
        self
    }

    #[inline]
    pub(super) const fn contains(self, octet: u8) -> bool {
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

/// The place of the first control octet at `from` or behind it, or the end.
///
/// Eight octets are tested at once: subtracting from an octet below the bound borrows into its top bit.
/// A borrow can only spoil the octets above it, so that the lowest bit set is always right.
#[inline]
pub(super) fn find_control(octets: &[u8], from: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = ONES << 7;
    const SPACES: u64 = ONES << 5;
    const DELS: u64 = TOPS.wrapping_sub(ONES);

    let tail = octets.get(from..).unwrap_or_default();
    let (words, last) = tail.as_chunks::<8>();
    let mut at = from;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let below_space = word.wrapping_sub(SPACES) & !word;
        let not_del = word ^ DELS;
        let del = not_del.wrapping_sub(ONES) & !not_del;
        let found = (below_space | del) & TOPS;
        if found != 0 {
            return at.saturating_add(usize::try_from(found.trailing_zeros() / 8).unwrap_or(0));
        }
        at = at.saturating_add(8);
    }
    let found = last.iter().position(|&octet| is_control(octet));
    at.saturating_add(found.unwrap_or(last.len()))
}

/// Whether these are the same ASCII letters in any case, and the same other octets.
///
/// The library's comparison does the same in five times the code.
pub(super) fn is_same(one: impl AsRef<[u8]>, other: &str) -> bool {
    same_octets(one.as_ref(), other.as_bytes())
}

fn same_octets(one: &[u8], other: &[u8]) -> bool {
    let same = |(one, other): (&u8, &u8)| one.eq_ignore_ascii_case(other);
    one.len() == other.len() && one.iter().zip(other).all(same)
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
                for at in 0..20 {
                    let mut octets = [before; 21];
                    octets[at] = octet;
                    // A borrow out of the first must not hide it, nor make another the first.
                    octets[20] = 0;
                    let expected = if is_control(octet) { at } else { 20 };
                    assert_eq!(find_control(&octets, 0), expected, "{octet:#x} at {at}");
                    assert_eq!(find_control(&octets, at), expected);
                    assert_eq!(find_control(&octets[..20], at + 1), 20);
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
