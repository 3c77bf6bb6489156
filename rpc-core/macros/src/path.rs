//! The path of rpc-core in the user's crate.

use proc_macro_crate::{FoundCrate, crate_name};
use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::quote;
use syn::{Error, Ident};

/// The crates that re-export rpc-core as `rpc_core`.
const PROTOCOLS: [&str; 2] = ["xmlrpc", "conn"];

pub(crate) struct Core(TokenStream);

impl Core {
    /// Finds rpc-core among the dependencies of the user's crate, or a crate that re-exports it.
    pub(crate) fn find() -> syn::Result<Self> {
        if let Some(name) = dependency("rpc-core") {
            return Ok(Self(quote!(::#name)));
        }
        for protocol in PROTOCOLS {
            if let Some(name) = dependency(protocol) {
                return Ok(Self(quote!(::#name::rpc_core)));
            }
        }
        Err(Error::new(
            Span::call_site(),
            "add `rpc-core`, or a crate that re-exports it (`xmlrpc`, `conn`), to the dependencies \
             in Cargo.toml",
        ))
    }

    /// Returns the path, located at `span`, so that messages of the compiler about it point there.
    pub(crate) fn at(&self, span: Span) -> TokenStream {
        located_at(self.0.clone(), span)
    }
}

fn dependency(package: &str) -> Option<Ident> {
    let name = match crate_name(package).ok()? {
        FoundCrate::Itself => package.replace('-', "_"),
        FoundCrate::Name(name) => name,
    };
    Some(Ident::new(&name, Span::call_site()))
}

/// Returns the same tokens, located at `span`.
pub(crate) fn located_at(tokens: TokenStream, span: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut token| {
            if let TokenTree::Group(group) = &token {
                let stream = located_at(group.stream(), span);
                token = Group::new(group.delimiter(), stream).into();
            }
            token.set_span(token.span().located_at(span));
            token
        })
        .collect()
}
