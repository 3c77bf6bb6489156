//! Java: aXMLRPC, a client over the HTTP client of Java's own library.

use std::path::Path;
use std::process::Command;

use crate::peer::{Client, Start, programs};
use crate::{Capability, Peer, build};

const JAR: &str = "/usr/share/java/axmlrpc.jar";

pub(super) fn peer() -> Peer {
    Peer {
        name: "java".to_owned(),
        title: "Java aXMLRPC".to_owned(),
        packages: "default-jdk-headless libaxmlrpc-java",
        version: Start::new(|| {
            // The jar's name is a link to the one with the version.
            let script = "javac -version >/dev/null && basename \"$(readlink -e \"$1\")\" .jar";
            let mut command = Command::new("sh");
            command.args(["-c", script, "sh", JAR]);
            Ok(command)
        }),
        client: Client {
            start: Start::new(client),
            lacks: &[(
                Capability::Gzip,
                "aXMLRPC reads replies as they come, and sends none compressed",
            )],
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
