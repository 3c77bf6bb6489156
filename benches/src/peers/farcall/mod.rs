//! Farcall itself with default settings: all measurements include its limits and authentication.

pub(crate) mod bulk;
pub(crate) mod documents;
pub(crate) mod echo;
pub(crate) mod growth;
pub(crate) mod http;
pub(crate) mod rpc;

/// The shared authkey.
const KEY: &str = "the key of the benchmarks";
