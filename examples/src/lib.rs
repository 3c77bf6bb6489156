//! Code shared by the example programs in `src/bin`.

pub mod slow_link;

use std::error::Error;
use std::process::ExitCode;

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
