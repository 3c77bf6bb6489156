//! The path that the user's crate knows rpc-core by.

use proc_macro_crate::{FoundCrate, crate_name};
use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::quote;
use syn::{Error, Ident};

/// The crates that re-export rpc-core as `rpc_core`.
const PROTOCOLS: [&str; 2] = ["xmlrpc", "conn"];

pub(crate) struct Core(TokenStream);

impl Core {
    /// rpc-core as a dependency of the crate that is compiled, or through a protocol's crate.
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
            "neither `rpc-core` nor a crate that brings it (`xmlrpc`, `conn`) is among the \
             dependencies in Cargo.toml",
        ))
    }

    /// The path, so that the compiler's messages about it point at `span`.
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

/// The same tokens, seen at `span`.
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
