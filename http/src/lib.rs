//! HTTP for the protocols whose documents it carries: the part that does not depend on the
//! document.
//!
//! Programs that depend on `farcall` find what they need of this crate, such as
//! [`ServerOptions`](server::ServerOptions), in `farcall::http`. Those that depend on
//! `farcall-xmlrpc` or `farcall-jsonrpc` alone depend on this crate, too.
//!
//! A protocol creates an [`HttpClient`](client::HttpClient) for a URL. It writes its document into
//! a [request](client::HttpClient::request), [exchanges](client::HttpClient::exchange) that for a
//! response, and [reads](client::HttpClient::read) the document in it. To be served, a protocol
//! implements [`Protocol`](server::Protocol), for an [`HttpServer`](server::HttpServer).
//!
//! # Features
//!
//! None is on by default.
//!
//! - `client`, `server`: the two sides.
//! - `gzip`: compressed bodies. Without it, no client announces gzip, and no server accepts it.
//! - `idna`: host names with letters beyond ASCII in the URLs of clients.
//! - `cookies`: the cookies that servers set.
//! - `workers`: servers as workers. `middleware`: the ready-made authentication of
//!   [`ServerOptions::authorize`](server::ServerOptions::authorize).
//! - `tls`: `https`, with the cryptography of aws-lc-rs; `tls-ring`: with that of ring.

#![cfg_attr(
    not(all(feature = "client", feature = "server", feature = "gzip")),
    allow(
        dead_code,
        reason = "single functions of shared modules are for one feature only"
    )
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "client")]
pub mod client;
pub mod coding;
#[cfg(all(fuzzing, feature = "client", feature = "server"))]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "server")]
pub mod server;
mod socket_url;

pub use socket_url::EncodedSocketPath;

/// Defines setters by value, named after their fields.
#[doc(hidden)]
#[macro_export]
macro_rules! setters {
    ($($(#[$meta:meta])* $field:ident: $type:ty,)*) => {$(
        $(#[$meta])*
        pub const fn $field(mut self, $field: $type) -> Self {
            self.$field = $field;
            self
        }
    )*};
}
