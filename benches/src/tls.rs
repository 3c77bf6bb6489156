//! TLS of the contestants without Farcall: the certificate of a run, and bare rustls with it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, anyhow};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// The environment variable of a part with the directory of its certificate. Parts of cases without
/// TLS have none.
pub(crate) const DIRECTORY: &str = "CERTIFICATE";

/// The name of the protocol that HTTP offers in a handshake.
pub(crate) const HTTP: Option<&str> = Some("http/1.1");

/// A self-signed certificate for 127.0.0.1 and its key, as files in a directory.
#[derive(Clone)]
pub(crate) struct Certificate(PathBuf);

impl Certificate {
    /// Creates the files.
    pub(crate) fn create_in(directory: &Path) -> Result<Self> {
        let created = Self(directory.to_owned());
        let names = ["localhost", "127.0.0.1"].map(str::to_owned);
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names)?;
        std::fs::write(created.path(), cert.pem())?;
        std::fs::write(created.key(), signing_key.serialize_pem())?;
        Ok(created)
    }

    /// Returns the certificate that this part of a contestant must use, if its case is one of TLS.
    pub(crate) fn of_part() -> Option<Self> {
        std::env::var_os(DIRECTORY).map(|directory| Self(directory.into()))
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.0
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.join("certificate.pem")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.0.join("key.pem")
    }

    pub(crate) fn server(&self, protocol: Option<&str>) -> Result<Arc<ServerConfig>> {
        let certificate = CertificateDer::from_pem_file(self.path())?;
        let key = PrivateKeyDer::from_pem_file(self.key())?;
        let builder = ServerConfig::builder().with_no_client_auth();
        let mut config = builder.with_single_cert(vec![certificate], key)?;
        config.alpn_protocols = names(protocol);
        Ok(Arc::new(config))
    }

    pub(crate) fn acceptor(&self, protocol: Option<&str>) -> Result<TlsAcceptor> {
        Ok(TlsAcceptor::from(self.server(protocol)?))
    }

    /// Returns an acceptor that sends one session ticket, as Farcall's servers do, where rustls
    /// sends two by default.
    pub(crate) fn acceptor_with_one_ticket(&self, protocol: Option<&str>) -> Result<TlsAcceptor> {
        let mut config = ServerConfig::clone(&*self.server(protocol)?);
        config.send_tls13_tickets = 1;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    pub(crate) fn client(
        &self,
        protocol: Option<&str>,
        resumption: Resumption,
    ) -> Result<Arc<ClientConfig>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.path())?)?;
        let builder = ClientConfig::builder().with_root_certificates(roots);
        let mut config = builder.with_no_client_auth();
        config.alpn_protocols = names(protocol);
        config.resumption = resumption;
        Ok(Arc::new(config))
    }

    /// Returns the configuration of a client of HTTP that opens many connections.
    pub(crate) fn client_of_many(&self, resume: bool) -> Result<Arc<ClientConfig>> {
        let resumption = if resume {
            Resumption::default()
        } else {
            Resumption::disabled()
        };
        self.client(HTTP, resumption)
    }

    pub(crate) fn connector(&self, protocol: Option<&str>) -> Result<TlsConnector> {
        Ok(self.client(protocol, Resumption::disabled())?.into())
    }
}

fn names(protocol: Option<&str>) -> Vec<Vec<u8>> {
    protocol.into_iter().map(Vec::from).collect()
}

/// Returns the name of all servers.
pub(crate) fn server_name() -> ServerName<'static> {
    ServerName::IpAddress(std::net::Ipv4Addr::LOCALHOST.into())
}

/// Makes aws-lc-rs the provider of all contestants: some of their packages enable another one.
pub(crate) fn install_provider() -> Result<()> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let installed = provider.install_default();
    installed.map_err(|_| anyhow!("there is a provider of cryptography already"))
}
