//! Bytes to a server over a connection: the server sends complete HTTP responses only, and closes
//! the connection.
#![no_main]

use std::time::Duration;

use farcall::http::ServerOptions;
use farcall::transport::Connect as _;
use farcall::xmlrpc::Server;
use fuzz::memory::bounded;
use fuzz::methods;
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

async fn exchange(bytes: &[u8]) -> Vec<u8> {
    let server = Server::with_options(ServerOptions::default().max_body(64 << 10));
    methods::register(&server);
    let (listener, connector) = farcall::transport::memory::listener("fuzz");
    let serving = tokio::spawn(server.listen(listener).unwrap().serve());
    let (mut reader, mut writer) = tokio::io::split(connector.connect().await.unwrap());
    let write = async {
        // In two segments, unless the server closes the connection first.
        let (first, second) = bytes.split_at(bytes.len() / 2);
        if writer.write_all(first).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let _ = writer.write_all(second).await;
        }
        let _ = writer.shutdown().await;
    };
    let read = async {
        let mut answers = Vec::new();
        let _ = reader.read_to_end(&mut answers).await;
        answers
    };
    let both = async { tokio::join!(write, read).1 };
    // Simulated time, longer than any timeout of the server.
    let answers = tokio::time::timeout(Duration::from_secs(3600), both).await;
    serving.abort();
    answers.expect("the connection is closed")
}

/// Parses the responses, and checks that each is complete.
fn check(mut answers: &[u8]) {
    while !answers.is_empty() {
        assert!(
            answers.starts_with(b"HTTP/1."),
            "not a response: {:?}",
            answers.escape_ascii().to_string()
        );
        let end = answers.windows(4).position(|four| four == b"\r\n\r\n");
        let (head, body) = answers.split_at(end.expect("a complete head") + 4);
        let head = std::str::from_utf8(head)
            .expect("a head in UTF-8")
            .to_ascii_lowercase();
        let status = &head[9..12];
        if status == "100" {
            answers = body;
            continue;
        }
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(0, |length| length.parse().expect("a length"));
        let (document, behind) = body.split_at(length);
        if status == "200" {
            let document = document.to_vec().into();
            assert!(
                farcall::xmlrpc::fuzzing::is_reply(document),
                "not a complete document"
            );
        }
        answers = behind;
    }
}

fuzz_target!(|bytes: &[u8]| {
    let runtime = methods::runtime();
    let answers = bounded(bytes.len(), 1024, 4 << 20, || {
        runtime.block_on(exchange(bytes))
    });
    // The response to a HEAD request has a length and no body.
    if !bytes.windows(4).any(|four| four == b"HEAD") {
        check(&answers);
    }
});
