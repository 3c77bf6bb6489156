//! The `farcall` command: calls remote methods from the shell.
//!
//! Results go to standard output as JSON. A fault goes to standard error with exit status 1, any
//! other failure with exit status 2.

mod json;
mod send;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use rpc_core::{CallError, Value, Variadic};
use xmlrpc::{Client, ClientOptions};

/// Calls remote methods from the shell
#[derive(Parser)]
#[command(name = "farcall", version, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Give up after so many seconds
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 60.0)]
    timeout: f64,
    /// Send a header with each request; can be given more than once
    #[arg(long = "header", global = true, value_name = "NAME: VALUE")]
    headers: Vec<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Call a method and print its result as JSON
    Call {
        /// http://HOST:PORT/PATH or http+unix://SOCKET:/PATH
        url: String,
        /// The method's name
        method: String,
        /// The arguments as JSON; what is not JSON is taken as a string
        #[arg(allow_hyphen_values = true, trailing_var_arg = true)]
        args: Vec<String>,
    },
    /// List the methods of a server, one a line
    Methods {
        /// http://HOST:PORT/PATH or http+unix://SOCKET:/PATH
        url: String,
    },
    /// Tell how to call a method and what it does
    Help {
        /// http://HOST:PORT/PATH or http+unix://SOCKET:/PATH
        url: String,
        /// The method's name
        method: String,
    },
    /// Send one value over a plain connection and print the answer as JSON
    Send(send::Arguments),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(output) => {
            println!("{output}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let fault = error.downcast_ref::<CallError>().and_then(CallError::fault);
            if let Some(fault) = fault {
                eprintln!("{fault}");
                return ExitCode::from(1);
            }
            eprint!("farcall: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprint!(": {error}");
                cause = error.source();
            }
            eprintln!();
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: Arguments) -> Result<String, Box<dyn Error>> {
    let timeout = Duration::try_from_secs_f64(arguments.timeout)?;
    let connect = |url: &str| -> Result<Client, Box<dyn Error>> {
        let mut options = ClientOptions::default().timeout(Some(timeout));
        for header in &arguments.headers {
            let (name, value) = header.split_once(':').ok_or("a header is NAME: VALUE")?;
            options = options.header(name.trim(), value.trim())?;
        }
        Ok(Client::with_options(url, options)?)
    };
    match &arguments.command {
        Command::Send(message) => send::run(message, timeout).await,
        Command::Call { url, method, args } => {
            let args: Vec<Value> = args.iter().map(|text| json::read(text)).collect();
            let result: Value = connect(url)?.call(method.as_str(), Variadic(args)).await?;
            Ok(json::write(&result))
        }
        Command::Methods { url } => {
            let methods: Vec<String> = connect(url)?.call("system.listMethods", ()).await?;
            Ok(methods.join("\n"))
        }
        Command::Help { url, method } => {
            let client = connect(url)?;
            let help: String = client.call("system.methodHelp", (method,)).await?;
            // Servers that know no signatures say so in ways of their own.
            let signatures: Option<Vec<Vec<String>>> =
                client.call("system.methodSignature", (method,)).await.ok();
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
