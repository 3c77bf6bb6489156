//! Servers that mean harm, and the victim as their client.

use conn::auth::Role;
use tests::victim::{KEY, Victim};
use tokio::net::TcpListener;

use crate::peer::Peer;

use rpc_core::Caller as _;

/// What a hostile server does, one after the other.
#[derive(Clone)]
pub(crate) enum Step {
    /// Sends a message.
    Send(Vec<u8>),
    /// Sends bytes, without a length before them.
    Write(Vec<u8>),
    /// Waits for a message.
    Receive,
    /// Proves the key, and asks for the proof.
    Shake,
    /// Says that nothing more will come.
    Finish,
}

/// Has the victim visit a server that does this, by one of the methods of `visits`. Tells whether it got what it
/// went for, and what that was or why not.
pub(crate) async fn visit(victim: &Victim, method: &str, steps: Vec<Step>) -> (bool, String) {
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
                Step::Shake => peer.shake(Role::Listener).await,
                Step::Finish => peer.finish().await,
            }
        }
        // It stays, so that it is the client who leaves.
        std::future::pending().await
    };
    tokio::select! {
        biased;
        told = send(victim, method, port) => told,
        never = host => never,
    }
}

/// Sends the victim to a port.
pub(crate) async fn send(victim: &Victim, method: &str, port: u16) -> (bool, String) {
    let client = conn::rpc::Client::connect(victim.rpc).authkey(KEY);
    let client = client.await.unwrap();
    let method = format!("visits.{method}");
    // It takes what time the attack takes.
    let context = rpc_core::Context::new(method).with_deadline(None);
    client.call_in(context, (port,)).await.unwrap()
}
