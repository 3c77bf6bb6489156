//! Reading of responses in segments of given sizes, for tests and fuzz targets.

use super::{Broken, Buffer, Response, ResponseReader, Wire};

/// The outcome of reading a response.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    Whole {
        status: u16,
        body: Vec<u8>,
        keeps_open: bool,
        unread: usize,
    },
    /// A status, a part of the body, and the reason why the rest is missing.
    Broken(u16, Vec<u8>, String),
    None(String),
}

#[cfg(fuzzing)]
impl Outcome {
    /// Returns the length of the received part of the body.
    pub(crate) fn length(&self) -> usize {
        match self {
            Self::Whole { body, .. } | Self::Broken(_, body, _) => body.len(),
            Self::None(_) => 0,
        }
    }
}

/// Reads a response from `bytes` in segments of `sizes`, repeated cyclically, and then the end of
/// the stream.
///
/// # Panics
/// If the buffer has no space, or the reader does not stop at the end of the stream.
#[cfg(test)]
pub(crate) fn read_segments(sizes: &[usize], bytes: &[u8], max_body: usize) -> Outcome {
    read_segments_over(Wire::Http, sizes, bytes, max_body)
}

/// Does the same for a response of this framing.
pub(crate) fn read_segments_over(
    wire: Wire,
    sizes: &[usize],
    bytes: &[u8],
    max_body: usize,
) -> Outcome {
    let mut buffer = Buffer::new();
    let mut reader = ResponseReader::new(wire, max_body);
    let mut sizes = sizes.iter().cycle();
    let mut stream = bytes;
    loop {
        let size = sizes.next().map_or(stream.len(), |&size| size.max(1));
        let (segment, remaining) = stream.split_at(size.min(stream.len()));
        stream = remaining;
        let mut done = false;
        let mut rest = segment;
        // A large segment may not fit into the space.
        loop {
            let space = buffer.space();
            let length = rest.len().min(space.len());
            assert!(!space.is_empty(), "the buffer has no space");
            space[..length].copy_from_slice(&rest[..length]);
            rest = &rest[length..];
            match reader.receive(&mut buffer, length) {
                Ok(is_read) => done |= is_read,
                Err(error) => return Outcome::None(error.to_string()),
            }
            if done || rest.is_empty() {
                break;
            }
        }
        if done {
            let unread = buffer.unread().len() + rest.len() + stream.len();
            return match reader.finish(None) {
                Ok(response) => outcome(response, unread),
                Err(error) => Outcome::None(error.to_string()),
            };
        }
        assert!(!segment.is_empty(), "the reader goes on after the end");
    }
}

fn outcome(response: Response, unread: usize) -> Outcome {
    let status = response.status.as_u16();
    let body = response.body.to_vec();
    match response.broken {
        None => Outcome::Whole {
            status,
            body,
            keeps_open: response.keeps_open,
            unread,
        },
        Some(Broken::TooLarge) => Outcome::Broken(status, body, "too large".to_owned()),
        Some(Broken::Disconnected(error)) => Outcome::Broken(status, body, error.to_string()),
    }
}
