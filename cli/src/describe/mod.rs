//! The methods of a server, as it describes them.

mod help;
mod schema;
mod source;

pub(crate) use self::help::{MethodHelp, help};
pub(crate) use self::schema::{Field, Node};
pub(crate) use self::source::{LIST_METHODS, RawMethod, read};
#[cfg(test)]
pub(crate) use self::source::{of_document, of_signatures};
