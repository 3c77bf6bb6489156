//! Generated code: compiled and run.

// The files of this folder are written by the first test with `FARCALL_WRITE=1`.
#[allow(dead_code, unreachable_pub, clippy::use_self, reason = "it is for programs")]
#[rustfmt::skip]
mod demo;
#[allow(dead_code, unreachable_pub, clippy::all, clippy::use_self, reason = "it is an attack")]
#[rustfmt::skip]
mod hostile;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::demo::{Demo, Shapes};
use ::farcall::jsonrpc::Server;
use ::farcall::protocol::output::is_harmless;
use ::farcall::{DateTime, jsonrpc, xmlrpc};
use serde_json::{Value, json};
use tests::pythons;

use self::demo::{Color, Figure, Point};
use super::{farcall, printed};

/// Texts that are code in one of the languages.
const ATTACKS: &[&str] = &[
    "\"); pwned(); (\"",
    "'); pwned(); ('",
    "*/ pwned(); /*",
    "${pwned()}",
    "`pwned()`",
    "\"\"\"\npwned()\n\"\"\"",
    "'''\npwned()\n'''",
    "\npwned()\n",
    "\rpwned()\r",
    "\u{2028}pwned()\u{2028}",
    "\u{202e}pwned()\u{202c}",
    "\\",
    "\\\"",
    "\\u{22}pwned()",
    "\"; compile_error!(\"pwned\"); \"",
    "```\npanic!(\"pwned\");\n```",
    "    panic!(\"pwned\");",
    "-     panic!(\"pwned\");",
    "1. ~~~\npanic!(\"pwned\");\n~~~",
    ">>> pwned()",
    "@ts-nocheck",
    "<script>pwned()</script>",
    "[x](javascript:pwned())",
    "[x]: javascript:pwned()",
    "#![feature(pwned)]",
    "{pwned}",
    "//",
    "\u{7f}\u{85}",
    "é",
    "☃",
];

/// Names that languages, their libraries or the code itself use.
const NAMES: &[&str] = &[
    "",
    "_",
    "__",
    "9",
    "a b",
    "aB",
    "a_b",
    "a.b",
    "self",
    "Self",
    "crate",
    "super",
    "type",
    "fn",
    "async",
    "await",
    "class",
    "def",
    "None",
    "null",
    "true",
    "function",
    "new",
    "then",
    "constructor",
    "prototype",
    "__proto__",
    "toString",
    "__init__",
    "__class__",
    "__getattr__",
    "__call__",
    "mro",
    "_call",
    "call",
    "close",
    "url",
    "id",
    "cast",
    "Any",
    "int",
    "str",
    "Value",
    "String",
    "Vec",
    "Option",
    "Result",
    "CallError",
    "Send",
    "Sized",
    "Default",
    "Client",
    "Methods",
    "Fault",
    "Error",
    "Promise",
    "Array",
    "unknown",
    "datetime",
    "json",
    "xmlrpc",
    "urllib",
    "arguments",
    "values",
    "method",
    "required",
    "eval",
    "x\u{301}",
    "ＡＢ",
];

/// Returns an OpenRPC document full of attacks.
fn attack() -> Value {
    let texts: Vec<String> = NAMES
        .iter()
        .chain(ATTACKS)
        .map(|text| (*text).to_owned())
        .chain(["long".repeat(50)])
        .collect();
    let all: serde_json::Map<String, Value> = texts
        .iter()
        .map(|name| (name.clone(), json!({"type": ["integer", "null"]})))
        .collect();
    let tags: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(index, name)| match index % 2 {
            0 => json!({"type": "string", "enum": [name]}),
            _ => json!({"type": "object", "properties": {name: true}, "required": [name]}),
        })
        .collect();
    let methods: Vec<Value> = texts
        .iter()
        .map(|text| {
            let help = match text.as_str() {
                "_" => ATTACKS.join("\n\n"),
                _ => text.chars().take(80).collect(),
            };
            let other = format!("{text}2");
            let either = json!([
                {"type": "string", "enum": [text]},
                {"type": "object", "properties": {&other: true}, "required": [other]},
            ]);
            let node = json!({
                "title": text, "type": "object",
                "properties": {text: {"$ref": "#/components/schemas/Node"}, "x": {"enum": [text]}},
                "required": [text],
            });
            json!({
                "name": text,
                "description": help,
                "params": [
                    {"name": text, "required": true, "schema": node},
                    {"name": text, "required": true, "schema": {"type": "string"}},
                    {"name": "x", "schema": {"title": text, "enum": [text, "x"]}},
                ],
                "result": {"name": text, "schema": {"title": text, "anyOf": either}},
            })
        })
        .collect();
    json!({
        "openrpc": "1.3.2",
        "info": {"title": ATTACKS[0], "version": ATTACKS[1]},
        "methods": methods,
        "components": {"schemas": {
            "Node": {
                "type": "object",
                "properties": {
                    "next": {"$ref": "#/components/schemas/Node"},
                    "endless": {"$ref": "#/components/schemas/Endless"},
                    "all": {"type": "object", "title": "All", "properties": all},
                },
                "required": ["endless"],
            },
            "Tags": {"anyOf": tags},
            "Endless": {"$ref": "#/components/schemas/Endless"},
        }},
    })
}

