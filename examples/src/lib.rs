//! What the example programs share. The programs themselves are in `src/bin`.

pub mod demo;

/// The README's code, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}
