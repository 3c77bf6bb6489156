use std::panic::{AssertUnwindSafe, catch_unwind};

use super::decoder::{LARGE, MAX_IDLE_BUFFER};
#[cfg(all(feature = "managers", target_os = "linux"))]
use super::decoder::{MAPPED, MAPPED_AFTER};
use super::header::SHORT;
#[cfg(all(feature = "managers", target_os = "linux"))]
use super::memory::Memory;
use super::*;

const LIMIT: usize = 1 << 20;

#[test]
fn headers_have_the_shortest_form() {
    assert_eq!(Header::new(0).as_bytes(), [0, 0, 0, 0]);
    assert_eq!(Header::new(SHORT).as_bytes(), [0x7f, 0xff, 0xff, 0xff]);
    let extended = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0x80, 0, 0, 0];
    assert_eq!(Header::new(SHORT + 1).as_bytes(), extended);
    for length in [0, 1, SHORT, SHORT + 1, u64::MAX] {
        let header = Header::new(length);
        assert_eq!(Header::parse(header.as_bytes()), Ok(Some(header)));
    }
}

#[test]
fn a_short_length_in_the_extended_form_is_read() {
    let mut decoder = Decoder::new();
    decoder.feed(b"\xff\xff\xff\xff\0\0\0\0\0\0\0\x02ok\0\0\0\0");
    assert_eq!(decoder.message(LIMIT), Ok(Some(&b"ok"[..])));
    assert_eq!(decoder.message(LIMIT), Ok(Some(&b""[..])));
    assert_eq!(decoder.end(), Ok(()));
}

#[test]
fn messages_are_decoded_from_pieces_of_any_size() {
    let mut stream = Vec::new();
    let lengths = [0, 1, 3, 16383, 16384, 16385, 70_000, 5, 300_000, 0, 12];
    let messages: Vec<Vec<u8>> = lengths.iter().map(|&n| vec![n as u8; n]).collect();
    for message in &messages {
        let mut encoder = Encoder::new();
        encoder.push(message);
        stream.extend_from_slice(encoder.unwritten());
    }
    for size in [1, 2, 3, 7, 4096, 65_537, stream.len()] {
        let mut decoder = Decoder::new();
        let mut received = Vec::new();
        for piece in stream.chunks(size) {
            decoder.feed(piece);
            while let Some(message) = decoder.owned_message(LIMIT).unwrap() {
                received.push(message);
            }
        }
        assert_eq!(received, messages, "in pieces of {size}");
        assert_eq!(decoder.end(), Ok(()));
    }
}

#[cfg(unix)]
#[test]
fn exact_reads_end_where_the_message_does() {
    for length in [0, 1, 5, 8 * 1024, LARGE, 3 * LARGE, 1 << 20] {
        let message = vec![7; length];
        for extended in [false, true] {
            let mut stream = if extended {
                [&[0xff; 4], &(length as u64).to_be_bytes()[..]].concat()
            } else {
                Header::new(length as u64).as_bytes().to_vec()
            };
            stream.extend_from_slice(&message);
            let mut decoder = Decoder::new();
            for size in [1, usize::MAX] {
                let mut rest = &stream[..];
                while !decoder.is_complete(LIMIT).unwrap() {
                    let space = decoder.prepare_exact();
                    let space = decoder.prepared(space);
                    let count = space.len().min(size);
                    let (now, later) = rest.split_at(count);
                    space[..count].copy_from_slice(now);
                    decoder.filled(count);
                    rest = later;
                }
                assert!(rest.is_empty(), "a byte beyond the message was read");
                assert_eq!(decoder.message(LIMIT).unwrap().unwrap(), message);
            }
        }
    }
}

#[test]
fn a_negative_length_is_a_permanent_error() {
    let mut decoder = Decoder::new();
    decoder.feed(b"\xff\xff\xff\xfe");
    for _ in 0..2 {
        assert_eq!(decoder.message(LIMIT), Err(FrameError::NegativeLength(-2)));
    }
    assert!(!decoder.space().is_empty());
}

#[test]
fn an_announced_length_allocates_no_memory() {
    let mut decoder = Decoder::new();
    decoder.feed(Header::new(1 << 62).as_bytes());
    assert!(decoder.space().len() <= LARGE);
    let error = FrameError::TooLarge {
        length: 1 << 62,
        limit: LIMIT,
    };
    assert_eq!(decoder.message(LIMIT), Err(error));
    decoder.feed(Header::new(u64::MAX).as_bytes());
    assert!(decoder.space().len() <= LARGE);
}

