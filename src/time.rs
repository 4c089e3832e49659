//! The machine's time: a monotonic instant since an epoch of the caller's choosing.
//!
//! The core has no clock. A caller that wants deadlines says what time it is, in the unit of its own
//! clock, whenever it is about to wait.
//!
//! ```
//! use core::time::Duration;
//! use websocket_proto::Instant;
//!
//! let boot = Instant::EPOCH;
//! let later = boot + Duration::from_millis(1_500);
//! assert_eq!(later.saturating_since(boot), Duration::from_millis(1_500));
//! ```

use core::ops::Add;
use core::time::Duration;

/// A point on the caller's monotonic clock, in nanoseconds since that clock's epoch (584 years of them).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The epoch itself.
    pub const EPOCH: Self = Self(0);

    /// The instant this many nanoseconds after the epoch.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The instant this many milliseconds after the epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// The instant that lies `since_epoch` after the epoch.
    #[must_use]
    pub fn new(since_epoch: Duration) -> Self {
        Self(u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX))
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How long ago `earlier` was; zero where it lies ahead.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// Saturates at the end of the clock.
    fn add(self, after: Duration) -> Self {
        let seconds = after.as_secs().saturating_mul(1_000_000_000);
        let nanos = seconds.saturating_add(after.subsec_nanos().into());
        Self(self.0.saturating_add(nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_saturate() {
        assert_eq!(
            Instant::from_nanos(u64::MAX) + Duration::from_secs(1),
            Instant::from_nanos(u64::MAX)
        );
        assert_eq!(Instant::new(Duration::MAX), Instant::from_nanos(u64::MAX));
        assert_eq!(
            Instant::EPOCH.saturating_since(Instant::from_millis(1)),
            Duration::ZERO
        );
    }
}
