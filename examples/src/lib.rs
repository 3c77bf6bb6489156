//! What the example programs share. The programs themselves are in `src/bin`.

pub mod demo;
