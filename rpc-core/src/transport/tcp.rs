//! TCP sockets.
//!
//! The listener is tokio's own [`TcpListener`], which implements [`Listen`]; [`bind`] creates one.
//!
//! # Examples
//!
//! ```
//! use farcall::transport::tcp::{TcpConnector, bind};
//! use farcall::transport::{Connect, Listen};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let mut listener = bind("127.0.0.1:0").await?;
//! let port = listener.local_addr()?.port();
//! let client = TcpConnector::new("localhost", port).connect().await?;
//! // Not `listener.accept()`, which is a method of tokio's own.
//! let (server, peer) = Listen::accept(&mut listener).await?;
//! assert_eq!(peer.ip(), Some(client.local_addr()?.ip()));
//! # Ok(())
//! # }
//! ```

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
pub use tokio::net::TcpListener;
use tokio::net::{TcpSocket, TcpStream, ToSocketAddrs, lookup_host};

use super::{Address, BACKLOG, Connect, Listen, Peer, cannot_listen, happy_eyeballs};

/// The number of unanswered keepalive probes after which a connection is closed.
const PROBES: u32 = 3;

/// Listens on an address. If a host name has several, listens on the first that can be bound.
///
/// [`TcpListener::bind`] has a backlog of 128; this one is 1024, enough for a burst. A peer that
/// finds the backlog full gets no error: it retries a second later, or considers itself connected
/// and waits for a server that does not know of it.
///
/// # Errors
/// If the address cannot be resolved or bound. The error names the address.
pub async fn bind(address: impl ToSocketAddrs) -> io::Result<TcpListener> {
    let mut failure = io::Error::new(io::ErrorKind::InvalidInput, "the name has no address");
    for address in lookup_host(address).await? {
        match listen(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => failure = cannot_listen(address, &error),
        }
    }
    Err(failure)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Lets a server restart at once. Outside Unix, the option would let other programs take the
    // port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG.into())
}

/// Accepted sockets send written bytes immediately (`TCP_NODELAY`).
impl Listen for TcpListener {
    type Io = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, Peer)> {
        let (stream, address) = Self::accept(self).await?;
        disable_nagle(&stream);
        Ok((stream, Peer::Tcp(address)))
    }

    fn local_address(&self) -> io::Result<Address> {
        self.local_addr().map(Address::Tcp)
    }
}

/// Connects to a port of a host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TcpConnector {
    host: String,
    port: u16,
}

impl TcpConnector {
    /// Returns a connector to a port of `host`: a name or an IP address, IPv6 without brackets.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
        }
    }
}

impl From<SocketAddr> for TcpConnector {
    /// Returns a connector to this address, including the zone of a link-local IPv6 address.
    fn from(address: SocketAddr) -> Self {
        let host = match address {
            SocketAddr::V6(v6) if v6.scope_id() != 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
            other => other.ip().to_string(),
        };
        Self::new(host, address.port())
    }
}

/// Resolves the name for each connection. If it has several addresses, tries the next one whenever
/// one has failed or has not answered for 250 ms (RFC 8305), and uses the first that accepts. If
/// none does, the error is that of the attempt that failed last.
impl Connect for TcpConnector {
    type Io = TcpStream;

    async fn connect(&self) -> io::Result<TcpStream> {
        let addresses = lookup_host((self.host.as_str(), self.port)).await?;
        let addresses = happy_eyeballs::order(addresses);
        let stream = happy_eyeballs::connect(addresses, TcpStream::connect).await?;
        disable_nagle(&stream);
        Ok(stream)
    }
}

/// Disables Nagle's algorithm. A call is a small message that waits for its reply: delaying it to
/// fill a packet costs up to 40 ms against a peer that delays its acknowledgements.
fn disable_nagle(stream: &TcpStream) {
    // This fails if the peer is gone already; the first read reports that better.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
}

