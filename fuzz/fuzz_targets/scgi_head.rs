//! Heads of SCGI requests: a part of one is incomplete or the same error as the whole, with
//! proportional memory.
#![no_main]

use arbitrary::Arbitrary;
use fuzz::memory::bounded;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    part: u16,
    /// `true` to give the list its length, its first variables and its comma.
    is_framed: bool,
    bytes: &'a [u8],
}

fuzz_target!(|input: Input<'_>| {
    let mut bytes = input.bytes.to_vec();
    if input.is_framed {
        let start = b"CONTENT_LENGTH\x005\0SCGI\x001\0";
        let length = format!("{}:", start.len() + bytes.len());
        bytes = [length.as_bytes(), start, input.bytes, b","].concat();
    }
    bounded(bytes.len(), 200, 256 << 10, || {
        farcall::xmlrpc::fuzzing::read_scgi_head(&bytes, input.part.into());
    });
});