/// Starts a server, which stops when the runtime is dropped.
fn serve(server: &Server) -> (String, tokio::runtime::Runtime) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let binding = server.bind("127.0.0.1:0").into_future();
    let bound = runtime.block_on(binding).unwrap();
    let url = bound.url();
    runtime.spawn(bound.serve());
    (url, runtime)
}

fn demo_server() -> (String, tokio::runtime::Runtime) {
    let server = Server::new();
    server.register_instance(Arc::new(Demo::default())).unwrap();
    server.register_instance(Shapes).unwrap();
    serve(&server)
}

fn hostile_server() -> (String, tokio::runtime::Runtime) {
    let server = Server::new();
    server.unregister("system.describe");
    server.register_function("system.describe", attack).unwrap();
    serve(&server)
}

/// Generates code. The URL in it is always the same.
fn generated(file: &str, url: &str, more: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(file);
    let language = match path.extension().and_then(|ending| ending.to_str()) {
        Some("rs") => "rust",
        Some("ts") => "typescript",
        _ => "python",
    };
    let output = ["--file", path.to_str().unwrap()];
    let written = printed(&[&["generate", language, url], &output[..], more].concat());
    assert!(written.ends_with(" methods"), "{written}");
    let code = std::fs::read_to_string(&path).unwrap();
    let shown = url.trim_start_matches("json+");
    code.replace(shown, "http://localhost:8000/")
}

#[test]
fn generated_code_is_that_of_the_tests() {
    let (demo, _demo) = demo_server();
    let (hostile, _hostile) = hostile_server();
    let [json_demo, json_hostile] = [&demo, &hostile].map(|url| format!("json+{url}"));
    for (name, url) in [
        ("demo.rs", &json_demo),
        ("demo.ts", &json_demo),
        ("demo_json.py", &json_demo),
        ("demo_json.pyi", &json_demo),
        ("demo_xml.py", &demo),
        ("demo_xml.pyi", &demo),
        ("hostile.rs", &json_hostile),
        ("hostile.ts", &json_hostile),
        ("hostile_json.py", &json_hostile),
    ] {
        let code = generated(name, url, &[]);
        let file = folder().join(name);
        if std::env::var_os("FARCALL_WRITE").is_some() {
            std::fs::write(&file, &code).unwrap();
        }
        let kept = std::fs::read_to_string(&file).unwrap();
        assert!(kept == code, "{name} is not what is generated: see mod.rs");
        assert!(code.chars().all(|c| c == '\n' || is_harmless(c)), "{name}");
        let docs = code
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("///"));
        for doc in docs {
            let is_code = ["  ", "```", "~~~"].iter().any(|begin| doc.contains(begin));
            assert!(!is_code, "{name}: {doc}");
        }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/generate")
}

#[test]
fn generated_rust_calls_the_server() {
    let (url, runtime) = demo_server();
    runtime.block_on(async {
        let json = jsonrpc::Client::new(&url).unwrap();
        use_methods(&json).await;
        let xml = xmlrpc::Client::new(&url).unwrap();
        use_methods(&xml).await;
    });
}

