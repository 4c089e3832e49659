//! What stands in for compression where no codec is built in: nothing is ever agreed upon.

use core::convert::Infallible;

use super::Input;
use crate::error::Violation;
use crate::handshake::{DeflateChoice, DeflateParameters};
use crate::role::Role;

/// Always empty.
#[derive(Debug)]
pub(crate) struct Slot;

/// There is none.
pub(crate) struct Inbound(Infallible);

/// There is none.
pub(crate) struct Outbound(Infallible);

impl Slot {
    pub(crate) const EMPTY: Self = Self;

    pub(crate) fn agreed(_: DeflateParameters, never: &DeflateChoice, _: Role) -> Self {
        match *never {}
    }

    pub(crate) const fn parameters(&self) -> Option<DeflateParameters> {
        None
    }

    pub(crate) const fn wants_room(&self) -> bool {
        false
    }

    pub(crate) const fn take_request(&mut self) -> Option<usize> {
        None
    }

    pub(crate) const fn inbound(&mut self) -> Option<&mut Inbound> {
        None
    }

    pub(crate) const fn outbound(&mut self) -> Option<&mut Outbound> {
        None
    }

    pub(crate) const fn compresses(&self, _: usize) -> bool {
        false
    }

    pub(crate) const fn release(&mut self) {}
}

impl Inbound {
    pub(crate) fn begin(&mut self) {
        match self.0 {}
    }

    pub(crate) fn inflate(
        &mut self,
        _: Input<'_>,
        _: &mut [u8],
    ) -> Result<(usize, usize), Violation> {
        match self.0 {}
    }

    pub(crate) fn finish(&mut self) -> Result<(), Violation> {
        match self.0 {}
    }

    pub(crate) fn stash(&mut self, _: &[u8]) -> usize {
        match self.0 {}
    }

    pub(crate) fn is_pending(&self) -> bool {
        match self.0 {}
    }

    pub(crate) const fn unmasked(&self) -> usize {
        match self.0 {}
    }

    pub(crate) fn note_unmasked(&mut self, _: usize) {
        match self.0 {}
    }

    pub(crate) fn note_inflated(&mut self, _: usize, _: bool, _: bool) {
        match self.0 {}
    }

    pub(crate) fn ask_for_room(&mut self, _: usize) -> bool {
        match self.0 {}
    }
}

impl Outbound {
    pub(crate) fn set_enabled(&mut self, _: bool) {
        match self.0 {}
    }

    pub(crate) fn takes(&self, _: usize) -> bool {
        match self.0 {}
    }

    pub(crate) fn begin_parts(&mut self) {
        match self.0 {}
    }

    pub(crate) fn is_in_parts(&self) -> bool {
        match self.0 {}
    }

    pub(crate) fn bound(&self, _: usize) -> usize {
        match self.0 {}
    }

    pub(crate) fn compress(&mut self, _: &[u8], _: bool, _: &mut [u8]) -> Option<usize> {
        match self.0 {}
    }

    #[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
    pub(crate) fn shared_frame(
        &mut self,
        _: crate::opcode::Opcode,
        _: &[u8],
        _: &super::Variants,
    ) -> Option<alloc::sync::Arc<[u8]>> {
        match self.0 {}
    }
}
