//! The parameters of the methods of a service. The registered closure takes them by value, and the
//! method may borrow them from it.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Error, Pat, PatType, Type};

use crate::signature::{bare, last_segment_is, reject_too_many, scan};

/// A parameter of a method of a service, after `&self`.
pub(crate) struct Param {
    /// The name for introspection; the context has none.
    pub(crate) name: Option<String>,
    /// The type of the parameter of the closure.
    pub(crate) ty: TokenStream,
    /// `true` if the method borrows it from the closure.
    pub(crate) is_borrowed: bool,
    pub(crate) span: Span,
}

impl Param {
    /// Parses all parameters. The context is recognised by the name of its type.
    pub(crate) fn parse_all(params: &[&PatType]) -> syn::Result<Vec<Self>> {
        let has_context = params.first().is_some_and(|first| is_context(&first.ty));
        let (context, arguments) = params.split_at(usize::from(has_context));
        reject_too_many(arguments)?;
        let context = context.iter().map(|param| Ok(Self::context(param)));
        let arguments = arguments.iter().enumerate();
        context
            .chain(arguments.map(|(index, param)| Self::argument(index, param)))
            .collect()
    }

    fn context(param: &PatType) -> Self {
        let (ty, is_borrowed) = match bare(&param.ty) {
            Type::Reference(reference) => (&*reference.elem, true),
            ty => (ty, false),
        };
        Self {
            name: None,
            ty: ty.to_token_stream(),
            is_borrowed,
            span: ty.span(),
        }
    }

    fn argument(index: usize, param: &PatType) -> syn::Result<Self> {
        let span = param.ty.span();
        let (ty, is_borrowed) = match bare(&param.ty) {
            Type::Reference(reference) if reference.mutability.is_none() => {
                (owned_type(&reference.elem, span), true)
            }
            ty if scan(ty).borrowed.is_none() => (Some(ty.to_token_stream()), false),
            _ => (None, false),
        };
        let Some(ty) = ty else {
            return Err(Error::new_spanned(
                &param.ty,
                if is_context(&param.ty) {
                    "the context must be the first parameter after `&self`"
                } else {
                    "an argument must be an owned type, `&str` or `&[T]`"
                },
            ));
        };
        let name = match &*param.pat {
            Pat::Ident(pattern) => pattern.ident.unraw().to_string(),
            _ => String::new(),
        };
        let name = match name.trim_start_matches('_') {
            "" => format!("arg{}", index + 1),
            name => name.to_owned(),
        };
        Ok(Self {
            name: Some(name),
            ty,
            is_borrowed,
            span,
        })
    }
}

/// Returns the owned type of which a reference to `borrowed` can be taken, for `str` and slices.
fn owned_type(borrowed: &Type, span: Span) -> Option<TokenStream> {
    let span = Span::mixed_site().located_at(span);
    match bare(borrowed) {
        Type::Path(ty) if ty.path.is_ident("str") => {
            Some(quote_spanned!(span=> ::std::string::String))
        }
        Type::Slice(slice) if scan(&slice.elem).borrowed.is_none() => {
            let elem = &slice.elem;
            Some(quote_spanned!(span=> ::std::vec::Vec<#elem>))
        }
        _ => None,
    }
}

/// Returns `true` if the type is `Context` or `&Context`, under any path.
fn is_context(ty: &Type) -> bool {
    match bare(ty) {
        Type::Reference(reference) => {
            reference.mutability.is_none() && last_segment_is(&reference.elem, "Context")
        }
        ty => last_segment_is(ty, "Context"),
    }
}
