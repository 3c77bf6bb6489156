//! Attacks on RPC sessions: greetings, messages, calls, objects, streams.

mod calls;
mod client;
mod flood;
mod greeting;
mod messages;
mod objects;
mod outcome;
mod promises;
mod session;
mod sessions;
mod streams;
pub(crate) mod wire;
