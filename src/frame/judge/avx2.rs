//! Judging a text in AVX2's registers, 32 octets at once.
//!
//! Registers are looked up by halves of 16 octets, with a half of an octet as the index.
//!
//! ```
//! use websocket_proto::{Config, Connection, Event, RecvBuffer, SendBuffer};
//!
//! // A text of 36 octets, masked with zeros.
//! let text = "\u{2603}".repeat(12);
//! let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
//! rx.extend(&[0x81, 0x80 | 36, 0, 0, 0, 0])?;
//! rx.extend(text.as_bytes())?;
//! let mut server = Connection::open_server(Config::new());
//! assert!(matches!(server.poll(&mut rx, &mut tx)?, Some(Event::Text(lent)) if lent == text));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

use core::arch::x86_64::{
    __m256i, _mm256_alignr_epi8, _mm256_and_si256, _mm256_movemask_epi8, _mm256_or_si256,
    _mm256_permute2x128_si256, _mm256_set1_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8,
    _mm256_srli_epi16, _mm256_subs_epu8, _mm256_testz_si256, _mm256_xor_si256,
};

use super::super::unchecked::wide::load_256;
use super::{begin_no_more, blocks, pair};

/// Octets of a register.
const BLOCK: usize = 32;

/// A block, and the three octets before it that it is judged with: the least a text must have.
pub(in crate::frame) const LEAST: usize = 3 + BLOCK;

/// Octets of which it is asked whether they are ASCII: more often than not in short texts, which come here for one octet.
const WINDOW: usize = 2 * BLOCK;

/// Judges a text of at least [`LEAST`] octets, or, unless it is `WHOLE`, a piece that begins where a code point does:
/// what its last three octets leave open is left open then, whether a code point that they begin goes on rightly,
/// or is one at all.
#[inline]
#[target_feature(enable = "avx2")]
pub(in crate::frame) fn judge<const WHOLE: bool>(text: &[u8]) -> bool {
    let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) else {
        return false;
    };
    let mut faults = faults_at_beginning(first);
    let mut rest = text.get(BLOCK - 3..).unwrap_or_default();
    while let Some(window) = rest.first_chunk::<{ 3 + WINDOW }>() {
        if !is_ascii(window) {
            for block in blocks(window) {
                faults = _mm256_or_si256(faults, faults_behind(block));
            }
        }
        rest = rest.get(WINDOW..).unwrap_or_default();
    }
    for block in blocks(rest) {
        faults = _mm256_or_si256(faults, faults_behind(block));
    }
    // What is left is less than a block: the last one overlaps what was judged.
    faults = _mm256_or_si256(faults, faults_behind(last));
    if WHOLE {
        faults = _mm256_or_si256(faults, cut_off(last));
    }
    _mm256_testz_si256(faults, faults) == 1
}

/// Whether a window, and what is before it, is ASCII.
#[inline]
#[target_feature(enable = "avx2")]
fn is_ascii(window: &[u8; 3 + WINDOW]) -> bool {
    let before = window
        .first_chunk()
        .map_or(_mm256_setzero_si256(), |first| at::<0>(first));
    let mut octets = before;
    for block in blocks(window) {
        octets = _mm256_or_si256(octets, at::<3>(block));
    }
    _mm256_movemask_epi8(octets) == 0
}

/// The faults of a block with nothing before it.
#[inline]
#[target_feature(enable = "avx2")]
fn faults_at_beginning(block: &[u8; BLOCK]) -> __m256i {
    let block = load_256(block);
    // Registers are shifted by halves.
    let lower = _mm256_permute2x128_si256::<0x02>(block, _mm256_setzero_si256());
    faults(
        block,
        _mm256_alignr_epi8::<15>(block, lower),
        _mm256_alignr_epi8::<14>(block, lower),
        _mm256_alignr_epi8::<13>(block, lower),
    )
}

/// The faults of a block with three octets before it.
#[inline]
#[target_feature(enable = "avx2")]
fn faults_behind(octets: &[u8; LEAST]) -> __m256i {
    faults(
        at::<3>(octets),
        at::<2>(octets),
        at::<1>(octets),
        at::<0>(octets),
    )
}

/// Not zero where one of the last three octets begins a code point that they are too few for.
#[inline]
#[target_feature(enable = "avx2")]
fn cut_off(octets: &[u8; LEAST]) -> __m256i {
    const MOST: [u8; BLOCK] = begin_no_more();
    _mm256_subs_epu8(at::<3>(octets), load_256(&MOST))
}

/// The 32 octets from this place on, which is at most 3.
#[inline]
#[target_feature(enable = "avx2")]
fn at<const PLACE: usize>(octets: &[u8; LEAST]) -> __m256i {
    match octets.split_at(PLACE).1.first_chunk() {
        Some(block) => load_256(block),
        None => _mm256_setzero_si256(),
    }
}

/// Not zero at each octet of a block that isn't one of a text with those one, two and three octets `before` it.
#[inline]
#[target_feature(enable = "avx2")]
fn faults(block: __m256i, before: __m256i, two_before: __m256i, three_before: __m256i) -> __m256i {
    const UPPER_OF_FIRST: [u8; BLOCK] = pair::table(pair::BY_UPPER_OF_FIRST, 0);
    const LOWER_OF_FIRST: [u8; BLOCK] = pair::table(pair::BY_LOWER_OF_FIRST, 0);
    const UPPER_OF_SECOND: [u8; BLOCK] = pair::table(pair::BY_UPPER_OF_SECOND, 0);
    let half = _mm256_set1_epi8(0x0F);
    let upper_of_first = _mm256_and_si256(_mm256_srli_epi16::<4>(before), half);
    let lower_of_first = _mm256_and_si256(before, half);
    let upper_of_second = _mm256_and_si256(_mm256_srli_epi16::<4>(block), half);
    let pair = _mm256_and_si256(
        _mm256_and_si256(
            _mm256_shuffle_epi8(load_256(&UPPER_OF_FIRST), upper_of_first),
            _mm256_shuffle_epi8(load_256(&LOWER_OF_FIRST), lower_of_first),
        ),
        _mm256_shuffle_epi8(load_256(&UPPER_OF_SECOND), upper_of_second),
    );
    // The highest bit, 80, stays where the octet is E0, or F0, or more.
    let third = _mm256_subs_epu8(two_before, _mm256_set1_epi8(0x60));
    let fourth = _mm256_subs_epu8(three_before, _mm256_set1_epi8(0x70));
    let asked_for = _mm256_and_si256(
        _mm256_or_si256(third, fourth),
        _mm256_set1_epi8(pair::TWO_CONTINUATIONS.cast_signed()),
    );
    _mm256_xor_si256(asked_for, pair)
}
