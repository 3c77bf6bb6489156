//! `farcall generate`: writes code that calls the methods of a live server.
//!
//! Names, texts and types come from the server, so they are foreign: names become identifiers of
//! the language, texts comments and strings that nothing can end.

mod model;
mod names;
mod python;
mod rust;
mod typescript;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use farcall::Caller as _;

use self::model::{Interface, Protocol};
use crate::connection::path;
use crate::{Options, argument, call, describe, single};

#[derive(Args)]
pub(crate) struct GenerateCommand {
    /// The language: `rust` is a `#[client]` trait, `python` a class over `xmlrpc.client`, or over
    /// JSON-RPC with a json+http URL, `typescript` a class over JSON-RPC
    language: Language,
    #[arg(value_parser = argument, help = call::URL)]
    pub(crate) url: String,
    /// Write to this file [default: standard output]. Beside a `.py` file, its stub `.pyi` is
    /// written as well
    #[arg(long, value_name = "FILE", value_parser = path())]
    file: Option<PathBuf>,
    /// Only the methods whose names begin with NAME and a dot, without these in their names
    #[arg(long, value_name = "NAME")]
    prefix: Option<String>,
    /// Of Rust: a trait for blocking clients
    #[arg(long)]
    blocking: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Language {
    Rust,
    Python,
    #[value(name = "typescript")]
    TypeScript,
}

/// Writes the code, and returns the text to print.
pub(crate) async fn run(
    command: &GenerateCommand,
    options: &Options,
) -> Result<String, Box<dyn Error>> {
    let protocol = protocol_of(&command.url);
    if command.language == Language::Python
        && !matches!(protocol, Protocol::XmlRpc | Protocol::Json)
    {
        return Err(
            "Python code needs a URL of HTTP: http://HOST:PORT/PATH for XML-RPC, \
                    json+http://HOST:PORT/PATH for JSON-RPC"
                .into(),
        );
    }
    let client = single::open(&command.url, options).await?;
    let source = describe::read(&client.within(options.timeout)).await?;
    let interface = Interface::new(
        client.url().to_owned(),
        protocol,
        command.prefix.as_deref(),
        source.methods,
        &source.components,
    );
    let count = interface.methods.len();
    if count == 0 {
        return Err("the server describes no methods to generate code for".into());
    }
    let output = command.file.as_deref();
    let code = match command.language {
        Language::Rust => rust::write(interface, command.blocking),
        Language::TypeScript => typescript::write(interface),
        Language::Python => {
            let [module, stub] = python::write(interface);
            match output {
                Some(file) if file.extension().is_some_and(|ending| ending == "pyi") => stub,
                Some(file) if file.extension().is_some_and(|ending| ending == "py") => {
                    save(&file.with_extension("pyi"), &stub)?;
                    module
                }
                _ => module,
            }
        }
    };
    match output {
        None => Ok(code.trim_end().to_owned()),
        Some(file) => {
            save(file, &code)?;
            Ok(format!("{}: {count} methods", file.display()))
        }
    }
}

fn save(file: &Path, code: &str) -> Result<(), String> {
    fs::write(file, code).map_err(|error| format!("{}: {error}", file.display()))
}

fn protocol_of(url: &str) -> Protocol {
    let scheme = url
        .split_once("://")
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("http" | "https" | "http+unix" | "scgi" | "scgi+unix") => Protocol::XmlRpc,
        Some("json+http" | "json+https") => Protocol::Json,
        Some(scheme) if scheme.starts_with("conn+rpc") => Protocol::Connection,
        _ => Protocol::Other,
    }
}
