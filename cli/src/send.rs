//! `farcall send`: one message over a plain connection.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use conn::address::{Target, ToTarget};
use conn::auth::AuthKey;
use conn::codec::pickle;
use conn::{Client, Codec, Connection, Json, MessagePack, Pickle};
use rpc_core::Value;
use rpc_core::transport::Address;
use serde::de::DeserializeOwned;

use crate::json;

#[derive(Args)]
pub(crate) struct Arguments {
    /// conn://HOST:PORT, conn+unix://PATH, or a Linux abstract socket as conn+abstract://NAME
    url: String,
    /// The value as JSON; what is not JSON is taken as a string
    #[arg(allow_hyphen_values = true)]
    value: String,
    /// How values are encoded; pickle for CPython
    #[arg(long, value_enum, default_value_t = Encoding::Pickle)]
    codec: Encoding,
    /// A file with the key that both ends know; without, the variable FARCALL_AUTHKEY has it
    #[arg(long, value_name = "FILE")]
    authkey_file: Option<PathBuf>,
    /// Authenticate with MD5 where the peer is CPython up to 3.11
    #[arg(long)]
    legacy_md5: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Encoding {
    Pickle,
    Json,
    #[value(name = "messagepack")]
    MessagePack,
}

/// Sends the value, and returns the answer as JSON.
pub(crate) async fn run(
    arguments: &Arguments,
    timeout: Duration,
) -> Result<String, Box<dyn Error>> {
    match arguments.codec {
        Encoding::Pickle => {
            let answer: pickle::Value = exchange::<_, Pickle>(arguments, timeout).await?;
            Ok(json::write_python(&answer).ok_or("the answer has too many parts to print")?)
        }
        Encoding::Json => {
            let answer: Value = exchange::<_, Json>(arguments, timeout).await?;
            Ok(json::write(&answer))
        }
        Encoding::MessagePack => {
            let answer: Value = exchange::<_, MessagePack>(arguments, timeout).await?;
            Ok(json::write(&answer))
        }
    }
}

async fn exchange<R: DeserializeOwned + 'static, C: Codec>(
    arguments: &Arguments,
    timeout: Duration,
) -> Result<R, Box<dyn Error>> {
    let mut client = Client::connect(target(&arguments.url)?)
        .legacy_md5(arguments.legacy_md5)
        .timeout(timeout);
    if let Some(key) = authkey(arguments.authkey_file.as_deref())? {
        client = client.authkey(key);
    }
    let mut peer: Connection<Value, R, C> = client.await?;
    peer.send(&json::read(&arguments.value)).await?;
    Ok(tokio::time::timeout(timeout, peer.recv()).await??)
}

fn target(url: &str) -> Result<Target, Box<dyn Error>> {
    if let Some(path) = url.strip_prefix("conn+unix://") {
        return Ok(Path::new(path).to_target()?);
    }
    if let Some(name) = url.strip_prefix("conn+abstract://") {
        return Ok(Address::Abstract(name.as_bytes().to_vec()).to_target()?);
    }
    let Some(address) = url.strip_prefix("conn://") else {
        let message = format!("`{url}` is not conn://HOST:PORT or conn+unix://PATH");
        return Err(message.into());
    };
    Ok(address.trim_end_matches('/').to_target()?)
}

fn authkey(file: Option<&Path>) -> Result<Option<AuthKey>, Box<dyn Error>> {
    Ok(match (file, std::env::var_os("FARCALL_AUTHKEY")) {
        (Some(file), _) => Some(AuthKey::from_file(file)?),
        (None, Some(key)) => Some(AuthKey::new(key.as_encoded_bytes())?),
        (None, None) => None,
    })
}
