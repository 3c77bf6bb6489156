//! Sockets from a service manager.

use std::io;

use farcall_conn::{Listener, ListenerBuilder};
use farcall_core::systemd::{socket_names, take_listener};
use farcall_core::transport::{Address, SystemListener};

/// A listening socket that a service manager has opened.
#[derive(Debug)]
pub struct ActivatedSocket {
    /// The address at which it listens.
    pub address: Address,
    /// The builder of a listener on the socket.
    pub listener: ListenerBuilder,
}

/// Takes all sockets that a service manager has opened for this process, as systemd does for a
/// `.socket` unit (`LISTEN_FDS`). There are none if it has opened none, or if they were taken.
///
/// # Errors
/// If a descriptor is no listening stream socket.
///
/// # Panics
/// Outside of a tokio runtime.
pub fn activated_sockets() -> io::Result<Vec<ActivatedSocket>> {
    let sockets = socket_names().into_iter().map(|name| {
        let listener = take_listener(&name)?;
        Ok(ActivatedSocket {
            address: listener.local_address()?,
            listener: match listener {
                SystemListener::Tcp(socket) => Listener::over(socket),
                SystemListener::Unix(socket) => Listener::over(socket),
            },
        })
    });
    sockets.collect()
}
