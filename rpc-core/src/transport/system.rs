//! Sockets of the operating system at any target.

use std::io;

use tokio::net::lookup_host;

use super::tcp::{self, TcpConnector, TcpListener};
#[cfg(unix)]
use super::unix::{UnixConnector, UnixListener};
use super::{Address, Listen, SOCKET_MODE, Target, cannot_listen};

/// A listening socket of the operating system.
///
/// It is not itself a [`Listen`]: a server matches the variant once, and then reads and writes its
/// sockets without asking again which kind they are.
#[derive(Debug)]
pub enum SystemListener {
    /// A socket of the network.
    Tcp(TcpListener),
    /// A socket in the file system or with an abstract name.
    #[cfg(unix)]
    Unix(UnixListener),
}

impl SystemListener {
    /// The default permissions of the file of a Unix socket, `0o600`: only the user of the process
    /// may connect.
    pub const MODE: u32 = SOCKET_MODE;

    /// Listens at a target. If it is a host with several addresses, listens on the first that can
    /// be bound; the empty host is all interfaces (`0.0.0.0`).
    ///
    /// `mode` is for the file of a Unix socket: see
    #[cfg_attr(
        unix,
        doc = "[`UnixListener::bind_with_mode`](super::unix::UnixListener::bind_with_mode)."
    )]
    #[cfg_attr(not(unix), doc = "`UnixListener::bind_with_mode`.")]
    ///
    /// # Errors
    /// If the host has no address, or the address cannot be bound or does not exist on this system.
    /// The error names the target.
    ///
    /// # Cancel safety
    /// Dropping the future leaves no socket behind; a stale socket file may have been removed.
    #[cfg_attr(
        not(unix),
        expect(unused_variables, reason = "there are no socket files")
    )]
    pub async fn bind(target: &Target, mode: u32) -> io::Result<Self> {
        match target {
            Target::Address(Address::Unix(path)) if path.as_os_str().is_empty() => Err(no_path()),
            Target::Host(host, port) => {
                let host = if host.is_empty() { "0.0.0.0" } else { host };
                let found = lookup_host((host, *port)).await;
                let addresses: Vec<_> = found.map_err(|e| cannot_listen(target, &e))?.collect();
                Ok(Self::Tcp(tcp::bind(&addresses[..]).await?))
            }
            Target::Address(Address::Tcp(address)) => Ok(Self::Tcp(tcp::bind(address).await?)),
            #[cfg(unix)]
            Target::Address(Address::Unix(path)) => {
                let listener = UnixListener::bind_with_mode(path, mode);
                Ok(Self::Unix(listener.await?))
            }
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Target::Address(Address::Abstract(name)) => {
                let listener = UnixListener::bind_abstract(name);
                Ok(Self::Unix(listener.map_err(|e| cannot_listen(target, &e))?))
            }
            #[cfg(all(unix, feature = "systemd"))]
            Target::Address(Address::Passed(name)) => {
                let opened = super::passed::take(name).and_then(Self::of_socket);
                opened.map_err(|error| cannot_listen(target, &error))
            }
            #[cfg(not(all(unix, feature = "systemd")))]
            Target::Address(Address::Passed(_)) if cfg!(unix) => {
                let message = "`systemd:` needs the feature `systemd`";
                let error = io::Error::new(io::ErrorKind::Unsupported, message);
                Err(cannot_listen(target, &error))
            }
            Target::Address(_) => Err(cannot_listen(target, &unsupported())),
        }
    }

    /// Registers a socket with the event loop that runs this code.
    #[cfg(any(feature = "workers", all(unix, feature = "systemd")))]
    pub(crate) fn of_socket(socket: super::Socket) -> io::Result<Self> {
        Ok(match socket {
            super::Socket::Tcp(socket) => {
                socket.set_nonblocking(true)?;
                Self::Tcp(TcpListener::from_std(socket)?)
            }
            #[cfg(unix)]
            super::Socket::Unix(socket) => Self::Unix(UnixListener::from_std(socket)?),
        })
    }

    /// Returns the address at which peers reach this listener.
    ///
    /// # Errors
    /// If the operating system does not report it.
    pub fn local_address(&self) -> io::Result<Address> {
        match self {
            Self::Tcp(listener) => listener.local_address(),
            #[cfg(unix)]
            Self::Unix(listener) => listener.local_address(),
        }
    }
}

