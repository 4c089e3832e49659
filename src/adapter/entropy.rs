//! The system's entropy, for masking keys and nonces (RFC 6455 §10.3).

use std::cell::RefCell;
use std::io;

use crate::frame::mask::{KeySource, MaskKey};

/// Octets that are drawn at once: a system call for each key would cost 30 times as much.
const BATCH: usize = 1024;

struct Pool {
    octets: [u8; BATCH],
    used: usize,
}

std::thread_local! {
    static POOL: RefCell<Pool> = const {
        RefCell::new(Pool { octets: [0; BATCH], used: BATCH })
    };
}

/// Masking keys from the system's entropy, drawn 256 at a time for each thread. Costs a connection no
/// memory.
///
/// A process that forks while connections are open has to open new ones in the child: parent and child
/// would draw the same keys from what the thread holds.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemKeys;

impl KeySource for SystemKeys {
    /// # Panics
    /// When the system has no entropy to give, which [`nonce`] reports as an error before a connection
    /// is made.
    #[inline]
    fn next_key(&mut self) -> MaskKey {
        // RFC 6455 §5.3-2, §5.3-3, §10.3-1
        POOL.with_borrow_mut(|pool| {
            if pool.used + 4 > BATCH {
                getrandom::fill(&mut pool.octets).expect("the system has entropy");
                pool.used = 0;
            }
            let key = pool.octets[pool.used..]
                .first_chunk()
                .copied()
                .unwrap_or_default();
            // A key that was used is kept nowhere.
            pool.octets[pool.used..pool.used + 4].fill(0);
            pool.used += 4;
            key
        })
    }
}

/// A fresh nonce for an opening request (RFC 6455 §4.1).
///
/// # Errors
/// When the system has no entropy to give.
// RFC 6455 §4.1-21
pub fn nonce() -> io::Result<[u8; 16]> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|error| io::Error::other(std::format!("{error}")))?;
    Ok(nonce)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    // RFC 6455 §5.3-3, §10.3-1
    #[test]
    fn rule_27_a_thousand_keys_are_a_thousand_different_ones() {
        let mut keys = SystemKeys;
        let seen: HashSet<_> = (0..1000).map(|_| keys.next_key()).collect();
        // Two of a thousand collide once in nine thousand runs; ten never do.
        assert!(seen.len() > 990, "{}", seen.len());
    }

    // RFC 6455 §4.1-21
    #[test]
    fn rule_18_nonces_differ() {
        assert_ne!(nonce().unwrap(), nonce().unwrap());
    }
}
