//! The two ends of a connection and the few things in which they differ (RFC 6455 §1.3, §5.1, §7.1.1).
//!
//! ```
//! use websocket_proto::Role;
//!
//! assert!(Role::Client.masks());
//! assert!(Role::Server.expects_masked());
//! assert!(Role::Server.closes_transport_first());
//! ```

/// Which end of the connection this machine plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The end that sent the opening request.
    Client,
    /// The end that answered it.
    Server,
}

impl Role {
    /// Whether this end masks the frames that it sends (RFC 6455 §5.1).
    #[must_use]
    pub const fn masks(self) -> bool {
        matches!(self, Self::Client)
    }

    /// Whether the frames that this end receives have to be masked (RFC 6455 §5.1).
    #[must_use]
    pub const fn expects_masked(self) -> bool {
        matches!(self, Self::Server)
    }

    /// Whether this end closes the transport first once both Close frames have passed (RFC 6455 §7.1.1).
    #[must_use]
    pub const fn closes_transport_first(self) -> bool {
        matches!(self, Self::Server)
    }

    /// The other end.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}
