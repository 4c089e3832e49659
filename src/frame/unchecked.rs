//! What the compiler can't see for itself: that octets are text, and what the processor can do.
//!
//! This is the one module of the crate with `unsafe`. `docs/design.md` has the figures that each block is
//! there for. `RUSTFLAGS="--cfg websocket_proto_safe"` builds without them, and the same tests run against
//! that.

use super::mask::{self, MaskKey};
use super::text;
use crate::utf8;

/// Unmasks a text in place. `None` where it isn't UTF-8; then the end of a long one may still be masked.
#[inline]
pub(crate) fn unmask_text(payload: &mut [u8], key: MaskKey) -> Option<&str> {
    if mask::IN_BLOCKS && payload.len() > text::BLOCK {
        let judged = text::unmask_whole(payload, key);
        return if judged { as_text(payload, true) } else { None };
    }
    // `apply_ascii` has looked at every octet of `payload` after unmasking it (a test has it find one that
    // isn't ASCII at every place of every length).
    let judged = mask::apply_ascii(payload, key) || text::is_text(payload);
    if judged { as_text(payload, true) } else { None }
}

/// The octets as text: judged now, unless they are known to be UTF-8. `None` where they are not.
///
/// Who says that they are known to be must have seen each of them judged as it is now: `buffer/judged.rs`
/// for messages that came in pieces, [`unmask_text`] for those in one.
#[cfg(not(websocket_proto_safe))]
#[inline]
#[allow(unsafe_code)]
pub(crate) fn as_text(octets: &[u8], judged: bool) -> Option<&str> {
    if judged {
        debug_assert!(core::str::from_utf8(octets).is_ok());
        // SAFETY: all of them have been judged and were UTF-8, as the callers say above. They are
        // borrowed for as long as the text is lent, so that nothing has changed or can change them.
        return Some(unsafe { core::str::from_utf8_unchecked(octets) });
    }
    utf8::text(octets)
}

/// The octets as text: judged now, whatever is known of them. `None` where they are not UTF-8.
#[cfg(websocket_proto_safe)]
#[inline]
pub(crate) fn as_text(octets: &[u8], _judged: bool) -> Option<&str> {
    utf8::text(octets)
}

/// Masking and judging in the registers of AVX2 and AVX-512. Where the processor has none, or was not asked, each function
/// says so and does nothing.
#[cfg(all(feature = "simd", target_arch = "x86_64", not(websocket_proto_safe)))]
#[allow(unsafe_code)]
pub(super) mod wide {
    use super::super::judge;
    use super::mask::{LINE, WIDE, apply_lines, copy_lines, shift_lines};
    use core::arch::x86_64::{__m256i, __m512i, _mm256_loadu_si256, _mm512_loadu_epi8};
    use core::sync::atomic::{AtomicU8, Ordering};
    use std::arch::is_x86_feature_detected;

    /// From this length on it pays to mask in registers of 64 octets.
    pub(super) const WIDEST: usize = 1024;

    /// Four of these registers.
    const FOUR_WIDEST: usize = 256;

    /// The least octets that [`judge()`] takes.
    pub(crate) const TEXT: usize = judge::avx2::LEAST;

    /// What was found of the processor: [`AVX2`], [`AVX512`] or nothing. `std` would be asked for each feature, each time,
    /// and may have to look first, for which whoever asks would save registers.
    static FOUND: AtomicU8 = AtomicU8::new(0);

    /// It has AVX2.
    const AVX2: u8 = 1;

    /// It has AVX2, and AVX-512 with VBMI. Processors with less of that slow down for registers so wide.
    const AVX512: u8 = 2;

    #[inline(always)]
    fn found() -> u8 {
        FOUND.load(Ordering::Relaxed)
    }

    /// Finds out what the processor has. Whoever goes the common way does so: the first of all does.
    #[cold]
    pub(crate) fn find() {
        let avx2 = is_x86_feature_detected!("avx2");
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vbmi");
        let found = match (avx2, avx512) {
            (true, true) => AVX512,
            (true, false) => AVX2,
            (false, _) => 0,
        };
        FOUND.store(found, Ordering::Relaxed);
    }

    /// Judges a text of at least [`TEXT`] octets: see `judge/mod.rs`.
    #[inline]
    pub(crate) fn judge<const WHOLE: bool>(text: &[u8]) -> Option<bool> {
        let found = found();
        if text.len() >= judge::avx512::LEAST && found >= AVX512 {
            // SAFETY: the processor has VBMI and what it is part of, which is all that the function asks for.
            return Some(unsafe { judge::avx512::judge::<WHOLE>(text) });
        }
        if found >= AVX2 {
            // SAFETY: the processor has AVX2, which is all that the function asks for.
            return Some(unsafe { judge::avx2::judge::<WHOLE>(text) });
        }
        None
    }

