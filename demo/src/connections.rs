//! Replies to the messages of plain connections.

use farcall::conn::{Codec, Connection, Listener};
use farcall::protocol::output::{Causes, Foreign, Quota};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Maximum size of a message in bytes.
const MAX_MESSAGE: usize = 64 * 1024 * 1024;

/// Sends each message back unchanged, unless it is a command:
///
/// - the reply to `("add", a, b)` is the sum,
/// - the reply to `("roundtrip", x)` is `x`, decoded as a `V` and encoded again,
/// - `"quit"` or an empty message closes the connection.
///
/// When `stop` is cancelled, it finishes the messages that are being processed.
pub async fn serve<C: Codec, V>(mut listener: Listener, stop: CancellationToken)
where
    V: Serialize + DeserializeOwned + Send + 'static,
{
    let mut connections = JoinSet::new();
    while let Some(Ok(connection)) = stop.run_until_cancelled(listener.accept()).await {
        connections.spawn(reply_to_all::<C, V>(connection, stop.clone()));
        while connections.try_join_next().is_some() {}
    }
    listener.close().await;
    connections.join_all().await;
}

async fn reply_to_all<C: Codec, V>(mut connection: Connection<(), (), C>, stop: CancellationToken)
where
    V: Serialize + DeserializeOwned,
{
    while let Some(received) = stop
        .run_until_cancelled(connection.recv_bytes(MAX_MESSAGE))
        .await
    {
        let message = match received {
            Ok(message) => message,
            Err(error) if error.is_closed() => return,
            Err(error) => {
                static FAILURES: Quota = Quota::new(10);
                if let Some(admitted) = FAILURES.admit() {
                    let error = Foreign::excerpt(Causes(&error));
                    let (peer, suppressed) = (connection.identity(), admitted.suppressed());
                    tracing::warn!(%error, %peer, suppressed, "a connection failed");
                }
                return;
            }
        };
        let Some(reply) = reply::<C, V>(message) else {
            return;
        };
        if connection.send_bytes(&reply).await.is_err() {
            return;
        }
    }
}

/// Returns the reply to a message, or `None` to close the connection.
fn reply<C: Codec, V: Serialize + DeserializeOwned>(message: Vec<u8>) -> Option<Vec<u8>> {
    let codec = C::default();
    if message.is_empty() || codec.decode::<String>(&message).is_ok_and(|s| s == "quit") {
        return None;
    }
    let mut reply = Vec::new();
    let encoded = match codec.decode::<(String, i128, i128)>(&message) {
        Ok((command, a, b)) if command == "add" => {
            let sum = a.checked_add(b);
            sum.and_then(|sum| codec.encode(&sum, &mut reply).ok())
        }
        _ => match codec.decode::<(String, f64, f64)>(&message) {
            Ok((command, a, b)) if command == "add" => codec.encode(&(a + b), &mut reply).ok(),
            _ => match codec.decode::<(String, V)>(&message) {
                Ok((command, x)) if command == "roundtrip" => codec.encode(&x, &mut reply).ok(),
                _ => None,
            },
        },
    };
    Some(encoded.map_or(message, |()| reply))
}
