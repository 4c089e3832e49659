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
    while !tx.is_empty() {
        match io.write(tx.octets()) {
            Ok(count @ 1..) => tx.consume(count),
            failed => {
                is_gone(failed, ws, tx)?;
            }
        }
    }
    Ok(io.flush()?)
}

/// Writes everything that waits, and behind it a payload whose header waits last: both at once, where the
/// stream can do that.
pub(super) fn write_before<T: Stream, S: Side, B: Storage>(
    io: &mut T,
    ws: &mut Connection<S>,
    tx: &mut SendBuffer<B>,
    mut payload: &[u8],
) -> Result<(), Error> {
    while !payload.is_empty() {
        let queued = tx.octets();
        // Where frames are shared, there is more to come before the payload.
        let written = if queued.len() < tx.len() {
            io.write(queued)
        } else {
            io.write_vectored(&[IoSlice::new(queued), IoSlice::new(payload)])
        };
        let queued = queued.len();
        match written {
            Ok(count @ 1..) => {
                tx.consume(count.min(queued));
                payload = payload
                    .get(count.saturating_sub(queued)..)
                    .unwrap_or_default();
            }
            failed => {
                if is_gone(failed, ws, tx)? {
                    break;
                }
            }
        }
    }
    write(io, ws, tx)
}

/// A write has failed, or taken nothing: whether nobody is there to write to, so that nothing waits any more.
#[cold]
fn is_gone<S: Side, B: Storage>(
    written: io::Result<usize>,
    ws: &mut Connection<S>,
    tx: &mut SendBuffer<B>,
) -> Result<bool, Error> {
    let error = written.err().unwrap_or(ErrorKind::WriteZero.into());
    if error.kind() == ErrorKind::Interrupted {
        return Ok(false);
    }
    // A frame may have gone in half: nothing can follow it.
    tx.clear();
    ws.handle_eof();
    if is_disconnect(&error) {
        // What has been received may still be worth reading.
        return Ok(true);
    }
    Err(error.into())
}
