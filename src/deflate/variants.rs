//! A message for many connections, compressed once for each way in which they have agreed to.

use alloc::sync::Arc;
use alloc::vec::Vec;
use std::sync::{Mutex, PoisonError};

use super::pool::Setting;

/// Frames of one message, by the compressor's setting.
#[derive(Debug)]
pub(crate) struct Variants(Mutex<Vec<(Setting, Arc<[u8]>)>>);

impl Variants {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// The frame for this setting. The first who asks makes it; others wait for it.
    pub(super) fn get(
        &self,
        setting: Setting,
        make: impl FnOnce() -> Option<Arc<[u8]>>,
    ) -> Option<Arc<[u8]>> {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, frame)) = made.iter().find(|(other, _)| *other == setting) {
            return Some(Arc::clone(frame));
        }
        let frame = make()?;
        made.push((setting, Arc::clone(&frame)));
        Some(frame)
    }
}
