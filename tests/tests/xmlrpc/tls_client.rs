//! Farcall's clients call CPython's server behind its `ssl`.

use farcall::transport::tls::ClientTls;
use farcall::xmlrpc::{Client, ClientOptions, blocking};
use farcall::{CallError, Execution};
use tests::certificates::Certificates;
use tests::{Python, pythons};

fn pythons_with_tls() -> Vec<Python> {
    let is_new = |python: &Python| python.version >= (3, 6);
    pythons().into_iter().filter(is_new).collect()
}

/// Makes the same calls with both clients, and returns the text of the error of each.
async fn call(url: String, tls: ClientTls) -> [Result<(), (Execution, String)>; 2] {
    let options = ClientOptions::default().tls(tls);
    let client = Client::with_options(&url, options.clone()).unwrap();
    let of_async = async {
        for _ in 0..3 {
            assert_eq!(client.call::<i64>("add", (3, 5)).await?, 8);
        }
        let text = "é".repeat(100_000);
        assert!(client.call::<String>("echo", (&text,)).await? == text);
        let long: String = client.call("long_text", (1 << 20,)).await?;
        assert_eq!(long.len(), 1 << 20);
        let mut batch = client.batch();
        let sum = batch.call::<i64>("add", (1, 2));
        let mut results = batch.send().await?;
        assert_eq!(results.take(sum).unwrap(), 3);
        Ok::<_, CallError>(())
    };
    let of_async = of_async.await;
    let of_blocking = tokio::task::spawn_blocking(move || {
        let client = blocking::Client::with_options(&url, options).unwrap();
        for _ in 0..3 {
            assert_eq!(client.call::<i64>("add", (3, 5))?, 8);
        }
        let text = "é".repeat(100_000);
        assert!(client.call::<String>("echo", (&text,))? == text);
        let long: String = client.call("long_text", (1 << 20,))?;
        assert_eq!(long.len(), 1 << 20);
        Ok::<_, CallError>(())
    });
    let of_blocking = of_blocking.await.unwrap();
    [of_async, of_blocking].map(|result| {
        result.map_err(|error| {
            let text = farcall::protocol::output::Causes(&error).to_string();
            (error.execution(), text)
        })
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_clients_call_every_cpython() {
    let made = Certificates::new();
    let [ca, certificate, key] = ["ca.pem", "server.pem", "server.key"].map(|name| made.text(name));
    let modes: [&[&str]; 7] = [
        &[],
        &["--ragged"],
        &["--http10"],
        &["--version", "1.2"],
        &["--version", "1.3"],
        &["--version", "1.2", "--ragged"],
        &["--clients", &ca],
    ];
    let client = ClientTls::new().roots(&ca).unwrap();
    let client = client.certificate(made.path("client.pem"), made.path("client.key"));
    let client = client.unwrap();
    for python in pythons_with_tls() {
        for mode in modes {
            if mode.contains(&"1.3") && python.version < (3, 7) {
                continue;
            }
            let args = [&[certificate.as_str(), &key][..], mode].concat();
            let server = python.serve("tls_server.py", &args);
            let url = format!("https://localhost:{}", server.port);
            for result in call(url, client.clone()).await {
                result.unwrap_or_else(|error| panic!("{:?} {mode:?}: {error:?}", python.version));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_explained() {
    let made = Certificates::new();
    let ca = made.text("ca.pem");
    let trusting = ClientTls::new().roots(&ca).unwrap();
    let pinned = |name| ClientTls::new().pin(made.path(name)).unwrap();
    let stranger = made.path("other-client.pem");
    let stranger = trusting
        .clone()
        .certificate(stranger, made.path("other-client.key"))
        .unwrap();
    for python in pythons_with_tls() {
        let clients = ["--clients", &ca];
        for (name, mode, tls, expected) in [
            ("expired", &[][..], &trusting, Some("has expired on 2020")),
            (
                "wrong-name",
                &[][..],
                &trusting,
                Some("is not for `localhost`"),
            ),
            (
                "stranger",
                &[][..],
                &trusting,
                Some("that is not trusted here"),
            ),
            ("cookbook", &[][..], &trusting, Some("pin it")),
            ("cookbook", &[][..], &pinned("cookbook.pem"), None),
            (
                "server",
                &[],
                &pinned("cookbook.pem"),
                Some("not the one that is pinned"),
            ),
            (
                "server",
                &clients[..],
                &trusting,
                Some("client certificate"),
            ),
            (
                "server",
                &clients,
                &stranger,
                Some("does not trust the authority"),
            ),
        ] {
            let [certificate, key] =
                ["pem", "key"].map(|ending| made.text(&format!("{name}.{ending}")));
            let args = [&[certificate.as_str(), &key][..], mode].concat();
            let server = python.serve("tls_server.py", &args);
            let url = format!("https://localhost:{}", server.port);
            for result in call(url, tls.clone()).await {
                match (result, expected) {
                    (Ok(()), None) => {}
                    (Err((execution, text)), Some(expected)) => {
                        assert!(text.contains(expected), "{:?}: {text}", python.version);
                        assert_eq!(execution, Execution::Never, "{text}");
                    }
                    other => panic!("{name}: {other:?}"),
                }
            }
        }
    }
}
