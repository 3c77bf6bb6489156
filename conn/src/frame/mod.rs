//! Frames: messages with their length in front, in a stream of bytes.
//!
//! The format is that of CPython's `multiprocessing/connection.py`:
//!
//! | length | frame |
//! |---|---|
//! | up to 2³¹ − 1 | length in 4 bytes, big-endian, then the message |
//! | any | `ff ff ff ff`, length in 8 bytes, big-endian, then the message |
//!
//! The short form is written whenever it fits; both are read. CPython takes every other negative
//! length for an empty message and then reads the bytes of the message as lengths; this decoder
//! returns an error.
//!
//! [`Decoder`] and [`Encoder`] do no I/O: the caller reads and writes.
//!
//! # Examples
//!
//! ```
//! use farcall::conn::frame::{Decoder, Encoder};
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
//! # Ok::<(), farcall::conn::frame::FrameError>(())
//! ```

mod buffer_pool;
mod decoder;
mod encoder;
mod error;
mod header;
#[cfg_attr(
    not(all(feature = "managers", target_os = "linux")),
    path = "no_map.rs"
)]
mod map;
mod memory;
#[cfg(test)]
mod tests;

pub use decoder::Decoder;
pub use encoder::Encoder;
pub use error::{FrameError, MissingPart};
pub use header::Header;
