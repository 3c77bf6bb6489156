//! Counts of refusals, connections and drains of this process. All layers below the calls add to
//! them, and the figures show them.

#[cfg(feature = "metrics")]
mod living;
mod refusal;

#[cfg(feature = "metrics")]
use std::sync::atomic::AtomicU64;
use std::sync::atomic::{AtomicUsize, Ordering};

#[cfg(feature = "metrics")]
pub(crate) use self::living::Living;
pub use self::refusal::Refusal;

/// The refusals, by their reason.
#[cfg(feature = "metrics")]
static REFUSED: [AtomicU64; Refusal::ALL.len()] = [const { AtomicU64::new(0) }; Refusal::ALL.len()];

/// The open connections of all servers.
#[cfg(feature = "metrics")]
static CONNECTIONS: AtomicUsize = AtomicUsize::new(0);

/// The accept loops that drain.
static DRAINING: AtomicUsize = AtomicUsize::new(0);

/// Counts a refusal, for the figures.
pub fn refused(refusal: Refusal) {
    #[cfg(feature = "metrics")]
    REFUSED[refusal as usize].fetch_add(1, Ordering::Relaxed);
    #[cfg(not(feature = "metrics"))]
    let _ = refusal;
}

/// Returns the number of refusals for a reason.
#[cfg(feature = "metrics")]
pub(crate) fn refusals(reason: Refusal) -> u64 {
    REFUSED[reason as usize].load(Ordering::Relaxed)
}

/// Returns the number of open connections of all servers.
#[cfg(feature = "metrics")]
pub(crate) fn connections() -> usize {
    CONNECTIONS.load(Ordering::Relaxed)
}

/// Returns `true` while a server of this process drains: it completes what it has accepted, and
/// accepts nothing more.
#[must_use]
pub fn is_draining() -> bool {
    DRAINING.load(Ordering::Relaxed) > 0
}

/// An open connection, until this is dropped.
#[cfg(feature = "server")]
pub(crate) struct OpenConnection(());

#[cfg(feature = "server")]
impl OpenConnection {
    pub(crate) fn new() -> Self {
        #[cfg(feature = "metrics")]
        CONNECTIONS.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

#[cfg(feature = "server")]
impl Drop for OpenConnection {
    fn drop(&mut self) {
        #[cfg(feature = "metrics")]
        CONNECTIONS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The drain of an accept loop, until this is dropped.
#[cfg(feature = "server")]
pub(crate) struct Drain(());

#[cfg(feature = "server")]
impl Drain {
    pub(crate) fn begin() -> Self {
        DRAINING.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

#[cfg(feature = "server")]
impl Drop for Drain {
    fn drop(&mut self) {
        DRAINING.fetch_sub(1, Ordering::Relaxed);
    }
}