#[test]
fn too_large_a_message_can_be_taken_with_a_higher_limit() {
    let mut decoder = Decoder::new();
    decoder.feed(b"\0\0\0\x03abc");
    let error = FrameError::TooLarge {
        length: 3,
        limit: 2,
    };
    assert_eq!(decoder.message(2), Err(error));
    assert_eq!(decoder.message(3), Ok(Some(&b"abc"[..])));
}

#[test]
fn an_end_within_a_frame_reports_the_missing_part() {
    let frame = b"\0\0\0\x03abc";
    for cut in 1..frame.len() {
        let mut decoder = Decoder::new();
        decoder.feed(&frame[..cut]);
        let missing = match cut {
            ..4 => MissingPart::Header,
            _ => MissingPart::Bytes((frame.len() - cut) as u64),
        };
        assert_eq!(decoder.end(), Err(FrameError::Truncated { missing }));
    }
}

#[test]
fn memory_is_released_after_a_large_message() {
    let mut decoder = Decoder::new();
    let mut encoder = Encoder::new();
    encoder.push(&vec![7; 10 << 20]);
    decoder.feed(encoder.unwritten());
    encoder.wrote(encoder.unwritten().len());
    assert!(encoder.buffer.capacity() <= MAX_IDLE_BUFFER);
    assert_eq!(
        decoder.message(usize::MAX).unwrap().map(<[u8]>::len),
        Some(10 << 20)
    );
    decoder.space();
    assert!(decoder.buffer.capacity() <= MAX_IDLE_BUFFER);
}

#[test]
fn the_buffer_of_a_large_message_grows_in_few_steps_and_no_further_than_its_bytes() {
    let length = 64 << 20;
    let mut encoder = Encoder::new();
    encoder.push(&vec![7; length]);
    let mut decoder = Decoder::new();
    let mut sizes = vec![decoder.size()];
    receive(&mut decoder, encoder.unwritten(), |decoder| {
        let size = decoder.size();
        if sizes.last() != Some(&size) {
            sizes.push(size);
        }
    });
    assert!(sizes.len() <= 16, "{sizes:?}");
    assert_eq!(sizes.last(), Some(&length));
    let message = decoder.owned_message(usize::MAX).unwrap().unwrap();
    assert_eq!((message.len(), message.capacity()), (length, length));
}

/// Fills the space of a decoder until all is received. Its memory must never be more than twice
/// what was received.
fn receive(decoder: &mut Decoder, frames: &[u8], mut then: impl FnMut(&mut Decoder)) {
    let mut received = 0;
    while received < frames.len() {
        let space = decoder.space();
        let count = space.len().min(frames.len() - received);
        space[..count].copy_from_slice(&frames[received..][..count]);
        decoder.filled(count);
        received += count;
        let size = decoder.size();
        assert!(
            size <= (2 * received).max(2 * LARGE),
            "{size} of {received}"
        );
        then(decoder);
    }
}

#[cfg(all(feature = "managers", target_os = "linux"))]
#[test]
fn a_shared_message_is_in_a_map_once_a_part_of_it_has_arrived() {
    let message: Vec<u8> = (0..MAPPED).map(|at| (at >> 8) as u8).collect();
    let mut encoder = Encoder::new();
    encoder.push(&message);
    for (length, is_mapped) in [(MAPPED, true), (MAPPED - 1, false)] {
        let mut decoder = Decoder::new();
        assert_eq!(decoder.shared_message(MAPPED).unwrap(), None);
        let mut encoder = Encoder::new();
        encoder.push(&message[..length]);
        let mut was_mapped = false;
        receive(&mut decoder, encoder.unwritten(), |decoder| {
            was_mapped = matches!(decoder.buffer, Memory::Map(_));
            assert!(!was_mapped || decoder.size() > MAPPED_AFTER);
        });
        assert_eq!(was_mapped, is_mapped);
        assert_eq!(decoder.size(), length);
        let taken = decoder.shared_message(MAPPED).unwrap().unwrap();
        assert_eq!(taken, message[..length]);
        // The next message is in no map.
        decoder.feed(b"\0\0\0\x04next");
        assert_eq!(decoder.message(MAPPED).unwrap(), Some(&b"next"[..]));
        assert!(decoder.size() <= MAX_IDLE_BUFFER);
        assert_eq!(taken, message[..length]);
    }
    // One that is taken as owned after all, and one that is read past.
    let mut decoder = Decoder::new();
    assert_eq!(decoder.shared_message(MAPPED).unwrap(), None);
    receive(&mut decoder, encoder.unwritten(), |_| {});
    assert_eq!(decoder.owned_message(MAPPED).unwrap().unwrap(), message);
    let (part, rest) = encoder.unwritten().split_at(MAPPED / 2);
    receive(&mut decoder, part, |_| {});
    let header = decoder.header().unwrap().unwrap();
    assert_eq!(decoder.skip(&header), rest.len() as u64);
    assert!(decoder.is_empty());
    decoder.release_buffer();
    assert_eq!(decoder.size(), 0);
}

