//! The attribute `#[pickle]`: it gives structs, enums and variants the reserved names in serde by
//! which the pickle codec knows their classes.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::meta::ParseNestedMeta;
use syn::parse::Parser;
use syn::spanned::Spanned;
use syn::{Attribute, Error, Expr, ExprLit, ExprUnary, Fields, Item, Lit, LitStr, UnOp, Variant};

/// Start of the reserved name of a class. The pickle codec has the same.
const CLASS: &str = "$farcall::pickle::class";

/// Forms of the fields of an instance.
const FORMS: [&str; 5] = ["slots", "fields", "new", "call", "content"];

/// Expands the attribute with these options on an item.
pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    let written = item.clone();
    match with_names(options, item) {
        Ok(item) => item.into_token_stream(),
        // The item stays, so that this is the only message about it.
        Err(error) => {
            let error = error.to_compile_error();
            quote!(#error #written)
        }
    }
}

fn with_names(options: TokenStream, item: TokenStream) -> syn::Result<Item> {
    let parsed = Options::parse(options)?;
    let mut item: Item = syn::parse2(item)?;
    match &mut item {
        Item::Struct(structure) => {
            expect_derive(&structure.attrs, &structure.ident)?;
            let Some(name) = parsed.name(&structure.fields, false)? else {
                return Err(Error::new(
                    structure.ident.span(),
                    "name the class: `#[pickle(class = \"module.Class\")]`",
                ));
            };
            structure.attrs.push(rename(&name));
        }
        Item::Enum(enumeration) => {
            expect_derive(&enumeration.attrs, &enumeration.ident)?;
            if let Some(form) = &parsed.form {
                return Err(Error::new(
                    form.span(),
                    "an enum has no form: its variants have one",
                ));
            }
            let is_mapped = parsed.class.is_some();
            if let Some(name) = parsed.name(&Fields::Unit, false)? {
                enumeration.attrs.push(rename(&name));
            }
            for variant in &mut enumeration.variants {
                expand_variant(variant, is_mapped)?;
            }
        }
        other => return Err(Error::new(other.span(), "expected a struct or an enum")),
    }
    Ok(item)
}

/// Returns an error unless the derive macros of serde come behind: those before the attribute would
/// not see the names.
fn expect_derive(attributes: &[Attribute], name: &syn::Ident) -> syn::Result<()> {
    let derives = attributes.iter().any(|attribute| {
        let text = attribute.to_token_stream().to_string();
        text.contains("derive") && (text.contains("Serialize") || text.contains("Deserialize"))
    });
    if derives {
        return Ok(());
    }
    Err(Error::new(
        name.span(),
        "`#[pickle]` belongs before `#[derive(Serialize, Deserialize)]`",
    ))
}

