//! The handshake as a state machine: messages in, messages out, no socket and no clock.

use std::collections::VecDeque;

use super::channel::{Channel, IssuedChallenge, Role, is_reflected};
use super::digest::Algorithm;
use super::{AuthError, Authentication, Binding};

/// The most bytes that a message of the handshake may have, as in CPython.
pub const MAX_MESSAGE: usize = 256;

/// Begins the first message of a listener with a key.
pub(crate) const CHALLENGE: &[u8] = b"#CHALLENGE#";
const WELCOME: &[u8] = b"#WELCOME#";
const FAILURE: &[u8] = b"#FAILURE#";

/// The random bytes of a challenge, as many as CPython's since 3.12.
const RANDOM: usize = 40;

/// How long the challenges of CPython up to 3.11 are, and its answers. These lengths are tested before
/// any prefix, as CPython does.
const LEGACY_CHALLENGE: usize = 20;
const LEGACY_ANSWER: usize = 16;

/// Ends the challenges of peers that can bind.
const MARK: &[u8] = b"{farcall-bound-1}";

/// Begins what is digested for a bound answer. CPython digests whatever it is sent, but never anything
/// that begins like this: its digests but MD5 are of challenges that begin with `{`.
const BOUND: &[u8] = b"farcall-bound-1\0";

/// One side of the handshake.
///
/// Send what [`outgoing`](Self::outgoing) gives, hand what comes to [`incoming`](Self::incoming), until
/// it [is complete](Self::is_complete) or fails. After a failure there may be one more message to send.
///
/// # Examples
///
/// ```
/// use conn::auth::{AuthKey, Authentication, Channel, Handshake, Role};
///
/// let authentication = Authentication::new(AuthKey::new("open sesame")?);
/// let side = |role| Handshake::new(role, authentication.clone(), Channel::Memory);
/// let (mut listener, mut client) = (side(Role::Listener)?, side(Role::Client)?);
/// while !(listener.is_complete() && client.is_complete()) {
///     while let Some(message) = listener.outgoing() {
///         client.incoming(&message)?;
///     }
///     while let Some(message) = client.outgoing() {
///         listener.incoming(&message)?;
///     }
/// }
/// # Ok::<(), conn::auth::AuthError>(())
/// ```
#[derive(Debug)]
pub struct Handshake {
    role: Role,
    authentication: Authentication,
    channel: Channel,
    /// What a bound proof is bound to, where it can be and may.
    identity: Option<Vec<u8>>,
    challenge: IssuedChallenge,
    state: HandshakeState,
    outgoing: VecDeque<Vec<u8>>,
    is_legacy: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HandshakeState {
    /// The peer is to send its challenge.
    AwaitChallenge,
    /// The peer is to say whether it accepts the answer of this side.
    AwaitVerdict,
    /// The peer is to answer the challenge of this side.
    AwaitAnswer,
    Complete,
    Failed,
}

impl Handshake {
    /// Begins a handshake on this channel.
    ///
    /// # Errors
    /// [`AuthError::NothingToBind`] if binding is required and the channel has nothing to bind to;
    /// [`AuthError::Random`] if the system has no random numbers.
    pub fn new(
        role: Role,
        authentication: Authentication,
        channel: Channel,
    ) -> Result<Self, AuthError> {
        let mut random = [0; RANDOM];
        getrandom::fill(&mut random).map_err(|error| AuthError::Random(error.into()))?;
        Self::with_random(role, authentication, channel, random)
    }

    fn with_random(
        role: Role,
        authentication: Authentication,
        channel: Channel,
        random: [u8; RANDOM],
    ) -> Result<Self, AuthError> {
        let identity = match authentication.binding {
            Binding::Off => None,
            Binding::Prefer => channel.identity(role),
            Binding::Require => Some(channel.identity(role).ok_or(AuthError::NothingToBind)?),
        };
        let mut challenge = format!("{{{}}}", authentication.digest).into_bytes();
        challenge.extend_from_slice(&random);
        if identity.is_some() {
            challenge.extend_from_slice(MARK);
        }
        let mut handshake = Self {
            role,
            authentication,
            challenge: IssuedChallenge::new(challenge, channel.clone()),
            channel,
            identity,
            state: HandshakeState::AwaitChallenge,
            outgoing: VecDeque::new(),
            is_legacy: false,
        };
        if role == Role::Listener {
            handshake.send_challenge();
        }
        Ok(handshake)
    }

    /// The next message to send, if there is one.
    pub fn outgoing(&mut self) -> Option<Vec<u8>> {
        self.outgoing.pop_front()
    }

    /// Whether the peer speaks the handshake of CPython up to 3.11.
    #[cfg(unix)]
    pub(crate) const fn is_legacy(&self) -> bool {
        self.is_legacy
    }

    /// Whether both sides have proved the key, and all that is [outgoing](Self::outgoing) has been
    /// fetched.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.state == HandshakeState::Complete && self.outgoing.is_empty()
    }

