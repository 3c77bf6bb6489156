//! The peers.

mod c;
mod cpp;
mod go;
mod java;
mod perl;
mod python;
mod xmlrpc_c;
mod xmlrpc_tool;

use crate::Peer;

/// All peers, those in several versions with all that are found.
#[must_use]
pub fn all() -> Vec<Peer> {
    python::cpythons()
        .chain([
            python::pypy(),
            perl::peer(),
            java::peer(),
            c::peer(),
            cpp::peer(),
            xmlrpc_tool::peer(),
            go::peer(),
        ])
        .collect()
}
