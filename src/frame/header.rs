//! The frame header (RFC 6455 §5.2), which can't be illegal once it exists.
//!
//! ```
//! use websocket_proto::Opcode;
//! use websocket_proto::frame::{Expect, Header};
//!
//! let header = Header::new(true, Opcode::BINARY, 256).unwrap();
//! let mut octets = [0; 14];
//! let length = header.encode(&mut octets);
//! assert_eq!(octets[..length], [0x82, 126, 1, 0]);
//! assert_eq!(Header::parse(&octets[..length], Expect::default()), Ok(Some((header, 4))));
//! assert_eq!(Header::new(false, Opcode::PING, 0), None, "control frames are not fragmented");
//! ```

use super::mask::{self, MaskKey};
use crate::error::Violation;
use crate::opcode::{MessageKind, Opcode};

/// The longest header: two octets, a 64-bit length and a masking key.
pub const MAX_HEADER_LEN: usize = 14;

/// The longest payload of a control frame (RFC 6455 §5.5).
pub const MAX_CONTROL_PAYLOAD: usize = 125;

/// The longest payload whose length stands in the header's second octet.
pub(crate) const SHORT: usize = 125;

/// The reserved bit that says, on a message's first frame, that the message is compressed (RFC 7692 §6).
pub const RSV1: u8 = 0x40;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const MASK: u8 = 0x80;

/// What the next header has to be for the place it stands in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expect {
    /// Whether frames have to be masked; if not, they must not be.
    pub masked: bool,
    /// Whether a fragmented message is open, which only a continuation goes on with.
    pub in_message: bool,
    /// The reserved bits (of `0x70`) to which an extension gives a meaning on a message's first frame.
    pub reserved: u8,
}

/// A frame's header: FIN, reserved bits, opcode, masking key and payload length.
///
/// A value of this type is legal: a known opcode, a length below 2^63, a control frame whole and of at
/// most 125 octets. What only the place decides (masked or not, continuation or not) is what
/// [`parse`](Self::parse) checks against an [`Expect`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    first: u8,
    key: Option<MaskKey>,
    payload_len: u64,
}

impl Header {
    /// An unmasked header, or `None` where RFC 6455 §5.2 or §5.5 forbids it.
    // RFC 6455 §5.4-1, §5.5-1
    #[must_use]
    pub const fn new(fin: bool, opcode: Opcode, payload_len: u64) -> Option<Self> {
        if payload_len >> 63 != 0
            || (opcode.is_control() && (!fin || payload_len > MAX_CONTROL_PAYLOAD as u64))
        {
            return None;
        }
        Some(Self {
            first: opcode.value() | if fin { FIN } else { 0 },
            key: None,
            payload_len,
        })
    }

    /// The header of a data frame. A length of memory is always below 2^63.
    #[inline]
    pub(crate) const fn data(fin: bool, opcode: Opcode, payload_len: usize) -> Self {
        Self {
            first: opcode.value() | if fin { FIN } else { 0 },
            key: None,
            payload_len: payload_len as u64,
        }
    }

    /// The same header with this masking key, or without one.
    #[must_use]
    #[inline]
    pub const fn with_key(mut self, key: Option<MaskKey>) -> Self {
        self.key = key;
        self
    }

    /// The same header with these reserved bits (of `0x70`), for an extension that defines them.
    #[must_use]
    pub const fn with_reserved(mut self, bits: u8) -> Self {
        self.first = (self.first & !RESERVED) | (bits & RESERVED);
        self
    }

    /// Whether this is the last, or only, frame of its message.
    #[must_use]
    pub const fn fin(&self) -> bool {
        self.first & FIN != 0
    }

    /// The reserved bits, as they stand in the first octet (of `0x70`).
    #[must_use]
    pub const fn reserved(&self) -> u8 {
        self.first & RESERVED
    }

    /// The opcode.
    #[must_use]
    pub const fn opcode(&self) -> Opcode {
        Opcode::from_first_octet(self.first)
    }

    /// The masking key, where the payload is masked.
    #[must_use]
    pub const fn key(&self) -> Option<MaskKey> {
        self.key
    }

    /// The payload's length in octets, below 2^63.
    #[must_use]
    pub const fn payload_len(&self) -> u64 {
        self.payload_len
    }

