//! Frames: how messages are told apart in a stream of bytes.
//!
//! Each message is preceded by its length, as in CPython's `multiprocessing/connection.py`:
//!
//! | length | bytes |
//! |---|---|
//! | up to 2³¹ − 1 | 4 bytes, big-endian, then the message |
//! | any | `ff ff ff ff`, 8 bytes, big-endian, then the message |
//!
//! The shorter form is written wherever it can be; both are read. CPython takes every other negative
//! length for an empty message and then reads the message as lengths; here it is an error.
//!
//! [`Decoder`] and [`Encoder`] know bytes only, no sockets: what reads and writes is up to the caller.
//!
//! # Examples
//!
//! ```
//! use conn::frame::{Decoder, Encoder};
//!
//! let mut encoder = Encoder::new();
//! encoder.push(b"hello");
//! assert_eq!(encoder.unwritten(), b"\0\0\0\x05hello");
//!
//! let mut decoder = Decoder::new();
//! decoder.feed(b"\0\0\0\x05hel");
//! assert_eq!(decoder.message(1024)?, None);
//! decoder.feed(b"lo");
//! assert_eq!(decoder.message(1024)?, Some(&b"hello"[..]));
//! # Ok::<(), conn::frame::FrameError>(())
//! ```

mod buffer_pool;
mod decoder;
mod encoder;
mod error;
mod header;
#[cfg(test)]
mod tests;

pub use decoder::Decoder;
pub use encoder::Encoder;
pub use error::{FrameError, MissingPart};
pub use header::Header;
