//! What a blocking stream has to be able to do beyond `Read` and `Write`.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// A blocking stream with a read timeout and a half-close.
///
/// For any other `Read + Write` there is [`NoTimeouts`]; or implement this trait, where the stream can
/// do better.
pub trait Stream: Read + Write {
    /// Makes `read` fail with [`ErrorKind::TimedOut`] or [`ErrorKind::WouldBlock`] after this long. All
    /// deadlines are kept by it, and that so much time has passed is taken for granted: where a read fails
    /// earlier, a Ping goes out early.
    ///
    /// # Errors
    /// Those of the stream.
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;

    /// Tells the peer that nothing more will be written, while reading goes on.
    ///
    /// # Errors
    /// Those of the stream; [`ErrorKind::Unsupported`] where it has no half-close. After any error the
    /// WebSocket is over, and the stream is to be dropped.
    fn shutdown_write(&mut self) -> io::Result<()>;

    /// Whether [`write_vectored`](Write::write_vectored) takes more than the first slice. Where it does, a
    /// large payload is written from where it lies; where it doesn't, header and payload go out together as
    /// a copy.
    fn is_vectored(&self) -> bool {
        false
    }

    /// Makes the stream ready to carry a WebSocket: no waiting for more to send (`TCP_NODELAY`), and no
    /// write that takes longer than `write_timeout`.
    ///
    /// # Errors
    /// Those of the stream.
    fn prepare(&self, write_timeout: Option<Duration>) -> io::Result<()>;
}

impl Stream for TcpStream {
    fn is_vectored(&self) -> bool {
        true
    }

    fn prepare(&self, write_timeout: Option<Duration>) -> io::Result<()> {
        self.set_nodelay(true)?;
        self.set_write_timeout(write_timeout)
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        Self::set_read_timeout(self, timeout)
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

#[cfg(unix)]
impl Stream for std::os::unix::net::UnixStream {
    fn is_vectored(&self) -> bool {
        true
    }

    fn prepare(&self, write_timeout: Option<Duration>) -> io::Result<()> {
        self.set_write_timeout(write_timeout)
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        Self::set_read_timeout(self, timeout)
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

/// Any `Read + Write` as a [`Stream`]. It has no timeouts, so that deadlines are only looked at when
/// something arrives, no half-close, so that the end that has to close first does so at once, and no vectored
/// writes.
#[derive(Clone, Debug)]
pub struct NoTimeouts<T>(pub T);

impl<T: Read> Read for NoTimeouts<T> {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        self.0.read(octets)
    }
}

impl<T: Write> Write for NoTimeouts<T> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<T: Read + Write> Stream for NoTimeouts<T> {
    fn set_read_timeout(&self, _timeout: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    fn prepare(&self, _write_timeout: Option<Duration>) -> io::Result<()> {
        Ok(())
    }
}

/// Whether a read has ended because its time was up.
pub(super) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
}