    /// Takes a message of the peer.
    ///
    /// # Errors
    /// If the peer does not prove the key, does not accept the proof of this side, or does not follow
    /// the protocol. The handshake is over then.
    pub fn incoming(&mut self, message: &[u8]) -> Result<(), AuthError> {
        let result = match self.state {
            HandshakeState::AwaitChallenge => self.respond(message),
            HandshakeState::AwaitVerdict => self.process_verdict(message),
            HandshakeState::AwaitAnswer => self.verify(message),
            HandshakeState::Complete | HandshakeState::Failed => Err(AuthError::Unexpected {
                expected: "to be taken: the handshake is over",
            }),
        };
        if result.is_err() {
            // All that a peer learns which has not proved the key.
            if self.state == HandshakeState::AwaitAnswer {
                self.outgoing.push_back(FAILURE.to_vec());
            }
            self.state = HandshakeState::Failed;
        }
        result
    }

    fn send_challenge(&mut self) {
        let message = [CHALLENGE, self.challenge.challenge()].concat();
        self.outgoing.push_back(message);
        self.state = HandshakeState::AwaitAnswer;
    }

    fn verify(&mut self, answer: &[u8]) -> Result<(), AuthError> {
        let (algorithm, code) = match answer.len() {
            LEGACY_ANSWER | LEGACY_CHALLENGE => {
                self.is_legacy = true;
                (Algorithm::Md5, answer)
            }
            _ => named_digest(answer, "an answer to the challenge")?,
        };
        self.allow(algorithm)?;
        let key = &self.authentication.key;
        let challenge = self.challenge.challenge();
        let bound = match &self.identity {
            Some(identity) if algorithm != Algorithm::Md5 => algorithm.verify(
                key,
                &bound_input(self.role.opposite(), challenge, identity),
                code,
            ),
            _ => false,
        };
        if !bound {
            if !algorithm.verify(key, &[challenge], code) {
                return Err(AuthError::WrongAnswer);
            }
            if self.authentication.binding == Binding::Require {
                return Err(AuthError::Unbound);
            }
        }
        self.outgoing.push_back(WELCOME.to_vec());
        self.state = match self.role {
            Role::Listener => HandshakeState::AwaitChallenge,
            Role::Client => HandshakeState::Complete,
        };
        Ok(())
    }

    fn respond(&mut self, message: &[u8]) -> Result<(), AuthError> {
        let expected = "a challenge";
        let challenge = message
            .strip_prefix(CHALLENGE)
            .filter(|challenge| challenge.len() >= LEGACY_CHALLENGE)
            .ok_or(AuthError::Unexpected { expected })?;
        if is_reflected(challenge, &self.channel) {
            return Err(AuthError::Reflected);
        }
        let key = &self.authentication.key;
        let answer = if challenge.len() == LEGACY_CHALLENGE {
            self.is_legacy = true;
            self.allow(Algorithm::Md5)?;
            self.reject_unbound()?;
            Algorithm::Md5.hmac(key, &[challenge])
        } else {
            let (algorithm, _) = named_digest(challenge, expected)?;
            self.allow(algorithm)?;
            let code = match &self.identity {
                Some(identity) if algorithm != Algorithm::Md5 && challenge.ends_with(MARK) => {
                    algorithm.hmac(key, &bound_input(self.role, challenge, identity))
                }
                _ => {
                    self.reject_unbound()?;
                    algorithm.hmac(key, &[challenge])
                }
            };
            [b"{", algorithm.name().as_bytes(), b"}", &code].concat()
        };
        self.outgoing.push_back(answer);
        self.state = HandshakeState::AwaitVerdict;
        Ok(())
    }

    fn process_verdict(&mut self, message: &[u8]) -> Result<(), AuthError> {
        match message {
            WELCOME => {}
            FAILURE => return Err(AuthError::Rejected),
            _ => {
                let expected = "#WELCOME# or #FAILURE#";
                return Err(AuthError::Unexpected { expected });
            }
        }
        match self.role {
            Role::Listener => self.state = HandshakeState::Complete,
            Role::Client => self.send_challenge(),
        }
        Ok(())
    }

    fn allow(&self, algorithm: Algorithm) -> Result<(), AuthError> {
        if algorithm == Algorithm::Md5 && !self.authentication.legacy_md5 {
            return Err(AuthError::LegacyPeer);
        }
        Ok(())
    }

    fn reject_unbound(&self) -> Result<(), AuthError> {
        if self.authentication.binding == Binding::Require {
            return Err(AuthError::Unbound);
        }
        Ok(())
    }
}

/// Splits `{name}rest`.
fn named_digest<'a>(
    message: &'a [u8],
    expected: &'static str,
) -> Result<(Algorithm, &'a [u8]), AuthError> {
    let (name, rest) = message
        .strip_prefix(b"{")
        .and_then(|rest| {
            let end = rest.iter().position(|&byte| byte == b'}')?;
            Some((&rest[..end], &rest[end + 1..]))
        })
        .ok_or(AuthError::Unexpected { expected })?;
    match Algorithm::named(name) {
        Some(algorithm) => Ok((algorithm, rest)),
        None => Err(AuthError::UnknownDigest(name.escape_ascii().to_string())),
    }
}

/// What is digested for a bound answer. Only the challenge varies in length, and it ends with the mark.
fn bound_input<'a>(responder: Role, challenge: &'a [u8], identity: &'a [u8]) -> [&'a [u8]; 4] {
    [BOUND, responder.label(), challenge, identity]
}

#[cfg(test)]
mod random;
#[cfg(test)]
mod tests;
