//! Checks of method signatures, shared by `#[service]` and `#[client]`.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{
    Error, FnArg, GenericParam, Ident, Lifetime, PatType, Receiver, ReceiverKind, ReturnType,
    Signature, Type, TypeFnPtr, TypeImplTrait, TypeReference,
};

/// Maximum number of arguments of a call, not counting a leading context.
pub(crate) const MAX_ARGUMENTS: usize = 12;

/// Rejects generic methods, as a call does not carry types: type and const parameters, and
/// `impl Trait` in parameters.
pub(crate) fn reject_generics(signature: &Signature) -> syn::Result<()> {
    for param in &signature.generics.params {
        if !matches!(param, GenericParam::Lifetime(_)) {
            return Err(Error::new_spanned(
                param,
                "a remote method cannot be generic: a call does not carry types",
            ));
        }
    }
    for param in typed_params(signature) {
        if let Some(span) = scan(&param.ty).impl_trait {
            return Err(Error::new(
                span,
                "a parameter of a remote method needs a named type: a call does not carry types",
            ));
        }
    }
    Ok(())
}

/// Rejects more than [`MAX_ARGUMENTS`] arguments.
pub(crate) fn reject_too_many(params: &[&PatType]) -> syn::Result<()> {
    match params.get(MAX_ARGUMENTS) {
        Some(param) => Err(Error::new_spanned(
            param,
            format!(
                "a remote method takes at most {MAX_ARGUMENTS} arguments; group them in a struct"
            ),
        )),
        None => Ok(()),
    }
}

/// Returns the parameters after the receiver.
pub(crate) fn typed_params(signature: &Signature) -> impl Iterator<Item = &PatType> {
    signature.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(param) => Some(param),
        FnArg::Receiver(_) => None,
    })
}

/// The access of a method to its object.
pub(crate) enum Access {
    /// `&self`, or `self: &Self`.
    Shared,
    /// `&mut self`, or `self: &mut Self`.
    Exclusive,
    /// `self`, or in a smart pointer.
    Owned,
}

pub(crate) fn access(receiver: &Receiver) -> Access {
    let mutability = match &receiver.kind {
        ReceiverKind::Reference(_, _, mutability) => mutability,
        ReceiverKind::Typed(_, ty) => match bare(ty) {
            Type::Reference(ty) if last_segment_is(&ty.elem, "Self") => &ty.mutability,
            _ => return Access::Owned,
        },
        _ => return Access::Owned,
    };
    match mutability {
        None => Access::Shared,
        Some(_) => Access::Exclusive,
    }
}

/// Removes parentheses, and the invisible groups that `macro_rules!` puts around a type.
pub(crate) fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => bare(&group.elem),
        Type::Paren(paren) => bare(&paren.elem),
        _ => ty,
    }
}

/// Returns `true` if the type is a path whose last segment is `name`.
pub(crate) fn last_segment_is(ty: &Type, name: &str) -> bool {
    matches!(bare(ty), Type::Path(ty) if ty.path.segments.last().is_some_and(|last| last.ident == name))
}

/// Returns the span of the return type of a method, or of its name if it has none.
pub(crate) fn result_span(signature: &Signature) -> Span {
    match &signature.output {
        ReturnType::Default => signature.ident.span(),
        ReturnType::Type(_, ty) => ty.span(),
    }
}

/// The parts of a type that some parameters and results cannot have.
#[derive(Default)]
pub(crate) struct TypeScan {
    /// A reference or lifetime that is not `'static`.
    pub(crate) borrowed: Option<Span>,
    /// An `impl Trait`.
    pub(crate) impl_trait: Option<Span>,
}

/// Scans a type and all types within it.
pub(crate) fn scan(ty: &Type) -> TypeScan {
    let mut scan = TypeScan::default();
    scan.visit_type(ty);
    scan
}

impl<'ast> Visit<'ast> for TypeScan {
    fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
        if reference.lifetime.is_none() {
            self.borrowed.get_or_insert_with(|| reference.span());
        }
        syn::visit::visit_type_reference(self, reference);
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if lifetime.ident != Ident::new("static", Span::call_site()) {
            self.borrowed.get_or_insert_with(|| lifetime.span());
        }
    }

    fn visit_type_impl_trait(&mut self, ty: &'ast TypeImplTrait) {
        self.impl_trait.get_or_insert_with(|| ty.span());
    }

    // References within the type of a function pointer borrow nothing from the object.
    fn visit_type_fn_ptr(&mut self, _: &'ast TypeFnPtr) {}
}
