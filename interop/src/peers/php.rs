//! PHP: the extension `xmlrpc`, which encodes and decodes documents, with curl as HTTP client and
//! PHP's own web server.

use super::{CARRIAGE_RETURN_LOST, RAW_RETURN};
use crate::peer::{Client, Known, Server, Start};
use crate::{Capability, Evidence, Peer};

pub(super) fn peer() -> Peer {
    Peer {
        name: "php".to_owned(),
        title: "PHP xmlrpc".to_owned(),
        packages: "php8.2-cli, php8.2-xmlrpc and php8.2-curl",
        version: Start::program(
            "php",
            &[
                "-r",
                "curl_init(); xmlrpc_server_create(); echo phpversion('xmlrpc');",
            ],
        ),
        client: Client {
            start: Start::script("php", "php/client.php"),
            lacks: &[],
            defects: DEFECTS,
        },
        server: Some(Server {
            start: Start::script("php", "php/server.php"),
            known: KNOWN,
        }),
    }
}

/// The bytes that prove the defects of the client.
const DEFECTS: &[(Capability, Evidence)] = &[
    (Capability::Whitespace, Evidence::sent(&[RAW_RETURN])),
    (
        Capability::Double,
        Evidence::sent(&["<double>3.141593</double>"]).did_not_send(&["3.14159265"]),
    ),
    (
        Capability::EmptyStruct,
        Evidence::sent(&["<array>\n    <data/>\n   </array>"]),
    ),
    (
        Capability::Nil,
        Evidence::sent(&["<value>\n   <string/>\n  </value>"]).did_not_send(&["<nil/>"]),
    ),
    (
        Capability::I8,
        Evidence::sent(&["<int>2147483647</int>"]).received(&["<i8>2147483648</i8>"]),
    ),
];

const KNOWN: &[Known] = &[
    Known::lacks(
        Capability::WrongParams,
        "no fault, but Int(1)",
        "methods receive an array of the arguments, whatever their number",
    ),
    Known::lacks(
        Capability::Gzip,
        "fault -32700: parse error. not well formed",
        "the extension encodes and decodes documents, and has no HTTP",
    ),
    Known::defect(
        Capability::Whitespace,
        CARRIAGE_RETURN_LOST,
        "a carriage return is written raw, which XML reads as a newline",
        Evidence::sent(&[RAW_RETURN]),
    ),
    Known::defect(
        Capability::Double,
        "got Double(3.141593), wanted Double(3.141592653589793)",
        "doubles are written with six decimals (`%f`): pi as 3.141593, 1e-7 as 0.000000",
        Evidence::sent(&["<double>3.141593</double>"])
            .did_not_send(&["3.14159265"])
            .received(&["<double>3.141592653589793</double>"]),
    ),
    Known::defect(
        Capability::EmptyStruct,
        "got Array([]), wanted Struct({})",
        "an empty struct is decoded as an empty PHP array, which is encoded as an empty array",
        Evidence::sent(&["<array>\n    <data/>\n   </array>"])
            .received(&["<value><struct></struct></value>"]),
    ),
    Known::defect(
        Capability::Nil,
        "got String(\"\"), wanted Nil",
        "null is encoded as an empty string; nil is decoded as null",
        Evidence::sent(&["<string/>"]).received(&["<value><nil/></value>"]),
    ),
    Known::defect(
        Capability::I8,
        "got String(\"\"), wanted Int(2147483648)",
        "an i8 is decoded as null",
        Evidence::sent(&["<string/>"]).received(&["<i8>2147483648</i8>"]),
    ),
    Known::note(
        Capability::ThousandCalls,
        "1000 connections",
        "PHP's built-in web server closes each connection",
    ),
];
