//! Payloads that are written from where they lie, behind a header that is queued alone.

use std::vec::Vec;

use super::sizes::send_limit;
use crate::buffer::SendBuffer;
use crate::connection::{Connection, Side};
use crate::error::Misuse;
use crate::frame::MAX_HEADER_LEN;
use crate::opcode::MessageKind;

/// From how many octets on a payload is not copied behind its header, where that can be avoided.
pub(super) const WORTH_IT: usize = 4 << 10;

/// Queues the header of a message alone, where its payload of `length` octets is worth it and needs neither
/// masking nor compressing. The payload has to follow, behind all that waits, before anything else.
///
/// # Errors
/// As [`Connection::send_text`]: the payload counts for the limit as if it were queued.
pub(super) fn queue_header<S: Side>(
    ws: &mut Connection<S>,
    tx: &mut SendBuffer<Vec<u8>>,
    kind: MessageKind,
    length: usize,
) -> Result<bool, Misuse> {
    if length < WORTH_IT || ws.compresses(length) {
        return Ok(false);
    }
    let room = send_limit(ws.config()).saturating_sub(tx.len());
    if length.saturating_add(MAX_HEADER_LEN) > room {
        return Err(Misuse::SendBufferFull);
    }
    let Some(header) = ws.send_header_unmasked(kind, length)? else {
        return Ok(false);
    };
    let queued = tx.extend(header.as_ref());
    queued.map_err(|_| Misuse::SendBufferFull).map(|()| true)
}
