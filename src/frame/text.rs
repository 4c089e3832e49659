//! Unmasking a text and judging it, block by block, so that the second look at a block finds it in the
//! cache nearest to the processor.

use super::mask::{self, MaskKey};
use super::unchecked::wide;
use crate::utf8::{self, InvalidUtf8, Utf8Validator, cut_off};

/// Fits the first-level cache beside what it comes from. A multiple of four, so that the key stays.
pub(super) const BLOCK: usize = 16 << 10;

/// Unmasks the next piece of a text in place, and takes it to the validator. `key` is the one for its
/// first octet.
///
/// # Errors
/// [`InvalidUtf8`] as soon as the block that shows it is through; what follows is still masked.
pub(super) fn unmask_piece(
    piece: &mut [u8],
    key: MaskKey,
    text: &mut Utf8Validator,
) -> Result<(), InvalidUtf8> {
    for block in piece.chunks_mut(BLOCK) {
        let ascii = mask::apply_ascii(block, key);
        if !(ascii && text.is_complete()) {
            validate(block, text)?;
        }
    }
    Ok(())
}

/// Takes the next piece of a text to the validator: in wide registers, where it is long and the processor has
/// them, but for what is cut off at either end.
///
/// # Errors
/// [`InvalidUtf8`].
pub(crate) fn validate(piece: &[u8], text: &mut Utf8Validator) -> Result<(), InvalidUtf8> {
    let (open, rest) = piece.split_at(text.missing().min(piece.len()));
    if rest.len() < wide::TEXT {
        return text.validate(piece);
    }
    match wide::judge::<false>(rest) {
        Some(true) => {
            let (_, cut) = rest.split_at(rest.len().saturating_sub(cut_off(rest)));
            text.validate(open)?;
            text.validate(cut)
        }
        Some(false) => Err(InvalidUtf8),
        None => validate_unwide(piece, text),
    }
}

/// Where the processor has nothing wider than all have, or was not asked yet.
#[inline(never)]
fn validate_unwide(piece: &[u8], text: &mut Utf8Validator) -> Result<(), InvalidUtf8> {
    wide::find();
    text.validate(piece)
}

/// Whether octets are UTF-8.
#[inline(never)]
pub(super) fn is_text(octets: &[u8]) -> bool {
    if octets.len() < wide::TEXT {
        return utf8::is_text(octets);
    }
    match wide::judge::<true>(octets) {
        Some(judged) => judged,
        None => is_text_unwide(octets),
    }
}

/// As [`validate_unwide`].
#[inline(never)]
fn is_text_unwide(octets: &[u8]) -> bool {
    wide::find();
    utf8::is_text(octets)
}

/// Unmasks a text in place, and says whether it is UTF-8.
#[inline(never)]
pub(super) fn unmask_whole(payload: &mut [u8], key: MaskKey) -> bool {
    let mut text = Utf8Validator::new();
    unmask_piece(payload, key, &mut text).is_ok() && text.is_complete()
}

#[cfg(all(test, feature = "alloc"))]
mod tests {
    use alloc::vec::Vec;
    use core::str::from_utf8;

    use super::*;

    const KEY: MaskKey = [0xA1, 0x02, 0xE3, 0x44];

    /// Masks a text where it lies, and unmasks it in one; judges it as a whole beside that, in all registers there are.
    fn judged(octets: &mut [u8]) -> bool {
        let text = octets.to_vec();
        let whole = is_text(octets);
        for by_one in wide::judge_by_each::<true>(octets) {
            assert_eq!(by_one, whole, "{text:x?}");
        }
        let may_go_on = |text| {
            from_utf8(text)
                .err()
                .is_none_or(|e| e.error_len().is_none())
        };
        let cut = &octets[octets.len() - cut_off(octets)..];
        for by_one in wide::judge_by_each::<false>(octets) {
            assert_eq!(by_one && may_go_on(cut), may_go_on(octets), "{text:x?}");
        }
        mask::apply(octets, KEY);
        let judged = unmask_whole(octets, KEY);
        assert!(!judged || octets == text, "unmasked");
        assert_eq!(judged, whole, "{text:x?}");
        judged
    }

