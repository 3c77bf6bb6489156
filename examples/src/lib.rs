//! Code shared by the example programs in `src/bin`.

pub mod slow_link;

use std::error::Error;
use std::process::ExitCode;

use farcall::cluster::{Client, ConnectOptions, Credentials, Host};
use farcall::protocol::output::{Causes, Foreign};

/// Returns the exit code of a program that has ended with `result`, and prints an error and its
/// causes on one line. For programs that connect to others: an error can contain text of a peer,
/// which could control the terminal if it were not escaped.
pub fn report(program: &str, result: Result<(), Box<dyn Error>>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{program}: {}", Foreign::line(Causes(&*error)));
            ExitCode::FAILURE
        }
    }
}

/// Returns the hosts of a file with lines `NAME URL`.
///
/// # Errors
/// If the file cannot be read, or a line is no name with a URL.
pub fn hosts(file: &str, options: ConnectOptions) -> Result<Vec<Host>, Box<dyn Error>> {
    let credentials = Credentials::new();
    let lines = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let mut hosts = Vec::new();
    for (number, line) in (1..).zip(lines.lines()) {
        let host = line.trim();
        if host.is_empty() || host.starts_with('#') {
            continue;
        }
        let at_line = |error: &dyn std::fmt::Display| format!("{file}, line {number}: {error}");
        let (name, url) = host
            .split_once(char::is_whitespace)
            .ok_or_else(|| at_line(&"expected a name and a URL"))?;
        let client = Client::with_options(url.trim(), &credentials, options);
        let client = client.map_err(|error| at_line(&error))?;
        hosts.push(Host::new(name, client));
    }
    Ok(hosts)
}

/// Compiles the code of the READMEs. That of the crate `farcall` is compiled there.
#[cfg(doctest)]
mod readmes {
    #[doc = include_str!("../../README.md")]
    mod workspace {}
    #[doc = include_str!("../../rpc-core/README.md")]
    mod core {}
    #[doc = include_str!("../../rpc-core/macros/README.md")]
    mod macros {}
    #[doc = include_str!("../../xmlrpc/README.md")]
    mod xmlrpc {}
    #[doc = include_str!("../../conn/README.md")]
    mod conn {}
    #[doc = include_str!("../../cluster/README.md")]
    mod cluster {}
}
