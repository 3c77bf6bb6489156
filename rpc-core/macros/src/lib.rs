//! The `#[service]` and `#[client]` attributes of Farcall, whose core documents and
//! re-exports them, and the attribute `#[pickle]` of its pickle codec.

mod attributes;
mod client;
mod errors;
mod param;
mod path;
mod pickle;
mod service;
mod signature;

use proc_macro::TokenStream;

#[proc_macro_attribute]
#[allow(
    missing_docs,
    reason = "documented at the re-export, where the examples can be tested"
)]
pub fn service(options: TokenStream, item: TokenStream) -> TokenStream {
    service::expand(options.into(), item.into()).into()
}

#[proc_macro_attribute]
#[allow(
    missing_docs,
    reason = "documented at the re-export, where the examples can be tested"
)]
pub fn client(options: TokenStream, item: TokenStream) -> TokenStream {
    client::expand(options.into(), item.into()).into()
}

#[proc_macro_attribute]
#[allow(
    missing_docs,
    reason = "documented at the re-export, where the examples can be tested"
)]
pub fn pickle(options: TokenStream, item: TokenStream) -> TokenStream {
    pickle::expand(options.into(), item.into()).into()
}
