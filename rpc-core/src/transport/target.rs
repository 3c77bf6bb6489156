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

macro_rules! to_target {
    ($($type:ty: |$this:ident| $target:expr;)*) => {$(
        impl ToTarget for $type {
            fn to_target(&self) -> Result<Target, AddressError> {
                let $this = self;
                $target
            }
        }
    )*};
}

to_target! {
    Target: |target| Ok(target.clone());
    Address: |address| Ok(Target::Address(address.clone()));
    SocketAddr: |address| Address::Tcp(*address).to_target();
    (IpAddr, u16): |address| SocketAddr::from(*address).to_target();
    (Ipv4Addr, u16): |address| SocketAddr::from(*address).to_target();
    (Ipv6Addr, u16): |address| SocketAddr::from(*address).to_target();
    (&str, u16): |host| Ok(Target::Host(host.0.to_owned(), host.1));
    (String, u16): |host| (host.0.as_str(), host.1).to_target();
    Path: |path| Address::Unix(path.to_path_buf()).to_target();
    PathBuf: |path| path.as_path().to_target();
    String: |text| text.as_str().to_target();
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
                .ok_or_else(|| AddressError::new(self, "HOST")),
            _ => Err(AddressError::new(self, "HOST")),
        }
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