    /// How many octets the header itself takes, 2 to 14.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        match (self.payload_len, self.key.is_some()) {
            (0..=125, false) => 2,
            (0..=125, true) => 6,
            (126..=0xFFFF, false) => 4,
            (126..=0xFFFF, true) => 8,
            (_, false) => 10,
            (_, true) => 14,
        }
    }

    /// Reads a header from the beginning of `octets`: the header and its own length, or `None` while
    /// more octets are needed.
    ///
    /// # Errors
    /// The first violation, in the order of the octets, as soon as the octet that shows it is there.
    pub fn parse(octets: &[u8], expect: Expect) -> Result<Option<(Self, usize)>, Violation> {
        let Some((&first, rest)) = octets.split_first() else {
            return Ok(None);
        };
        check_first(first, expect)?;
        let Some((&second, rest)) = rest.split_first() else {
            return Ok(None);
        };
        check_second(first, second, expect)?;
        let (payload_len, rest) = match second & !MASK {
            126 => match rest.split_first_chunk() {
                Some((length, rest)) => (minimal(u16::from_be_bytes(*length).into(), 126)?, rest),
                None => return Ok(None),
            },
            127 => match rest.split_first_chunk() {
                Some((length, rest)) => (long(u64::from_be_bytes(*length))?, rest),
                None => return begins_long(rest).map(|()| None),
            },
            length => (length.into(), rest),
        };
        let key = match (expect.masked, rest.first_chunk()) {
            (false, _) => None,
            (true, Some(key)) => Some(*key),
            (true, None) => return Ok(None),
        };
        let header = Self {
            first,
            key,
            payload_len,
        };
        Ok(Some((header, header.encoded_len())))
    }

    /// Writes the header to the beginning of `octets` and returns its length, 2 to 14.
    // RFC 6455 §5.2-1, §5.2-5, §5.2-7, §5.3-1
    #[inline]
    pub fn encode(&self, octets: &mut [u8; MAX_HEADER_LEN]) -> usize {
        let masked = if self.key.is_some() { MASK } else { 0 };
        let length = self.payload_len.to_be_bytes();
        let key = self.key.unwrap_or_default();
        let [.., g, h] = length;
        let [k0, k1, k2, k3] = key;
        match self.payload_len {
            0..=125 => {
                *octets = [
                    self.first,
                    masked | h,
                    k0,
                    k1,
                    k2,
                    k3,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                ];
            }
            126..=0xFFFF => {
                *octets = [
                    self.first,
                    masked | 126,
                    g,
                    h,
                    k0,
                    k1,
                    k2,
                    k3,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                ];
            }
            _ => {
                let [a, b, c, d, e, f, g, h] = length;
                *octets = [
                    self.first,
                    masked | 127,
                    a,
                    b,
                    c,
                    d,
                    e,
                    f,
                    g,
                    h,
                    k0,
                    k1,
                    k2,
                    k3,
                ];
            }
        }
        self.encoded_len()
    }
}

impl Header {
    /// Writes a whole frame: the header, and the payload masked with the header's key. `room` is as
    /// long as both.
    #[cfg_attr(feature = "alloc", inline)]
    pub(crate) fn write(&self, room: &mut [u8], payload: &[u8]) {
        let Some(body) = self.put(room) else {
            return;
        };
        match self.key {
            Some(key) => mask::copy(body, payload, key),
            None => body.copy_from_slice(payload),
        }
    }

    /// As [`write`](Self::write), for a payload of at most [`SHORT`] octets. Most of what is so short was received
    /// just now, and stalls where it is loaded in other pieces.
    #[inline(always)]
    pub(crate) fn write_short(&self, room: &mut [u8], payload: &[u8]) {
        if self.key.is_some() {
            return self.write(room, payload);
        }
        if let Some(body) = self.put(room)
            && !mask::copy_near(body, payload)
        {
            body.copy_from_slice(payload);
        }
    }

    /// Puts the header at the beginning of `room`, and returns the rest; `None` where it doesn't fit.
    ///
    /// A short one goes straight to its place: put together on the stack octet by octet and copied from
    /// there, it would be loaded while its octets are still being stored, and the processor waits then.
    #[inline(always)]
    fn put<'a>(&self, room: &'a mut [u8]) -> Option<&'a mut [u8]> {
        let first = self.first;
        let [.., g, h] = self.payload_len.to_be_bytes();
        if DIRECT {
            match (self.payload_len, self.key) {
                (0..=125, None) => return put(room, [first, h]),
                (0..=125, Some([i, j, k, l])) => return put(room, [first, MASK | h, i, j, k, l]),
                (126..=0xFFFF, None) => return put(room, [first, 126, g, h]),
                (126..=0xFFFF, Some([i, j, k, l])) => {
                    return put(room, [first, MASK | 126, g, h, i, j, k, l]);
                }
                _ => {}
            }
        }
        self.put_any(room)
    }

    #[cfg_attr(feature = "alloc", inline(never))]
    fn put_any<'a>(&self, room: &'a mut [u8]) -> Option<&'a mut [u8]> {
        let mut octets = [0; MAX_HEADER_LEN];
        let length = self.encode(&mut octets);
        let (head, body) = room.split_at_mut_checked(length)?;
        head.copy_from_slice(octets.get(..length)?);
        Some(body)
    }
}

