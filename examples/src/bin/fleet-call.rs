//! Calls a method of many hosts at once, and prints a line of JSON for each, as they answer.
//!
//! `fleet-call @hosts.txt hostname` reads lines `NAME URL`. `{host}` in an argument stands for the
//! name of the host.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use examples::{hosts, report};
use farcall::cluster::{ConnectOptions, Fleet, Host, Outcome, Retries};
use farcall::protocol::output::Causes;
use farcall::{Caller as _, Execution, Variadic};
use serde_json::{Value, json};

#[derive(Parser)]
#[command(about = "Calls a method of many hosts, and prints a line of JSON for each")]
struct Arguments {
    /// File with lines `NAME URL`
    inventory: String,
    /// Name of the method
    method: String,
    /// Arguments, as strings; `{host}` is the name of the host
    args: Vec<String>,
    /// Calls under way at once
    #[arg(long, default_value_t = 64)]
    window: usize,
    /// Seconds that each attempt may take
    #[arg(long, default_value_t = 60.0)]
    timeout: f64,
    /// Retries of calls that cannot have run
    #[arg(long, default_value_t = 4)]
    retries: u32,
    /// Retry calls that may have run, too
    #[arg(long)]
    idempotent: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    report("fleet-call", run(&Arguments::parse()).await)
}

async fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let fleet = Fleet::new(hosts(&arguments.inventory, ConnectOptions::default()).await?)
        .window(arguments.window)
        .timeout(Some(Duration::try_from_secs_f64(arguments.timeout)?))
        .retries(Retries::new(arguments.retries))
        .idempotent(arguments.idempotent);
    let mut outcomes = fleet.each(|host: Host| {
        let fill = |arg: &String| arg.replace("{host}", host.name());
        let args = arguments.args.iter().map(fill).collect();
        async move { host.call(&arguments.method, Variadic(args)).await }
    });
    while let Some((host, outcome)) = outcomes.next().await {
        println!("{}", line(&host, &outcome));
    }
    println!(
        "{}",
        json!({ "summary": format!("{:?}", outcomes.progress()) })
    );
    Ok(())
}

/// Returns the line for the outcome of a host. JSON escapes all that could control a terminal.
fn line(host: &Host, outcome: &Outcome<Value>) -> Value {
    let mut line = json!({
        "host": host.name(),
        "ok": outcome.is_ok(),
        "attempts": outcome.attempts,
        "ms": outcome.elapsed.as_secs_f64() * 1000.0,
    });
    match &outcome.result {
        Ok(result) => line["result"] = result.clone(),
        Err(error) => {
            line["error"] = Causes(error).to_string().into();
            line["execution"] = match outcome.execution() {
                Execution::Never => "never",
                Execution::Maybe => "maybe",
                Execution::Completed => "completed",
            }
            .into();
        }
    }
    line
}
