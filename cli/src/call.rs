//! `farcall call`, `farcall methods` and `farcall help`.

use std::error::Error;

use clap::Subcommand;
use farcall::protocol::output::Foreign;
use farcall::rpc::{self, Encoding, GreetingError};
use farcall::xmlrpc::{ClientOptions, InvalidHeader};
use farcall::{CallError, Caller, Variadic};

use crate::connection::{Protection, connect_error, key_expected, target};
use crate::json::{self, Json};
use crate::{Options, argument};

const URL: &str = "http://HOST:PORT/PATH, https://HOST:PORT/PATH, http+unix://SOCKET:/PATH, \
                   conn+rpc://HOST:PORT, conn+rpc+tls://HOST:PORT, conn+rpc+encrypted://HOST:PORT \
                   (TLS by the authkey alone) or conn+rpc+unix://PATH";

const HEADER: &str = "--header expects NAME: VALUE, with a name that HTTP allows";

#[derive(Subcommand)]
pub(crate) enum CallCommand {
    /// Call a method and print its result as JSON
    Call {
        #[arg(help = URL, value_parser = argument)]
        url: String,
        /// Name of the method
        #[arg(value_parser = argument)]
        method: String,
        /// Arguments as JSON; any other text is a string, including `nan` and `inf`
        #[arg(value_parser = argument)]
        args: Vec<String>,
    },
    /// List the methods of a server, one per line
    Methods {
        #[arg(help = URL, value_parser = argument)]
        url: String,
    },
    /// Show the signature and the documentation of a method
    Help {
        #[arg(help = URL, value_parser = argument)]
        url: String,
        /// Name of the method
        #[arg(value_parser = argument)]
        method: String,
    },
}

/// Runs the command, and returns the text to print.
pub(crate) async fn run(
    command: &CallCommand,
    options: &Options,
) -> Result<String, Box<dyn Error>> {
    let url = command.url();
    if url.starts_with("conn+rpc") {
        let args = command.arguments(u64::MAX)?;
        let client = over_connection(url, options).await?;
        Ok(perform(&client.within(options.timeout), command, args).await?)
    } else {
        // The largest integer is that of `<i8>`.
        let args = command.arguments(i64::MAX.unsigned_abs())?;
        Ok(perform(&over_http(url, options)?, command, args).await?)
    }
}

impl CallCommand {
    pub(crate) fn url(&self) -> &str {
        match self {
            Self::Call { url, .. } | Self::Methods { url } | Self::Help { url, .. } => url,
        }
    }

    /// Parses the arguments of the call. Integers over `max_integer` are refused.
    fn arguments(&self, max_integer: u64) -> Result<Vec<Json>, String> {
        let Self::Call { args, .. } = self else {
            return Ok(Vec::new());
        };
        let read = |(index, text): (usize, &String)| {
            let value = json::read(text).and_then(|value| value.check(max_integer).map(|()| value));
            value.map_err(|problem| {
                let number = index + 1;
                format!("argument {number}: {problem}; to send a string, quote it: '\"…\"'")
            })
        };
        args.iter().enumerate().map(read).collect()
    }
}

async fn over_connection(url: &str, options: &Options) -> Result<rpc::Client, Box<dyn Error>> {
    // Results of any type are shown, which needs a self-describing encoding.
    let (target, protection) = target("conn+rpc", url)?;
    let mut client = rpc::Client::connect(target)
        .encoding(Encoding::MessagePack)
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
    client.await.map_err(|error| match error {
        rpc::OpenError::Connect(error) => connect_error(options.timeout, error),
        rpc::OpenError::Greeting {
            source: error @ GreetingError::KeyExpected,
            ..
        } => key_expected(error),
        error => error.into(),
    })
}

fn over_http(url: &str, options: &Options) -> Result<farcall::xmlrpc::Client, Box<dyn Error>> {
    // An invalid URL is not repeated, since it may be misspelt and contain a password.
    let (scheme, _) = url.split_once("://").unwrap_or_default();
    if !["http", "https", "http+unix"].contains(&&*scheme.to_ascii_lowercase()) {
        return Err(format!("the URL is not {URL}").into());
    }
    let mut settings = ClientOptions::default().timeout(Some(options.timeout));
    if scheme.eq_ignore_ascii_case("https") {
        settings = settings.tls(options.tls.settings()?);
    }
    for header in &options.headers {
        let (name, value) = header.split_once(':').ok_or(HEADER)?;
        settings = match settings.header(name.trim(), value.trim()) {
            // The name is not repeated: it may be a value without one, such as `Bearer abc:def`.
            Err(InvalidHeader::Name(_)) => return Err(HEADER.into()),
            result => result?,
        };
    }
    Ok(farcall::xmlrpc::Client::with_options(url, settings)?)
}

/// Makes the calls of a command, and returns the text to print. Line breaks in names and signatures
/// are escaped, so that each stays on one line.
async fn perform(
    server: &impl Caller,
    command: &CallCommand,
    args: Vec<Json>,
) -> Result<String, CallError> {
    match command {
        CallCommand::Call { method, .. } => {
            let result: Json = server.call(method.as_str(), Variadic(args)).await?;
            Ok(result.write())
        }
        CallCommand::Methods { .. } => {
            let methods: Vec<String> = server.call("system.listMethods", ()).await?;
            let lines = methods.iter().map(|name| Foreign::line(name).to_string());
            Ok(lines.collect::<Vec<_>>().join("\n"))
        }
        CallCommand::Help { method, .. } => {
            let help: String = server.call("system.methodHelp", (method,)).await?;
            // Servers without signatures report this in different ways, so any result of another
            // type counts as none.
            let signatures: Option<Vec<Vec<String>>> =
                server.call("system.methodSignature", (method,)).await.ok();
            let mut lines: Vec<String> = signatures
                .unwrap_or_default()
                .iter()
                .filter_map(|signature| signature.split_first())
                .map(|(result, params)| format!("{method}({}) -> {result}", params.join(", ")))
                .map(|signature| Foreign::line(signature).to_string())
                .collect();
            if !lines.is_empty() && !help.is_empty() {
                lines.push(String::new());
            }
            lines.push(help);
            Ok(lines.join("\n").trim_end().to_owned())
        }
    }
}
