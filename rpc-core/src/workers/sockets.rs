//! The listening sockets of the workers, which outlive each worker.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Mutex, PoisonError};

use socket2::{Domain, Protocol, Socket as RawSocket, Type};

#[cfg(unix)]
use crate::transport::unix::{self, SocketFile};
use crate::transport::{Address, BACKLOG, Socket, cannot_listen};

/// The sockets, one for each worker or one for all, until they are closed.
#[derive(Debug)]
pub(super) struct Sockets {
    address: Address,
    open: Mutex<Option<OpenSockets>>,
}

#[derive(Debug)]
struct OpenSockets {
    #[cfg(unix)]
    _file: Option<SocketFile>,
    sockets: Vec<Socket>,
}

impl Sockets {
    /// Opens `count` sockets; `mode` is for the file of a Unix socket.
    ///
    /// # Errors
    /// With the address, if it is in use or not permitted.
    pub(super) fn bind(address: &Address, count: usize, mode: u32) -> io::Result<Self> {
        Self::open(address, count, mode).map_err(|error| cannot_listen(address, &error))
    }

    fn open(address: &Address, count: usize, mode: u32) -> io::Result<Self> {
        #[cfg(unix)]
        let mut file = None;
        #[cfg(not(unix))]
        let _ = mode;
        let (address, sockets) = match address {
            Address::Tcp(address) => {
                let sockets = bind_all(*address, count)?;
                let address = match sockets.first() {
                    Some(first) => first.local_addr()?,
                    None => *address,
                };
                let sockets = sockets.into_iter().map(Socket::Tcp).collect();
                (Address::Tcp(address), sockets)
            }
            #[cfg(unix)]
            Address::Unix(path) => {
                let (socket_file, socket) = unix::listen_at(path, mode)?;
                file = Some(socket_file);
                (Address::Unix(path.clone()), vec![Socket::Unix(socket)])
            }
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Address::Abstract(name) => {
                let socket = Socket::Unix(unix::listen_at_abstract(name)?);
                (Address::Abstract(name.clone()), vec![socket])
            }
            #[cfg(all(unix, feature = "systemd"))]
            Address::Passed(name) => {
                let socket = crate::transport::passed::take(name)?;
                (socket.local_address()?, vec![socket])
            }
            _ => {
                let message = "workers need a TCP or Unix address";
                return Err(io::Error::new(io::ErrorKind::Unsupported, message));
            }
        };
        let open = OpenSockets {
            #[cfg(unix)]
            _file: file,
            sockets,
        };
        Ok(Self {
            address,
            open: Mutex::new(Some(open)),
        })
    }

    /// The address at which peers reach the workers.
    pub(super) const fn address(&self) -> &Address {
        &self.address
    }

    /// Returns a duplicate of the socket of a worker. `None` once the sockets are closed.
    pub(super) fn for_worker(&self, index: usize) -> io::Result<Option<Socket>> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(OpenSockets { sockets, .. }) = &*open else {
            return Ok(None);
        };
        let socket = sockets.get(index).or_else(|| sockets.first());
        socket.map(Socket::try_clone).transpose()
    }

    /// Closes the sockets of this process. Each closes for good when its worker closes its
    /// duplicate.
    pub(super) fn close(&self) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Opens `count` sockets at one port, or one where the system does not distribute connections.
fn bind_all(mut address: SocketAddr, count: usize) -> io::Result<Vec<TcpListener>> {
    let spreads = cfg!(any(target_os = "linux", target_os = "android"));
    let count = if spreads { count } else { 1 };
    let mut sockets = Vec::with_capacity(count);
    for index in 0..count {
        let socket = RawSocket::new(
            Domain::for_address(address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        #[cfg(unix)]
        {
            // Lets a server restart at once, as with std's listener.
            socket.set_reuse_address(true)?;
            if index > 0 {
                socket.set_reuse_port(true)?;
            }
        }
        socket.bind(&address.into())?;
        #[cfg(unix)]
        if index == 0 && count > 1 {
            // Set after `bind`, which would otherwise silently share the port with another server.
            socket.set_reuse_port(true)?;
        }
        // If a free port was requested, the other sockets use the one that was found.
        address = socket.local_addr()?.as_socket().unwrap_or(address);
        sockets.push(socket);
    }
    // Listening starts when all are bound, so that the first does not get all connections.
    for socket in &sockets {
        socket.listen(BACKLOG.into())?;
    }
    Ok(sockets.into_iter().map(TcpListener::from).collect())
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind::AddrInUse;
    use std::net::TcpStream;
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;

    /// Returns a free port, as port 0, of a loopback address of its own, so that no other test or
    /// program takes the port after it is released.
    fn port_of_its_own() -> Address {
        static NEXT: AtomicU8 = AtomicU8::new(1);
        // Only Linux has more than one loopback address by default.
        let host = if cfg!(target_os = "linux") {
            let [.., high, low] = std::process::id().to_be_bytes();
            [127, NEXT.fetch_add(1, Ordering::Relaxed), high, low.max(1)]
        } else {
            [127, 0, 0, 1]
        };
        Address::Tcp((host, 0).into())
    }

    #[test]
    fn a_taken_port_is_not_shared_with_another_server() -> io::Result<()> {
        let first = Sockets::bind(&port_of_its_own(), 3, 0o600)?;
        let second = Sockets::bind(first.address(), 3, 0o600);
        assert_eq!(second.err().map(|error| error.kind()), Some(AddrInUse));
        first.close();
        Sockets::bind(first.address(), 3, 0o600)?;
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn the_port_of_a_single_socket_is_not_shared() -> io::Result<()> {
        let sockets = Sockets::bind(&Address::Tcp(([127, 0, 0, 1], 0).into()), 1, 0o600)?;
        let Address::Tcp(address) = *sockets.address() else {
            panic!("it is a TCP address");
        };
        let other = socket2::Socket::new(Domain::IPV4, Type::STREAM, None)?;
        other.set_reuse_port(true)?;
        let bound = other.bind(&address.into());
        assert_eq!(bound.err().map(|error| error.kind()), Some(AddrInUse));
        Ok(())
    }

    #[test]
    fn connections_wait_for_a_worker_that_has_not_started() -> io::Result<()> {
        let sockets = Sockets::bind(&port_of_its_own(), 2, 0o600)?;
        let Address::Tcp(address) = *sockets.address() else {
            panic!("it is a TCP address");
        };
        drop(sockets.for_worker(0)?);
        let peers: Vec<_> = (0..64).map(|_| TcpStream::connect(address)).collect();
        let mut accepted = 0;
        for index in 0..2 {
            let Some(Socket::Tcp(socket)) = sockets.for_worker(index)? else {
                panic!("the sockets are open");
            };
            socket.set_nonblocking(true)?;
            while socket.accept().is_ok() {
                accepted += 1;
            }
        }
        assert_eq!(accepted, peers.len());
        sockets.close();
        assert!(sockets.for_worker(0)?.is_none());
        assert!(TcpStream::connect(address).is_err());
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn the_file_of_a_unix_socket_has_the_chosen_mode() -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;

        let directory = tempfile::tempdir()?;
        for mode in [0o600, 0o660] {
            let path = directory.path().join(format!("{mode:o}"));
            let sockets = Sockets::bind(&Address::Unix(path.clone()), 2, mode)?;
            assert_eq!(path.metadata()?.permissions().mode() & 0o777, mode);
            sockets.close();
        }
        Ok(())
    }
}
