//! A service under systemd, or another manager with its protocols: sockets that the manager has
//! opened, and notifications to it.
//!
//! # Sockets
//!
//! A server that is bound at the address `systemd:NAME` listens on the socket of this name: the
//! `FileDescriptorName=` of a `.socket` unit (`LISTEN_FDS`, `LISTEN_FDNAMES`). `systemd:` without a
//! name is the first socket that is left. Each can be taken once; [workers](crate::workers) share
//! theirs. Peers connect before the service runs and while it is restarted, and wait in the
//! backlog.
//!
//! The variables are read and removed when the first socket, or [their names](socket_names), are
//! asked for. A program that calls C code which reads the environment does that before it starts
//! threads.
//!
//! ```no_run
//! use farcall::systemd;
//! use farcall::xmlrpc::Server;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::new();
//! server.register_function("add", |a: i64, b: i64| a + b)?;
//! let bound = server.bind("systemd:http").await?;
//! systemd::ready();
//! tokio::spawn(systemd::feed_watchdog());
//! bound
//!     .serve_until(async {
//!         let _ = tokio::signal::ctrl_c().await;
//!         systemd::stopping();
//!     })
//!     .await;
//! # Ok(())
//! # }
//! ```
//!
//! # Notifications
//!
//! Without a service manager they do nothing; one that cannot be sent is logged.
//! [Workers](crate::workers) notify by themselves.

use std::io;

use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval};

pub use crate::transport::passed::socket_names;
use crate::transport::passed::take;
use crate::transport::{Address, SystemListener, cannot_listen};

/// Takes a socket by its name; the empty name is the first one that is left. Binding a server at
/// the address `systemd:NAME` is the same.
///
/// # Errors
/// If there is no socket of this name, it was taken, or it is no listening stream socket. The error
/// names it.
///
/// # Panics
/// Outside of a tokio runtime, like tokio's own listeners.
pub fn take_listener(name: &str) -> io::Result<SystemListener> {
    let opened = take(name).and_then(SystemListener::of_socket);
    opened.map_err(|error| cannot_listen(Address::Passed(name.to_owned()), &error))
}

/// Tells the service manager that the service has started, or that a [reload](reloading) is
/// complete (`READY=1`).
pub fn ready() {
    notify(&[NotifyState::Ready]);
}

/// Tells the service manager that the service reads its configuration again (`RELOADING=1`, with
/// the time). [`ready`] tells it the end. Units of `Type=notify-reload` need both.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "cannot notify the service manager: no time"),
    }
}

/// Tells the service manager that the service stops (`STOPPING=1`).
pub fn stopping() {
    notify(&[NotifyState::Stopping]);
}

/// Gives the service manager a line about the state of the service (`STATUS=…`), which it shows.
/// Line breaks become spaces.
pub fn status(text: &str) {
    let line = text.replace(['\n', '\r'], " ");
    notify(&[NotifyState::Status(&line)]);
}

/// Tells the service manager that the service is alive, twice in each period of its watchdog
/// (`WatchdogSec=`). Completes at once if there is no watchdog.
///
/// Run it as a task of the event loop that serves: if that hangs, the manager restarts the service.
///
/// # Cancel safety
/// Can be dropped and called again at any time.
pub async fn feed_watchdog() {
    let Some(period) = sd_notify::watchdog_enabled().filter(|period| !period.is_zero()) else {
        return;
    };
    let mut ticks = interval(period / 2);
    // After a pause one sign of life is enough.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        notify(&[NotifyState::Watchdog]);
    }
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "cannot notify the service manager");
    }
}