/// Four ways to write a header are quick, and take code. Without an allocator, where room is short, there
/// is one.
const DIRECT: bool = cfg!(feature = "alloc");

/// Puts octets at the beginning of `room`, and returns the rest.
#[inline(always)]
fn put<const N: usize>(room: &mut [u8], octets: [u8; N]) -> Option<&mut [u8]> {
    let (place, rest) = room.split_first_chunk_mut()?;
    *place = octets;
    Some(rest)
}

/// §5.2: reserved bits and opcodes; §5.4: fragments in order; §5.5: control frames whole.
// RFC 6455 §5.2-2, §5.2-3, §5.4-1, §5.4-3, §5.4-10, §5.5-1
// RFC 7692 §6.1-4
fn check_first(first: u8, expect: Expect) -> Result<(), Violation> {
    let Some(opcode) = Opcode::new(first & 0x0F) else {
        return Err(if first & RESERVED != 0 {
            Violation::ReservedBits
        } else {
            Violation::ReservedOpcode
        });
    };
    let begins_message = opcode.is_data() && opcode != Opcode::CONTINUATION;
    let allowed = if begins_message { expect.reserved } else { 0 };
    if first & RESERVED & !allowed != 0 {
        return Err(Violation::ReservedBits);
    }
    if opcode.is_control() {
        return if first & FIN == 0 {
            Err(Violation::ControlFragmented)
        } else {
            Ok(())
        };
    }
    match (expect.in_message, begins_message) {
        (true, true) => Err(Violation::ExpectedContinuation),
        (false, false) => Err(Violation::UnexpectedContinuation),
        _ => Ok(()),
    }
}

/// §5.1: who masks; §5.5: how long a control frame may be.
// RFC 6455 §5.1-2, §5.1-4, §5.5-1
fn check_second(first: u8, second: u8, expect: Expect) -> Result<(), Violation> {
    if (second & MASK != 0) != expect.masked {
        return Err(if expect.masked {
            Violation::UnmaskedFrame
        } else {
            Violation::MaskedFrame
        });
    }
    if first & 0x08 != 0 && usize::from(second & !MASK) > MAX_CONTROL_PAYLOAD {
        return Err(Violation::ControlTooLong);
    }
    Ok(())
}

/// §5.2: "the minimal number of bytes MUST be used to encode the length".
// RFC 6455 §5.2-5
const fn minimal(length: u64, least: u64) -> Result<u64, Violation> {
    if length < least {
        return Err(Violation::LengthNotMinimal);
    }
    Ok(length)
}

/// §5.2: "the most significant bit MUST be 0".
// RFC 6455 §5.2-4
fn long(length: u64) -> Result<u64, Violation> {
    if length >> 63 != 0 {
        return Err(Violation::LengthOverflow);
    }
    minimal(length, 0x1_0000)
}

/// What the first octets, up to seven, of a 64-bit length show already.
fn begins_long(octets: &[u8]) -> Result<(), Violation> {
    match octets {
        [0x80..=0xFF, ..] => Err(Violation::LengthOverflow),
        [0, 0, 0, 0, 0, 0, ..] => Err(Violation::LengthNotMinimal),
        _ => Ok(()),
    }
}

/// The common case, found without a header that travels through memory: a whole, unfragmented
/// message in a frame with a length of 7 or 16 bits, all of it at hand.
#[derive(Clone, Copy)]
pub(crate) struct WholeFrame {
    pub(crate) kind: MessageKind,
    pub(crate) key: MaskKey,
    pub(crate) header_len: usize,
    pub(crate) payload_len: usize,
}

impl WholeFrame {
    /// `None` says nothing about the octets: the whole codec has to look at them.
    #[inline(always)]
    pub(crate) fn find(octets: &[u8], masked: bool) -> Option<Self> {
        let &[first, second] = octets.first_chunk()?;
        if !matches!(first, 0x81 | 0x82) {
            return None;
        }
        // One comparison for the mask bit and the length: with the wrong bit it is 128 or more.
        let (mask, key_len) = if masked { (MASK, 4) } else { (0, 0) };
        let (length_len, payload_len) = match second.wrapping_sub(mask) {
            short @ 0..=125 => (2_usize, usize::from(short)),
            126 => {
                let &[_, _, high, low] = octets.first_chunk()?;
                let length = u16::from_be_bytes([high, low]);
                if length < 126 {
                    return None;
                }
                (4, usize::from(length))
            }
            _ => return None,
        };
        // Neither sum comes near the end of a usize: at most 8 and 65 543.
        let header_len = length_len.wrapping_add(key_len);
        if octets.len() < header_len.wrapping_add(payload_len) {
            return None;
        }
        let key = if masked {
            *octets.get(length_len..)?.first_chunk()?
        } else {
            [0; 4]
        };
        let kind = if first == 0x81 {
            MessageKind::Text
        } else {
            MessageKind::Binary
        };
        Some(Self {
            kind,
            key,
            header_len,
            payload_len,
        })
    }

