//! The options in `#[service(…)]` and `#[client(…)]`, and the `cfg` and `doc` attributes of
//! methods.

use proc_macro2::{Span, TokenStream};
use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::parse::Parser;
use syn::spanned::Spanned;
use syn::{Attribute, Error, Expr, ExprLit, Ident, Lit, LitStr, Meta, Path};

/// The options of `#[service(…)]` on an impl block, or of `#[client(…)]` on a trait.
#[derive(Default)]
pub(crate) struct BlockOptions {
    pub(crate) prefix: Option<LitStr>,
    camel_case: Option<()>,
    /// The path of the crate with the support code, if it is not found by its name.
    pub(crate) library: Option<Path>,
}

impl BlockOptions {
    pub(crate) fn parse(attribute: &str, tokens: TokenStream) -> syn::Result<Self> {
        let mut options = Self::default();
        syn::meta::parser(|meta| match key(&meta).as_str() {
            "prefix" => set_once(&mut options.prefix, &meta, string(&meta)?),
            "rename_all" => set_once(&mut options.camel_case, &meta, camel_case_rule(&meta)?),
            "crate" => set_once(&mut options.library, &meta, library(&meta)?),
            _ => Err(meta.error(format!(
                "unknown option: `#[{attribute}]` takes `prefix = \"…\"`, \
                 `rename_all = \"camelCase\"` and `crate = \"…\"` here"
            ))),
        })
        .parse2(tokens)?;
        Ok(options)
    }

    /// Returns the name of the method `ident` for callers, without the prefix.
    pub(crate) fn remote_name(&self, ident: &Ident, own: Option<&LitStr>) -> String {
        match own {
            Some(name) => name.value(),
            None if self.camel_case.is_some() => camel_case(&ident.unraw().to_string()),
            None => ident.unraw().to_string(),
        }
    }
}

fn camel_case_rule(meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    let rule = string(meta)?;
    if rule.value() == "camelCase" {
        Ok(())
    } else {
        Err(Error::new_spanned(
            rule,
            "unknown rule: the only one is `\"camelCase\"`",
        ))
    }
}

/// Parses the path in `crate = "…"`.
fn library(meta: &ParseNestedMeta<'_>) -> syn::Result<Path> {
    let text = string(meta)?;
    text.parse_with(Path::parse_mod_style).map_err(|_| {
        Error::new_spanned(
            text,
            "expected the path of a crate or module that re-exports Farcall, such as \
             `crate = \"my_crate::farcall\"`",
        )
    })
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_').filter(|word| !word.is_empty());
    let mut renamed = words.next().unwrap_or(name).to_owned();
    for word in words {
        let (first, rest) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
        renamed.extend(first.chars().flat_map(char::to_uppercase));
        renamed.push_str(rest);
    }
    renamed
}

/// The way in which a method of a service is offered.
pub(crate) enum Exposure {
    Skipped,
    Function,
    Blocking(Span),
    /// The method returns an object whose methods are offered, under this prefix or else under the
    /// name of the method.
    Nested(Option<LitStr>),
}

/// The options of one method, in `#[service(…)]` on it.
pub(crate) struct MethodOptions {
    pub(crate) name: Option<LitStr>,
    pub(crate) exposure: Exposure,
}

impl MethodOptions {
    pub(crate) fn parse(attributes: &[Attribute]) -> syn::Result<Self> {
        let mut name = None;
        let mut exposure = None;
        for_each_option(attributes, |meta| {
            let value = match key(&meta).as_str() {
                "name" => return set_once(&mut name, &meta, string(&meta)?),
                "skip" => Exposure::Skipped,
                "blocking" => Exposure::Blocking(meta.path.span()),
                "nested" if meta.input.peek(syn::Token![=]) => {
                    Exposure::Nested(Some(string(&meta)?))
                }
                "nested" => Exposure::Nested(None),
                _ => {
                    return Err(meta.error(
                        "unknown option: `#[service]` takes `name = \"…\"`, `skip`, `blocking`, \
                         `nested` and `nested = \"…\"` on a method, or nothing",
                    ));
                }
            };
            if exposure.replace(value).is_some() {
                return Err(meta.error("only one of `skip`, `blocking` and `nested` is allowed"));
            }
            Ok(())
        })?;
        let exposure = exposure.unwrap_or(Exposure::Function);
        match (&name, &exposure) {
            (Some(name), Exposure::Skipped) => Err(Error::new_spanned(
                name,
                "a skipped method cannot have a name for callers",
            )),
            (Some(name), Exposure::Nested(_)) => Err(Error::new_spanned(
                name,
                "write the prefix as `nested = \"…\"`",
            )),
            _ => Ok(Self { name, exposure }),
        }
    }
}

