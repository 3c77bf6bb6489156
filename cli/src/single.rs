//! The calls of one server.

use std::error::Error;
use std::time::Duration;

use farcall::Caller as _;
use farcall::cluster::{Client, ConnectOptions, ConnectionUrl, HostSettings, Protection, Protocol};
use farcall::jsonrpc::{SocketClient, SocketClientOptions};
use farcall::protocol::output::Foreign;
use farcall::rpc::{self, Encoding};

use crate::call::{CallCommand, HEADER, Request, Words, max_integer, perform};
use crate::connection::{connect_error, target};
use crate::fleet::Template;
use crate::json::Json;
use crate::manager::{self, ManagedObject};
use crate::{Options, fleet, tls};

/// Runs the command on one server, and returns the text to print.
pub(crate) async fn run(
    command: &CallCommand,
    options: &Options,
) -> Result<String, Box<dyn Error>> {
    let Words { url, method, args } = command.split(true)?;
    let (url, method) = (url.unwrap_or_default(), method.unwrap_or_default());
    let template = Template::read(args, options.fleet.bytes)?;
    template.check(max_integer(url))?;
    let request = |url: &str| match command {
        CallCommand::Methods { .. } => Request::Methods,
        CallCommand::Help { .. } => Request::Help { method },
        _ => Request::Call {
            method,
            args: template.fill(url, url, None),
        },
    };
    let timeout = options.timeout;
    let result = if url.starts_with(manager::SCHEME) {
        let settings = fleet::settings(url, options).await?;
        let key = fleet::authkey(&settings)?;
        let request = request(url);
        let managed = async {
            let object = ManagedObject::open(url, &settings, key, timeout).await?;
            with_manager(object, &request).await
        };
        tokio::time::timeout(timeout, managed)
            .await
            .map_err(|_| "the manager did not reply in time")??
    } else {
        let client = open(url, options).await?;
        perform(&client.within(timeout), &request(client.url())).await?
    };
    Ok(match command {
        CallCommand::Call { .. } => result.write(),
        _ => text(&result),
    })
}

/// Opens a client of any protocol.
pub(crate) async fn open(url: &str, options: &Options) -> Result<Client, Box<dyn Error>> {
    if SocketClient::has_scheme(url) {
        let settings = fleet::settings(url, options).await?;
        return Ok(Client::of(url, over_sockets(url, &settings, options)?));
    }
    let settings = fleet::settings(url, options).await?;
    let timeout = options.timeout;
    if Protocol::of(url)? == Protocol::Connection {
        let address = target("conn+rpc", url)?;
        return Ok(Client::of(
            url,
            connected(address, &settings, timeout).await?,
        ));
    }
    let limits = ConnectOptions::default()
        .connect_timeout(timeout)
        .timeout(Some(timeout));
    Ok(Client::with_options(
        url,
        &fleet::credentials(&settings)?,
        limits,
    )?)
}

/// Returns a client of JSON-RPC over a socket or a WebSocket, whose handshake has the headers.
fn over_sockets(
    url: &str,
    settings: &HostSettings,
    options: &Options,
) -> Result<SocketClient, Box<dyn Error>> {
    let mut client = SocketClientOptions::default()
        .connect_timeout(options.timeout)
        .tls(tls::client(&settings.tls)?);
    if url.to_ascii_lowercase().starts_with("ws") {
        for (name, value) in fleet::headers(settings)? {
            client = client.header(&name, &value).map_err(|_| HEADER)?;
        }
    } else if !options.headers.is_empty() {
        return Err("--header is for HTTP and WebSocket: sockets have no headers".into());
    }
    Ok(SocketClient::with_options(url, client)?)
}

/// Connects at once: an error tells more than that of a call which could not be sent.
async fn connected(
    url: ConnectionUrl,
    settings: &HostSettings,
    timeout: Duration,
) -> Result<rpc::Client, Box<dyn Error>> {
    // Results of any type are shown, which needs a self-describing encoding.
    let mut client = rpc::Client::connect(url.target)
        .encoding(Encoding::MessagePack)
        .legacy_md5(settings.legacy_md5 == Some(true))
        .timeout(timeout);
    client = match url.protection {
        Protection::None => client,
        Protection::Tls => client.tls(tls::client(&settings.tls)?),
        Protection::Encrypted => client.encrypted(),
    };
    if let Some(key) = fleet::authkey(settings)? {
        client = client.authkey(key);
    }
    client.await.map_err(|error| match error {
        rpc::OpenError::Connect(error) => connect_error(timeout, error),
        error => error.into(),
    })
}

/// Makes the call of a request with an object of a manager.
async fn with_manager(
    object: ManagedObject,
    request: &Request<'_>,
) -> Result<Json, Box<dyn Error>> {
    let result = match request {
        Request::Call { method, args } => object.call(method, args).await,
        Request::Methods => object.methods().await.map_err(Into::into),
        Request::Help { method } => object.help(method).await.map_err(Into::into),
        _ => Err("this is no command for an object of a manager".into()),
    };
    object.close().await;
    result
}

/// A description as text. Line breaks in names and signatures are escaped, so that each stays on
/// one line.
fn text(description: &Json) -> String {
    match description {
        Json::String(text) => text.clone(),
        Json::Array(values) => {
            let lines = values
                .iter()
                .map(|value| Foreign::line(text(value)).to_string());
            lines.collect::<Vec<_>>().join("\n")
        }
        other => other.write(),
    }
}
