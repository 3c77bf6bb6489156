//! What bodies are read with, on both ends.

/// How much memory is taken at once, however much is announced: more of it as bytes come.
pub(crate) const AHEAD: u64 = 1 << 20;

/// Why a body has no end.
#[derive(Debug)]
pub(crate) enum Broken<E> {
    /// It is over the limit.
    TooLarge,
    /// The connection broke, or the chunks are malformed.
    Disconnected(E),
}
