//! TypeScript: types, and a class over JSON-RPC.

use std::fmt::Write as _;

use super::model::{Content, Definition, Interface, Method, Type};
use super::names::{Names, lines, plain, typescript_string};

const KEYWORDS: &[&str] = &[
    "arguments",
    "as",
    "async",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "eval",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "if",
    "implements",
    "import",
    "in",
    "instanceof",
    "interface",
    "let",
    "new",
    "null",
    "package",
    "private",
    "protected",
    "public",
    "return",
    "static",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "undefined",
    "var",
    "void",
    "while",
    "with",
    "yield",
];

/// Members that every object has, those of the class itself, and `then`, with which an object would
/// be taken for a promise.
const MEMBERS: &[&str] = &[
    "call",
    "constructor",
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "prototype",
    "send",
    "then",
    "toJSON",
    "toLocaleString",
    "toString",
    "url",
    "valueOf",
];

/// Types that the code uses.
const TYPES: &[&str] = &[
    "Array",
    "Error",
    "Fault",
    "JSON",
    "Object",
    "Promise",
    "Record",
    "Request",
    "Response",
    "Uint8Array",
];

/// Writes the code.
pub(super) fn write(mut interface: Interface) -> String {
    let mut types = Names::new(TYPES, "Type", "Unnamed");
    interface.name_types(&mut types);
    let mut out = format!(
        "// Written by `farcall generate typescript` from {}.\n\
         // JavaScript rounds integers beyond 2^53 when it reads them.\n",
        lines(&interface.url).join(" ")
    );
    for definition in &interface.types {
        write_definition(&mut out, &interface, definition);
    }
    let _ = write!(out, "\n{FAULT}\n{}{CLASS}", before_class(&interface));
    let mut names = Names::new(MEMBERS, "_", "method");
    for method in &interface.methods {
        write_method(&mut out, &interface, method, &mut names);
    }
    out.push_str("}\n");
    out
}

fn before_class(interface: &Interface) -> String {
    format!("export class {} {{\n", interface.class)
}

const FAULT: &str = "\
/** An error that the server answered with. */
export class Fault extends Error {
  readonly code: number;
  readonly data: unknown;

  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.name = \"Fault\";
    this.code = code;
    this.data = data;
  }
}
";

