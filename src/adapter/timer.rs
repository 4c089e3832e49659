//! A clock, and a way to wait by it: what an async adapter needs to keep deadlines by itself.

use core::future::Future;
use core::time::Duration;

use crate::time::Instant;

/// A clock, and a way to wait by it.
///
/// ```
/// use std::future::{Ready, ready};
/// use std::time::Duration;
/// use websocket_proto::Instant;
/// use websocket_proto::adapter::Timer;
///
/// /// A clock for a test: it stands still, and nobody has to wait.
/// struct Still;
///
/// impl Timer for Still {
///     type Sleep = Ready<()>;
///
///     fn now(&self) -> Instant {
///         Instant::EPOCH
///     }
///
///     fn sleep(&self, _duration: Duration) -> Ready<()> {
///         ready(())
///     }
/// }
/// ```
pub trait Timer {
    /// Waits. What it comes to is not looked at.
    type Sleep: Future;

    /// What time it is, since an epoch that never changes.
    fn now(&self) -> Instant;

    /// Waits for this long, or a little longer.
    fn sleep(&self, duration: Duration) -> Self::Sleep;
}