fn expand_variant(variant: &mut Variant, is_mapped: bool) -> syn::Result<()> {
    let mut options = Options::default();
    let mut kept = Vec::new();
    for attribute in std::mem::take(&mut variant.attrs) {
        if attribute.path().is_ident("pickle") {
            attribute.parse_nested_meta(|meta| options.option(&meta))?;
        } else {
            kept.push(attribute);
        }
    }
    variant.attrs = kept;
    if let Some(name) = options.name(&variant.fields, true)? {
        variant.attrs.push(rename(&name));
    }
    let discriminant = variant.discriminant.as_ref().map(|(_, value)| value);
    let value = match (&options.value, discriminant) {
        (Some(value), _) => Some(value),
        (None, value) if is_mapped => value,
        _ => None,
    };
    if let Some(value) = value {
        let alias = text_of(value)?;
        variant
            .attrs
            .push(syn::parse_quote!(#[serde(alias = #alias)]));
    }
    Ok(())
}

/// Returns the text that the codec has for the value of a member.
fn text_of(value: &Expr) -> syn::Result<String> {
    match value {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => return Ok(text.value()),
        Expr::Lit(ExprLit {
            lit: Lit::Int(number),
            ..
        }) => {
            return Ok(number.base10_digits().to_owned());
        }
        Expr::Unary(ExprUnary {
            op: UnOp::Neg(_),
            expr,
            ..
        }) => {
            if let Expr::Lit(ExprLit {
                lit: Lit::Int(number),
                ..
            }) = &**expr
            {
                return Ok(format!("-{}", number.base10_digits()));
            }
        }
        _ => {}
    }
    Err(Error::new(
        value.span(),
        "the value of a member is a text or an integer",
    ))
}

fn rename(name: &str) -> Attribute {
    syn::parse_quote!(#[serde(rename = #name)])
}

/// The options of one attribute.
#[derive(Default)]
struct Options {
    class: Option<LitStr>,
    form: Option<LitStr>,
    value: Option<Expr>,
}

impl Options {
    fn parse(tokens: TokenStream) -> syn::Result<Self> {
        let mut options = Self::default();
        syn::meta::parser(|meta| options.option(&meta)).parse2(tokens)?;
        if let Some(value) = &options.value {
            return Err(Error::new(value.span(), "only a variant has a value"));
        }
        Ok(options)
    }

    fn option(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        if meta.path.is_ident("class") {
            self.class = Some(meta.value()?.parse()?);
        } else if meta.path.is_ident("form") {
            self.form = Some(meta.value()?.parse()?);
        } else if meta.path.is_ident("value") {
            self.value = Some(meta.value()?.parse()?);
        } else {
            return Err(meta.error("expected `class`, `form` or `value`"));
        }
        Ok(())
    }

    /// Returns the reserved name of the class, if there is one.
    fn name(&self, fields: &Fields, is_variant: bool) -> syn::Result<Option<String>> {
        let form = self.form(fields, is_variant)?;
        let Some(class) = &self.class else {
            return match &self.form {
                Some(form) => Err(Error::new(form.span(), "a form needs a class")),
                None => Ok(None),
            };
        };
        let text = class.value();
        let is_name = |text: &str| {
            text.split('.').all(|part| !part.is_empty()) && !text.contains(char::is_whitespace)
        };
        let (module, name) = text.split_once(':').unwrap_or(("builtins", &text));
        if !is_name(module) || !is_name(name) {
            return Err(Error::new(
                class.span(),
                "a class is `module.Class`, or `module:Outer.Inner` for a nested one",
            ));
        }
        Ok(Some(format!("{CLASS} {form} {text}")))
    }

    fn form(&self, fields: &Fields, is_variant: bool) -> syn::Result<String> {
        let Some(form) = &self.form else {
            return Ok("default".to_owned());
        };
        let text = form.value();
        let is_named = matches!(fields, Fields::Named(_));
        let message = match &*text {
            "slots" | "fields" if !is_named => "this form is one of named fields",
            "content"
                if !is_variant || !matches!(fields, Fields::Unnamed(_)) || fields.len() != 1 =>
            {
                "this form is one of variants with one unnamed field"
            }
            text if !FORMS.contains(&text) => {
                "expected `slots`, `fields`, `new`, `call` or `content`"
            }
            _ => return Ok(text),
        };
        Err(Error::new(form.span(), message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(options: TokenStream, item: TokenStream) -> String {
        expand(options, item).to_string()
    }

    #[test]
    fn a_struct_has_the_name_of_its_class() {
        let item = quote!(
            #[derive(Serialize)]
            struct Order {
                id: u32,
            }
        );
        let text = expanded(quote!(class = "shop.Order", form = "call"), item);
        assert!(
            text.contains("\"$farcall::pickle::class call shop.Order\""),
            "{text}"
        );
    }

    #[test]
    fn members_have_their_values_as_aliases() {
        let item = quote!(
            #[derive(Deserialize)]
            enum Colour {
                Red = 1,
                #[pickle(value = "green")]
                Green,
                Blue = -3,
            }
        );
        let text = expanded(quote!(class = "shop.Colour"), item);
        for alias in ["alias = \"1\"", "alias = \"green\"", "alias = \"-3\""] {
            assert!(text.contains(alias), "{text}");
        }
        assert!(!text.contains("pickle (value"), "{text}");
    }

    #[test]
    fn mistakes_are_explained() {
        let structure = quote!(
            #[derive(Serialize)]
            struct Order {
                id: u32,
            }
        );
        for (options, item, message) in [
            (quote!(), structure.clone(), "name the class"),
            (quote!(class = "a b"), structure.clone(), "a class is"),
            (
                quote!(class = "a.B", form = "x"),
                structure.clone(),
                "expected `slots`",
            ),
            (
                quote!(class = "a.B", form = "content"),
                structure.clone(),
                "of variants",
            ),
            (
                quote!(form = "call"),
                structure.clone(),
                "a form needs a class",
            ),
            (
                quote!(class = "a.B", value = 1),
                structure,
                "only a variant",
            ),
            (
                quote!(class = "a.B"),
                quote!(
                    struct Order;
                ),
                "belongs before",
            ),
            (
                quote!(class = "a.B"),
                quote!(
                    fn order() {}
                ),
                "expected a struct",
            ),
        ] {
            let text = expanded(options, item);
            assert!(text.contains(message), "{message}: {text}");
        }
    }
}
