//! Ruby: the gem `xmlrpc`, with a client based on Net::HTTP and a server based on WEBrick.

use super::{CARRIAGE_RETURN_LOST, RAW_RETURN};
use crate::peer::{Client, Known, Server, Start};
use crate::{Capability, Evidence, Peer};

/// The bytes that prove the defects of the client.
const DEFECTS: &[(Capability, Evidence)] =
    &[(Capability::Whitespace, Evidence::sent(&[RAW_RETURN]))];

pub(super) fn peer() -> Peer {
    Peer {
        name: "ruby".to_owned(),
        title: "Ruby xmlrpc".to_owned(),
        packages: "ruby, ruby-xmlrpc and ruby-webrick",
        version: Start::program(
            "ruby",
            &["-rxmlrpc", "-rwebrick", "-e", "print XMLRPC::VERSION"],
        ),
        client: Client {
            start: Start::script("ruby", "ruby/client.rb"),
            lacks: &[],
            defects: DEFECTS,
        },
        server: Some(Server {
            start: Start::script("ruby", "ruby/server.rb"),
            known: KNOWN,
        }),
    }
}

const KNOWN: &[Known] = &[
    Known::lacks(
        Capability::Gzip,
        "No valid method call - missing method name!",
        "WEBrick neither decompresses calls nor compresses replies",
    ),
    Known::defect(
        Capability::Whitespace,
        CARRIAGE_RETURN_LOST,
        "a carriage return is written raw, which XML reads as a newline (`XMLWriter::Simple#text` \
         in xmlrpc/create.rb escapes only `&`, `<` and `>`)",
        Evidence::sent(&[RAW_RETURN]),
    ),
    Known::defect(
        Capability::Base64,
        "bytes that are not text: a byte that is not valid UTF-8",
        "base64 is decoded as an ordinary String, which is encoded as `string` with its raw bytes: to return \
         binary data, a method has to know that and create an XMLRPC::Base64",
        Evidence::sent(&["<string>\0\u{1}\u{2}"]).received(&["<base64>AAECAwQF"]),
    ),
    Known::note(
        Capability::I8,
        "Integer is too big! Must be signed 32-bit i",
        "i8 is decoded, but never encoded: integers beyond 32 bits are refused (or, with ENABLE_BIGINT, \
         encoded as `i4`)",
    ),
];
