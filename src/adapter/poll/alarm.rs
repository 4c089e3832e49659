//! The deadline that a task waits for.

use std::boxed::Box;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::adapter::Timer;
use crate::time::Instant;

/// A timer and what it is set to.
///
/// Deadlines mostly move on before they pass. One that went off too early costs one look at the clock, so
/// the alarm stays as it is set, and is set anew when it went off or has to go off earlier: for a busy
/// connection once in a keepalive interval, not with every message.
pub(super) struct Alarm<C: Timer> {
    timer: C,
    set: Option<(Instant, Pin<Box<C::Sleep>>)>,
}

impl<C: Timer> Alarm<C> {
    pub(super) const fn new(timer: C) -> Self {
        Self { timer, set: None }
    }

    pub(super) fn now(&self) -> Instant {
        self.timer.now()
    }

    /// Waits until `deadline` has passed.
    pub(super) fn poll(&mut self, waker: &Waker, deadline: Instant) -> Poll<()> {
        loop {
            let early = match &mut self.set {
                Some((at, sleep)) if *at <= deadline => {
                    if sleep
                        .as_mut()
                        .poll(&mut Context::from_waker(waker))
                        .is_pending()
                    {
                        return Poll::Pending;
                    }
                    true
                }
                _ => false,
            };
            let now = self.timer.now();
            if deadline <= now {
                if early {
                    // It is over, and not to be asked again.
                    self.set = None;
                }
                return Poll::Ready(());
            }
            let sleep = self.timer.sleep(deadline.saturating_since(now));
            match &mut self.set {
                Some((at, set)) => {
                    *at = deadline;
                    set.set(sleep);
                }
                None => self.set = Some((deadline, Box::pin(sleep))),
            }
        }
    }
}
