//! Byte streams between two peers.
//!
//! A server [`Listen`]s and a client [`Connect`]s; both get an [`Io`], a byte stream in both
//! directions, and every protocol runs over any of them:
//!
//! - [`tcp`]: sockets of the network,
//! - `unix`: sockets in the file system of one machine, which identify the user and process of the
//!   peer,
//! - [`memory`]: pipes within one program, for tests and for services of the same process.
//!
//! Other byte streams can be used by implementing the two traits.
//!
//! # Examples
//!
//! ```
//! use farcall::transport::{Connect, Listen, memory};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let (mut listener, connector) = memory::listener("greetings");
//! let mut client = connector.connect().await?;
//! let (mut server, peer) = listener.accept().await?;
//! assert_eq!(peer.to_string(), "memory");
//!
//! client.write_all(b"hello").await?;
//! let mut greeting = [0; 5];
//! server.read_exact(&mut greeting).await?;
//! assert_eq!(&greeting, b"hello");
//! # Ok(())
//! # }
//! ```

pub(crate) mod certificate;
pub(crate) mod happy_eyeballs;
pub mod memory;
#[cfg(all(unix, feature = "systemd"))]
pub(crate) mod passed;
#[cfg(any(feature = "workers", all(unix, feature = "systemd")))]
mod socket;
mod system;
mod target;
pub mod tcp;
#[cfg(feature = "_tls")]
#[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
pub mod tls;
#[cfg(unix)]
pub mod unix;

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use tokio::io::{AsyncRead, AsyncWrite};

#[cfg(any(feature = "workers", all(unix, feature = "systemd")))]
pub(crate) use self::socket::Socket;
pub use self::system::{SystemConnector, SystemListener};
pub use self::target::{Target, ToTarget};
use crate::output::Foreign;

/// The length of the backlog. It exceeds the usual 128, which a burst of connections fills at once.
/// The system may reduce it.
pub(crate) const BACKLOG: u16 = 1024;

/// The default permissions of socket files: only the user of the process may connect.
const SOCKET_MODE: u32 = 0o600;

/// Returns the error of listening, with the address.
pub(crate) fn cannot_listen(address: impl fmt::Display, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
}

/// A byte stream in both directions.
///
/// Implemented for every type with these properties, including `Box<dyn Io>`.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static + ?Sized> Io for T {}

/// Accepts connections.
pub trait Listen: Send + 'static {
    /// The byte stream to one peer.
    type Io: Io;

    /// Accepts the next connection.
    ///
    /// This neither performs a handshake nor reads: anything that a protocol exchanges with a new
    /// peer, TLS included, happens in the task of that connection, so that a slow or silent peer
    /// delays no other.
    ///
    /// # Errors
    ///
    /// An error concerns this call only, and the next one may succeed:
    /// [`serve`](crate::serve::serve) retries, after a pause unless the error is that of a single
    /// connection.
    ///
    /// # Cancel safety
    ///
    /// Implementations must be cancel safe: if the future is dropped before it completes, no
    /// connection is lost. The accept loop relies on it.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Io, Peer)>> + Send;

    /// The address at which peers reach this listener.
    ///
    /// # Errors
    ///
    /// If the operating system does not report it.
    fn local_address(&self) -> io::Result<Address>;
}

/// Opens connections to one target, which the implementing value identifies.
pub trait Connect: Clone + Send + Sync + 'static {
    /// The byte stream to the peer.
    type Io: Io;

    /// Opens a new connection.
    ///
    /// There is no timeout: wrap the future in [`tokio::time::timeout`].
    ///
    /// # Errors
    ///
    /// If the target cannot be found or reached, or refuses.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future abandons the attempt and leaves nothing open.
    fn connect(&self) -> impl Future<Output = io::Result<Self::Io>> + Send;
}

/// The identity of the peer of a connection, as far as the transport knows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Peer {
    /// The transport does not identify its peers.
    #[default]
    Unknown,
    /// The address of a network socket.
    Tcp(SocketAddr),
    /// A process of this machine, with its credentials if the system reports them.
    Unix(Option<Credentials>),
    /// This process.
    Memory,
}

