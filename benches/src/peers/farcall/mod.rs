//! Farcall itself, with default settings: its limits and its authentication are on in all that is measured.

pub(crate) mod bulk;
pub(crate) mod documents;
pub(crate) mod echo;
pub(crate) mod growth;
pub(crate) mod http;
pub(crate) mod rpc;

/// What both ends must know.
const KEY: &str = "the key of the benchmarks";
