//! Where a connection keeps its compression: eight octets, and a box from the agreement on.

use alloc::boxed::Box;

use super::inbound::Inbound;
#[cfg(feature = "deflate")]
use super::outbound::Outbound;
#[cfg(not(feature = "deflate"))]
use super::verbatim::Outbound;
use crate::handshake::{DeflateConfig, DeflateParameters};
use crate::role::Role;

/// Empty, or both directions of a connection that has agreed to compress.
#[derive(Debug)]
pub(crate) struct Slot(Option<Box<Codecs>>);

#[derive(Debug)]
struct Codecs {
    parameters: DeflateParameters,
    inbound: Inbound,
    outbound: Outbound,
}

impl Slot {
    pub(crate) const EMPTY: Self = Self(None);

    /// What follows, at the end with this role, from what was agreed upon. Nothing is allocated for
    /// codecs yet.
    pub(crate) fn agreed(
        parameters: DeflateParameters,
        config: &DeflateConfig,
        role: Role,
    ) -> Self {
        let server = (
            parameters.server_max_window_bits(),
            parameters.server_context_takeover(),
        );
        let client = (
            parameters.client_max_window_bits(),
            parameters.client_context_takeover(),
        );
        let (ours, theirs) = match role {
            Role::Server => (server, client),
            Role::Client => (client, server),
        };
        Self(Some(Box::new(Codecs {
            parameters,
            inbound: Inbound::new(theirs.0, theirs.1, config.keeps_codecs()),
            outbound: Outbound::new(ours.0, ours.1, config),
        })))
    }

    pub(crate) fn parameters(&self) -> Option<DeflateParameters> {
        self.0.as_ref().map(|codecs| codecs.parameters)
    }

    /// Whether the receive buffer's gap is to become wider.
    #[inline]
    pub(crate) fn wants_room(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|codecs| codecs.inbound.wants_room())
    }

    /// How wide the receive buffer's gap is to become, where it is; it will have been tried.
    #[inline]
    pub(crate) fn take_request(&mut self) -> Option<usize> {
        self.0.as_mut()?.inbound.take_request()
    }

    #[inline]
    pub(crate) fn inbound(&mut self) -> Option<&mut Inbound> {
        self.0.as_mut().map(|codecs| &mut codecs.inbound)
    }

    #[inline]
    pub(crate) fn outbound(&mut self) -> Option<&mut Outbound> {
        self.0.as_mut().map(|codecs| &mut codecs.outbound)
    }

    /// Gives back what isn't needed between messages.
    pub(crate) fn release(&mut self) {
        if let Some(codecs) = &mut self.0 {
            codecs.inbound.sleep();
            codecs.outbound.sleep();
        }
    }
}
