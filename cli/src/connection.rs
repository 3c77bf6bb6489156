//! What every connection needs: where the peer is, and the key.

use std::error::Error;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use conn::address::{Target, ToTarget};
use conn::auth::AuthKey;
use rpc_core::transport::Address;

use crate::MARK;

#[derive(Args)]
pub(crate) struct Authentication {
    /// For connections: a file with the key that both ends know; without, the variable
    /// FARCALL_AUTHKEY has it
    #[arg(long, global = true, value_name = "FILE", value_parser = path())]
    authkey_file: Option<PathBuf>,
    /// For connections: authenticate with MD5 where the peer expects that, as CPython up to 3.11
    /// does
    #[arg(long, global = true)]
    pub(crate) legacy_md5: bool,
}

impl Authentication {
    pub(crate) fn authkey(&self) -> Result<Option<AuthKey>, Box<dyn Error>> {
        Ok(
            match (&self.authkey_file, std::env::var_os("FARCALL_AUTHKEY")) {
                // The name of the file is not repeated: it may be the key, typed in its place.
                (Some(file), _) => Some(AuthKey::from_file(file).map_err(|error| {
                    format!("the file with the authkey cannot be read: {error}")
                })?),
                (None, Some(key)) => Some(AuthKey::new(key.as_encoded_bytes())?),
                (None, None) => None,
            },
        )
    }
}

/// Reads a path as it was typed.
fn path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(|path| {
        match path.to_str().and_then(|path| path.strip_prefix(MARK)) {
            Some(path) => path.into(),
            None => path.into(),
        }
    })
}

/// Where a URL leads: `scheme://HOST:PORT`, `scheme+unix://PATH` or `scheme+abstract://NAME`.
pub(crate) fn target(scheme: &str, url: &str) -> Result<Target, Box<dyn Error>> {
    let parts = url
        .strip_prefix(scheme)
        .and_then(|rest| rest.split_once("://"));
    let no_url = || format!("the URL is not {scheme}://HOST:PORT or {scheme}+unix://PATH");
    Ok(match parts {
        // What looks like a password is not to be repeated in an error.
        Some(("", address)) if address.contains('@') => {
            let message = "connections know no users: --authkey-file has the key for all of them";
            return Err(message.into());
        }
        // Nor is any other text that is no address: it may be a URL with a password, misspelt.
        Some(("", address)) => {
            let target = address.trim_end_matches('/').to_target();
            target.map_err(|_| no_url())?
        }
        Some(("+unix", path)) => Path::new(path).to_target()?,
        Some(("+abstract", name)) => Address::Abstract(name.as_bytes().to_vec()).to_target()?,
        _ => return Err(no_url().into()),
    })
}
