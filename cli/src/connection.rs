//! Addresses and authentication of connections.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use farcall::conn::ConnectError;
use farcall::conn::auth::{AuthError, AuthKey};
use farcall::protocol::output::Causes;
use farcall::transport::{Address, Target, ToTarget};

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

/// The protection of a connection, which the scheme of its URL names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protection {
    None,
    Tls,
    /// TLS by the authkey alone.
    Encrypted,
}

/// Parses a URL: `scheme://HOST:PORT`, `scheme+tls://HOST:PORT`, `scheme+encrypted://HOST:PORT`,
/// `scheme+unix://PATH` or `scheme+abstract://NAME`.
pub(crate) fn target(scheme: &str, url: &str) -> Result<(Target, Protection), Box<dyn Error>> {
    let parts = url
        .strip_prefix(scheme)
        .and_then(|rest| rest.split_once("://"));
    let no_url = || {
        format!(
            "the URL is not {scheme}://HOST:PORT, {scheme}+tls://HOST:PORT, \
             {scheme}+encrypted://HOST:PORT, {scheme}+unix://PATH or {scheme}+abstract://NAME"
        )
    };
    let protection = match parts {
        Some(("+tls", _)) => Protection::Tls,
        Some(("+encrypted", _)) => Protection::Encrypted,
        _ => Protection::None,
    };
    let target = match parts {
        // A query is not repeated, since it may be a key. It would be part of the name of a socket
        // file, which errors show.
        Some((_, address)) if address.contains('?') => {
            let message = "URLs of connections have no query: a key does not belong into a URL, pass \
                           it with --authkey-file";
            return Err(message.into());
        }
        // The address is not repeated, since it may contain a password.
        Some(("" | "+tls" | "+encrypted", address)) if address.contains('@') => {
            let message =
                "URLs of connections have no user information: pass the key with --authkey-file";
            return Err(message.into());
        }
        // An invalid address is not repeated either: it may be a misspelt URL with a password.
        Some(("" | "+tls" | "+encrypted", address)) => {
            let target = address.trim_end_matches('/').to_target();
            target.map_err(|_| no_url())?
        }
        Some(("+unix", path)) => Path::new(path).to_target()?,
        Some(("+abstract", name)) => Address::Abstract(name.as_bytes().to_vec()).to_target()?,
        _ => return Err(no_url().into()),
    };
    Ok((target, protection))
}

/// Returns the error of a peer that expects a key, with the options that set one.
pub(crate) fn key_expected(error: impl Error) -> Box<dyn Error> {
    format!("{error}: use --authkey-file or FARCALL_AUTHKEY").into()
}

/// Returns the error of connecting, with the option that helps.
pub(crate) fn connect_error(timeout: Duration, error: ConnectError) -> Box<dyn Error> {
    match &error {
        // A short timeout says nothing about the peer, so the error names no other cause.
        ConnectError::Auth {
            source: AuthError::TimedOut,
            ..
        } if timeout < Duration::from_secs(1) => {
            format!("{error}: the handshake timed out after {timeout:?}").into()
        }
        ConnectError::Auth {
            source: AuthError::LegacyPeer,
            ..
        } => format!("{}: --legacy-md5 allows it", Causes(&error)).into(),
        _ => error.into(),
    }
}
