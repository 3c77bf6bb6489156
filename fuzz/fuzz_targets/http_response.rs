//! Bytes from a server to a client: in any segments they are the same response as all at once, and
//! no body is over the limit.
#![no_main]

use arbitrary::Arbitrary;
use fuzz::memory::bounded;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    limit: u16,
    pieces: Vec<u8>,
    /// `true` to start with a valid status line.
    begins_well: bool,
    stream: &'a [u8],
}

fuzz_target!(|input: Input<'_>| {
    let mut stream = Vec::new();
    if input.begins_well {
        stream.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
    }
    stream.extend_from_slice(input.stream);
    let pieces: Vec<usize> = input.pieces.iter().map(|&size| size.into()).collect();
    // Memory is not reserved for the whole declared length: at most 1 MiB of a body at once.
    let limit = usize::from(input.limit);
    bounded(stream.len(), 16, 256 << 10, || {
        farcall::xmlrpc::fuzzing::read_response(&stream, &pieces, limit);
    });
});
