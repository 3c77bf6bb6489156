//! Hosts with fates.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::time::Duration;

use farcall::cluster::{Client, Credentials, Fleet, Host, Retries};
use farcall::protocol::Format;
use farcall::{Context, Fault, Registry, jsonrpc, rpc, xmlrpc};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// The record of what happened at the hosts of a test.
#[derive(Clone, Default)]
pub(crate) struct Ledger {
    pub(crate) runs: Arc<AtomicUsize>,
    pub(crate) under_way: Arc<AtomicUsize>,
    pub(crate) most_under_way: Arc<AtomicUsize>,
    pub(crate) cancelled: Arc<AtomicUsize>,
}

impl Ledger {
    pub(crate) fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }
}

/// Ends a call that is under way.
struct UnderWay {
    ledger: Ledger,
    is_completed: bool,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.ledger.under_way.fetch_sub(1, Ordering::SeqCst);
        if !self.is_completed {
            self.ledger.cancelled.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Returns an address that no other test has.
pub(crate) fn address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let [high, low] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    // Tests of different processes differ by their port.
    let port = 20_000 + (std::process::id() % 20_000) as u16;
    (Ipv4Addr::new(127, 77, high, low), port).into()
}

/// Registers the methods that the tests call.
pub(crate) fn offer<F: Format>(registry: &Registry<F>, ledger: &Ledger) {
    let book = ledger.clone();
    let run = move |ms: u64| {
        let ledger = book.clone();
        async move {
            ledger.runs.fetch_add(1, Ordering::SeqCst);
            let now = ledger.under_way.fetch_add(1, Ordering::SeqCst) + 1;
            ledger.most_under_way.fetch_max(now, Ordering::SeqCst);
            let mut under_way = UnderWay {
                ledger,
                is_completed: false,
            };
            sleep(Duration::from_millis(ms)).await;
            under_way.is_completed = true;
            ms
        }
    };
    registry.register_function("run", run).unwrap();
    let book = ledger.clone();
    let fail = move |code: i64| {
        book.runs.fetch_add(1, Ordering::SeqCst);
        Err::<(), _>(Fault::new(code, "on purpose"))
    };
    registry.register_function("fail", fail).unwrap();
    let book = ledger.clone();
    let add = move |a: i64, b: i64| {
        book.runs.fetch_add(1, Ordering::SeqCst);
        a + b
    };
    registry.register_function("add", add).unwrap();
    let blob = |length: usize| "x".repeat(length);
    registry.register_function("blob", blob).unwrap();
    let peer = |cx: Context| cx.peer().to_string();
    registry.register_function("peer", peer).unwrap();
    let full = || Err::<(), _>(Fault::of(farcall::FaultKind::Overloaded, "full"));
    registry.register_function("full", full).unwrap();
}

/// Registers `lines`, a stream of numbers.
pub(crate) fn offer_lines<F: Format>(registry: &Registry<F>) {
    let lines = |count: u32| {
        let (sender, stream) = rpc::Stream::channel(1);
        tokio::spawn(async move {
            for number in 0..count {
                if sender.send(number).await.is_err() {
                    return;
                }
            }
        });
        stream
    };
    registry.register_function("lines", lines).unwrap();
}

/// A server that runs until it is dropped.
pub(crate) struct Serving {
    pub(crate) url: String,
    task: JoinHandle<()>,
}

impl Serving {
    /// Runs a server.
    pub(crate) fn new(url: String, serve: impl Future<Output = ()> + Send + 'static) -> Self {
        Self {
            url,
            task: tokio::spawn(serve),
        }
    }

