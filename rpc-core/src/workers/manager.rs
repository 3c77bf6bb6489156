//! Notifications to the service manager, with the feature `systemd`.

#[cfg(all(unix, feature = "systemd"))]
pub(super) use crate::systemd::{feed_watchdog, ready, reloading, stopping};

#[cfg(not(all(unix, feature = "systemd")))]
pub(super) use self::nobody::*;

#[cfg(not(all(unix, feature = "systemd")))]
mod nobody {
    pub(in crate::workers) const fn ready() {}

    #[cfg(unix)]
    pub(in crate::workers) const fn reloading() {}

    pub(in crate::workers) const fn stopping() {}

    pub(in crate::workers) async fn feed_watchdog() {}
}