#[test]
fn a_message_that_cannot_be_encoded_leaves_nothing_behind() {
    let mut encoder = Encoder::new();
    encoder.push(b"first");
    let failed = encoder.push_with(|out| {
        out.extend_from_slice(b"half");
        Err("no")
    });
    assert_eq!(failed, Err("no"));
    assert_eq!(encoder.unwritten(), b"\0\0\0\x05first");
    encoder.wrote(4);
    assert_eq!(encoder.unwritten(), b"first");
}

#[test]
fn a_message_whose_encoding_panics_leaves_nothing_behind() {
    let half = |encoder: &mut Encoder| {
        let pushed = AssertUnwindSafe(|| {
            encoder.push_with(|out| -> Result<(), ()> {
                out.resize(out.len() + 1000, 7);
                panic!("in the middle")
            })
        });
        assert!(catch_unwind(pushed).is_err());
    };
    let mut encoder = Encoder::new();
    half(&mut encoder);
    assert!(encoder.is_empty());
    assert_eq!(encoder.buffer.capacity(), 0, "the buffer is in the pool");
    encoder.push(b"first");
    half(&mut encoder);
    encoder.wrote(4);
    half(&mut encoder);
    encoder.push(b"second");
    assert_eq!(encoder.unwritten(), b"first\0\0\0\x06second");
}

#[test]
fn a_part_taken_can_be_put_back() {
    let mut decoder = Decoder::new();
    decoder.feed(b"\0\0\0\x05he");
    let header = decoder.header().unwrap().unwrap();
    let mut buffer = [0; 5];
    assert_eq!(decoder.take_into(&header, &mut buffer), 2);
    decoder.put_back(&header, &buffer[..2]);
    decoder.feed(b"llo");
    assert_eq!(decoder.message(5), Ok(Some(&b"hello"[..])));
}

proptest::proptest! {
    /// Pieces decode to the same messages and error as the whole stream.
    #[test]
    fn any_bytes_in_any_pieces(
        messages in proptest::collection::vec(
            (proptest::prelude::any::<bool>(), 0..200_usize), 0..20),
        noise in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40),
        sizes in proptest::collection::vec(1..300_usize, 1..20),
    ) {
        let mut stream = Vec::new();
        for &(extended, length) in &messages {
            if extended {
                stream.extend_from_slice(&[0xff; 4]);
                stream.extend_from_slice(&(length as u64).to_be_bytes());
            } else {
                stream.extend_from_slice(Header::new(length as u64).as_bytes());
            }
            stream.extend(std::iter::repeat_n(length as u8, length));
        }
        stream.extend_from_slice(&noise);
        let whole = {
            let mut decoder = Decoder::new();
            decoder.feed(&stream);
            drain(&mut decoder)
        };
        let mut decoder = Decoder::new();
        let mut pieces = (Vec::new(), Ok(()));
        let mut rest = stream.as_slice();
        for size in sizes.iter().cycle() {
            if rest.is_empty() || pieces.1.is_err() {
                break;
            }
            let (piece, behind) = rest.split_at((*size).min(rest.len()));
            decoder.feed(piece);
            rest = behind;
            let (more, error) = drain(&mut decoder);
            pieces.0.extend(more);
            pieces.1 = error;
        }
        proptest::prop_assert_eq!(&pieces.0, &whole.0);
        proptest::prop_assert_eq!(pieces.1, whole.1);
        let lengths: Vec<usize> = messages.iter().map(|(_, length)| *length).collect();
        let received: Vec<usize> = whole.0.iter().map(Vec::len).collect();
        proptest::prop_assert!(received.starts_with(&lengths));
    }
}

fn drain(decoder: &mut Decoder) -> (Vec<Vec<u8>>, Result<(), FrameError>) {
    let mut messages = Vec::new();
    loop {
        match decoder.owned_message(1000) {
            Ok(Some(message)) => messages.push(message),
            Ok(None) => return (messages, Ok(())),
            Err(error) => return (messages, Err(error)),
        }
    }
}
