//! What the example programs share. The programs themselves are in `src/bin`.

pub mod demo;
pub mod slow_line;

/// The README's code, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}
