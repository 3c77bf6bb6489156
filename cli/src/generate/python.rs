//! Python: a class over `xmlrpc.client`, or over JSON-RPC by `urllib`, and its stub.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::rc::Rc;

use super::model::{Content, Definition, Interface, Method, Protocol, Type};
use super::names::{Names, lines, plain, python_string};

/// The names that the code uses, and keywords. Neither methods nor parameters may hide them, nor
/// types: type checkers look types up in the class, and in the body of a method.
const NAMES: &[&str] = &[
    "Any",
    "Dict",
    "Exception",
    "False",
    "Fault",
    "List",
    "Literal",
    "None",
    "Optional",
    "True",
    "Tuple",
    "TypedDict",
    "Union",
    "and",
    "annotations",
    "as",
    "assert",
    "async",
    "await",
    "bool",
    "break",
    "bytes",
    "cast",
    "class",
    "close",
    "continue",
    "datetime",
    "def",
    "del",
    "dict",
    "elif",
    "else",
    "except",
    "finally",
    "float",
    "for",
    "from",
    "global",
    "if",
    "import",
    "in",
    "int",
    "is",
    "isinstance",
    "json",
    "lambda",
    "list",
    "nonlocal",
    "not",
    "object",
    "or",
    "pass",
    "raise",
    "return",
    "self",
    "str",
    "super",
    "try",
    "urllib",
    "while",
    "with",
    "xmlrpc",
    "yield",
];

/// Writes the module and its stub.
pub(super) fn write(mut interface: Interface) -> [String; 2] {
    let mut types = Names::new(NAMES, "Type", "Unnamed");
    interface.name_types(&mut types);
    [false, true].map(|is_stub| {
        let writer = Writer {
            interface: &interface,
            is_json: interface.protocol == Protocol::Json,
            is_stub,
        };
        writer.module()
    })
}

struct Writer<'a> {
    interface: &'a Interface,
    is_json: bool,
    /// Only signatures are written.
    is_stub: bool,
}

const XMLRPC: &str = r#"
    def __init__(self, url: str, **options: Any) -> None:
        """Makes calls by XML-RPC at a URL. The options are those of `xmlrpc.client.ServerProxy`."""
        options.setdefault("allow_none", True)
        options.setdefault("use_builtin_types", True)
        self._server = xmlrpc.client.ServerProxy(url, **options)

    def _call(self, method: str, required: int, *arguments: Any) -> Any:
        while len(arguments) > required and arguments[-1] is None:
            arguments = arguments[:-1]
        # Not an attribute of the proxy itself, whatever the name.
        return self._server.__getattr__(method)(*arguments)

    def close(self) -> None:
        """Closes the connection."""
        self._server("close")()
"#;

const XMLRPC_STUB: &str = "
    def __init__(self, url: str, **options: Any) -> None: ...
    def close(self) -> None: ...
";

const FAULT: &str = r#"

