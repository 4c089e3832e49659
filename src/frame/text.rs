//! Unmasking a text and judging it, block by block, so that the second look at a block finds it in the
//! cache nearest to the processor.

use super::mask::{self, MaskKey};
use crate::utf8::{InvalidUtf8, Utf8Validator};

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
            text.validate(block)?;
        }
    }
    Ok(())
}

/// Unmasks a text in place, and says whether it is UTF-8.
#[inline(never)]
pub(super) fn unmask_whole(payload: &mut [u8], key: MaskKey) -> bool {
    let mut text = Utf8Validator::new();
    unmask_piece(payload, key, &mut text).is_ok() && text.is_complete()
}
