//! Judging a text in AVX2's registers: 32 octets at once, whatever they are.
//!
//! Each octet is judged with the one before it. Three tables say which faults the two may make together: by the
//! upper and the lower half of the one before, and by the upper half of itself. A fault is one that all three
//! name. What is left are the third and fourth octets of a code point: "a continuation behind a continuation" is
//! no fault where, and only where, a lead that asks for it stands two or three octets before. (John Keiser, Daniel
//! Lemire: Validating UTF-8 in less than one instruction per byte, 2021.)
//!
//! The octets before a block are loaded once more, from one, two and three octets before it, not shifted in from
//! the block before: loads are what the processor has to spare here, and nothing is carried from block to block.
//!
//! ```
//! use websocket_proto::{Config, Connection, Event, RecvBuffer, SendBuffer};
//!
//! // A text of 40 octets, masked with zeros.
//! let text = "Long enough, and not ASCII in all of \u{2603}";
//! let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
//! rx.extend(&[0x81, 0x80 | 40, 0, 0, 0, 0])?;
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

use super::unchecked::wide::load;

/// Octets of a register.
const BLOCK: usize = 32;

/// A block, and the three octets before it that it is judged with: the least a text must have.
pub(super) const LEAST: usize = 3 + BLOCK;

/// Judges a text of at least [`LEAST`] octets, or, unless it is `WHOLE`, a piece that begins where a code point does:
/// what its last three octets leave open is left open then, whether a code point that they begin goes on rightly,
/// or is one at all.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn judge<const WHOLE: bool>(text: &[u8]) -> bool {
    let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) else {
        return false;
    };
    let mut faults = faults_at_beginning(first);
    let mut rest = text.get(BLOCK - 3..).unwrap_or_default();
    // Two blocks, and the three octets before them.
    while let Some(window) = rest.first_chunk::<{ 3 + 2 * BLOCK }>() {
        let (_, second) = window.split_at(BLOCK);
        if let (Some(first), Some(second)) = (window.first_chunk(), second.first_chunk())
            && !is_ascii(first, second)
        {
            let both = _mm256_or_si256(faults_behind(first), faults_behind(second));
            faults = _mm256_or_si256(faults, both);
        }
        rest = rest.get(2 * BLOCK..).unwrap_or_default();
    }
    if let Some(window) = rest.first_chunk() {
        faults = _mm256_or_si256(faults, faults_behind(window));
    }
    // What is left is less than a block: the last one overlaps what was judged.
    faults = _mm256_or_si256(faults, faults_behind(last));
    if WHOLE {
        faults = _mm256_or_si256(faults, cut_off(last));
    }
    _mm256_testz_si256(faults, faults) == 1
}

/// Whether two blocks that follow each other, and what is before them, are ASCII.
#[inline]
#[target_feature(enable = "avx2")]
fn is_ascii(first: &[u8; LEAST], second: &[u8; LEAST]) -> bool {
    let octets = _mm256_or_si256(at::<3>(first), at::<3>(second));
    _mm256_movemask_epi8(_mm256_or_si256(octets, at::<0>(first))) == 0
}

/// The faults of a block with nothing before it.
#[inline]
#[target_feature(enable = "avx2")]
fn faults_at_beginning(block: &[u8; BLOCK]) -> __m256i {
    let block = load(block);
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
    const MOST: [u8; BLOCK] = {
        let mut most = [0xFF; BLOCK];
        let [.., third, second, last] = &mut most;
        (*third, *second, *last) = (0xF0 - 1, 0xE0 - 1, 0xC0 - 1);
        most
    };
    _mm256_subs_epu8(at::<3>(octets), load(&MOST))
}

/// The 32 octets from this place on, which is at most 3.
#[inline]
#[target_feature(enable = "avx2")]
fn at<const PLACE: usize>(octets: &[u8; LEAST]) -> __m256i {
    match octets.split_at(PLACE).1.first_chunk() {
        Some(block) => load(block),
        None => _mm256_setzero_si256(),
    }
}

