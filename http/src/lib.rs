//! HTTP for the protocols whose documents it carries: the part that does not depend on the
//! document.
//!
//! Programs use `farcall::xmlrpc` and `farcall::jsonrpc`, which re-export what they need of this
//! crate: [`ClientOptions`](client::ClientOptions), [`HttpError`](client::HttpError),
//! [`InvalidUrl`](client::InvalidUrl) and [`InvalidHeader`](client::InvalidHeader).
//!
//! A protocol creates an [`HttpClient`](client::HttpClient) for a URL. It writes its document into
//! a [request](client::HttpClient::request), [exchanges](client::HttpClient::exchange) that for a
//! response, and [reads](client::HttpClient::read) the document in it.
//!
//! # Features
//!
//! None is on by default.
//!
//! - `client`: the client.
//! - `gzip`: compressed bodies. Without it, no client announces gzip.
//! - `idna`: host names with letters beyond ASCII in the URLs of clients.
//! - `cookies`: the cookies that servers set.
//! - `tls`: `https`, with the cryptography of aws-lc-rs; `tls-ring`: with that of ring.

#![cfg_attr(
    not(all(feature = "client", feature = "gzip")),
    allow(
        dead_code,
        reason = "single functions of shared modules are for one feature only"
    )
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "client")]
pub mod client;
pub mod coding;
#[cfg(all(fuzzing, feature = "client"))]
#[doc(hidden)]
pub mod fuzzing;
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
