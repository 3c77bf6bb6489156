//! Listening sockets outside of any event loop.

#[cfg(feature = "workers")]
use std::io;
use std::net::TcpListener;
#[cfg(unix)]
use std::os::unix::net::UnixListener;

#[cfg(all(unix, feature = "systemd", feature = "workers"))]
use super::unix;

/// A listening socket outside of any event loop.
#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

impl Socket {
    #[cfg(feature = "workers")]
    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(socket) => Self::Tcp(socket.try_clone()?),
            #[cfg(unix)]
            Self::Unix(socket) => Self::Unix(socket.try_clone()?),
        })
    }

    #[cfg(all(unix, feature = "systemd", feature = "workers"))]
    pub(crate) fn local_address(&self) -> io::Result<super::Address> {
        match self {
            Self::Tcp(socket) => Ok(super::Address::Tcp(socket.local_addr()?)),
            Self::Unix(socket) => unix::address_of(socket),
        }
    }
}
