//! `farcall call`, `methods` and `help`.

use std::error::Error;

use clap::Subcommand;
use conn::rpc::{self, Encoding};
use rpc_core::{CallError, Caller, Value, Variadic};
use xmlrpc::ClientOptions;

use crate::connection::target;
use crate::{Options, json};

const URL: &str =
    "http://HOST:PORT/PATH, http+unix://SOCKET:/PATH, conn+rpc://HOST:PORT or conn+rpc+unix://PATH";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Call a method and print its result as JSON
    Call {
        #[arg(help = URL)]
        url: String,
        /// The method's name
        method: String,
        /// The arguments as JSON; what is not JSON is taken as a string
        #[arg(allow_hyphen_values = true, trailing_var_arg = true)]
        args: Vec<String>,
    },
    /// List the methods of a server, one a line
    Methods {
        #[arg(help = URL)]
        url: String,
    },
    /// Tell how to call a method and what it does
    Help {
        #[arg(help = URL)]
        url: String,
        /// The method's name
        method: String,
    },
}

/// Makes the calls, and returns what is to be printed.
pub(crate) async fn run(command: &Command, options: &Options) -> Result<String, Box<dyn Error>> {
    let (Command::Call { url, .. } | Command::Methods { url } | Command::Help { url, .. }) =
        command;
    if url.starts_with("conn+rpc") {
        let client = over_connection(url, options).await?;
        Ok(answer(&client.within(options.timeout()?), command).await?)
    } else {
        Ok(answer(&over_http(url, options)?, command).await?)
    }
}

async fn over_connection(url: &str, options: &Options) -> Result<rpc::Client, Box<dyn Error>> {
    // Results are shown whatever they are, so the encoding must tell what that is.
    let mut client = rpc::Client::connect(target("conn+rpc", url)?)
        .encoding(Encoding::MessagePack)
        .legacy_md5(options.authentication.legacy_md5)
        .timeout(options.timeout()?);
    if let Some(key) = options.authentication.authkey()? {
        client = client.authkey(key);
    }
    Ok(client.await?)
}

fn over_http(url: &str, options: &Options) -> Result<xmlrpc::Client, Box<dyn Error>> {
    let mut settings = ClientOptions::default().timeout(Some(options.timeout()?));
    for header in &options.headers {
        let (name, value) = header.split_once(':').ok_or("a header is NAME: VALUE")?;
        settings = settings.header(name.trim(), value.trim())?;
    }
    Ok(xmlrpc::Client::with_options(url, settings)?)
}

async fn answer(server: &impl Caller, command: &Command) -> Result<String, CallError> {
    match command {
        Command::Call { method, args, .. } => {
            let args: Vec<Value> = args.iter().map(|text| json::read(text)).collect();
            let result: Value = server.call(method.as_str(), Variadic(args)).await?;
            Ok(json::write(&result))
        }
        Command::Methods { .. } => {
            let methods: Vec<String> = server.call("system.listMethods", ()).await?;
            Ok(methods.join("\n"))
        }
        Command::Help { method, .. } => {
            let help: String = server.call("system.methodHelp", (method,)).await?;
            // Servers that know no signatures say so in ways of their own.
            let signatures: Option<Vec<Vec<String>>> =
                server.call("system.methodSignature", (method,)).await.ok();
            let mut lines: Vec<String> = signatures
                .unwrap_or_default()
                .iter()
                .filter_map(|signature| signature.split_first())
                .map(|(result, params)| format!("{method}({}) -> {result}", params.join(", ")))
                .collect();
            if !lines.is_empty() && !help.is_empty() {
                lines.push(String::new());
            }
            lines.push(help);
            Ok(lines.join("\n").trim_end().to_owned())
        }
    }
}
