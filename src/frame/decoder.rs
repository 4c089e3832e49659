//! A resumable frame decoder over octets that the caller holds.
//!
//! It keeps no octet: a header that isn't whole yet stays with the caller, a payload is unmasked where
//! it lies, in as many pieces as arrive.
//!
//! ```
//! use websocket_proto::Role;
//! use websocket_proto::frame::FrameDecoder;
//!
//! /// What a proxy does with what has arrived; returns how many octets it is through with.
//! fn pass_on(decoder: &mut FrameDecoder, octets: &mut [u8]) -> Result<usize, websocket_proto::Violation> {
//!     let mut done = 0;
//!     while done < octets.len() {
//!         if decoder.remaining() > 0 {
//!             done += decoder.decode_payload(&mut octets[done..]);
//!         } else if let Some((header, length)) = decoder.decode_header(&octets[done..])? {
//!             println!("{:?} of {} octets", header.opcode(), header.payload_len());
//!             done += length;
//!         } else {
//!             break; // the header isn't whole: keep what is left and read more
//!         }
//!     }
//!     Ok(done)
//! }
//! let mut decoder = FrameDecoder::new(Role::Client);
//! assert_eq!(pass_on(&mut decoder, &mut [0x89, 0x02, b'h', b'i', 0x81])?, 4);
//! # Ok::<(), websocket_proto::Violation>(())
//! ```

use super::header::{Expect, Header};
use super::mask::{self, MaskKey};
use super::text::{unmask_piece, validate};
use crate::error::Violation;
use crate::role::Role;
use crate::utf8::{InvalidUtf8, Utf8Validator};

/// Decodes the frames that one end receives.
#[derive(Clone, Copy, Debug)]
pub struct FrameDecoder {
    /// Octets of the current payload that are yet to come.
    remaining: u64,
    /// The key for the next of them; all zero where the payload is not masked.
    key: MaskKey,
    expect: Expect,
}

impl FrameDecoder {
    /// A decoder for what the end with this role receives.
    #[must_use]
    pub const fn new(role: Role) -> Self {
        Self {
            remaining: 0,
            key: [0; 4],
            expect: Expect {
                masked: role.expects_masked(),
                in_message: false,
                reserved: 0,
            },
        }
    }

    /// The same decoder, with reserved bits (of `0x70`) to which an extension gives a meaning on the
    /// first frame of a message.
    #[must_use]
    pub const fn with_reserved(mut self, bits: u8) -> Self {
        self.expect.reserved = bits;
        self
    }

    /// Octets of the current frame's payload that are yet to come.
    #[must_use]
    #[inline]
    pub const fn remaining(&self) -> u64 {
        self.remaining
    }

    /// Whether a fragmented message is open.
    #[must_use]
    #[inline]
    pub const fn in_message(&self) -> bool {
        self.expect.in_message
    }

    /// Reads the next header without going on to its payload: the header and its length.
    ///
    /// # Errors
    /// See [`Header::parse`].
    pub fn peek_header(&self, octets: &[u8]) -> Result<Option<(Header, usize)>, Violation> {
        Header::parse(octets, self.expect)
    }

    /// Goes on to the payload of a header that [`peek_header`](Self::peek_header) returned.
    pub fn begin_payload(&mut self, header: &Header) {
        self.remaining = header.payload_len();
        self.key = header.key().unwrap_or_default();
        if header.opcode().is_data() {
            self.expect.in_message = !header.fin();
        }
    }

    /// Reads the next header: the header and its length, or `None` while more octets are needed. To be
    /// called with the octets from the header's beginning while [`remaining`](Self::remaining) is 0.
    ///
    /// # Errors
    /// See [`Header::parse`]. The stream can't be decoded any further.
    pub fn decode_header(&mut self, octets: &[u8]) -> Result<Option<(Header, usize)>, Violation> {
        let found = self.peek_header(octets)?;
        if let Some((header, _)) = &found {
            self.begin_payload(header);
        }
        Ok(found)
    }

