//! Clients whose calls must succeed, whatever other clients do.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use farcall::Caller;
use farcall::conn::Connection;
use farcall::pickle::Pickle;
use farcall::rpc;
use fastrand::Rng;
use tokio::task::JoinSet;

use super::{Run, add};
use crate::victim::KEY;

/// The average pause after a call, which leaves CPU time for the faults.
const PAUSE: Duration = Duration::from_millis(5);

/// The timeout of each step on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Starts one client of each kind.
pub(super) async fn spawn(run: &Arc<Run>, random: &mut Rng, clients: &mut JoinSet<()>) {
    let victim = &run.site.victim;
    let kept = farcall::xmlrpc::Client::new(&victim.url()).expect("a URL");
    clients.spawn(call_on(Arc::clone(run), random.fork(), kept));
    let unix = farcall::xmlrpc::Client::new(&run.site.unix_url()).expect("a URL");
    clients.spawn(call_on(Arc::clone(run), random.fork(), unix));
    let rpc = rpc::Client::connect(victim.rpc).authkey(KEY).await;
    let rpc = rpc.expect("it lets honest clients in");
    clients.spawn(call_on(Arc::clone(run), random.fork(), rpc));
    clients.spawn(call_over_new_connections(Arc::clone(run), random.fork()));
    clients.spawn(send_on(Arc::clone(run), random.fork()));
    clients.spawn(call_blocking(Arc::clone(run), random.fork()));
}

type AnyError = Box<dyn Error + Send + Sync>;

/// Waits for a step that must succeed in time, and counts it.
async fn expect(run: &Run, what: &str, act: impl Future<Output = Result<(), AnyError>>) {
    match tokio::time::timeout(TIMEOUT, act).await {
        Ok(Ok(())) => add(&run.counts.honest, 1),
        Ok(Err(error)) => run.fail(format!("{what}: {error:?}")),
        Err(_) => run.fail(format!("{what}: nothing after {TIMEOUT:?}")),
    }
}

/// Makes calls with one client.
async fn call_on(run: Arc<Run>, mut random: Rng, client: impl Caller) {
    while run.next_round(&mut random, PAUSE).await {
        expect(&run, "a client", call(&client, &mut random)).await;
    }
}

/// Opens a connection for each call.
async fn call_over_new_connections(run: Arc<Run>, mut random: Rng) {
    let victim = &run.site.victim;
    while run.next_round(&mut random, PAUSE).await {
        let act = async {
            if random.bool() {
                return call(&farcall::xmlrpc::Client::new(&victim.url())?, &mut random).await;
            }
            let client = rpc::Client::connect(victim.rpc).authkey(KEY).await?;
            call(&client, &mut random).await
        };
        expect(&run, "a new client", act).await;
    }
}

/// Makes a call and checks its result.
async fn call(client: &impl Caller, random: &mut Rng) -> Result<(), AnyError> {
    match random.u8(0..4) {
        0 => {
            let (a, b) = (random.i32(..), random.i32(..));
            let sum: i64 = client.call("add", (a, b)).await?;
            check(sum == i64::from(a) + i64::from(b))
        }
        1 => {
            let length = random.usize(0..4096);
            let text: String = std::iter::repeat_with(|| random.alphanumeric())
                .take(length)
                .collect();
            let joined: String = client.call("concat", (&text, "!")).await?;
            check(joined == text + "!")
        }
        2 => {
            let fault = client.call::<()>("fail", (42, "as it should")).await;
            check(fault.is_err_and(|error| error.fault().is_some_and(|fault| fault.code() == 42)))
        }
        _ => {
            let length = random.usize(0..65_536);
            let bytes: Vec<u8> = client.call("blob", (length,)).await?;
            check(bytes.len() == length)
        }
    }
}

fn check(is_right: bool) -> Result<(), AnyError> {
    if is_right {
        Ok(())
    } else {
        Err("the answer is wrong".into())
    }
}

/// Sends and receives messages over one connection.
async fn send_on(run: Arc<Run>, mut random: Rng) {
    let connection = Connection::connect(run.site.victim.connections).authkey(KEY);
    let mut connection: Connection<(&str, i64, i64), i64, Pickle> = match connection.await {
        Ok(connection) => connection,
        Err(error) => return run.fail(format!("a peer: {error:?}")),
    };
    while run.next_round(&mut random, PAUSE).await {
        let (a, b) = (i64::from(random.i32(..)), i64::from(random.i32(..)));
        let act = async {
            connection.send(&("add", a, b)).await?;
            check(connection.recv().await? == a + b)
        };
        expect(&run, "a peer", act).await;
    }
}

/// Makes calls with the blocking client.
async fn call_blocking(run: Arc<Run>, mut random: Rng) {
    let client = farcall::xmlrpc::blocking::Client::new(&run.site.victim.url()).expect("a URL");
    while run.next_round(&mut random, PAUSE).await {
        let (client, a) = (client.clone(), random.i32(..));
        let call = tokio::task::spawn_blocking(move || client.call::<i64>("add", (a, 1)));
        let act = async { check(call.await?? == i64::from(a) + 1) };
        expect(&run, "a blocking client", act).await;
    }
}
