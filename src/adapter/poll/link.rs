//! The transport, with TLS on it or without.

#[cfg(feature = "tls")]
use std::boxed::Box;
use std::io::{self, IoSlice};
use std::task::{Context, Poll};

use super::Io;
#[cfg(feature = "tls")]
use crate::adapter::tls::{Session, TaskSession};
use crate::adapter::{AcceptOptions, ConnectOptions, Error};
use crate::handshake::Url;

/// A transport, with TLS on it or without.
pub(super) struct Link<T> {
    io: T,
    #[cfg(feature = "tls")]
    tls: Option<Box<TaskSession>>,
}

#[cfg_attr(
    not(feature = "tls"),
    allow(clippy::unnecessary_wraps, unused_variables)
)]
impl<T: Io> Link<T> {
    /// The transport as it is.
    pub(super) const fn plain(io: T) -> Self {
        Self {
            io,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// As a server is told to accept.
    pub(super) fn server(io: T, options: &AcceptOptions<'_>) -> Result<Self, Error> {
        Ok(Self {
            io,
            #[cfg(feature = "tls")]
            tls: boxed(Session::accepting(options)?),
        })
    }

    /// As a client is told to connect.
    pub(super) fn client(
        io: T,
        url: &Url<'_>,
        options: &ConnectOptions<'_>,
    ) -> Result<Self, Error> {
        Ok(Self {
            io,
            #[cfg(feature = "tls")]
            tls: boxed(Session::connecting(url, options)?),
        })
    }

    pub(super) const fn io(&self) -> &T {
        &self.io
    }

    #[cfg(feature = "tls")]
    pub(super) fn tls(&self) -> Option<&TaskSession> {
        self.tls.as_deref()
    }
}

#[cfg(feature = "tls")]
fn boxed(session: Option<Session>) -> Option<Box<TaskSession>> {
    session.map(|session| Box::new(TaskSession::new(session)))
}

impl<T: Io> Io for Link<T> {
    fn poll_read(&mut self, cx: &mut Context<'_>, octets: &mut [u8]) -> Poll<io::Result<usize>> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut self.tls {
            return tls.poll_read(&mut self.io, cx, octets);
        }
        self.io.poll_read(cx, octets)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut self.tls {
            return tls.poll_write(&mut self.io, cx, &[IoSlice::new(octets)]);
        }
        self.io.poll_write(cx, octets)
    }

    fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut self.tls {
            return tls.poll_write(&mut self.io, cx, slices);
        }
        self.io.poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        #[cfg(feature = "tls")]
        if self.tls.is_some() {
            // Header and payload are encrypted together.
            return true;
        }
        self.io.is_write_vectored()
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut self.tls {
            return tls.poll_flush(&mut self.io, cx);
        }
        self.io.poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut self.tls {
            return tls.poll_shutdown(&mut self.io, cx);
        }
        self.io.poll_shutdown(cx)
    }

    fn holds_back(&self) -> bool {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return tls.holds_back();
        }
        self.io.holds_back()
    }
}
