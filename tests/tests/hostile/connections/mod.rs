//! Attacks on plain connections: the handshake, frames, codecs.

mod client;
mod flood;
mod frames;
mod handshake;
mod pickle;
mod relay;
mod tls;
