//! The identity of a caller: its address, and what it has proved.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::output::Foreign;
use crate::transport::certificate::Certificate;
#[cfg(feature = "_tls")]
use crate::transport::tls::TlsSession;
use crate::transport::{Credentials, Peer};

/// The identity of a caller: the [`Peer`] that it is, and what it has proved to be.
///
/// | proof | set by | method |
/// |---|---|---|
/// | the user of a Unix socket | the operating system | [`user`](Self::user) |
/// | a labelled authkey | the handshake of a connection | [`key`](Self::key) |
/// | a verified client certificate | TLS | [`certificate`](Self::certificate) |
/// | a token or a password | `authorize` or a layer | [`subject`](Self::subject) |
///
/// A caller can have several of them, or none: then it [is anonymous](Self::is_anonymous), as the
/// default value is. Nothing in an identity is secret. Clones share the proofs.
///
/// A guard or a handler decides by one kind of proof, not by the [`name`](Self::name), since the
/// name of one kind can equal that of another.
///
/// ```
/// use farcall::{Context, Fault, FaultKind, Registry};
/// # use farcall::protocol::Format;
///
/// # fn protect<F: Format>(registry: &Registry<F>) {
/// registry.set_guard(|cx| match cx.identity().subject() {
///     Some("ada") => Ok(()),
///     _ => Err(Fault::of(FaultKind::Denied, "only Ada may call this")),
/// });
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    peer: Peer,
    /// Most callers have proved nothing, and their connections hold one pointer for it.
    proofs: Option<Arc<Proofs>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Proofs {
    #[cfg(feature = "_tls")]
    session: Option<Arc<TlsSession>>,
    certificate: Option<Arc<Certificate>>,
    key: Option<Arc<str>>,
    subject: Option<Arc<str>>,
}

/// The identity of a peer that has proved nothing yet, except the user of a Unix socket.
impl From<Peer> for Identity {
    fn from(peer: Peer) -> Self {
        Self { peer, proofs: None }
    }
}

#[cfg(feature = "_tls")]
impl Identity {
    /// Returns the identity of a peer that has performed a TLS handshake: with the names of its
    /// certificate, if it is a client that has one. Certificates of servers are no identity: their
    /// names were compared with the one that was called.
    #[must_use]
    pub fn over_tls(peer: Peer, session: &Arc<TlsSession>) -> Self {
        let mut identity = Self::from(peer);
        let proofs = identity.proofs_mut();
        proofs.certificate = session.client().cloned();
        proofs.session = Some(Arc::clone(session));
        identity
    }

    /// Returns the result of the TLS handshake of the connection, if it is one over TLS.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsSession> {
        self.proofs.as_ref()?.session.as_deref()
    }
}

impl Identity {
    /// The identity of a caller of which nothing is known.
    pub const ANONYMOUS: Self = Self {
        peer: Peer::Unknown,
        proofs: None,
    };

    /// Returns the address of the caller, or the process.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Returns the user and process of the caller, if it called over a Unix socket.
    #[must_use]
    pub const fn user(&self) -> Option<Credentials> {
        match self.peer {
            Peer::Unix(credentials) => credentials,
            _ => None,
        }
    }

    /// Returns the label of the authkey that the caller has proved, if the key has one.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.proofs.as_ref()?.key.as_deref()
    }

    /// Returns the certificate of the caller, if it presented one and the TLS handshake has
    /// verified it.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        self.proofs.as_ref()?.certificate.as_deref()
    }

    /// Returns the user whose token or password the caller has: the subject of the token, or the
    /// user name.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.proofs.as_ref()?.subject.as_deref()
    }

    /// Sets the label of the authkey that the caller has proved.
    pub fn set_key(&mut self, label: impl Into<Arc<str>>) {
        self.proofs_mut().key = Some(label.into());
    }

    /// Sets the certificate of the caller, which must have been verified.
    pub fn set_certificate(&mut self, certificate: impl Into<Arc<Certificate>>) {
        self.proofs_mut().certificate = Some(certificate.into());
    }

    /// Sets the user whose token or password the caller has.
    pub fn set_subject(&mut self, subject: impl Into<Arc<str>>) {
        self.proofs_mut().subject = Some(subject.into());
    }

    fn proofs_mut(&mut self) -> &mut Proofs {
        Arc::make_mut(self.proofs.get_or_insert_default())
    }

    /// Returns `true` if nothing but the address of the caller is known: no user of a Unix socket,
    /// no label of an authkey, no certificate and no subject.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        let proves = |proofs: &Proofs| {
            proofs.certificate.is_some() || proofs.key.is_some() || proofs.subject.is_some()
        };
        !self.proofs.as_deref().is_some_and(proves) && self.user().is_none()
    }

    /// Returns `true` if both have proved to be the same, so that one may continue what the other
    /// has begun: they have the same user of a Unix socket, label of an authkey, certificate and
    /// subject, or neither has any. Certificates with the same names are the same, since one is
    /// replaced before it expires; without names they must be equal. Addresses may differ.
    #[must_use]
    pub fn is_same_caller(&self, other: &Self) -> bool {
        let same_certificate = match (self.certificate(), other.certificate()) {
            (Some(one), Some(other)) => one.has_same_names(other),
            (one, other) => one.is_none() && other.is_none(),
        };
        same_certificate
            && self.key() == other.key()
            && self.subject() == other.subject()
            && self.user().map(|user| user.uid) == other.user().map(|user| user.uid)
    }

    /// Returns the most specific name of the caller, for statistics and logs: its subject, or else
    /// the [name of its certificate](Certificate::name), the label of its key, or its user id, as
    /// in `uid 1000`. It may be a text of a peer: [`Display`](fmt::Display) escapes it.
    #[must_use]
    pub fn name(&self) -> Option<Cow<'_, str>> {
        let certificate = || self.certificate().and_then(Certificate::name);
        let user = || Some(format!("uid {}", self.user()?.uid).into());
        let subject = self.subject().map(Cow::Borrowed);
        subject
            .or_else(certificate)
            .or_else(|| self.key().map(Cow::Borrowed))
            .or_else(user)
    }
}