async fn use_methods(server: &impl demo::Methods) {
    assert_eq!(server.add(3, 5).await.unwrap(), 8);
    assert_eq!(server.concat("a", "b").await.unwrap(), "ab");
    let point = Point {
        x: 1.0,
        y: 2.0,
        label: Some("p".to_owned()),
    };
    let mirrored = server.shapes_mirror(&point).await.unwrap();
    assert_eq!(
        mirrored,
        Point {
            y: -2.0,
            ..point.clone()
        }
    );
    let mirrored = server.shapes_mirror_with_axis(&point, "y").await.unwrap();
    assert_eq!(
        mirrored,
        Point {
            x: -1.0,
            ..point.clone()
        }
    );
    let polygon = Figure::Polygon(vec![
        Point {
            x: 0.0,
            y: 0.0,
            label: None,
        },
        Point {
            x: 2.0,
            y: 0.0,
            label: None,
        },
        point.clone(),
    ]);
    assert_eq!(server.shapes_area(&polygon).await.unwrap(), 2.0);
    assert_eq!(server.shapes_area(&Figure::Nothing).await.unwrap(), 0.0);
    let tree = server
        .shapes_grow_tree_with_levels("t", &Color::Darkgreen, 3)
        .await
        .unwrap();
    let inner = tree.shadow.unwrap();
    assert_eq!((&*inner.node_name, inner.color), ("t'", Color::Darkgreen));
    assert_eq!(inner.children.len(), 1);
    let at: DateTime = "20260102T03:04:05".parse().unwrap();
    let stamped = server.shapes_stamp(&[0, 255], at).await.unwrap();
    assert_eq!(stamped, (at, vec![0, 255], Color::Darkgreen));
    let bounds: BTreeMap<String, f64> = server.shapes_bounds(&[point]).await.unwrap();
    assert_eq!(bounds["y.max"], 2.0);
}

/// The same calls in Python, over a module `generated`.
const PROGRAM: &str = r#"
import datetime, importlib, sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
generated = importlib.import_module("demo_" + sys.argv[3])
server = generated.Methods(sys.argv[2])
is_json = sys.argv[3] == "json"
assert server.add(3, 5) == 8
assert server.concat("a", "b") == "ab"
assert server.sum(1, 2, 3) == 6
point = {"x": 1.0, "y": 2.0, "label": "p"}
assert server.shapes_mirror(point) == {"x": 1.0, "y": -2.0, "label": "p"}
assert server.shapes_mirror(point, "y") == {"x": -1.0, "y": 2.0, "label": "p"}
assert server.shapes_mirror(axis="y", point=point)["x"] == -1.0
assert server.shapes_area("Nothing") == 0.0
assert server.shapes_area({"Polygon": [{"x": 0.0, "y": 0.0}, {"x": 2.0, "y": 0.0}, point]}) == 2.0
tree = server.shapes_growTree("t", "darkgreen", 3)
assert tree["shadow"]["nodeName"] == "t'", tree
data = "AP8=" if is_json else b"\x00\xff"
at = "2026-01-02T03:04:05" if is_json else datetime.datetime(2026, 1, 2, 3, 4, 5)
assert server.shapes_stamp(data, at) == [at, data, "darkgreen"]
assert server.shapes_bounds([point])["y.max"] == 2.0
try:
    server.divide(1.0, 0.0)
except Exception as error:
    assert "division by zero" in str(error), error
else:
    assert False
print("ok")
"#;

/// Loads a hostile module, which does nothing else.
const HOSTILE: &str = r#"
import builtins, doctest, importlib, sys
def pwned(*_):
    print("pwned")
builtins.pwned = pwned
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
generated = importlib.import_module(sys.argv[2])
methods = [name for name in vars(generated.Methods) if not name.startswith("_") and name != "close"]
print(len(methods), doctest.testmod(generated).attempted)
for name in ["__init__", "_call"]:
    code = getattr(generated.Methods, name).__code__
    assert code.co_varnames[1] in ("url", "method"), name
"#;

#[test]
fn generated_python_calls_the_server() {
    let (url, _runtime) = demo_server();
    let folder = folder();
    let folder = folder.to_str().unwrap();
    let (hostile, _hostile) = hostile_server();
    let other = tempfile::tempdir().unwrap();
    std::fs::write(
        other.path().join("hostile_xml.py"),
        generated("x.py", &hostile, &[]),
    )
    .unwrap();
    let xml = other.path().to_str().unwrap();
    let expected = format!("{} 0", methods_of(&attack()));
    // `typing.TypedDict` is of 3.8.
    for python in pythons().iter().filter(|python| python.version >= (3, 8)) {
        for kind in ["xml", "json"] {
            assert_eq!(python.run_text(PROGRAM, &[folder, &url, kind]).trim(), "ok");
        }
        assert_eq!(
            python.run_text(HOSTILE, &[folder, "hostile_json"]).trim(),
            expected
        );
        assert_eq!(
            python.run_text(HOSTILE, &[xml, "hostile_xml"]).trim(),
            expected
        );
    }
}

