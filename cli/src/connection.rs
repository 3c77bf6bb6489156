//! Addresses and authentication of connections.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use farcall::cluster::{ConnectionUrl, UrlError};
use farcall::conn::ConnectError;
use farcall::conn::auth::{AuthError, AuthKey};

use crate::MARK;

#[derive(Args)]
pub(crate) struct Authentication {
    /// For connections: file with the shared authkey [default: the environment variable
    /// FARCALL_AUTHKEY]
    #[arg(long, global = true, value_name = "FILE", value_parser = path())]
    pub(crate) authkey_file: Option<PathBuf>,
    /// For connections: allow authentication with MD5, which CPython up to 3.11 requires
    #[arg(long, global = true)]
    pub(crate) legacy_md5: bool,
}

impl Authentication {
    pub(crate) fn authkey(&self) -> Result<Option<AuthKey>, Box<dyn Error>> {
        let Some(file) = &self.authkey_file else {
            return authkey_of_environment();
        };
        let key = AuthKey::from_file(file);
        Ok(Some(
            key.map_err(|error| format!("--authkey-file: {error}"))?,
        ))
    }
}

/// Returns the key in the environment variable `FARCALL_AUTHKEY`.
pub(crate) fn authkey_of_environment() -> Result<Option<AuthKey>, Box<dyn Error>> {
    let Some(key) = std::env::var_os("FARCALL_AUTHKEY") else {
        return Ok(None);
    };
    let key = AuthKey::new(key.as_encoded_bytes());
    Ok(Some(
        key.map_err(|error| format!("FARCALL_AUTHKEY: {error}"))?,
    ))
}

/// Returns the parser for paths, which removes the mark.
pub(crate) fn path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(|path| {
        match path.to_str().and_then(|path| path.strip_prefix(MARK)) {
            Some(path) => path.into(),
            None => path.into(),
        }
    })
}

/// Parses the URL of a connection, whose scheme is `conn` or `conn+rpc`.
pub(crate) fn target(scheme: &'static str, url: &str) -> Result<ConnectionUrl, Box<dyn Error>> {
    ConnectionUrl::parse(scheme, url).map_err(url_error)
}

/// Returns the error of a URL, with the option that helps.
pub(crate) fn url_error(error: UrlError) -> Box<dyn Error> {
    match error {
        UrlError::Query | UrlError::UserInformation => {
            format!("{error}, pass it with --authkey-file").into()
        }
        error => error.into(),
    }
}

/// Returns the error of connecting within a timeout.
pub(crate) fn connect_error(timeout: Duration, error: ConnectError) -> Box<dyn Error> {
    match &error {
        // A short timeout says nothing about the peer, so the error names no other cause.
        ConnectError::Auth {
            source: AuthError::TimedOut,
            ..
        } if timeout < Duration::from_secs(1) => {
            format!("{error}: the handshake timed out after {timeout:?}").into()
        }
        _ => error.into(),
    }
}
