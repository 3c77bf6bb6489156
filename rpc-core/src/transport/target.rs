//! Targets: the addresses and hosts to listen at or connect to.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::{Address, AddressError, parse_port};

/// The target of a listener or client: an [`Address`], or a host whose address is looked up.
///
/// Its text form is `localhost:6000`, or that of the address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Target {
    /// A host, by name or IP address, and a port. As in Python, the empty host means all interfaces
    /// for a listener and the local machine for a client.
    Host(String, u16),
    /// A known address.
    Address(Address),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host, port) => write!(f, "{host}:{port}"),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

/// Conversion to a [`Target`].
///
/// | type | target |
/// |---|---|
/// | `("localhost", 6000)`, an IP address with a port, a `SocketAddr` | TCP |
/// | a `Path` | a Unix socket |
/// | `"localhost:6000"`, `"unix:/run/x"`, `"unix-abstract:x"` | the parsed address |
/// | an [`Address`] | that address |
pub trait ToTarget {
    /// Returns the target that this value denotes.
    ///
    /// # Errors
    /// If a string is not a valid address.
    fn to_target(&self) -> Result<Target, AddressError>;
}

impl ToTarget for Target {
    fn to_target(&self) -> Result<Target, AddressError> {
        Ok(self.clone())
    }
}

impl ToTarget for Address {
    fn to_target(&self) -> Result<Target, AddressError> {
        Ok(Target::Address(self.clone()))
    }
}

impl ToTarget for SocketAddr {
    fn to_target(&self) -> Result<Target, AddressError> {
        Ok(Target::Address(Address::Tcp(*self)))
    }
}

impl ToTarget for (IpAddr, u16) {
    fn to_target(&self) -> Result<Target, AddressError> {
        SocketAddr::from(*self).to_target()
    }
}

impl ToTarget for (Ipv4Addr, u16) {
    fn to_target(&self) -> Result<Target, AddressError> {
        SocketAddr::from(*self).to_target()
    }
}

impl ToTarget for (Ipv6Addr, u16) {
    fn to_target(&self) -> Result<Target, AddressError> {
        SocketAddr::from(*self).to_target()
    }
}

impl ToTarget for (&str, u16) {
    fn to_target(&self) -> Result<Target, AddressError> {
        Ok(Target::Host(self.0.to_owned(), self.1))
    }
}

impl ToTarget for (String, u16) {
    fn to_target(&self) -> Result<Target, AddressError> {
        (self.0.as_str(), self.1).to_target()
    }
}

impl ToTarget for Path {
    fn to_target(&self) -> Result<Target, AddressError> {
        Ok(Target::Address(Address::Unix(self.to_path_buf())))
    }
}

impl ToTarget for PathBuf {
    fn to_target(&self) -> Result<Target, AddressError> {
        self.as_path().to_target()
    }
}

impl ToTarget for str {
    fn to_target(&self) -> Result<Target, AddressError> {
        if let Ok(address) = self.parse() {
            return Ok(Target::Address(address));
        }
        match self.rsplit_once(':') {
            // An `@` or `%` is part of a URL with a user name, a `?` of one with a query. Errors do
            // not show these.
            Some((host, port)) if !host.contains([':', '/', '@', '%', '?']) => parse_port(port)
                .map(|port| Target::Host(host.to_owned(), port))
                .ok_or_else(|| AddressError::of_target(self)),
            _ => Err(AddressError::of_target(self)),
        }
    }
}

impl ToTarget for String {
    fn to_target(&self) -> Result<Target, AddressError> {
        self.as_str().to_target()
    }
}

impl<T: ToTarget + ?Sized> ToTarget for &T {
    fn to_target(&self) -> Result<Target, AddressError> {
        (**self).to_target()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let host = |host: &str, port| Target::Host(host.to_owned(), port);
        assert_eq!("localhost:6000".to_target(), Ok(host("localhost", 6000)));
        assert_eq!(":16000".to_target(), Ok(host("", 16000)));
        assert_eq!(("", 16000).to_target(), Ok(host("", 16000)));
        let ip = SocketAddr::from(([0; 16], 1));
        assert_eq!("[::]:1".to_target(), ip.to_target());
        assert_eq!("unix:/run/x".to_target(), Path::new("/run/x").to_target());
        for text in [
            "localhost",
            "a:b",
            "::1",
            "/run/x:1",
            "host:99999",
            "host:+80",
            "127.0.0.1:+0",
            "user@host:80",
            "",
        ] {
            assert!(text.to_target().is_err(), "{text}");
        }
    }
}
