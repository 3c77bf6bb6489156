//! TLS for every protocol, by rustls.
//!
//! A server has a [`ServerTls`]: its certificate, its key and the authorities of its clients. A
//! client has a [`ClientTls`]: the authorities that it trusts, and its own certificate. Both are
//! given to the options of a protocol.
//!
//! The cryptography is that of the provider that the program has
//! [installed](rustls::crypto::CryptoProvider::install_default) when a `ServerTls` or `ClientTls`
//! is created, otherwise aws-lc-rs (feature `tls`) or ring (feature `tls-ring` alone).
//!
//! ```no_run
//! use farcall::transport::tls::{ClientCertificates, ClientTls, ServerTls};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = ServerTls::from_files("server.pem", "server.key")?
//!     .client_roots("clients.pem", ClientCertificates::Required)?;
//! let client = ClientTls::new()
//!     .roots("ca.pem")?
//!     .certificate("client.pem", "client.key")?;
//! # Ok(())
//! # }
//! ```

mod certificate;
mod client;
mod error;
mod pem;
mod records;
mod server;
mod session;
#[cfg(test)]
mod tests;
mod verify;
mod watch;

use std::sync::{Arc, LazyLock};

use rustls::SupportedProtocolVersion;
use rustls::crypto::CryptoProvider;
use rustls::version::{TLS12, TLS13};

pub use self::client::ClientTls;
pub use self::error::TlsError;
pub use self::records::BytesWithoutData;
pub use self::server::{ClientCertificates, ServerTls};
pub use self::session::TlsSession;
/// The TLS library, whose types are part of this interface.
pub use rustls;
/// TLS on the byte streams of tokio, of which [`ServerTls::accept`] returns one.
pub use tokio_rustls;

/// The demands of a protocol on TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Profile {
    /// HTTP: TLS 1.3 and 1.2, and the protocol name `http/1.1` (ALPN, RFC 7301).
    Http,
    /// Connections of Farcall, and JSON-RPC over sockets: TLS 1.3 only, whose exporter binds the
    /// authentication to the channel, and no protocol name, since CPython's peers offer none.
    Connection,
}

impl Profile {
    const ALL: [Self; 2] = [Self::Http, Self::Connection];

    fn versions(self) -> &'static [&'static SupportedProtocolVersion] {
        static BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
        match self {
            Self::Http => &BOTH,
            Self::Connection => BOTH.split_at(1).0,
        }
    }

    fn protocols(self) -> Vec<Vec<u8>> {
        match self {
            Self::Http => vec![b"http/1.1".to_vec()],
            Self::Connection => Vec::new(),
        }
    }
}

/// Returns the provider that the program has installed, or ours. A builder without a provider would
/// panic in a program of which two crates enable different ones.
pub fn provider() -> Arc<CryptoProvider> {
    static OURS: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
        #[cfg(feature = "tls")]
        use rustls::crypto::aws_lc_rs as ours;
        #[cfg(not(feature = "tls"))]
        use rustls::crypto::ring as ours;
        Arc::new(ours::default_provider())
    });
    CryptoProvider::get_default().map_or_else(|| Arc::clone(&OURS), Arc::clone)
}
