//! The greeting: the exchange of `Hello` messages that opens a session.

use std::time::Duration;

use tokio::time::timeout;

use super::encoding::Encoding;
use super::message::{Hello, Message, SessionLimits, SessionStart, Token, VERSION};
use crate::auth::CHALLENGE;
use crate::connection::{Reader, Writer};
use crate::error::{RecvError, SendError};

/// Maximum length of a `Hello`, in bytes.
const MAX_HELLO: usize = 4096;

/// Maximum time for each wait of a server during the greeting: for the `Hello` of a client, for the
/// session that it resumes, and for sending a rejection.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

/// Error of the greeting that opens a session.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum GreetingError {
    /// The peer rejected the session, for this reason.
    #[error("the peer rejected the session: {0}")]
    Refused(String),
    /// The peer speaks another version of the protocol.
    #[error("the peer speaks protocol version {theirs}, this program version {VERSION}")]
    Version {
        /// The version of the peer.
        theirs: u64,
    },
    /// The client asked for an unknown encoding.
    #[error("unknown encoding `{0}`: expected `bincode` or `messagepack`")]
    Encoding(String),
    /// The first message is a challenge of the handshake: the peer expects an authkey, and none is
    /// set locally.
    #[error("the peer expects an authkey, but none is set")]
    KeyExpected,
    /// The first message of the peer is not a valid `Hello`.
    #[error("the peer does not speak this protocol: {0}")]
    NotRpc(String),
    /// Receiving failed: the connection closed or broke during the greeting.
    #[error("the connection closed during the greeting")]
    Receive(#[source] RecvError),
    /// Sending failed: the connection closed or broke during the greeting.
    #[error("the connection closed during the greeting")]
    Send(#[source] SendError),
    /// The greeting did not complete in time.
    #[error("the peer did not complete the greeting in time")]
    TimedOut,
}

farcall_core::debug_errors!(GreetingError);

/// The two halves of a connection.
pub(super) struct ConnectionHalves {
    pub(super) reader: Reader,
    pub(super) writer: Writer,
}

async fn send(halves: &mut ConnectionHalves, message: &Message<'_>) -> Result<(), GreetingError> {
    let mut bytes = Vec::new();
    message.write(&mut bytes);
    let sent = halves.writer.send_vectored(&[&bytes]).await;
    sent.map_err(GreetingError::Send)
}

async fn receive(halves: &mut ConnectionHalves) -> Result<Hello, GreetingError> {
    let message = halves.reader.message(MAX_HELLO).await;
    let message = message.map_err(|error| match error {
        RecvError::Frame(error) => GreetingError::NotRpc(match error.other_protocol() {
            Some(text) => text.to_owned(),
            None => error.to_string(),
        }),
        error => GreetingError::Receive(error),
    })?;
    if message.starts_with(CHALLENGE) {
        return Err(GreetingError::KeyExpected);
    }
    match Message::read(message, 0) {
        Ok(Message::Hello(hello)) => Ok(*hello),
        Ok(Message::Goodbye { reason, .. }) => Err(GreetingError::Refused(reason.to_owned())),
        Ok(_) => Err(GreetingError::NotRpc(
            "its first message is not a `Hello`".to_owned(),
        )),
        Err(error) => Err(GreetingError::NotRpc(error.to_string())),
    }
}

/// Sends the `Hello` of the local side.
pub(super) async fn send_hello(
    halves: &mut ConnectionHalves,
    encoding: Encoding,
    limits: SessionLimits,
    session: Option<Token>,
    start: SessionStart,
) -> Result<(), GreetingError> {
    let hello = Hello {
        version: VERSION,
        start,
        takes_headers: true,
        encoding: encoding.name().as_bytes().to_vec(),
        limits,
        session,
    };
    send(halves, &Message::Hello(Box::new(hello))).await
}

/// Performs the greeting as the client. Returns the `Hello` of the server.
pub(super) async fn greet_server(
    halves: &mut ConnectionHalves,
    encoding: Encoding,
    limits: SessionLimits,
    resume: Option<Token>,
) -> Result<Hello, GreetingError> {
    send_hello(halves, encoding, limits, resume, SessionStart::New).await?;
    match receive(halves).await? {
        hello if hello.version == VERSION => Ok(hello),
        Hello { version, .. } => Err(GreetingError::Version { theirs: version }),
    }
}

/// Receives the `Hello` of a client, and the encoding that it asks for. Rejects a client whose
/// version or encoding is not supported.
pub(super) async fn receive_client_hello(
    halves: &mut ConnectionHalves,
) -> Result<(Encoding, Hello), GreetingError> {
    let hello = timeout(TIMEOUT, receive(halves)).await;
    let hello = hello.unwrap_or(Err(GreetingError::TimedOut))?;
    let result = match Encoding::from_name(&hello.encoding) {
        _ if hello.version != VERSION => Err(GreetingError::Version {
            theirs: hello.version,
        }),
        None => {
            let name = String::from_utf8_lossy(&hello.encoding).into_owned();
            Err(GreetingError::Encoding(name))
        }
        Some(encoding) => Ok((encoding, hello)),
    };
    if let Err(error) = &result {
        let reason = match error {
            GreetingError::Version { theirs } => {
                format!("the server speaks protocol version {VERSION}, not {theirs}")
            }
            error => error.to_string(),
        };
        reject(halves, &reason).await;
    }
    result
}

/// Rejects a client with a reason and closes the connection.
pub(super) async fn reject(halves: &mut ConnectionHalves, reason: &str) {
    let rejection = Message::Goodbye { last: 0, reason };
    // A failure does not matter: the client is rejected in any case, and may have left.
    let _ = timeout(TIMEOUT, async {
        send(halves, &rejection).await?;
        halves.writer.shutdown().await.map_err(GreetingError::Send)
    })
    .await;
}
