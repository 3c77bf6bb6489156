//! Responses read in pieces, as the tests and the fuzz targets do it.

use super::{Broken, Buffer, Response, ResponseReader};

/// What reading comes to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    Whole {
        status: u16,
        body: Vec<u8>,
        keeps_open: bool,
        unread: usize,
    },
    /// A head, and a part of the body.
    Broken(u16, Vec<u8>, String),
    None(String),
}

#[cfg(fuzzing)]
impl Outcome {
    /// How long the body is, as far as it came.
    pub(crate) fn length(&self) -> usize {
        match self {
            Self::Whole { body, .. } | Self::Broken(_, body, _) => body.len(),
            Self::None(_) => 0,
        }
    }
}

/// Reads what comes in pieces of these sizes, over and over, and then the end.
///
/// # Panics
/// If there is no room to read into, or the end of the stream is no end.
pub(crate) fn read_segments(sizes: &[usize], bytes: &[u8], max_body: usize) -> Outcome {
    let mut buffer = Buffer::new();
    let mut reader = ResponseReader::new(max_body);
    let mut sizes = sizes.iter().cycle();
    let mut stream = bytes;
    loop {
        let size = sizes.next().map_or(stream.len(), |&size| size.max(1));
        let (piece, behind) = stream.split_at(size.min(stream.len()));
        stream = behind;
        let mut done = false;
        let mut rest = piece;
        // The space is smaller than the piece where that is large.
        loop {
            let space = buffer.space();
            let length = rest.len().min(space.len());
            assert!(!space.is_empty(), "there is always room");
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
        assert!(!piece.is_empty(), "the end of the stream is an end");
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
