//! Masking (RFC 6455 §5.3): the payload of a client's frame, exclusive-or the frame's key, repeated.
//!
//! All of it is safe code without a loop over single octets: each size class works on fixed-size
//! blocks, and what is left over at the end is covered by one block that overlaps the one before.
//! That last block is read before anything is written and written after everything else. The compiler
//! makes vectors of the blocks; for processors that are found to have AVX2 or AVX-512 (feature `simd`) it has made
//! vectors of twice and four times the width, too. From half a KiB on the blocks begin where a line of the cache does,
//! wherever the payload lies: what is stored across two lines takes as long as two or three others.
//!
//! ```
//! use websocket_proto::frame::mask;
//!
//! let key = [0x37, 0xFA, 0x21, 0x3D];
//! let mut payload = *b"Hello";
//! mask::apply(&mut payload, key);
//! assert_eq!(payload, [0x7F, 0x9F, 0x4D, 0x51, 0x58]);
//! mask::apply(&mut payload, key);
//! assert_eq!(&payload, b"Hello");
//! ```

use super::unchecked::wide;

/// A masking key: the octet `i` of a payload goes with the octet `i % 4` of the key.
pub type MaskKey = [u8; 4];

/// Where a client's fresh masking keys come from (RFC 6455 §5.3, §10.3).
///
/// Each frame takes one. They have to be unpredictable: whoever can foresee them can choose what
/// stands on the wire. Any `FnMut() -> [u8; 4]` is a source; under the feature `std`
/// `SystemKeys` (feature `std`) draws on the system's entropy.
pub trait KeySource {
    /// The next key.
    fn next_key(&mut self) -> MaskKey;
}

impl<F: FnMut() -> MaskKey> KeySource for F {
    fn next_key(&mut self) -> MaskKey {
        self()
    }
}

/// The key for the octets that follow `octets` masked ones.
#[must_use]
#[inline]
pub const fn rotate(key: MaskKey, octets: usize) -> MaskKey {
    rotated(u32::from_ne_bytes(key), octets).to_ne_bytes()
}

/// `key` turned so that its first octet in memory is the one for offset `octets`.
#[inline]
const fn rotated(key: u32, octets: usize) -> u32 {
    // A rotation counts modulo 32, so that the low octet says enough.
    let bits = (octets.to_le_bytes()[0] as u32).wrapping_mul(8);
    if cfg!(target_endian = "little") {
        key.rotate_right(bits)
    } else {
        key.rotate_left(bits)
    }
}

/// The key twice, for eight octets at once.
#[inline]
const fn doubled(key: u32) -> u64 {
    (key as u64) | ((key as u64) << 32)
}

/// Masks a block of `N` octets, a multiple of 8. The near ones go in the key's own width: to spread it over a register
/// is two instructions then, and six from the key twice. Where a block is looked at as well, that goes by words of 8.
#[inline(always)]
fn mask<const N: usize>(block: &mut [u8; N], key: u32) {
    if N == NEAR {
        for word in block.as_chunks_mut::<4>().0 {
            *word = (u32::from_ne_bytes(*word) ^ key).to_ne_bytes();
        }
    } else {
        for word in block.as_chunks_mut::<8>().0 {
            *word = (u64::from_ne_bytes(*word) ^ doubled(key)).to_ne_bytes();
        }
    }
}

/// Masks, or unmasks, `payload` in place. `key` is the one for its first octet: see [`rotate`].
pub fn apply(payload: &mut [u8], key: MaskKey) {
    let key = u32::from_ne_bytes(key);
    if IN_BLOCKS && payload.len() >= AFAR {
        apply_long(payload, key);
    } else {
        apply_short::<false>(payload, key);
    }
}

/// As [`apply`], and says whether all octets are ASCII once they are unmasked: one pass for both.
#[inline]
pub(crate) fn apply_ascii(payload: &mut [u8], key: MaskKey) -> bool {
    let key = u32::from_ne_bytes(key);
    let seen = if IN_BLOCKS && payload.len() >= LONG {
        ascii_long(payload, key)
    } else {
        apply_short::<true>(payload, key)
    };
    seen & HIGH_BITS == 0
}

/// Blocks are quick, and take code. Without an allocator, where room is short, octets go by words.
pub(super) const IN_BLOCKS: bool = cfg!(feature = "alloc");

