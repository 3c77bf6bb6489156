//! The body of a response, whichever way its end is told.

use std::ops::ControlFlow::{self, Break, Continue};

use bytes::Bytes;
use httparse::{EMPTY_HEADER, Status};

use super::ResponseError;
use super::buffer::Buffer;
use crate::coding::{Broken, MAX_PREALLOCATED};

/// How many bytes the extensions of all chunks may have, and the trailers, which say nothing to
/// this client: what hyper lets pass.
const MAX_IGNORED: usize = 16 << 10;

/// How many headers may stand behind the chunks.
const MAX_TRAILERS: usize = 100;

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes.
    Length(u64),
    Chunked,
    UntilClosed,
}

/// Gathers a body.
#[derive(Debug)]
pub(super) struct BodyReader {
    bytes: Vec<u8>,
    limit: usize,
    expected: Expected,
    /// How many bytes of extensions came.
    ignored: usize,
}

/// What comes next.
#[derive(Clone, Copy, Debug)]
enum Expected {
    /// The rest of the body.
    Rest(u64),
    ChunkSize,
    /// The rest of a chunk.
    Chunk(u64),
    ChunkEnd,
    Trailers,
    /// Whatever comes.
    Anything,
}

/// Why reading stops.
#[derive(Debug)]
pub(super) enum Stop {
    /// More has to come.
    Starved,
    End,
    Broken(Broken<ResponseError>),
}

impl BodyReader {
    pub(super) fn new(framing: Framing, limit: usize) -> Self {
        let (expected, announced) = match framing {
            Framing::Length(length) => (Expected::Rest(length), length),
            Framing::Chunked => (Expected::ChunkSize, 0),
            Framing::UntilClosed => (Expected::Anything, 0),
        };
        let room = if announced <= limit as u64 {
            announced.min(MAX_PREALLOCATED)
        } else {
            0
        };
        Self {
            // The cast loses nothing: the number is small.
            bytes: Vec::with_capacity(room as usize),
            limit,
            expected,
            ignored: 0,
        }
    }

    pub(super) fn into_bytes(self) -> Bytes {
        self.bytes.into()
    }

    /// Takes what is there of this body.
    pub(super) fn advance(&mut self, buffer: &mut Buffer) -> Stop {
        loop {
            if let Break(stop) = self.step(buffer) {
                return stop;
            }
        }
    }

    /// What the end of the stream means for the body.
    pub(super) fn end(&self) -> Stop {
        match self.expected {
            Expected::Anything => Stop::End,
            _ => Stop::Broken(Broken::Disconnected(ResponseError::CutOff)),
        }
    }

    fn step(&mut self, buffer: &mut Buffer) -> ControlFlow<Stop> {
        match self.expected {
            Expected::Rest(0) => return Break(Stop::End),
            // What is announced is refused without waiting for it.
            Expected::Rest(left) if left > (self.limit - self.bytes.len()) as u64 => {
                return Break(Stop::Broken(Broken::TooLarge));
            }
            Expected::Chunk(0) => self.expected = Expected::ChunkEnd,
            _ if buffer.unread().is_empty() => return Break(Stop::Starved),
            Expected::Rest(left) => self.expected = Expected::Rest(self.take(buffer, left)?),
            Expected::Chunk(left) => self.expected = Expected::Chunk(self.take(buffer, left)?),
            Expected::Anything => {
                self.take(buffer, u64::MAX)?;
            }
            Expected::ChunkSize => self.chunk_size(buffer)?,
            Expected::ChunkEnd => self.chunk_end(buffer)?,
            Expected::Trailers => return Break(trailers(buffer)),
        }
        Continue(())
    }

    /// Takes up to so many bytes, and tells how many of them are still to come.
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
        // The parser takes a size without digits for zero.
        if !unread[0].is_ascii_hexdigit() {
            return malformed();
        }
        let (length, size) = match httparse::parse_chunk_size(unread) {
            Ok(Status::Complete(parsed)) => parsed,
            Ok(Status::Partial) if unread.len() <= MAX_IGNORED => return Break(Stop::Starved),
            _ => return malformed(),
        };
        let line = &unread[..length - 2];
        // It lets everything pass in an extension, what others take for the end of the line
        // included.
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
            [b'\r'] => Break(Stop::Starved),
            _ => malformed(),
        }
    }
}

/// Reads what stands behind the chunks.
fn trailers(buffer: &mut Buffer) -> Stop {
    let unread = buffer.unread();
    match httparse::parse_headers(unread, &mut [EMPTY_HEADER; MAX_TRAILERS]) {
        Ok(Status::Complete((length, _))) => {
            buffer.consume(length);
            Stop::End
        }
        Ok(Status::Partial) if unread.len() <= MAX_IGNORED => Stop::Starved,
        Ok(Status::Partial) => Stop::Broken(Broken::Disconnected(ResponseError::Chunk)),
        Err(error) => Stop::Broken(Broken::Disconnected(ResponseError::Head(error))),
    }
}

fn malformed<T>() -> ControlFlow<Stop, T> {
    Break(Stop::Broken(Broken::Disconnected(ResponseError::Chunk)))
}
