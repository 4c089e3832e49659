//! The system's monotonic clock, as the machine counts.

use std::sync::OnceLock;
use std::time;

use crate::time::Instant;

/// What time it is, since this was first asked.
#[must_use]
pub fn now() -> Instant {
    static EPOCH: OnceLock<time::Instant> = OnceLock::new();
    Instant::new(EPOCH.get_or_init(time::Instant::now).elapsed())
}
