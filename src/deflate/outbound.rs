//! A message that goes out, compressed: whole or in parts (RFC 7692 §7.2.1).

use alloc::sync::Arc;
use alloc::vec;

use super::TAIL;
use super::pool::{Deflater, Next, Setting};
use super::variants::Variants;
use crate::frame::{Header, MAX_HEADER_LEN, RSV1};
use crate::handshake::DeflateConfig;
use crate::opcode::Opcode;

/// The sending direction of a connection that has agreed to compress.
#[derive(Debug)]
pub(crate) struct Outbound {
    /// Present within a message, and between messages where it is kept.
    deflater: Option<Deflater>,
    setting: Setting,
    min_size: u32,
    /// Messages refer to earlier ones.
    keeps_context: bool,
    enabled: bool,
    in_parts: bool,
}

impl Outbound {
    pub(super) const fn new(
        max_window_bits: u8,
        context_takeover: bool,
        config: &DeflateConfig,
    ) -> Self {
        Self {
            deflater: None,
            setting: Setting {
                level: config.level(),
                memory_level: config.memory_level(),
                // zlib's compressors begin at 9 bits. One of these refers back 250 octets at most, so
                // that it keeps a promise of 8, too.
                // RFC 7692 §7.2.1-7, §7.2.1-8, §7.2.2-7
                window_bits: if max_window_bits < 9 {
                    9
                } else {
                    max_window_bits
                },
            },
            min_size: config.min_size(),
            // RFC 7692 §7.2.1-5, §7.2.1-6
            keeps_context: context_takeover && config.keeps_codecs(),
            enabled: true,
            in_parts: false,
        }
    }

    /// Whether messages are compressed from the next one on.
    pub(crate) const fn set_enabled(&mut self, enabled: bool) {
        self.enabled = enabled;
    }

    /// Whether a whole message of this size is to be compressed.
    pub(crate) const fn takes(&self, size: usize) -> bool {
        self.enabled && size >= self.min_size as usize
    }

    /// A message in parts begins.
    pub(crate) const fn begin_parts(&mut self) {
        self.in_parts = self.enabled;
    }

    /// Whether the parts of the message that was begun are compressed.
    pub(crate) const fn is_in_parts(&self) -> bool {
        self.in_parts
    }

    /// The most octets that so many can become.
    pub(crate) const fn bound(&self, size: usize) -> usize {
        bound(size)
    }

    /// Compresses octets, which are the end of a message or a part of one that goes on: how many octets
    /// of `output` that took. `None` where the compressor failed: then the message can't go on.
    ///
    /// `output` has to have the room that [`bound`](Self::bound) says.
    pub(crate) fn compress(
        &mut self,
        input: &[u8],
        last: bool,
        output: &mut [u8],
    ) -> Option<usize> {
        if input.is_empty() && !last {
            // What a compressor makes of nothing depends on what it did before, for others even.
            return Some(0);
        }
        let setting = self.setting;
        let deflater = self.deflater.get_or_insert_with(|| Deflater::take(setting));
        let next = if last && !self.keeps_context {
            Next::Alone
        } else {
            Next::MayRefer
        };
        let Some(mut written) = deflater.flush(input, output, next) else {
            self.deflater = None;
            return None;
        };
        // RFC 7692 §7.2.1-3
        if last {
            self.in_parts = false;
            written = without_tail(output, written)?;
            if !self.keeps_context {
                self.sleep();
            }
        }
        Some(written)
    }

    /// The frame of a whole message that other connections send, too. It is compressed without context,
    /// and what comes next will be, too.
    pub(crate) fn shared_frame(
        &mut self,
        opcode: Opcode,
        payload: &[u8],
        variants: &Variants,
    ) -> Option<Arc<[u8]>> {
        let setting = self.setting;
        let frame = variants.get(setting, || frame_alone(setting, opcode, payload))?;
        self.sleep();
        Some(frame)
    }

    /// Gives the compressor back; the next message begins without context.
    pub(super) fn sleep(&mut self) {
        if !self.in_parts
            && let Some(deflater) = self.deflater.take()
        {
            deflater.retire();
        }
    }
}

/// The most octets that so many can become: 9 bits each, some octets for each block and for the flush,
/// and room that shows that nothing more is to come.
const fn bound(size: usize) -> usize {
    size.saturating_add(size / 8)
        .saturating_add(size / 64)
        .saturating_add(32)
}

/// How many of the first `written` octets a message is sent as (§7.2.1).
// RFC 7692 §7.2.1-1, §7.2.3.6-1
fn without_tail(output: &mut [u8], written: usize) -> Option<usize> {
    match output.get(..written)?.strip_suffix(&TAIL) {
        Some(rest) if !rest.is_empty() => Some(rest.len()),
        _ => {
            // Nothing was there to be flushed: an empty block without its tail (§7.2.3.6).
            *output.first_mut()? = 0;
            Some(1)
        }
    }
}

/// A message in a frame of its own, compressed without context.
fn frame_alone(setting: Setting, opcode: Opcode, payload: &[u8]) -> Option<Arc<[u8]>> {
    let mut deflater = Deflater::take(setting);
    let mut octets = vec![0; bound(payload.len())];
    let written = deflater.flush(payload, &mut octets, Next::Alone)?;
    deflater.retire();
    let length = without_tail(&mut octets, written)?;
    let mut head = [0; MAX_HEADER_LEN];
    let header = Header::data(true, opcode, length).with_reserved(RSV1);
    let head_len = header.encode(&mut head);
    Some(
        [head.get(..head_len)?, octets.get(..length)?]
            .concat()
            .into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_never_sent_as_no_octets_at_all() {
        for nothing in [&b""[..], &TAIL] {
            let mut output = [1; 5];
            output[..nothing.len()].copy_from_slice(nothing);
            assert_eq!(without_tail(&mut output, nothing.len()), Some(1));
            assert_eq!(output[0], 0);
        }
        assert_eq!(without_tail(&mut [7, 0, 0, 0xFF, 0xFF], 5), Some(1));
        assert_eq!(without_tail(&mut [], 0), None);
    }
}
