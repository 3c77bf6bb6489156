//! Node: the package `xmlrpc`.

use std::process::Command;

use crate::peer::{Client, Known, Server, Start, programs};
use crate::{Capability, Evidence, Peer};

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
            lacks: &[(Capability::Gzip, NO_GZIP)],
            defects: &[],
        },
        server: Some(Server {
            start: Start::script("node", "node/server.js"),
            known: KNOWN,
        }),
    }
}

const KNOWN: &[Known] = &[
    Known::lacks(
        Capability::WrongParams,
        "no fault, but Double(NaN)",
        "methods receive an array of the arguments, whatever their number (1 plus a missing argument is NaN, which is sent as a `double`)",
    ),
    Known::lacks(Capability::ListMethods, NOT_FOUND, NO_SYSTEM),
    Known::lacks(Capability::MethodHelp, NOT_FOUND, NO_SYSTEM),
    Known::lacks(Capability::MethodSignature, NOT_FOUND, NO_SYSTEM),
    Known::lacks(Capability::Gzip, NOT_FOUND, NO_GZIP),
    Known::note(
        Capability::I8,
        "got String(\"2147483648\"), wanted Int(2147483648)",
        "an i8 is decoded as a string of digits (`endI8` in lib/deserializer.js)",
    ),
    Known::defect(
        Capability::UnknownMethod,
        NOT_FOUND,
        "an unknown method is answered with HTTP status 404 without a body, not with a fault \
                           (`handleMethodCall` in lib/server.js)",
        Evidence::sent(&["HTTP/1.1 404 Not Found"]),
    ),
    Known::defect(
        Capability::Error,
        "accepted: [\"<methodCall><methodName>echo</methodName></params></methodCall>\"]",
        "a document with an unmatched end tag is accepted as a call (`sax.createStream()` without \
                           `strict` in lib/deserializer.js)",
        Evidence::sent(&["<methodResponse>"])
            .received(&["<methodName>echo</methodName></params></methodCall>"]),
    ),
];

const NOT_FOUND: &str = "HTTP status 404 Not Found, no content type, empty body";

const NO_SYSTEM: &str = "the package's server has no built-in methods";

const NO_GZIP: &str = "the package neither requests nor reads compressed bodies";
