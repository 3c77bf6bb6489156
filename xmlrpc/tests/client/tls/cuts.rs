//! Connections that are cut at every byte of the handshake, of a call and of its reply.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use farcall_core::Execution;
use farcall_xmlrpc::ClientOptions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{Site, recording};
use crate::both::ClientKind;
use crate::chain;

both! {
    a_cut_at_any_byte_is_told_truthfully,
}

/// The direction that is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

/// Relays one connection to the server, and cuts both directions after `limit` bytes of one of
/// them. Returns the port, and the number of bytes relayed in that direction.
async fn relay(to: u16, direction: Direction, limit: usize) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let relayed = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&relayed);
    tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        let server = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let (up, down) = match direction {
            Direction::Up => (limit, usize::MAX),
            Direction::Down => (usize::MAX, limit),
        };
        let uncounted = Arc::default();
        let (counted_up, counted_down) = match direction {
            Direction::Up => (&counted, &uncounted),
            Direction::Down => (&uncounted, &counted),
        };
        tokio::select! {
            () = copy(from_client, to_server, up, counted_up) => {}
            () = copy(from_server, to_client, down, counted_down) => {}
        }
    });
    (port, relayed)
}

async fn copy(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut limit: usize,
    relayed: &AtomicUsize,
) {
    let mut buffer = vec![0; 16 << 10];
    while limit > 0 {
        let space = limit.min(buffer.len());
        let Ok(length @ 1..) = from.read(&mut buffer[..space]).await else {
            return;
        };
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
        relayed.fetch_add(length, Ordering::Relaxed);
        limit -= length;
    }
}

async fn a_cut_at_any_byte_is_told_truthfully(kind: ClientKind) {
    let site = Site::new();
    let (url, received, _server) = recording(site.server()).await;
    let port: u16 = url.rsplit_once(':').unwrap().1.parse().unwrap();
    let mut never = Vec::new();
    for direction in [Direction::Up, Direction::Down] {
        let (mut before, mut after) = (0, 0);
        for at in 0.. {
            // Each call has a handshake of its own: no session is resumed.
            let options = ClientOptions::default().tls(site.client());
            let (through, relayed) = relay(port, direction, at).await;
            let client = kind.client_with(&format!("https://localhost:{through}"), options);
            let name = format!("{direction:?}{at:06}");
            let error = match client.call::<i64>(&name, ()).await {
                Ok(sum) => {
                    assert_eq!(sum, 5);
                    assert!(relayed.load(Ordering::Relaxed) <= at);
                    break;
                }
                Err(error) => error,
            };
            match error.execution() {
                Execution::Never => {
                    before += 1;
                    never.push(name);
                }
                Execution::Maybe => after += 1,
                Execution::Completed => panic!("{name}: {}", chain(&error)),
            }
        }
        println!("{direction:?}: {before} cuts before and {after} after sending");
        assert!(before > 100 && after > 50, "{before} {after}");
    }
    // The server may still be reading what was relayed.
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let received = received.lock().unwrap();
    for name in never {
        assert!(
            !received.iter().any(|request| request.contains(&name)),
            "{name} ran"
        );
    }
}
