//! Very many concurrent connections or requests.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use farcall::xmlrpc::{Client, ClientOptions};
use farcall::{CallError, FaultKind, Value};
use futures_util::stream::{self, StreamExt as _};
use tests::victim::Victim;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::case::{call, request, with_headers};
use super::responses::{read_to_end, summary};
use super::{victim, victim_with};

/// The memory of a victim with the default budget of 64 MiB, which can be in use twice for a
/// moment: by evicted connections and by those that replace them. The rest is the memory of the
/// connections outside the budget.
const TWICE_THE_BUDGET: u64 = (2 * 64 + 64) << 20;

/// The maximum memory of a connection outside the budget: a head of 64 KiB, the buffer that it is
/// read into, the first 64 KiB of its body, and its task.
const EACH: u64 = 220 << 10;

/// Opens `number` connections that have sent these bytes.
async fn connections(victim: SocketAddr, number: usize, bytes: &[u8]) -> Vec<TcpStream> {
    let open = (0..number).map(|_| async {
        let mut stream = TcpStream::connect(victim).await.unwrap();
        // An error is fine: the server may close the connection at its limit.
        let _ = stream.write_all(bytes).await;
        stream
    });
    // In batches: with more at once, the system drops packets and resends them after seconds.
    stream::iter(open).buffer_unordered(100).collect().await
}

/// Checks that the server is healthy once the connections are closed.
async fn assert_survives(victim: &Victim, name: &str, connections: Vec<TcpStream>) {
    victim.assert_unharmed(name);
    drop(connections);
    victim.assert_well(name).await;
}

#[tokio::test]
async fn many_connections_at_once() {
    let mut victim = victim().await;
    victim.allow_memory(TWICE_THE_BUDGET);
    let one = request("X: y", &call("carrier"));
    let half = with_headers("Content-Length: 100000", " ".repeat(10_000));
    let large = call("x").replace("ledger.run", "blob");
    let large = large.replace("<value>x", "<value><int>4194304</int>");
    let kinds: [(&str, usize, &[u8]); 9] = [
        ("idle connections", 1100, b""),
        (
            "connections with half a head",
            1000,
            b"POST /RPC2 HTTP/1.1\r\nHost: ",
        ),
        ("connections with a call", 1000, &one),
        ("connections with 10 calls", 500, &one.repeat(10)),
        ("connections with half a body", 1000, &half),
        ("connections with rubbish", 1000, b"\0"),
        (
            "connections with a refused request",
            1000,
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        ),
        (
            "connections with a long head",
            300,
            &[&b"POST / HTTP/1.1\r\nX: "[..], &[b'x'; 60_000]].concat(),
        ),
        (
            "connections with a large reply that they do not read",
            25,
            &request("X: y", &large),
        ),
    ];
    for (name, number, bytes) in kinds {
        let open = connections(victim.xmlrpc, number, bytes).await;
        assert_survives(&victim, name, open).await;
    }
}

#[tokio::test]
async fn a_connection_takes_little_beside_the_budget() {
    let victim = victim().await;
    let before = victim.memory();
    let size = 64 << 10;
    let headers = format!("X: {}\r\nContent-Length: {size}", "x".repeat(size - 1000));
    let stalled = with_headers(headers, " ".repeat(size - 1));
    let number = 400;
    let open = connections(victim.xmlrpc, number, &stalled).await;
    victim.assert_serves().await;
    let each = (victim.peak() - before) / number as u64;
    println!("{} KiB each", each >> 10);
    assert!(each <= EACH, "{each} bytes");
    assert_survives(&victim, "heads and bodies within the free bytes", open).await;
}

#[tokio::test]
async fn thousands_of_idle_connections_within_the_limit() {
    let victim = victim_with(&["--max-connections", "4000"]).await;
    let open = connections(victim.xmlrpc, 3000, b"").await;
    victim.assert_serves().await;
    assert_survives(&victim, "3000 idle connections", open).await;
}