/// The options of one method, in `#[client(…)]` on it.
#[derive(Default)]
pub(crate) struct CallOptions {
    pub(crate) name: Option<LitStr>,
    pub(crate) idempotent: Option<()>,
    pub(crate) one_way: Option<()>,
}

impl CallOptions {
    pub(crate) fn parse(attributes: &[Attribute]) -> syn::Result<Self> {
        let mut options = Self::default();
        for_each_option(attributes, |meta| match key(&meta).as_str() {
            "name" => set_once(&mut options.name, &meta, string(&meta)?),
            "idempotent" => set_once(&mut options.idempotent, &meta, ()),
            "one_way" => set_once(&mut options.one_way, &meta, ()),
            _ => Err(meta.error(
                "unknown option: `#[client]` takes `name = \"…\"`, `idempotent` and `one_way` on \
                 a method",
            )),
        })?;
        Ok(options)
    }
}

/// Removes the `#[service(…)]` or `#[client(…)]` attributes of a method, and returns them.
pub(crate) fn take(attribute: &str, attributes: &mut Vec<Attribute>) -> Vec<Attribute> {
    let is_ours = |found: &mut Attribute| {
        let last = found.path().segments.last();
        last.is_some_and(|segment| segment.ident == attribute)
    };
    attributes.extract_if(.., is_ours).collect()
}

/// Returns the `cfg` attributes of a method, which apply to its registration too.
pub(crate) fn conditions(attributes: &[Attribute]) -> Vec<Attribute> {
    let is_condition = |found: &&Attribute| found.path().is_ident("cfg");
    attributes.iter().filter(is_condition).cloned().collect()
}

/// Returns the text of the doc comments.
pub(crate) fn help(attributes: &[Attribute]) -> String {
    let mut lines = Vec::new();
    for attribute in attributes {
        if let Meta::NameValue(meta) = &attribute.meta
            && meta.path.is_ident("doc")
            && let Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            }) = &meta.value
        {
            let text = text.value();
            lines.extend(
                text.split('\n')
                    .map(|line| line.strip_prefix(' ').unwrap_or(line).to_owned()),
            );
        }
    }
    lines.join("\n").trim().to_owned()
}

fn for_each_option(
    attributes: &[Attribute],
    mut option: impl FnMut(ParseNestedMeta<'_>) -> syn::Result<()>,
) -> syn::Result<()> {
    attributes
        .iter()
        // A bare attribute has no options.
        .filter(|attribute| !matches!(attribute.meta, Meta::Path(_)))
        .try_for_each(|attribute| attribute.parse_nested_meta(&mut option))
}

fn key(meta: &ParseNestedMeta<'_>) -> String {
    meta.path
        .get_ident()
        .map(Ident::to_string)
        .unwrap_or_default()
}

fn set_once<T>(option: &mut Option<T>, meta: &ParseNestedMeta<'_>, value: T) -> syn::Result<()> {
    match option.replace(value) {
        Some(_) => Err(meta.error("duplicate option")),
        None => Ok(()),
    }
}

fn string(meta: &ParseNestedMeta<'_>) -> syn::Result<LitStr> {
    let text: LitStr = meta.value()?.parse()?;
    if text.value().is_empty() {
        return Err(Error::new_spanned(text, "the name is empty"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    #[test]
    fn camel_case_joins_words() {
        assert_eq!(camel_case("get_user_name"), "getUserName");
        assert_eq!(camel_case("_private__x_2"), "privateX2");
        assert_eq!(camel_case("add"), "add");
        assert_eq!(camel_case("_"), "_");
        assert_eq!(camel_case("prix_été"), "prixÉté");
    }

    #[test]
    fn help_is_the_doc_comment_as_written() {
        let attributes: Vec<Attribute> = parse_quote! {
            /// Adds.
            ///
            ///     add(1, 2)
            #[cfg(unix)]
            /// Done.
            #[doc(hidden)]
        };
        assert_eq!(help(&attributes), "Adds.\n\n    add(1, 2)\nDone.");
        assert_eq!(help(&[]), "");
    }
}
