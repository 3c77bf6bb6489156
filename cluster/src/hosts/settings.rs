//! Settings of hosts: their URLs, keys and TLS.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::template::UrlTemplate;

/// Settings of hosts, each of which may be left to less specific settings.
///
/// In the configuration, this is the table `[defaults]`, and what an entry of `[[hosts]]` has
/// beside `match`. Secrets are in files, so that the configuration can be shown and shared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct HostSettings {
    /// URL, with `{host}` for the name.
    ///
    /// Default: `conn+rpc://{host}:7000`.
    #[serde(deserialize_with = "template")]
    pub url: Option<UrlTemplate>,
    /// File with the authkey of connections.
    pub authkey_file: Option<PathBuf>,
    /// Allows authentication with MD5, which CPython up to 3.11 requires.
    ///
    /// Default: no.
    pub legacy_md5: Option<bool>,
    /// File with a token, sent as `Authorization: Bearer`.
    pub bearer_file: Option<PathBuf>,
    /// File with `USER:PASSWORD`, sent as `Authorization: Basic`.
    pub basic_file: Option<PathBuf>,
    /// File with the credentials for NATS servers, as `nsc` writes it, or with the seed of an nkey.
    /// Its key is never sent.
    pub nats_file: Option<PathBuf>,
    /// Headers of HTTP requests, by name. Those of less specific settings are sent as well.
    pub headers: BTreeMap<String, String>,
    /// TLS, for URLs with `https` or `+tls`.
    pub tls: TlsFiles,
}

/// Settings of TLS, as files in PEM form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TlsFiles {
    /// Authorities to trust.
    ///
    /// Default: those of the system.
    pub cacert: Option<PathBuf>,
    /// The only certificates to accept, whatever their names.
    pub pin: Option<PathBuf>,
    /// Certificate to show, with its chain.
    pub cert: Option<PathBuf>,
    /// Key of that certificate.
    ///
    /// Default: in the file of `cert`.
    pub key: Option<PathBuf>,
    /// Accepts any certificate: whoever is on the way can read and change everything.
    ///
    /// Default: no.
    pub insecure: Option<bool>,
}

impl HostSettings {
    /// Returns these settings, with those of `other` where these have none. A token and a password
    /// go together, as only one of them is sent; so do the authorities and the pin of TLS, and a
    /// certificate with its key.
    #[must_use]
    pub fn or(mut self, other: &Self) -> Self {
        if self.bearer_file.is_none() && self.basic_file.is_none() {
            self.bearer_file.clone_from(&other.bearer_file);
            self.basic_file.clone_from(&other.basic_file);
        }
        if self.url.is_none() {
            self.url.clone_from(&other.url);
        }
        if self.authkey_file.is_none() {
            self.authkey_file.clone_from(&other.authkey_file);
        }
        if self.nats_file.is_none() {
            self.nats_file.clone_from(&other.nats_file);
        }
        self.legacy_md5 = self.legacy_md5.or(other.legacy_md5);
        for (name, value) in &other.headers {
            let is_set = self
                .headers
                .keys()
                .any(|key| key.eq_ignore_ascii_case(name));
            if !is_set {
                self.headers.insert(name.clone(), value.clone());
            }
        }
        let (tls, others) = (&mut self.tls, &other.tls);
        if tls.cacert.is_none() && tls.pin.is_none() && tls.insecure.is_none() {
            tls.cacert.clone_from(&others.cacert);
            tls.pin.clone_from(&others.pin);
            tls.insecure = others.insecure;
        }
        if tls.cert.is_none() && tls.key.is_none() {
            tls.cert.clone_from(&others.cert);
            tls.key.clone_from(&others.key);
        }
        self
    }

    /// Returns the files, each with the name of its setting, and `true` if it is secret.
    pub(super) fn files(&mut self) -> impl Iterator<Item = (&'static str, &mut PathBuf, bool)> {
        let tls = &mut self.tls;
        let files = [
            ("authkey_file", &mut self.authkey_file, true),
            ("bearer_file", &mut self.bearer_file, true),
            ("basic_file", &mut self.basic_file, true),
            ("nats_file", &mut self.nats_file, true),
            ("tls.cacert", &mut tls.cacert, false),
            ("tls.pin", &mut tls.pin, false),
            // The key may be in the same file.
            ("tls.cert", &mut tls.cert, tls.key.is_none()),
            ("tls.key", &mut tls.key, true),
        ];
        files
            .into_iter()
            .filter_map(|(name, file, secret)| Some((name, file.as_mut()?, secret)))
    }

    /// Makes the paths absolute, relative to the folder of the configuration.
    pub(super) fn locate(&mut self, folder: &Path) {
        for (_, file, _) in self.files() {
            *file = located(file, folder);
        }
    }
}

/// Returns a path of the configuration: in the home directory behind `~/`, in the folder of the
/// configuration unless it is absolute.
pub(super) fn located(path: &Path, folder: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::home_dir()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => folder.join(path),
    }
}

fn template<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<UrlTemplate>, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map(Some).map_err(serde::de::Error::custom)
}
