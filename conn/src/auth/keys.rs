//! The keys that a listener accepts.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use subtle::{Choice, ConditionallySelectable as _};

use super::digest::Algorithm;
use super::{AuthError, AuthKey};

/// The keys that a listener accepts, each with a label that says whose or which one it is: the
/// [`key`](farcall_core::Identity::key) of the peer's identity.
///
/// With several keys, a listener can tell its clients apart, and a key can be replaced while they
/// still use the old one. Clones share the keys, so that a program can [replace](Self::replace)
/// those of a running listener. A client has one key, and needs no label for it.
///
/// A response is compared with every key, in a time that does not depend on which one is right. So
/// each key costs each handshake one digest, or two if its proof can be
/// [bound](super#binding).
///
/// ```
/// use farcall::conn::auth::AuthKeys;
/// use farcall::conn::{Connection, Listener};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = AuthKeys::new([("2026", "a new secret"), ("2025", "a secret")])?;
/// let mut listener = Listener::bind("127.0.0.1:0").authkeys(keys.clone()).await?;
/// let address = listener.local_address().clone();
///
/// let client: Connection = Connection::connect(&address).authkey("a secret").await?;
/// let accepted: Connection = listener.accept().await?;
/// assert_eq!(accepted.identity().key(), Some("2025"));
///
/// // Once all clients have the new key:
/// keys.replace([("2026", "a new secret")])?;
/// let late: Result<Connection, _> = Connection::connect(&address).authkey("a secret").await;
/// assert!(late.is_err());
/// # drop(client);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct AuthKeys(Arc<Mutex<KeyRing>>);

/// The keys as they are at one moment: at least one.
pub(super) type KeyRing = Arc<[LabelledKey]>;

/// A key and its label.
#[derive(Debug)]
pub(super) struct LabelledKey {
    pub(super) key: AuthKey,
    /// `None` for the only key of a listener or client.
    pub(super) label: Option<Arc<str>>,
}

impl AuthKeys {
    /// Maximum number of keys: 64. Anybody can make the listener compare with all of them, which
    /// takes a fraction of a millisecond.
    pub const MAX: usize = 64;

    /// Creates a set of keys from pairs of a label and a key.
    ///
    /// # Errors
    /// If there are none, or more than [`MAX`](Self::MAX); if a key is empty; or if a label or a
    /// key occurs twice, or two keys that HMAC treats alike, such as one with and without zero
    /// bytes at its end.
    pub fn new<L: Into<Arc<str>>, K: AsRef<[u8]>>(
        keys: impl IntoIterator<Item = (L, K)>,
    ) -> Result<Self, AuthError> {
        Ok(Self(Arc::new(Mutex::new(key_ring(keys)?))))
    }

    /// Replaces the keys, also for running listeners that have a clone. Connections stay, and
    /// handshakes that have begun complete with the earlier keys.
    ///
    /// # Errors
    /// As with [`new`](Self::new). The earlier keys stay then.
    pub fn replace<L: Into<Arc<str>>, K: AsRef<[u8]>>(
        &self,
        keys: impl IntoIterator<Item = (L, K)>,
    ) -> Result<(), AuthError> {
        let keys = key_ring(keys)?;
        let replaced = std::mem::replace(&mut *self.lock(), keys);
        // Wiped outside the lock.
        drop(replaced);
        Ok(())
    }

