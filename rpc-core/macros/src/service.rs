//! `#[service]`: an impl block, and a registration for each method that it offers.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{
    Attribute, Error, Generics, Ident, ImplItem, ImplItemFn, Item, ItemImpl, LitStr, PatType,
    ReturnType, Type, Visibility, parse_quote,
};

use crate::attributes::{BlockOptions, Exposure, MethodOptions, conditions, help, take};
use crate::errors::Errors;
use crate::param::Param;
use crate::path::Support;
use crate::signature::{Access, access, reject_generics, result_span, scan, typed_params};

pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut block = match syn::parse2(item) {
        Ok(Item::Impl(block)) => block,
        Ok(other) => {
            let error = Error::new(
                Span::call_site(),
                "`#[service]` applies to an `impl` block, whose public methods it offers to callers",
            );
            let error = error.into_compile_error();
            return quote!(#other #error);
        }
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = Errors::default();
    let options = errors
        .record(BlockOptions::parse("service", options))
        .unwrap_or_default();
    let support = errors.record(Support::find(options.library.as_ref()));
    let service = Service::parse(options, &mut block, &mut errors);
    let instance = support
        .zip(service)
        .map(|(support, service)| service.instance(&support));
    quote!(#block #instance #errors)
}

/// An impl block whose methods are offered to callers.
struct Service {
    ty: Type,
    generics: Generics,
    prefix: Option<LitStr>,
    methods: Vec<ServiceMethod>,
}

/// A method to register.
struct ServiceMethod {
    conditions: Vec<Attribute>,
    ident: Ident,
    remote: String,
    kind: MethodKind,
}

enum MethodKind {
    Nested,
    Function {
        help: String,
        run: RunMode,
        params: Vec<Param>,
        result: Span,
    },
}

#[derive(Clone, Copy, PartialEq)]
enum RunMode {
    Inline,
    Async,
    Blocking,
}

impl Service {
    /// Parses the block, and removes the `#[service]` attributes from its methods. Methods with
    /// errors are omitted, so that each mistake causes one message.
    fn parse(options: BlockOptions, block: &mut ItemImpl, errors: &mut Errors) -> Option<Self> {
        let mut methods: Vec<ServiceMethod> = Vec::new();
        let mut all_valid = true;
        for item in &mut block.items {
            let ImplItem::Fn(function) = item else {
                continue;
            };
            let attributes = take("service", &mut function.attrs);
            let method = match ServiceMethod::parse(&options, &attributes, function) {
                Ok(Some(method)) => method,
                Ok(None) => continue,
                Err(error) => {
                    errors.push(error);
                    all_valid = false;
                    continue;
                }
            };
            if is_public(function) {
                // `pub` means that callers may call the method, also in private types and with
                // private types in its signature. Following these lints would remove it from the
                // service.
                let lints = parse_quote!(#[allow(unreachable_pub, private_interfaces)]);
                function.attrs.push(lints);
            }
            match methods.iter().find(|other| method.collides(other)) {
                Some(other) => errors.push(Error::new(
                    method.ident.span(),
                    format!(
                        "`{}` is already the remote name of `{}`; choose another one with \
                         `#[service(name = \"…\")]`",
                        method.remote, other.ident
                    ),
                )),
                None => methods.push(method),
            }
        }
        if let Some((path, _)) = &block.trait_ {
            errors.push(Error::new_spanned(
                path,
                "`#[service]` applies to an inherent `impl` block, not to that of a trait",
            ));
            return None;
        }
        if methods.is_empty() && all_valid {
            errors.push(Error::new_spanned(
                &block.self_ty,
                no_methods_message(block),
            ));
        }
        Some(Self {
            ty: (*block.self_ty).clone(),
            generics: block.generics.clone(),
            prefix: options.prefix,
            methods,
        })
    }

    fn instance(&self, support: &Support) -> TokenStream {
        let span = Span::mixed_site();
        let (generics, _, bounds) = self.generics.split_for_impl();
        let Self { ty, prefix, .. } = self;
        let prefix = prefix.iter();
        let registrations = self.methods.iter().map(|method| method.register(support));
        // If the type does not satisfy a bound of `Instance`, the error points at the type.
        let instance = support.at(ty.span());
        let support = support.at(span);
        quote_spanned! {span=>
            #[automatically_derived]
            #[allow(deprecated, unused_qualifications, unused_imports)]
            impl #generics #instance::Instance for #ty #bounds {
                #(const PREFIX: &'static ::core::primitive::str = #prefix;)*

                fn register<__Format: #support::Format>(
                    self: ::std::sync::Arc<Self>,
                    into: &mut #support::Registrar<__Format>,
                ) {
                    use #support::{Exact as _, Guess as _};
                    #(#registrations)*
                }
            }
        }
    }
}

impl ServiceMethod {
    /// Parses a function of the block. Returns `None` if it is not offered.
    fn parse(
        block: &BlockOptions,
        attributes: &[Attribute],
        function: &ImplItemFn,
    ) -> syn::Result<Option<Self>> {
        let MethodOptions { name, exposure } = MethodOptions::parse(attributes)?;
        let signature = &function.sig;
        let receiver = match (signature.receiver(), attributes.first()) {
            _ if matches!(exposure, Exposure::Skipped) => return Ok(None),
            (_, None) if !is_public(function) => return Ok(None),
            (Some(receiver), _) => receiver,
            (None, None) => return Ok(None),
            (None, Some(attribute)) => {
                return Err(Error::new_spanned(
                    attribute,
                    "a function without `&self` cannot be offered to callers",
                ));
            }
        };
        let reason = match access(receiver) {
            Access::Shared => None,
            Access::Exclusive => Some(
                "calls run at the same time: take `&self` and keep mutable state in a `Mutex` or an \
                 atomic, or mark a method that is not for callers with `#[service(skip)]`",
            ),
            Access::Owned => Some(
                "a remote method must take `&self`, since the object serves other calls too; mark a \
                 method that is not for callers with `#[service(skip)]`",
            ),
        };
        if let Some(reason) = reason {
            return Err(Error::new_spanned(receiver, reason));
        }
        reject_generics(signature)?;
        let params: Vec<&PatType> = typed_params(signature).collect();
        let run = match (exposure, signature.asyncness) {
            (Exposure::Nested(prefix), None) if params.is_empty() => {
                return Ok(Some(Self {
                    conditions: conditions(&function.attrs),
                    ident: signature.ident.clone(),
                    remote: block.remote_name(&signature.ident, prefix.as_ref()),
                    kind: MethodKind::Nested,
                }));
            }
            (Exposure::Nested(_), _) => {
                return Err(Error::new_spanned(
                    &signature.ident,
                    "a `nested` method is called once, at registration: it cannot be `async` or \
                     take parameters",
                ));
            }
            (Exposure::Blocking(option), Some(_)) => {
                return Err(Error::new(
                    option,
                    "an `async` method cannot be `blocking`; inside it, use \
                     `tokio::task::spawn_blocking`",
                ));
            }
            (Exposure::Blocking(_), None) => RunMode::Blocking,
            (_, Some(_)) => RunMode::Async,
            (_, None) => RunMode::Inline,
        };
        reject_result(&signature.output)?;
        Ok(Some(Self {
            conditions: conditions(&function.attrs),
            ident: signature.ident.clone(),
            remote: block.remote_name(&signature.ident, name.as_ref()),
            kind: MethodKind::Function {
                help: help(&function.attrs),
                run,
                params: Param::parse_all(&params)?,
                result: result_span(signature),
            },
        }))
    }

    /// Returns `true` if both methods certainly have the same name. Methods with `cfg` attributes
    /// may exclude each other, and nested objects can share a prefix: for these, the registry
    /// reports a duplicate name at run time.
    fn collides(&self, other: &Self) -> bool {
        let is_plain = |method: &Self| {
            method.conditions.is_empty() && matches!(method.kind, MethodKind::Function { .. })
        };
        self.remote == other.remote && is_plain(self) && is_plain(other)
    }

    fn register(&self, support: &Support) -> TokenStream {
        let Self {
            conditions,
            ident,
            remote,
            kind,
        } = self;
        let span = Span::mixed_site();
        let name_span = span.located_at(ident.span());
        let registration = match kind {
            MethodKind::Nested => {
                quote_spanned!(name_span=> into.nested(#remote, Self::#ident(&self));)
            }
            MethodKind::Function {
                help,
                run,
                params,
                result,
            } => {
                let constructor = match run {
                    RunMode::Blocking => quote_spanned!(name_span=> blocking),
                    RunMode::Async => quote_spanned!(name_span=> future),
                    RunMode::Inline => quote_spanned!(name_span=> function),
                };
                let support = support.at(name_span);
                let closure = closure(ident, *run, params, span.located_at(*result));
                let names: Vec<&String> = params
                    .iter()
                    .filter_map(|param| param.name.as_ref())
                    .collect();
                let help = (!help.is_empty()).then(|| quote_spanned!(span=> .help(#help)));
                let names = (!names.is_empty())
                    .then(|| quote_spanned!(span=> .parameter_names([#(#names),*])));
                quote_spanned! {name_span=>
                    let this = ::std::sync::Arc::clone(&self);
                    let (method, result) = #support::#constructor(#remote, #closure);
                    into.method(method.returns((&result).result_shape()) #help #names);
                }
            }
        };
        quote_spanned!(span=> #(#conditions)* { #registration })
    }
}

/// Returns `true` if the method is `pub`. Methods that are `pub(crate)` or similar are for the
/// program only.
const fn is_public(function: &ImplItemFn) -> bool {
    matches!(function.vis, Visibility::Public(_))
}

/// Returns the error message for a block without methods for callers.
fn no_methods_message(block: &ItemImpl) -> String {
    let is_private_method = |item: &ImplItem| {
        matches!(item, ImplItem::Fn(function)
            if function.sig.receiver().is_some() && !is_public(function))
    };
    let remedy = if block.items.iter().any(is_private_method) {
        "add `pub` to the methods that are for callers, or mark them with `#[service]`"
    } else {
        "add one that takes `&self`"
    };
    format!("`#[service]` found no public method to offer to callers: {remedy}")
}

/// Generates the closure to register. It owns the arguments that the method borrows.
fn closure(ident: &Ident, run: RunMode, params: &[Param], span: Span) -> TokenStream {
    let names: Vec<Ident> = (0..)
        .zip(params)
        .map(|(index, param)| format_ident!("arg{index}", span = span.located_at(param.span)))
        .collect();
    let parameters = names.iter().zip(params).map(|(name, param)| {
        let ty = &param.ty;
        quote_spanned!(name.span()=> #name: #ty)
    });
    let arguments = names.iter().zip(params).map(|(name, param)| {
        let borrow = param.is_borrowed.then(|| quote_spanned!(name.span()=> &));
        quote!(#borrow #name)
    });
    let call = quote_spanned!(span=> Self::#ident(&this, #(#arguments),*));
    if run == RunMode::Async {
        quote_spanned! {span=>
            move |#(#parameters),*| {
                let this = ::std::sync::Arc::clone(&this);
                async move { #call.await }
            }
        }
    } else {
        quote_spanned!(span=> move |#(#parameters),*| #call)
    }
}

/// Rejects results that borrow from the object, and results of unnamed types.
fn reject_result(output: &ReturnType) -> syn::Result<()> {
    let ReturnType::Type(_, ty) = output else {
        return Ok(());
    };
    let found = scan(ty);
    match found.borrowed.or(found.impl_trait) {
        Some(_) => Err(Error::new_spanned(
            ty,
            "a remote method must return a named, owned type, such as `String` or `Vec<T>`: the \
             result is sent after the method has returned",
        )),
        None => Ok(()),
    }
}
