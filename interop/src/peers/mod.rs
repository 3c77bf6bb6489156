//! The peers.

mod perl;

use crate::Peer;

/// All peers, those in several versions with all that are found.
#[must_use]
pub fn all() -> Vec<Peer> {
    vec![perl::peer()]
}
