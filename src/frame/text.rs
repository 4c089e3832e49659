//! The text of a whole message: unmasked, judged and lent as `&str` in one pass where it is ASCII.
//!
//! This is the one module of the crate with `unsafe`, one block of it. Without it each text would be
//! looked at twice, once to see that it is ASCII and once more to make a `&str` of it: `docs/design.md`
//! has the figures. `RUSTFLAGS="--cfg websocket_proto_safe"` builds the plain twin, which the same tests
//! run against.

use super::mask::{self, MaskKey};

/// Unmasks a text in place. None where it isn't UTF-8.
#[cfg(not(websocket_proto_safe))]
#[inline]
#[allow(unsafe_code)]
pub(crate) fn unmask(payload: &mut [u8], key: MaskKey) -> Option<&str> {
    if mask::apply_ascii(payload, key) {
        // SAFETY: `apply_ascii` has looked at every octet of `payload` after unmasking it and found
        // none above 0x7F (a test has it find one at every place of every length). `payload` is
        // borrowed for as long as the text is lent, so that nothing has changed or can change it.
        return Some(unsafe { core::str::from_utf8_unchecked(payload) });
    }
    core::str::from_utf8(payload).ok()
}

/// Unmasks a text in place. None where it isn't UTF-8.
#[cfg(websocket_proto_safe)]
#[inline]
pub(crate) fn unmask(payload: &mut [u8], key: MaskKey) -> Option<&str> {
    mask::apply(payload, key);
    core::str::from_utf8(payload).ok()
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
            assert_eq!(unmask(&mut payload, key), core::str::from_utf8(text).ok());
            assert_eq!(payload, text);
        }
    }
}
