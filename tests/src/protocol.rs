//! Calls of every protocol through a relay that injects faults.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use farcall::rpc;
use farcall::transport::tls::ClientTls;
use farcall::xmlrpc::{ClientOptions, blocking};
use farcall::{CallError, Caller, Context, Execution};
use tempfile::TempDir;

use crate::certificates::Certificates;
use crate::faulty::{Plan, Relay, Traffic};
use crate::victim::{KEY, Victim};

/// A protocol and the way it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// XML-RPC over a new connection.
    XmlRpc,
    /// XML-RPC over a kept-alive connection that carried a call before.
    XmlRpcKept,
    /// XML-RPC from the blocking client.
    XmlRpcBlocking,
    /// XML-RPC over a new TLS connection.
    XmlRpcTls,
    /// The same from the blocking client.
    XmlRpcTlsBlocking,
    /// XML-RPC over a Unix socket.
    XmlRpcUnix,
    /// RPC over a connection that is opened for the call.
    Rpc,
    /// The same over TLS by the authkey alone.
    RpcEncrypted,
    /// The same with a client that reconnects.
    RpcReconnecting,
    /// The same with a reconnecting client and an idempotent call.
    RpcIdempotent,
}

impl Protocol {
    /// All variants.
    pub const ALL: [Self; 10] = [
        Self::XmlRpc,
        Self::XmlRpcKept,
        Self::XmlRpcBlocking,
        Self::XmlRpcTls,
        Self::XmlRpcTlsBlocking,
        Self::XmlRpcUnix,
        Self::Rpc,
        Self::RpcEncrypted,
        Self::RpcReconnecting,
        Self::RpcIdempotent,
    ];
}

/// A server and the sockets that lead to it.
#[derive(Debug)]
pub struct Site {
    /// The server.
    pub victim: Victim,
    folder: TempDir,
    certificates: Certificates,
}