impl Peer {
    /// The network address of the peer, if it has one.
    ///
    /// An IPv4 peer of an IPv6 listener (`::ffff:192.0.2.1`) is returned as its IPv4 address, so
    /// that a list of allowed addresses needs a single entry for it.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(address) => Some(address.ip().to_canonical()),
            _ => None,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("unknown"),
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(Some(credentials)) => write!(f, "unix ({credentials})"),
            Self::Unix(None) => f.write_str("unix"),
            Self::Memory => f.write_str("memory"),
        }
    }
}

/// The user and process of the peer of a Unix socket, as the kernel saw them when the connection
/// was established.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Credentials {
    /// The effective user id.
    pub uid: u32,
    /// The effective group id.
    pub gid: u32,
    /// The process id, on systems that report it. The process may have exited since, and another
    /// may have its id: log it, but base no decision on it.
    pub pid: Option<i32>,
}

impl fmt::Display for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "uid {}, gid {}", self.uid, self.gid)?;
        match self.pid {
            Some(pid) => write!(f, ", pid {pid}"),
            None => Ok(()),
        }
    }
}

/// The address of a listener.
///
/// Its text form is `127.0.0.1:8000`, `unix:/run/service.sock`, `unix-abstract:name`,
/// `memory:name` or `systemd:name`. Bytes of an abstract name that are not printable ASCII are
/// escaped, as in `unix-abstract:name\\x00`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Address {
    /// An IP address and a port.
    Tcp(SocketAddr),
    /// The path of a socket file.
    Unix(PathBuf),
    /// The name of a socket without a file (Linux), without the NUL byte that marks it.
    Abstract(Vec<u8>),
    /// The name of a listener within this process.
    Memory(String),
    /// The name of a socket that a service manager has opened for this process, with the feature
    /// `systemd`: a server that is bound here listens on it. The empty name is the first socket
    /// that is left.
    Passed(String),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Abstract(name) => write!(f, "unix-abstract:{}", name.escape_ascii()),
            Self::Memory(name) => write!(f, "memory:{name}"),
            Self::Passed(name) => write!(f, "systemd:{name}"),
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    /// Parses the text form. Host names are not addresses: a [`Target`] may have one.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        Ok(match text.split_once(':') {
            Some(("unix", path)) => Self::Unix(PathBuf::from(path)),
            Some(("unix-abstract", name)) => Self::Abstract(unescape(name)),
            Some(("memory", name)) => Self::Memory(name.to_owned()),
            Some(("systemd", name)) => Self::Passed(name.to_owned()),
            _ => Self::Tcp(text.parse().map_err(|_| AddressError::new(text, "IP"))?),
        })
    }
}

/// Parses a port number: digits only, without the sign that [`str::parse`] accepts.
#[must_use]
pub fn parse_port(text: &str) -> Option<u16> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// Undoes [`escape_ascii`](slice::escape_ascii). A backslash that begins no escape stands for
/// itself.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let (byte, tail) = match rest {
            [b'\\', b't', tail @ ..] => (b'\t', tail),
            [b'\\', b'r', tail @ ..] => (b'\r', tail),
            [b'\\', b'n', tail @ ..] => (b'\n', tail),
            [b'\\', quoted @ (b'\\' | b'\'' | b'"'), tail @ ..] => (*quoted, tail),
            [b'\\', b'x', high, low, tail @ ..] => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, tail),
                _ => (*first, &rest[1..]),
            },
            _ => (*first, tail),
        };
        bytes.push(byte);
        rest = tail;
    }
    bytes
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

/// The error of a text that is not an [`Address`] or [`Target`]. It contains the text unless that
/// may contain a password, as a URL does.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text} is not an address: expected `{expected}:PORT`, `unix:PATH`, `unix-abstract:NAME` or, \
     of a server, `systemd:NAME`"
)]
pub struct AddressError {
    /// The text as it is shown.
    text: String,
    /// The form of the part before the port.
    expected: &'static str,
}

crate::debug_errors!(AddressError);

impl AddressError {
    fn new(text: &str, expected: &'static str) -> Self {
        let text = match text {
            _ if !may_hold_password(text) => format!("`{}`", Foreign::excerpt(text)),
            _ if text.contains("://") => "a URL (not shown, as it may contain a password)".into(),
            _ => "the text (hidden, as it may contain a password)".into(),
        };
        Self { text, expected }
    }
}

