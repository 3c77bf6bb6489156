//! Keyed digests (HMAC).

use std::fmt;

use hmac::{Hmac, KeyInit, Mac, SimpleHmac};
#[cfg(feature = "legacy-md5")]
use md5::Md5;
use sha2::{Sha256, Sha384};
use sha3::{Sha3_256, Sha3_384};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use super::AuthKey;

/// The digest functions of the handshake, named as in CPython.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Digest {
    /// SHA-256, `sha256`.
    #[default]
    Sha256,
    /// SHA-384, `sha384`.
    Sha384,
    /// SHA3-256, `sha3_256`.
    Sha3_256,
    /// SHA3-384, `sha3_384`.
    Sha3_384,
}

impl Digest {
    const ALL: [Self; 4] = [Self::Sha256, Self::Sha384, Self::Sha3_256, Self::Sha3_384];

    pub(super) fn named(name: &[u8]) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|digest| digest.name().as_bytes() == name)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha3_256 => "sha3_256",
            Self::Sha3_384 => "sha3_384",
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A [`Digest`], or MD5, which must be allowed explicitly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Modern(Digest),
    #[cfg(feature = "legacy-md5")]
    Md5,
}

impl Algorithm {
    /// The name of MD5.
    pub(super) const MD5: &str = "md5";

    /// Returns `true` if its proofs can be [bound](super#binding). MD5 is that of peers without
    /// binding.
    pub(super) const fn can_bind(self) -> bool {
        match self {
            Self::Modern(_) => true,
            #[cfg(feature = "legacy-md5")]
            Self::Md5 => false,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Modern(digest) => digest.name(),
            #[cfg(feature = "legacy-md5")]
            Self::Md5 => Self::MD5,
        }
    }

    /// Returns the HMACs of nothing, with each digest. Two keys of which one is equal prove each
    /// other: HMAC appends zeros to a key up to the block of the digest, and replaces a longer one
    /// by its digest.
    pub(super) fn proofs(key: &AuthKey) -> Vec<Zeroizing<Vec<u8>>> {
        let all = Digest::ALL.into_iter().map(Self::Modern);
        #[cfg(feature = "legacy-md5")]
        let all = all.chain([Self::Md5]);
        all.map(|algorithm| Zeroizing::new(algorithm.hmac(key, &[])))
            .collect()
    }

    /// Returns the HMAC of the concatenated parts.
    pub(super) fn hmac(self, key: &AuthKey, parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Modern(Digest::Sha256) => compute_hmac::<Hmac<Sha256>>(key, parts),
            Self::Modern(Digest::Sha384) => compute_hmac::<Hmac<Sha384>>(key, parts),
            Self::Modern(Digest::Sha3_256) => compute_hmac::<SimpleHmac<Sha3_256>>(key, parts),
            Self::Modern(Digest::Sha3_384) => compute_hmac::<SimpleHmac<Sha3_384>>(key, parts),
            #[cfg(feature = "legacy-md5")]
            Self::Md5 => compute_hmac::<Hmac<Md5>>(key, parts),
        }
    }

    /// Compares `response` with the HMAC of the concatenated parts, in constant time.
    pub(super) fn verify(self, key: &AuthKey, parts: &[&[u8]], response: &[u8]) -> Choice {
        self.hmac(key, parts).ct_eq(response)
    }
}

fn compute_hmac<M: Mac + KeyInit>(key: &AuthKey, parts: &[&[u8]]) -> Vec<u8> {
    #[allow(
        clippy::expect_used,
        reason = "HMAC pads or hashes every key to its block"
    )]
    let mut mac = <M as KeyInit>::new_from_slice(key.as_ref()).expect("HMAC takes any key");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}
