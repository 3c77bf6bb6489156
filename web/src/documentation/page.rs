//! The page as HTML. The script adds search, forms and copying to it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use farcall_core::protocol::{Catalog, Name};
use farcall_core::{Content as ShapeContent, Description, Kind, Shape};
use pulldown_cmark::HeadingLevel;

use super::escape::{Escaped, Shown};
use super::response::Content;
use super::shape::{self, details, example, short};
use super::{Documentation, markdown};

/// Bytes after which methods are shown without their documentation, so that a page stays small
/// enough for its readers. 2 MiB are 1,000 methods with long texts.
const MAX_DOCUMENTED: usize = 2 << 20;

/// The facts that a rendered page depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) version: u64,
    /// The forms call the service.
    pub(super) calls: bool,
    /// The service has XML-RPC.
    pub(super) xml: bool,
    /// The service has JSON-RPC.
    pub(super) json: bool,
}

/// A rendered page.
pub(super) struct Page {
    pub(super) key: Key,
    pub(super) content: Content,
}

impl Page {
    pub(super) fn render(documentation: &Documentation, methods: &dyn Catalog, key: Key) -> Self {
        let mut groups: BTreeMap<GroupKey, Vec<Name>> = BTreeMap::new();
        for name in methods.names() {
            groups.entry(GroupKey::of(&name)).or_default().push(name);
        }
        let mut out = String::with_capacity(16 << 10);
        write_head(&mut out, documentation, key, &groups);
        for (group, names) in &groups {
            write_group(&mut out, group, names, methods);
        }
        out.push_str(END);
        Self {
            key,
            content: Content::new("text/html; charset=utf-8", out),
        }
    }
}

/// The prefix of names. Those that every server has are the last.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct GroupKey {
    is_builtin: bool,
    prefix: String,
}

impl GroupKey {
    fn of(name: &str) -> Self {
        let prefix = name.rsplit_once('.').map_or("", |(prefix, _)| prefix);
        Self {
            is_builtin: matches!(prefix, "system" | "rpc"),
            prefix: prefix.to_owned(),
        }
    }

    fn title(&self) -> &str {
        if self.prefix.is_empty() {
            "Methods"
        } else {
            &self.prefix
        }
    }
}

// Ids begin with a dot, which the name of no method should.
const END: &str = "<p class=\"none\" hidden>No method matches the search.</p>\n</main>\n\
                   <footer><p>Served by <b>Farcall</b> from the methods that are registered \
                   now.</p></footer>\n</div>\n</body>\n</html>\n";

fn write_head(
    out: &mut String,
    documentation: &Documentation,
    key: Key,
    groups: &BTreeMap<GroupKey, Vec<Name>>,
) {
    let title = &documentation.title;
    let Key {
        calls, xml, json, ..
    } = key;
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <link rel=\"stylesheet\" href=\"?page.css\">\n\
         <script src=\"?page.js\" defer></script>\n</head>\n\
         <body data-calls=\"{calls}\" data-xml=\"{xml}\" data-json=\"{json}\">\n\
         <a class=\"skip\" href=\"#.methods\">Skip to the methods</a>\n\
         <header class=\"bar\">\n<p class=\"brand\">{}</p>\n\
         <div class=\"tools\"></div>\n</header>\n<div class=\"layout\">\n\
         <nav aria-label=\"Methods\">\n",
        Shown(title),
        Shown(title),
    );
    for (group, names) in groups {
        let open = if group.is_builtin { "" } else { " open" };
        let _ = write!(
            out,
            "<details{open}><summary>{} <span class=\"count\">{}</span></summary>\n<ul>\n",
            Shown(group.title()),
            names.len()
        );
        for name in names {
            let shown = name.strip_prefix(&*group.prefix).unwrap_or(name);
            let shown = shown.strip_prefix('.').unwrap_or(shown);
            let _ = writeln!(
                out,
                "<li><a href=\"#{}\" data-link=\"{}\">{}</a></li>",
                Fragment(name),
                Escaped(name),
                Shown(shown)
            );
        }
        out.push_str("</ul></details>\n");
    }
    let _ = write!(
        out,
        "</nav>\n<main id=\".methods\" tabindex=\"-1\">\n<h1>{}",
        Shown(title)
    );
    if let Some(version) = &documentation.version {
        let _ = write!(out, " <span class=\"version\">{}</span>", Shown(version));
    }
    out.push_str("</h1>\n");
    let count: usize = groups.values().map(Vec::len).sum();
    let protocols = match (xml, json) {
        (true, true) => "XML-RPC and JSON-RPC",
        (false, true) => "JSON-RPC",
        _ => "XML-RPC",
    };
    let plural = if count == 1 { "method" } else { "methods" };
    let _ = writeln!(
        out,
        "<p class=\"facts\"><span><b>{count}</b> {plural}</span> <span>{protocols}</span> \
         <span class=\"url\"></span></p>"
    );
    if !documentation.introduction.is_empty() {
        out.push_str("<div class=\"prose introduction\">\n");
        markdown::write(out, &documentation.introduction, HeadingLevel::H2);
        out.push_str("</div>\n");
    }
}

