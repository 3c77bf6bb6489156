//! Certificates and keys in files, for the peers of tests.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use tempfile::TempDir;

/// A folder of certificates, removed on drop.
#[derive(Debug)]
pub struct Certificates {
    folder: TempDir,
}

impl Certificates {
    /// Makes them. For each `NAME` there are `NAME.pem` and `NAME.key`:
    ///
    /// | name | certificate |
    /// |---|---|
    /// | `ca`, `other-ca` | two authorities |
    /// | `server` | for `localhost`, `127.0.0.1` and `::1`, signed by `ca` |
    /// | `wrong-name` | for `example.org`, signed by `ca` |
    /// | `expired` | for `localhost`, signed by `ca`, until 2020 |
    /// | `stranger` | for `localhost`, signed by `other-ca` |
    /// | `client`, `other-client` | for `client.example`, each signed by one authority |
    /// | `cookbook` | self-signed, an authority, `localhost` in the subject alone |
    ///
    /// # Panics
    /// If a file cannot be written.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let made = Self { folder };
        let [ca, other] = ["ca", "other-ca"].map(|name| made.authority(name, name));
        let here = ["localhost", "127.0.0.1", "::1"];
        made.leaf("server", &ca, &params(&here));
        made.leaf("wrong-name", &ca, &params(&["example.org"]));
        let mut expired = params(&here);
        expired.not_before = date_time_ymd(2019, 1, 1);
        expired.not_after = date_time_ymd(2020, 1, 1);
        made.leaf("expired", &ca, &expired);
        made.leaf("stranger", &other, &params(&here));
        for (name, authority) in [("client", &ca), ("other-client", &other)] {
            let mut params = params(&["client.example"]);
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            made.leaf(name, authority, &params);
        }
        made.authority("cookbook", "localhost");
        made
    }

    /// Returns the path of the file with this name.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the same as text.
    ///
    /// # Panics
    /// If the folder of temporary files is not UTF-8.
    #[must_use]
    pub fn text(&self, name: &str) -> String {
        let path = self.path(name);
        path.to_str().expect("temporary paths are UTF-8").to_owned()
    }

    fn authority(&self, name: &str, subject: &str) -> Issuer<'static, KeyPair> {
        let key = key();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        if name.ends_with("ca") {
            // CPython demands it from 3.13 on, as RFC 5280 does.
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        }
        params.distinguished_name.push(DnType::CommonName, subject);
        let certificate = params.self_signed(&key).expect("it can be signed");
        self.write(name, &certificate.pem(), &key);
        Issuer::new(params, key)
    }

    fn leaf(&self, name: &str, authority: &Issuer<'_, KeyPair>, params: &CertificateParams) {
        let key = key();
        let certificate = params.signed_by(&key, authority);
        self.write(name, &certificate.expect("it can be signed").pem(), &key);
    }

    fn write(&self, name: &str, certificate: &str, key: &KeyPair) {
        let write = |ending, text: &str| {
            let path: &Path = &self.path(&format!("{name}.{ending}"));
            std::fs::write(path, text).expect("it can be written");
        };
        write("pem", certificate);
        write("key", &key.serialize_pem());
    }
}

impl Default for Certificates {
    fn default() -> Self {
        Self::new()
    }
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key can be made")
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("the names are valid");
    params.use_authority_key_identifier_extension = true;
    params
}
