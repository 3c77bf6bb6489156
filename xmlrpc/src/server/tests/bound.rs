//! Tests of servers at addresses.

use std::io;
use std::net::Ipv4Addr;

use farcall_http::server::BindError;

use crate::Server;

#[tokio::test]
async fn any_target_is_bound_and_shown() {
    let server = Server::new();
    server
        .register_function("add", |a: i64, b: i64| a + b)
        .expect("the name is free")
        .register_function("half", |a: f64| a / 2.0)
        .expect("so is this one");
    let methods = format!("methods: {}", server.names().len());
    let local = "localhost:0".to_owned();
    let bound = [
        server.bind("127.0.0.1:0").await,
        server.bind(&local).await,
        server.bind(("localhost", 0)).await,
        server.bind((Ipv4Addr::LOCALHOST, 0)).await,
    ];
    for bound in bound {
        let bound = bound.expect("the port is free");
        assert!(bound.url().starts_with("http://127.0.0.1:"), "{bound:?}");
        let shown = format!("{bound:?}");
        for expected in [
            &bound.local_address().to_string(),
            &methods,
            "max_calls: 512",
        ] {
            assert!(shown.contains(expected), "{expected}: {shown}");
        }
    }
}

#[tokio::test]
async fn the_error_of_a_target_that_cannot_be_bound_names_it() {
    let server = Server::new();
    let first = server.bind("127.0.0.1:0").await.expect("the port is free");
    let taken = first.local_address().to_string();
    for (target, kind) in [
        (taken.as_str(), Some(io::ErrorKind::AddrInUse)),
        ("localhost", None),
        ("memory:x", Some(io::ErrorKind::Unsupported)),
    ] {
        let error = server.bind(target).await.expect_err(target);
        assert!(error.to_string().contains(target), "{error}");
        let found = match error {
            BindError::Io(error) => Some(error.kind()),
            _ => None,
        };
        assert_eq!(found, kind, "{target}");
    }
    let secret = server.bind("u:s3cret@host:80").await;
    let error = secret.expect_err("it is not an address");
    assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
}
