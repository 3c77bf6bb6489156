//! `farcall certs`: makes certificates for development.

use std::error::Error;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::Args;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};

use crate::Options;

#[derive(Args)]
pub(crate) struct CertsCommand {
    /// Folder for the files; none of them may exist
    folder: PathBuf,
    /// Host names and IP addresses of the server [default: localhost 127.0.0.1 ::1]
    names: Vec<String>,
    /// Name of the client
    #[arg(long, value_name = "NAME", default_value = "client")]
    client: String,
}

/// The validity of the certificates: a year. Some systems accept at most 825 days.
const VALIDITY: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Permissions of the files: those of keys are for this user only.
const PUBLIC: u32 = 0o644;
const PRIVATE: u32 = 0o600;

/// Makes the files, and returns the text to print.
pub(crate) fn run(command: &CertsCommand, options: &Options) -> Result<String, Box<dyn Error>> {
    let authentication = &options.authentication;
    for (option, is_given) in [
        ("--header", !options.headers.is_empty()),
        ("--authkey-file", authentication.authkey_file.is_some()),
        ("--legacy-md5", authentication.legacy_md5),
    ] {
        if is_given {
            return Err(format!("{option} is for calls: certs makes none").into());
        }
    }
    let folder = &command.folder;
    fs::create_dir_all(folder)
        .map_err(|error| format!("{} cannot be created: {error}", folder.display()))?;
    // Checked first: without all of them, those that were written would fit no others.
    for name in [
        "ca.pem",
        "server.pem",
        "server.key",
        "client.pem",
        "client.key",
    ] {
        let path = folder.join(name);
        if path.exists() {
            return Err(format!("{} exists already", path.display()).into());
        }
    }
    let names = match &command.names[..] {
        [] => ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into(),
        names => names.to_vec(),
    };

    let mut authority = params(&[], "Farcall development")?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = new_key()?;
    let certificate = authority.self_signed(&key)?.pem();
    write(&folder.join("ca.pem"), &certificate, PUBLIC)?;
    // Its key is not written: whoever trusts this authority trusts two certificates only.
    let authority = Issuer::new(authority, key);
    let mut server = params(&names, &names[0])?;
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    sign(&folder.join("server"), &server, &authority)?;
    let mut client = params(std::slice::from_ref(&command.client), &command.client)?;
    client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    sign(&folder.join("client"), &client, &authority)?;

    let shown = folder.display();
    Ok(format!(
        "{shown}/ca.pem: the authority, for clients (and servers that demand certificates)\n\
         {shown}/server.pem, {shown}/server.key: for the server, as {}\n\
         {shown}/client.pem, {shown}/client.key: for a client, as {}\n\
         They are valid for a year, and for development only: the key of the authority is not kept.",
        names.join(", "),
        command.client
    ))
}

fn params(names: &[String], common_name: &str) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.use_authority_key_identifier_extension = true;
    // The clocks of other machines may be behind.
    let now = SystemTime::now() - Duration::from_secs(60 * 60);
    params.not_before = now.into();
    params.not_after = (now + VALIDITY).into();
    Ok(params)
}

fn new_key() -> Result<KeyPair, rcgen::Error> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)
}

/// Writes a certificate and its key to `path`, with the extensions `pem` and `key`.
fn sign(
    path: &Path,
    params: &CertificateParams,
    authority: &Issuer<'_, KeyPair>,
) -> Result<(), Box<dyn Error>> {
    let key = new_key()?;
    let certificate = params.signed_by(&key, authority)?;
    write(&path.with_extension("pem"), &certificate.pem(), PUBLIC)?;
    write(&path.with_extension("key"), &key.serialize_pem(), PRIVATE)
}

/// Writes a file that does not exist yet.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), Box<dyn Error>> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| format!("{} cannot be written: {error}", path.display()).into())
}
