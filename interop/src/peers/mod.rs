//! The peers.

mod c;
mod cpp;
mod go;
mod java;
mod node;
mod perl;
mod php;
mod python;
mod ruby;
mod xmlrpc_c;
mod xmlrpc_tool;

use crate::Peer;

/// Returns all peers, including every installed version of those with several.
#[must_use]
pub fn all() -> Vec<Peer> {
    python::cpythons()
        .chain([
            python::pypy(),
            perl::peer(),
            ruby::peer(),
            php::peer(),
            node::peer(),
            java::peer(),
            c::peer(),
            cpp::peer(),
            xmlrpc_tool::peer(),
            go::peer(),
        ])
        .collect()
}

/// The failure of the whitespace check if a carriage return is sent unescaped or read as a newline.
const CARRIAGE_RETURN_LOST: &str =
    r#"got String("carriage\nreturn\n"), wanted String("carriage\rreturn\r\n")"#;

/// A carriage return that a peer sent unescaped.
const RAW_RETURN: &str = "carriage\rreturn\r";