fn write_group(out: &mut String, group: &GroupKey, names: &[Name], methods: &dyn Catalog) {
    let (open, class) = if group.is_builtin {
        ("", " builtin")
    } else {
        (" open", "")
    };
    let title = Shown(group.title());
    let _ = write!(
        out,
        "<details class=\"group{class}\"{open}>\n<summary><h2>{title}</h2></summary>\n"
    );
    for name in names {
        // A method can have been removed since its name was listed.
        if let Some(description) = methods.describe(name) {
            write_method(out, name, &description);
        }
    }
    out.push_str("</details>\n");
}

fn write_method(out: &mut String, name: &str, description: &Description) {
    let is_documented = out.len() <= MAX_DOCUMENTED;
    let variadic = if description.variadic {
        " data-variadic"
    } else {
        ""
    };
    let _ = write!(
        out,
        "<details class=\"method\" id=\"{0}\" data-method=\"{0}\" data-returns=\"{1}\"{variadic}>\n\
         <summary><h3>",
        Escaped(name),
        shape::kind(description.result),
    );
    write_signature(out, name, description);
    out.push_str("</h3>");
    let summary = markdown::first_paragraph(&description.help);
    if is_documented && !summary.is_empty() {
        let _ = write!(out, "<span class=\"brief\">{}</span>", Shown(&summary));
    }
    out.push_str("</summary>\n<div class=\"body\">\n<div class=\"prose\" data-doc>");
    if description.help.is_empty() {
        out.push_str("<p class=\"quiet\">No documentation.</p>\n");
    } else if is_documented {
        markdown::write(out, &description.help, HeadingLevel::H4);
    }
    out.push_str("</div>\n");
    write_parameters(out, description);
    out.push_str("</div>\n</details>\n");
}

fn write_signature(out: &mut String, name: &str, description: &Description) {
    let (prefix, last) = match name.rsplit_once('.') {
        Some((prefix, last)) => (&name[..=prefix.len()], last),
        None => ("", name),
    };
    let _ = write!(
        out,
        "<code data-signature><span class=\"prefix\">{}</span><span class=\"name\">{}</span>(",
        Shown(prefix),
        Shown(last)
    );
    for (index, parameter) in description.params.iter().enumerate() {
        let comma = if index > 0 { ", " } else { "" };
        let _ = write!(
            out,
            "{comma}<span class=\"param\"><var>{}</var>: <i>{}</i></span>",
            Shown(&parameter_name(index, parameter.name.as_deref())),
            Escaped(&short(&parameter.shape()))
        );
    }
    if description.variadic {
        let comma = if description.params.is_empty() {
            ""
        } else {
            ", "
        };
        let _ = write!(out, "{comma}<span class=\"param\"><var>…</var></span>");
    }
    out.push(')');
    if description.result != Kind::Nil {
        let _ = write!(
            out,
            " <span class=\"result\">→ <i>{}</i></span>",
            Escaped(&short(&description.result_shape()))
        );
    }
    out.push_str("</code>");
}

fn write_parameters(out: &mut String, description: &Description) {
    if !description.params.is_empty() {
        out.push_str("<h4>Parameters</h4>\n<ul class=\"parameters\">\n");
    }
    for (index, parameter) in description.params.iter().enumerate() {
        let shape = parameter.shape();
        let name = parameter_name(index, parameter.name.as_deref());
        let _ = write!(
            out,
            "<li data-param=\"{}\" data-kind=\"{}\"",
            Escaped(&name),
            shape::kind(shape.kind)
        );
        if shape.optional {
            out.push_str(" data-optional");
        }
        if let Some(example) = example(&shape) {
            let _ = write!(out, " data-example=\"{}\"", Escaped(&example));
        }
        if let ShapeContent::Choices { choices, .. } = &shape.content {
            let _ = write!(out, " data-choices=\"{}\"", Escaped(&choices.join("\n")));
        }
        let _ = write!(
            out,
            "><code>{}</code> <span class=\"type\">{}</span>",
            Shown(&name),
            Escaped(&short(&Shape {
                optional: false,
                ..shape.clone()
            }))
        );
        if shape.optional {
            out.push_str(" <span class=\"note\">optional</span>");
        }
        if let Some(details) = details(&shape) {
            let _ = write!(out, " <span class=\"inside\">{}</span>", Shown(&details));
        }
        out.push_str("</li>\n");
    }
    if !description.params.is_empty() {
        out.push_str("</ul>\n");
    }
    if let Some(details) = details(&description.result_shape()) {
        let _ = write!(
            out,
            "<h4>Result</h4>\n<p class=\"inside\">{}</p>\n",
            Shown(&details)
        );
    }
}

/// Returns the name of a parameter. One that nobody has named has its number.
fn parameter_name(index: usize, name: Option<&str>) -> String {
    name.map_or_else(|| format!("parameter {}", index + 1), ToOwned::to_owned)
}

/// A name as the fragment of a URL, in an attribute.
struct Fragment<'a>(&'a str);

impl std::fmt::Display for Fragment<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.bytes().try_for_each(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'~' => {
                write!(f, "{}", char::from(byte))
            }
            other => write!(f, "%{other:02X}"),
        })
    }
}