/// Opens sockets of the operating system to one target. Like [`SystemListener`], it is matched once
/// and then used as the [`Connect`](super::Connect) that it holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SystemConnector {
    /// Connects to a port of a host.
    Tcp(TcpConnector),
    /// Connects to a Unix socket.
    #[cfg(unix)]
    Unix(UnixConnector),
}

impl SystemConnector {
    /// Returns a connector to a target; the empty host is the local machine (`127.0.0.1`). Nothing
    /// is looked up yet.
    ///
    /// # Errors
    /// If addresses like this one do not exist on this system.
    pub fn to(target: &Target) -> io::Result<Self> {
        match target {
            Target::Address(Address::Unix(path)) if path.as_os_str().is_empty() => Err(no_path()),
            Target::Host(host, port) => {
                let host = if host.is_empty() { "127.0.0.1" } else { host };
                Ok(Self::Tcp(TcpConnector::new(host, *port)))
            }
            Target::Address(Address::Tcp(address)) => Ok(Self::Tcp((*address).into())),
            #[cfg(unix)]
            Target::Address(Address::Unix(path)) => Ok(Self::Unix(UnixConnector::new(path))),
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Target::Address(Address::Abstract(name)) => {
                Ok(Self::Unix(UnixConnector::new_abstract(name)))
            }
            Target::Address(_) => Err(unsupported()),
        }
    }
}

fn unsupported() -> io::Error {
    let message = "this system has no sockets with such addresses";
    io::Error::new(io::ErrorKind::Unsupported, message)
}

fn no_path() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "`unix:` has no path")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::transport::ToTarget;
    use crate::transport::tests::echoes;

    #[tokio::test]
    async fn a_listener_and_a_connector_meet_at_any_target() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("socket");
        let unix = format!("unix:{}", path.display());
        let mut targets = vec!["localhost:0", ":0", "127.0.0.1:0"];
        if cfg!(unix) {
            targets.push(&unix);
        }
        if cfg!(target_os = "linux") {
            targets.push("unix-abstract:farcall-a_listener_and_a_connector_meet");
        }
        for text in targets {
            let target = text.to_target().expect(text);
            let listener = SystemListener::bind(&target, SystemListener::MODE).await;
            let listener = listener.expect(text);
            let port = match listener.local_address().expect(text) {
                Address::Tcp(address) => address.port(),
                _ => 0,
            };
            let target = match target {
                Target::Address(Address::Tcp(address)) => (address.ip(), port).to_target(),
                Target::Host(host, _) => (host, port).to_target(),
                other => Ok(other),
            };
            let connector = SystemConnector::to(&target.expect(text)).expect(text);
            match (listener, connector) {
                (SystemListener::Tcp(listener), SystemConnector::Tcp(connector)) => {
                    echoes(listener, connector).await;
                }
                #[cfg(unix)]
                (SystemListener::Unix(listener), SystemConnector::Unix(connector)) => {
                    echoes(listener, connector).await;
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn the_error_names_the_target() {
        let missing = Path::new("/missing/socket").to_target();
        for (target, expected) in [
            (
                "name.invalid:80".to_target(),
                "cannot listen on name.invalid:80: ",
            ),
            ("memory:x".to_target(), "cannot listen on memory:x: "),
            ("unix:".to_target(), "`unix:` has no path"),
            (missing, "cannot listen on "),
            (
                "192.0.2.1:80".to_target(),
                "cannot listen on 192.0.2.1:80: ",
            ),
        ] {
            let target = target.expect(expected);
            let bound = SystemListener::bind(&target, SystemListener::MODE).await;
            let text = bound.expect_err(expected).to_string();
            assert!(text.starts_with(expected), "{text}");
        }
    }
}
