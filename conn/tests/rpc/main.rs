//! Calls, objects and streams over connections: in memory if time is simulated, otherwise over TCP.

#![allow(clippy::unwrap_used, reason = "tests")]

mod bound;
mod bounds;
mod calls;
mod costs;
mod errors;
mod flush;
mod identity;
mod instances;
mod names;
mod objects;
mod panics;
mod pipelines;
mod sessions;
mod streams;
mod stress;
mod support;
mod timeouts;
mod waiting;
