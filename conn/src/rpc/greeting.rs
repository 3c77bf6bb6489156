//! The first messages of a session, in which both ends say what they speak.

use std::time::Duration;

use tokio::time::timeout;

use super::encoding::Encoding;
use super::message::{Hello, Limits, Message, Token, VERSION};
use super::session::Link;
use crate::auth::CHALLENGE;
use crate::error::{RecvError, SendError};

/// How long a first message may be.
const MAX_HELLO: usize = 4096;

/// How long the connecting end may take to greet.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

/// Why two ends did not come to a session.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GreetingError {
    /// The other end did not want it, and said why.
    #[error("the other side refused: {0}")]
    Refused(String),
    /// The other end speaks another version of the protocol.
    #[error("the other side speaks version {theirs} of the protocol, this one version {VERSION}")]
    Version {
        /// The version that the other end named.
        theirs: u64,
    },
    /// The other end has no such encoding.
    #[error("there is no encoding `{0}`; there are `bincode` and `messagepack`")]
    Encoding(String),
    /// What came is no greeting but a challenge: the peer has an authkey, and this side has none.
    #[error("the peer expects an authkey, and this side has none")]
    KeyExpected,
    /// What came is no greeting.
    #[error("the other side does not speak this protocol: {0}")]
    NotRpc(String),
    /// The connection broke before the greeting was through.
    #[error("the connection ended within the greeting")]
    Receive(#[source] RecvError),
    /// The connection broke before the greeting was through.
    #[error("the connection ended within the greeting")]
    Send(#[source] SendError),
    /// The other end was silent.
    #[error("the other side did not greet in time")]
    TimedOut,
}

async fn send(link: &mut Link, message: &Message<'_>) -> Result<(), GreetingError> {
    let mut bytes = Vec::new();
    message.write(&mut bytes);
    let sent = link.writer.send_vectored(&[&bytes]).await;
    sent.map_err(GreetingError::Send)
}

async fn receive(link: &mut Link) -> Result<Hello, GreetingError> {
    let message = link.reader.message(MAX_HELLO).await;
    let message = message.map_err(|error| match error {
        RecvError::Frame(error) => GreetingError::NotRpc(error.to_string()),
        error => GreetingError::Receive(error),
    })?;
    if message.starts_with(CHALLENGE) {
        return Err(GreetingError::KeyExpected);
    }
    match Message::read(message, 0) {
        Ok(Message::Hello(hello)) => Ok(hello),
        Ok(Message::Goodbye { reason, .. }) => Err(GreetingError::Refused(reason.to_owned())),
        Ok(_) => Err(GreetingError::NotRpc("it did not greet".to_owned())),
        Err(error) => Err(GreetingError::NotRpc(error.to_string())),
    }
}

/// What the answering end said.
pub(super) struct ServerHello {
    pub(super) limits: Limits,
    pub(super) session: Option<Token>,
    pub(super) resumed: bool,
}

/// Greets as the end that connected.
pub(super) async fn greet_server(
    link: &mut Link,
    encoding: Encoding,
    limits: Limits,
    resume: Option<Token>,
) -> Result<ServerHello, GreetingError> {
    let hello = Hello {
        version: VERSION,
        resumed: false,
        encoding: encoding.name().as_bytes().to_vec(),
        limits,
        session: resume,
    };
    send(link, &Message::Hello(hello)).await?;
    let hello = receive(link).await?;
    if hello.version != VERSION {
        let theirs = hello.version;
        return Err(GreetingError::Version { theirs });
    }
    Ok(ServerHello {
        limits: hello.limits,
        session: hello.session,
        resumed: hello.resumed,
    })
}

/// What the connecting end asked for.
pub(super) struct ClientHello {
    pub(super) encoding: Encoding,
    pub(super) limits: Limits,
    pub(super) resume: Option<Token>,
}

/// Hears the end that connected.
pub(super) async fn receive_client_hello(link: &mut Link) -> Result<ClientHello, GreetingError> {
    let hello = timeout(TIMEOUT, receive(link)).await;
    let hello = hello.unwrap_or(Err(GreetingError::TimedOut))?;
    let result = match Encoding::from_name(&hello.encoding) {
        _ if hello.version != VERSION => Err(GreetingError::Version {
            theirs: hello.version,
        }),
        None => {
            let name = String::from_utf8_lossy(&hello.encoding).into_owned();
            Err(GreetingError::Encoding(name))
        }
        Some(encoding) => Ok(ClientHello {
            encoding,
            limits: hello.limits,
            resume: hello.session,
        }),
    };
    if let Err(error) = &result {
        let reason = match error {
            GreetingError::Version { theirs } => {
                format!("this side speaks version {VERSION} of the protocol, not {theirs}")
            }
            error => error.to_string(),
        };
        reject(link, &reason).await;
    }
    result
}

/// Answers the greeting.
pub(super) async fn send_server_hello(
    link: &mut Link,
    encoding: Encoding,
    limits: Limits,
    session: Option<Token>,
    resumed: bool,
) -> Result<(), GreetingError> {
    let hello = Hello {
        version: VERSION,
        resumed,
        encoding: encoding.name().as_bytes().to_vec(),
        limits,
        session,
    };
    send(link, &Message::Hello(hello)).await
}

/// Turns the other end away.
pub(super) async fn reject(link: &mut Link, reason: &str) {
    let rejection = Message::Goodbye { last: 0, reason };
    // It may have left; that it is refused stands either way.
    let _ = timeout(TIMEOUT, async {
        send(link, &rejection).await?;
        link.writer.shutdown().await.map_err(GreetingError::Send)
    })
    .await;
}
