//! The names in a certificate.

use std::borrow::Cow;
use std::net::IpAddr;

/// The names in the verified certificate of a peer, as RFC 5280, 4.2.1.6 defines them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Certificate {
    /// The URIs among the alternative names, such as a SPIFFE id.
    pub uris: Vec<String>,
    /// The DNS names.
    pub dns: Vec<String>,
    /// The mail addresses.
    pub emails: Vec<String>,
    /// The IP addresses.
    pub ips: Vec<IpAddr>,
    /// The common name of the subject. It is the name of certificates without any other.
    pub common_name: Option<String>,
    /// The SHA-256 hash of the certificate.
    pub fingerprint: [u8; 32],
}

impl Certificate {
    /// Returns `true` if both have the same names. Without names they must be equal.
    pub(crate) fn has_same_names(&self, other: &Self) -> bool {
        self.uris == other.uris
            && self.dns == other.dns
            && self.emails == other.emails
            && self.ips == other.ips
            && self.common_name == other.common_name
            && (self.name().is_some() || self.fingerprint == other.fingerprint)
    }

    /// Returns the most specific name: the first URI, DNS name, mail address or IP address, or else
    /// the common name.
    #[must_use]
    pub fn name(&self) -> Option<Cow<'_, str>> {
        let mut texts = [&self.uris, &self.dns, &self.emails].into_iter().flatten();
        match (texts.next(), self.ips.first()) {
            (Some(text), _) => Some(text.into()),
            (None, Some(ip)) => Some(ip.to_string().into()),
            (None, None) => self.common_name.as_deref().map(Cow::Borrowed),
        }
    }
}
