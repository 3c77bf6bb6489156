//! `farcall send`: one message over a plain connection.

use std::error::Error;

use clap::{Args, ValueEnum};
use conn::codec::pickle;
use conn::{Client, Codec, Connection, Json, MessagePack, Pickle};
use rpc_core::Value;
use serde::de::DeserializeOwned;

use crate::connection::target;
use crate::{Options, json};

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
    options: &Options,
) -> Result<String, Box<dyn Error>> {
    match arguments.codec {
        Encoding::Pickle => {
            let answer: pickle::Value = exchange::<_, Pickle>(arguments, options).await?;
            Ok(json::write_python(&answer).ok_or("the answer has too many parts to print")?)
        }
        Encoding::Json => {
            let answer: Value = exchange::<_, Json>(arguments, options).await?;
            Ok(json::write(&answer))
        }
        Encoding::MessagePack => {
            let answer: Value = exchange::<_, MessagePack>(arguments, options).await?;
            Ok(json::write(&answer))
        }
    }
}

async fn exchange<R: DeserializeOwned + 'static, C: Codec>(
    arguments: &Arguments,
    options: &Options,
) -> Result<R, Box<dyn Error>> {
    let timeout = options.timeout()?;
    let mut client = Client::connect(target("conn", &arguments.url)?)
        .legacy_md5(options.authentication.legacy_md5)
        .timeout(timeout);
    if let Some(key) = options.authentication.authkey()? {
        client = client.authkey(key);
    }
    let mut peer: Connection<Value, R, C> = client.await?;
    peer.send(&json::read(&arguments.value)).await?;
    Ok(tokio::time::timeout(timeout, peer.recv()).await??)
}
