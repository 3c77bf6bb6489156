//! `farcall send`: sends one message over a connection.

use std::error::Error;
use std::time::Instant;

use clap::{Args, ValueEnum};
use farcall::cluster::{ConnectionUrl, Protection};
use farcall::conn::{Codec, Connection, MessagePack, RecvError};
use farcall::pickle::{Pickle, Value};

use crate::connection::{connect_error, target};
use crate::json::{self, Json};
use crate::{Options, argument};

/// Begin of the first message of a listener that expects an authkey: `multiprocessing.connection`.
const CHALLENGE: &[u8] = b"#CHALLENGE#";

/// Maximum bytes of a received message, the default limit of every codec.
const MAX_MESSAGE: usize = 64 * 1024 * 1024;

#[derive(Args)]
pub(crate) struct SendCommand {
    /// conn://HOST:PORT, conn+tls://HOST:PORT, conn+encrypted://HOST:PORT (TLS by the authkey
    /// alone), conn+unix://PATH, or a Linux abstract socket as conn+abstract://NAME
    #[arg(value_parser = argument)]
    pub(crate) url: String,
    /// Value as JSON; any other text is a string
    #[arg(value_parser = argument)]
    value: String,
    /// Encoding of the values; pickle for CPython
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

/// Sends the value, and returns the value received in return as JSON.
pub(crate) async fn run(
    arguments: &SendCommand,
    options: &Options,
) -> Result<String, Box<dyn Error>> {
    let value = json::read(&arguments.value)?;
    let begin = Instant::now();
    let answer = match arguments.codec {
        Encoding::Pickle => {
            let value = value.to_python()?;
            let mut peer: Connection<_, (), Pickle> = connect(arguments, options).await?;
            let exchange = async {
                peer.send(&value).await?;
                peer.recv_bytes(MAX_MESSAGE).await.map_err(Into::into)
            };
            // The length of the message limits the JSON.
            let message = within(options, begin, exchange).await?;
            let decoded: Result<Value, _> = farcall::pickle::from_slice(&message);
            let value = decoded.map_err(|error| -> Box<dyn Error> {
                if message.starts_with(CHALLENGE) {
                    RecvError::KeyExpected.into()
                } else {
                    format!("the reply cannot be decoded: {error}").into()
                }
            })?;
            Json::from_python(&value, message.len())?
        }
        Encoding::Json => {
            // Sent as text, which preserves numbers of any size.
            let mut peer: Connection<(), (), farcall::Json> = connect(arguments, options).await?;
            let exchange = async {
                peer.send_bytes(value.write().as_bytes()).await?;
                peer.recv_bytes(MAX_MESSAGE).await.map_err(Into::into)
            };
            let message = within(options, begin, exchange).await?;
            let text = str::from_utf8(&message)
                .map_err(|error| format!("the reply is not UTF-8: {error}"))?;
            json::parse(text).map_err(|error| format!("the reply is not JSON: {error}"))?
        }
        Encoding::MessagePack => {
            value.check(u64::MAX)?;
            let mut peer: Connection<_, _, MessagePack> = connect(arguments, options).await?;
            let exchange = async {
                peer.send(&value).await?;
                peer.recv().await.map_err(Into::into)
            };
            within(options, begin, exchange).await?
        }
    };
    Ok(answer.write())
}

/// Sends and receives in what is left of the timeout, which began at `begin`.
async fn within<T>(
    options: &Options,
    begin: Instant,
    exchange: impl Future<Output = Result<T, Box<dyn Error>>>,
) -> Result<T, Box<dyn Error>> {
    let timeout = options.timeout;
    let left = timeout.saturating_sub(begin.elapsed());
    tokio::time::timeout(left, exchange)
        .await
        .unwrap_or_else(|_| Err(format!("no reply within {timeout:?}").into()))
}

async fn connect<S: 'static, R: 'static, C: Codec>(
    arguments: &SendCommand,
    options: &Options,
) -> Result<Connection<S, R, C>, Box<dyn Error>> {
    let ConnectionUrl {
        target, protection, ..
    } = target("conn", &arguments.url)?;
    let mut client = Connection::connect(target)
        .legacy_md5(options.authentication.legacy_md5)
        .timeout(options.timeout);
    client = match protection {
        Protection::None => client,
        Protection::Tls => client.tls(options.tls.settings()?),
        Protection::Encrypted => client.encrypted(),
    };
    if let Some(key) = options.authentication.authkey()? {
        client = client.authkey(key);
    }
    let connected = client.await;
    connected.map_err(|error| connect_error(options.timeout, error))
}
