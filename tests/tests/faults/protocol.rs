//! The ways to make a call.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use conn::rpc;
use rpc_core::{CallError, Caller, Context, Execution};
use tempfile::TempDir;
use tests::faulty::{Passed, Plan, Proxy};
use tests::victim::{KEY, Victim};
use xmlrpc::{ClientOptions, blocking};

/// A protocol, and a way to use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Protocol {
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
    pub(crate) const ALL: [Self; 7] = [
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
pub(crate) struct Site {
    pub(crate) victim: Victim,
    folder: TempDir,
}

impl Site {
    /// A server with the default limits.
    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// A server with these arguments.
    pub(crate) async fn with(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("victim");
        let unix = ["--unix", socket.to_str().unwrap()];
        let arguments = [&unix, arguments].concat();
        let victim = Victim::start(env!("CARGO_BIN_EXE_victim"), &arguments).await;
        Self { victim, folder }
    }

    /// A path for a socket that is taken by no other.
    fn socket(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// What became of a call.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// What it gave, or whether it ran and why there is no result.
    pub(crate) result: Result<String, (Execution, String)>,
    /// What had come through the relay before the call.
    pub(crate) before: Passed,
    /// What had come through after it.
    pub(crate) after: Passed,
    /// How long it took.
    pub(crate) took: Duration,
}

/// Calls `ledger.run` with a name of 12 characters through a relay that acts by this plan, and waits for
/// at most `deadline`.
pub(crate) async fn call(
    site: &Site,
    protocol: Protocol,
    plan: Plan,
    name: &str,
    deadline: Duration,
) -> Outcome {
    match protocol {
        Protocol::XmlRpc | Protocol::XmlRpcKept => {
            let proxy = Proxy::tcp(site.victim.xmlrpc).await.unwrap();
            proxy.plan(plan);
            let options = ClientOptions::default().timeout(Some(deadline));
            let url = format!("http://{}/RPC2", proxy.address());
            let client = xmlrpc::Client::with_options(&url, options).unwrap();
            if protocol == Protocol::XmlRpcKept {
                let sum: i64 = client.call("add", (3, 5)).await.unwrap();
                assert_eq!(sum, 8);
            }
            observe(&proxy, client.call("ledger.run", (name,))).await
        }
        Protocol::XmlRpcBlocking => {
            let proxy = Proxy::tcp(site.victim.xmlrpc).await.unwrap();
            proxy.plan(plan);
            let options = ClientOptions::default().timeout(Some(deadline));
            let url = format!("http://{}/RPC2", proxy.address());
            let name = name.to_owned();
            let call = tokio::task::spawn_blocking(move || {
                let client = blocking::Client::with_options(&url, options).unwrap();
                client.call("ledger.run", (name,))
            });
            observe(&proxy, async { call.await.unwrap() }).await
        }
        Protocol::XmlRpcUnix => {
            let proxy = unix_proxy(site, name).await;
            proxy.plan(plan);
            let options = ClientOptions::default().timeout(Some(deadline));
            let url = format!("http+unix://{}:/RPC2", proxy.address().display());
            let client = xmlrpc::Client::with_options(&url, options).unwrap();
            observe(&proxy, client.call("ledger.run", (name,))).await
        }
        Protocol::Rpc | Protocol::RpcReconnecting | Protocol::RpcIdempotent => {
            let proxy = Proxy::tcp(site.victim.rpc).await.unwrap();
            proxy.plan(plan);
            let call = over_connection(*proxy.address(), protocol, name, deadline);
            observe(&proxy, call).await
        }
    }
}

async fn unix_proxy(site: &Site, name: &str) -> Proxy<PathBuf> {
    let server: &Path = &site.socket("victim");
    Proxy::unix(&site.socket(name), server).await.unwrap()
}

async fn over_connection(
    address: SocketAddr,
    protocol: Protocol,
    name: &str,
    deadline: Duration,
) -> Result<String, CallError> {
    let until = Instant::now() + deadline;
    let mut connecting = rpc::Client::connect(address).authkey(KEY).timeout(deadline);
    if protocol != Protocol::Rpc {
        connecting = connecting.reconnect(rpc::Reconnect::default());
    }
    // Where there is no client, no call was sent.
    let client = connecting.await;
    let client = client.map_err(|error| CallError::NotSent(Box::new(error)))?;
    let mut context = Context::new("ledger.run").with_deadline(Some(until));
    if protocol == Protocol::RpcIdempotent {
        context = context.idempotent();
    }
    client.call_in(context, (name,)).await
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
        took: begin.elapsed(),
    }
}
