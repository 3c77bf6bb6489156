//! Ruby: the gem `xmlrpc`, with a client based on Net::HTTP and a server based on WEBrick.

use super::{CARRIAGE_RETURN_LOST, RAW_RETURN};
use crate::peer::{Client, Known, Server, Start};
use crate::{Capability, Evidence, Peer};

/// The bytes that prove the defects of the client.
const DEFECTS: &[(Capability, Evidence)] =
    &[(Capability::Whitespace, Evidence::wrote(&[RAW_RETURN]))];

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
        "WEBrick neither inflates calls nor compresses replies",
    ),
    Known::defect(
        Capability::Whitespace,
        CARRIAGE_RETURN_LOST,
        "a carriage return is written as it is, which XML reads as a newline (`XMLWriter::Simple#text` \
         in xmlrpc/create.rb escapes `&`, `<` and `>` alone)",
        Evidence::wrote(&[RAW_RETURN]),
    ),
    Known::defect(
        Capability::Base64,
        "<string>\\0\\u{1}\\u{2}",
        "base64 is read as a String like any other, which is written as `string` with its bytes as they are: to give \
         binary data back, a method has to know that and make a XMLRPC::Base64 of it",
        Evidence::wrote(&["<string>\0\u{1}\u{2}"]).was_given(&["<base64>AAECAwQF"]),
    ),
    Known::note(
        Capability::I8,
        "Integer is too big! Must be signed 32-bit i",
        "i8 is read, and never written: integers beyond 32 bits are refused (or, with ENABLE_BIGINT, \
         written as `i4`)",
    ),
];