    /// Ends the server, with all of its connections.
    pub(crate) async fn end(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) async fn xmlrpc_at(address: SocketAddr, ledger: &Ledger) -> Serving {
    let server = xmlrpc::Server::new();
    offer(&server, ledger);
    let bound = server.bind(address).await.unwrap();
    let task = tokio::spawn(async move {
        bound.serve().await;
    });
    Serving {
        url: format!("http://{address}/RPC2"),
        task,
    }
}

pub(crate) async fn jsonrpc_at(address: SocketAddr, ledger: &Ledger) -> Serving {
    let registry = Registry::new();
    offer(&registry, ledger);
    offer_lines(&registry);
    let options = farcall::http::ServerOptions::default();
    let server = jsonrpc::Server::of(options, jsonrpc::Service::new(registry));
    let bound = server.bind(address).await.unwrap();
    let task = tokio::spawn(async move {
        bound.serve().await;
    });
    Serving {
        url: format!("json+http://{address}/"),
        task,
    }
}

pub(crate) async fn rpc_at(address: SocketAddr, ledger: &Ledger) -> Serving {
    let server = rpc::Server::new();
    offer(&server, ledger);
    offer_lines(&server);
    let bound = server.bind(address).await.unwrap();
    let task = tokio::spawn(async move {
        bound.serve().await;
    });
    Serving {
        url: format!("conn+rpc://{address}"),
        task,
    }
}

/// The fate of the connections of a host that is no server.
#[derive(Clone, Copy)]
pub(crate) enum Fate {
    /// Accepts and reads nothing.
    Hang,
    /// Runs the call and closes without an answer.
    CutAfter,
    /// Answers with something that is neither XML-RPC nor JSON-RPC.
    Garbage,
}

/// A host over HTTP with the fates of its connections, in order. The last one is repeated.
pub(crate) async fn fated(fates: &'static [Fate], ledger: &Ledger) -> Serving {
    let address = address();
    fated_at(TcpListener::bind(address).await.unwrap(), fates, ledger)
}

fn fated_at(listener: TcpListener, fates: &'static [Fate], ledger: &Ledger) -> Serving {
    let url = format!("http://{}/RPC2", listener.local_addr().unwrap());
    let ledger = ledger.clone();
    let task = tokio::spawn(async move {
        let mut held = Vec::new();
        let mut fates = fates.iter().copied();
        let mut fate = Fate::Hang;
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            fate = fates.next().unwrap_or(fate);
            match fate {
                Fate::Hang => held.push(stream),
                Fate::CutAfter => {
                    request(stream).await;
                    ledger.runs.fetch_add(1, Ordering::SeqCst);
                }
                Fate::Garbage => {
                    let mut stream = request(stream).await;
                    ledger.runs.fetch_add(1, Ordering::SeqCst);
                    let page = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>";
                    stream.write_all(page).await.unwrap();
                }
            }
        }
    });
    Serving { url, task }
}

/// Reads a request.
async fn request(mut stream: TcpStream) -> TcpStream {
    let mut read = Vec::new();
    let is_whole = |read: &[u8]| {
        let read = read.trim_ascii_end();
        read.ends_with(b"</methodCall>") || read.ends_with(b"}")
    };
    while !is_whole(&read) {
        if stream.read_buf(&mut read).await.unwrap() == 0 {
            break;
        }
    }
    stream
}

/// Returns the URL of a host where nobody listens.
pub(crate) fn refusing() -> String {
    format!("http://{}/RPC2", address())
}

pub(crate) fn client(url: &str) -> Client {
    Client::open(url, &Credentials::new()).unwrap()
}

pub(crate) fn host(name: &str, url: &str) -> Host {
    Host::new(name, client(url))
}

/// Returns a fleet of hosts that are named by their place, with short times.
pub(crate) fn fleet<'a>(urls: impl IntoIterator<Item = &'a str>) -> Fleet {
    let hosts = urls.into_iter().enumerate();
    Fleet::new(hosts.map(|(number, url)| host(&number.to_string(), url)))
        .timeout(Some(Duration::from_secs(5)))
        .retries(Retries::new(6).first_pause(Duration::from_millis(20)))
}

pub(crate) const MS: Duration = Duration::from_millis(1);