    /// Whether these octets are too few for a header, and what there is of it, if anything, is that of such a frame, of
    /// at most 125 octets. False says nothing about the octets.
    #[inline]
    pub(crate) fn may_become(octets: &[u8], masked: bool) -> bool {
        let header_len = if masked { 6 } else { 2 };
        let (first, second) = (octets.first(), octets.get(1));
        octets.len() < header_len
            && matches!(first, None | Some(0x81 | 0x82))
            && second.is_none_or(|second| (second & MASK != 0) == masked && second & !MASK <= 125)
    }
}

#[cfg(all(test, feature = "alloc"))]
mod tests {
    use super::*;

    #[test]
    fn what_may_become_a_whole_frame_is_the_beginning_of_a_legal_header() {
        for masked in [true, false] {
            let expect = Expect {
                masked,
                in_message: false,
                reserved: 0,
            };
            for (first, second) in (0..=255).flat_map(|first| (0..=255).map(move |it| (first, it)))
            {
                for length in 0..=6 {
                    let octets = &[first, second, 0, 0, 0, 0][..length];
                    if WholeFrame::may_become(octets, masked) {
                        assert!(length < if masked { 6 } else { 2 });
                        let parsed = Header::parse(octets, expect);
                        assert!(matches!(parsed, Ok(None)), "{octets:?}");
                    }
                }
            }
        }
        assert!(WholeFrame::may_become(b"\x81\xFD\0\0\0", true));
        assert!(WholeFrame::may_become(b"\x82", false));
    }

    #[test]
    fn a_whole_frame_with_a_length_of_7_or_16_bits_is_found_as_soon_as_all_of_it_has_come() {
        for (opcode, kind) in [
            (Opcode::TEXT, MessageKind::Text),
            (Opcode::BINARY, MessageKind::Binary),
        ] {
            for (length, found) in [
                (0, true),
                (125, true),
                (126, true),
                (0xFFFF, true),
                (0x1_0000, false),
            ] {
                for key in [None, Some([0xA1, 2, 0xE3, 4])] {
                    let header = Header::data(true, opcode, length).with_key(key);
                    let mut octets = alloc::vec![0; MAX_HEADER_LEN + length];
                    let header_len =
                        header.encode((&mut octets[..MAX_HEADER_LEN]).try_into().unwrap());
                    let whole = &octets[..header_len + length];
                    let frame = WholeFrame::find(whole, key.is_some());
                    assert_eq!(frame.is_some(), found, "{length}");
                    let Some(frame) = frame else { continue };
                    assert_eq!((frame.kind, frame.key), (kind, key.unwrap_or_default()));
                    assert_eq!((frame.header_len, frame.payload_len), (header_len, length));
                    assert!(WholeFrame::find(&whole[..whole.len() - 1], key.is_some()).is_none());
                    assert!(WholeFrame::find(whole, key.is_none()).is_none());
                }
            }
        }
    }

    #[test]
    fn a_written_frame_is_the_encoded_header_and_the_masked_payload() {
        for length in (0..=200).chain([0xFFFF, 0x1_0000, 0x1_0001]) {
            for key in [None, Some([0xA1, 2, 0xE3, 4])] {
                let header = Header::data(true, Opcode::BINARY, length).with_key(key);
                let payload: alloc::vec::Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
                let mut expected = [0; MAX_HEADER_LEN];
                let head = header.encode(&mut expected);
                let mut masked = payload.clone();
                mask::apply(&mut masked, key.unwrap_or_default());

                let mut room = alloc::vec![0; head + length];
                header.write(&mut room, &payload);
                assert_eq!(room[..head], expected[..head], "{length}");
                assert_eq!(room[head..], masked, "{length}");
                if length <= SHORT {
                    let mut other = alloc::vec![0; head + length];
                    header.write_short(&mut other, &payload);
                    assert_eq!(other, room, "{length}");
                }
                assert!(header.put(&mut [0; 1]).is_none(), "no room");
            }
        }
    }
}