class Fault(Exception):
    """An error that the server answered with."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.data = data
"#;

const FAULT_STUB: &str = "
class Fault(Exception):
    code: int
    message: str
    data: Any
    def __init__(self, code: int, message: str, data: Any = None) -> None: ...
";

const JSON: &str = r#"
    def __init__(
        self, url: str, headers: Optional[Dict[str, str]] = None, timeout: float = 60.0
    ) -> None:
        """Makes calls by JSON-RPC at a URL of HTTP."""
        self._url = url
        self._headers = {"Content-Type": "application/json", **(headers or {})}
        self._timeout = timeout
        self._id = 0

    def _call(self, method: str, required: int, *arguments: Any) -> Any:
        while len(arguments) > required and arguments[-1] is None:
            arguments = arguments[:-1]
        self._id += 1
        call = {"jsonrpc": "2.0", "id": self._id, "method": method, "params": list(arguments)}
        request = urllib.request.Request(
            self._url, json.dumps(call, allow_nan=False).encode(), self._headers
        )
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as error:
            # Some servers send errors of calls with a status of HTTP.
            if "json" not in error.headers.get("Content-Type", ""):
                raise
            answer = json.load(error)
        if not isinstance(answer, dict):
            raise Fault(-32603, "the answer is not an object")
        failure = answer.get("error")
        if failure is not None:
            raise Fault(failure["code"], failure["message"], failure.get("data"))
        if answer.get("id") != call["id"]:
            raise Fault(-32603, "the answer is not to this call")
        return answer.get("result")
"#;

const JSON_STUB: &str = "
    def __init__(
        self, url: str, headers: Optional[Dict[str, str]] = None, timeout: float = 60.0
    ) -> None: ...
";

impl Writer<'_> {
    fn module(&self) -> String {
        let mut out = String::new();
        let _ = writeln!(
            out,
            "# Written by `farcall generate python` from {}.",
            lines(&self.interface.url).join(" ")
        );
        if !self.is_stub {
            out.push_str("from __future__ import annotations\n");
        }
        out.push('\n');
        out.push_str(match (self.is_json, self.is_stub) {
            (true, false) => "import json\nimport urllib.error\nimport urllib.request\n",
            (false, false) => "import datetime\nimport xmlrpc.client\n",
            (false, true) => "import datetime\n",
            (true, true) => "",
        });
        out.push_str("from typing import Any, Dict, List, Literal, Optional, TypedDict, Union");
        out.push_str(if self.is_stub { "\n" } else { ", cast\n" });
        if self.is_json {
            out.push_str(if self.is_stub { FAULT_STUB } else { FAULT });
        }
        for definition in &self.interface.types {
            self.definition(&mut out, definition);
        }
        let class = &self.interface.class;
        let _ = write!(
            out,
            "\n\nclass {class}:\n    \"\"\"The methods of a server.\"\"\"\n"
        );
        out.push_str(match (self.is_json, self.is_stub) {
            (true, false) => JSON,
            (true, true) => JSON_STUB,
            (false, false) => XMLRPC,
            (false, true) => XMLRPC_STUB,
        });
        let types = self.interface.types.iter();
        let types = Rc::new(types.map(|definition| definition.name.clone()).collect());
        let mut names = Names::new(NAMES, "_", "method").inside(&types);
        for method in &self.interface.methods {
            self.method(&mut out, method, &mut names, &types);
        }
        out
    }

    /// Returns the type of a value. Arrays are lists, also those that have a fixed length.
    fn ty(&self, ty: &Type) -> String {
        let inner = |ty: &Type| self.ty(ty);
        match ty {
            Type::Any | Type::Stream(_) | Type::Object => "Any".to_owned(),
            Type::Nil => "None".to_owned(),
            Type::Bool => "bool".to_owned(),
            Type::Int => "int".to_owned(),
            Type::Double => "float".to_owned(),
            Type::Text => "str".to_owned(),
            Type::Bytes if self.is_json => "str".to_owned(),
            Type::Bytes => "bytes".to_owned(),
            Type::Date if self.is_json => "str".to_owned(),
            Type::Date => "datetime.datetime".to_owned(),
            Type::List(item) => format!("List[{}]", inner(item)),
            Type::Map(value) => format!("Dict[str, {}]", inner(value)),
            Type::Optional(value) => format!("Optional[{}]", inner(value)),
            Type::Tuple(items) => match &items[..] {
                [first, rest @ ..] if rest.iter().all(|item| item == first) => {
                    format!("List[{}]", inner(first))
                }
                _ => "List[Any]".to_owned(),
            },
            Type::Named(index) => self.interface.types[*index].name.clone(),
        }
    }

    /// Writes a type. Types that it refers to are in quotes, since they may follow.
    fn definition(&self, out: &mut String, definition: &Definition) {
        let name = &definition.name;
        let member =
            |name: &str, ty: &str| format!("    {}: {},\n", python_string(name), python_string(ty));
        match &definition.content {
            Content::Struct(members) => {
                let of = |optional: bool| {
                    let members = members.iter().filter(|member| member.optional == optional);
                    let members = members.map(|one| member(&one.name, &self.ty(&one.ty)));
                    members.collect::<String>()
                };
                let (required, optional) = (of(false), of(true));
                let whole = if optional.is_empty() {
                    name.clone()
                } else {
                    format!("_{name}Required")
                };
                let text = python_string(&whole);
                let _ = writeln!(out, "\n{whole} = TypedDict({text}, {{\n{required}}})");
                if !optional.is_empty() {
                    let rest = format!("_{name}Optional");
                    let text = python_string(&rest);
                    let _ = writeln!(
                        out,
                        "{rest} = TypedDict({text}, {{\n{optional}}}, total=False)"
                    );
                    let _ = write!(out, "\n\nclass {name}({whole}, {rest}):\n    pass\n\n");
                }
            }
            Content::Choices(choices) => {
                let choices: Vec<String> = choices.iter().map(|text| python_string(text)).collect();
                let _ = writeln!(out, "\n{name} = Literal[{}]", choices.join(", "));
            }
            Content::Variants(variants) => {
                let mut forms = Vec::new();
                out.push('\n');
                for (index, (tag, value)) in variants.iter().enumerate() {
                    forms.push(match value {
                        None => format!("Literal[{}]", python_string(tag)),
                        Some(value) => {
                            let form = format!("_{name}_{}", index + 1);
                            let member = member(tag, &self.ty(value));
                            let text = python_string(&form);
                            let _ = writeln!(out, "{form} = TypedDict({text}, {{\n{member}}})");
                            form
                        }
                    });
                }
                let _ = writeln!(out, "{name} = Union[{}]", forms.join(", "));
            }
        }
    }

    fn method(
        &self,
        out: &mut String,
        method: &Method,
        names: &mut Names,
        types: &Rc<HashSet<String>>,
    ) {
        let name = names.unique(&plain(&method.short));
        let remote = python_string(&method.name);
        if matches!(method.result, Type::Stream(_) | Type::Object) {
            let _ = writeln!(
                out,
                "\n    # {remote} returns a stream or an object: HTTP has neither."
            );
            return;
        }
        let mut params = String::from("self");
        let required = if method.variadic { 0 } else { method.required };
        let mut given = format!("{remote}, {required}");
        let mut names = Names::new(NAMES, "_", "argument").inside(types);
        for (index, param) in method.params.iter().enumerate() {
            let name = names.unique(&plain(&param.name));
            let _ = if index < method.required {
                write!(params, ", {name}: {}", self.ty(&param.ty))
            } else {
                let ty = self.ty(param.ty.present());
                write!(params, ", {name}: Optional[{ty}] = None")
            };
            let _ = write!(given, ", {name}");
        }
        if method.variadic {
            params.push_str(", *values: Any");
            given.push_str(", *values");
        }
        let result = self.ty(&method.result);
        let _ = write!(out, "\n    def {name}({params}) -> {result}:");
        if self.is_stub {
            out.push_str(" ...\n");
            return;
        }
        out.push('\n');
        write_doc(out, &method.help);
        let _ = match method.result {
            Type::Nil => writeln!(out, "        self._call({given})"),
            Type::Any => writeln!(out, "        return self._call({given})"),
            _ => writeln!(
                out,
                "        return cast({}, self._call({given}))",
                python_string(&result)
            ),
        };
    }
}

/// Writes a docstring. Its text can neither end it, nor be an example that `doctest` would run.
fn write_doc(out: &mut String, help: &str) {
    let lines = lines(help);
    if lines.is_empty() {
        return;
    }
    let lines: Vec<String> = lines
        .iter()
        .map(|line| {
            line.replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace(">>>", "> > >")
        })
        .collect();
    let text = lines.join("\n        ").replace("\n        \n", "\n\n");
    let _ = writeln!(out, "        \"\"\"{text}\"\"\"");
}