    /// Returns the keys as they are now.
    pub(super) fn current(&self) -> KeyRing {
        Arc::clone(&self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, KeyRing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A single key, without a label.
impl From<AuthKey> for AuthKeys {
    fn from(key: AuthKey) -> Self {
        Self(Arc::new(Mutex::new(
            [LabelledKey { key, label: None }].into(),
        )))
    }
}

/// Shows the labels.
impl fmt::Debug for AuthKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.current();
        let labels = keys.iter().map(|entry| entry.label.as_deref());
        f.debug_tuple("AuthKeys")
            .field(&labels.collect::<Vec<_>>())
            .finish()
    }
}

fn key_ring<L: Into<Arc<str>>, K: AsRef<[u8]>>(
    keys: impl IntoIterator<Item = (L, K)>,
) -> Result<KeyRing, AuthError> {
    let mut ring: Vec<LabelledKey> = Vec::new();
    let mut proofs = Vec::new();
    for (label, key) in keys {
        let (label, key) = (label.into(), AuthKey::new(key)?);
        let own = Algorithm::proofs(&key);
        if ring
            .iter()
            .any(|other| other.label.as_ref() == Some(&label))
            || own.iter().any(|proof| proofs.contains(proof))
        {
            return Err(AuthError::RepeatedKey(label.to_string()));
        }
        if ring.len() == AuthKeys::MAX {
            return Err(AuthError::TooManyKeys);
        }
        proofs.extend(own);
        let label = Some(label);
        ring.push(LabelledKey { key, label });
    }
    if ring.is_empty() {
        Err(AuthError::EmptyKeys)
    } else {
        Ok(ring.into())
    }
}

/// Returns the place of the key that `is_proved`, in a time that does not depend on the place.
pub(super) fn find(keys: &[LabelledKey], is_proved: impl Fn(&AuthKey) -> Choice) -> Option<usize> {
    let (mut found, mut place) = (Choice::from(0), 0);
    for (index, entry) in (0_u64..).zip(keys) {
        let is_match = is_proved(&entry.key);
        place.conditional_assign(&index, is_match);
        found |= is_match;
    }
    let place = usize::try_from(place).ok()?;
    bool::from(found).then_some(place)
}

#[cfg(test)]
mod tests {
    use sha2::Digest as _;
    use subtle::ConstantTimeEq as _;

    use super::*;

    #[test]
    fn every_key_is_found() {
        let keys = AuthKeys::new([("a", "one"), ("b", "two"), ("c", "three")]).unwrap();
        let keys = keys.current();
        for (place, key) in ["one", "two", "three"].into_iter().enumerate() {
            let found = find(&keys, |other| other.as_ref().ct_eq(key.as_bytes()));
            assert_eq!(found, Some(place));
        }
        assert_eq!(find(&keys, |_| Choice::from(0)), None);
    }

    #[test]
    fn sets_that_would_be_ambiguous_or_too_large_are_errors() {
        let none: [(&str, &str); 0] = [];
        assert!(matches!(AuthKeys::new(none), Err(AuthError::EmptyKeys)));
        let empty = AuthKeys::new([("a", "one"), ("b", "")]);
        assert!(matches!(empty, Err(AuthError::EmptyKey)));
        for twice in [
            [("a", "hush"), ("a", "two")],
            [("b", "hush"), ("a", "hush")],
        ] {
            let error = AuthKeys::new(twice).unwrap_err();
            assert!(matches!(&error, AuthError::RepeatedKey(label) if label == "a"));
            assert!(!error.to_string().contains("hush"), "{error}");
        }
        // Keys that prove each other, with one digest at least.
        let long = [7; 200];
        let digested = sha2::Sha256::digest(long);
        for (one, other) in [
            (&b"hush"[..], &b"hush\0"[..]),
            (b"hush\0\0\0", b"hush\0"),
            (&long, &digested),
        ] {
            for pair in [[("b", one), ("a", other)], [("b", other), ("a", one)]] {
                let error = AuthKeys::new(pair).unwrap_err();
                assert!(matches!(&error, AuthError::RepeatedKey(label) if label == "a"));
            }
        }
        assert!(AuthKeys::new([("a", b"\0hush"), ("b", b"hush\n")]).is_ok());
        let number = |count: usize| (0..count).map(|n| (n.to_string(), format!("key {n}")));
        assert!(AuthKeys::new(number(AuthKeys::MAX)).is_ok());
        let too_many = AuthKeys::new(number(AuthKeys::MAX + 1));
        assert!(matches!(too_many, Err(AuthError::TooManyKeys)));
    }

    #[test]
    fn a_failed_replacement_keeps_the_keys() {
        let keys = AuthKeys::new([("2025", "hush")]).unwrap();
        assert!(keys.replace([("2026", "")]).is_err());
        assert_eq!(format!("{keys:?}"), r#"AuthKeys([Some("2025")])"#);
        keys.clone().replace([("2026", "whisper")]).unwrap();
        assert_eq!(format!("{keys:?}"), r#"AuthKeys([Some("2026")])"#);
    }
}
