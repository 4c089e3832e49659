//! The sending direction where the codec only inflates: messages go out as they are, which is every
//! sender's right (RFC 7692 §6).

use crate::handshake::DeflateConfig;

/// Compresses nothing.
#[derive(Debug)]
pub(crate) struct Outbound;

impl Outbound {
    pub(super) const fn new(_: u8, _: bool, _: &DeflateConfig) -> Self {
        Self
    }

    pub(crate) const fn set_enabled(&mut self, _: bool) {}

    pub(crate) const fn takes(&self, _: usize) -> bool {
        false
    }

    pub(crate) const fn begin_parts(&mut self) {}

    pub(crate) const fn is_in_parts(&self) -> bool {
        false
    }

    pub(crate) const fn bound(&self, size: usize) -> usize {
        size
    }

    pub(crate) const fn compress(&mut self, _: &[u8], _: bool, _: &mut [u8]) -> Option<usize> {
        None
    }

    pub(super) const fn sleep(&mut self) {}

    #[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
    pub(crate) fn shared_frame(
        &mut self,
        _: crate::opcode::Opcode,
        _: &[u8],
        _: &super::Variants,
    ) -> Option<alloc::sync::Arc<[u8]>> {
        None
    }
}