    /// Unmasks in place what `octets` holds of the current payload, and returns how many that were.
    // RFC 6455 §6.2-5
    #[inline]
    pub fn decode_payload(&mut self, octets: &mut [u8]) -> usize {
        let length = usize::try_from(self.remaining)
            .unwrap_or(usize::MAX)
            .min(octets.len());
        if self.expect.masked
            && let Some(payload) = octets.get_mut(..length)
        {
            // Where the transport gives octets one by one, all the rest of the work is little.
            if let [octet] = payload {
                *octet ^= self.key[0];
                self.key = mask::rotate(self.key, 1);
            } else {
                mask::apply(payload, self.key);
                self.key = mask::rotate(self.key, length);
            }
        }
        // `length` is no more than remains.
        self.remaining = self.remaining.wrapping_sub(length as u64);
        length
    }
    /// The key's octet for the next octet of the payload: 0 of one that isn't masked.
    #[inline]
    pub(crate) const fn key_octet(&self) -> u8 {
        self.key[0]
    }

    /// One octet of the current payload, which is not the last, has been unmasked.
    #[inline]
    pub(crate) const fn pass_octet(&mut self) {
        self.key = mask::rotate(self.key, 1);
        self.remaining = self.remaining.wrapping_sub(1);
    }

    /// Moves the next octets of the current payload, which stand from `gap` on, to the beginning, unmasks them, and takes
    /// them, as they are then, to the validator of the text that they belong to, if they do.
    ///
    /// # Errors
    /// [`InvalidUtf8`].
    #[inline]
    pub(crate) fn decode_message(
        &mut self,
        octets: &mut [u8],
        gap: usize,
        text: Option<&mut Utf8Validator>,
    ) -> Result<(), InvalidUtf8> {
        let Some(octets) = self.close_gap(octets, gap, text.is_some()) else {
            return Ok(());
        };
        let Some(text) = text else {
            self.decode_payload(octets);
            return Ok(());
        };
        let length = octets.len();
        if mask::IN_BLOCKS && self.expect.masked && length > 1 {
            let key = self.key;
            self.key = mask::rotate(key, length);
            self.remaining = self.remaining.saturating_sub(length as u64);
            return unmask_piece(octets, key, text);
        }
        self.decode_payload(octets);
        validate(octets, text)
    }

    /// The octets at the beginning, still to be decoded; `None` where they were, on the way.
    #[inline]
    fn close_gap<'a>(
        &mut self,
        octets: &'a mut [u8],
        gap: usize,
        text: bool,
    ) -> Option<&'a mut [u8]> {
        if gap == 0 {
            return Some(octets);
        }
        let length = octets.len().saturating_sub(gap);
        if !text && self.expect.masked && mask::shift(octets, gap, self.key) {
            self.key = mask::rotate(self.key, length);
            self.remaining = self.remaining.saturating_sub(length as u64);
            return None;
        }
        let end = octets.len();
        if gap <= end {
            octets.copy_within(gap..end, 0);
        }
        octets.get_mut(..length)
    }
}

#[cfg(all(test, feature = "alloc"))]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::opcode::Opcode;

    #[test]
    fn a_payload_is_the_same_over_a_gap_as_where_there_is_none() {
        let payload: Vec<u8> = (0..2000_u32).map(|at| (at % 0x7F) as u8).collect();
        let header = Header::new(true, Opcode::BINARY, 5000)
            .unwrap()
            .with_key(Some([1, 2, 3, 4]));
        for role in [Role::Server, Role::Client] {
            for (text, gap) in [(true, 1), (true, 9), (false, 1), (false, 8), (false, 2500)] {
                let mut decoder = FrameDecoder::new(role);
                decoder.begin_payload(&header);
                for length in [1, 2, 30, 700, 2000] {
                    let octets = &payload[..length];
                    let mut alone = decoder;
                    let mut plain = octets.to_vec();
                    alone.decode_payload(&mut plain);

                    let mut gapped = [&[b'-'].repeat(gap)[..], octets].concat();
                    let mut validator = Utf8Validator::new();
                    let judge = text.then_some(&mut validator);
                    let decoded = decoder.decode_message(&mut gapped, gap, judge);
                    assert_eq!(gapped[..length], plain, "{length} over {gap}, {role:?}");
                    assert_eq!(decoded, Ok(()));
                    assert_eq!(decoder.remaining(), alone.remaining());
                    assert_eq!(decoder.key_octet(), alone.key_octet());
                }
            }
        }
    }
}
