//! The peers.

mod perl;
mod python;

use crate::Peer;

/// All peers, those in several versions with all that are found.
#[must_use]
pub fn all() -> Vec<Peer> {
    python::cpythons()
        .chain([python::pypy(), perl::peer()])
        .collect()
}
