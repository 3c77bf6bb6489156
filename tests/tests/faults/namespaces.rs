//! Two network namespaces and a link that goes down: packets vanish, and neither side is notified.

use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::process::Command;
use std::time::{Duration, Instant};

use farcall::rpc::{self, Reconnect};
use farcall::xmlrpc::ClientOptions;
use farcall::{CallError, Caller, Context, Execution};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tests::victim::{KEY, Victim};

use crate::VICTIM;

const SERVER: &str = "10.213.77.1";
const CLIENT: &str = "10.213.77.2";

/// The silence after which a client probes the server.
const KEEPALIVE: Duration = Duration::from_millis(400);

/// The deadline of calls.
const DEADLINE: Duration = Duration::from_secs(2);

/// The additional time granted on a busy machine.
const SLACK: Duration = Duration::from_secs(15);

/// Two network namespaces and the link between them, removed on drop.
struct Network {
    server: String,
    client: String,
}

impl Network {
    /// # Errors
    /// The operation that the kernel refuses.
    fn new() -> Result<Self, String> {
        let process = std::process::id();
        let network = Self {
            server: format!("farcall-{process}-server"),
            client: format!("farcall-{process}-client"),
        };
        let (server, client) = (&network.server, &network.client);
        for namespace in [server, client] {
            ip(&format!("netns add {namespace}"))?;
            ip(&format!("-n {namespace} link set lo up"))?;
        }
        ip(&format!(
            "link add link0 netns {server} type veth peer name link0 netns {client}"
        ))?;
        for (namespace, address) in [(server, SERVER), (client, CLIENT)] {
            ip(&format!(
                "-n {namespace} address add {address}/30 dev link0"
            ))?;
            ip(&format!("-n {namespace} link set link0 up"))?;
        }
        Ok(network)
    }

    /// Sets the link down or up.
    fn link(&self, state: &str) {
        ip(&format!("-n {} link set link0 {state}", self.server)).unwrap();
    }

    /// Moves this thread, and those that it starts, into the client's namespace.
    fn enter(&self) -> io::Result<()> {
        let namespace = File::open(format!("/run/netns/{}", self.client))?;
        let kind = Some(LinkNameSpaceType::Network);
        Ok(move_into_link_name_space(namespace.as_fd(), kind)?)
    }

    /// Starts the server in its namespace.
    async fn serve(&self) -> Victim {
        let arguments = ["netns", "exec", &self.server, VICTIM, "--host", SERVER];
        Victim::start("ip", &arguments).await
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for namespace in [&self.server, &self.client] {
            // It may not exist if `new` failed.
            let _ = ip(&format!("netns delete {namespace}"));
        }
    }
}

/// Runs a command of iproute2.
fn ip(arguments: &str) -> Result<(), String> {
    let output = Command::new("ip").args(arguments.split(' ')).output();
    let output = output.expect("the tests need `ip` on the path: install it (Debian: iproute2)");
    if output.status.success() {
        Ok(())
    } else {
        let error = String::from_utf8_lossy(&output.stderr);
        Err(format!("ip {arguments}: {}", error.trim()))
    }
}

/// Runs a test on a thread in the client's namespace.
///
/// # Panics
/// If the kernel refuses network namespaces, so that a test that did not run does not count as
/// passed.
fn in_namespaces(test: impl AsyncFnOnce(&Network) + Send) {
    let refused = "the kernel refuses network namespaces: run this test as root";
    let network = Network::new().expect(refused);
    let run = || {
        network.enter().expect(refused);
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(test(&network));
    };
    std::thread::scope(|scope| scope.spawn(run).join().unwrap());
}

/// Returns how long a failing call takes, and whether it ran.
async fn failed<T>(call: impl Future<Output = Result<T, CallError>>) -> (Duration, Execution) {
    let begin = Instant::now();
    let error = call.await.err().expect("the server is unreachable");
    (begin.elapsed(), error.execution())
}

