//! Descriptions, and the code that is generated of them, before the tools of others. The code is
//! that of the tests of the command.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use demo::{Demo, Shapes, Ticks};
use farcall::jsonrpc::{Client, Server};
use farcall::{Method, xmlrpc};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

fn code() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/tests/generate")
}

async fn serve() -> String {
    let server = Server::new();
    server.register_instance(Arc::new(Demo::default())).unwrap();
    server.register_instance(Shapes).unwrap();
    let registry = server.service().registry();
    registry.register_instance(Ticks).unwrap();
    let odd = Method::function(
        "odd \u{202e}\"",
        |_: Option<i64>, _: bool, _: Option<String>| (),
    )
    .help("<script>\n*/")
    .fault(7, "no money");
    registry.register(odd).unwrap();
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let url = bound.url();
    tokio::spawn(bound.serve());
    url
}

/// Runs a tool, and returns its output.
async fn run(command: &mut Command, input: &str) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a tool is missing: run interop/install");
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).await.unwrap();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    out.trim_end().to_owned()
}

#[tokio::test]
async fn the_document_is_valid_by_the_meta_schema() {
    let url = serve().await;
    let document: Value = Client::new(&url)
        .unwrap()
        .call("rpc.discover", ())
        .await
        .unwrap();
    let mut python = Command::new(peers().join("venv/bin/python"));
    python.arg(peers().join("generate/openrpc.py"));
    let checked = run(&mut python, &document.to_string()).await;
    assert_eq!(
        checked,
        document["methods"].as_array().unwrap().len().to_string()
    );
    // It is the same over XML-RPC, but for the methods of JSON-RPC alone.
    let described: Value = xmlrpc::Client::new(&url)
        .unwrap()
        .call("system.describe", ())
        .await
        .unwrap();
    let methods = document["methods"].as_array().unwrap();
    for method in described["methods"].as_array().unwrap() {
        let name = method["name"].as_str().unwrap();
        assert!(
            methods.contains(method) || name.starts_with("system."),
            "{name}"
        );
    }
}

#[tokio::test]
async fn generated_typescript_is_strict_and_calls_the_server() {
    let folder = peers().join("generate");
    let built = tempfile::tempdir().unwrap();
    for file in ["demo.ts", "hostile.ts"] {
        std::fs::copy(code().join(file), built.path().join(file)).unwrap();
    }
    std::fs::copy(folder.join("calls.ts"), built.path().join("calls.ts")).unwrap();
    std::fs::write(built.path().join("package.json"), r#"{"type": "module"}"#).unwrap();
    let mut tsc = Command::new("node");
    tsc.arg(folder.join("node_modules/typescript/bin/tsc"))
        .args([
            "--strict",
            "--noUncheckedIndexedAccess",
            "--exactOptionalPropertyTypes",
        ])
        .args([
            "--target",
            "es2022",
            "--module",
            "nodenext",
            "--lib",
            "es2022,dom",
        ])
        .args(["calls.ts", "hostile.ts"])
        .current_dir(built.path());
    run(&mut tsc, "").await;
    let url = serve().await;
    let mut node = Command::new("node");
    node.args(["calls.js", &url]).current_dir(built.path());
    assert_eq!(run(&mut node, "").await, "ok");
}

#[tokio::test]
async fn generated_python_is_strict() {
    // The stubs stand before the modules, if both are beside each other.
    let mut mypy = Command::new(peers().join("venv/bin/python"));
    mypy.args([
        "-m",
        "mypy",
        "--strict",
        "--no-incremental",
        "--cache-dir",
        "/dev/null",
    ])
    .args(["demo_xml.py", "demo_json.py", "hostile_json.py"])
    .current_dir(code());
    run(&mut mypy, "").await;
    let modules = tempfile::tempdir().unwrap();
    for name in ["demo_xml", "demo_json", "hostile_json"] {
        let file = code().join(name).with_extension("py");
        std::fs::copy(file, modules.path().join(name).with_extension("py")).unwrap();
    }
    let mut mypy = Command::new(peers().join("venv/bin/python"));
    mypy.args([
        "-m",
        "mypy",
        "--strict",
        "--no-incremental",
        "--cache-dir",
        "/dev/null",
        ".",
    ])
    .current_dir(modules.path());
    run(&mut mypy, "").await;
}
