//! Requests that mean harm: each is answered or closed, in bounded time and memory, and the
//! server goes on.

use std::io::Write;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use xmlrpc::ServerOptions;

use crate::served::{ADD, Served, read_to_end, status};

fn echo(value: &str) -> Vec<u8> {
    format!(
        "<methodCall><methodName>echo</methodName><params><param>{value}</param></params></methodCall>"
    )
    .into_bytes()
}

#[tokio::test]
async fn documents_that_mean_harm_are_faults() {
    let served = Served::new().await;
    let nested = format!(
        "{}{}",
        "<value><array><data>".repeat(10_000),
        "</data></array></value>".repeat(10_000)
    );
    let bomb =
        "<!DOCTYPE lolz [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>";
    let external = "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>";
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("10,000 nested arrays", echo(&nested), "-32600"),
        (
            "unclosed arrays",
            echo(&"<value><array><data>".repeat(10_000)),
            "-32600",
        ),
        (
            "entity bomb",
            [bomb.as_bytes(), &echo("<value>&b;</value>")].concat(),
            "-32600",
        ),
        (
            "external entity",
            [external.as_bytes(), &echo("<value>&e;</value>")].concat(),
            "-32600",
        ),
        ("undeclared entity", echo("<value>&b;</value>"), "-32700"),
        (
            "truncated",
            echo("<value><string>x")[..60].to_vec(),
            "-32700",
        ),
        ("a broken tail", [ADD.as_bytes(), b"<"].concat(), "-32700"),
        ("not XML", b"GIF89a".to_vec(), "-32700"),
        (
            "not UTF-8",
            echo("<value>\u{e9}</value>")
                .iter()
                .filter(|b| **b != 0xc3)
                .copied()
                .collect(),
            "-32702",
        ),
        (
            "unknown encoding",
            b"<?xml version='1.0' encoding='EBCDIC-CP-FR'?><methodCall/>".to_vec(),
            "-32701",
        ),
        ("no call", b"<html></html>".to_vec(), "-32600"),
        ("nothing", Vec::new(), "-32700"),
        (
            "a control character",
            echo("<value>\u{1}</value>"),
            "-32702",
        ),
        (
            "a character reference to one",
            echo("<value>&#1;</value>"),
            "-32702",
        ),
    ];
    for (name, document, code) in cases {
        let reply = served.post(&document).await;
        assert_eq!(status(&reply), 200, "{name}: {reply}");
        assert!(
            reply.contains(&format!("<int>{code}</int>")),
            "{name}: {reply}"
        );
        served.assert_alive().await;
    }
}

#[tokio::test]
async fn a_gzip_bomb_is_not_inflated() {
    let served = Served::new().await;
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let zeros = vec![b' '; 1 << 20];
    for _ in 0..1024 {
        bomb.write_all(&zeros).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 2 << 20, "1 GiB in {} bytes", bomb.len());
    let head = format!(
        "POST / HTTP/1.1\r\nHost: test\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        bomb.len()
    );
    let reply = served.raw(&[head.as_bytes(), &bomb].concat()).await;
    assert_eq!(status(&reply), 413, "{reply}");
    served.assert_alive().await;
}

#[tokio::test]
async fn a_length_without_a_body_costs_nothing() {
    let served = Served::new().await;
    for length in ["1073741824", "16777217", "18446744073709551615"] {
        let head = format!("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n");
        let begun = Instant::now();
        let reply = served.raw(head.as_bytes()).await;
        assert!(matches!(status(&reply), 413 | 431), "{length}: {reply}");
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
    for length in ["-1", "abc", "1, 2"] {
        let head = format!("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n");
        assert_eq!(status(&served.raw(head.as_bytes()).await), 400, "{length}");
    }
    served.assert_alive().await;
}

#[tokio::test]
async fn chunks_beyond_the_limit_are_refused() {
    let served = Served::with(ServerOptions::default().max_body(100_000)).await;
    let mut request =
        b"POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..20 {
        request.extend_from_slice(b"2710\r\n");
        request.extend_from_slice(&[b' '; 10_000]);
        request.extend_from_slice(b"\r\n");
    }
    assert_eq!(status(&served.raw(&request).await), 413);
    served.assert_alive().await;
}

