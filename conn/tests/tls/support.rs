//! Certificates, and connected pairs.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use farcall_conn::{Codec, Connection, ConnectionBuilder, Listener, ListenerBuilder};
use farcall_core::transport::tls::{ClientTls, ServerTls};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// Longer than any step takes on an overloaded machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) const KEY: &str = "the key of the tests";

/// An authority, a certificate of `localhost` and 127.0.0.1, and one of a client, in PEM.
pub(crate) struct Certificates {
    pub(crate) authority: String,
    pub(crate) server: (String, String),
    pub(crate) client: (String, String),
}

pub(crate) static CERTIFICATES: LazyLock<Certificates> = LazyLock::new(Certificates::new);

impl Certificates {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("authority {}", NEXT.fetch_add(1, Ordering::Relaxed));
        params.distinguished_name.push(DnType::CommonName, name);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let leaf = |names: &[&str]| {
            let key = KeyPair::generate().unwrap();
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            let params = CertificateParams::new(names).unwrap();
            let certificate = params.signed_by(&key, &authority).unwrap();
            (certificate.pem(), key.serialize_pem())
        };
        Self {
            server: leaf(&["localhost", "127.0.0.1"]),
            client: leaf(&["client.example"]),
            authority: authority.pem(),
        }
    }

    pub(crate) fn server_tls(&self) -> ServerTls {
        let (certificate, key) = &self.server;
        ServerTls::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap()
    }

    pub(crate) fn client_tls(&self) -> ClientTls {
        let roots = self.authority.as_bytes();
        ClientTls::new().roots_pem(roots).unwrap()
    }
}

pub(crate) fn server_tls() -> ServerTls {
    CERTIFICATES.server_tls()
}

pub(crate) fn client_tls() -> ClientTls {
    CERTIFICATES.client_tls()
}

/// The kinds of TLS, which behave alike once connections are established.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Certificates,
    ByAuthkey,
}

pub(crate) const KINDS: [Kind; 2] = [Kind::Certificates, Kind::ByAuthkey];

impl Kind {
    pub(crate) async fn listen(self) -> Listener {
        self.listener(Listener::bind("127.0.0.1:0")).await.unwrap()
    }

    pub(crate) fn listener(self, builder: ListenerBuilder) -> ListenerBuilder {
        let builder = builder.authkey(KEY).timeout(LONG);
        match self {
            Self::Certificates => builder.tls(server_tls()),
            Self::ByAuthkey => builder.encrypted(),
        }
    }

    pub(crate) fn client<S, R, C: Codec>(
        self,
        builder: ConnectionBuilder<S, R, C>,
    ) -> ConnectionBuilder<S, R, C> {
        let builder = builder.authkey(KEY).timeout(LONG);
        match self {
            Self::Certificates => builder.tls(client_tls()),
            Self::ByAuthkey => builder.encrypted(),
        }
    }

    /// Returns a connected pair; the first is the listener's.
    pub(crate) async fn pair(self) -> (Connection, Connection) {
        let mut listener = self.listen().await;
        let client = self.client(Connection::connect(listener.local_address().clone()));
        let (accepted, connected) = tokio::join!(listener.accept(), client);
        (accepted.unwrap(), connected.unwrap())
    }
}
