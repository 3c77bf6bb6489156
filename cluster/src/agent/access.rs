//! Rights: the callers that a module serves.

use std::fmt;
use std::str::FromStr;

use farcall_core::Identity;
use nix::unistd::User;
use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};

/// The callers that may call the methods of a module, by what they have proved to be.
///
/// The default is nobody. As text, as in a configuration file, it is `"everyone"` or a list of
/// entries, each of which names one kind of proof, since a name of one kind can equal that of
/// another:
///
/// | entry | caller |
/// |---|---|
/// | `key:LABEL`, or just `LABEL` | proved the authkey with this label |
/// | `certificate:NAME` | has a verified client certificate with this URI, DNS name, mail address or IP address, or with this common name if it has no other name |
/// | `user:NAME`, `user:UID` | is this user of the machine, over a Unix socket |
///
/// ```
/// use farcall::Identity;
/// use farcall::cluster::agent::Allow;
///
/// let allow: Allow = Allow::nobody().key("deploy").certificate("ops.example");
/// let mut caller = Identity::default();
/// assert!(!allow.permits(&caller));
/// caller.set_key("deploy");
/// assert!(allow.permits(&caller));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allow {
    everyone: bool,
    entries: Vec<Proof>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Proof {
    Key(String),
    Certificate(String),
    User(u32),
}

impl Allow {
    /// Permits nobody.
    #[must_use]
    pub const fn nobody() -> Self {
        Self {
            everyone: false,
            entries: Vec::new(),
        }
    }

    /// Permits everyone who can connect.
    #[must_use]
    pub const fn everyone() -> Self {
        Self {
            everyone: true,
            entries: Vec::new(),
        }
    }

    /// Permits those, too, who have proved the authkey with this label.
    #[must_use]
    pub fn key(self, label: impl Into<String>) -> Self {
        self.entry(Proof::Key(label.into()))
    }

    /// Permits those, too, whose verified certificate has this name.
    #[must_use]
    pub fn certificate(self, name: impl Into<String>) -> Self {
        self.entry(Proof::Certificate(name.into()))
    }

    /// Permits this user of the machine, too, over Unix sockets.
    #[must_use]
    pub fn user(self, uid: u32) -> Self {
        self.entry(Proof::User(uid))
    }

    fn entry(mut self, entry: Proof) -> Self {
        self.entries.push(entry);
        self
    }

    /// Returns `true` if everyone who can connect is permitted.
    #[must_use]
    pub const fn is_everyone(&self) -> bool {
        self.everyone
    }

    /// Returns the labels of authkeys that are named.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter_map(|entry| match entry {
            Proof::Key(label) => Some(label.as_str()),
            _ => None,
        })
    }

    /// Returns `true` if a user of the machine is named.
    #[must_use]
    pub fn names_users(&self) -> bool {
        let mut entries = self.entries.iter();
        entries.any(|entry| matches!(entry, Proof::User(_)))
    }

    /// Returns `true` if this caller is among those permitted.
    #[must_use]
    pub fn permits(&self, caller: &Identity) -> bool {
        self.everyone || self.entries.iter().any(|entry| entry.is(caller))
    }
}

impl Proof {
    fn is(&self, caller: &Identity) -> bool {
        match self {
            Self::Key(label) => caller.key() == Some(label),
            Self::User(uid) => caller.user().is_some_and(|user| user.uid == *uid),
            Self::Certificate(name) => caller.certificate().is_some_and(|certificate| {
                let mut names = [&certificate.uris, &certificate.dns, &certificate.emails]
                    .into_iter()
                    .flatten();
                let has_ip = || certificate.ips.iter().any(|ip| ip.to_string() == *name);
                // The common name counts only where it is the name of the certificate.
                let is_name = || certificate.name().as_deref() == Some(name);
                names.any(|own| own == name) || has_ip() || is_name()
            }),
        }
    }
}

/// An entry of a list of callers that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AllowError {
    /// The entry names nothing.
    #[error("an entry of `allow` is empty")]
    Empty,
    /// The kind before the colon does not exist.
    #[error("`allow` has `{0}`: an entry is key:LABEL, certificate:NAME or user:NAME")]
    UnknownKind(String),
    /// The machine has no such user.
    #[error("`allow` names the user `{0}`, who does not exist")]
    UnknownUser(String),
}

impl FromStr for Proof {
    type Err = AllowError;

