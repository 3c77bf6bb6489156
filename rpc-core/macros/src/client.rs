//! `#[client]`: a trait that is implemented for every client.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{
    Attribute, Error, FnArg, Ident, Item, ItemTrait, Pat, PatType, ReturnType, Signature, Token,
    TraitItem, TraitItemFn, parse_quote_spanned,
};

use crate::attributes::{BlockOptions, CallOptions, conditions, take};
use crate::errors::Errors;
use crate::path::Support;
use crate::signature::{
    Access, access, last_segment_is, reject_generics, reject_too_many, scan, typed_params,
};

pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut item = match syn::parse2(item) {
        Ok(Item::Trait(item)) => item,
        Ok(other) => {
            let error = Error::new(
                Span::call_site(),
                "`#[client]` applies to a `trait` that declares the methods of the server",
            );
            let error = error.into_compile_error();
            return quote!(#other #error);
        }
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = Errors::default();
    let options = errors
        .record(BlockOptions::parse("client", options))
        .unwrap_or_default();
    let methods = parse(&options, &mut item, &mut errors);
    let support = errors.record(Support::find(options.library.as_ref()));
    let expanded = support
        .filter(|_| errors.is_empty())
        .map(|support| implement(&support, &mut item, &methods));
    quote!(#item #expanded #errors)
}

/// A method of a client trait, which makes a call.
struct ClientMethod {
    conditions: Vec<Attribute>,
    signature: Signature,
    remote: String,
    options: CallOptions,
}

impl ClientMethod {
    fn is_async(&self) -> bool {
        self.signature.asyncness.is_some()
    }
}

/// Parses the trait, and removes the `#[client]` attributes from its methods.
fn parse(options: &BlockOptions, item: &mut ItemTrait, errors: &mut Errors) -> Vec<ClientMethod> {
    let mut methods: Vec<ClientMethod> = Vec::new();
    for item in &mut item.items {
        let TraitItem::Fn(function) = item else {
            errors.push(Error::new_spanned(
                item,
                "a client trait can have only methods",
            ));
            continue;
        };
        let attributes = take("client", &mut function.attrs);
        let Some(method) = errors.record(parse_method(options, &attributes, function)) else {
            continue;
        };
        if let Some(first) = methods.first()
            && first.is_async() != method.is_async()
        {
            errors.push(Error::new_spanned(
                &method.signature.ident,
                "the methods of a client trait must be all `async`, or all blocking: split the \
                 trait in two",
            ));
        }
        methods.push(method);
    }
    methods
}

fn parse_method(
    options: &BlockOptions,
    attributes: &[Attribute],
    function: &TraitItemFn,
) -> syn::Result<ClientMethod> {
    let TraitItemFn { sig: signature, .. } = function;
    let call = CallOptions::parse(attributes)?;
    if let Some(body) = &function.default {
        return Err(Error::new_spanned(
            body,
            "a client method cannot have a body, since `#[client]` generates the call: end it with \
             `;`",
        ));
    }
    let wrong_receiver = match signature.receiver() {
        Some(receiver) if matches!(access(receiver), Access::Shared) => None,
        Some(receiver) => Some(receiver.to_token_stream()),
        None => Some(signature.ident.to_token_stream()),
    };
    if let Some(tokens) = wrong_receiver {
        return Err(Error::new_spanned(
            tokens,
            "a client method must take `&self`",
        ));
    }
    reject_generics(signature)?;
    reject_too_many(&typed_params(signature).collect::<Vec<&PatType>>())?;
    match &signature.output {
        ReturnType::Type(_, ty) if scan(ty).impl_trait.is_none() => {}
        ReturnType::Type(_, ty) => {
            return Err(Error::new_spanned(
                ty,
                "a client method must be an `async fn` that returns a `Result`",
            ));
        }
        ReturnType::Default => {
            return Err(Error::new_spanned(
                &signature.ident,
                "a call can fail: a client method must return a `Result`, such as \
                 `Result<(), CallError>`",
            ));
        }
    }
    let remote = options.remote_name(&signature.ident, call.name.as_ref());
    Ok(ClientMethod {
        conditions: conditions(&function.attrs),
        signature: signature.clone(),
        remote: match &options.prefix {
            Some(prefix) => format!("{}.{remote}", prefix.value()),
            None => remote,
        },
        options: call,
    })
}

/// Desugars the async methods of the trait, and generates the impl. The methods are bound by
/// `Self: Sized`, so that `dyn Trait` can be used where only a type is needed.
fn implement(support: &Support, item: &mut ItemTrait, methods: &[ClientMethod]) -> TokenStream {
    let span = Span::mixed_site();
    for item in &mut item.items {
        if let TraitItem::Fn(function) = item {
            desugar_async(&mut function.sig);
            let sized = parse_quote_spanned!(span=> Self: ::core::marker::Sized);
            function
                .sig
                .generics
                .make_where_clause()
                .predicates
                .push(sized);
        }
    }
    let caller = if methods.first().is_none_or(ClientMethod::is_async) {
        format_ident!("Caller", span = span)
    } else {
        format_ident!("BlockingCaller", span = span)
    };
    let bodies = methods.iter().map(|method| method.call(support, &caller));
    let support = support.at(span);
    let ItemTrait {
        ident, supertraits, ..
    } = &*item;
    let supertraits = supertraits.iter();
    let mut generics = item.generics.clone();
    generics
        .params
        .push(parse_quote_spanned!(span=> __Caller: #support::#caller #(+ #supertraits)*));
    let (params, _, bounds) = generics.split_for_impl();
    let (_, arguments, _) = item.generics.split_for_impl();
    quote_spanned! {span=>
        #[automatically_derived]
        #[allow(deprecated, unused_qualifications)]
        impl #params #ident #arguments for __Caller #bounds {
            #(#bodies)*
        }
    }
}

/// Turns `async fn f() -> T` into `fn f() -> impl Future<Output = T> + Send`.
fn desugar_async(signature: &mut Signature) {
    if let Some(asyncness) = signature.asyncness.take()
        && let ReturnType::Type(_, ty) = &mut signature.output
    {
        let span = Span::mixed_site().located_at(asyncness.span());
        **ty = parse_quote_spanned! {span=>
            impl ::core::future::Future<Output = #ty> + ::core::marker::Send
        };
    }
}

impl ClientMethod {
    /// Generates the implementation of the method.
    fn call(&self, support: &Support, caller: &Ident) -> TokenStream {
        let Self {
            conditions,
            signature,
            remote,
            options,
        } = self;
        let name_span = Span::mixed_site().located_at(signature.ident.span());
        let mut implementation = signature.clone();
        desugar_async(&mut implementation);
        let arguments = name_arguments(&mut implementation.inputs);
        let is_variadic = typed_params(signature).count() == 1
            && typed_params(signature).all(|param| last_segment_is(&param.ty, "Variadic"));
        let arguments = if is_variadic {
            quote!(#(#arguments)*)
        } else {
            quote_spanned!(name_span=> (#(#arguments,)*))
        };
        let result = match &signature.output {
            ReturnType::Type(_, ty) => ty.to_token_stream(),
            ReturnType::Default => TokenStream::new(),
        };
        let result_span = Span::mixed_site().located_at(result.span());
        let outcome = support.at(result_span);
        let outcome = quote_spanned!(result_span=> <#result as #outcome::Outcome>);
        let support = support.at(name_span);
        // The `self` of the user's signature: one with another span would not resolve to it.
        let this = signature.receiver().map(|receiver| receiver.self_token);
        let context = if options.idempotent.is_some() {
            quote_spanned!(name_span=> #support::Context::new(#remote).idempotent())
        } else {
            quote_spanned!(name_span=> #support::Context::new(#remote))
        };
        let body = match (options.one_way.is_some(), self.is_async()) {
            (true, true) => quote_spanned! {name_span=>
                let reply = #support::#caller::notify(#this, #remote, #arguments);
                async move { #outcome::from_call(reply.await) }
            },
            (true, false) => quote_spanned! {name_span=>
                #outcome::from_call(#support::#caller::notify(#this, #remote, #arguments))
            },
            (false, true) => quote_spanned! {name_span=>
                #support::call_future::<#result, _, _>(#this, #context, &#arguments)
            },
            (false, false) => quote_spanned! {name_span=>
                #outcome::from_call(#support::#caller::call_in(#this, #context, #arguments))
            },
        };
        quote_spanned!(name_span=> #(#conditions)* #implementation { #body })
    }
}

/// Renames the parameters to names that cannot collide with others.
fn name_arguments(inputs: &mut Punctuated<FnArg, Token![,]>) -> Vec<Ident> {
    let params = inputs.iter_mut().filter_map(|input| match input {
        FnArg::Typed(param) => Some(param),
        FnArg::Receiver(_) => None,
    });
    params
        .enumerate()
        .map(|(index, param)| {
            let span = Span::mixed_site().located_at(param.ty.span());
            let name = format_ident!("arg{index}", span = span);
            *param.pat = Pat::Verbatim(name.to_token_stream());
            name
        })
        .collect()
}