/// Not zero at each octet of a block that isn't one of a text with those one, two and three octets `before` it.
#[inline]
#[target_feature(enable = "avx2")]
fn faults(block: __m256i, before: __m256i, two_before: __m256i, three_before: __m256i) -> __m256i {
    let half = _mm256_set1_epi8(0x0F);
    let upper_of_first = _mm256_and_si256(_mm256_srli_epi16::<4>(before), half);
    let lower_of_first = _mm256_and_si256(before, half);
    let upper_of_second = _mm256_and_si256(_mm256_srli_epi16::<4>(block), half);
    let pair = _mm256_and_si256(
        _mm256_and_si256(
            _mm256_shuffle_epi8(load(&pair::BY_UPPER_OF_FIRST), upper_of_first),
            _mm256_shuffle_epi8(load(&pair::BY_LOWER_OF_FIRST), lower_of_first),
        ),
        _mm256_shuffle_epi8(load(&pair::BY_UPPER_OF_SECOND), upper_of_second),
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

// Evaluated as it is compiled.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod pair {
    use super::BLOCK;

    /// A lead, and no continuation.
    const TOO_SHORT: u8 = 1 << 0;
    /// ASCII, and a continuation.
    const TOO_LONG: u8 = 1 << 1;
    /// E0, and 80 to 9F.
    const OVERLONG_OF_THREE: u8 = 1 << 2;
    /// ED, and A0 to BF.
    const SURROGATE: u8 = 1 << 3;
    /// C0 or C1, and a continuation.
    const OVERLONG_OF_TWO: u8 = 1 << 4;
    /// F4, and 90 to BF; F5 to FF, and the same.
    const TOO_LARGE: u8 = 1 << 5;
    /// F0, and 80 to 8F; F5 to FF, and the same.
    const OVERLONG_OF_FOUR_OR_TOO_LARGE: u8 = 1 << 6;
    /// A fault unless a lead before them asks for the second one. The highest bit: [`super::faults`] sets it.
    pub(super) const TWO_CONTINUATIONS: u8 = 1 << 7;

    /// What doesn't depend on the lower half of the first octet.
    const ANY: u8 = TOO_SHORT | TOO_LONG | TWO_CONTINUATIONS;

    pub(super) const BY_UPPER_OF_FIRST: [u8; BLOCK] = table(&[
        (0x0, 0x7, TOO_LONG),
        (0x8, 0xB, TWO_CONTINUATIONS),
        (0xC, 0xC, TOO_SHORT | OVERLONG_OF_TWO),
        (0xD, 0xD, TOO_SHORT),
        (0xE, 0xE, TOO_SHORT | OVERLONG_OF_THREE | SURROGATE),
        (
            0xF,
            0xF,
            TOO_SHORT | TOO_LARGE | OVERLONG_OF_FOUR_OR_TOO_LARGE,
        ),
    ]);

    pub(super) const BY_LOWER_OF_FIRST: [u8; BLOCK] = table(&[
        (0x0, 0xF, ANY),
        (0x0, 0x0, OVERLONG_OF_THREE | OVERLONG_OF_FOUR_OR_TOO_LARGE),
        (0x0, 0x1, OVERLONG_OF_TWO),
        (0x4, 0xF, TOO_LARGE),
        (0x5, 0xF, OVERLONG_OF_FOUR_OR_TOO_LARGE),
        (0xD, 0xD, SURROGATE),
    ]);

    pub(super) const BY_UPPER_OF_SECOND: [u8; BLOCK] = table(&[
        (0x0, 0x7, TOO_SHORT),
        (0xC, 0xF, TOO_SHORT),
        (0x8, 0xB, TOO_LONG | OVERLONG_OF_TWO | TWO_CONTINUATIONS),
        (0x8, 0x8, OVERLONG_OF_THREE | OVERLONG_OF_FOUR_OR_TOO_LARGE),
        (0x9, 0x9, OVERLONG_OF_THREE | TOO_LARGE),
        (0xA, 0xB, SURROGATE | TOO_LARGE),
    ]);

    /// The faults of all rows `(from, to, faults)` that a half is in; once for each half of a register.
    const fn table(rows: &[(usize, usize, u8)]) -> [u8; BLOCK] {
        let mut table = [0; BLOCK];
        let mut row = 0;
        while row < rows.len() {
            let (from, to, faults) = rows[row];
            let mut half = from;
            while half <= to {
                table[half] |= faults;
                table[half + 16] |= faults;
                half += 1;
            }
            row += 1;
        }
        table
    }
}
