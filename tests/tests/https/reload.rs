//! Certificates that are replaced while the server runs.

use std::fs;

use farcall::http::ServerOptions;
use farcall::transport::Address;
use farcall::transport::tls::rustls::pki_types::CertificateDer;
use farcall::transport::tls::tokio_rustls::client::TlsStream;
use farcall::workers::Workers;
use farcall::xmlrpc::{ClientOptions, blocking};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::support::{Made, Served, add, server, tls_over};

fn shown(stream: &TlsStream<TcpStream>) -> CertificateDer<'static> {
    let connection = stream.get_ref().1;
    connection.peer_certificates().unwrap()[0]
        .clone()
        .into_owned()
}

#[tokio::test]
async fn a_reload_reaches_new_connections_and_keeps_old_ones() {
    let made = Made::new();
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

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_reaches_all_workers() {
    let made = Made::new();
    let tls = made.tls();
    let options = ServerOptions::default().tls(tls.clone());
    let address = Address::Tcp(tests::port_of_its_own());
    let workers = Workers::new().count(2).threads(&address, move |worker| {
        let server = server(options.clone());
        async move { server.serve_worker(worker).await }
    });
    let workers = workers.unwrap();
    let Address::Tcp(address) = *workers.local_address() else {
        panic!("it is a port");
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(workers.serve_until(async { drop(stopped.await) }));
    let connect = async || {
        let stream = TcpStream::connect(address).await.unwrap();
        tls_over(stream, &made.client()).await.unwrap()
    };
    let before = connect().await;
    made.server("server");
    tls.reload().unwrap();
    for _ in 0..20 {
        let mut stream = connect().await;
        assert_ne!(shown(&stream), shown(&before));
        add(&mut stream).await;
    }
    drop(stop);
    running.await.unwrap().unwrap();
}

#[test]
fn a_blocking_server_speaks_tls() {
    let made = Made::new();
    let bound = server(ServerOptions::default().tls(made.tls()))
        .bind("127.0.0.1:0")
        .wait()
        .unwrap();
    let (url, stop) = (bound.url(), bound.stop_handle());
    let serving = std::thread::spawn(move || bound.serve().unwrap());
    let options = ClientOptions::default().tls(made.client());
    let client = blocking::Client::with_options(&url, options).unwrap();
    assert_eq!(client.call::<i64>("add", (3, 5)).unwrap(), 8);
    stop.stop();
    assert_eq!(serving.join().unwrap().aborted, 0);
}
