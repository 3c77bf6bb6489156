//! Holds Farcall's XML-RPC against the libraries of other languages, each as client of our server and as
//! server for our client.
//!
//! `cargo run -p interop` runs them all and writes `docs/INTEROP.md`; `cargo test -p interop` runs the
//! same as tests. `interop/install` installs the peers.
//!
//! A [`Peer`] is a client program and a server program in `peers/NAME`, and what is known of the library in
//! `src/peers/NAME.rs`.
//!
//! A **client program** gets the URL of our demo server as its only argument, checks every
//! [`Capability`] and prints a line for each:
//!
//! ```text
//! ok array
//! ok 1,000 calls: what a reader should know of it
//! defect date: what the peer itself does wrong
//! fail double: got 0, wanted 0.5
//! end
//! ```
//!
//! A defect counts only where the bytes that passed show it: see [`Evidence`].
//!
//! Beside the demo methods our server has `interop.connection()`, which tells the caller's address and so
//! whether calls share a connection, and `interop.header(name)`, a header of the caller's request.
//!
//! A **server program** prints its URL as its first line and serves `echo(x)`, `add(int, int)`,
//! `concat(string, string)`, `fail(code, text)` and what its library has of introspection and multicall.
//! Our clients, async and blocking, check the capabilities in [`checks`].

pub mod applications;
mod build;
pub mod capability;
pub mod checks;
pub mod document;
pub mod evidence;
mod http;
pub mod outcome;
pub mod peer;
pub mod peers;
mod process;
mod relay;
pub mod run;
mod served;

pub use capability::Capability;
pub use evidence::Evidence;
pub use outcome::{Cells, Outcome};
pub use peer::Peer;