#[tokio::test]
async fn short_lived_connections() {
    let victim = victim().await;
    let one = request("X: y", &call("carrier"));
    let kinds: [(&str, &[u8]); 5] = [
        ("closed at once", b""),
        ("closed within the head", &one[..20]),
        ("closed within the body", &one[..one.len() - 20]),
        ("closed before the answer", &one),
        ("closed before ten answers", &one.repeat(10)),
    ];
    for (name, bytes) in kinds {
        for _ in 0..5 {
            drop(connections(victim.xmlrpc, 50, bytes).await);
        }
        victim.assert_well(name).await;
        // The same with a reset instead of an orderly close.
        for _ in 0..5 {
            for stream in connections(victim.xmlrpc, 50, bytes).await {
                stream.set_zero_linger().unwrap();
            }
        }
        victim.assert_well(&format!("{name}, by a reset")).await;
    }
}

#[tokio::test]
async fn a_call_is_cancelled_when_its_client_disconnects() {
    let victim = victim().await;
    let options = ClientOptions::default().idle_timeout(Duration::ZERO);
    let client = Client::with_options(&victim.url(), options).unwrap();
    let tasks = async || client.call::<i64>("ledger.tasks", ()).await.unwrap();
    let hour = "<value><int>3600000</int></value>";
    let work = call("single").replace("ledger.run", "ledger.work");
    let work = work.replace("</params>", &format!("<param>{hour}</param></params>"));
    let multicall = format!(
        "<methodCall><methodName>system.multicall</methodName><params><param><value><array><data>{}\
         </data></array></value></param></params></methodCall>",
        format!(
            "<value><struct><member><name>methodName</name><value>ledger.work</value></member><member>\
             <name>params</name><value><array><data><value>many</value>{hour}</data></array></value>\
             </member></struct></value>"
        )
        .repeat(1000)
    );
    for (name, ledger, document) in [
        ("calls that last", "single", work),
        ("multicalls that last", "many", multicall),
    ] {
        let before = tasks().await;
        let open = connections(victim.xmlrpc, 200, &request("X: y", &document)).await;
        let begin = Instant::now();
        while client.call::<i64>("ledger.runs", (ledger,)).await.unwrap() < 200 {
            assert!(begin.elapsed() < Duration::from_secs(60), "they do not run");
            sleep(Duration::from_millis(50)).await;
        }
        assert_survives(&victim, name, open).await;
        let begin = Instant::now();
        while tasks().await > before + 20 {
            assert!(begin.elapsed() < Duration::from_secs(60), "they still run");
            sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test]
async fn ten_thousand_pipelined_requests_are_answered_in_order() {
    let victim = victim().await;
    let mut requests = Vec::new();
    for number in 0..10_000 {
        requests.extend(request("X: y", &call(&number.to_string())));
    }
    requests.extend(request("Connection: close", &call("honest")));
    let (mut reader, mut writer) = TcpStream::connect(victim.xmlrpc)
        .await
        .unwrap()
        .into_split();
    let (written, answers) = tokio::join!(writer.write_all(&requests), read_to_end(&mut reader));
    written.unwrap();
    let numbers: String = (0..10_000).map(|number| format!("{number}, ")).collect();
    assert!(
        summary(&answers) == numbers + "honest",
        "not all, or not in order"
    );
    victim.assert_well("requests in a row").await;
}

#[tokio::test]
async fn large_bodies_share_a_limit() {
    let mut victim = victim().await;
    victim.allow_memory(TWICE_THE_BUDGET);
    // Each announces 16 MiB and lacks the last byte.
    let size = 16 << 20;
    let stalled = with_headers(format!("Content-Length: {size}"), " ".repeat(size - 1));
    let open = connections(victim.xmlrpc, 12, &stalled).await;
    victim.assert_serves().await;
    assert_survives(&victim, "12 bodies of 16 MiB that stall", open).await;

    // They fill the budget. After the grace period they are evicted for a large request of another
    // peer.
    let mut open = connections(victim.xmlrpc, 12, &stalled).await;
    let large = Value::from(vec![b'x'; 1 << 20]);
    let client = Client::new(&victim.url()).unwrap();
    let begin = Instant::now();
    for _ in 0..10 {
        loop {
            open.extend(connections(victim.xmlrpc, 1, &stalled).await);
            match client.call::<Value>("echo", (large.clone(),)).await {
                Err(CallError::Fault(fault)) => {
                    assert_eq!(fault.kind(), FaultKind::Overloaded, "{fault}");
                    assert!(begin.elapsed() < Duration::from_secs(60), "{fault}");
                }
                back => break assert_eq!(back.unwrap(), large),
            }
        }
    }
    drop(client);
    assert_survives(
        &victim,
        "bodies of 16 MiB that stall one after the other",
        open,
    )
    .await;
}
