//! Judging a text in AVX-512's registers, 64 octets at once.
//!
//! A register is looked up as a whole, by the lower six bits of each index, which leaves nothing to be masked: the
//! table of an octet's lower half is looked up by the octet as it is, those of its upper half by its upper six bits.
//! That, and functions of three registers in one instruction, makes ten instructions and four loads a block.
//!
//! Asked for is VBMI, which looks registers up so: the processors that have it don't slow down for registers so wide,
//! as the first ones with AVX-512 do.
//!
//! ```
//! use websocket_proto::{Config, Connection, Event, RecvBuffer, SendBuffer};
//!
//! // A text of 72 octets, masked with zeros.
//! let text = "\u{2603}".repeat(24);
//! let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
//! rx.extend(&[0x81, 0x80 | 72, 0, 0, 0, 0])?;
//! rx.extend(text.as_bytes())?;
//! let mut server = Connection::open_server(Config::new());
//! assert!(matches!(server.poll(&mut rx, &mut tx)?, Some(Event::Text(lent)) if lent == text));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

use core::arch::x86_64::{
    __m512i, _mm512_maskz_permutexvar_epi8, _mm512_movepi8_mask, _mm512_or_si512,
    _mm512_permutexvar_epi8, _mm512_set1_epi8, _mm512_setzero_si512, _mm512_srli_epi16,
    _mm512_subs_epu8, _mm512_ternarylogic_epi64, _mm512_test_epi8_mask,
};

use super::super::unchecked::wide::load_512;
use super::{begin_no_more, blocks, pair};

/// Octets of a register.
const BLOCK: usize = 64;

/// A block, and the three octets before it that it is judged with: the least a text must have.
pub(in crate::frame) const LEAST: usize = 3 + BLOCK;

/// Octets of which it is asked whether they are ASCII.
const WINDOW: usize = 4 * BLOCK;

/// As [`super::avx2::judge`], for a text of at least [`LEAST`] octets.
#[inline]
#[target_feature(enable = "avx512vbmi")]
pub(in crate::frame) fn judge<const WHOLE: bool>(text: &[u8]) -> bool {
    let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) else {
        return false;
    };
    let mut faults = faults_at_beginning(first);
    let mut rest = text.get(BLOCK - 3..).unwrap_or_default();
    while let Some(window) = rest.first_chunk::<{ 3 + WINDOW }>() {
        if !is_ascii(window) {
            for block in blocks(window) {
                faults = faults_behind(block, faults);
            }
        }
        rest = rest.get(WINDOW..).unwrap_or_default();
    }
    for block in blocks(rest) {
        faults = faults_behind(block, faults);
    }
    // What is left is less than a block: the last one overlaps what was judged.
    faults = faults_behind(last, faults);
    if WHOLE {
        faults = _mm512_or_si512(faults, cut_off(last));
    }
    _mm512_test_epi8_mask(faults, faults) == 0
}

/// Whether a window, and what is before it, is ASCII.
#[inline]
#[target_feature(enable = "avx512vbmi")]
fn is_ascii(window: &[u8; 3 + WINDOW]) -> bool {
    let before = window
        .first_chunk()
        .map_or(_mm512_setzero_si512(), |first| at::<0>(first));
    let mut octets = before;
    for block in blocks(window) {
        octets = _mm512_or_si512(octets, at::<3>(block));
    }
    _mm512_movepi8_mask(octets) == 0
}

/// The faults of a block with nothing before it.
#[inline]
#[target_feature(enable = "avx512vbmi")]
fn faults_at_beginning(block: &[u8; BLOCK]) -> __m512i {
    let block = load_512(block);
    faults(
        block,
        _mm512_maskz_permutexvar_epi8(!0 << 1, load_512(&places_from(1)), block),
        _mm512_maskz_permutexvar_epi8(!0 << 2, load_512(&places_from(2)), block),
        _mm512_maskz_permutexvar_epi8(!0 << 3, load_512(&places_from(3)), block),
        _mm512_setzero_si512(),
    )
}

/// For each place of a register that which is `before` it.
const fn places_from(before: u8) -> [u8; BLOCK] {
    let mut places = [0; BLOCK];
    let mut rest = places.as_mut_slice();
    let mut place = 0_u8;
    while let Some((first, after)) = rest.split_first_mut() {
        *first = place.wrapping_sub(before);
        place = place.wrapping_add(1);
        rest = after;
    }
    places
}

/// The faults so far, and those of a block with three octets before it.
#[inline]
#[target_feature(enable = "avx512vbmi")]
fn faults_behind(octets: &[u8; LEAST], so_far: __m512i) -> __m512i {
    faults(
        at::<3>(octets),
        at::<2>(octets),
        at::<1>(octets),
        at::<0>(octets),
        so_far,
    )
}

/// Not zero where one of the last three octets begins a code point that they are too few for.
#[inline]
#[target_feature(enable = "avx512vbmi")]
fn cut_off(octets: &[u8; LEAST]) -> __m512i {
    const MOST: [u8; BLOCK] = begin_no_more();
    _mm512_subs_epu8(at::<3>(octets), load_512(&MOST))
}

/// The 64 octets from this place on, which is at most 3.
#[inline]
#[target_feature(enable = "avx512vbmi")]
fn at<const PLACE: usize>(octets: &[u8; LEAST]) -> __m512i {
    match octets.split_at(PLACE).1.first_chunk() {
        Some(block) => load_512(block),
        None => _mm512_setzero_si512(),
    }
}

/// The faults so far, and not zero at each octet of a block that isn't one of a text with those one, two and three
/// octets `before` it.
#[inline]
#[target_feature(enable = "avx512vbmi")]
fn faults(
    block: __m512i,
    before: __m512i,
    two_before: __m512i,
    three_before: __m512i,
    so_far: __m512i,
) -> __m512i {
    const UPPER_OF_FIRST: [u8; BLOCK] = pair::table(pair::BY_UPPER_OF_FIRST, 2);
    const LOWER_OF_FIRST: [u8; BLOCK] = pair::table(pair::BY_LOWER_OF_FIRST, 0);
    const UPPER_OF_SECOND: [u8; BLOCK] = pair::table(pair::BY_UPPER_OF_SECOND, 2);
    const ALL_OF_THREE: i32 = 0x80;
    const ONE_OF_TWO_AND_THE_THIRD: i32 = 0xA8;
    const THE_FIRST_OR_TWO_THAT_DIFFER: i32 = 0xF6;
    let pair = _mm512_ternarylogic_epi64::<ALL_OF_THREE>(
        // Shifted as 16 bits: two of the octet beside come in above the six.
        _mm512_permutexvar_epi8(_mm512_srli_epi16::<2>(before), load_512(&UPPER_OF_FIRST)),
        _mm512_permutexvar_epi8(before, load_512(&LOWER_OF_FIRST)),
        _mm512_permutexvar_epi8(_mm512_srli_epi16::<2>(block), load_512(&UPPER_OF_SECOND)),
    );
    // The highest bit, 80, stays where the octet is E0, or F0, or more.
    let third = _mm512_subs_epu8(two_before, _mm512_set1_epi8(0x60));
    let fourth = _mm512_subs_epu8(three_before, _mm512_set1_epi8(0x70));
    let asked_for = _mm512_ternarylogic_epi64::<ONE_OF_TWO_AND_THE_THIRD>(
        third,
        fourth,
        _mm512_set1_epi8(pair::TWO_CONTINUATIONS.cast_signed()),
    );
    _mm512_ternarylogic_epi64::<THE_FIRST_OR_TWO_THAT_DIFFER>(so_far, asked_for, pair)
}
