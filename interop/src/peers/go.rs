//! Go: kolo/xmlrpc, a client based on net/rpc and net/http.

use std::process::Command;

use crate::peer::{Client, Start, programs};
use crate::{Capability, Evidence, Peer, build};

/// The folder in which Debian installs the sources of libraries.
const SOURCES: &str = "/usr/share/gocode";

/// The bytes that prove the defects of the client.
const DEFECTS: &[(Capability, Evidence)] = &[
    (
        Capability::EmptyString,
        Evidence::sent(&["<methodName>echo</methodName>"])
            .received(&["<value><string></string></value>"]),
    ),
    (Capability::Struct, Evidence::sent(&["<name>a<&></name>"])),
];

pub(super) fn peer() -> Peer {
    Peer {
        name: "go".to_owned(),
        title: "Go kolo/xmlrpc".to_owned(),
        packages: "golang-go golang-github-kolo-xmlrpc-dev",
        version: Start::program(
            "sh",
            &[
                "-c",
                // The library has no version of its own, so that of its package is used.
                "go version >/dev/null && dpkg-query --show --showformat '${Version}' golang-github-kolo-xmlrpc-dev",
            ],
        ),
        client: Client {
            start: Start::new(client),
            lacks: &[(
                Capability::Nil,
                "the library cannot send nil; `<nil/>` leaves the variable that it is decoded into unchanged",
            )],
            defects: DEFECTS,
        },
        server: None,
    }
}

fn client() -> anyhow::Result<Command> {
    let folder = build::folder("go")?;
    let program = folder.join("client");
    let mut compiler = Command::new("go");
    compiler
        .args(["build", "-o"])
        .arg(&program)
        .arg(programs().join("go/client.go"))
        // Module mode would need the network.
        .env("GO111MODULE", "off")
        .env("GOPATH", SOURCES)
        .env("GOCACHE", folder.join("cache"));
    build::run(&mut compiler)?;
    Ok(Command::new(program))
}
