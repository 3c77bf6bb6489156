//! Python: the client and server of the standard library, in every installed CPython and in PyPy.

use std::process::Command;

use super::{CARRIAGE_RETURN_LOST, RAW_RETURN};
use crate::peer::{Client, Known, Server, Start, programs};
use crate::{Capability, Evidence, Peer};

const CLIENT: &str = "python/client.py";
const SERVER: &str = "python/server.py";
const VERSION: &str = "import sys; print(sys.version.split()[0])";

/// The bytes that prove the defects of the client.
const DEFECTS: &[(Capability, Evidence)] =
    &[(Capability::Whitespace, Evidence::sent(&[RAW_RETURN]))];

/// Returns a peer for every installed CPython.
pub(super) fn cpythons() -> impl Iterator<Item = Peer> {
    tests::pythons().into_iter().map(|python| {
        let (major, minor) = python.version;
        let start = |script| {
            let python = python.clone();
            Start::new(move || Ok(python.command_at(&programs().join(script))))
        };
        let (client, server) = (start(CLIENT), start(SERVER));
        Peer {
            name: format!("cpython-{major}.{minor}"),
            title: "CPython".to_owned(),
            packages: "python3",
            version: Start::new(move || Ok(python.command_text(VERSION, &[]))),
            client: Client {
                start: client,
                lacks: &[],
                defects: DEFECTS,
            },
            server: Some(Server {
                start: server,
                known: KNOWN,
            }),
        }
    })
}

/// Returns the peer PyPy.
pub(super) fn pypy() -> Peer {
    Peer {
        name: "pypy".to_owned(),
        title: "PyPy".to_owned(),
        packages: "pypy3",
        version: Start::new(|| {
            let mut command = Command::new("pypy3");
            let version = "import sys; print('%d.%d.%d' % sys.pypy_version_info[:3])";
            command.arg("-c").arg(version);
            Ok(command)
        }),
        client: Client {
            start: Start::script("pypy3", CLIENT),
            lacks: &[],
            defects: DEFECTS,
        },
        server: Some(Server {
            start: Start::script("pypy3", SERVER),
            known: KNOWN,
        }),
    }
}

const KNOWN: &[Known] = &[
    Known::defect(
        Capability::Whitespace,
        CARRIAGE_RETURN_LOST,
        "a carriage return is written raw, which XML reads as a newline (`escape` in the client module \
         escapes only `&`, `<` and `>`)",
        Evidence::sent(&[RAW_RETURN]),
    ),
    Known::lacks(
        Capability::MethodSignature,
        "got String(\"signatures not supported\")",
        "`SimpleXMLRPCDispatcher.system_methodSignature` returns `signatures not supported` for every method",
    ),
    Known::note(
        Capability::I8,
        "int exceeds XML-RPC limits",
        "i8 is decoded, but never encoded: integers beyond 32 bits are refused with an OverflowError",
    ),
];
