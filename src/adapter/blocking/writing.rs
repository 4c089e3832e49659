//! Writing: what waits, and a long payload from where it lies.

use std::io::{self, ErrorKind, IoSlice};

use super::{Error, Stream, is_disconnect};
use crate::buffer::{SendBuffer, Storage};
use crate::connection::{Connection, Side};

/// Writes everything that waits.
pub(super) fn write<T: Stream, S: Side, B: Storage>(
    io: &mut T,
    ws: &mut Connection<S>,
    tx: &mut SendBuffer<B>,
) -> Result<(), Error> {
    write_before(io, ws, tx, &[])
}

/// Writes everything that waits, and behind it a payload whose header waits last: both at once, where the
/// stream can do that.
pub(super) fn write_before<T: Stream, S: Side, B: Storage>(
    io: &mut T,
    ws: &mut Connection<S>,
    tx: &mut SendBuffer<B>,
    mut payload: &[u8],
) -> Result<(), Error> {
    while !(tx.is_empty() && payload.is_empty()) {
        let queued = tx.octets();
        // Where frames are shared, there is more to come before the payload.
        let written = if payload.is_empty() || queued.len() < tx.len() {
            io.write(queued)
        } else {
            io.write_vectored(&[IoSlice::new(queued), IoSlice::new(payload)])
        };
        let queued = queued.len();
        match written.and_then(some) {
            Ok(count) => {
                tx.consume(count.min(queued));
                payload = payload
                    .get(count.saturating_sub(queued)..)
                    .unwrap_or_default();
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if is_disconnect(&error) => {
                // Nobody is there to write to; what has been received may still be worth reading.
                payload = &[];
                tx.clear();
                ws.handle_eof();
            }
            Err(error) => {
                // A frame may have gone in half: nothing can follow it.
                tx.clear();
                ws.handle_eof();
                return Err(error.into());
            }
        }
    }
    Ok(io.flush()?)
}

/// A write that takes nothing is an error.
fn some(count: usize) -> io::Result<usize> {
    match count {
        0 => Err(ErrorKind::WriteZero.into()),
        count => Ok(count),
    }
}
