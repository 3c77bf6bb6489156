//! The command `xmlrpc`, which comes with xmlrpc-c.

use super::xmlrpc_c;
use crate::Capability;
use crate::Peer;
use crate::peer::{Client, Start};

const SCALARS_ONLY: &str = "its parameters are scalars";

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
                    "a parameter is an argument of the command, which the system keeps below 128 KiB",
                ),
                (Capability::ThousandCalls, "it is a process for each call"),
                xmlrpc_c::NO_GZIP,
            ],
        },
        server: None,
    }
}
