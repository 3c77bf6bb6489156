//! stub until merge
/// Peer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Peer {
    /// Unknown.
    #[default]
    Unknown,
}
impl std::fmt::Display for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an unknown peer")
    }
}