    fn from_str(text: &str) -> Result<Self, AllowError> {
        let (kind, name) = text.split_once(':').unwrap_or(("key", text));
        if name.is_empty() {
            return Err(AllowError::Empty);
        }
        match kind {
            "key" => Ok(Self::Key(name.to_owned())),
            "certificate" => Ok(Self::Certificate(name.to_owned())),
            "user" => match name.parse() {
                Ok(uid) => Ok(Self::User(uid)),
                Err(_) => match User::from_name(name) {
                    Ok(Some(user)) => Ok(Self::User(user.uid.as_raw())),
                    _ => Err(AllowError::UnknownUser(name.to_owned())),
                },
            },
            _ => Err(AllowError::UnknownKind(text.to_owned())),
        }
    }
}

/// Parses one entry, or `everyone`.
impl FromStr for Allow {
    type Err = AllowError;

    fn from_str(text: &str) -> Result<Self, AllowError> {
        if text == "everyone" {
            return Ok(Self::everyone());
        }
        Ok(Self::nobody().entry(text.parse()?))
    }
}

impl<'de> Deserialize<'de> for Allow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AllowVisitor;

        impl<'de> Visitor<'de> for AllowVisitor {
            type Value = Allow;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"everyone\" or a list of callers, such as [\"key:deploy\"]")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Allow, E> {
                match text {
                    "everyone" => Ok(Allow::everyone()),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Allow, A::Error> {
                let mut allow = Allow::nobody();
                while let Some(text) = list.next_element::<String>()? {
                    allow = allow.entry(text.parse().map_err(de::Error::custom)?);
                }
                Ok(allow)
            }
        }

        deserializer.deserialize_any(AllowVisitor)
    }
}

#[cfg(test)]
mod tests {
    use farcall_core::Certificate;
    use farcall_core::transport::{Credentials, Peer};

    use super::*;

    fn parse(text: &str) -> Result<Allow, String> {
        #[derive(serde::Deserialize)]
        struct Table {
            allow: Allow,
        }
        toml::from_str::<Table>(text)
            .map(|table| table.allow)
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn a_name_of_one_kind_is_not_that_of_another() {
        let user = Credentials {
            uid: 0,
            gid: 0,
            pid: None,
        };
        let mut holder = Identity::default();
        holder.set_key("deploy");
        let mut certified = Identity::default();
        certified.set_certificate({
            let mut certificate = Certificate::default();
            certificate.dns.push("deploy".to_owned());
            certificate
        });
        let mut subject = Identity::default();
        subject.set_subject("deploy");
        let root = Identity::from(Peer::Unix(Some(user)));
        let callers = [&holder, &certified, &root, &subject];
        for (entry, permitted) in [
            ("deploy", [true, false, false, false]),
            ("key:deploy", [true, false, false, false]),
            ("certificate:deploy", [false, true, false, false]),
            ("user:root", [false, false, true, false]),
            ("user:0", [false, false, true, false]),
        ] {
            let allow = parse(&format!("allow = [\"{entry}\"]")).unwrap();
            assert_eq!(
                callers.map(|caller| allow.permits(caller)),
                permitted,
                "{entry}"
            );
        }
        assert!(
            callers
                .iter()
                .all(|caller| Allow::everyone().permits(caller))
        );
        assert!(
            !callers
                .iter()
                .any(|caller| Allow::default().permits(caller))
        );
    }

    #[test]
    fn a_common_name_counts_only_without_other_names() {
        let mut certificate = Certificate::default();
        certificate.common_name = Some("deploy".to_owned());
        let allow = Allow::nobody().certificate("deploy");
        let mut caller = Identity::default();
        caller.set_certificate(certificate.clone());
        assert!(allow.permits(&caller));
        certificate.dns.push("other.example".to_owned());
        caller.set_certificate(certificate);
        assert!(!allow.permits(&caller));
    }

    #[test]
    fn mistakes_are_errors() {
        assert_eq!(parse("allow = \"everyone\""), Ok(Allow::everyone()));
        assert_eq!(parse("allow = []"), Ok(Allow::nobody()));
        let some = parse("allow = [\"a\", \"user:0\", \"key:b\", \"certificate:c\"]").unwrap();
        assert!(some.labels().eq(["a", "b"]) && some.names_users() && !some.is_everyone());
        for (text, expected) in [
            ("allow = \"deploy\"", "expected \"everyone\" or a list"),
            ("allow = [\"uid:0\"]", "an entry is key:LABEL"),
            ("allow = [\"key:\"]", "is empty"),
            ("allow = [\"user:nobody-has-this-name\"]", "does not exist"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