/// Enables TCP keepalive (`SO_KEEPALIVE`): after `time` without data, the system probes the peer,
/// and closes the connection if three probes within another `time` get no response. Systems count
/// in seconds.
pub fn keep_alive(stream: &TcpStream, time: Duration) {
    let second = Duration::from_secs(1);
    let keepalive = TcpKeepalive::new().with_time(time.max(second));
    // Systems that cannot set these two keep their defaults.
    #[cfg(any(
        target_os = "android",
        target_os = "freebsd",
        target_os = "ios",
        target_os = "linux",
        target_os = "macos",
        target_os = "netbsd",
        windows,
    ))]
    let keepalive = keepalive
        .with_interval((time / PROBES).max(second))
        .with_retries(PROBES);
    // This fails if the peer is gone already; the first read reports that better.
    if let Err(error) = SockRef::from(stream).set_tcp_keepalive(&keepalive) {
        tracing::debug!(%error, "cannot set SO_KEEPALIVE");
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::net::Ipv4Addr;

    use super::*;
    use crate::transport::tests::echoes;

    #[tokio::test]
    async fn echo() -> io::Result<()> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let Address::Tcp(address) = listener.local_address()? else {
            panic!("a TCP listener has a TCP address");
        };
        let peer = echoes(listener, TcpConnector::new("127.0.0.1", address.port())).await;
        assert_eq!(peer.ip(), Some(Ipv4Addr::LOCALHOST.into()));
        Ok(())
    }

    /// On many machines `localhost` is also `::1`, where this test has no listener.
    #[tokio::test]
    async fn every_address_of_a_name_is_tried() -> io::Result<()> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        echoes(listener, TcpConnector::new("localhost", port)).await;
        Ok(())
    }

    #[tokio::test]
    async fn the_zone_of_an_address_is_kept() -> io::Result<()> {
        let listener = TcpListener::bind("[::1]:0").await?;
        let mut address = listener.local_addr()?;
        assert_eq!(
            TcpConnector::from(address),
            TcpConnector::new("::1", address.port())
        );
        echoes(listener, TcpConnector::from(address)).await;
        if let SocketAddr::V6(v6) = &mut address {
            v6.set_scope_id(3);
        }
        assert_eq!(TcpConnector::from(address).host, "::1%3");
        Ok(())
    }

    #[tokio::test]
    async fn both_sides_disable_nagles_algorithm() -> io::Result<()> {
        let mut listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let client = TcpConnector::new("127.0.0.1", port).connect().await?;
        let (server, _) = Listen::accept(&mut listener).await?;
        assert!(client.nodelay()? && server.nodelay()?);
        Ok(())
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn keepalive_probes_are_sent_at_the_given_pace() -> io::Result<()> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let client = TcpStream::connect(listener.local_addr()?).await?;
        keep_alive(&client, Duration::from_secs(60));
        let set = SockRef::from(&client);
        assert!(set.keepalive()?);
        assert_eq!(set.tcp_keepalive_time()?, Duration::from_secs(60));
        assert_eq!(set.tcp_keepalive_interval()?, Duration::from_secs(20));
        assert_eq!(set.tcp_keepalive_retries()?, 3);
        keep_alive(&client, Duration::ZERO);
        assert_eq!(set.tcp_keepalive_time()?, Duration::from_secs(1));
        Ok(())
    }

    #[tokio::test]
    async fn the_backlog_holds_hundreds_of_connections() -> io::Result<()> {
        let listener = bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let mut waiting = Vec::new();
        // A connection attempt that finds the backlog full is retried for longer than this timeout.
        for _ in 0..500 {
            let connect = TcpConnector::from(address);
            let connect = tokio::time::timeout(Duration::from_secs(10), connect.connect());
            waiting.push(connect.await??);
        }
        Ok(())
    }

    #[tokio::test]
    async fn the_error_of_a_busy_port_names_the_address() -> io::Result<()> {
        let first = bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = first.local_addr()?;
        let Err(error) = bind(address).await else {
            panic!("the port is taken");
        };
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        let text = error.to_string();
        let expected = format!("cannot listen on {address}: ");
        assert!(text.starts_with(&expected), "{text}");
        Ok(())
    }

    #[tokio::test]
    async fn a_port_without_a_listener_refuses_connections() -> io::Result<()> {
        // Bound, so that no other process takes the port, but not listening.
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let port = socket.local_addr()?.port();
        let refused = TcpConnector::new("127.0.0.1", port).connect().await;
        assert_eq!(
            refused.map_err(|e| e.kind()).err(),
            Some(ErrorKind::ConnectionRefused)
        );
        Ok(())
    }
}