/// From this length on octets go out of line, by blocks of this length: a call is little then.
const LONG: usize = 32;

/// Unless they aren't looked at on the way: what goes by [`NEAR`] blocks up to this length is little code then.
const AFAR: usize = 64;

/// As wide as the registers that all processors have. Who copies a payload next takes it in such blocks, too: a load of
/// octets that were just stored in smaller pieces waits for them.
const NEAR: usize = 16;

/// The high bits of eight octets: any that is set is not ASCII.
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// From this length on it pays to ask what the processor can do, and octets go by blocks of this length.
pub(super) const WIDE: usize = 128;

/// A cache line, as wide as the widest registers: where blocks begin with one, no store crosses a line.
pub(super) const LINE: usize = 64;

/// From this length on it pays to begin where a line does.
const IN_LINES: usize = 512;

#[inline(never)]
fn apply_long(payload: &mut [u8], key: u32) {
    if payload.len() < WIDE {
        apply_blocks::<LONG, false, false>(payload, key);
    } else if !wide::apply(payload, key) {
        apply_unwide::<false>(payload, key);
    }
}

#[inline(never)]
fn ascii_long(payload: &mut [u8], key: u32) -> u64 {
    if payload.len() < WIDE {
        return apply_blocks::<LONG, true, false>(payload, key).unwrap_or_default();
    }
    match wide::apply_judged(payload, key) {
        Some(seen) => seen,
        None => apply_unwide::<true>(payload, key),
    }
}

/// Where the processor has nothing wider than all have, or was not asked yet. Out of line, so that others needn't save
/// registers for it.
#[inline(never)]
fn apply_unwide<const JUDGED: bool>(payload: &mut [u8], key: u32) -> u64 {
    wide::find();
    apply_lines::<LONG, JUDGED, false>(payload, key).unwrap_or_default()
}

/// For any length, best for short ones. Returns the unmasked octets or-ed together where `JUDGED`.
#[inline(always)]
fn apply_short<const JUDGED: bool>(payload: &mut [u8], key: u32) -> u64 {
    if IN_BLOCKS && !JUDGED && apply_blocks::<NEAR, JUDGED, false>(payload, key).is_some() {
        return 0;
    }
    if IN_BLOCKS && let Some(seen) = apply_blocks::<8, JUDGED, false>(payload, key) {
        return seen;
    }
    apply_words::<JUDGED>(payload, key)
}

/// As [`apply_short`]: whole words, then octet by octet.
#[inline(always)]
fn apply_words<const JUDGED: bool>(payload: &mut [u8], key: u32) -> u64 {
    let (words, rest) = payload.as_chunks_mut::<8>();
    let mut seen = 0;
    for word in words {
        mask(word, key);
        if JUDGED {
            seen |= u64::from_ne_bytes(*word);
        }
    }
    let mut key = key;
    for octet in rest {
        *octet ^= key.to_ne_bytes()[0];
        key = rotated(key, 1);
        seen |= u64::from(*octet);
    }
    seen
}

/// As [`apply_blocks`]; where there are many, they begin where a line does, and a line in front overlaps them.
#[inline(always)]
pub(super) fn apply_lines<const N: usize, const JUDGED: bool, const FLAT: bool>(
    payload: &mut [u8],
    key: u32,
) -> Option<u64> {
    let skipped = up_to_a_line(payload);
    let first = if skipped == 0 {
        None
    } else {
        payload.first_chunk::<LINE>().copied()
    };
    let mut seen =
        apply_blocks::<N, JUDGED, FLAT>(payload.get_mut(skipped..)?, rotated(key, skipped))?;
    if let Some(mut first) = first {
        mask(&mut first, key);
        *payload.first_chunk_mut()? = first;
        if JUDGED {
            let mut words = [0; LONG / 8];
            or_into(&mut words, &first);
            seen |= folded(words);
        }
    }
    Some(seen)
}

/// How many octets, less than a [`LINE`], lie before the first line that begins in so long a slice. None where it is
/// short.
#[inline(always)]
fn up_to_a_line(octets: &[u8]) -> usize {
    if octets.len() < IN_LINES {
        return 0;
    }
    octets.as_ptr().addr().wrapping_neg() % LINE
}

