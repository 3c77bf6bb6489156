//! The clock of sessions, which [`SessionState`](super::state::SessionState) is given.

use std::time::Instant;

/// Returns the current time: that of tokio, which tests can pause.
pub(super) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