/// Shows the peer and each proof, as in `192.0.2.1:4711, certificate "client.example", key "2026"`.
/// Texts are escaped, and at most 1,024 bytes of each are shown.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.peer)?;
        let certificate = self.certificate().map(|certificate| {
            let name = certificate.name();
            name.unwrap_or(Cow::Borrowed("without a name"))
        });
        for (kind, text) in [
            ("certificate", certificate.as_deref()),
            ("key", self.key()),
            ("subject", self.subject()),
        ] {
            if let Some(text) = text {
                // A quotation mark would end the text, and pretend another proof.
                let text = text.replace('"', "\\\"");
                write!(f, ", {kind} \"{}\"", Foreign::excerpt(text))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer() -> Peer {
        Peer::Tcp(([192, 0, 2, 1], 4711).into())
    }

    fn unix() -> Peer {
        Peer::Unix(Some(Credentials {
            uid: 1000,
            gid: 100,
            pid: Some(7),
        }))
    }

    #[test]
    fn the_name_is_that_of_the_most_specific_proof() {
        let mut identity = Identity::from(unix());
        assert!(!identity.is_anonymous());
        assert_eq!(identity.name().as_deref(), Some("uid 1000"));
        identity.set_key("2026");
        assert_eq!(identity.name().as_deref(), Some("2026"));
        identity.set_certificate(Certificate {
            common_name: Some("common".to_owned()),
            ips: vec![[192, 0, 2, 7].into()],
            ..Certificate::default()
        });
        assert_eq!(identity.name().as_deref(), Some("192.0.2.7"));
        identity.set_certificate(Certificate {
            dns: vec!["client.example".to_owned()],
            uris: vec!["spiffe://example/client".to_owned()],
            ..Certificate::default()
        });
        assert_eq!(identity.name().as_deref(), Some("spiffe://example/client"));
        identity.set_subject("ada");
        assert_eq!(identity.name().as_deref(), Some("ada"));
        assert_eq!(identity.key(), Some("2026"));
        assert_eq!(identity.user().map(|user| user.uid), Some(1000));

        let nobody = Identity::from(peer());
        assert!(nobody.is_anonymous());
        assert_eq!(nobody.name(), None);
        assert_eq!(Identity::default(), Identity::ANONYMOUS);
    }

    #[test]
    fn clones_share_no_later_change() {
        let mut identity = Identity::from(peer());
        identity.set_key("2026");
        let mut ada = identity.clone();
        ada.set_subject("ada");
        assert_eq!((identity.subject(), ada.key()), (None, Some("2026")));
    }

    #[test]
    fn the_same_caller_has_the_same_proofs() {
        let (mut one, mut other) = (Identity::from(peer()), Identity::ANONYMOUS);
        assert!(one.is_same_caller(&other));
        assert!(!one.is_same_caller(&unix().into()));
        let restarted = Peer::Unix(Some(Credentials {
            uid: 1000,
            gid: 100,
            pid: Some(8),
        }));
        assert!(Identity::from(unix()).is_same_caller(&restarted.into()));
        let root = Peer::Unix(Some(Credentials {
            uid: 0,
            gid: 100,
            pid: Some(7),
        }));
        assert!(!Identity::from(unix()).is_same_caller(&root.into()));

        one.set_key("2025");
        assert!(!one.is_same_caller(&other) && !other.is_same_caller(&one));
        other.set_key("2026");
        assert!(!one.is_same_caller(&other));
        other.set_key("2025");
        assert!(one.is_same_caller(&other));
        let certificate = |names: &[&str], fingerprint| Certificate {
            dns: names.iter().map(|&name| name.to_owned()).collect(),
            fingerprint: [fingerprint; 32],
            ..Certificate::default()
        };
        one.set_certificate(certificate(&["a.example"], 1));
        assert!(!one.is_same_caller(&other) && !other.is_same_caller(&one));
        other.set_certificate(certificate(&["a.example"], 2));
        assert!(one.is_same_caller(&other), "a renewed certificate");
        other.set_certificate(certificate(&["a.example", "b.example"], 1));
        assert!(!one.is_same_caller(&other));
        one.set_certificate(certificate(&[], 1));
        other.set_certificate(certificate(&[], 2));
        assert!(!one.is_same_caller(&other), "two without names");
        other.set_certificate(certificate(&[], 1));
        assert!(one.is_same_caller(&other));
        other.set_subject("ada");
        assert!(!one.is_same_caller(&other));
    }

    #[test]
    fn identities_are_shown_escaped() {
        let mut identity = Identity::from(peer());
        assert_eq!(identity.to_string(), "192.0.2.1:4711");
        identity.set_certificate(Certificate::default());
        identity.set_key("2026");
        identity.set_subject("ada\", key \"root\u{1b}[2J\n");
        assert_eq!(
            identity.to_string(),
            "192.0.2.1:4711, certificate \"without a name\", key \"2026\", \
             subject \"ada\\\", key \\\"root\\u{1b}[2J\\n\""
        );
        assert!(!format!("{identity:?}").contains(['\u{1b}', '\n']));
    }

    #[test]
    fn proofs_cost_one_pointer() {
        let pointer = size_of::<usize>();
        assert_eq!(size_of::<Identity>(), size_of::<Peer>() + pointer);
    }
}
