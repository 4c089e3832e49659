//! Compressed messages on a connection (RFC 7692 §6, §7.2), in both directions.
//!
//! What comes in is inflated into the receive buffer's gap, where messages lie that come as they are, too.
//! What goes out is compressed into the send buffer.

use super::Connection;
use super::machine::Machine;
use super::side::Side;
use crate::buffer::{Joined, SendBuffer, Storage, Window};
use crate::deflate::Input;
use crate::error::{Misuse, Violation};
use crate::frame::mask::{self, MaskKey};
use crate::frame::{Header, MAX_HEADER_LEN, RSV1, validate_text};
use crate::handshake::DeflateParameters;
use crate::opcode::{MessageKind, Opcode};
use crate::utf8::Utf8Validator;

/// Room that is made to inflate into, at least.
const LEAST_ROOM: usize = 1024;

/// How much room is made for each octet that has come; more is made where that turns out to be little.
const ROOM_PER_OCTET: usize = 4;

/// So many octets of a frame, or all that it has, are inflated at a time where the message is to be whole: what
/// refers to octets of an earlier call takes the codec longer, a message of 64 KiB in two calls an eighth more.
const BATCH: u64 = 64 << 10;

/// What is needed to go on with a compressed message.
pub(super) enum Inflating {
    /// Nothing: there was progress.
    GoesOn,
    /// Nothing: all of it has come, and is inflated.
    Ended,
    /// The message's next frame.
    NeedsFrame,
    /// Octets of this frame, or room.
    Waits,
}

impl Machine {
    /// Goes on to the payload of a compressed message's next frame.
    pub(super) fn begin_compressed(
        &mut self,
        header: &Header,
        length: usize,
        rx: &mut Window<'_>,
    ) -> Result<(), Violation> {
        if header.opcode() != Opcode::CONTINUATION
            && let Some(inbound) = self.deflate.inbound()
        {
            inbound.begin();
        }
        self.decoder.begin_payload(header);
        rx.skip(length);
        self.activity.data = true;
        Ok(())
    }

    /// Takes one step with the compressed message under construction: inflates what there is of it. `whole`:
    /// it is not lent in parts.
    // RFC 7692 §6.2-1
    pub(super) fn inflate(
        &mut self,
        rx: &mut Window<'_>,
        whole: bool,
    ) -> Result<Inflating, Violation> {
        rx.open_gap();
        let available = self.unmask_compressed(rx, whole);
        // Without a codec no message is taken for a compressed one.
        let inbound = self.deflate.inbound().ok_or(Violation::ReservedBits)?;
        // Nothing is put off at the end of a frame.
        let last = self.decoder.remaining() == 0 && !self.decoder.in_message();
        if available == 0 && !inbound.is_pending() {
            return Ok(match self.decoder.remaining() {
                0 if last => Inflating::Ended,
                0 => Inflating::NeedsFrame,
                _ => Inflating::Waits,
            });
        }
        let kept = rx.kept_len();
        let (gap, octets) = rx.gap_and_behind();
        // One octet more than is allowed shows that there are too many.
        let most = self.assembly.room(&self.config);
        let wanted = room_for(available)
            .max(if inbound.is_pending() { kept } else { 0 })
            .min(most);
        if gap.len() < wanted && inbound.ask_for_room(wanted) {
            return Ok(Inflating::Waits);
        }
        let gap_len = most.min(gap.len());
        let gap = gap.get_mut(..gap_len).unwrap_or_default();
        if gap.is_empty() {
            // A storage of fixed size is full of what has yet to be inflated.
            return match inbound.stash(octets.get(..available).unwrap_or_default()) {
                0 => Err(Violation::MessageTooBig),
                count => {
                    self.take_inflated(rx.join_inflated(count, 0))?;
                    Ok(Inflating::GoesOn)
                }
            };
        }
        let input = Input {
            octets,
            count: available,
            last,
        };
        let (read, written) = inbound.inflate(input, gap)?;
        let filled = written == gap.len();
        let all = read == available;
        inbound.note_inflated(read, filled, all);
        let used_up = all && !inbound.is_pending();
        let within = self.assembly.within_limit(written, &self.config);
        self.take_inflated(rx.join_inflated(read, within))?;
        self.assembly.grow_inflated(written, &self.config)?;
        Ok(if used_up && last {
            Inflating::Ended
        } else {
            Inflating::GoesOn
        })
    }

    /// Unmasks what there is of the current frame, and says how many octets are to be inflated now.
    fn unmask_compressed(&mut self, rx: &mut Window<'_>, whole: bool) -> usize {
        let Some(inbound) = self.deflate.inbound() else {
            return 0;
        };
        let unread = rx.peek(0, rx.unread_len());
        let unmasked = inbound.unmasked().min(unread.len());
        let fresh = self
            .decoder
            .decode_payload(unread.get_mut(unmasked..).unwrap_or_default());
        if fresh != 0 {
            self.activity.data = true;
            inbound.note_unmasked(fresh);
        }
        let came = unmasked.saturating_add(fresh);
        if whole && holds_batches(rx) && !self.eof {
            return came.saturating_sub(put_off(self.decoder.remaining()));
        }
        came
    }

    /// All of the message has come and is inflated.
    pub(super) fn finish_inflated(&mut self, rx: &Window<'_>) -> Result<(), Violation> {
        if let Some(inbound) = self.deflate.inbound() {
            inbound.finish()?;
        }
        self.assembly.finish(rx.is_cut())
    }

