//! What stands for offers and answers of compression on a connection where no codec is built in: there are
//! none, and nothing of the code for them is linked.

use super::emit::Put;
use crate::error::ResponseFault;
use crate::handshake::DeflateParameters;

/// A value that doesn't exist: how to compress, or the answer to an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Undeflated {}

impl Undeflated {
    pub(super) fn answer<'a>(&self, _: impl IntoIterator<Item = &'a [u8]>) -> Option<Self> {
        match *self {}
    }

    pub(super) fn emit_offer(&self, _: Put<'_>) {
        match *self {}
    }

    pub(super) fn verify<'a>(
        &self,
        _: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Option<DeflateParameters>, ResponseFault> {
        match *self {}
    }

    pub(super) fn emit(&self, _: Put<'_>) {
        match *self {}
    }

    pub(crate) fn parameters(&self) -> DeflateParameters {
        match *self {}
    }
}
