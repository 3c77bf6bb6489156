//! The documentation page in Chromium: `interop/install` installs it, and playwright and axe from
//! npm. With `FARCALL_SHOTS=docs`, the screenshots of `docs` are made anew.

#![allow(
    clippy::unwrap_used,
    reason = "a failure of a helper is one of its test"
)]

use std::path::Path;
use std::process::Command;

use demo::{Demo, Hostile, Specification};
use farcall::http::ServerOptions;
use farcall::web::Documentation;
use farcall::{Method, Registry, jsonrpc, xmlrpc};

const MARKUP: &str = "<script>window.pwned=1</script><img src=x onerror=window.pwned=1>\
                      \"'><b onclick=window.pwned=1>*/ */ ${window.pwned=1} `x`\u{202e}";

async fn serve(server: jsonrpc::Server) -> String {
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let url = bound.url().replace("/RPC2", "/");
    tokio::spawn(bound.serve());
    url
}

fn with(documentation: Documentation) -> jsonrpc::Server {
    jsonrpc::Server::with_options(ServerOptions::default().pages(documentation))
}

fn hostile_methods(registry: &Registry<xmlrpc::XmlRpc>) {
    for name in [
        MARKUP,
        "submit",
        "addEventListener",
        "fetch",
        "__proto__",
        "document",
        ".methods",
        "a b",
        "\u{202e}gnp.exe",
    ] {
        let method = Method::function(name, |_: Option<String>, _: i64| ())
            .parameter_names([MARKUP, "elements"])
            .help(format!(
                "{MARKUP}\n\n[x](javascript:window.pwned=1) <javascript:window.pwned=1>\n\n\
                 ![x](https://evil.example/a.png)\n\n# {MARKUP}\n\n```\n{MARKUP}\n```\n"
            ));
        registry.register(method).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_in_a_browser() {
    let introduction = "Small methods for peers in any language to try. The same object answers \
                        **XML-RPC** and **JSON-RPC 2.0** at this address.";
    let demo = with(
        Documentation::new("Demo server")
            .version("0.1.0")
            .introduction(introduction),
    );
    demo.register_instance(std::sync::Arc::new(Demo::default()))
        .unwrap();
    demo.register_instance(Specification).unwrap();
    demo.register_instance(Hostile).unwrap();
    let hostile = with(
        Documentation::new(MARKUP)
            .version(MARKUP)
            .introduction(MARKUP),
    );
    hostile_methods(hostile.xmlrpc());
    let many = with(Documentation::new("Many"));
    for number in 0..1000 {
        many.register_function(format!("method_{number}"), |a: i64, b: String| (a, b))
            .unwrap();
    }
    let urls = [serve(demo).await, serve(hostile).await, serve(many).await];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/page");
    let mut command = Command::new("node");
    command.current_dir(&folder).arg("page.mjs").args(urls);
    if let Some(shots) = std::env::var_os("FARCALL_SHOTS") {
        command.arg(folder.join("../../..").join(shots));
    }
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap()
        .expect("node is missing: run interop/install");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    println!("{text}");
    assert!(output.status.success(), "{text}{errors}");
}
