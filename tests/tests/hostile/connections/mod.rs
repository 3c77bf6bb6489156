//! Listeners and clients of plain connections: the handshake, frames, codecs.

mod handshake;
