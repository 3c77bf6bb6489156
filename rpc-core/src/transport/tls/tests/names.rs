//! The names in certificates.

use rcgen::CustomExtension;
use rustls::pki_types::CertificateDer;

use super::*;
use crate::transport::tls::certificate::names;

fn certificate(change: impl FnOnce(&mut CertificateParams)) -> CertificateDer<'static> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "admin");
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().der().clone()
}

#[test]
fn a_common_name_counts_only_without_any_other() {
    let alone = names(&certificate(|_| ()));
    assert_eq!(alone.name().as_deref(), Some("admin"));

    let other = |name| names(&certificate(|params| params.subject_alt_names.push(name)));
    let by_dns = other(SanType::DnsName("guest.example".try_into().unwrap()));
    assert_eq!(by_dns.name().as_deref(), Some("guest.example"));
    let by_address = other(SanType::IpAddress(Ipv4Addr::LOCALHOST.into()));
    assert_eq!(by_address.name().as_deref(), Some("127.0.0.1"));
}

#[test]
fn a_certificate_with_unreadable_names_has_none() {
    let subject_alt_name = &[2, 5, 29, 17];
    let unreadable = names(&certificate(|params| {
        let extension = CustomExtension::from_oid_content(subject_alt_name, vec![0x30, 9, 1]);
        params.custom_extensions.push(extension);
    }));
    assert_eq!(unreadable.common_name, None);
    assert_eq!(unreadable.name(), None);
    assert_ne!(unreadable.fingerprint, [0; 32]);
}
