//! Deadlines: opening, keepalive, idleness, closing. Times come in only where the caller is about to wait.
//!
//! What has happened since the last wait is noted without a clock and counts as having happened when
//! the next wait begins, which is when everything that had arrived was handled.

use core::time::Duration;

use super::closing::State;
use crate::config::Config;
use crate::time::Instant;

/// What has passed since the caller last said what time it is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Activity {
    /// Octets have come.
    pub(super) heard: bool,
    /// A data frame has come or gone.
    pub(super) data: bool,
}

/// A deadline, and what is due when it passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Deadline {
    pub(super) at: Instant,
    pub(super) due: Due,
}

/// What is due when a deadline passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// The opening handshake took too long.
    HandshakeTimeout,
    /// Nothing came since the Ping.
    PongTimeout,
    /// Closing took too long.
    CloseTimeout,
    /// No message for too long.
    IdleTimeout,
    /// It is time for a Ping.
    Ping,
}

/// The bases of the deadlines; those that are not set begin with the next wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timers {
    /// When the opening began; later, when octets last came.
    heard: Option<Stamp>,
    /// When closing began; before that, when a data frame last passed.
    data: Option<Stamp>,
    /// When the Ping that is unanswered went out.
    ping: Option<Stamp>,
}

/// An instant that can't be 0, so that an absent one costs no memory.
type Stamp = core::num::NonZeroU64;

fn stamp(now: Instant) -> Stamp {
    Stamp::MIN.saturating_add(now.as_nanos())
}

fn at(stamp: Stamp, after: Option<Duration>) -> Option<Instant> {
    Some(Instant::from_nanos(stamp.get().saturating_sub(1)) + after?)
}

impl Timers {
    pub(super) const fn new() -> Self {
        Self {
            heard: None,
            data: None,
            ping: None,
        }
    }

    /// The phase has changed: what counted for the last one counts no more.
    pub(super) fn restart(&mut self) {
        *self = Self::new();
    }

    /// Brings the bases up to `now`, and names the next deadline.
    pub(super) fn next(
        &mut self,
        state: State,
        config: &Config,
        activity: &mut Activity,
        now: Instant,
    ) -> Option<Deadline> {
        let activity = core::mem::take(activity);
        match state {
            State::Connecting => {
                let began = *self.heard.get_or_insert(stamp(now));
                at(began, config.handshake_timeout()).map(|at| Deadline {
                    at,
                    due: Due::HandshakeTimeout,
                })
            }
            State::Open => {
                if activity.heard || self.heard.is_none() {
                    self.heard = Some(stamp(now));
                    self.ping = None;
                }
                if activity.data || self.data.is_none() {
                    self.data = Some(stamp(now));
                }
                self.next_while_open(config)
            }
            State::CloseSent | State::CloseReceived | State::Failed => {
                let began = *self.data.get_or_insert(stamp(now));
                at(began, config.close_timeout()).map(|at| Deadline {
                    at,
                    due: Due::CloseTimeout,
                })
            }
            State::Closed => None,
        }
    }

    fn next_while_open(&self, config: &Config) -> Option<Deadline> {
        let alive = match (self.ping, self.heard) {
            (Some(ping), _) => at(ping, config.pong_timeout()).map(|at| Deadline {
                at,
                due: Due::PongTimeout,
            }),
            (None, Some(heard)) => {
                at(heard, config.ping_interval()).map(|at| Deadline { at, due: Due::Ping })
            }
            (None, None) => None,
        };
        let idle = self
            .data
            .and_then(|data| at(data, config.idle_timeout()))
            .map(|at| Deadline {
                at,
                due: Due::IdleTimeout,
            });
        match (alive, idle) {
            (Some(alive), Some(idle)) => Some(alive.min(idle)),
            _ => alive.or(idle),
        }
    }

    /// A Ping has been queued.
    pub(super) fn pinged(&mut self, now: Instant) {
        self.ping = Some(stamp(now));
    }
}
