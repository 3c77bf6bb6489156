//! Sockets from a service manager, and its notifications.

use std::io;

use farcall_conn::{Listener, ListenerBuilder};
use farcall_core::transport::tcp::TcpListener;
use farcall_core::transport::unix::UnixListener;
use farcall_core::transport::{Address, Listen as _};
use listenfd::ListenFd;
use sd_notify::NotifyState;

/// A listening socket that a service manager has opened.
#[derive(Debug)]
pub struct ActivatedSocket {
    /// The address at which it listens.
    pub address: Address,
    /// The builder of a listener on the socket.
    pub listener: ListenerBuilder,
}

/// Takes the sockets that a service manager has opened for this process, as systemd does for a
/// `.socket` unit (`LISTEN_FDS`). There are none if it has opened none, or if they were taken.
///
/// Call it before the program starts threads: it removes the variables from the environment.
///
/// # Errors
/// If a descriptor is no listening stream socket.
///
/// # Panics
/// Outside of a tokio runtime.
pub fn activated_sockets() -> io::Result<Vec<ActivatedSocket>> {
    let mut passed = ListenFd::from_env();
    let mut sockets = Vec::new();
    for index in 0..passed.len() {
        // An error means that the socket is of another kind.
        if let Ok(Some(socket)) = passed.take_unix_listener(index) {
            let socket = UnixListener::from_std(socket)?;
            sockets.push(ActivatedSocket {
                address: socket.local_address()?,
                listener: Listener::over(socket),
            });
        } else if let Some(socket) = passed.take_tcp_listener(index)? {
            socket.set_nonblocking(true)?;
            let socket = TcpListener::from_std(socket)?;
            sockets.push(ActivatedSocket {
                address: socket.local_address()?,
                listener: Listener::over(socket),
            });
        }
    }
    Ok(sockets)
}

/// Tells the service manager that the agent serves. Without one it does nothing.
pub fn notify_ready() {
    notify(&[NotifyState::Ready, NotifyState::Status("serving")]);
}

/// Tells the service manager that the agent stops.
pub fn notify_stopping() {
    notify(&[NotifyState::Stopping]);
}

/// Tells the service manager that the agent is alive, as often as its watchdog demands. Completes
/// at once if there is no watchdog.
///
/// # Cancel safety
/// Can be dropped and called again at any time.
pub async fn feed_watchdog() {
    let Some(period) = sd_notify::watchdog_enabled().filter(|period| !period.is_zero()) else {
        return;
    };
    let mut ticks = tokio::time::interval(period / 2);
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
