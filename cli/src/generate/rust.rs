//! Rust: a trait marked `#[client]`, and the types of its arguments and results.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::model::{Content, Definition, Interface, Member, Method, Protocol, Type};
use super::names::{Names, lines, pascal, rust_string, snake};

/// Maximum number of arguments of a method of `#[client]`, and of elements of a tuple in serde.
const MAX_ARGUMENTS: usize = 12;

const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "union", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Types and traits that the code uses, and those of the prelude that its expansions use.
const TYPES: &[&str] = &[
    "BTreeMap",
    "Box",
    "CallError",
    "Clone",
    "Copy",
    "DateTime",
    "Debug",
    "Default",
    "Deserialize",
    "Drop",
    "Eq",
    "Err",
    "Fn",
    "From",
    "Into",
    "Iterator",
    "None",
    "Ok",
    "Option",
    "PartialEq",
    "Remote",
    "Result",
    "Self",
    "Send",
    "Serialize",
    "Sized",
    "Some",
    "Stream",
    "String",
    "Sync",
    "ToString",
    "Value",
    "Variadic",
    "Vec",
];

/// Writes the code.
pub(super) fn write(mut interface: Interface, blocking: bool) -> String {
    let mut types = Names::new(TYPES, "Type", "Unnamed");
    interface.name_types(&mut types);
    let writer = Writer {
        interface: &interface,
        used: RefCell::new(BTreeSet::new()),
    };
    let mut body = String::new();
    for (index, definition) in interface.types.iter().enumerate() {
        writer.definition(&mut body, index, definition);
    }
    writer.interface(&mut body, blocking);
    writer.head() + &body
}

struct Writer<'a> {
    interface: &'a Interface,
    /// The types of Farcall and the standard library that the code uses.
    used: RefCell<BTreeSet<&'static str>>,
}