impl Site {
    /// Starts a server with these arguments; `program` is `env!("CARGO_BIN_EXE_victim")`.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start(program: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder for sockets");
        let socket = folder.path().join("victim");
        let unix = ["--unix", socket.to_str().expect("a path that is text")];
        let certificates = Certificates::new();
        let tls = ["--tls", &certificates.text("")];
        let arguments = [&unix[..], &["--encrypted"], &tls, arguments].concat();
        let victim = Victim::start(program, &arguments).await;
        Self {
            victim,
            folder,
            certificates,
        }
    }

    /// Returns a relay to its TLS server with the options of a client of it, and a URL. No session
    /// is resumed, so that each handshake has the same length.
    async fn over_tls(&self, plan: Plan) -> (Relay<SocketAddr>, ClientOptions, String) {
        let server = self.victim.https.expect("it has a certificate");
        let relay = tcp_relay(server, plan).await;
        let tls = ClientTls::new().roots(self.certificates.path("ca.pem"));
        let options = ClientOptions::default().tls(tls.expect("an authority"));
        let url = format!("https://{}/RPC2", relay.address());
        (relay, options, url)
    }

    /// Its URL for XML-RPC over a Unix socket.
    #[must_use]
    pub fn unix_url(&self) -> String {
        format!("http+unix://{}:/RPC2", self.socket("victim").display())
    }

    /// Returns a socket path with this name.
    fn socket(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// The outcome of a call.
#[derive(Debug)]
pub struct Outcome {
    /// Its result, or whether it ran and the error.
    pub result: Result<String, (Execution, String)>,
    /// The traffic through the relay before the call.
    pub before: Traffic,
    /// The traffic through the relay after the call.
    pub after: Traffic,
    /// The number of faults injected during the call.
    pub faults: u64,
    /// The duration of the call.
    pub elapsed: Duration,
}

/// Calls `ledger.run` with a name of 12 characters through a relay that follows `plan`, with a
/// deadline of `deadline` from now.
///
/// # Panics
/// If the relay cannot be created, or the earlier call of [`Protocol::XmlRpcKept`] fails.
pub async fn call(
    site: &Site,
    protocol: Protocol,
    plan: Plan,
    name: &str,
    deadline: Duration,
) -> Outcome {
    match protocol {
        Protocol::XmlRpc => {
            let relay = tcp_relay(site.victim.xmlrpc, plan).await;
            let client = http_client(&format!("http://{}/RPC2", relay.address()), deadline);
            observe(&relay, client.call("ledger.run", (name,))).await
        }
        Protocol::XmlRpcKept => {
            let relay = tcp_relay(site.victim.xmlrpc, plan).await;
            let url = format!("http://{}/RPC2", relay.address());
            let client = farcall::xmlrpc::Client::new(&url).expect("a URL");
            let sum: i64 = client.call("add", (3, 5)).await.expect("no fault yet");
            assert_eq!(sum, 8);
            let context = context(deadline);
            observe(&relay, client.call_in(context, (name,))).await
        }
        Protocol::XmlRpcBlocking => {
            let relay = tcp_relay(site.victim.xmlrpc, plan).await;
            let url = format!("http://{}/RPC2", relay.address());
            let options = ClientOptions::default().timeout(Some(deadline));
            let client = blocking::Client::with_options(&url, options).expect("a URL");
            let name = name.to_owned();
            let call = tokio::task::spawn_blocking(move || client.call("ledger.run", (name,)));
            observe(&relay, async { call.await.expect("it does not panic") }).await
        }
        Protocol::XmlRpcTls => {
            let (relay, options, url) = site.over_tls(plan).await;
            let options = options.timeout(Some(deadline));
            let client = farcall::xmlrpc::Client::with_options(&url, options).expect("a URL");
            observe(&relay, client.call("ledger.run", (name,))).await
        }
        Protocol::XmlRpcTlsBlocking => {
            let (relay, options, url) = site.over_tls(plan).await;
            let options = options.timeout(Some(deadline));
            let client = blocking::Client::with_options(&url, options).expect("a URL");
            let name = name.to_owned();
            let call = tokio::task::spawn_blocking(move || client.call("ledger.run", (name,)));
            observe(&relay, async { call.await.expect("it does not panic") }).await
        }
        Protocol::XmlRpcUnix => {
            let relay = unix_relay(site, name, plan).await;
            let url = format!("http+unix://{}:/RPC2", relay.address().display());
            let client = http_client(&url, deadline);
            observe(&relay, client.call("ledger.run", (name,))).await
        }
        Protocol::Rpc
        | Protocol::RpcEncrypted
        | Protocol::RpcReconnecting
        | Protocol::RpcIdempotent => {
            let server = match (protocol, site.victim.encrypted) {
                (Protocol::RpcEncrypted, Some(encrypted)) => encrypted.rpc,
                _ => site.victim.rpc,
            };
            let relay = tcp_relay(server, plan).await;
            let call = call_over_connection(*relay.address(), protocol, name, deadline);
            observe(&relay, call).await
        }
    }
}

async fn tcp_relay(server: SocketAddr, plan: Plan) -> Relay<SocketAddr> {
    let relay = Relay::tcp(server).await.expect("a port");
    relay.plan(plan);
    relay
}

async fn unix_relay(site: &Site, name: &str, plan: Plan) -> Relay<PathBuf> {
    let (path, server) = (site.socket(name), site.socket("victim"));
    let relay = Relay::unix(&path, &server).await.expect("a socket");
    relay.plan(plan);
    relay
}

/// Returns a client of the server behind the relay.
fn http_client(url: &str, deadline: Duration) -> farcall::xmlrpc::Client {
    let options = ClientOptions::default().timeout(Some(deadline));
    farcall::xmlrpc::Client::with_options(url, options).expect("a URL")
}

async fn call_over_connection(
    address: SocketAddr,
    protocol: Protocol,
    name: &str,
    deadline: Duration,
) -> Result<String, CallError> {
    let mut context = context(deadline);
    let mut builder = rpc::Client::connect(address).authkey(KEY).timeout(deadline);
    builder = match protocol {
        Protocol::Rpc => builder,
        Protocol::RpcEncrypted => builder.encrypted(),
        _ => builder.reconnect(rpc::Reconnect::default()),
    };
    // Without a client, no call was sent.
    let client = builder.await;
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
    relay: &Relay<A>,
    call: impl Future<Output = Result<String, CallError>>,
) -> Outcome {
    let (before, begin) = (relay.traffic(), Instant::now());
    let result = call.await;
    Outcome {
        result: result.map_err(|error| (error.execution(), format!("{error:?}"))),
        before,
        after: relay.traffic(),
        faults: relay.faults(),
        elapsed: begin.elapsed(),
    }
}
