//! Calls, objects and streams over real connections: in memory where time is simulated, else TCP.

#![allow(clippy::unwrap_used, reason = "tests")]

mod calls;
mod costs;
mod errors;
mod flush;
mod instances;
mod names;
mod objects;
mod panics;
mod patience;
mod pipelines;
mod sessions;
mod streams;
mod stress;
mod support;
