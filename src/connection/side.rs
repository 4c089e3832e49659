//! What only a client, or only a server, carries.

use crate::frame::mask::{KeySource, MaskKey};
use crate::handshake::Expected;
use crate::role::Role;

/// The part of a connection that depends on its role. [`Server`] and [`Client`] are the two there are.
pub trait Side: sealed::Side {}

impl<S: sealed::Side> Side for S {}

pub(super) mod sealed {
    use super::{Expected, MaskKey, Role};

    pub trait Side {
        fn role(&self) -> Role;

        /// The key for the next frame that is sent; none for a server.
        fn mask_key(&mut self) -> Option<MaskKey>;

        /// What the response has to say; none for a server, and once it has come.
        fn expected(&self) -> Option<&Expected>;

        /// The response has come.
        fn forget_expected(&mut self);
    }
}

/// A server's side: nothing at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Server;

impl sealed::Side for Server {
    #[inline(always)]
    fn role(&self) -> Role {
        Role::Server
    }

    // RFC 6455 §5.1-3
    #[inline(always)]
    fn mask_key(&mut self) -> Option<MaskKey> {
        None
    }

    fn expected(&self) -> Option<&Expected> {
        None
    }

    fn forget_expected(&mut self) {}
}

/// A client's side: its masking keys and, until it has come, what the response has to say.
pub struct Client<K> {
    keys: K,
    expected: Option<Expected>,
}

impl<K> Client<K> {
    pub(super) const fn new(keys: K, expected: Option<Expected>) -> Self {
        Self { keys, expected }
    }
}

impl<K: KeySource> sealed::Side for Client<K> {
    #[inline(always)]
    fn role(&self) -> Role {
        Role::Client
    }

    #[inline(always)]
    fn mask_key(&mut self) -> Option<MaskKey> {
        Some(self.keys.next_key())
    }

    fn expected(&self) -> Option<&Expected> {
        self.expected.as_ref()
    }

    fn forget_expected(&mut self) {
        self.expected = None;
    }
}

impl<K> core::fmt::Debug for Client<K> {
    /// Says nothing of the keys: who knows their source can foresee them.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}
