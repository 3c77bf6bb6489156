//! The command `xmlrpc` of xmlrpc-c.

use super::xmlrpc_c;
use crate::peer::{Client, Start};
use crate::{Capability, Evidence, Peer};

const SCALARS_ONLY: &str = "parameters can only be scalars";

/// The bytes that prove the defects of the client.
const DEFECTS: &[(Capability, Evidence)] = &[
    (
        Capability::Unicode,
        Evidence::sent(&["\u{e9}\u{4e2d}"]).did_not_send(&["\u{1f600}", "&#128512;", "&#x1f600;"]),
    ),
    (
        Capability::Whitespace,
        Evidence::sent(&["\n\n b \n"]).did_not_send(&["\r\n c", "&#13;", "&#x0d;"]),
    ),
    (
        Capability::Double,
        Evidence::sent(&["<double>-0.00000000015</double>"])
            .received(&["<double>-0.00000000015</double>"]),
    ),
    (
        Capability::Date,
        Evidence::sent(&["<methodName>now</methodName>"]).received(&["<dateTime.iso8601>"]),
    ),
];

pub(super) fn peer() -> Peer {
    Peer {
        name: "xmlrpc-tool".to_owned(),
        title: "Command `xmlrpc`".to_owned(),
        packages: "libxmlrpc-core-c3-dev",
        version: Start::program(
            "sh",
            &[
                "-c",
                "command -v xmlrpc >/dev/null && xmlrpc-c-config --version",
            ],
        ),
        client: Client {
            start: Start::script("bash", "xmlrpc-tool/client"),
            lacks: &[
                (Capability::Array, SCALARS_ONLY),
                (Capability::EmptyArray, SCALARS_ONLY),
                (Capability::Struct, SCALARS_ONLY),
                (Capability::EmptyStruct, SCALARS_ONLY),
                (Capability::Multicall, SCALARS_ONLY),
                (
                    Capability::LargeDocument,
                    "a parameter is an argument of the command, which the system limits to less than 128 KiB",
                ),
                (
                    Capability::ThousandCalls,
                    "each call is a process of its own",
                ),
                xmlrpc_c::NO_GZIP,
            ],
            defects: DEFECTS,
        },
        server: None,
    }
}
