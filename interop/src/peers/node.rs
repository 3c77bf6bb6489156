//! Node: the package xmlrpc.

use std::process::Command;

use crate::peer::{Client, Known, Server, Start, Verdict, programs};
use crate::{Capability, Peer};

pub(super) fn peer() -> Peer {
    Peer {
        name: "node".to_owned(),
        title: "Node xmlrpc".to_owned(),
        packages: "nodejs and, from npm, xmlrpc",
        version: Start::new(|| {
            let mut command = Command::new("node");
            let version = "console.log(require('xmlrpc/package.json').version)";
            command.current_dir(programs().join("node"));
            command.arg("-e").arg(version);
            Ok(command)
        }),
        client: Client {
            start: Start::script("node", "node/client.js"),
            lacks: &[NO_GZIP],
        },
        server: Some(Server {
            start: Start::script("node", "node/server.js"),
            lacks: &[
                NO_GZIP,
                (
                    Capability::WrongParams,
                    "methods get an array of whatever came",
                ),
                (Capability::ListMethods, NO_SYSTEM),
                (Capability::MethodHelp, NO_SYSTEM),
                (Capability::MethodSignature, NO_SYSTEM),
                (Capability::Multicall, NO_SYSTEM),
            ],
            known: &[
                Known {
                    capability: Capability::I8,
                    shows: "got String(\"2147483648\"), wanted Int(2147483648)",
                    verdict: Verdict::Note,
                    what: "an i8 is read as a text of digits (`endI8` of lib/deserializer.js)",
                },
                Known {
                    capability: Capability::UnknownMethod,
                    shows: "HTTP status 404 Not Found, no content type, empty body",
                    verdict: Verdict::Defect,
                    what: "a method that is unknown is no fault, but HTTP status 404 without a body \
                           (`handleMethodCall` of lib/server.js)",
                },
                Known {
                    capability: Capability::Error,
                    shows: "accepted: [\"<methodCall><methodName>echo</methodName></params></methodCall>\"]",
                    verdict: Verdict::Defect,
                    what: "a document with an end tag that nothing opened is a call (`sax.createStream()` without \
                           `strict` in lib/deserializer.js)",
                },
            ],
        }),
    }
}

const NO_GZIP: (Capability, &str) = (
    Capability::Gzip,
    "the package neither asks for compressed bodies nor reads them",
);

const NO_SYSTEM: &str = "the package's server has no methods of its own";
