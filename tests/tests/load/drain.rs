//! Graceful stops: the same situations over both protocols, with the same figures.

use std::future::ready;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use farcall::serve::{FIRST_CALL_GRACE, ShutdownReport, StopHandle};
use farcall::transport::Address;
use farcall::{CallError, rpc, xmlrpc};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

/// Long enough for everything that is under way.
const MOMENT: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug)]
enum Protocol {
    Http,
    Connections,
}

const BOTH: [Protocol; 2] = [Protocol::Http, Protocol::Connections];

enum Bound {
    Http(farcall::http::BoundServer),
    Connections(rpc::BoundServer),
}

#[derive(Clone)]
enum Client {
    Http(xmlrpc::Client),
    Connections(rpc::Client),
}

impl Protocol {
    async fn bind(self, drain_timeout: Duration) -> (Bound, SocketAddr) {
        let (bound, address) = match self {
            Self::Http => {
                let options = farcall::http::ServerOptions::default().drain_timeout(drain_timeout);
                let server = xmlrpc::Server::with_options(options);
                server.register_function("wait", wait).unwrap();
                let bound = server.bind("127.0.0.1:0").await.unwrap();
                let address = bound.local_address().clone();
                (Bound::Http(bound), address)
            }
            Self::Connections => {
                let options = rpc::ServerOptions::default().drain_timeout(drain_timeout);
                let server = rpc::Server::with_options(options);
                server.register_function("wait", wait).unwrap();
                let bound = server.bind("127.0.0.1:0").await.unwrap();
                let address = bound.local_address().clone();
                (Bound::Connections(bound), address)
            }
        };
        let Address::Tcp(address) = address else {
            unreachable!("{address} is no port");
        };
        (bound, address)
    }

    async fn connect(self, address: SocketAddr) -> Client {
        match self {
            Self::Http => Client::Http(xmlrpc::Client::new(&format!("http://{address}")).unwrap()),
            Self::Connections => Client::Connections(rpc::Client::connect(address).await.unwrap()),
        }
    }
}

async fn wait(milliseconds: u64) -> u64 {
    sleep(Duration::from_millis(milliseconds)).await;
    milliseconds
}

impl Bound {
    async fn serve_until(self, stop: impl Future<Output = ()>) -> ShutdownReport {
        match self {
            Self::Http(bound) => bound.serve_until(stop).await,
            Self::Connections(bound) => bound.serve_until(stop).await,
        }
    }

    /// Serves in a task until it is stopped.
    fn start(self) -> (StopHandle, JoinHandle<ShutdownReport>) {
        let stop = StopHandle::new();
        let stopped = stop.clone();
        let serving = async move { self.serve_until(stopped.stopped()).await };
        (stop, tokio::spawn(serving))
    }
}

impl Client {
    async fn wait(&self, milliseconds: u64) -> Result<u64, CallError> {
        match self {
            Self::Http(client) => client.call("wait", (milliseconds,)).await,
            Self::Connections(client) => client.call("wait", (milliseconds,)).await,
        }
    }
}

const fn report(finished: usize, aborted: usize) -> ShutdownReport {
    ShutdownReport { finished, aborted }
}

/// A relay that connects to the server at once, and passes on bytes from its release on.
struct Relay {
    address: SocketAddr,
    connected: Arc<AtomicUsize>,
    release: StopHandle,
}

impl Relay {
    async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let relay = Self {
            address: listener.local_addr().unwrap(),
            connected: Arc::default(),
            release: StopHandle::new(),
        };
        let (connected, release) = (Arc::clone(&relay.connected), relay.release.clone());
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut server = TcpStream::connect(server).await.unwrap();
                connected.fetch_add(1, Ordering::Relaxed);
                let release = release.clone();
                tokio::spawn(async move {
                    release.stopped().await;
                    // Either side may have disconnected.
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        relay
    }

    /// Makes calls through the relay, each over a connection of its own.
    async fn calls(&self, protocol: Protocol, count: usize) -> JoinSet<u64> {
        let mut calls = JoinSet::new();
        for _ in 0..count {
            let address = self.address;
            calls.spawn(async move { protocol.connect(address).await.wait(1).await.unwrap() });
        }
        while self.connected.load(Ordering::Relaxed) < count {
            sleep(Duration::from_millis(1)).await;
        }
        calls
    }
}

#[tokio::test]
async fn connections_in_the_backlog_are_served_after_the_stop() {
    for protocol in BOTH {
        let (bound, address) = protocol.bind(MOMENT * 50).await;
        let relay = Relay::to(address).await;
        let calls = relay.calls(protocol, 3).await;
        relay.release.stop();
        let stopped = bound.serve_until(ready(())).await;
        assert_eq!(calls.join_all().await, [1; 3], "{protocol:?}");
        assert_eq!(stopped, report(3, 0), "{protocol:?}");
    }
}

#[tokio::test]
async fn connections_that_have_sent_nothing_yet_are_served_after_the_stop() {
    for protocol in BOTH {
        let (bound, address) = protocol.bind(MOMENT * 50).await;
        let relay = Relay::to(address).await;
        let (stop, serving) = bound.start();
        let calls = relay.calls(protocol, 3).await;
        sleep(MOMENT).await;
        stop.stop();
        sleep(MOMENT).await;
        relay.release.stop();
        assert_eq!(calls.join_all().await, [1; 3], "{protocol:?}");
        assert_eq!(serving.await.unwrap(), report(3, 0), "{protocol:?}");
    }
}

#[tokio::test]
async fn connections_that_stay_silent_are_aborted_at_the_drain_timeout() {
    for protocol in BOTH {
        let (bound, address) = protocol.bind(MOMENT).await;
        let _waits = TcpStream::connect(address).await.unwrap();
        let (stop, serving) = bound.start();
        let _accepted = TcpStream::connect(address).await.unwrap();
        sleep(MOMENT).await;
        stop.stop();
        assert_eq!(serving.await.unwrap(), report(0, 2), "{protocol:?}");
    }
}

#[tokio::test]
async fn idle_connections_are_closed_at_once() {
    // A connection over HTTP that was used within this time waits for another call.
    let in_use = FIRST_CALL_GRACE + MOMENT;
    for protocol in BOTH {
        let (bound, address) = protocol.bind(MOMENT * 50).await;
        let (stop, serving) = bound.start();
        let idle = [
            protocol.connect(address).await,
            protocol.connect(address).await,
        ];
        for client in &idle {
            client.wait(1).await.unwrap();
        }
        // One that has left before the stop does not count.
        protocol.connect(address).await.wait(1).await.unwrap();
        sleep(in_use).await;
        let begin = Instant::now();
        stop.stop();
        assert_eq!(serving.await.unwrap(), report(2, 0), "{protocol:?}");
        assert!(begin.elapsed() < MOMENT * 5, "{:?}", begin.elapsed());
    }
}

#[tokio::test]
async fn calls_complete_within_the_drain_timeout_only() {
    for protocol in BOTH {
        let (bound, address) = protocol.bind(MOMENT * 5).await;
        let (stop, serving) = bound.start();
        let mut calls = Vec::new();
        for milliseconds in [200, 60_000] {
            let client = protocol.connect(address).await;
            calls.push(tokio::spawn(async move { client.wait(milliseconds).await }));
        }
        sleep(MOMENT).await;
        stop.stop();
        assert_eq!(serving.await.unwrap(), report(1, 1), "{protocol:?}");
        let long = calls.pop().unwrap().await.unwrap();
        assert!(matches!(long, Err(CallError::Lost(_))), "{long:?}");
        assert_eq!(calls.pop().unwrap().await.unwrap().unwrap(), 200);
    }
}
