//! How a connection ended, in memory of its own.

use alloc::string::String;

use crate::close::{self, CloseCode, Initiator};

/// How a connection ended, with the reason in memory of its own: see [`Outcome`](crate::Outcome).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The code of the peer's Close, 1005 where that had none, 1006 where there was no Close.
    pub code: CloseCode,
    /// The peer's reason.
    pub reason: String,
    /// Whether the closing handshake was completed.
    pub clean: bool,
    /// Who ended it.
    pub initiator: Initiator,
}

impl Outcome {
    /// That of a connection that this end has given up, without a Close from the peer.
    #[must_use]
    pub const fn abandoned() -> Self {
        Self {
            code: CloseCode::ABNORMAL,
            reason: String::new(),
            clean: false,
            initiator: Initiator::Local,
        }
    }
}

impl From<close::Outcome<'_>> for Outcome {
    fn from(outcome: close::Outcome<'_>) -> Self {
        Self {
            code: outcome.code,
            reason: outcome.reason.into(),
            clean: outcome.clean,
            initiator: outcome.initiator,
        }
    }
}
