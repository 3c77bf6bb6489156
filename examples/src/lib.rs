//! Code shared by the example programs in `src/bin`.

pub mod slow_link;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use farcall::cluster::{Client, ConnectOptions, Credentials, Host, HostEntry, Inventory};
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

/// Returns the hosts of a file with lines `NAME URL`, as `farcall -w @FILE` reads it.
///
/// # Errors
/// If the file cannot be read, or a line has a mistake.
pub async fn hosts(file: &str, options: ConnectOptions) -> Result<Vec<Host>, Box<dyn Error>> {
    let path = Path::new(file);
    // A name without a folder would be that of a group.
    let path = if path.is_absolute() {
        path.into()
    } else {
        Path::new(".").join(path)
    };
    let entries = Inventory::default()
        .hosts(&format!("@{}", path.display()))
        .await?;
    let credentials = Credentials::new();
    let host = |entry: HostEntry| {
        let client = Client::with_options(&entry.url, &credentials, options)?;
        Ok(Host::new(&*entry.name, client))
    };
    entries.into_iter().map(host).collect()
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
