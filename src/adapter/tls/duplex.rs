//! A TLS session between threads that block: one reads while others write.
//!
//! The session stands behind one lock, which is held for as long as it takes to encrypt or decrypt, never
//! while anything waits for the network. A second lock belongs to whoever writes to the network, so that
//! records leave in the order in which they were made. The reader, too, may have something to write: its
//! part of a handshake, an alert. It does so itself, or leaves it to the thread that is writing, which looks
//! again before it gives the network up.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::vec::Vec;

use ::rustls::Connection;

use super::Session;
use super::incoming::Incoming;

/// What is kept of the memory for records when they are written.
const MOST_KEPT: usize = 72 << 10;

/// One of the handles of a session. One at a time may read.
#[derive(Debug)]
pub(crate) struct Duplex {
    shared: Arc<Shared>,
    incoming: Incoming,
}

#[derive(Debug)]
struct Shared {
    session: Mutex<Session>,
    network: Mutex<Network>,
}

/// What belongs to whoever writes.
#[derive(Debug, Default)]
struct Network {
    records: Vec<u8>,
    /// A record may have gone in half: nothing can follow it.
    broken: bool,
}

/// Nobody panics with a lock in hands, but for a callback of the caller's, which changes nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Duplex {
    pub(crate) fn new(session: Session) -> Self {
        Self {
            shared: Arc::new(Shared {
                session: Mutex::new(session),
                network: Mutex::default(),
            }),
            incoming: Incoming::default(),
        }
    }

    /// A second handle, which reads from now on.
    pub(crate) fn reading_half(&mut self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            incoming: core::mem::take(&mut self.incoming),
        }
    }

    pub(crate) fn ask<R>(&self, ask: impl FnOnce(&Connection) -> R) -> R {
        ask(lock(&self.shared.session).tls())
    }

    /// Reads from the network at most once. [`ErrorKind::Interrupted`] when nothing has come of that
    /// yet: deadlines can be looked at before the next try.
    pub(crate) fn read<T: Read + Write>(
        &mut self,
        io: &mut T,
        plain: &mut [u8],
    ) -> io::Result<usize> {
        if let Some(done) = self.decrypt(io, plain) {
            return done;
        }
        self.incoming.shrink(plain.len());
        match io.read(self.incoming.room(plain.len()))? {
            0 => lock(&self.shared.session).end()?,
            count => self.incoming.commit(count),
        }
        self.decrypt(io, plain)
            .unwrap_or_else(|| Err(ErrorKind::Interrupted.into()))
    }

    /// Decrypts what has come, and writes what TLS has to say to it.
    fn decrypt<T: Write>(&mut self, io: &mut T, plain: &mut [u8]) -> Option<io::Result<usize>> {
        let mut session = lock(&self.shared.session);
        let decrypted = session.decrypt(&mut self.incoming, plain);
        let answers = session.wants_write();
        drop(session);
        if answers && let Some(network) = self.shared.try_network() {
            // Where that fails, reading will tell what has become of the stream.
            let _ = self.shared.pass_on(network, io);
        }
        decrypted.transpose()
    }

    /// Writes some of the slices, one behind the other.
    pub(crate) fn write<T: Write>(&self, io: &mut T, plain: &[IoSlice<'_>]) -> io::Result<usize> {
        // First come, first served: what is encrypted first is written first.
        let network = lock(&self.shared.network);
        let count = lock(&self.shared.session).encrypt(plain)?;
        self.shared.pass_on(network, io)?;
        Ok(count)
    }

    /// Tells the peer that nothing more will come.
    pub(crate) fn close<T: Write>(&self, io: &mut T) -> io::Result<()> {
        lock(&self.shared.session).close();
        match self.shared.try_network() {
            Some(network) => self.shared.pass_on(network, io),
            None => Ok(()),
        }
    }
}

impl Shared {
    /// The right to write, unless another thread is writing.
    fn try_network(&self) -> Option<MutexGuard<'_, Network>> {
        match self.network.try_lock() {
            Ok(network) => Some(network),
            Err(TryLockError::Poisoned(network)) => Some(network.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Writes all that waits, and gives the right to write back.
    fn pass_on<T: Write>(
        &self,
        mut network: MutexGuard<'_, Network>,
        io: &mut T,
    ) -> io::Result<()> {
        if network.broken {
            return Err(ErrorKind::BrokenPipe.into());
        }
        loop {
            let mut session = lock(&self.session);
            if !session.wants_write() {
                // Given back while the session is locked: nobody can have something to write in between
                // and find the network still taken.
                drop(network);
                return Ok(());
            }
            while session.wants_write() {
                session.write_to(&mut network.records)?;
            }
            drop(session);
            let written = io.write_all(&network.records).and_then(|()| io.flush());
            network.broken = written.is_err();
            network.records.clear();
            network.records.shrink_to(MOST_KEPT);
            written?;
        }
    }
}
