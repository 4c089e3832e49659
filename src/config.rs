//! Limits and policies of a connection, each with a default, a unit and a reason.
//!
//! Every value that the setters take is legal, so that a `Config` that exists is valid.
//!
//! ```
//! use core::time::Duration;
//! use websocket_proto::Config;
//!
//! let config = Config::new()
//!     .with_max_message_size(1 << 20)
//!     .with_ping_interval(Some(Duration::from_secs(20)));
//! assert_eq!(config.max_message_size(), 1 << 20);
//! ```

use core::time::Duration;

/// A deadline in milliseconds; 0 is none. Four octets, as each connection carries its own copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Millis(u32);

impl Millis {
    /// Rounds up to a millisecond and saturates at 49 days.
    fn new(duration: Option<Duration>) -> Self {
        Self(duration.map_or(0, |duration| {
            u32::try_from(duration.as_nanos().div_ceil(1_000_000))
                .unwrap_or(u32::MAX)
                .max(1)
        }))
    }

    const fn get(self) -> Option<Duration> {
        match self.0 {
            0 => None,
            millis => Some(Duration::from_millis(millis as u64)),
        }
    }
}

/// The limits and policies of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// In halves, the lower one first: an alignment of four saves each connection eight octets.
    max_message_size: [u32; 2],
    max_fragments: u32,
    handshake_timeout: Millis,
    ping_interval: Millis,
    pong_timeout: Millis,
    idle_timeout: Millis,
    close_timeout: Millis,
    max_head_size: u16,
    plain_requests: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

impl Config {
    /// The defaults, each named at its setter.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            max_message_size: [16 << 20, 0],
            max_fragments: 65_536,
            handshake_timeout: Millis(10_000),
            ping_interval: Millis(0),
            pong_timeout: Millis(20_000),
            idle_timeout: Millis(0),
            close_timeout: Millis(5_000),
            max_head_size: 16 << 10,
            plain_requests: false,
        }
    }

    /// The largest message that is received, in octets; 16 MiB by default.
    ///
    /// It bounds what one peer can make this end hold. A larger message is answered with 1009, at the
    /// frame header that shows it. It holds for `poll_chunk` too, which holds no whole message: there
    /// `u64::MAX` is fine.
    #[must_use]
    pub const fn with_max_message_size(mut self, octets: u64) -> Self {
        self.max_message_size = [octets as u32, (octets >> 32) as u32];
        self
    }

    /// The largest number of fragments in one message, empty ones counted; 65 536 by default.
    ///
    /// Each costs time but, when empty, no octet of the message's size. More are answered with 1008.
    #[must_use]
    pub const fn with_max_fragments(mut self, fragments: u32) -> Self {
        // A message is one fragment at least.
        self.max_fragments = if fragments == 0 { 1 } else { fragments };
        self
    }

    /// The largest head of a request or response, in octets; 16 KiB by default. More is answered with
    /// 431, or with 414 where the request line alone is too long.
    #[must_use]
    pub const fn with_max_head_size(mut self, octets: u16) -> Self {
        self.max_head_size = octets;
        self
    }

    /// How long the opening handshake may take; 10 s by default. It bounds what a peer that sends
    /// nothing, or little, can hold on to.
    #[must_use]
    pub fn with_handshake_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.handshake_timeout = Millis::new(timeout);
        self
    }

    /// How long nothing may arrive before a Ping is sent; off by default. Adapters turn it on.
    #[must_use]
    pub fn with_ping_interval(mut self, interval: Option<Duration>) -> Self {
        self.ping_interval = Millis::new(interval);
        self
    }

    /// How long after such a Ping nothing may arrive before the connection fails with 1011; 20 s by
    /// default. Any octet counts, as a peer in the middle of a long frame can't answer.
    #[must_use]
    pub fn with_pong_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.pong_timeout = Millis::new(timeout);
        self
    }

    /// How long no message may be received or sent before the connection is closed with 1001; off by
    /// default. Control frames don't count.
    #[must_use]
    pub fn with_idle_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.idle_timeout = Millis::new(timeout);
        self
    }

    /// How long the closing handshake and the transport's own end may take; 5 s by default.
    #[must_use]
    pub fn with_close_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.close_timeout = Millis::new(timeout);
        self
    }

    /// Whether a server shows its caller HTTP requests that ask for no upgrade, to be answered with
    /// [`Connection::reject`](crate::Connection::reject) and any status; off by default, where such a
    /// request is refused with 426.
    #[must_use]
    pub const fn with_plain_requests(mut self, shown: bool) -> Self {
        self.plain_requests = shown;
        self
    }

    /// See [`with_max_message_size`](Self::with_max_message_size).
    #[must_use]
    #[inline]
    pub const fn max_message_size(&self) -> u64 {
        let [low, high] = self.max_message_size;
        low as u64 | (high as u64) << 32
    }

    /// See [`with_max_fragments`](Self::with_max_fragments).
    #[must_use]
    pub const fn max_fragments(&self) -> u32 {
        self.max_fragments
    }

    /// See [`with_max_head_size`](Self::with_max_head_size).
    #[must_use]
    pub const fn max_head_size(&self) -> u16 {
        self.max_head_size
    }

    /// See [`with_handshake_timeout`](Self::with_handshake_timeout).
    #[must_use]
    pub const fn handshake_timeout(&self) -> Option<Duration> {
        self.handshake_timeout.get()
    }

    /// See [`with_ping_interval`](Self::with_ping_interval).
    #[must_use]
    pub const fn ping_interval(&self) -> Option<Duration> {
        self.ping_interval.get()
    }

    /// See [`with_pong_timeout`](Self::with_pong_timeout).
    #[must_use]
    pub const fn pong_timeout(&self) -> Option<Duration> {
        self.pong_timeout.get()
    }

    /// See [`with_idle_timeout`](Self::with_idle_timeout).
    #[must_use]
    pub const fn idle_timeout(&self) -> Option<Duration> {
        self.idle_timeout.get()
    }

    /// See [`with_close_timeout`](Self::with_close_timeout).
    #[must_use]
    pub const fn close_timeout(&self) -> Option<Duration> {
        self.close_timeout.get()
    }

    /// See [`with_plain_requests`](Self::with_plain_requests).
    #[must_use]
    pub const fn plain_requests(&self) -> bool {
        self.plain_requests
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_round_up_to_a_millisecond_and_never_to_none() {
        let config = Config::new().with_idle_timeout(Some(Duration::from_nanos(1)));
        assert_eq!(config.idle_timeout(), Some(Duration::from_millis(1)));
        let config = config.with_idle_timeout(Some(Duration::ZERO));
        assert_eq!(config.idle_timeout(), Some(Duration::from_millis(1)));
        let config = config.with_idle_timeout(Some(Duration::MAX));
        assert_eq!(
            config.idle_timeout(),
            Some(Duration::from_millis(u32::MAX.into()))
        );
        assert_eq!(config.with_idle_timeout(None).idle_timeout(), None);
    }
}
