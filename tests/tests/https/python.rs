//! Clients of every CPython on this machine.

use farcall::http::ServerOptions;
use tests::pythons;
use tokio::task::spawn_blocking;

use crate::support::{Made, Served};

async fn run(served: &Served, made: &Made, more: &[&str]) {
    let url = format!("https://localhost:{}/RPC2", served.port);
    let args: Vec<_> = [&*url, made.path("").to_str().unwrap()]
        .iter()
        .chain(more)
        .map(|arg| (*arg).to_owned())
        .collect();
    spawn_blocking(move || {
        for python in pythons() {
            // The ssl module of CPython 2.7 builds no longer against any OpenSSL.
            if python.version >= (3, 6) {
                let args: Vec<_> = args.iter().map(String::as_str).collect();
                let output = python.run("https_client.py", &args);
                assert!(output.trim_end().ends_with("done"), "{output}");
            }
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn cpython_calls_over_tls() {
    let made = Made::new();
    let served = Served::start(ServerOptions::default().tls(made.tls())).await;
    run(&served, &made, &[]).await;
}

#[tokio::test]
async fn cpython_calls_with_a_client_certificate() {
    let made = Made::new();
    let served = Served::start(ServerOptions::default().tls(made.tls_for_clients())).await;
    run(&served, &made, &["mtls"]).await;
}
