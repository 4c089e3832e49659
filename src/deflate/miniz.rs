//! Inflating with `miniz_oxide`, which needs an allocator and nothing else.

use alloc::boxed::Box;
use alloc::vec;

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};

use super::{Input, Step, TAIL};

/// The widest window.
const WINDOW: usize = 32 << 10;

/// A window, and room to inflate into behind it.
const BUFFER: usize = 2 * WINDOW;

/// An inflate stream that goes on behind blocks which call themselves the last (RFC 7692 §7.2.3.4).
///
/// It inflates into a buffer of its own, from which octets are copied. When that is full, its second
/// half becomes the first. Other than in a ring, a reference to what never was is an error there.
pub(super) struct Inflater {
    state: Box<DecompressorOxide>,
    buffer: Box<[u8]>,
    /// Octets in the buffer.
    filled: usize,
    /// Those of them that have been handed out.
    taken: usize,
    /// A block that calls itself the last has ended; what it held may not be handed out yet.
    ended: bool,
    /// Behind what the buffer holds comes what can't be inflated.
    corrupt: bool,
}

impl Inflater {
    /// One that knows the octets of `window`, to which the input may refer.
    pub(super) fn new(_max_window_bits: u8, window: &[u8]) -> Box<Self> {
        let mut buffer = vec![0; BUFFER].into_boxed_slice();
        let window = window
            .get(window.len().saturating_sub(WINDOW)..)
            .unwrap_or_default();
        if let Some(start) = buffer.get_mut(..window.len()) {
            start.copy_from_slice(window);
        }
        Box::new(Self {
            state: Box::default(),
            buffer,
            filled: window.len(),
            taken: window.len(),
            ended: false,
            corrupt: false,
        })
    }

    /// Inflates until the input is used up or the output full.
    pub(super) fn inflate(&mut self, input: Input<'_>, output: &mut [u8], _forgets: bool) -> Step {
        self.inflate_from(input.octets.get(..input.count).unwrap_or_default(), output)
    }

    /// A message that begins and ends with this input is inflated as any other.
    pub(super) fn inflate_whole(
        &mut self,
        input: Input<'_>,
        output: &mut [u8],
        forgets: bool,
    ) -> Step {
        self.inflate(input, output, forgets)
    }

    fn inflate_from(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let mut step = Step::default();
        loop {
            let held = self.buffer.get(self.taken..self.filled).unwrap_or_default();
            let count = held.len().min(output.len().saturating_sub(step.written));
            let end = step.written.saturating_add(count);
            if let (Some(target), Some(source)) =
                (output.get_mut(step.written..end), held.get(..count))
            {
                target.copy_from_slice(source);
            }
            step.written = end;
            self.taken = self.taken.saturating_add(count);
            if self.taken < self.filled {
                return step;
            }
            if core::mem::take(&mut self.ended) {
                self.state.init();
                step.ended = true;
                return step;
            }
            if self.corrupt {
                step.corrupt = true;
                return step;
            }
            if !self.fill(input, &mut step) {
                return step;
            }
        }
    }

    /// Takes what a message's sender has left out at its end: whether that does nothing but complete a block
    /// of no octets.
    pub(super) fn complete(&mut self) -> bool {
        let step = self.inflate_from(&TAIL, &mut [0]);
        step.read == TAIL.len() && step.written == 0 && !step.ended && !step.corrupt
    }

    /// Inflates into the buffer; false where nothing more comes of this input.
    fn fill(&mut self, input: &[u8], step: &mut Step) -> bool {
        if self.filled == BUFFER {
            self.buffer.copy_within(WINDOW.., 0);
            self.filled = WINDOW;
            self.taken = WINDOW;
        }
        let rest = input.get(step.read..).unwrap_or_default();
        let flags = inflate_flags::TINFL_FLAG_HAS_MORE_INPUT
            | inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        let (status, read, written) =
            decompress(&mut self.state, rest, &mut self.buffer, self.filled, flags);
        step.read = step.read.saturating_add(read);
        self.filled = self.filled.saturating_add(written);
        match status {
            TINFLStatus::Done => self.ended = true,
            TINFLStatus::NeedsMoreInput | TINFLStatus::HasMoreOutput => {}
            _ => self.corrupt = true,
        }
        written != 0 || self.ended || self.corrupt || (read != 0 && read < rest.len())
    }

    /// The octets to which the input may refer.
    pub(super) fn window(&self) -> Box<[u8]> {
        let end = self.buffer.get(..self.filled).unwrap_or_default();
        end.get(end.len().saturating_sub(WINDOW)..)
            .unwrap_or_default()
            .into()
    }

    /// Gives the memory back.
    pub(super) fn retire(self: Box<Self>) {
        drop(self);
    }
}

impl core::fmt::Debug for Inflater {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Inflater").finish_non_exhaustive()
    }
}
