//! Two network namespaces and a link between them that goes down: nobody is told anything, packets just vanish.

use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::process::Command;
use std::time::{Duration, Instant};

use conn::rpc::{self, Reconnect};
use rpc_core::{CallError, Caller, Context, Execution};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tests::victim::{KEY, Victim};
use xmlrpc::ClientOptions;

use crate::VICTIM;

const SERVER: &str = "10.213.77.1";
const CLIENT: &str = "10.213.77.2";

/// After how long without news a client asks for a sign of life.
const KEEPALIVE: Duration = Duration::from_millis(400);

/// How long callers wait.
const DEADLINE: Duration = Duration::from_secs(2);

/// How much longer things may take on a machine that is busy.
const SLACK: Duration = Duration::from_secs(15);

/// Two namespaces and the link between them; all of it is gone when this is dropped.
struct Network {
    server: String,
    client: String,
}

impl Network {
    /// # Errors
    /// With what the kernel refuses.
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

    /// Takes the link down, or up again.
    fn link(&self, state: &str) {
        ip(&format!("-n {} link set link0 {state}", self.server)).unwrap();
    }

    /// Has this thread, and what it starts, be in the client's namespace.
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
            // It may not have come to be.
            let _ = ip(&format!("netns delete {namespace}"));
        }
    }
}

/// Runs a command of iproute2.
fn ip(arguments: &str) -> Result<(), String> {
    let output = Command::new("ip").args(arguments.split(' ')).output();
    let output = output.expect("the tests need `ip` on the path: install it (Debian: iproute2)");
    match output.status.success() {
        true => Ok(()),
        false => {
            let error = String::from_utf8_lossy(&output.stderr);
            Err(format!("ip {arguments}: {}", error.trim()))
        }
    }
}

/// Runs a test on a thread in the client's namespace.
///
/// # Panics
/// If the kernel refuses network namespaces: a test that did not run has not passed.
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

/// How long a call takes that fails, and whether it ran.
async fn failed<T>(call: impl Future<Output = Result<T, CallError>>) -> (Duration, Execution) {
    let begin = Instant::now();
    let error = call.await.err().expect("there is no way to the server");
    (begin.elapsed(), error.execution())
}

async fn add(client: &impl Caller) -> Result<i64, CallError> {
    let until = Some(Instant::now() + 4 * SLACK);
    let context = Context::new("add").with_deadline(until);
    client.call_in(context, (3, 5)).await
}

#[test]
#[ignore = "needs root and iproute2: cargo test -p tests --test faults namespaces -- --ignored"]
fn a_link_that_goes_down_is_noticed_and_survived() {
    in_namespaces(async |network| {
        let victim = network.serve().await;
        let connect = || {
            rpc::Client::connect(victim.rpc)
                .authkey(KEY)
                .timeout(DEADLINE)
        };
        let attentive = || rpc::Options::default().keepalive(KEEPALIVE);
        let attentive_client = connect().options(attentive()).await.unwrap();
        let patient_client = connect().await.unwrap();
        let returning_client = connect()
            .options(attentive())
            .reconnect(Reconnect::default().max_pause(KEEPALIVE))
            .await
            .unwrap();
        let options = ClientOptions::default().timeout(Some(DEADLINE));
        let http_client = xmlrpc::Client::with_options(&victim.url(), options).unwrap();
        assert_eq!(add(&http_client).await.unwrap(), 8);

        let until = Some(Instant::now() + DEADLINE);
        let in_time = Context::new("sleep").with_deadline(until);
        let down = async {
            tokio::time::sleep(KEEPALIVE / 2).await;
            network.link("down");
        };
        let (noticed, at_deadline, over_http, interrupted, ()) = tokio::join!(
            failed(attentive_client.call::<bool>("sleep", (600.0,))),
            failed(patient_client.call_in::<bool>(in_time, (600.0,))),
            failed(http_client.call::<bool>("sleep", (600.0,))),
            failed(returning_client.call::<bool>("sleep", (600.0,))),
            down
        );
        println!(
            "noticed after {noticed:?}, {interrupted:?}; ended after {at_deadline:?}, {over_http:?}"
        );
        for (took, execution) in [noticed, interrupted] {
            // It was heard of last just before the link went down, or just after it was asked for a sign of life.
            assert!(
                took >= KEEPALIVE && took < 3 * KEEPALIVE + SLACK,
                "{took:?}"
            );
            assert_eq!(execution, Execution::Maybe);
        }
        for (took, execution) in [at_deadline, over_http] {
            assert!(took >= DEADLINE / 2 && took < DEADLINE + SLACK, "{took:?}");
            assert_eq!(execution, Execution::Maybe);
        }

        // Without a connection nothing is sent, and that is known.
        let until = Some(Instant::now() + DEADLINE);
        let in_time = Context::new("ledger.run").with_deadline(until);
        let (took, execution) = failed(returning_client.call_in::<String>(in_time, ("x",))).await;
        assert!(
            took < DEADLINE + SLACK && execution == Execution::Never,
            "{took:?} {execution:?}"
        );
        let (took, execution) = failed(http_client.call::<String>("ledger.run", ("x",))).await;
        assert!(
            took < DEADLINE + SLACK && execution == Execution::Never,
            "{took:?} {execution:?}"
        );

        network.link("up");
        assert_eq!(
            add(&returning_client).await.unwrap(),
            8,
            "it is connected again"
        );
        let begin = Instant::now();
        while let Err(error) = add(&http_client).await {
            assert!(begin.elapsed() < 4 * SLACK, "{error:?}");
        }
        let runs: u64 = returning_client.call("ledger.runs", ("x",)).await.unwrap();
        assert_eq!(runs, 0);
        drop((
            attentive_client,
            patient_client,
            returning_client,
            http_client,
        ));
        victim.assert_well("a link that was down").await;
    });
}
