//! Judging a text in wide registers: 32 or 64 octets at once, whatever they are.
//!
//! Each octet is judged with the one before it. Three tables say which faults the two may make together: by the
//! upper and the lower half of the one before, and by the upper half of itself. A fault is one that all three
//! name. What is left are the third and fourth octets of a code point: "a continuation behind a continuation" is
//! no fault where, and only where, a lead that asks for it stands two or three octets before. (John Keiser, Daniel
//! Lemire: Validating UTF-8 in less than one instruction per byte, 2021.)
//!
//! The octets before a block are loaded once more, from one, two and three octets before it, not shifted in from
//! the block before: loads are what the processor has to spare here, and nothing is carried from block to block.
//!
//! ```
//! use websocket_proto::{Config, Connection, Event, RecvBuffer, SendBuffer};
//!
//! // A text of 40 octets, masked with zeros.
//! let text = "Long enough, and not ASCII in all of \u{2603}";
//! let (mut rx, mut tx) = (RecvBuffer::new(), SendBuffer::new());
//! rx.extend(&[0x81, 0x80 | 40, 0, 0, 0, 0])?;
//! rx.extend(text.as_bytes())?;
//! let mut server = Connection::open_server(Config::new());
//! assert!(matches!(server.poll(&mut rx, &mut tx)?, Some(Event::Text(lent)) if lent == text));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

pub(super) mod avx2;
pub(super) mod avx512;
mod pair;

/// No octet of a block's last three may be this or more: it would begin a code point that they are too few for.
const fn begin_no_more<const N: usize>() -> [u8; N] {
    let mut most = [0xFF; N];
    if let Some([third, second, last]) = most.last_chunk_mut() {
        (*third, *second, *last) = (0xF0 - 1, 0xE0 - 1, 0xC0 - 1);
    }
    most
}

/// The blocks that follow each other, each with the three octets before it, `N` in all; what is less is left out.
#[inline(always)]
fn blocks<const N: usize>(octets: &[u8]) -> impl Iterator<Item = &[u8; N]> {
    let windows = octets.windows(N).step_by(N.saturating_sub(3));
    windows.filter_map(<[u8]>::first_chunk)
}
