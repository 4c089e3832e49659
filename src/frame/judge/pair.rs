//! Which faults an octet and the one before it make together: a set of bits for each half of an octet.
//!
//! [`table`] lays the rows out as registers look them up: by the lower half of an octet, or by its six lower or
//! upper bits, where a register has 64 entries.
//!
//! ```
//! use websocket_proto::{CloseCode, Config, Connection, RecvBuffer, SendBuffer};
//!
//! // ED and A0 are a surrogate (RFC 3629 §3): the tables have that fault in common, by E, D and A.
//! let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
//! rx.extend(&[0x81, 0x80 | 43, 0, 0, 0, 0])?;
//! rx.extend(b"Long enough for a register of 32 octets: \xED\xA0")?;
//! let mut server = Connection::open_server(Config::new());
//! let error = server.poll(&mut rx, &mut tx).unwrap_err();
//! assert_eq!(error.close_code(), CloseCode::INVALID_PAYLOAD);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
// Evaluated as it is compiled.
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

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
/// A fault unless a lead before them asks for the second one. The highest bit: what asks for it sets that.
pub(super) const TWO_CONTINUATIONS: u8 = 1 << 7;

/// What doesn't depend on the lower half of the first octet.
const ANY: u8 = TOO_SHORT | TOO_LONG | TWO_CONTINUATIONS;

/// The faults of halves `from..=to`.
type Row = (usize, usize, u8);

pub(super) const BY_UPPER_OF_FIRST: &[Row] = &[
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
];

pub(super) const BY_LOWER_OF_FIRST: &[Row] = &[
    (0x0, 0xF, ANY),
    (0x0, 0x0, OVERLONG_OF_THREE | OVERLONG_OF_FOUR_OR_TOO_LARGE),
    (0x0, 0x1, OVERLONG_OF_TWO),
    (0x4, 0xF, TOO_LARGE),
    (0x5, 0xF, OVERLONG_OF_FOUR_OR_TOO_LARGE),
    (0xD, 0xD, SURROGATE),
];

pub(super) const BY_UPPER_OF_SECOND: &[Row] = &[
    (0x0, 0x7, TOO_SHORT),
    (0xC, 0xF, TOO_SHORT),
    (0x8, 0xB, TOO_LONG | OVERLONG_OF_TWO | TWO_CONTINUATIONS),
    (0x8, 0x8, OVERLONG_OF_THREE | OVERLONG_OF_FOUR_OR_TOO_LARGE),
    (0x9, 0x9, OVERLONG_OF_THREE | TOO_LARGE),
    (0xA, 0xB, SURROGATE | TOO_LARGE),
];

/// The faults of all rows that a half is in, for each index. The half of an index is its four bits from `lowest` on.
pub(super) const fn table<const N: usize>(rows: &[Row], lowest: u32) -> [u8; N] {
    let mut table = [0; N];
    let mut index = 0;
    while index < N {
        let half = (index >> lowest) & 0xF;
        let mut row = 0;
        while row < rows.len() {
            let (from, to, faults) = rows[row];
            if from <= half && half <= to {
                table[index] |= faults;
            }
            row += 1;
        }
        index += 1;
    }
    table
}