impl Writer<'_> {
    fn head(&self) -> String {
        let used = self.used.borrow();
        let mut out = String::from("// Written by `farcall generate rust` from ");
        let _ = writeln!(out, "{}.\n", lines(&self.interface.url).join(" "));
        if used.contains("BTreeMap") {
            out.push_str("use std::collections::BTreeMap;\n\n");
        }
        let mut imports = vec!["CallError"];
        imports.extend(
            ["DateTime", "Value", "Variadic"]
                .into_iter()
                .filter(|name| used.contains(name)),
        );
        imports.push("client");
        let streams = ["Remote", "Stream"]
            .into_iter()
            .filter(|name| used.contains(name));
        let streams: Vec<&str> = streams.collect();
        match streams[..] {
            [] => {}
            [one] => {
                let _ = writeln!(out, "use farcall::rpc::{one};");
            }
            _ => {
                let _ = writeln!(out, "use farcall::rpc::{{{}}};", streams.join(", "));
            }
        }
        let _ = writeln!(out, "use farcall::{{{}}};", imports.join(", "));
        if !self.interface.types.is_empty() {
            out.push_str("use serde::{Deserialize, Serialize};\n");
        }
        out
    }

    fn used(&self, name: &'static str) -> &'static str {
        self.used.borrow_mut().insert(name);
        name
    }

    /// Returns an owned type. Streams and objects are only results as a whole.
    fn owned(&self, ty: &Type) -> String {
        let inner = |ty: &Type| self.owned(ty);
        match ty {
            Type::Any | Type::Stream(_) | Type::Object => self.used("Value").to_owned(),
            Type::Nil => "()".to_owned(),
            Type::Bool => "bool".to_owned(),
            Type::Int => "i64".to_owned(),
            Type::Double => "f64".to_owned(),
            Type::Text => "String".to_owned(),
            Type::Bytes => "Vec<u8>".to_owned(),
            Type::Date => self.used("DateTime").to_owned(),
            Type::List(item) => format!("Vec<{}>", inner(item)),
            Type::Map(value) => format!("{}<String, {}>", self.used("BTreeMap"), inner(value)),
            Type::Optional(value) => format!("Option<{}>", inner(value)),
            Type::Tuple(items) if items.is_empty() || items.len() > MAX_ARGUMENTS => {
                format!("Vec<{}>", self.used("Value"))
            }
            Type::Tuple(items) => {
                let items: Vec<String> = items.iter().map(inner).collect();
                match &items[..] {
                    [only] => format!("({only},)"),
                    _ => format!("({})", items.join(", ")),
                }
            }
            Type::Named(index) => self.interface.types[*index].name.clone(),
        }
    }

    /// Returns the type of an argument, which is borrowed if that saves a copy.
    fn borrowed(&self, ty: &Type) -> String {
        match ty {
            Type::Text => "&str".to_owned(),
            Type::Bytes => "&[u8]".to_owned(),
            Type::List(item) => format!("&[{}]", self.owned(item)),
            Type::Optional(inner) => format!("Option<{}>", self.borrowed(inner)),
            Type::Nil | Type::Bool | Type::Int | Type::Double | Type::Date => self.owned(ty),
            _ => format!("&{}", self.owned(ty)),
        }
    }

    fn result(&self, ty: &Type) -> String {
        let has_streams = self.interface.protocol == Protocol::Connection;
        match ty {
            Type::Stream(item) if has_streams => {
                format!("{}<{}>", self.used("Stream"), self.owned(item))
            }
            Type::Object if has_streams => self.used("Remote").to_owned(),
            other => self.owned(other),
        }
    }

    /// Returns the type of a part of a definition: in a box if it contains that definition.
    fn part(&self, of: usize, ty: &Type) -> String {
        match ty {
            Type::Named(index) if self.interface.is_inside(*index, of) => {
                format!("Box<{}>", self.owned(ty))
            }
            Type::Optional(inner) => format!("Option<{}>", self.part(of, inner)),
            Type::Tuple(items) if (1..=MAX_ARGUMENTS).contains(&items.len()) => {
                let items: Vec<String> = items.iter().map(|item| self.part(of, item)).collect();
                match &items[..] {
                    [only] => format!("({only},)"),
                    _ => format!("({})", items.join(", ")),
                }
            }
            other => self.owned(other),
        }
    }

    fn definition(&self, out: &mut String, index: usize, definition: &Definition) {
        let name = &definition.name;
        match &definition.content {
            Content::Struct(members) => {
                let _ = write!(
                    out,
                    "\n#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]\n\
                     pub struct {name} {{\n"
                );
                let mut names = Names::new(KEYWORDS, "_", "member");
                for member in members {
                    self.member(out, index, member, &mut names);
                }
                out.push_str("}\n");
            }
            Content::Choices(choices) => {
                let _ = write!(
                    out,
                    "\n#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]\n\
                     pub enum {name} {{\n"
                );
                let mut names = Names::new(&["Self"], "Variant", "Variant");
                for choice in choices {
                    let variant = names.unique(&pascal(choice));
                    rename(out, choice, &variant);
                    let _ = writeln!(out, "    {variant},");
                }
                out.push_str("}\n");
            }
            Content::Variants(variants) => {
                let _ = write!(
                    out,
                    "\n#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]\n\
                     pub enum {name} {{\n"
                );
                let mut names = Names::new(&["Self"], "Variant", "Variant");
                for (tag, value) in variants {
                    let variant = names.unique(&pascal(tag));
                    rename(out, tag, &variant);
                    let _ = match value {
                        None => writeln!(out, "    {variant},"),
                        Some(value) => writeln!(out, "    {variant}({}),", self.part(index, value)),
                    };
                }
                out.push_str("}\n");
            }
        }
    }

    fn member(&self, out: &mut String, of: usize, member: &Member, names: &mut Names) {
        let name = names.unique(&snake(&member.name));
        rename(out, &member.name, &name);
        let ty = self.part(of, member.ty.present());
        if member.optional {
            out.push_str("    #[serde(default, skip_serializing_if = \"Option::is_none\")]\n");
        }
        let is_nilable = member.optional || matches!(member.ty, Type::Optional(_));
        let _ = if is_nilable {
            writeln!(out, "    pub {name}: Option<{ty}>,")
        } else {
            writeln!(out, "    pub {name}: {ty},")
        };
    }

    fn interface(&self, out: &mut String, blocking: bool) {
        let _ = write!(out, "\n#[client]\npub trait {} {{", self.interface.class);
        let mut names = Names::new(KEYWORDS, "_", "method");
        let mut separator = "\n";
        for method in &self.interface.methods {
            for given in lengths(method) {
                out.push_str(separator);
                separator = "\n\n";
                self.method(out, method, given, blocking, &mut names);
            }
        }
        out.push_str("\n}\n");
    }

    /// Writes a method that passes this number of arguments.
    fn method(
        &self,
        out: &mut String,
        method: &Method,
        given: usize,
        blocking: bool,
        names: &mut Names,
    ) {
        let mut wanted = match snake(&method.short) {
            name if name.is_empty() => "method".to_owned(),
            name => name,
        };
        if given > method.required
            && let Some(last) = method.params.get(given - 1)
        {
            wanted = format!("{wanted}_with_{}", snake(&last.name));
        }
        let name = names.unique(&wanted);
        doc(out, &method.help);
        let _ = writeln!(out, "    #[client(name = {})]", rust_string(&method.name));
        let asyncness = if blocking { "" } else { "async " };
        let _ = write!(out, "    {asyncness}fn {name}(&self");
        if is_variadic(method) {
            let (variadic, value) = (self.used("Variadic"), self.used("Value"));
            let _ = write!(out, ", arguments: {variadic}<{value}>");
        } else {
            let mut names = Names::new(KEYWORDS, "_", "argument");
            for (index, param) in method.params[..given].iter().enumerate() {
                let name = names.unique(&snake(&param.name));
                let ty = if index < method.required {
                    self.borrowed(&param.ty)
                } else {
                    self.borrowed(param.ty.present())
                };
                let _ = write!(out, ", {name}: {ty}");
            }
        }
        let _ = write!(
            out,
            ") -> Result<{}, CallError>;",
            self.result(&method.result)
        );
    }
}

fn is_variadic(method: &Method) -> bool {
    method.variadic || method.params.len() > MAX_ARGUMENTS
}

/// Returns the numbers of arguments that can be passed, each of which is a method: an argument that
/// is left out is none.
fn lengths(method: &Method) -> std::ops::RangeInclusive<usize> {
    if is_variadic(method) {
        0..=0
    } else {
        method.required..=method.params.len()
    }
}

fn rename(out: &mut String, theirs: &str, ours: &str) {
    if theirs != ours {
        let _ = writeln!(out, "    #[serde(rename = {})]", rust_string(theirs));
    }
}

/// Writes a doc comment. Its text is Markdown to rustdoc, which would compile and run code in it,
/// and pass markup on: so there are neither code blocks, nor markup, nor links.
fn doc(out: &mut String, help: &str) {
    for line in lines(help) {
        let mut text = String::new();
        // Four spaces begin a code block, also within a list.
        for word in line.split_whitespace() {
            text.push(' ');
            for character in word.chars() {
                if matches!(character, '<' | '[' | ']' | '\\' | '&') {
                    text.push('\\');
                }
                text.push(character);
            }
        }
        let text = text.replace("```", "'''").replace("~~~", "'''");
        let _ = writeln!(out, "    ///{text}");
    }
}
