//! Code shared by the example programs in `src/bin`.

pub mod demo;
pub mod slow_link;

/// Compiles the code of the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}