    fn take_inflated(&self, inflated: Joined<'_>) -> Result<(), Violation> {
        let text = self.assembly.kind() == MessageKind::Text;
        // They have been written where they belong: without a gap.
        let judge = |octets: &mut [u8], _, text: Option<&mut Utf8Validator>| match text {
            Some(text) => validate_text(octets, text),
            None => Ok(()),
        };
        inflated
            .make(text, judge)
            .map_err(|_| Violation::InvalidUtf8)
    }
}

/// The room that is made for what comes of so many octets, at first.
fn room_for(available: usize) -> usize {
    available.saturating_mul(ROOM_PER_OCTET).max(LEAST_ROOM)
}

/// How many octets of a frame wait for others, with `remaining` to come: what there is of its next batch. All
/// batches but the first are full, so that what is inflated doesn't follow from how the octets come.
fn put_off(remaining: u64) -> usize {
    (remaining.wrapping_neg() % BATCH) as usize
}

/// Whether octets may wait for the rest of their batch: not in a storage of fixed size that may be too small for
/// a batch and what comes of it.
fn holds_batches(rx: &Window<'_>) -> bool {
    let least = (rx.kept_len() as u64).saturating_add(BATCH * (1 + ROOM_PER_OCTET as u64));
    rx.can_hold(least)
}

impl<S: Side> Connection<S> {
    /// How messages are compressed, where both ends have agreed to do so (RFC 7692 §7.1).
    #[must_use]
    pub fn deflate(&self) -> Option<DeflateParameters> {
        self.machine.deflate.parameters()
    }

    /// Whether messages are compressed from the next one on, where both ends have agreed to do so; they
    /// are at first.
    ///
    /// A message that holds both a secret and something that an attacker can choose should not be: its
    /// compressed length tells of the secret (RFC 7692 §8). What is compressed already gains nothing.
    pub fn set_compressing(&mut self, compressing: bool) {
        if let Some(outbound) = self.machine.deflate.outbound() {
            outbound.set_enabled(compressing);
        }
    }

    /// Whether a message of this size, sent whole, is compressed as things stand.
    #[must_use]
    pub fn compresses(&self, size: usize) -> bool {
        self.machine.deflate.compresses(size)
    }

    /// Gives back the memory that compression takes between messages, but for what the peer may refer
    /// to: for connections that are idle. The next message pays for it, in time and, where this end
    /// takes its context over, in size.
    pub fn release_codecs(&mut self) {
        if self.assembly_is_idle() {
            self.machine.deflate.release();
        }
    }

    fn assembly_is_idle(&self) -> bool {
        !self.machine.assembly.is_compressed()
    }

    /// Queues a data frame with a compressed payload.
    pub(super) fn put_compressed<T: Storage>(
        &mut self,
        fin: bool,
        opcode: Opcode,
        payload: &[u8],
        tx: &mut SendBuffer<T>,
    ) -> Result<(), Misuse> {
        let Some(outbound) = self.machine.deflate.outbound() else {
            return self.put_data(fin, opcode, payload, tx);
        };
        let bound = outbound.bound(payload.len());
        let masked = self.side.role().masks();
        let longest = Header::data(fin, opcode, bound)
            .with_key(masked.then_some(MaskKey::default()))
            .encoded_len();
        let room = tx
            .reserve(longest + bound)
            .map_err(|_| Misuse::SendBufferFull)?;
        let (head, body) = room.split_at_mut(longest);
        let Some(length) = outbound.compress(payload, fin, body) else {
            // The room is more than is ever needed.
            tx.take_back(longest + bound);
            return Err(Misuse::SendBufferFull);
        };
        // Only the message's first frame says that it is compressed (§6).
        // RFC 7692 §6.1-1, §6.1-3
        let reserved = if opcode == Opcode::CONTINUATION {
            0
        } else {
            RSV1
        };
        let header = Header::data(fin, opcode, length)
            .with_reserved(reserved)
            .with_key(self.side.mask_key());
        if let (Some(key), Some(body)) = (header.key(), body.get_mut(..length)) {
            mask::apply(body, key);
        }
        let mut octets = [0; MAX_HEADER_LEN];
        let header_len = header.encode(&mut octets);
        for (place, octet) in head.iter_mut().zip(octets.iter().take(header_len)) {
            *place = *octet;
        }
        if header_len != longest {
            room.copy_within(longest..longest + length, header_len);
        }
        tx.take_back(longest + bound - header_len - length);
        self.machine.activity.data = true;
        Ok(())
    }
}

#[cfg(any(feature = "deflate", feature = "inflate"))]
mod agreed {
    use super::{Connection, Side};
    use crate::handshake::{DeflateConfig, DeflateParameters};

    impl<S: Side> Connection<S> {
        /// The same connection, for which an HTTP stack has agreed upon compression: for one that starts
        /// open, before anything is received or sent.
        ///
        /// [`DeflateConfig::answer`] and [`DeflateConfig::verify`] find the parameters.
        #[must_use]
        pub fn with_deflate(
            mut self,
            parameters: DeflateParameters,
            config: &DeflateConfig,
        ) -> Self {
            let role = self.side.role();
            self.machine.agree(parameters, config, role);
            self
        }
    }
}
