//! Interoperability tests of Farcall's XML-RPC with the libraries of other languages, each as
//! client of our server and as server for our client.
//!
//! `cargo run -p interop` runs all of them and writes `docs/INTEROP.md`; `cargo test -p interop`
//! runs the same checks as tests. `interop/install` installs the peers.
//!
//! A [`Peer`] has a client program and a server program in `peers/NAME`, and a description of its
//! known behaviour in `src/peers/NAME.rs`.
//!
//! A **client program** gets the URL of our demo server as its only argument, checks every
//! [`Capability`] and prints a line for each:
//!
//! ```text
//! ok array
//! ok 1,000 calls: a note for the reader
//! defect date: a defect of the peer itself
//! fail double: got 0, wanted 0.5
//! end
//! ```
//!
//! A defect counts only if the recorded bytes prove it: see [`Evidence`].
//!
//! Besides the demo methods our server has `interop.connection()`, which returns the caller's
//! address, by which calls over one connection are recognised, and `interop.header(name)`, which
//! returns a header of the caller's request.
//!
//! A **server program** prints its URL as its first line and serves `echo(x)`, `add(int, int)`,
//! `concat(string, string)`, `fail(code, text)`, and the introspection and multicall of its
//! library. Our clients, async and blocking, check the capabilities in [`checks`].

pub mod applications;
mod build;
pub mod capability;
pub mod checks;
pub mod document;
pub mod evidence;
mod http;
mod local_server;
pub mod outcome;
pub mod peer;
pub mod peers;
mod process;
mod relay;
pub mod run;

pub use capability::Capability;
pub use evidence::Evidence;
pub use outcome::{Cells, Outcome};
pub use peer::Peer;
