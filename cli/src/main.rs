//! The `farcall` command: calls remote methods from the shell.
//!
//! Results go to standard output as JSON. A fault goes to standard error with exit status 1, any
//! other failure with exit status 2.

mod call;
mod connection;
mod json;
mod send;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use rpc_core::{CallError, FaultKind};

use self::connection::Authentication;

/// Calls remote methods from the shell
#[derive(Parser)]
#[command(name = "farcall", version, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    options: Options,
}

#[derive(Subcommand)]
enum Command {
    #[command(flatten)]
    Call(call::Command),
    /// Send one value over a plain connection and print the answer as JSON
    Send(send::Arguments),
}

#[derive(Args)]
struct Options {
    /// Give up after so many seconds
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 60.0)]
    timeout: f64,
    /// Send a header with each HTTP request; can be given more than once
    #[arg(long = "header", global = true, value_name = "NAME: VALUE")]
    headers: Vec<String>,
    #[command(flatten)]
    authentication: Authentication,
}

impl Options {
    fn timeout(&self) -> Result<Duration, Box<dyn Error>> {
        Ok(Duration::try_from_secs_f64(self.timeout)?)
    }
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
                // That the time was over is nothing that the method answered.
                if fault.kind() == FaultKind::DeadlineExceeded {
                    eprintln!("farcall: {}", fault.message());
                    return ExitCode::from(2);
                }
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
    match &arguments.command {
        Command::Call(command) => call::run(command, &arguments.options).await,
        Command::Send(message) => send::run(message, &arguments.options).await,
    }
}
