//! Compressors and decompressors of a thread, lent to connections that don't keep their own: making one
//! costs more than compressing a small message.

use alloc::boxed::Box;
use core::cell::RefCell;
use std::thread_local;
use std::vec::Vec;

use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Status};

use super::Inflater;

/// How many of each a thread keeps: one in use at a time is the rule, and messages in parts are the
/// exception.
const MOST: usize = 4;

thread_local! {
    static DEFLATERS: RefCell<Vec<Deflater>> = const { RefCell::new(Vec::new()) };
    // In boxes, as they go from hand to hand.
    #[allow(clippy::vec_box)]
    static INFLATERS: RefCell<Vec<Box<Inflater>>> = const { RefCell::new(Vec::new()) };
}

/// What a compressor was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) level: u8,
    pub(super) memory_level: u8,
    pub(super) window_bits: u8,
}

/// A compressor.
pub(super) struct Deflater {
    stream: Deflate,
    setting: Setting,
    /// What it compresses next refers to nothing before.
    is_fresh: bool,
}

/// What follows a message, or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// What may refer to it.
    MayRefer,
    /// What has to stand alone. To forget is cheaper than to begin anew.
    Alone,
}

impl Deflater {
    /// One without context: of the thread's, or a new one.
    pub(super) fn take(setting: Setting) -> Self {
        let spare = DEFLATERS.try_with(|pool| {
            let mut pool = pool.try_borrow_mut().ok()?;
            let at = pool.iter().position(|each| each.setting == setting)?;
            Some(pool.swap_remove(at))
        });
        if let Ok(Some(mut spare)) = spare {
            if !spare.is_fresh {
                spare.stream.reset();
                spare.is_fresh = true;
            }
            return spare;
        }
        Self::new(setting)
    }

    fn new(setting: Setting) -> Self {
        Self {
            stream: Deflate::new_with_config(DeflateConfig {
                level: setting.level.into(),
                mem_level: setting.memory_level.into(),
                // Negative: without a header of zlib's own.
                window_bits: 0_i32.saturating_sub(setting.window_bits.into()),
                ..DeflateConfig::default()
            }),
            setting,
            is_fresh: true,
        }
    }

    /// Gives it to the thread.
    pub(super) fn retire(self) {
        keep(&DEFLATERS, self);
    }

    /// Compresses `input` up to an octet's boundary: how many octets of `output` that took. `None` where
    /// they were not enough.
    pub(super) fn flush(&mut self, input: &[u8], output: &mut [u8], next: Next) -> Option<usize> {
        self.is_fresh = false;
        let written = self.flush_all(input, output, next)?;
        self.is_fresh = next == Next::Alone;
        Some(written)
    }

    fn flush_all(&mut self, input: &[u8], output: &mut [u8], next: Next) -> Option<usize> {
        let flush = match next {
            Next::MayRefer => DeflateFlush::SyncFlush,
            Next::Alone => DeflateFlush::FullFlush,
        };
        let (mut read, mut written) = (0_usize, 0_usize);
        loop {
            let before = (self.stream.total_in(), self.stream.total_out());
            let (rest, room) = (input.get(read..)?, output.get_mut(written..)?);
            let status = self.stream.compress(rest, room, flush).ok()?;
            let now = (self.stream.total_in(), self.stream.total_out());
            read = read.checked_add(usize::try_from(now.0.checked_sub(before.0)?).ok()?)?;
            written = written.checked_add(usize::try_from(now.1.checked_sub(before.1)?).ok()?)?;
            if written >= output.len() {
                // There may be more, and there shouldn't.
                return None;
            }
            // Room was left, so that everything is out. Inputs beyond 4 GiB take another turn.
            if read == input.len() {
                return Some(written);
            }
            if status == Status::BufError {
                return None;
            }
        }
    }
}

impl core::fmt::Debug for Deflater {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.setting.fmt(f)
    }
}

/// A decompressor of the thread's, as its last connection left it.
pub(super) fn take_inflater() -> Option<Box<Inflater>> {
    let spare = INFLATERS.try_with(|pool| pool.try_borrow_mut().ok()?.pop());
    spare.ok().flatten()
}

/// Gives a decompressor to the thread.
pub(super) fn retire_inflater(inflater: Box<Inflater>) {
    keep(&INFLATERS, inflater);
}

/// Puts one more into a pool that isn't full, where the thread still has it.
fn keep<T>(pool: &'static std::thread::LocalKey<RefCell<Vec<T>>>, one: T) {
    let _ = pool.try_with(|pool| {
        if let Ok(mut pool) = pool.try_borrow_mut()
            && pool.len() < MOST
        {
            pool.push(one);
        }
    });
}

#[cfg(test)]
mod tests {
    use std::format;
    use std::vec;

    use super::*;

    #[test]
    fn what_is_printed_of_a_codec_is_its_setting_and_nothing_that_it_holds() {
        let setting = Setting {
            level: 1,
            memory_level: 2,
            window_bits: 9,
        };
        let shown = format!("{:?}", Deflater::take(setting));
        assert_eq!(shown, format!("{setting:?}"));
        let shown = format!("{:?}", Inflater::new(9, b"secret"));
        assert_eq!(shown, "Inflater { .. }");
    }

    fn compress(deflater: &mut Deflater, message: &[u8]) -> Vec<u8> {
        let mut output = vec![0; message.len() * 2 + 64];
        let written = deflater.flush(message, &mut output, Next::Alone).unwrap();
        output.truncate(written);
        output
    }

    #[test]
    fn a_compressor_that_had_to_forget_writes_what_a_new_one_does() {
        let text = |size: usize| -> Vec<u8> {
            (0_u32..)
                .flat_map(|at| format!("{{\"id\":{},\"secret\":{at}}},", at % 97).into_bytes())
                .take(size)
                .collect()
        };
        // Each begins as the others do, so that there is something to refer to.
        let messages = [40_000, 70, 5_000, 1, 300].map(text);
        // One of each algorithm.
        for level in [1, 2, 6, 9] {
            for window_bits in [9, 15] {
                let setting = Setting {
                    level,
                    memory_level: 8,
                    window_bits,
                };
                let mut kept = Deflater::take(setting);
                for message in &messages {
                    let expected = compress(&mut Deflater::new(setting), message);
                    assert_eq!(compress(&mut kept, message), expected, "{setting:?}");
                    // One of no octets in between changes nothing.
                    compress(&mut kept, b"");
                    assert!(kept.is_fresh);
                    kept.retire();
                    kept = Deflater::take(setting);
                }
                // Of one that may refer, the thread begins anew.
                let mut output = vec![0; 9_000];
                kept.flush(&messages[2], &mut output, Next::MayRefer)
                    .unwrap();
                kept.retire();
                let expected = compress(&mut Deflater::new(setting), &messages[4]);
                assert_eq!(
                    compress(&mut Deflater::take(setting), &messages[4]),
                    expected
                );
            }
        }
    }
}
