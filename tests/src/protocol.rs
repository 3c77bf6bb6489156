//! The ways to make a call through a relay that harms it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use conn::rpc;
use rpc_core::{CallError, Caller, Context, Execution};
use tempfile::TempDir;
use xmlrpc::{ClientOptions, blocking};

use crate::faulty::{Passed, Plan, Proxy};
use crate::victim::{KEY, Victim};

/// A protocol, and a way to use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// XML-RPC over a new connection.
    XmlRpc,
    /// XML-RPC over a connection that carried a call before.
    XmlRpcKept,
    /// XML-RPC from the blocking client.
    XmlRpcBlocking,
    /// XML-RPC over a Unix socket.
    XmlRpcUnix,
    /// A call over a connection that is made for it.
    Rpc,
    /// The same from a client that reconnects.
    RpcReconnecting,
    /// The same with a call that may be made twice.
    RpcIdempotent,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::XmlRpc,
        Self::XmlRpcKept,
        Self::XmlRpcBlocking,
        Self::XmlRpcUnix,
        Self::Rpc,
        Self::RpcReconnecting,
        Self::RpcIdempotent,
    ];
}

/// A server, with all that leads to it.
#[derive(Debug)]
pub struct Site {
    /// The server.
    pub victim: Victim,
    folder: TempDir,
}

impl Site {
    /// A server with these arguments; `program` is `env!("CARGO_BIN_EXE_victim")`.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start(program: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder for sockets");
        let socket = folder.path().join("victim");
        let unix = ["--unix", socket.to_str().expect("a path that is text")];
        let arguments = [&unix, arguments].concat();
        let victim = Victim::start(program, &arguments).await;
        Self { victim, folder }
    }

    /// Its URL for XML-RPC over a Unix socket.
    #[must_use]
    pub fn unix_url(&self) -> String {
        format!("http+unix://{}:/RPC2", self.socket("victim").display())
    }

    /// A path for a socket that is taken by no other.
    fn socket(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// What became of a call.
#[derive(Debug)]
pub struct Outcome {
    /// What it gave, or whether it ran and why there is no result.
    pub result: Result<String, (Execution, String)>,
    /// What had come through the relay before the call.
    pub before: Passed,
    /// What had come through after it.
    pub after: Passed,
    /// How many faults came about meanwhile.
    pub faults: u64,
    /// How long it took.
    pub took: Duration,
}

/// Calls `ledger.run` with a name of 12 characters through a relay that acts by this plan, and waits for
/// at most `deadline`.
///
/// # Panics
/// If there can be no relay, or the earlier call of [`Protocol::XmlRpcKept`] fails.
pub async fn call(
    site: &Site,
    protocol: Protocol,
    plan: Plan,
    name: &str,
    deadline: Duration,
) -> Outcome {
    match protocol {
        Protocol::XmlRpc => {
            let proxy = tcp_proxy(site.victim.xmlrpc, plan).await;
            let client = http_client(&format!("http://{}/RPC2", proxy.address()), deadline);
            observe(&proxy, client.call("ledger.run", (name,))).await
        }
        Protocol::XmlRpcKept => {
            let proxy = tcp_proxy(site.victim.xmlrpc, plan).await;
            let url = format!("http://{}/RPC2", proxy.address());
            let client = xmlrpc::Client::new(&url).expect("a URL");
            let sum: i64 = client.call("add", (3, 5)).await.expect("no fault yet");
            assert_eq!(sum, 8);
            let context = context(deadline);
            observe(&proxy, client.call_in(context, (name,))).await
        }
        Protocol::XmlRpcBlocking => {
            let proxy = tcp_proxy(site.victim.xmlrpc, plan).await;
            let url = format!("http://{}/RPC2", proxy.address());
            let options = ClientOptions::default().timeout(Some(deadline));
            let client = blocking::Client::with_options(&url, options).expect("a URL");
            let name = name.to_owned();
            let call = tokio::task::spawn_blocking(move || client.call("ledger.run", (name,)));
            observe(&proxy, async { call.await.expect("it does not panic") }).await
        }
        Protocol::XmlRpcUnix => {
            let proxy = unix_proxy(site, name, plan).await;
            let url = format!("http+unix://{}:/RPC2", proxy.address().display());
            let client = http_client(&url, deadline);
            observe(&proxy, client.call("ledger.run", (name,))).await
        }
        Protocol::Rpc | Protocol::RpcReconnecting | Protocol::RpcIdempotent => {
            let proxy = tcp_proxy(site.victim.rpc, plan).await;
            let call = over_connection(*proxy.address(), protocol, name, deadline);
            observe(&proxy, call).await
        }
    }
}

async fn tcp_proxy(server: SocketAddr, plan: Plan) -> Proxy<SocketAddr> {
    let proxy = Proxy::tcp(server).await.expect("a port");
    proxy.plan(plan);
    proxy
}

async fn unix_proxy(site: &Site, name: &str, plan: Plan) -> Proxy<PathBuf> {
    let (path, server) = (site.socket(name), site.socket("victim"));
    let proxy = Proxy::unix(&path, &server).await.expect("a socket");
    proxy.plan(plan);
    proxy
}

/// A client of the server behind the relay.
fn http_client(url: &str, deadline: Duration) -> xmlrpc::Client {
    let options = ClientOptions::default().timeout(Some(deadline));
    xmlrpc::Client::with_options(url, options).expect("a URL")
}

async fn over_connection(
    address: SocketAddr,
    protocol: Protocol,
    name: &str,
    deadline: Duration,
) -> Result<String, CallError> {
    let mut context = context(deadline);
    let mut connecting = rpc::Client::connect(address).authkey(KEY).timeout(deadline);
    if protocol != Protocol::Rpc {
        connecting = connecting.reconnect(rpc::Reconnect::default());
    }
    // Where there is no client, no call was sent.
    let client = connecting.await;
    let client = client.map_err(|error| CallError::NotSent(Box::new(error)))?;
    if protocol == Protocol::RpcIdempotent {
        context = context.idempotent();
    }
    client.call_in(context, (name,)).await
}

fn context(deadline: Duration) -> Context {
    Context::new("ledger.run").with_deadline(Some(Instant::now() + deadline))
}

async fn observe<A>(
    proxy: &Proxy<A>,
    call: impl Future<Output = Result<String, CallError>>,
) -> Outcome {
    let (before, begin) = (proxy.passed(), Instant::now());
    let result = call.await;
    Outcome {
        result: result.map_err(|error| (error.execution(), format!("{error:?}"))),
        before,
        after: proxy.passed(),
        faults: proxy.faults(),
        took: begin.elapsed(),
    }
}