async fn add(client: &impl Caller) -> Result<i64, CallError> {
    let until = Some(Instant::now() + 4 * SLACK);
    let context = Context::new("add").with_deadline(until);
    client.call_in(context, (3, 5)).await
}

#[test]
#[ignore = "needs root and iproute2: cargo test -p tests --test faults namespaces -- --ignored"]
fn a_link_that_goes_down_is_detected_and_survived() {
    in_namespaces(async |network| {
        let victim = network.serve().await;
        let connect = || {
            rpc::Client::connect(victim.rpc)
                .authkey(KEY)
                .timeout(DEADLINE)
        };
        let with_keepalive = || rpc::SessionOptions::default().keepalive(KEEPALIVE);
        let keepalive_client = connect().session(with_keepalive()).await.unwrap();
        let deadline_client = connect().await.unwrap();
        let reconnecting_client = connect()
            .session(with_keepalive())
            .reconnect(Reconnect::default().max_pause(KEEPALIVE))
            .await
            .unwrap();
        let options = ClientOptions::default().timeout(Some(DEADLINE));
        let http_client = farcall::xmlrpc::Client::with_options(&victim.url(), options).unwrap();
        assert_eq!(add(&http_client).await.unwrap(), 8);

        let until = Some(Instant::now() + DEADLINE);
        let with_deadline = Context::new("sleep").with_deadline(until);
        let down = async {
            tokio::time::sleep(KEEPALIVE / 2).await;
            network.link("down");
        };
        let (noticed, at_deadline, over_http, interrupted, ()) = tokio::join!(
            failed(keepalive_client.call::<bool>("sleep", (600.0,))),
            failed(deadline_client.call_in::<bool>(with_deadline, (600.0,))),
            failed(http_client.call::<bool>("sleep", (600.0,))),
            failed(reconnecting_client.call::<bool>("sleep", (600.0,))),
            down
        );
        println!(
            "detected: {noticed:?}, {interrupted:?}; at the deadline: {at_deadline:?}, {over_http:?}"
        );
        for (elapsed, execution) in [noticed, interrupted] {
            // The last sign of life came just before the link went down, or just after a probe was
            // sent.
            assert!(
                elapsed >= KEEPALIVE && elapsed < 3 * KEEPALIVE + SLACK,
                "{elapsed:?}"
            );
            assert_eq!(execution, Execution::Maybe);
        }
        for (elapsed, execution) in [at_deadline, over_http] {
            assert!(
                elapsed >= DEADLINE / 2 && elapsed < DEADLINE + SLACK,
                "{elapsed:?}"
            );
            assert_eq!(execution, Execution::Maybe);
        }

        // Without a connection nothing is sent, and the client knows it.
        let until = Some(Instant::now() + DEADLINE);
        let with_deadline = Context::new("ledger.run").with_deadline(until);
        let (elapsed, execution) =
            failed(reconnecting_client.call_in::<String>(with_deadline, ("x",))).await;
        assert!(
            elapsed < DEADLINE + SLACK && execution == Execution::Never,
            "{elapsed:?} {execution:?}"
        );
        let (elapsed, execution) = failed(http_client.call::<String>("ledger.run", ("x",))).await;
        assert!(
            elapsed < DEADLINE + SLACK && execution == Execution::Never,
            "{elapsed:?} {execution:?}"
        );

        network.link("up");
        assert_eq!(
            add(&reconnecting_client).await.unwrap(),
            8,
            "the client has reconnected"
        );
        let begin = Instant::now();
        while let Err(error) = add(&http_client).await {
            assert!(begin.elapsed() < 4 * SLACK, "{error:?}");
        }
        let runs: u64 = reconnecting_client
            .call("ledger.runs", ("x",))
            .await
            .unwrap();
        assert_eq!(runs, 0);
        drop((
            keepalive_client,
            deadline_client,
            reconnecting_client,
            http_client,
        ));
        victim.assert_well("a link that was down").await;
    });
}
