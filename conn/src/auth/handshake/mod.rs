//! The handshake as a state machine: messages in, messages out, without sockets or clocks.

#[cfg(test)]
mod random;

use std::collections::VecDeque;
use std::sync::Arc;

use super::channel::{Channel, IssuedChallenge, Role, is_reflected};
use super::digest::Algorithm;
use super::keys::{KeyRing, LabelledKey, find};
use super::{AuthError, Authentication, Binding};

/// Maximum length of a message of the handshake, in bytes, as in CPython.
pub const MAX_MESSAGE: usize = 256;

/// Prefix of a challenge message, such as the first message of a listener with a key.
pub(crate) const CHALLENGE: &[u8] = b"#CHALLENGE#";
const WELCOME: &[u8] = b"#WELCOME#";
const FAILURE: &[u8] = b"#FAILURE#";

/// Number of random bytes in a challenge, as in CPython since 3.12.
const RANDOM: usize = 40;

/// Lengths of the challenges and responses of CPython up to 3.11. They are tested before any
/// prefix, as CPython does.
const LEGACY_CHALLENGE: usize = 20;
const LEGACY_RESPONSE: usize = 16;

/// Suffix of the challenges of peers that support binding.
const MARK: &[u8] = b"{farcall-bound-1}";

/// Prefix of the digest input of a bound response. CPython digests whatever challenge it is sent,
/// but never one with this prefix: except for MD5, its challenges begin with `{`.
const BOUND: &[u8] = b"farcall-bound-1\0";

/// One side of the handshake.
///
/// Send the messages that [`outgoing`](Self::outgoing) returns, and pass received messages to
/// [`incoming`](Self::incoming), until the handshake [is complete](Self::is_complete) or fails.
/// After a failure there may be one more message to send.
///
/// # Examples
///
/// ```
/// use farcall::conn::auth::{AuthKey, Authentication, Channel, Handshake, Role};
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
/// # Ok::<(), farcall::conn::auth::AuthError>(())
/// ```
#[derive(Debug)]
pub struct Handshake {
    role: Role,
    authentication: Authentication,
    /// The keys when the handshake began.
    keys: KeyRing,
    /// The place of the key that both sides prove. A listener learns it from the response.
    key: usize,
    channel: Channel,
    /// The channel identity that proofs are bound to, if there is one and binding is not off.
    identity: Option<Vec<u8>>,
    challenge: IssuedChallenge,
    state: HandshakeState,
    outgoing: VecDeque<Vec<u8>>,
    is_legacy: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HandshakeState {
    /// Waits for the challenge of the peer.
    AwaitChallenge,
    /// Waits until the peer accepts or rejects the local response.
    AwaitVerdict,
    /// Waits for the response to the local challenge.
    AwaitResponse,
    Complete,
    Failed,
}

impl Handshake {
    /// Starts a handshake on a channel.
    ///
    /// # Errors
    /// [`AuthError::NothingToBind`] if binding is required and the channel has no identity;
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
            keys: authentication.keys.current(),
            key: 0,
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

    /// Returns the next message to send, if there is one.
    pub fn outgoing(&mut self) -> Option<Vec<u8>> {
        self.outgoing.pop_front()
    }

    /// Returns `true` if the peer uses the handshake of CPython up to 3.11.
    #[cfg(unix)]
    pub(crate) const fn is_legacy(&self) -> bool {
        self.is_legacy
    }

    /// Returns the label of the key that the peer has proved, once the handshake [is
    /// complete](Self::is_complete), if the key has one.
    #[must_use]
    pub fn key(&self) -> Option<&Arc<str>> {
        self.keys[self.key]
            .label
            .as_ref()
            .filter(|_| self.is_complete())
    }

    /// Returns `true` once both sides have proved the key and every [outgoing](Self::outgoing)
    /// message has been taken.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.state == HandshakeState::Complete && self.outgoing.is_empty()
    }

    /// Processes a message of the peer.
    ///
    /// # Errors
    /// If the peer does not prove the key, rejects the local proof, or violates the protocol. The
    /// handshake has failed then.
    pub fn incoming(&mut self, message: &[u8]) -> Result<(), AuthError> {
        let result = match self.state {
            HandshakeState::AwaitChallenge => self.respond(message),
            HandshakeState::AwaitVerdict => self.process_verdict(message),
            HandshakeState::AwaitResponse => self.verify(message),
            HandshakeState::Complete | HandshakeState::Failed => Err(AuthError::Unexpected {
                expected: "expected: the handshake is over",
            }),
        };
        if result.is_err() {
            // A peer that has not proved the key learns nothing more than this.
            if self.state == HandshakeState::AwaitResponse {
                self.outgoing.push_back(FAILURE.to_vec());
            }
            self.state = HandshakeState::Failed;
        }
        result
    }

    fn send_challenge(&mut self) {
        let message = [CHALLENGE, self.challenge.challenge()].concat();
        self.outgoing.push_back(message);
        self.state = HandshakeState::AwaitResponse;
    }

    fn verify(&mut self, response: &[u8]) -> Result<(), AuthError> {
        let (algorithm, code) = match response.len() {
            LEGACY_RESPONSE | LEGACY_CHALLENGE => {
                self.is_legacy = true;
                (self.authentication.md5()?, response)
            }
            _ => self.named_digest(response, "a response to the challenge")?,
        };
        let keys: &[LabelledKey] = match self.role {
            Role::Listener => &self.keys,
            Role::Client => &self.keys[..=self.key],
        };
        let challenge = self.challenge.challenge();
        let bound = match &self.identity {
            Some(identity) if algorithm.can_bind() => {
                let input = bound_input(self.role.opposite(), challenge, identity);
                find(keys, |key| algorithm.verify(key, &input, code))
            }
            _ => None,
        };
        self.key = match bound {
            Some(key) => key,
            None => {
                let unbound = find(keys, |key| algorithm.verify(key, &[challenge], code));
                let key = unbound.ok_or(AuthError::WrongAnswer)?;
                self.reject_unbound()?;
                key
            }
        };
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
        let key = &self.keys[self.key].key;
        let response = if challenge.len() == LEGACY_CHALLENGE {
            self.is_legacy = true;
            let md5 = self.authentication.md5()?;
            self.reject_unbound()?;
            md5.hmac(key, &[challenge])
        } else {
            let (algorithm, _) = self.named_digest(challenge, expected)?;
            let code = match &self.identity {
                Some(identity) if algorithm.can_bind() && challenge.ends_with(MARK) => {
                    algorithm.hmac(key, &bound_input(self.role, challenge, identity))
                }
                _ => {
                    self.reject_unbound()?;
                    algorithm.hmac(key, &[challenge])
                }
            };
            [b"{", algorithm.name().as_bytes(), b"}", &code].concat()
        };
        self.outgoing.push_back(response);
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

    /// Splits `{name}rest` into the digest and the rest.
    fn named_digest<'a>(
        &self,
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
        Ok((self.authentication.named_algorithm(name)?, rest))
    }

    fn reject_unbound(&self) -> Result<(), AuthError> {
        if self.authentication.binding == Binding::Require {
            return Err(AuthError::Unbound);
        }
        Ok(())
    }
}

/// Returns the digest input of a bound response. Its encoding is unambiguous, since only the
/// challenge varies in length, and it ends with [`MARK`].
fn bound_input<'a>(responder: Role, challenge: &'a [u8], identity: &'a [u8]) -> [&'a [u8]; 4] {
    [BOUND, responder.label(), challenge, identity]
}

#[cfg(test)]
mod tests;
