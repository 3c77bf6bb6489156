//! Looking whether files have changed.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

/// The time of the last look at files.
pub(super) struct Watch(Mutex<Option<Instant>>);

impl Watch {
    /// Creates a watch of files that were read just now.
    pub(super) fn new() -> Self {
        Self(Mutex::new(Some(Instant::now())))
    }

    /// Looks at the files, unless the last look began less than `interval` ago. The look runs in
    /// the background, since a handshake must not wait for a disk; but here if there is no runtime,
    /// or if what was read before `has_expired`, and helps no peer.
    pub(super) fn look(
        &self,
        interval: Duration,
        has_expired: bool,
        look: impl FnOnce() + Send + 'static,
    ) {
        {
            let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if last.is_some_and(|last| last.elapsed() < interval) {
                return;
            }
            *last = Some(Instant::now());
        }
        match Handle::try_current() {
            Ok(runtime) if !has_expired => drop(runtime.spawn_blocking(look)),
            _ => look(),
        }
    }

    /// Makes the next look due.
    #[cfg(test)]
    pub(super) fn set_due(&self) {
        *self.0.lock().unwrap() = None;
    }
}
