//! The agent with real processes, files and callers.

#![cfg(all(unix, feature = "agent"))]
#![allow(clippy::unwrap_used, reason = "tests")]

mod files;
mod rights;
mod run;
mod tail;

use std::time::{Duration, Instant};

use farcall::cluster::agent::{Agent, AgentOptions};
use farcall::rpc::{BoundServer, Client, Encoding};
use farcall::transport::Address;
use farcall::{CallError, Execution, FaultKind};

/// An agent that serves on a port of its own.
struct Node {
    agent: Agent,
    address: Address,
    serving: tokio::task::JoinHandle<()>,
}

impl Node {
    async fn start(options: AgentOptions) -> Self {
        let agent = Agent::with_options(options).expect("the options are valid");
        let bound = agent.bind("127.0.0.1:0").await.expect("a port is free");
        Self::serve(agent, bound)
    }

    fn serve(agent: Agent, bound: BoundServer) -> Self {
        Self {
            agent,
            address: bound.local_address().clone(),
            serving: tokio::spawn(bound.serve()),
        }
    }

    async fn client(&self) -> Client {
        let connected = Client::connect(&self.address).await;
        connected.expect("the agent accepts")
    }

    /// A client that encodes as the command does.
    async fn command(&self) -> Client {
        let client = Client::connect(&self.address).encoding(Encoding::MessagePack);
        client.await.expect("the agent accepts")
    }

    /// Stops serving, and waits until nothing is left.
    async fn stop(self) {
        self.serving.abort();
        let finished = tokio::time::timeout(Duration::from_secs(10), self.agent.finish());
        finished.await.expect("nothing is left");
    }
}

/// Waits until something holds.
async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Checks that a call was refused, and tells its caller that it did not run.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, CallError>, kind: FaultKind) -> String {
    let error = result.expect_err("it is refused");
    assert_eq!(error.execution(), Execution::Never, "{error:?}");
    let fault = error.fault().expect("the agent answers");
    assert_eq!(fault.kind(), kind, "{fault:?}");
    fault.message().to_owned()
}
