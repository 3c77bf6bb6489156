//! `farcall call`, `methods` and `help`.

use std::error::Error;

use clap::Subcommand;
use conn::rpc::{self, Encoding};
use rpc_core::output::Foreign;
use rpc_core::{CallError, Caller, Variadic};
use xmlrpc::ClientOptions;

use crate::connection::target;
use crate::json::{self, Json};
use crate::{Options, argument};

const URL: &str =
    "http://HOST:PORT/PATH, http+unix://SOCKET:/PATH, conn+rpc://HOST:PORT or conn+rpc+unix://PATH";

#[derive(Subcommand)]
pub(crate) enum CallCommand {
    /// Call a method and print its result as JSON
    Call {
        #[arg(help = URL, value_parser = argument)]
        url: String,
        /// The method's name
        #[arg(value_parser = argument)]
        method: String,
        /// The arguments as JSON; what is not JSON is taken as a string, `nan` and `inf` too
        #[arg(value_parser = argument)]
        args: Vec<String>,
    },
    /// List the methods of a server, one a line
    Methods {
        #[arg(help = URL, value_parser = argument)]
        url: String,
    },
    /// Tell how to call a method and what it does
    Help {
        #[arg(help = URL, value_parser = argument)]
        url: String,
        /// The method's name
        #[arg(value_parser = argument)]
        method: String,
    },
}

/// Makes the calls, and returns what is to be printed.
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
        // What `<i8>` has.
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

    /// The arguments of the call, whose integers go up to `most`.
    fn arguments(&self, most: u64) -> Result<Vec<Json>, String> {
        let Self::Call { args, .. } = self else {
            return Ok(Vec::new());
        };
        let read = |(index, text): (usize, &String)| {
            let value = json::read(text).and_then(|value| value.check(most).map(|()| value));
            value.map_err(|problem| {
                let number = index + 1;
                format!("argument {number}: {problem}; in quotes it is sent as a string: '\"…\"'")
            })
        };
        args.iter().enumerate().map(read).collect()
    }
}

async fn over_connection(url: &str, options: &Options) -> Result<rpc::Client, Box<dyn Error>> {
    // Results are shown whatever they are, so the encoding must tell what that is.
    let mut client = rpc::Client::connect(target("conn+rpc", url)?)
        .encoding(Encoding::MessagePack)
        .legacy_md5(options.authentication.legacy_md5)
        .timeout(options.timeout);
    if let Some(key) = options.authentication.authkey()? {
        client = client.authkey(key);
    }
    Ok(client.await?)
}

fn over_http(url: &str, options: &Options) -> Result<xmlrpc::Client, Box<dyn Error>> {
    // What is no URL is not repeated: it may be one with a password, misspelt.
    let (scheme, _) = url.split_once("://").unwrap_or_default();
    if !["http", "https", "http+unix"].contains(&&*scheme.to_ascii_lowercase()) {
        return Err(format!("the URL is not {URL}").into());
    }
    let mut settings = ClientOptions::default().timeout(Some(options.timeout));
    for header in &options.headers {
        let (name, value) = header.split_once(':').ok_or("a header is NAME: VALUE")?;
        settings = settings.header(name.trim(), value.trim())?;
    }
    Ok(xmlrpc::Client::with_options(url, settings)?)
}

/// Makes the calls, and returns what is to be printed: whatever is one line in it is one.
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
            // Servers that know no signatures say so in ways of their own.
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
