//! The path of Farcall in the user's crate.

use proc_macro_crate::{FoundCrate, crate_name};
use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::quote;
use syn::{Error, Ident, Path};

/// The packages that the generated code can be based on, and the name that each gives its library.
/// The core comes first, because its own tests see it through the facade as a second crate.
const PACKAGES: [(&str, &str); 2] = [("farcall-core", "farcall_core"), ("farcall", "farcall")];

/// The module with the support code of the macros.
pub(crate) struct Support(TokenStream);

impl Support {
    /// Returns the module in the crate that the option `crate = "…"` names, or else in a dependency
    /// of the user's crate, under the name that the dependency has there.
    pub(crate) fn find(option: Option<&Path>) -> syn::Result<Self> {
        let path = match option {
            Some(path) => quote!(#path),
            None => PACKAGES
                .iter()
                .find_map(|&(package, library)| dependency(package, library))
                .map(|name| quote!(::#name))
                .ok_or_else(|| {
                    Error::new(
                        Span::call_site(),
                        "add `farcall` to the dependencies in Cargo.toml, or name the crate that \
                         re-exports it: `crate = \"…\"`",
                    )
                })?,
        };
        Ok(Self(quote!(#path::__private)))
    }

    /// Returns the path, located at `span`, so that messages of the compiler about it point there.
    pub(crate) fn at(&self, span: Span) -> TokenStream {
        located_at(self.0.clone(), span)
    }
}

fn dependency(package: &str, library: &str) -> Option<Ident> {
    let name = match crate_name(package).ok()? {
        FoundCrate::Itself => library.to_owned(),
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
