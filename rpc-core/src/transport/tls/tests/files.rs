//! Files that change.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::*;

#[tokio::test(start_paused = true)]
async fn changed_files_are_read_again_and_unusable_ones_are_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("a.pem"), folder.path().join("a.key"));
    let authority = authority();
    let write = |certificate_of: &Made, key_of: &Made| {
        fs::write(&certificate, &certificate_of.certificate).unwrap();
        fs::write(&key, &key_of.key).unwrap();
    };
    let (first, second) = (
        authority.leaf(&["localhost"]),
        authority.leaf(&["localhost", "b"]),
    );
    write(&first, &first);
    let client = ClientTls::new()
        .roots_pem(authority.certificate.as_bytes())
        .unwrap();
    let server = ServerTls::from_files(&certificate, &key).unwrap().watch();
    let shown = async || {
        let (_, connected) = handshake(&server, &client, Profile::Http, "localhost").await;
        let session = connected.unwrap();
        session.peer_certificate().unwrap().to_vec()
    };
    assert_eq!(shown().await, normal(&first.certificate));

    // One file is there already, the other is not.
    write(&second, &first);
    let error = server.clone().reload().unwrap_err();
    assert!(
        error
            .to_string()
            .contains("is not that of the first certificate"),
        "{error}"
    );
    assert_eq!(shown().await, normal(&first.certificate));
    write(&second, &second);
    server.clone().reload().unwrap();
    assert_eq!(shown().await, normal(&second.certificate));

    // Watched files are looked at every 30 seconds.
    write(&first, &first);
    assert_eq!(shown().await, normal(&second.certificate));
    tokio::time::advance(Duration::from_secs(31)).await;
    for _ in 0..1000 {
        if shown().await == normal(&first.certificate) {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("the files were not read again");
}

fn normal(pem: &str) -> Vec<u8> {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes());
    certificate.unwrap().to_vec()
}

#[tokio::test(start_paused = true)]
async fn a_client_reads_its_certificate_again_when_it_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("a.pem"), folder.path().join("a.key"));
    let authority = authority();
    let made = [authority.leaf(&["a"]), authority.leaf(&["bb"])];
    let write = |made: &Made| {
        fs::write(&certificate, &made.certificate).unwrap();
        fs::write(&key, &made.key).unwrap();
    };
    write(&made[0]);
    let client = ClientTls::new()
        .roots_pem(authority.certificate.as_bytes())
        .unwrap()
        .certificate(&certificate, &key)
        .unwrap();
    let before = client.config(Profile::Http).unwrap();
    assert!(Arc::ptr_eq(
        &before,
        &client.clone().config(Profile::Http).unwrap()
    ));
    // A look within a second of the last would be too early.
    write(&made[1]);
    assert!(Arc::ptr_eq(&before, &client.config(Profile::Http).unwrap()));
    fs::write(&key, "nothing yet").unwrap();
    tokio::time::advance(Duration::from_secs(2)).await;
    assert!(Arc::ptr_eq(&before, &client.config(Profile::Http).unwrap()));
    write(&made[1]);
    for _ in 0..1000 {
        if !Arc::ptr_eq(&before, &client.config(Profile::Http).unwrap()) {
            return;
        }
        thread::sleep(Duration::from_millis(5));
        tokio::time::advance(Duration::from_millis(300)).await;
    }
    panic!("the files were not read again");
}

/// Copies that keep the time of their original are other files.
#[cfg(unix)]
#[test]
fn a_file_of_the_same_length_and_time_is_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pem");
    fs::write(&path, "one").unwrap();
    let stamp = |path: &Path| pem::Pem::file(path).stamp().unwrap();
    let before = stamp(&path);
    assert_eq!(before, stamp(&path));
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    let other = folder.path().join("b.pem");
    fs::write(&other, "two").unwrap();
    fs::File::options()
        .write(true)
        .open(&other)
        .unwrap()
        .set_modified(time)
        .unwrap();
    fs::rename(&other, &path).unwrap();
    assert_ne!(before, stamp(&path));
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), time);
}

/// Without a runtime the look happens in the handshake itself, which must not wait for itself.
#[test]
fn watched_files_are_read_again_without_a_runtime() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("a.pem"), folder.path().join("a.key"));
    let authority = authority();
    let write = |day| {
        let mut params = CertificateParams::default();
        params.not_after = date_time_ymd(2033, 5, day);
        let made = authority.sign(&params);
        fs::write(&certificate, &made.certificate).unwrap();
        fs::write(&key, &made.key).unwrap();
    };
    write(18);
    let server = ServerTls::from_files(&certificate, &key).unwrap().watch();
    write(20);
    server.set_due();
    let (sender, seen) = mpsc::channel();
    thread::spawn(move || {
        drop(server.config(Profile::Http));
        sender.send(server.expires()).unwrap();
    });
    let expires = seen.recv_timeout(Duration::from_secs(30)).unwrap();
    assert_eq!(expires, Some(may_20()));
}

/// The reload that begins later reads later, and decides, even if the other one is slow.
#[cfg(unix)]
#[test]
fn the_later_of_two_reloads_decides() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let authority = authority();
    let key = KeyPair::generate().unwrap();
    let [first, slow, last] = [18, 19, 20].map(|day| {
        let mut params = CertificateParams::default();
        params.not_after = date_time_ymd(2033, 5, day);
        params.signed_by(&key, &authority.issuer).unwrap().pem()
    });
    fs::write(at("a.key"), key.serialize_pem()).unwrap();
    fs::write(at("a.pem"), first).unwrap();
    let server = ServerTls::from_files(at("a.pem"), at("a.key")).unwrap();

    // The first reload opens a pipe in place of the file, and waits for what is written to it.
    let made = Command::new("mkfifo").arg(at("pipe")).status().unwrap();
    assert!(made.success());
    fs::hard_link(at("pipe"), at("link")).unwrap();
    fs::rename(at("pipe"), at("a.pem")).unwrap();
    let reload = |server: ServerTls| thread::spawn(move || server.reload().unwrap());
    let slowly = reload(server.clone());
    let mut pipe = fs::File::options().write(true).open(at("link")).unwrap();

    fs::write(at("new"), last).unwrap();
    fs::rename(at("new"), at("a.pem")).unwrap();
    let later = reload(server.clone());
    thread::sleep(Duration::from_millis(200));
    io::Write::write_all(&mut pipe, slow.as_bytes()).unwrap();
    drop(pipe);
    slowly.join().unwrap();
    later.join().unwrap();
    assert_eq!(server.expires(), Some(may_20()));
}

/// Returns the beginning of 2033-05-20.
fn may_20() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_160_000)
}