/// For at least `N` octets, a multiple of 8: all whole blocks, then the last block, which overlaps them.
/// Returns, where `JUDGED`, the octets that come of it or-ed together, eight abreast; nothing is done
/// below `N`. `FLAT` is for registers of 64 octets, where the compiler would else gather one word of each block.
#[inline(always)]
fn apply_blocks<const N: usize, const JUDGED: bool, const FLAT: bool>(
    payload: &mut [u8],
    key: u32,
) -> Option<u64> {
    // `N` is a multiple of four, so the key for the last block is the one for the payload's end.
    let end_key = rotated(key, payload.len());
    let mut last = *payload.last_chunk::<N>()?;
    mask(&mut last, end_key);
    let blocks = payload.as_chunks_mut::<N>().0;
    let mut seen = if FLAT {
        apply_in_a_row::<JUDGED>(blocks.as_flattened_mut(), key)
    } else {
        apply_one_by_one::<N, JUDGED>(blocks, key)
    };
    *payload.last_chunk_mut()? = last;
    if JUDGED {
        or_into(&mut seen, &last);
    }
    Some(folded(seen))
}

#[inline(always)]
fn apply_one_by_one<const N: usize, const JUDGED: bool>(
    blocks: &mut [[u8; N]],
    key: u32,
) -> [u64; LONG / 8] {
    let mut seen = [0; LONG / 8];
    for block in blocks {
        mask(block, key);
        if JUDGED {
            or_into(&mut seen, block);
        }
    }
    seen
}

/// As [`apply_one_by_one`], of all blocks' words.
#[inline(always)]
fn apply_in_a_row<const JUDGED: bool>(blocks: &mut [u8], key: u32) -> [u64; LONG / 8] {
    let mut seen = 0;
    for word in blocks.as_chunks_mut::<8>().0 {
        mask(word, key);
        if JUDGED {
            seen |= u64::from_ne_bytes(*word);
        }
    }
    [seen; LONG / 8]
}

/// Ors the words of a block together, as many abreast as `seen` has.
#[inline(always)]
fn or_into<const N: usize>(seen: &mut [u64; LONG / 8], block: &[u8; N]) {
    for part in block.chunks(LONG) {
        for (seen, word) in seen.iter_mut().zip(part.as_chunks::<8>().0) {
            *seen |= u64::from_ne_bytes(*word);
        }
    }
}

#[inline(always)]
fn folded(seen: [u64; LONG / 8]) -> u64 {
    seen.iter().fold(0, |seen, word| seen | word)
}

/// Copies `source` to `target` and masks it on the way: one pass over the octets.
///
/// Masks as many octets as the shorter of the two holds.
#[inline]
pub fn copy(target: &mut [u8], source: &[u8], key: MaskKey) {
    let length = target.len().min(source.len());
    let (Some(target), Some(source)) = (target.get_mut(..length), source.get(..length)) else {
        return;
    };
    let key = u32::from_ne_bytes(key);
    let in_blocks = IN_BLOCKS
        && (length >= WIDE && wide::copy(target, source, key)
            || copy_unwide(target, source, key)
            || copy_blocks::<NEAR, false>(target, source, key)
            || copy_blocks::<8, false>(target, source, key));
    if !in_blocks {
        copy_words(target, source, key);
    }
}

/// As [`apply_unwide`].
#[inline(always)]
fn copy_unwide(target: &mut [u8], source: &[u8], key: u32) -> bool {
    if target.len() >= WIDE {
        wide::find();
    }
    copy_lines::<LONG, false>(target, source, key)
}

/// Moves what stands from `gap` on to the beginning, and masks it on the way: one pass over the octets. False, and nothing
/// was done, where they are few.
pub(crate) fn shift(octets: &mut [u8], gap: usize, key: MaskKey) -> bool {
    let key = u32::from_ne_bytes(key);
    IN_BLOCKS
        && octets.len().saturating_sub(gap) >= IN_LINES
        && (wide::shift(octets, gap, key) || shift_unwide(octets, gap, key))
}

/// As [`apply_unwide`].
#[inline(never)]
fn shift_unwide(octets: &mut [u8], gap: usize, key: u32) -> bool {
    wide::find();
    shift_lines::<LINE>(octets, gap, key).is_some()
}

