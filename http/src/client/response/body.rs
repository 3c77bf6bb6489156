//! The body of a response: with a length, chunked, or delimited by the end of the connection.

use std::ops::ControlFlow::{self, Break, Continue};

use bytes::Bytes;
use httparse::{EMPTY_HEADER, Status};

use super::ResponseError;
use super::buffer::Buffer;
use crate::coding::{Broken, MAX_PREALLOCATED};

/// Maximum bytes of all chunk extensions, and of the trailers. The client ignores both; hyper has
/// the same limit.
const MAX_IGNORED: usize = 16 << 10;

/// Maximum number of trailers.
const MAX_TRAILERS: usize = 100;

/// The framing of a body, which determines its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// A body of this number of bytes.
    Length(u64),
    Chunked,
    UntilClosed,
}

/// Collects the bytes of a body.
#[derive(Debug)]
pub(super) struct BodyReader {
    bytes: Vec<u8>,
    limit: usize,
    expected: Expected,
    /// Bytes of chunk extensions so far.
    ignored: usize,
}

/// The next expected part of a body.
#[derive(Clone, Copy, Debug)]
enum Expected {
    /// The rest of the body: this number of bytes.
    Rest(u64),
    ChunkSize,
    /// The rest of a chunk: this number of bytes.
    Chunk(u64),
    ChunkEnd,
    Trailers,
    /// All bytes until the connection is closed.
    UntilClosed,
}

/// The reason why reading stopped.
#[derive(Debug)]
pub(super) enum Stop {
    /// More bytes are needed.
    Incomplete,
    End,
    Broken(Broken<ResponseError>),
}

impl BodyReader {
    pub(super) fn new(framing: Framing, limit: usize) -> Self {
        let (expected, announced) = match framing {
            Framing::Length(length) => (Expected::Rest(length), length),
            Framing::Chunked => (Expected::ChunkSize, 0),
            Framing::UntilClosed => (Expected::UntilClosed, 0),
        };
        let room = if announced <= limit as u64 {
            announced.min(MAX_PREALLOCATED)
        } else {
            0
        };
        Self {
            // The cast is lossless: the number is at most `AHEAD`.
            bytes: Vec::with_capacity(room as usize),
            limit,
            expected,
            ignored: 0,
        }
    }

    pub(super) fn into_bytes(self) -> Bytes {
        self.bytes.into()
    }

    /// Consumes the bytes of this body that are in the buffer.
    pub(super) fn advance(&mut self, buffer: &mut Buffer) -> Stop {
        loop {
            if let Break(stop) = self.step(buffer) {
                return stop;
            }
        }
    }

    /// Interprets the end of the stream: the end of the body, or an error.
    pub(super) fn end(&self) -> Stop {
        match self.expected {
            Expected::UntilClosed => Stop::End,
            _ => Stop::Broken(Broken::Disconnected(ResponseError::CutOff)),
        }
    }

    fn step(&mut self, buffer: &mut Buffer) -> ControlFlow<Stop> {
        match self.expected {
            Expected::Rest(0) => return Break(Stop::End),
            // A declared length over the limit is refused without waiting for the bytes.
            Expected::Rest(left) if left > (self.limit - self.bytes.len()) as u64 => {
                return Break(Stop::Broken(Broken::TooLarge));
            }
            Expected::Chunk(0) => self.expected = Expected::ChunkEnd,
            _ if buffer.unread().is_empty() => return Break(Stop::Incomplete),
            Expected::Rest(left) => self.expected = Expected::Rest(self.take(buffer, left)?),
            Expected::Chunk(left) => self.expected = Expected::Chunk(self.take(buffer, left)?),
            Expected::UntilClosed => {
                self.take(buffer, u64::MAX)?;
            }
            Expected::ChunkSize => self.chunk_size(buffer)?,
            Expected::ChunkEnd => self.chunk_end(buffer)?,
            Expected::Trailers => return Break(trailers(buffer)),
        }
        Continue(())
    }

    /// Takes up to `left` bytes, and returns how many of them are still missing.
    fn take(&mut self, buffer: &mut Buffer, left: u64) -> ControlFlow<Stop, u64> {
        let unread = buffer.unread();
        let length = usize::try_from(left).map_or(unread.len(), |left| left.min(unread.len()));
        let room = self.limit - self.bytes.len();
        self.bytes.extend_from_slice(&unread[..length.min(room)]);
        buffer.consume(length);
        if length > room {
            return Break(Stop::Broken(Broken::TooLarge));
        }
        Continue(left - length as u64)
    }

    fn chunk_size(&mut self, buffer: &mut Buffer) -> ControlFlow<Stop> {
        let unread = buffer.unread();
        // httparse reads a size without digits as zero.
        if !unread[0].is_ascii_hexdigit() {
            return malformed();
        }
        let (length, size) = match httparse::parse_chunk_size(unread) {
            Ok(Status::Complete(parsed)) => parsed,
            Ok(Status::Partial) if unread.len() <= MAX_IGNORED => return Break(Stop::Incomplete),
            _ => return malformed(),
        };
        let line = &unread[..length - 2];
        // httparse accepts any byte in an extension, even those that others read as line breaks.
        if line.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
            return malformed();
        }
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit());
        self.ignored += line.len() - digits.count();
        if self.ignored > MAX_IGNORED {
            return malformed();
        }
        buffer.consume(length);
        self.expected = match size {
            0 => Expected::Trailers,
            size => Expected::Chunk(size),
        };
        Continue(())
    }

    fn chunk_end(&mut self, buffer: &mut Buffer) -> ControlFlow<Stop> {
        match buffer.unread() {
            [b'\r', b'\n', ..] => {
                buffer.consume(2);
                self.expected = Expected::ChunkSize;
                Continue(())
            }
            [b'\r'] => Break(Stop::Incomplete),
            _ => malformed(),
        }
    }
}

/// Reads and discards the trailers after the chunks.
fn trailers(buffer: &mut Buffer) -> Stop {
    let unread = buffer.unread();
    match httparse::parse_headers(unread, &mut [EMPTY_HEADER; MAX_TRAILERS]) {
        Ok(Status::Complete((length, _))) => {
            buffer.consume(length);
            Stop::End
        }
        Ok(Status::Partial) if unread.len() <= MAX_IGNORED => Stop::Incomplete,
        Ok(Status::Partial) => Stop::Broken(Broken::Disconnected(ResponseError::Chunk)),
        Err(error) => Stop::Broken(Broken::Disconnected(ResponseError::Head(error))),
    }
}

fn malformed<T>() -> ControlFlow<Stop, T> {
    Break(Stop::Broken(Broken::Disconnected(ResponseError::Chunk)))
}
