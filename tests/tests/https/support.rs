//! A server over TLS with certificates of its own, and clients that write HTTP by hand.

use std::borrow::Cow;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use farcall::http::ServerOptions;
use farcall::transport::tls::rustls::pki_types::ServerName;
use farcall::transport::tls::tokio_rustls::TlsConnector;
use farcall::transport::tls::tokio_rustls::client::TlsStream;
use farcall::transport::tls::{ClientCertificates, ClientTls, Profile, ServerTls};
use farcall::xmlrpc::Server;
use farcall::{Context, Fault};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tests::certificates::Certificates;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// The certificates of a server and its clients, and the settings of TLS with them.
pub(crate) struct Made(Certificates);

impl Made {
    pub(crate) fn new() -> Self {
        Self(Certificates::new())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path(name)
    }

    /// Makes a certificate of the server, with a new key.
    pub(crate) fn server(&self, name: &str) {
        self.server_until(name, SystemTime::now() + Duration::from_secs(90 * 86_400));
    }

    pub(crate) fn server_until(&self, name: &str, end: SystemTime) {
        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let mut params = CertificateParams::new(names).unwrap();
        params.use_authority_key_identifier_extension = true;
        params.not_after = end.into();
        let key = KeyPair::generate().unwrap();
        let made = params.signed_by(&key, &self.authority()).unwrap();
        fs::write(self.path(&format!("{name}.pem")), made.pem()).unwrap();
        fs::write(self.path(&format!("{name}.key")), key.serialize_pem()).unwrap();
    }

    fn authority(&self) -> Issuer<'static, KeyPair> {
        let key = fs::read_to_string(self.path("ca.key")).unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "ca");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Issuer::new(params, KeyPair::from_pem(&key).unwrap())
    }

    pub(crate) fn tls(&self) -> ServerTls {
        ServerTls::from_files(self.path("server.pem"), self.path("server.key")).unwrap()
    }

    pub(crate) fn tls_for_clients(&self) -> ServerTls {
        let demand = ClientCertificates::Required;
        let tls = self.tls().client_roots(self.path("ca.pem"), demand);
        tls.unwrap()
    }

    pub(crate) fn client(&self) -> ClientTls {
        ClientTls::new().roots(self.path("ca.pem")).unwrap()
    }
}

/// A server with `add`, `echo` and `whoami`, closed on drop.
pub(crate) struct Served {
    pub(crate) port: u16,
    serving: JoinHandle<()>,
}

impl Served {
    pub(crate) async fn start(options: ServerOptions) -> Self {
        let bound = server(options).bind("127.0.0.1:0").await.unwrap();
        let url = bound.url();
        assert!(url.starts_with("https://127.0.0.1:"), "{url}");
        let port = url.split(['/', ':']).nth(4).unwrap().parse().unwrap();
        let serving = tokio::spawn(bound.serve());
        Self { port, serving }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).await.unwrap()
    }

    pub(crate) async fn tls(&self, client: &ClientTls) -> std::io::Result<TlsStream<TcpStream>> {
        tls_over(self.connect().await, client).await
    }
}

pub(crate) async fn tls_over(
    io: TcpStream,
    client: &ClientTls,
) -> std::io::Result<TlsStream<TcpStream>> {
    let connector = TlsConnector::from(client.config(Profile::Http).unwrap());
    let name = ServerName::try_from("localhost").unwrap();
    connector.connect(name, io).await
}

impl Drop for Served {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

pub(crate) fn server(options: ServerOptions) -> Server {
    let server = Server::with_options(options);
    server
        .register_function("add", |a: i64, b: i64| a + b)
        .unwrap()
        .register_function("echo", |x: farcall::Value| x)
        .unwrap()
        .register_function("whoami", whoami)
        .unwrap();
    server
}

/// Returns the name in the certificate of the caller, and the name of the server that it called.
#[expect(clippy::needless_pass_by_value, reason = "methods take it by value")]
fn whoami(cx: Context) -> Result<(String, String), Fault> {
    let name = cx.identity().name().unwrap_or(Cow::Borrowed("anonymous"));
    let session = cx.identity().tls();
    let session = session.ok_or_else(|| Fault::new(1, "not over TLS"))?;
    let called = session.server_name().unwrap_or_default();
    Ok((name.into_owned(), called.to_owned()))
}

/// Calls `add(3, 5)` over a stream that stays open.
pub(crate) async fn add(stream: &mut TlsStream<TcpStream>) {
    let value = |n| format!("<param><value><int>{n}</int></value></param>");
    let body = format!(
        "<methodCall><methodName>add</methodName><params>{}{}</params></methodCall>",
        value(3),
        value(5)
    );
    let request = format!(
        "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    while !reply.trim_end().ends_with("</methodResponse>") {
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "the server closed the connection: {reply}");
        reply.push_str(str::from_utf8(&buffer[..read]).unwrap());
    }
    assert!(reply.contains(">8</"), "{reply}");
}
