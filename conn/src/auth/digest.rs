//! Keyed digests (HMAC).

use std::fmt;

use hmac::{Hmac, KeyInit, Mac, SimpleHmac};
use md5::Md5;
use sha2::{Sha256, Sha384};
use sha3::{Sha3_256, Sha3_384};
use subtle::ConstantTimeEq;

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
    Md5,
}

impl Algorithm {
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        if name == b"md5" {
            return Some(Self::Md5);
        }
        let digest = Digest::ALL
            .into_iter()
            .find(|d| d.name().as_bytes() == name);
        digest.map(Self::Modern)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Modern(digest) => digest.name(),
            Self::Md5 => "md5",
        }
    }

    /// Returns the HMAC of the concatenated parts.
    pub(super) fn hmac(self, key: &AuthKey, parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Modern(Digest::Sha256) => compute_hmac::<Hmac<Sha256>>(key, parts),
            Self::Modern(Digest::Sha384) => compute_hmac::<Hmac<Sha384>>(key, parts),
            Self::Modern(Digest::Sha3_256) => compute_hmac::<SimpleHmac<Sha3_256>>(key, parts),
            Self::Modern(Digest::Sha3_384) => compute_hmac::<SimpleHmac<Sha3_384>>(key, parts),
            Self::Md5 => compute_hmac::<Hmac<Md5>>(key, parts),
        }
    }

    /// Returns `true` if `response` is the HMAC of the concatenated parts, in constant time.
    pub(super) fn verify(self, key: &AuthKey, parts: &[&[u8]], response: &[u8]) -> bool {
        self.hmac(key, parts).ct_eq(response).into()
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
