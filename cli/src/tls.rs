//! TLS of the command.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use clap::Args;
use farcall::cluster::TlsFiles;
use farcall::transport::tls::rustls::{self, AlertDescription, CertificateError};
#[cfg(unix)]
use farcall::transport::tls::{ClientCertificates, ServerTls};
use farcall::transport::tls::{ClientTls, TlsError};

use crate::connection::path;
use crate::terminal::print_error;

#[derive(Args)]
pub(crate) struct Tls {
    /// For TLS: trust the authorities in this PEM file, and not those of the system
    #[arg(long, global = true, value_name = "FILE", value_parser = path())]
    cacert: Option<PathBuf>,
    /// For TLS: accept exactly the certificates in this PEM file, whatever their names
    #[arg(long, global = true, value_name = "FILE", value_parser = path())]
    #[arg(conflicts_with = "cacert")]
    pin: Option<PathBuf>,
    /// For TLS: show this certificate, a PEM file with its chain, to servers that demand one
    #[arg(long, global = true, value_name = "FILE", value_parser = path())]
    cert: Option<PathBuf>,
    /// For TLS: the key of the certificate, a PEM file [default: the file of --cert]
    #[arg(long, global = true, value_name = "FILE", value_parser = path())]
    key: Option<PathBuf>,
    /// For TLS: accept any certificate; whoever is on the way can read and change everything
    #[arg(long, global = true, conflicts_with_all = ["cacert", "pin"])]
    insecure: bool,
}

impl Tls {
    /// Returns an error if an option is given that a URL without TLS would ignore.
    pub(crate) fn check_url(&self, url: &str) -> Result<(), &'static str> {
        let (scheme, _) = url.split_once("://").unwrap_or_default();
        let scheme = scheme.to_ascii_lowercase();
        let files = [&self.cacert, &self.pin, &self.cert, &self.key];
        let is_given = self.insecure || files.iter().any(|file| file.is_some());
        if is_given && url.is_empty() {
            return Err("options of TLS are for calls: this command makes none");
        }
        if is_given
            && !["https", "json+https", "wss"].contains(&&*scheme)
            && !scheme.ends_with("+tls")
        {
            return Err(
                "--cacert, --pin, --cert, --key and --insecure are for TLS, which this URL has not",
            );
        }
        Ok(())
    }

    /// The files that the options name.
    pub(crate) fn files(&self) -> TlsFiles {
        let mut files = TlsFiles::default();
        files.cacert.clone_from(&self.cacert);
        files.pin.clone_from(&self.pin);
        files.cert.clone_from(&self.cert);
        files.key.clone_from(&self.key);
        files.insecure = self.insecure.then_some(true);
        files
    }

    pub(crate) fn settings(&self) -> Result<ClientTls, Box<dyn Error>> {
        client(&self.files())
    }
}

/// Reads the files of a client. Warns if it accepts any certificate.
pub(crate) fn client(files: &TlsFiles) -> Result<ClientTls, Box<dyn Error>> {
    let mut tls = ClientTls::new();
    if let Some(file) = &files.cacert {
        tls = tls.roots(file)?;
    }
    if let Some(file) = &files.pin {
        tls = tls.pin(file)?;
    }
    match (&files.cert, &files.key) {
        (Some(cert), key) => tls = tls.certificate(cert, key.as_ref().unwrap_or(cert))?,
        (None, Some(_)) => return Err("--key needs --cert".into()),
        (None, None) => {}
    }
    if files.insecure == Some(true) {
        print_error(
            "farcall: warning: --insecure: whoever is on the way to the server can read and \
             change everything",
        );
        tls = tls.dangerous_without_verification();
    }
    Ok(tls)
}

#[cfg(unix)]
impl Tls {
    /// Returns the settings of a server, if it has a certificate.
    pub(crate) fn server(&self) -> Result<Option<ServerTls>, Box<dyn Error>> {
        if self.pin.is_some() || self.insecure {
            return Err("--pin and --insecure are for clients".into());
        }
        let Some(cert) = &self.cert else {
            return Ok(None);
        };
        let mut tls = ServerTls::from_files(cert, self.key.as_ref().unwrap_or(cert))?.watch();
        if let Some(file) = &self.cacert {
            tls = tls.client_roots(file, ClientCertificates::Required)?;
        }
        Ok(Some(tls))
    }

    /// Returns `true` if clients need a certificate.
    pub(crate) const fn has_roots(&self) -> bool {
        self.cacert.is_some()
    }
}

/// Returns the options that help against an error of TLS.
pub(crate) fn advice(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let mut next = Some(error);
    while let Some(error) = next {
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(|error| error.get_ref()?.downcast_ref());
        match inner.or_else(|| error.downcast_ref::<TlsError>()) {
            Some(TlsError::Handshake(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            ))) => {
                return Some(
                    "call the server by one of these names, or make a certificate for this one, \
                     as farcall certs does",
                );
            }
            Some(TlsError::Handshake(rustls::Error::InvalidCertificate(_))) => {
                return Some("--cacert FILE names an authority to trust, --pin FILE a certificate");
            }
            Some(TlsError::Handshake(rustls::Error::AlertReceived(
                AlertDescription::CertificateRequired | AlertDescription::HandshakeFailure,
            ))) => return Some("--cert FILE and --key FILE name the certificate of the client"),
            _ => next = error.source(),
        }
    }
    None
}