/// The number of methods that are generated: all but one without a name.
fn methods_of(document: &Value) -> usize {
    document["methods"].as_array().unwrap().len() - 1
}

#[test]
fn a_prefix_chooses_methods() {
    let (url, _runtime) = demo_server();
    let code = generated("shapes.rs", &url, &["--prefix", "shapes", "--blocking"]);
    assert!(code.contains("pub trait Shapes {"), "{code}");
    assert!(
        code.contains("    #[client(name = \"shapes.growTree\")]\n    fn grow_tree("),
        "{code}"
    );
    assert!(
        !code.contains("concat") && !code.contains("async"),
        "{code}"
    );
    let (status, _, err) = farcall(&["generate", "rust", &url, "--prefix", "nothing"]);
    assert_eq!(
        (status, &*err),
        (
            2,
            "farcall: the server describes no methods to generate code for\n"
        )
    );
    let (status, _, err) = farcall(&["generate", "python", "conn+rpc://127.0.0.1:1"]);
    assert_eq!(status, 2);
    assert!(err.contains("Python code needs a URL of HTTP"), "{err}");
}

#[test]
fn servers_without_descriptions_have_signatures() {
    let server = tests::newest_python().serve("server.py", &[]);
    let url = format!("http://127.0.0.1:{}/", server.port);
    let code = printed(&["generate", "rust", &url]);
    let expected = "    /// Adds two numbers.\n    #[client(name = \"add\")]\n    async fn \
                    add(&self, arguments: Variadic<Value>) -> Result<Value, CallError>;";
    assert!(code.contains(expected), "{code}");

    let server = Server::new();
    server.register_instance(Arc::new(Demo::default())).unwrap();
    server.unregister("system.describe");
    let (url, _runtime) = serve(&server);
    let code = printed(&["generate", "python", &url]);
    let expected = "    def divide(self, arg1: float, arg2: float) -> float:\n        \"\"\"Divides one \
                    number by another. Division by zero is a fault.\"\"\"\n        return cast(\"float\", \
                    self._call(\"divide\", 2, arg1, arg2))\n";
    assert!(code.contains(expected), "{code}");
}

/// An object with a method `then` would be taken for a promise, one with `toJSON` for a text.
#[test]
fn methods_do_not_replace_what_the_language_calls_itself() {
    let names = [
        "then",
        "catch",
        "toJSON",
        "toString",
        "valueOf",
        "hasOwnProperty",
        "constructor",
        "__proto__",
        "__init__",
        "__await__",
        "__del__",
        "self",
        "Self",
        "crate",
        "super",
        "class",
    ];
    let server = Server::new();
    for name in names {
        server.register_function(name, || 1).unwrap();
    }
    let (url, _runtime) = serve(&server);
    let json = format!("json+{url}");
    let in_typescript =
        "then_ catch toJSON_ toString_ valueOf_ hasOwnProperty_ constructor_ proto__";
    let in_python = "init__ await__ del__ self_ class_ super_ proto__ then";
    let in_rust = "self_ self_2 crate_ super_ class then init proto";
    let not_in_typescript = "then toJSON toString valueOf hasOwnProperty constructor __proto__";
    let not_in_python = "__await__ __del__ self class super __proto__";
    let not_in_rust = "self Self crate super";
    for (language, url, method, expected, forbidden) in [
        (
            "typescript",
            &json,
            "  async ",
            in_typescript,
            not_in_typescript,
        ),
        ("python", &json, "    def ", in_python, not_in_python),
        ("python", &url, "    def ", in_python, not_in_python),
        ("rust", &url, "    async fn ", in_rust, not_in_rust),
    ] {
        let code = printed(&["generate", language, url]);
        for name in expected.split(' ') {
            let begin = format!("\n{method}{name}(");
            assert!(code.contains(&begin), "{language} has no {name}: {code}");
        }
        for name in forbidden.split(' ') {
            let begin = format!("\n{method}{name}(");
            assert!(!code.contains(&begin), "{language} has {name}: {code}");
        }
    }
}

#[test]
fn passwords_of_urls_are_not_in_the_code() {
    let (url, _runtime) = demo_server();
    for scheme in ["http://", "json+http://"] {
        let url = url.replace("http://", &format!("{scheme}user:correct-horse@"));
        let code = printed(&["generate", "rust", &url]);
        assert!(!code.contains("correct-horse") && code.contains("127.0.0.1"));
    }
}
