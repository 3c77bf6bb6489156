//! The client and server of Python's standard library: every CPython that is found, and PyPy.

use std::process::Command;

use super::CARRIAGE_RETURN_LOST;
use crate::Capability;
use crate::Peer;
use crate::peer::{Client, Known, Server, Start, Verdict, programs};

const CLIENT: &str = "python/client.py";
const SERVER: &str = "python/server.py";
const VERSION: &str = "import sys; print(sys.version.split()[0])";

/// Every CPython.
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
                lacks: if major == 2 { &[NO_I8] } else { &[] },
            },
            server: Some(Server {
                start: server,
                lacks: if major == 2 {
                    &[NO_I8, NO_SIGNATURES]
                } else {
                    &[NO_SIGNATURES]
                },
                known: KNOWN,
            }),
        }
    })
}

/// PyPy.
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
        },
        server: Some(Server {
            start: Start::script("pypy3", SERVER),
            lacks: &[NO_SIGNATURES],
            known: KNOWN,
        }),
    }
}

const NO_I8: (Capability, &str) = (
    Capability::I8,
    "xmlrpclib of Python 2 knows no `i8` (`Unmarshaller.dispatch`)",
);

const NO_SIGNATURES: (Capability, &str) = (
    Capability::MethodSignature,
    "`SimpleXMLRPCDispatcher.system_methodSignature` answers `signatures not supported`, whatever the method",
);

const KNOWN: &[Known] = &[
    Known {
        capability: Capability::Whitespace,
        shows: CARRIAGE_RETURN_LOST,
        verdict: Verdict::Defect,
        what: "a carriage return is written as it is, which XML reads as a newline (`escape` of the client's module \
               knows `&`, `<` and `>` alone)",
    },
    Known {
        capability: Capability::I8,
        shows: "int exceeds XML-RPC limits",
        verdict: Verdict::Note,
        what: "i8 is read, and never written: integers beyond 32 bits are refused with an OverflowError",
    },
];
