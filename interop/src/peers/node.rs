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
        "methods get an array of whatever came (1 and nothing add up to NaN, which goes as a `double`)",
    ),
    Known::lacks(Capability::ListMethods, NOT_FOUND, NO_SYSTEM),
    Known::lacks(Capability::MethodHelp, NOT_FOUND, NO_SYSTEM),
    Known::lacks(Capability::MethodSignature, NOT_FOUND, NO_SYSTEM),
    Known::lacks(Capability::Gzip, NOT_FOUND, NO_GZIP),
    Known::note(
        Capability::I8,
        "got String(\"2147483648\"), wanted Int(2147483648)",
        "an i8 is read as a text of digits (`endI8` of lib/deserializer.js)",
    ),
    Known::defect(
        Capability::UnknownMethod,
        NOT_FOUND,
        "a method that is unknown is no fault, but HTTP status 404 without a body \
                           (`handleMethodCall` of lib/server.js)",
        Evidence::wrote(&["HTTP/1.1 404 Not Found"]),
    ),
    Known::defect(
        Capability::Error,
        "accepted: [\"<methodCall><methodName>echo</methodName></params></methodCall>\"]",
        "a document with an end tag that nothing opened is a call (`sax.createStream()` without \
                           `strict` in lib/deserializer.js)",
        Evidence::wrote(&["<methodResponse>"])
            .was_given(&["<methodName>echo</methodName></params></methodCall>"]),
    ),
];

const NOT_FOUND: &str = "HTTP status 404 Not Found, no content type, empty body";

const NO_SYSTEM: &str = "the package's server has no methods of its own";

const NO_GZIP: &str = "the package neither asks for compressed bodies nor reads them";
