//! What a server sends to a client: in any pieces it is the same response as all at once, and no body over the limit.
#![no_main]

use arbitrary::Arbitrary;
use fuzz::memory::bounded;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    limit: u16,
    pieces: Vec<u8>,
    /// Most streams begin as a response does.
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
    // What is announced is not believed: a mebibyte of a body is made room for at once, at the most.
    let limit = usize::from(input.limit);
    bounded(stream.len(), 16, 256 << 10, || {
        xmlrpc::fuzzing::read_response(&stream, &pieces, limit);
    });
});
