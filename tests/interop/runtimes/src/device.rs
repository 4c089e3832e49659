//! A socket of the host as that of a device, for the adapter in fixed buffers.

use std::io;

use embedded_io_async::{ErrorType, Read, Write};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The largest message of sections 1 to 7 of the Autobahn test suite has 256 KiB.
pub const BUFFER: usize = 257 << 10;

pub struct Socket(TcpStream);

impl Socket {
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }

    /// Tells the peer that nothing more comes, and waits for the peer to say so.
    pub async fn finish(mut self) -> io::Result<()> {
        self.0.shutdown().await?;
        let mut rest = [0; 4096];
        while self.0.read(&mut rest).await? != 0 {}
        Ok(())
    }
}

impl ErrorType for Socket {
    type Error = io::Error;
}

impl Read for Socket {
    async fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        self.0.read(octets).await
    }
}

impl Write for Socket {
    async fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.write(octets).await
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.0.flush().await
    }
}
