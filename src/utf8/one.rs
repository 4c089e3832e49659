//! One octet of a text at a time, by a table: what a transport comes to that gives octets one by one.
//!
//! All octets of a text take one load, whatever they are, and whether a code point is open or not.
//!
//! ```text
//! NEXT[Lead]          a ─> Lead          C2 to DF ─> SecondOfTwo   80 ─> none   …
//! NEXT[SecondOfTwo]   80 to BF ─> Lead   all others ─> none
//! ```

use super::{Expecting, Utf8Validator};

impl Utf8Validator {
    /// Takes one octet more; false, and nothing has changed, where no UTF-8 text goes on with it. With the `first` octet
    /// of a text none does where a code point is open: another text has left that so.
    //
    // Branches tell the states apart that stay the same, which are most, and the state isn't stored then: the next look
    // at it would have to wait for that, and the table for the look.
    #[expect(
        clippy::indexing_slicing,
        reason = "there is a row for each state, and a place for each octet"
    )]
    #[inline(always)]
    pub(crate) const fn takes(&mut self, octet: u8, first: bool) -> bool {
        let next = match self.0 {
            Expecting::Anything => return true,
            Expecting::Lead => match NEXT[Expecting::Lead as usize][octet as usize] {
                Expecting::Lead => return true,
                next => next,
            },
            _ if first => return false,
            open => NEXT[open as usize][octet as usize],
        };
        if matches!(next, Expecting::Nothing) {
            return false;
        }
        self.0 = next;
        true
    }
}

/// Where each octet leads to.
static NEXT: [[Expecting; 256]; Expecting::ALL.len()] = table();

#[allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    reason = "computed by the compiler, which would say so"
)]
const fn table() -> [[Expecting; 256]; Expecting::ALL.len()] {
    let mut next = [[Expecting::Nothing; 256]; Expecting::ALL.len()];
    let mut row = 0;
    while row < next.len() {
        let mut octet = 0;
        while octet < 256 {
            next[row][octet] = match Expecting::ALL[row].after(octet as u8) {
                Ok(next) => next,
                Err(_) => Expecting::Nothing,
            };
            octet += 1;
        }
        row += 1;
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_29_the_table_says_what_the_validator_says() {
        for (number, state) in Expecting::ALL.into_iter().enumerate() {
            assert_eq!(state as usize, number, "its row");
            for octet in 0..=u8::MAX {
                let mut text = Utf8Validator(state);
                let next = state.after(octet);
                let takes = text.takes(octet, false);
                assert_eq!(takes, next.is_ok(), "{octet:#x} in {state:?}");
                assert_eq!(text.0, next.unwrap_or(state), "{octet:#x} in {state:?}");
                let mut text = Utf8Validator(state);
                let takes = text.takes(octet, true);
                let complete = Utf8Validator(state).is_complete();
                assert_eq!(takes, next.is_ok() && complete, "{octet:#x} in {state:?}");
            }
        }
    }
}