/// Returns `true` if a text that is not an address may be one with user information, even misspelt.
fn may_hold_password(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return text.contains(['@', '%', '?']);
    };
    let is_host_and_port =
        !host.contains([':', '@', '%', '/', '?']) && port.bytes().all(|b| b.is_ascii_digit());
    let is_ip = |c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '.' | '[' | ']');
    !is_host_and_port && !text.chars().all(is_ip)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_survive_their_text_form() {
        for text in [
            "127.0.0.1:80",
            "[::1]:8000",
            "unix:/run/a socket",
            "unix-abstract:name",
            "memory:x",
            "systemd:http",
        ] {
            let address: Result<Address, _> = text.parse();
            assert_eq!(address.map(|a| a.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn abstract_names_of_any_bytes_survive_the_text_form() {
        let all: Vec<u8> = (0..=255).collect();
        for name in [&all[..], b"it's", b"a\\b", b"\\x4", b"\\xzz", b"\0auto"] {
            let address = Address::Abstract(name.to_vec());
            assert_eq!(address.to_string().parse(), Ok(address));
        }
        let plain = Address::Abstract("a\\b é".into());
        assert_eq!("unix-abstract:a\\b é".parse(), Ok(plain));
    }

    proptest! {
        #[test]
        fn any_address_survives_its_text_form(
            socket: SocketAddr,
            path in "\\PC{0,40}",
            name: Vec<u8>,
            label: String,
        ) {
            for address in [
                Address::Tcp(socket),
                Address::Unix(path.into()),
                Address::Abstract(name),
                Address::Memory(label.clone()),
                Address::Passed(label),
            ] {
                // The text form has no flow label.
                let text = address.to_string();
                let parsed: Address = text.parse().unwrap();
                prop_assert_eq!(parsed.to_string(), text);
                prop_assert!(parsed == address || matches!(socket, SocketAddr::V6(_)));
            }
        }
    }

    #[test]
    fn the_error_contains_the_text_that_is_not_an_address() {
        for text in ["", "localhost:80", "127.0.0.1", "/run/socket"] {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("`{text}` is not an address")),
                "{error}"
            );
        }
    }

    #[test]
    fn the_error_hides_a_text_that_may_contain_a_password() {
        for text in [
            "u:s3cret@127.0.0.1:80",
            "s3cret@host",
            "u:s3cret",
            "u:s3cret/host:80",
            "u:s3cret%40host:80",
            "http://u:s3cret@host/",
            "u:s3cret:80",
            "localhost?authkey=s3cret",
            "localhost:80?authkey=s3cret",
            "localhost?authkey=s3cret:80",
        ] {
            let error = text.parse::<Address>().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn only_network_peers_have_an_ip_in_its_canonical_form() {
        let mapped = SocketAddr::from(([0, 0, 0, 0, 0, 0xffff, 0xc000, 0x0201], 7));
        assert_eq!(
            Peer::Tcp(mapped).ip(),
            Some(IpAddr::from([192, 0, 2, 1])),
            "an IPv4 peer of an IPv6 listener"
        );
        for peer in [Peer::Unknown, Peer::Unix(None), Peer::Memory] {
            assert_eq!(peer.ip(), None);
        }
    }

    #[test]
    fn peers_read_well_in_a_log() {
        let credentials = Credentials {
            uid: 1000,
            gid: 100,
            pid: Some(7),
        };
        let peer = Peer::Unix(Some(credentials));
        assert_eq!(peer.to_string(), "unix (uid 1000, gid 100, pid 7)");
        assert_eq!(Peer::default().to_string(), "unknown");
    }

    /// Sends bytes through a connection of a transport and back. Returns the peer that the listener
    /// saw.
    pub(super) async fn echoes<L: Listen>(mut listener: L, connector: impl Connect) -> Peer {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};

        let server = async {
            let (mut io, peer) = listener.accept().await.expect("a peer connects");
            let mut message = Vec::new();
            io.read_to_end(&mut message).await.expect("it sends");
            io.write_all(&message).await.expect("it reads");
            peer
        };
        let client = async {
            let mut io = connector.connect().await.expect("the listener accepts");
            io.write_all(b"there and back").await.expect("it reads");
            io.shutdown().await.expect("one direction closes alone");
            let mut echo = Vec::new();
            io.read_to_end(&mut echo).await.expect("it answers");
            assert_eq!(echo, b"there and back");
        };
        tokio::join!(server, client).0
    }
}