/// As [`shift`], of at least [`IN_LINES`] octets.
#[inline(always)]
pub(super) fn shift_lines<const N: usize>(octets: &mut [u8], gap: usize, key: u32) -> Option<()> {
    let length = octets.len().checked_sub(gap)?;
    let skipped = up_to_a_line(octets);
    // These two are written behind all others, as they lie where others have yet to be read, or lay.
    let mut first = *octets.get(gap..)?.first_chunk::<LINE>()?;
    mask(&mut first, key);
    let mut last = *octets.last_chunk::<N>()?;
    mask(&mut last, rotated(key, length));

    let rest = octets.get_mut(skipped..)?;
    let key = rotated(key, skipped);
    let mut at = 0_usize;
    while let Some(block) = rest.get(at.wrapping_add(gap)..)?.first_chunk::<N>() {
        let mut block = *block;
        mask(&mut block, key);
        *rest.get_mut(at..)?.first_chunk_mut()? = block;
        at = at.wrapping_add(N);
    }
    *octets.first_chunk_mut()? = first;
    *octets.get_mut(..length)?.last_chunk_mut()? = last;
    Some(())
}

/// Copies a payload as it is, in the blocks in which it was unmasked; false where it is shorter or longer than pays.
#[inline(always)]
pub(super) fn copy_near(target: &mut [u8], source: &[u8]) -> bool {
    if !IN_BLOCKS || source.len() > AFAR {
        return false;
    }
    let Some(last) = source.last_chunk::<NEAR>() else {
        return false;
    };
    let blocks = target.as_chunks_mut().0.iter_mut();
    for (target, source) in blocks.zip(source.as_chunks::<NEAR>().0) {
        *target = *source;
    }
    if let Some(target) = target.last_chunk_mut() {
        *target = *last;
    }
    true
}

/// For any length: whole words, then octet by octet.
#[inline(always)]
fn copy_words(target: &mut [u8], source: &[u8], key: u32) {
    let (words, rest) = target.as_chunks_mut::<8>();
    let (source_words, source_rest) = source.as_chunks::<8>();
    for (word, source) in words.iter_mut().zip(source_words) {
        *word = (u64::from_ne_bytes(*source) ^ doubled(key)).to_ne_bytes();
    }
    let mut key = key;
    for (target, source) in rest.iter_mut().zip(source_rest) {
        *target = source ^ key.to_ne_bytes()[0];
        key = rotated(key, 1);
    }
}

/// As [`copy_blocks`]; where there are many, they begin where a line of `target` does, and a line in front overlaps
/// them.
#[inline(always)]
pub(super) fn copy_lines<const N: usize, const FLAT: bool>(
    target: &mut [u8],
    source: &[u8],
    key: u32,
) -> bool {
    let skipped = up_to_a_line(target);
    if skipped != 0
        && let Some(target) = target.first_chunk_mut::<LINE>()
        && let Some(source) = source.first_chunk()
    {
        *target = *source;
        mask(target, key);
    }
    let (Some(target), Some(source)) = (target.get_mut(skipped..), source.get(skipped..)) else {
        return false;
    };
    copy_blocks::<N, FLAT>(target, source, rotated(key, skipped))
}

/// For at least `N` octets: all whole blocks, then the last block. False below `N`. `FLAT` as in [`apply_blocks`].
#[inline(always)]
fn copy_blocks<const N: usize, const FLAT: bool>(
    target: &mut [u8],
    source: &[u8],
    key: u32,
) -> bool {
    let Some(last) = source.last_chunk::<N>() else {
        return false;
    };
    let end_key = rotated(key, source.len());
    let (blocks, source_blocks) = (target.as_chunks_mut::<N>().0, source.as_chunks::<N>().0);
    if FLAT {
        let words = blocks.as_flattened_mut().as_chunks_mut::<8>().0;
        let source_words = source_blocks.as_flattened().as_chunks::<8>().0;
        copy_each(words, source_words, key);
    } else {
        copy_each(blocks, source_blocks, key);
    }
    if let Some(target) = target.last_chunk_mut() {
        let mut block = *last;
        mask(&mut block, end_key);
        *target = block;
    }
    true
}

#[inline(always)]
fn copy_each<const N: usize>(targets: &mut [[u8; N]], sources: &[[u8; N]], key: u32) {
    for (target, source) in targets.iter_mut().zip(sources) {
        let mut block = *source;
        mask(&mut block, key);
        *target = block;
    }
}

