//! What the core asks of a transport.

use std::io::{self, IoSlice};
use std::task::{Context, Poll};

/// A transport for a task: octets in both directions.
///
/// Reading on the one side, and writing, flushing and shutting down on the other, each wake the task that
/// asked last. A method that is pending has done nothing.
pub trait Io {
    /// Reads at least one octet into `octets`, which has room; 0 at the end of the stream.
    ///
    /// # Errors
    /// Those of the transport. After [`ErrorKind::Interrupted`](io::ErrorKind::Interrupted) it is asked
    /// again, and flushed before that where it [holds back](Self::holds_back) something.
    fn poll_read(&mut self, cx: &mut Context<'_>, octets: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Writes at least one of `octets`, of which there are some.
    ///
    /// # Errors
    /// Those of the transport.
    fn poll_write(&mut self, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>>;

    /// Writes at least one octet of `slices`, one behind the other. Unless a transport can do better, it
    /// writes of the first that isn't empty.
    ///
    /// # Errors
    /// Those of the transport.
    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = slices.iter().find(|slice| !slice.is_empty());
        self.poll_write(cx, first.map_or(&[], |slice| slice))
    }

    /// Whether a vectored write takes more than the first slice. Where it doesn't, a header and its payload
    /// go out together as a copy.
    fn is_write_vectored(&self) -> bool {
        false
    }

    /// Passes on what was written, where the transport holds it back.
    ///
    /// # Errors
    /// Those of the transport. After [`ErrorKind::Interrupted`](io::ErrorKind::Interrupted) some of it was
    /// passed on, and it is asked again.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Whether it has something to pass on that nobody has written: what reading has made it say, as TLS
    /// does. It is flushed before it is read from.
    fn holds_back(&self) -> bool {
        false
    }

    /// Tells the peer that nothing more will be written, while reading goes on.
    ///
    /// # Errors
    /// Those of the transport. After any error the WebSocket is over.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}
