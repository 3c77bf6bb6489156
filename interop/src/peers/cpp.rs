//! C++: the classes of xmlrpc-c, based on its C libraries.

use std::process::Command;

use super::xmlrpc_c;
use crate::peer::{Client, Server, Start};
use crate::{Peer, build};

pub(super) fn peer() -> Peer {
    Peer {
        name: "cpp".to_owned(),
        title: "C++ xmlrpc-c".to_owned(),
        packages: "g++ libxmlrpc-core-c3-dev libxmlrpc-c++8-dev",
        version: xmlrpc_c::version("g++", "c++", "xmlrpc-c/base.hpp"),
        client: Client {
            start: Start::new(|| {
                let libraries = [
                    "xmlrpc_client++",
                    "xmlrpc_client",
                    "xmlrpc++",
                    "xmlrpc",
                    "xmlrpc_util",
                ];
                Ok(Command::new(build::program(
                    "g++",
                    "cpp/client.cpp",
                    &libraries,
                )?))
            }),
            lacks: &[xmlrpc_c::NO_GZIP],
            defects: xmlrpc_c::DEFECTS,
        },
        server: Some(Server {
            start: Start::new(|| {
                let libraries = [
                    "xmlrpc_server_abyss++",
                    "xmlrpc_server++",
                    "xmlrpc++",
                    "xmlrpc",
                ];
                Ok(Command::new(build::program(
                    "g++",
                    "cpp/server.cpp",
                    &libraries,
                )?))
            }),
            known: xmlrpc_c::KNOWN,
        }),
    }
}
