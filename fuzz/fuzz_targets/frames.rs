//! Frames: bytes in any segments decode to the same messages as all at once, with memory in
//! proportion to the bytes received.
#![no_main]

use arbitrary::Arbitrary;
use farcall::conn::frame::{Decoder, Encoder, FrameError, Header};
use fuzz::memory::bounded;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    limit: u32,
    parts: Vec<Part<'a>>,
    pieces: Vec<u16>,
    owned: bool,
}

#[derive(Arbitrary, Debug)]
enum Part<'a> {
    Message(&'a [u8]),
    /// A message with a length of 8 bytes.
    Extended(&'a [u8]),
    /// A long message of one repeated byte.
    Long(u8, u32),
    /// A header without a message.
    Header(u64),
    Raw(&'a [u8]),
}

impl Part<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Message(message) => {
                out.extend(Header::new(message.len() as u64).as_bytes());
                out.extend(message);
            }
            Self::Extended(message) => {
                out.extend([0xff; 4]);
                out.extend((message.len() as u64).to_be_bytes());
                out.extend(message);
            }
            Self::Long(byte, length) => {
                let length = length % (300 << 10);
                out.extend(Header::new(length.into()).as_bytes());
                out.resize(out.len() + length as usize, byte);
            }
            Self::Header(length) => out.extend(Header::new(length).as_bytes()),
            Self::Raw(bytes) => out.extend(bytes),
        }
    }
}

/// The decoded messages as frames, and the error after them, if any.
type Outcome = (Vec<u8>, Result<(), FrameError>);

fn drain(decoder: &mut Decoder, limit: usize, owned: bool, outcome: &mut Outcome) {
    while outcome.1.is_ok() {
        let complete = decoder.is_complete(limit);
        let message = if owned {
            decoder.owned_message(limit)
        } else {
            decoder.message(limit).map(|m| m.map(<[u8]>::to_vec))
        };
        assert_eq!(
            complete,
            message.as_ref().map(Option::is_some).map_err(Clone::clone)
        );
        match message {
            Ok(Some(message)) => {
                assert!(message.len() <= limit);
                outcome
                    .0
                    .extend(Header::new(message.len() as u64).as_bytes());
                outcome.0.extend(message);
            }
            Ok(None) => return,
            Err(error) => outcome.1 = Err(error),
        }
    }
}

fn read(stream: &[u8], pieces: &[u16], input: &Input<'_>) -> Outcome {
    let limit = input.limit as usize;
    let mut decoder = Decoder::new();
    let mut outcome = (Vec::new(), Ok(()));
    let mut rest = stream;
    let mut sizes = pieces.iter().cycle();
    while !rest.is_empty() && outcome.1.is_ok() {
        // At most 4096 segments: more would find nothing new.
        let least = 1 + stream.len() / 4096;
        let size = sizes
            .next()
            .map_or(rest.len(), |&size| usize::from(size).max(least));
        let (piece, behind) = rest.split_at(size.min(rest.len()));
        decoder.feed(piece);
        rest = behind;
        assert!(!decoder.space().is_empty());
        drain(&mut decoder, limit, input.owned, &mut outcome);
    }
    if outcome.1.is_ok() {
        outcome.1 = decoder.end();
    }
    outcome
}

fuzz_target!(|input: Input<'_>| {
    let mut stream = Vec::new();
    for part in input.parts.iter().take(16) {
        part.write(&mut stream);
    }
    // Room for the bytes, their copies in the results, and a buffer that doubles.
    let outcome = bounded(stream.len(), 8, 256 << 10, || read(&stream, &[], &input));
    if !input.pieces.is_empty() {
        let pieces = bounded(stream.len(), 8, 256 << 10, || {
            read(&stream, &input.pieces, &input)
        });
        assert_eq!(pieces, outcome);
    }
    let mut again = Vec::new();
    let mut decoder = Decoder::new();
    decoder.feed(&outcome.0);
    let mut encoder = Encoder::new();
    while let Some(message) = decoder.message(usize::MAX).expect("valid frames") {
        encoder.push(message);
        again.extend_from_slice(encoder.unwritten());
        encoder.wrote(encoder.unwritten().len());
    }
    assert_eq!(again, outcome.0, "encoded frames differ");
});
