//! The stream, with TLS on it or without.

use std::io::{self, IoSlice, Read, Write};
use std::time::Duration;

use super::{AcceptOptions, ConnectOptions, Error, Stream};
#[cfg(feature = "tls")]
use crate::adapter::tls::{Duplex, Session};
use crate::handshake::Url;

/// A stream, with TLS on it or without.
#[derive(Debug)]
pub(super) struct Link<T> {
    io: T,
    #[cfg(feature = "tls")]
    tls: Option<Duplex>,
}

#[cfg_attr(not(feature = "tls"), allow(clippy::unnecessary_wraps))]
impl<T: Stream> Link<T> {
    /// The stream as it is.
    pub(super) const fn plain(io: T) -> Self {
        Self {
            io,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// As a server is told to accept.
    // RFC 6455 §4.2.2-2, §10.6-1
    pub(super) fn server(io: T, options: &AcceptOptions<'_>) -> Result<Self, Error> {
        io.prepare(options.write_timeout())?;
        Ok(Self {
            io,
            #[cfg(feature = "tls")]
            tls: Session::accepting(options)?.map(Duplex::new),
        })
    }

    /// As a client is told to connect.
    // RFC 6455 §4.1-10, §4.1-11, §10.6-1
    #[cfg_attr(not(feature = "tls"), allow(unused_variables))]
    pub(super) fn client(
        io: T,
        url: &Url<'_>,
        options: &ConnectOptions<'_>,
    ) -> Result<Self, Error> {
        io.prepare(options.write_timeout())?;
        Ok(Self {
            io,
            #[cfg(feature = "tls")]
            tls: Session::connecting(url, options)?.map(Duplex::new),
        })
    }

    /// The same connection by a second handle of the stream, which is the one that reads from now on.
    pub(super) fn reading_half(&mut self, io: T) -> Self {
        Self {
            io,
            #[cfg(feature = "tls")]
            tls: self.tls.as_mut().map(Duplex::reading_half),
        }
    }

    pub(super) const fn stream(&self) -> &T {
        &self.io
    }

    #[cfg(feature = "tls")]
    pub(super) const fn tls(&self) -> Option<&Duplex> {
        self.tls.as_ref()
    }
}

impl<T: Stream> Read for Link<T> {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut self.tls {
            return tls.read(&mut self.io, octets);
        }
        self.io.read(octets)
    }
}

impl<T: Stream> Write for Link<T> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return tls.write(&mut self.io, &[IoSlice::new(octets)]);
        }
        self.io.write(octets)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return tls.write(&mut self.io, slices);
        }
        self.io.write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.io.flush()
    }
}

impl<T: Stream> Stream for Link<T> {
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.io.set_read_timeout(timeout)
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            let told = tls.close(&mut self.io);
            return self.io.shutdown_write().and(told);
        }
        self.io.shutdown_write()
    }

    fn is_vectored(&self) -> bool {
        #[cfg(feature = "tls")]
        if self.tls.is_some() {
            // Header and payload are encrypted together.
            return true;
        }
        self.io.is_vectored()
    }

    fn prepare(&self, write_timeout: Option<Duration>) -> io::Result<()> {
        self.io.prepare(write_timeout)
    }
}
