//! Java: aXMLRPC, a client based on the HTTP client of the standard library.

use std::path::Path;
use std::process::Command;

use crate::peer::{Client, Start, programs};
use crate::{Capability, Evidence, Peer, build};

const JAR: &str = "/usr/share/java/axmlrpc.jar";

/// The bytes that prove the defects of the client.
const DEFECTS: &[(Capability, Evidence)] = &[
    (Capability::Whitespace, Evidence::sent(&[" b \r\n c \r "])),
    (Capability::Struct, Evidence::sent(&["<name>a<&></name>"])),
];

pub(super) fn peer() -> Peer {
    Peer {
        name: "java".to_owned(),
        title: "Java aXMLRPC".to_owned(),
        packages: "default-jdk-headless libaxmlrpc-java",
        version: Start::program(
            "sh",
            &[
                "-c",
                "javac -version >/dev/null && ls /usr/share/java/axmlrpc-*.jar | sed 's/.*axmlrpc-//; s/.jar$//'",
            ],
        ),
        client: Client {
            start: Start::new(client),
            lacks: &[(
                Capability::Gzip,
                "aXMLRPC neither requests nor decompresses compressed replies, and does not compress calls",
            )],
            defects: DEFECTS,
        },
        server: None,
    }
}

fn client() -> anyhow::Result<Command> {
    let classes = build::folder("java")?;
    let mut compiler = Command::new("javac");
    compiler
        .args(["-Xlint:all", "-Werror", "-classpath", JAR, "-d"])
        .arg(&classes)
        .arg(programs().join("java/Client.java"));
    build::run(&mut compiler)?;
    let path = std::env::join_paths([Path::new(JAR), &classes])?;
    let mut command = Command::new("java");
    command.arg("-classpath").arg(path).arg("Client");
    Ok(command)
}
