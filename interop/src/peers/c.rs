//! C: xmlrpc-c, with a client based on curl and its own server, Abyss.

use std::process::Command;

use super::xmlrpc_c;
use crate::peer::{Client, Server, Start};
use crate::{Peer, build};

pub(super) fn peer() -> Peer {
    Peer {
        name: "c".to_owned(),
        title: "C xmlrpc-c".to_owned(),
        packages: "gcc libxmlrpc-core-c3-dev",
        version: xmlrpc_c::version("gcc", "c", "xmlrpc-c/base.h"),
        client: Client {
            start: Start::new(|| {
                let libraries = ["xmlrpc_client", "xmlrpc", "xmlrpc_util"];
                Ok(Command::new(build::program(
                    "gcc",
                    "c/client.c",
                    &libraries,
                )?))
            }),
            lacks: &[xmlrpc_c::NO_GZIP],
            defects: xmlrpc_c::DEFECTS,
        },
        server: Some(Server {
            start: Start::new(|| {
                let libraries = [
                    "xmlrpc_server_abyss",
                    "xmlrpc_server",
                    "xmlrpc",
                    "xmlrpc_util",
                ];
                Ok(Command::new(build::program(
                    "gcc",
                    "c/server.c",
                    &libraries,
                )?))
            }),
            known: xmlrpc_c::KNOWN,
        }),
    }
}