    /// Code points of one to four octets.
    fn text(length: usize) -> Vec<u8> {
        let text = "a\u{e9}\u{2603}\u{1F4A9}bc\u{DF}d".repeat(length / 15 + 1);
        let mut octets = text.into_bytes();
        octets.truncate(length);
        octets
    }

    #[test]
    fn rule_29_texts_are_judged_alike_before_it_is_known_what_the_processor_has() {
        let whole = text(200);
        let mut wrong = whole.clone();
        wrong[150] = 0xFF;
        for (octets, is_right) in [(&whole, true), (&wrong, false)] {
            let octets = &octets[..octets.len() - cut_off(octets)];
            assert_eq!(is_text_unwide(octets), is_right);
            let judged = validate_unwide(octets, &mut Utf8Validator::new());
            assert_eq!(judged.is_ok(), is_right);
        }
    }

    #[test]
    fn rule_29_four_octets_wherever_they_lie_are_judged_as_by_the_library() {
        let edges = [
            0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC1, 0xC2, 0xE0, 0xED, 0xEF, 0xF0,
            0xF4, 0xF5,
        ];
        // Within a block, across the end of one of 32 and of 64, at the text's end.
        for place in [5, 62, 131] {
            for four in (0..1 << 16).map(|i| [i >> 12, i >> 8, i >> 4, i].map(|i| edges[i & 15])) {
                let mut octets = [b'.'; 135];
                octets[place..place + 4].copy_from_slice(&four);
                let expected = from_utf8(&octets).is_ok();
                assert_eq!(judged(&mut octets), expected, "{four:x?} at {place}");
            }
        }
    }

    #[test]
    fn rule_29_every_octet_behind_which_a_text_ends_is_judged_as_by_the_library() {
        for octet in 0..=255 {
            for from_end in 1..=4 {
                let mut octets = [0x90; 70];
                octets[..70 - from_end].fill(b'.');
                octets[70 - from_end] = octet;
                let expected = from_utf8(&octets).is_ok();
                assert_eq!(judged(&mut octets), expected, "{octet:x}, {from_end}");
            }
        }
    }

    #[test]
    fn rule_29_texts_of_every_length_cut_or_broken_anywhere_are_judged_as_by_the_library() {
        let mut memory = alloc::vec![0; 1024];
        for length in (0..170).chain(508..520).chain(640..644) {
            let text = text(length);
            // Wherever a text lies, beside the cache's lines.
            for offset in 0..33 {
                let place = &mut memory[offset..offset + length];
                place.copy_from_slice(&text);
                assert_eq!(
                    judged(place),
                    from_utf8(&text).is_ok(),
                    "{length} at {offset}"
                );
            }
            for place in 0..length {
                for octet in [0x41, 0x80, 0xC3, 0xF0] {
                    let mut broken = text.clone();
                    broken[place] = octet;
                    let expected = from_utf8(&broken).is_ok();
                    assert_eq!(
                        judged(&mut broken),
                        expected,
                        "{octet:x} at {place} of {length}"
                    );
                }
            }
        }
    }

    #[test]
    fn rule_29_a_text_is_judged_alike_in_two_pieces() {
        let octets = text(16 * 12);
        for cut in 0..=octets.len() {
            for broken in [
                None,
                Some(cut / 2),
                Some(cut),
                Some((cut + octets.len()) / 2),
            ] {
                let mut octets = octets.clone();
                if let Some(octet) = broken.and_then(|place| octets.get_mut(place)) {
                    *octet = 0xFF;
                }
                let expected = from_utf8(&octets).is_ok();
                mask::apply(&mut octets, KEY);
                let (one, two) = octets.split_at_mut(cut);
                let mut text = Utf8Validator::new();
                let judged = unmask_piece(one, KEY, &mut text)
                    .and_then(|()| unmask_piece(two, mask::rotate(KEY, cut), &mut text));
                assert_eq!(judged.is_ok(), expected, "{broken:?}, cut at {cut}");
                assert!(judged.is_err() || text.is_complete());
            }
        }
    }
}
