//! A few octets, judged one after the other without branches: where octets of all kinds follow each other, a
//! branch for each is mispredicted, and that takes longer than all else.
//!
//! The states of [`Utf8Validator`](super::Utf8Validator) are numbers of six bits here. A table has a row for each
//! octet, with the next state at the place that the present one says: to look it up is to shift the row. (Per
//! Vognsen's way of running a small automaton.)
//!
//! ```
//! use websocket_proto::{Config, Connection, Event, RecvBuffer, SendBuffer};
//!
//! // A text of 5 octets, masked with zeros.
//! let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
//! rx.extend(&[0x81, 0x80 | 5, 0, 0, 0, 0, b'c', b'a', b'f', 0xC3, 0xA9])?;
//! let mut server = Connection::open_server(Config::new());
//! assert!(matches!(server.poll(&mut rx, &mut tx)?, Some(Event::Text("caf\u{e9}"))));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

use super::{Expecting, InvalidUtf8};

/// For each octet the next states.
static ROWS: [u64; 256] = rows();

/// No octet leads out of this state.
const WRONG: u64 = 48;

/// Of the lowest bits a state, of the others nothing is asked.
const STATE: u64 = 0x3F;

/// From this length on there are better ways: simdutf8's, where there is one.
pub(super) const MANY: usize = 64;

/// Whether octets are UTF-8.
#[inline(never)]
pub(super) fn are_text(octets: &[u8]) -> bool {
    let mut state = place(Expecting::Lead);
    for octet in octets {
        // There is a row for each octet.
        let row = ROWS.get(usize::from(*octet)).copied().unwrap_or_default();
        state = row >> (state & STATE);
    }
    state & STATE == place(Expecting::Lead)
}

/// The place of a state in a row, which is its number, too. Those that go on alike are one.
const fn place(state: Expecting) -> u64 {
    match state {
        Expecting::Lead => 0,
        Expecting::SecondOfTwo | Expecting::ThirdOfThree | Expecting::FourthOfFour => 6,
        Expecting::SecondOfThree | Expecting::ThirdOfFour => 12,
        Expecting::SecondOfFour => 18,
        Expecting::SecondAfterE0 => 24,
        Expecting::SecondAfterEd => 30,
        Expecting::SecondAfterF0 => 36,
        Expecting::SecondAfterF4 => 42,
        Expecting::Anything => 54,
        Expecting::Nothing => WRONG,
    }
}

#[allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    reason = "evaluated as it is compiled"
)]
const fn rows() -> [u64; 256] {
    const STATES: [Expecting; 8] = [
        Expecting::Lead,
        Expecting::SecondOfTwo,
        Expecting::SecondOfThree,
        Expecting::SecondOfFour,
        Expecting::SecondAfterE0,
        Expecting::SecondAfterEd,
        Expecting::SecondAfterF0,
        Expecting::SecondAfterF4,
    ];
    let mut rows = [WRONG << WRONG; 256];
    let mut octet = 0;
    while octet < rows.len() {
        let mut i = 0;
        while i < STATES.len() {
            let next = match STATES[i].after(octet as u8) {
                Ok(next) => place(next),
                Err(InvalidUtf8) => WRONG,
            };
            rows[octet] |= next << place(STATES[i]);
            i += 1;
        }
        octet += 1;
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_29_up_to_five_octets_are_judged_as_by_the_library() {
        let edges = [
            0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1,
            0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
        ];
        assert!(are_text(b""));
        for first in 0..=255 {
            for (second, third) in edges.iter().flat_map(|a| edges.map(|b| (*a, b))) {
                for octets in [
                    &[first][..],
                    &[first, second],
                    &[first, second, third],
                    &[first, second, third, 0x80],
                    &[first, second, third, 0xBF, 0x41],
                ] {
                    let expected = core::str::from_utf8(octets).is_ok();
                    assert_eq!(are_text(octets), expected, "{octets:x?}");
                }
            }
        }
    }
}