const CLASS: &str = "  readonly #url: string;
  readonly #send: typeof fetch;
  #id = 0;

  /** Makes calls by JSON-RPC at a URL. `send` replaces `fetch`, for headers of your own. */
  constructor(url: string, send: typeof fetch = (input, init) => fetch(input, init)) {
    this.#url = url;
    this.#send = send;
  }

  async #call(method: string, required: number, params: unknown[]): Promise<unknown> {
    while (params.length > required && params[params.length - 1] === undefined) {
      params.pop();
    }
    const id = ++this.#id;
    const response = await this.#send(this.#url, {
      method: \"POST\",
      headers: { \"Content-Type\": \"application/json\" },
      body: JSON.stringify({ jsonrpc: \"2.0\", id, method, params }),
    });
    const answer = (await response.json()) as {
      id?: unknown;
      result?: unknown;
      error?: { code: number; message: string; data?: unknown } | null;
    };
    if (answer.error) {
      throw new Fault(answer.error.code, answer.error.message, answer.error.data);
    }
    if (answer.id !== id) {
      throw new Error(\"the answer is not to this call\");
    }
    return answer.result;
  }
";

/// Returns the type of a value. Bytes are texts in base64 in JSON, and dates are texts.
fn type_text(interface: &Interface, ty: &Type) -> String {
    let inner = |ty: &Type| type_text(interface, ty);
    match ty {
        Type::Any | Type::Object | Type::Stream(_) => "unknown".to_owned(),
        Type::Nil => "null".to_owned(),
        Type::Bool => "boolean".to_owned(),
        Type::Int | Type::Double => "number".to_owned(),
        Type::Text | Type::Date => "string".to_owned(),
        Type::Bytes => "string".to_owned(),
        Type::List(item) => format!("Array<{}>", inner(item)),
        Type::Map(value) => format!("{{ [name: string]: {} }}", inner(value)),
        Type::Optional(value) => format!("{} | null", inner(value)),
        Type::Tuple(items) => {
            let items: Vec<String> = items.iter().map(inner).collect();
            format!("[{}]", items.join(", "))
        }
        Type::Named(index) => interface.types[*index].name.clone(),
    }
}

fn write_definition(out: &mut String, interface: &Interface, definition: &Definition) {
    let name = &definition.name;
    match &definition.content {
        Content::Struct(members) => {
            let _ = write!(out, "\nexport interface {name} {{\n");
            for member in members {
                let (optional, ty) = if member.optional {
                    (
                        "?",
                        format!("{} | null", type_text(interface, member.ty.present())),
                    )
                } else {
                    ("", type_text(interface, &member.ty))
                };
                let _ = writeln!(
                    out,
                    "  {}{optional}: {ty};",
                    typescript_string(&member.name)
                );
            }
            out.push_str("}\n");
        }
        Content::Choices(choices) => {
            let choices: Vec<String> = choices.iter().map(|text| typescript_string(text)).collect();
            let _ = writeln!(out, "\nexport type {name} = {};", choices.join(" | "));
        }
        Content::Variants(variants) => {
            let variants = variants.iter().map(|(tag, value)| {
                let tag = typescript_string(tag);
                match value {
                    None => tag,
                    Some(value) => format!("{{ {tag}: {} }}", type_text(interface, value)),
                }
            });
            let variants: Vec<String> = variants.collect();
            let _ = writeln!(
                out,
                "\nexport type {name} =\n  | {};",
                variants.join("\n  | ")
            );
        }
    }
}

fn write_method(out: &mut String, interface: &Interface, method: &Method, names: &mut Names) {
    let name = names.unique(&plain(&method.short));
    let remote = typescript_string(&method.name);
    if matches!(method.result, Type::Stream(_) | Type::Object) {
        let _ = writeln!(
            out,
            "\n  // {remote} returns a stream or an object: HTTP has neither."
        );
        return;
    }
    out.push('\n');
    write_doc(out, &method.help);
    let mut params = Vec::new();
    let mut given = Vec::new();
    let mut names = Names::new(KEYWORDS, "_", "argument");
    for (index, param) in method.params.iter().enumerate() {
        let name = names.unique(&plain(&param.name));
        params.push(if index < method.required {
            format!("{name}: {}", type_text(interface, &param.ty))
        } else {
            format!("{name}?: {}", type_text(interface, param.ty.present()))
        });
        given.push(name);
    }
    if method.variadic {
        params.push("...values: unknown[]".to_owned());
        given.push("...values".to_owned());
    }
    let result = match &method.result {
        Type::Nil => "void".to_owned(),
        other => type_text(interface, other),
    };
    let required = if method.variadic {
        "0".to_owned()
    } else {
        method.required.to_string()
    };
    let call = format!(
        "await this.#call({remote}, {required}, [{}])",
        given.join(", ")
    );
    let body = match method.result {
        Type::Nil => format!("{call};"),
        _ => format!("return ({call}) as {result};"),
    };
    let _ = write!(
        out,
        "  async {name}({}): Promise<{result}> {{\n    {body}\n  }}\n",
        params.join(", ")
    );
}

/// Writes a comment. Neither can its text end it, nor turn checks of the compiler off.
fn write_doc(out: &mut String, help: &str) {
    let lines = lines(help);
    if lines.is_empty() {
        return;
    }
    out.push_str("  /**\n");
    for line in lines {
        let line = line.replace("*/", "*\\/").replace("@ts-", "@ ts-");
        let _ = writeln!(out, "   * {line}");
    }
    out.push_str("   */\n");
}
