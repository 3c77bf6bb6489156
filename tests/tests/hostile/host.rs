//! Hostile servers, with the victim as their client.

use farcall::conn::auth::Role;
use tests::victim::{KEY, Victim};
use tokio::net::TcpListener;

use crate::peer::Peer;

use farcall::Caller as _;

/// One step of a hostile server.
#[derive(Clone)]
pub(crate) enum Step {
    /// Sends a message as a frame.
    Send(Vec<u8>),
    /// Sends raw bytes.
    Write(Vec<u8>),
    /// Receives a message.
    Receive,
    /// Performs the whole handshake.
    Handshake,
    /// Closes the sending direction.
    Finish,
}

/// Makes the victim connect to a server that performs these steps, by one of the methods of
/// `visits`. Returns whether the method succeeded, and its result or error, which should contain
/// `reason`.
pub(crate) async fn visit(
    victim: &Victim,
    method: &str,
    steps: Vec<Step>,
    reason: &str,
) -> (bool, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let host = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut peer = Peer { stream };
        for step in steps {
            match step {
                Step::Send(message) => peer.send(&message).await,
                Step::Write(bytes) => peer.write(&bytes).await,
                Step::Receive => drop(peer.receive().await),
                Step::Handshake => peer.handshake(Role::Listener).await,
                Step::Finish => peer.finish().await,
            }
        }
        // The connection stays open, so that the client must close it.
        std::future::pending().await
    };
    tokio::select! {
        biased;
        report = send(victim, method, port, reason) => report,
        never = host => never,
    }
}

/// Returns the victim's timeouts for the connection and for each reply, in milliseconds. Only a
/// silence that is expected ends soon: everything else may take long on a busy machine.
fn timeouts(reason: &str) -> (u64, u64) {
    const SILENCE: u64 = 2_000;
    const BUSY: u64 = 60_000;
    match reason {
        "timed out" | "in time" => (SILENCE, BUSY),
        "" | "deadline" | "elapsed" | "while receiving" => (BUSY, SILENCE),
        _ => (BUSY, BUSY),
    }
}

/// Makes the victim connect to a port of this machine.
pub(crate) async fn send(victim: &Victim, method: &str, port: u16, reason: &str) -> (bool, String) {
    let client = farcall::rpc::Client::connect(victim.rpc).authkey(KEY);
    let client = client.await.unwrap();
    let method = format!("visits.{method}");
    // The victim enforces timeouts itself; the call must outlast them.
    let context = farcall::Context::new(method).with_deadline(None);
    let (connect, reply) = timeouts(reason);
    let visit = (port, connect, reply);
    client.call_in(context, (visit,)).await.unwrap()
}
