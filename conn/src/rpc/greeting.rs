//! The first messages of a session, in which both ends say what they speak.

use std::time::Duration;

use tokio::time::timeout;

use super::encoding::Encoding;
use super::message::{Hello, Message, SessionLimits, Token, VERSION};
use super::session::Link;
use crate::auth::CHALLENGE;
use crate::error::{RecvError, SendError};

/// How long a first message may be.
const MAX: usize = 4096;

/// How long the connecting end may take to greet.
pub(super) const TIME: Duration = Duration::from_secs(5);

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
    let message = link.reader.message(MAX).await;
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
pub(super) struct Greeted {
    pub(super) limits: SessionLimits,
    pub(super) session: Option<Token>,
    pub(super) resumed: bool,
}

/// Greets as the end that connected.
pub(super) async fn greet(
    link: &mut Link,
    encoding: Encoding,
    limits: SessionLimits,
    resume: Option<Token>,
) -> Result<Greeted, GreetingError> {
    let hello = Hello {
        version: VERSION,
        resumed: false,
        encoding: encoding.name().as_bytes().to_vec(),
        limits,
        session: resume,
    };
    send(link, &Message::Hello(hello)).await?;
    let theirs = receive(link).await?;
    if theirs.version != VERSION {
        let theirs = theirs.version;
        return Err(GreetingError::Version { theirs });
    }
    Ok(Greeted {
        limits: theirs.limits,
        session: theirs.session,
        resumed: theirs.resumed,
    })
}

/// What the connecting end asked for.
pub(super) struct Guest {
    pub(super) encoding: Encoding,
    pub(super) limits: SessionLimits,
    pub(super) resume: Option<Token>,
}

/// Hears the end that connected.
pub(super) async fn hear(link: &mut Link) -> Result<Guest, GreetingError> {
    let theirs = timeout(TIME, receive(link)).await;
    let theirs = theirs.unwrap_or(Err(GreetingError::TimedOut))?;
    let result = match Encoding::from_name(&theirs.encoding) {
        _ if theirs.version != VERSION => Err(GreetingError::Version {
            theirs: theirs.version,
        }),
        None => {
            let name = String::from_utf8_lossy(&theirs.encoding).into_owned();
            Err(GreetingError::Encoding(name))
        }
        Some(encoding) => Ok(Guest {
            encoding,
            limits: theirs.limits,
            resume: theirs.session,
        }),
    };
    if let Err(error) = &result {
        let reason = match error {
            GreetingError::Version { theirs } => {
                format!("this side speaks version {VERSION} of the protocol, not {theirs}")
            }
            error => error.to_string(),
        };
        refuse(link, &reason).await;
    }
    result
}

/// Answers the greeting.
pub(super) async fn welcome(
    link: &mut Link,
    encoding: Encoding,
    limits: SessionLimits,
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
pub(super) async fn refuse(link: &mut Link, reason: &str) {
    let refusal = Message::Goodbye { last: 0, reason };
    // It may have left; that it is refused stands either way.
    let _ = timeout(TIME, async {
        send(link, &refusal).await?;
        link.writer.shutdown().await.map_err(GreetingError::Send)
    })
    .await;
}