#[tokio::test]
async fn stalled_requests_are_closed() {
    let options = ServerOptions::default()
        .header_timeout(Duration::from_millis(200))
        .body_timeout(Duration::from_millis(200));
    let served = Served::with(options).await;
    let cases = [
        ("", 0),
        ("POST / HTTP/1.1\r\nHost: te", 408),
        (
            "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\n<meth",
            408,
        ),
    ];
    for (request, expected) in cases {
        let mut stream = served.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let begun = Instant::now();
        let reply = read_to_end(&mut stream).await;
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "closed by the timeout"
        );
        assert!(
            [0, expected].contains(&status(&reply)),
            "{request:?}: {reply}"
        );
        served.assert_alive().await;
    }
}

#[tokio::test]
async fn a_peer_that_reads_nothing_is_let_go() {
    let options = ServerOptions::default()
        .connections(rpc_core::serve::Options::default().max_connections(1))
        .write_timeout(Duration::from_millis(200));
    let served = Served::with(options).await;
    let blob = ADD
        .replace("add", "blob")
        .replace("<int>3", "<int>33554432")
        .replace("<param><value><int>5</int></value></param>", "");
    let mut silent = served.connect().await;
    let head = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
        blob.len()
    );
    silent.write_all(head.as_bytes()).await.unwrap();
    silent.write_all(blob.as_bytes()).await.unwrap();
    // There is room for the next only when the silent one is gone.
    served.assert_alive().await;
    drop(silent);
}

#[tokio::test]
async fn limits_can_be_as_large_as_they_come() {
    let options = ServerOptions::default()
        .max_body(usize::MAX)
        .max_multicall(usize::MAX)
        .header_timeout(Duration::MAX)
        .body_timeout(Duration::MAX)
        .write_timeout(Duration::MAX)
        .call_timeout(Some(Duration::MAX));
    let served = Served::with(options).await;
    served.assert_alive().await;
    let options = xmlrpc::ClientOptions::default()
        .max_body(usize::MAX)
        .timeout(Some(Duration::MAX))
        .connect_timeout(Some(Duration::MAX))
        .idle_timeout(Duration::MAX);
    let client = xmlrpc::Client::with_options(&served.url, options).unwrap();
    assert_eq!(client.call::<i64>("add", (3, 5)).await.unwrap(), 8);
    assert_eq!(client.call::<i64>("add", (3, 5)).await.unwrap(), 8);
}

#[tokio::test]
async fn an_endless_head_is_refused() {
    let served = Served::new().await;
    let head = format!("POST / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    assert!(matches!(
        status(&served.raw(head.as_bytes()).await),
        431 | 0
    ));
    let many = format!("POST / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(10_000));
    assert!(matches!(
        status(&served.raw(many.as_bytes()).await),
        431 | 0
    ));
    served.assert_alive().await;
}

#[tokio::test]
async fn a_multicall_cannot_amplify() {
    let served = Served::new().await;
    let entry = "<value><struct><member><name>methodName</name><value>blob</value></member>\
        <member><name>params</name><value><array><data><value><int>4194304</int></value></data>\
        </array></value></member></struct></value>";
    let calls = |n: usize| {
        format!(
            "<methodCall><methodName>system.multicall</methodName><params><param><value><array>\
             <data>{}</data></array></value></param></params></methodCall>",
            entry.repeat(n)
        )
    };
    let reply = served.post(calls(1001).as_bytes()).await;
    assert!(
        reply.contains("-32600") && reply.contains("the limit is 1000"),
        "{reply}"
    );
    // 4 MiB each: the replies together end soon after 16 MiB, and the rest is not run.
    let reply = served.post(calls(100).as_bytes()).await;
    assert!(reply.len() < 32 << 20, "{}", reply.len());
    assert_eq!(reply.matches("faultCode").count(), 97);
    served.assert_alive().await;
}
