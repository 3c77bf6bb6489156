//! Certificates that are replaced while the server runs.

use std::fs;

use farcall::transport::tls::rustls::pki_types::CertificateDer;
use farcall::xmlrpc::ServerOptions;
use tokio::net::TcpStream;

use farcall::transport::tls::tokio_rustls::client::TlsStream;

use crate::support::{Certificates, Served, add};

fn shown(stream: &TlsStream<TcpStream>) -> CertificateDer<'static> {
    let connection = stream.get_ref().1;
    connection.peer_certificates().unwrap()[0]
        .clone()
        .into_owned()
}

#[tokio::test]
async fn a_reload_reaches_new_connections_and_keeps_old_ones() {
    let made = Certificates::new();
    let tls = made.tls();
    let served = Served::start(ServerOptions::default().tls(tls.clone())).await;
    let mut old = served.tls(&made.client()).await.unwrap();
    add(&mut old).await;

    made.server("renewed");
    fs::copy(made.path("renewed.pem"), made.path("server.pem")).unwrap();
    // The key is not there yet.
    tls.reload().unwrap_err();
    let same = served.tls(&made.client()).await.unwrap();
    assert_eq!(shown(&same), shown(&old));
    fs::copy(made.path("renewed.key"), made.path("server.key")).unwrap();
    tls.reload().unwrap();

    let mut new = served.tls(&made.client()).await.unwrap();
    assert_ne!(shown(&new), shown(&old));
    add(&mut new).await;
    add(&mut old).await;
}