#[cfg(all(test, feature = "alloc"))]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn every_length_and_offset_is_masked_as_the_rfc_says() {
        let key = [0x01, 0x82, 0x33, 0xF4];
        let octets: Vec<u8> = (0..300_u32).map(|i| (i * 7 + 3) as u8).collect();
        for length in 0..=260 {
            for offset in 0..5 {
                let source = &octets[offset..offset + length];
                let expected: Vec<u8> = source
                    .iter()
                    .enumerate()
                    .map(|(i, octet)| octet ^ key[i % 4])
                    .collect();
                let mut in_place = octets.clone();
                apply(&mut in_place[offset..offset + length], key);
                assert_eq!(in_place[offset..offset + length], expected[..], "{length}");
                assert_eq!(in_place[..offset], octets[..offset], "nothing before");
                assert_eq!(
                    in_place[offset + length..],
                    octets[offset + length..],
                    "nothing after"
                );
                let mut again = octets.clone();
                let ascii = apply_ascii(&mut again[offset..offset + length], key);
                assert_eq!(again, in_place);
                assert_eq!(ascii, expected.is_ascii());
                let mut copied = alloc::vec![0; length];
                copy(&mut copied, source, key);
                assert_eq!(copied, expected, "{length}");

                // What is used where the processor has nothing wider.
                let mut again = octets.clone();
                let place = &mut again[offset..offset + length];
                let number = u32::from_ne_bytes(key);
                if let Some(seen) = apply_lines::<LONG, true, false>(place, number) {
                    assert_eq!(again, in_place);
                    assert_eq!(seen & HIGH_BITS == 0, expected.is_ascii());
                    let mut copied = alloc::vec![0; length];
                    assert!(copy_lines::<LONG, false>(&mut copied, source, number));
                    assert_eq!(copied, expected, "{length}");
                }

                // What is used without an allocator.
                let key = u32::from_ne_bytes(key);
                let mut again = octets.clone();
                let seen = apply_words::<true>(&mut again[offset..offset + length], key);
                assert_eq!(again, in_place);
                assert_eq!(seen & HIGH_BITS == 0, expected.is_ascii());
                let mut copied = alloc::vec![0; length];
                copy_words(&mut copied, source, key);
                assert_eq!(copied, expected, "{length}");
            }
        }
    }

    #[test]
    fn a_long_payload_is_masked_alike_wherever_it_lies_beside_the_cache_lines() {
        const LENGTHS: [usize; 9] = [600, 639, 641, 1023, 1024, 1025, 1279, 1280, 1600];
        let key = [0x01, 0x82, 0x33, 0xF4];
        let octets: Vec<u8> = (0..1700_u32).map(|i| (i * 7 + 3) as u8).collect();
        let masked = |source: &[u8]| -> Vec<u8> {
            let keys = key.iter().cycle();
            source
                .iter()
                .zip(keys)
                .map(|(octet, key)| octet ^ key)
                .collect()
        };
        for length in (IN_LINES - 2..IN_LINES + 3).chain(LENGTHS) {
            for offset in 0..=LINE {
                let place = offset..offset + length;
                let expected = masked(&octets[place.clone()]);
                let mut in_place = octets.clone();
                apply(&mut in_place[place.clone()], key);
                assert_eq!(in_place[place.clone()], expected, "{length} at {offset}");
                assert_eq!(in_place[..offset], octets[..offset], "nothing before");
                assert_eq!(in_place[place.end..], octets[place.end..], "nothing after");
                let mut again = octets.clone();
                assert!(!apply_ascii(&mut again[place.clone()], key));
                assert_eq!(again, in_place);
                // What is used where the processor has nothing wider.
                let number = u32::from_ne_bytes(key);
                let mut again = octets.clone();
                let seen = apply_unwide::<true>(&mut again[place.clone()], number);
                assert!(seen & HIGH_BITS != 0);
                assert_eq!(again, in_place);
                for source in [&octets[..length], &octets[place.clone()]] {
                    let mut target = octets.clone();
                    copy(&mut target[place.clone()], source, key);
                    assert_eq!(
                        target[place.clone()],
                        masked(source),
                        "{length} to {offset}"
                    );
                    assert_eq!(target[..offset], octets[..offset], "nothing before");
                    let mut target = octets.clone();
                    assert!(copy_lines::<LONG, false>(
                        &mut target[place.clone()],
                        source,
                        number
                    ));
                    assert_eq!(
                        target[place.clone()],
                        masked(source),
                        "{length} to {offset}"
                    );
                }
            }
        }
    }

    #[test]
    fn one_octet_of_a_long_payload_that_is_not_ascii_is_seen_wherever_it_lies() {
        let key = [0xC3, 0x82, 0x33, 0xF4];
        let mut memory = alloc::vec![0; 1500];
        for (offset, length) in [
            (0, 600),
            (1, 600),
            (15, 600),
            (31, 600),
            (0, 1100),
            (33, 1400),
        ] {
            let payload = &mut memory[offset..offset + length];
            for place in 0..payload.len() {
                payload.fill(b'a');
                payload[place] = 0xE1;
                apply(payload, key);
                assert!(!apply_ascii(payload, key), "{place}");
                payload[place] = b'a';
                apply(payload, key);
                assert!(apply_ascii(payload, key));
            }
        }
    }

    #[test]
    fn one_octet_that_is_not_ascii_is_seen_at_every_place_of_every_length() {
        let key = [0xC3, 0x82, 0x33, 0xF4];
        for length in 1..=300 {
            let mut payload = alloc::vec![b'a'; length];
            apply(&mut payload, key);
            assert!(apply_ascii(&mut payload.clone(), key), "{length}");
            for place in 0..length {
                let mut payload = payload.clone();
                payload[place] ^= 0x80;
                if length >= LONG {
                    let number = u32::from_ne_bytes(key);
                    let seen = apply_blocks::<LONG, true, false>(&mut payload.clone(), number);
                    assert!(seen.is_some_and(|seen| seen & HIGH_BITS != 0), "{place}");
                }
                assert!(!apply_ascii(&mut payload, key), "{place} of {length}");
                assert_eq!(payload[place], b'a' ^ 0x80);
            }
        }
    }

    #[test]
    fn a_payload_may_be_masked_in_pieces_with_the_key_turned() {
        let key = [9, 8, 7, 6];
        let octets: Vec<u8> = (0..97).collect();
        let mut whole = octets.clone();
        apply(&mut whole, key);
        for cut in 0..=octets.len() {
            let mut pieces = octets.clone();
            let (one, two) = pieces.split_at_mut(cut);
            apply(one, key);
            apply(two, rotate(key, cut));
            assert_eq!(pieces, whole, "{cut}");
        }
    }

    #[test]
    fn what_is_masked_on_its_way_to_the_beginning_is_the_same_as_if_it_had_moved_first() {
        let key = [0xA1, 0x02, 0xE3, 0x44];
        wide::find();
        let lengths = (0..IN_LINES + 3 * LINE).step_by(61);
        for length in lengths.chain([IN_LINES - 1, IN_LINES, 2000]) {
            for gap in [1, 2, 4, 7, 8, 14, 63, 64, 65, 131, 508, 3000] {
                let mut storage: Vec<u8> = (0..LINE + gap + length).map(|at| at as u8).collect();
                for start in [0, 1, 17, LINE - 1] {
                    let octets = &mut storage[start..start + gap + length];
                    let before = octets.to_vec();
                    let mut moved = octets[gap..].to_vec();
                    apply(&mut moved, key);
                    let shifted = shift(octets, gap, key);
                    assert_eq!(shifted, length >= IN_LINES);
                    let expected = if shifted { &moved } else { &before };
                    let octets = &octets[..expected.len()];
                    assert_eq!(octets, expected, "{length} over {gap} from {start}");
                    if shifted {
                        let key = u32::from_ne_bytes(key);
                        for by_one in wide::shift_by_each(&before, gap, key) {
                            assert_eq!(by_one[..length], moved, "{length} over {gap}");
                        }
                        let octets = &mut storage[start..start + gap + length];
                        octets.copy_from_slice(&before);
                        assert!(shift_unwide(octets, gap, key));
                        assert_eq!(octets[..length], moved, "{length} over {gap} from {start}");
                    }
                }
            }
        }
        assert!(!shift(&mut [0; 600], 700, key), "no octets");
    }

    #[test]
    fn a_copy_is_as_long_as_the_shorter_side() {
        let mut target = [0; 3];
        copy(&mut target, b"Hello", [1, 1, 1, 1]);
        assert_eq!(target, *b"Idm");
        let mut target = [7; 4];
        copy(&mut target, b"H", [0; 4]);
        assert_eq!(target, [b'H', 7, 7, 7]);
    }
}
