//! Keys and passwords stay where they belong, and what SECURITY.md says of limits is true.

#![allow(clippy::unwrap_used, reason = "tests")]

mod limits;
#[cfg(target_os = "linux")]
mod memory;
mod output;
