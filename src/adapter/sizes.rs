//! How much is read at once, and what memory is kept: the same for every adapter whose buffers grow.

use alloc::vec::Vec;

use crate::buffer::{DEFAULT_SEND_LIMIT, SendBuffer};
use crate::config::Config;

/// The most that is kept for the next message when nothing waits, and, but for what a large message
/// needs, the most that is asked for in one read.
pub(super) const MOST_KEPT: usize = 64 << 10;

/// The most that may wait to be sent: the largest message that may come in, as an answer, beside
/// everything else.
pub(super) fn send_limit(config: &Config) -> usize {
    usize::try_from(config.max_message_size())
        .unwrap_or(usize::MAX)
        .saturating_add(DEFAULT_SEND_LIMIT)
}

/// A buffer for what is sent, of that limit.
pub(super) fn send_buffer(config: &Config) -> SendBuffer<Vec<u8>> {
    SendBuffer::with_limit(send_limit(config))
}
