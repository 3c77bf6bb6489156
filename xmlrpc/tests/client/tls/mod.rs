//! Calls over TLS.

mod certificates;
mod cuts;
mod errors;
mod proxies;
mod records;
mod redirects;

use std::sync::{Arc, Mutex};

use farcall_core::transport::tls::tokio_rustls::server::TlsStream;
use farcall_core::transport::tls::{ClientTls, Profile, ServerTls};
use farcall_xmlrpc::ClientOptions;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use self::certificates::{Authority, Made};
use super::{Request, listen, read, write};

/// A server with a certificate for `localhost`, and the authority that signed it.
struct Site {
    authority: Authority,
    leaf: Made,
}

impl Site {
    fn new() -> Self {
        let authority = Authority::new();
        let leaf = authority.leaf(&["localhost"]);
        Self { authority, leaf }
    }

    /// Returns the settings of a client that trusts the authority.
    fn client(&self) -> ClientTls {
        let roots = self.authority.certificate.as_bytes();
        ClientTls::new().roots_pem(roots).unwrap()
    }

    fn options(&self) -> ClientOptions {
        ClientOptions::default().tls(self.client())
    }

    fn server(&self) -> ServerTls {
        self.leaf.server()
    }
}

/// The way in which a server ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// With close_notify.
    Announced,
    /// Without, as CPython does.
    Ragged,
}

/// Opens a listener, and returns it with an `https` URL.
async fn listen_tls() -> (TcpListener, String) {
    let (listener, url) = listen().await;
    (
        listener,
        url.replace("http://127.0.0.1", "https://localhost"),
    )
}

/// Accepts a connection whose handshake succeeds.
async fn accept(listener: &TcpListener, tls: &ServerTls) -> TlsStream<TcpStream> {
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        if let Ok((io, _)) = tls.accept(Profile::Http, socket).await {
            return io;
        }
    }
}

/// Starts a server that sends these responses, each over a connection of its own, and whose task
/// returns the requests.
async fn server(
    tls: ServerTls,
    end: End,
    answers: Vec<String>,
) -> (String, JoinHandle<Vec<Request>>) {
    let (listener, url) = listen_tls().await;
    let task = tokio::spawn(async move {
        let mut requests = Vec::new();
        for answer in answers {
            let mut io = accept(&listener, &tls).await;
            if let Some(request) = read(&mut io).await {
                requests.push(request);
                write(&mut io, answer).await;
                let _ = io.flush().await;
                if end == End::Announced {
                    let _ = io.shutdown().await;
                }
            }
        }
        requests
    });
    (url, task)
}

/// The bodies of requests.
type Received = Arc<Mutex<Vec<String>>>;

/// Starts a server that answers every request, over any number of connections, and records them.
async fn recording(tls: ServerTls) -> (String, Received, JoinHandle<()>) {
    let (listener, url) = listen_tls().await;
    let received = Received::default();
    let record = Arc::clone(&received);
    let task = tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let (tls, record) = (tls.clone(), Arc::clone(&record));
            tokio::spawn(async move {
                let Ok((mut io, _)) = tls.accept(Profile::Http, socket).await else {
                    return;
                };
                while let Some(request) = read(&mut io).await {
                    record.lock().unwrap().push(request.text().to_owned());
                    write(&mut io, super::ok(super::FIVE)).await;
                    let _ = io.flush().await;
                }
            });
        }
    });
    (url, received, task)
}