    /// What each kind of registers that the processor has says of a text that is long enough for it.
    #[cfg(test)]
    pub(crate) fn judge_by_each<const WHOLE: bool>(text: &[u8]) -> impl Iterator<Item = bool> {
        find();
        let found = found();
        let may = found >= AVX2 && text.len() >= judge::avx2::LEAST;
        // SAFETY: as in `judge`.
        let avx2 = may.then(|| unsafe { judge::avx2::judge::<WHOLE>(text) });
        let may = found >= AVX512 && text.len() >= judge::avx512::LEAST;
        // SAFETY: as in `judge`.
        let avx512 = may.then(|| unsafe { judge::avx512::judge::<WHOLE>(text) });
        avx2.into_iter().chain(avx512)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn load_256(octets: &[u8; 32]) -> __m256i {
        // SAFETY: 32 octets may be read there, and they may lie anywhere.
        unsafe { _mm256_loadu_si256(octets.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx512vbmi")]
    pub(crate) fn load_512(octets: &[u8; 64]) -> __m512i {
        // SAFETY: 64 octets may be read there, and they may lie anywhere.
        unsafe { _mm512_loadu_epi8(octets.as_ptr().cast()) }
    }

    /// Masks in place at least [`WIDE`] octets.
    #[inline]
    pub(crate) fn apply(payload: &mut [u8], key: u32) -> bool {
        let found = found();
        if payload.len() >= WIDEST && found >= AVX512 {
            // SAFETY: the processor has VBMI and what it is part of, which is all that the function asks for.
            unsafe { apply_avx512(payload, key) };
            return true;
        }
        let can = found >= AVX2;
        if can {
            // SAFETY: the processor has AVX2, which is all that the function asks for.
            unsafe { apply_avx2(payload, key) };
        }
        can
    }

    /// As [`apply`], and returns the unmasked octets or-ed together, eight abreast.
    #[inline]
    pub(crate) fn apply_judged(payload: &mut [u8], key: u32) -> Option<u64> {
        let found = found();
        if payload.len() >= WIDEST && found >= AVX512 {
            // SAFETY: as in `apply`.
            return Some(unsafe { apply_judged_avx512(payload, key) });
        }
        if found >= AVX2 {
            // SAFETY: as in `apply`.
            return Some(unsafe { apply_judged_avx2(payload, key) });
        }
        None
    }

    /// Masks at least [`WIDE`] octets on their way to `target`, which is as long.
    #[inline]
    pub(crate) fn copy(target: &mut [u8], source: &[u8], key: u32) -> bool {
        let found = found();
        if target.len() >= WIDEST && found >= AVX512 {
            // SAFETY: as in `apply`.
            return unsafe { copy_avx512(target, source, key) };
        }
        // SAFETY: as in `apply`.
        found >= AVX2 && unsafe { copy_avx2(target, source, key) }
    }

    /// Masks at least [`WIDE`] octets on their way from behind a gap to the beginning.
    #[inline]
    pub(crate) fn shift(octets: &mut [u8], gap: usize, key: u32) -> bool {
        let found = found();
        if found >= AVX512 {
            // SAFETY: as in `apply`.
            return unsafe { shift_avx512(octets, gap, key) };
        }
        // SAFETY: as in `apply`.
        found >= AVX2 && unsafe { shift_avx2(octets, gap, key) }
    }

    /// What comes of it by each kind of registers that the processor has.
    #[cfg(test)]
    pub(crate) fn shift_by_each(
        octets: &[u8],
        gap: usize,
        key: u32,
    ) -> impl Iterator<Item = alloc::vec::Vec<u8>> {
        find();
        let shifted = |has: bool, shift: &dyn Fn(&mut [u8]) -> bool| {
            let mut octets = octets.to_vec();
            (has && shift(&mut octets)).then_some(octets)
        };
        // SAFETY: as in `apply`.
        let avx2 = shifted(found() >= AVX2, &|octets| unsafe {
            shift_avx2(octets, gap, key)
        });
        // SAFETY: as in `apply`.
        let avx512 = shifted(found() >= AVX512, &|octets| unsafe {
            shift_avx512(octets, gap, key)
        });
        assert_eq!(
            (avx2.is_some(), avx512.is_some()),
            (found() >= AVX2, found() >= AVX512)
        );
        avx2.into_iter().chain(avx512)
    }

    #[target_feature(enable = "avx512vbmi")]
    fn shift_avx512(octets: &mut [u8], gap: usize, key: u32) -> bool {
        shift_lines::<LINE>(octets, gap, key).is_some()
    }

    #[target_feature(enable = "avx2")]
    fn shift_avx2(octets: &mut [u8], gap: usize, key: u32) -> bool {
        shift_lines::<WIDE>(octets, gap, key).is_some()
    }

    #[target_feature(enable = "avx512vbmi")]
    fn apply_avx512(payload: &mut [u8], key: u32) {
        apply_lines::<FOUR_WIDEST, false, true>(payload, key);
    }

    #[target_feature(enable = "avx512vbmi")]
    fn apply_judged_avx512(payload: &mut [u8], key: u32) -> u64 {
        apply_lines::<FOUR_WIDEST, true, true>(payload, key).unwrap_or_default()
    }

    #[target_feature(enable = "avx512vbmi")]
    fn copy_avx512(target: &mut [u8], source: &[u8], key: u32) -> bool {
        copy_lines::<FOUR_WIDEST, true>(target, source, key)
    }

    #[target_feature(enable = "avx2")]
    fn apply_avx2(payload: &mut [u8], key: u32) {
        apply_lines::<WIDE, false, false>(payload, key);
    }

    #[target_feature(enable = "avx2")]
    fn apply_judged_avx2(payload: &mut [u8], key: u32) -> u64 {
        apply_lines::<WIDE, true, false>(payload, key).unwrap_or_default()
    }

    #[target_feature(enable = "avx2")]
    fn copy_avx2(target: &mut [u8], source: &[u8], key: u32) -> bool {
        copy_lines::<WIDE, false>(target, source, key)
    }
}

/// No masking in wider registers than those that every processor of its kind has.
#[cfg(not(all(feature = "simd", target_arch = "x86_64", not(websocket_proto_safe))))]
pub(super) mod wide {
    pub(crate) const TEXT: usize = usize::MAX;

    #[inline(always)]
    pub(crate) const fn find() {}

    #[inline(always)]
    pub(crate) fn judge<const WHOLE: bool>(_: &[u8]) -> Option<bool> {
        None
    }

    #[cfg(all(test, feature = "alloc"))]
    pub(crate) fn judge_by_each<const WHOLE: bool>(_: &[u8]) -> impl Iterator<Item = bool> {
        core::iter::empty()
    }

    #[inline(always)]
    pub(crate) fn apply(_: &mut [u8], _: u32) -> bool {
        false
    }

    #[inline(always)]
    pub(crate) fn apply_judged(_: &mut [u8], _: u32) -> Option<u64> {
        None
    }

    #[inline(always)]
    pub(crate) fn copy(_: &mut [u8], _: &[u8], _: u32) -> bool {
        false
    }

    #[inline(always)]
    pub(crate) fn shift(_: &mut [u8], _: usize, _: u32) -> bool {
        false
    }

    #[cfg(all(test, feature = "alloc"))]
    pub(crate) fn shift_by_each(
        _: &[u8],
        _: usize,
        _: u32,
    ) -> impl Iterator<Item = alloc::vec::Vec<u8>> {
        core::iter::empty()
    }
}

#[cfg(all(test, feature = "alloc"))]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_judged_as_by_the_library_and_its_octets_are_unmasked() {
        let key = [0xA1, 0x02, 0xE3, 0x44];
        for text in [
            &b""[..],
            b"a",
            b"Hello",
            "h\u{e9}llo \u{2603} \u{1F4A9}".as_bytes(),
            b"\xFF",
            b"a long text that is ASCII but for its last octet, which is far from the beginning.\x80",
            b"\xC3\xA9 at the beginning of a long text that is ASCII in all of its other octets, too",
        ] {
            let mut payload = text.to_vec();
            mask::apply(&mut payload, key);
            assert_eq!(unmask_text(&mut payload, key), core::str::from_utf8(text).ok());
            assert_eq!(payload, text);
        }
    }

    #[cfg(all(feature = "simd", target_arch = "x86_64", not(websocket_proto_safe)))]
    #[test]
    fn long_payloads_are_masked_in_wide_registers_where_the_processor_has_them() {
        let can = std::arch::is_x86_feature_detected!("avx2");
        wide::find();
        let key = u32::from_ne_bytes([0xA1, 0x02, 0xE3, 0x44]);
        for length in [
            mask::WIDE,
            mask::WIDE + 1,
            wide::WIDEST - 1,
            wide::WIDEST,
            2000,
        ] {
            let source = alloc::vec![b'a'; length];
            let mut masked = source.clone();
            mask::apply(&mut masked, key.to_ne_bytes());
            let done = |octets: &[u8]| octets == if can { &masked } else { &source };

            let mut octets = source.clone();
            assert_eq!(wide::apply(&mut octets, key), can);
            assert!(done(&octets), "{length}");
            let mut octets = source.clone();
            assert_eq!(wide::apply_judged(&mut octets, key).is_some(), can);
            assert!(done(&octets), "{length}");
            let mut octets = source.clone();
            assert_eq!(wide::copy(&mut octets, &source, key), can);
            assert!(done(&octets), "{length}");
        }
    }
}
