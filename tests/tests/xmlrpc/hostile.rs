//! Hostile requests against limits that are not the defaults.

use std::time::Duration;

use farcall::http::ServerOptions;
use farcall::xmlrpc::DocumentOptions;
use tokio::io::AsyncWriteExt;

use crate::served::{ADD, Served, status};

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
async fn a_peer_that_reads_nothing_is_disconnected() {
    let options = ServerOptions::default()
        .max_connections(1)
        .write_timeout(Duration::from_millis(200));
    let served = Served::with(options).await;
    let blob = ADD
        .replace("add", "blob")
        .replace("<int>3", "<int>16777216")
        .replace("<param><value><int>5</int></value></param>", "");
    let mut silent = served.connect().await;
    let head = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
        blob.len()
    );
    silent.write_all(head.as_bytes()).await.unwrap();
    silent.write_all(blob.as_bytes()).await.unwrap();
    // The next peer is only accepted once the silent one is disconnected.
    served.assert_alive().await;
    drop(silent);
}

#[tokio::test]
async fn limits_can_have_their_largest_values() {
    let options = ServerOptions::default()
        .max_body(usize::MAX)
        .header_timeout(Duration::MAX)
        .body_timeout(Duration::MAX)
        .write_timeout(Duration::MAX)
        .call_timeout(Some(Duration::MAX));
    let documents = DocumentOptions::default().max_multicall(usize::MAX);
    let served = Served::of(options, documents).await;
    served.assert_alive().await;
    let options = farcall::xmlrpc::ClientOptions::default()
        .max_body(usize::MAX)
        .timeout(Some(Duration::MAX))
        .connect_timeout(Some(Duration::MAX))
        .idle_timeout(Duration::MAX);
    let client = farcall::xmlrpc::Client::with_options(&served.url, options).unwrap();
    assert_eq!(client.call::<i64>("add", (3, 5)).await.unwrap(), 8);
    assert_eq!(client.call::<i64>("add", (3, 5)).await.unwrap(), 8);
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
    // 5.6 MB each as base64: five of them fit into a reply, and calls after the sixth do not run.
    let reply = served.post(calls(100).as_bytes()).await;
    assert!(reply.len() < 32 << 20, "{}", reply.len());
    assert_eq!(reply.matches("faultCode").count(), 95);
    assert_eq!(reply.matches("the call ran").count(), 1);
    served.assert_alive().await;
}
