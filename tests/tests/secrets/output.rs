//! No log, error or `Debug` output contains a secret, whatever goes wrong.

use std::error::Error;
use std::fmt::{Debug, Write as _};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use farcall::conn::auth::{AuthKey, AuthKeys, Authentication, Channel, Handshake, Role};
use farcall::conn::{Bincode, Connection};
use farcall::http::ServerOptions;
use farcall::middleware::{BasicAuth, BearerAuth};
use farcall::rpc::{self, Reconnect};
use farcall::xmlrpc::ClientOptions;

const PASSWORD: &str = "correct-horse-battery";
const TOKEN: &str = "staple-of-the-token";
const KEY: &str = "an-authkey-for-nobody-else";
const OTHER_KEY: &str = "an-authkey-of-a-stranger";

/// All text that was logged or displayed.
#[derive(Clone, Default)]
struct Transcript(Arc<Mutex<String>>);

impl Transcript {
    fn text(&self, text: impl Into<String>) {
        let text = text.into();
        writeln!(self.0.lock().unwrap(), "{text}").unwrap();
    }

    fn debug(&self, value: &impl Debug) {
        self.text(format!("{value:?} {value:#?}"));
    }

    /// Records what a program displays of an error: itself and its causes.
    fn error(&self, error: &(dyn Error + 'static)) {
        self.debug(&error);
        let mut cause = Some(error);
        while let Some(error) = cause {
            self.text(error.to_string());
            cause = error.source();
        }
    }

    /// Returns the secrets that the text contains, in any encoding.
    fn secrets(&self) -> Vec<String> {
        let transcript = self.0.lock().unwrap();
        let forms = [PASSWORD, TOKEN, KEY, OTHER_KEY].map(|secret| {
            let bytes = secret.as_bytes();
            let list = format!("{bytes:?}");
            let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
                write!(hex, "{byte:02x}").unwrap();
                hex
            });
            let login = BASE64_STANDARD.encode(format!("user:{secret}"));
            let base64 = BASE64_STANDARD.encode(bytes);
            let list = list.trim_matches(['[', ']']).to_owned();
            [secret.to_owned(), list, hex, login, base64]
        });
        let mut forms: Vec<String> = forms.into_iter().flatten().collect();
        forms.retain(|form| transcript.contains(form));
        forms
    }
}

impl Write for Transcript {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap()
            .push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_output_contains_a_secret() {
    let transcript = Transcript::default();
    let writer = transcript.clone();
    let log = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(log).unwrap();

    http(&transcript).await;
    connections(&transcript).await;

    let secrets = transcript.secrets();
    let text = transcript.0.lock().unwrap();
    assert!(secrets.is_empty(), "{secrets:?} in {text}");
    for expected in ["request refused", "failed to authenticate", "AuthKey(..)"] {
        assert!(text.contains(expected), "no {expected:?} in {text}");
    }
    // Check of the check: a secret in each encoding is found.
    drop(text);
    transcript.text(format!("{:?}", KEY.as_bytes()));
    assert_eq!(transcript.secrets().len(), 1);
}

async fn http(transcript: &Transcript) {
    let auth = BasicAuth::new([("user", PASSWORD)]).unwrap();
    transcript.debug(&auth);
    let tokens = BearerAuth::new([TOKEN]).and_then(|auth| auth.user("user", PASSWORD));
    transcript.debug(&tokens.unwrap());
    let options = ServerOptions::default().authorize(auth);
    transcript.debug(&options);
    let server = farcall::xmlrpc::Server::with_options(options);
    let listening = server.bind("127.0.0.1:0").await.unwrap();
    let address = listening
        .url()
        .trim_start_matches("http://")
        .trim_end_matches("/RPC2")
        .to_owned();
    server.layer(BearerAuth::new([TOKEN]).unwrap());
    transcript.debug(&server);
    tokio::spawn(listening.serve());
    let bearer = ClientOptions::default().bearer_auth(PASSWORD).unwrap();
    transcript.debug(&bearer);
    let client = farcall::xmlrpc::Client::with_options(&format!("http://{address}/"), bearer);
    let error = client.unwrap().call::<i64>("add", (3, 5)).await;
    transcript.error(&error.unwrap_err());

    let options = ClientOptions::default()
        .header("x-token", TOKEN)
        .unwrap()
        .timeout(Some(std::time::Duration::from_secs(10)));
    transcript.debug(&options);
    let urls = [
        // A correct password and token.
        format!("http://user:{PASSWORD}@{address}/RPC2?token={TOKEN}"),
        // A wrong password.
        format!("http://user:{TOKEN}@{address}/"),
        // No server, no such path, no such socket.
        format!("http://user:{PASSWORD}@127.0.0.1:1/{}", "RPC2"),
        format!("http://user:{PASSWORD}@{address}/nothing/here"),
        format!("http+unix://user:{PASSWORD}@/nowhere/socket:/RPC2"),
        format!("https://user:{PASSWORD}@{address}/"),
    ];
    for url in urls {
        let client = farcall::xmlrpc::Client::with_options(&url, options.clone()).unwrap();
        transcript.debug(&client);
        for method in ["system.listMethods", "nope"] {
            if let Err(error) = client.call::<farcall::Value>(method, ()).await {
                transcript.error(&error);
            }
        }
    }
    // Malformed or unsupported URLs.
    for url in [
        format!("ftp://user:{PASSWORD}@{address}/"),
        format!("http://user:{PASSWORD}@[::1/"),
        format!("http://user:{PASSWORD}@host name/"),
        format!("http://user:{PASSWORD}@host:99999/"),
        format!("user:{PASSWORD}@{address}"),
        format!("http+unix://user:{PASSWORD}@"),
    ] {
        let error = farcall::xmlrpc::Client::with_options(&url, options.clone());
        transcript.error(&error.expect_err(&url));
    }
    let proxied = ClientOptions::default()
        .proxy(&format!("http://user:{PASSWORD}@127.0.0.1:1"))
        .unwrap();
    transcript.debug(&proxied);
    let client =
        farcall::xmlrpc::Client::with_options("http://elsewhere.example/", proxied).unwrap();
    transcript.debug(&client);
    transcript.error(&client.call::<i64>("add", (3, 5)).await.unwrap_err());
    for scheme in ["http", "https", "socks5"] {
        let url = format!("{scheme}://user:{PASSWORD}@127.0.0.1:1");
        let proxied = ClientOptions::default().proxy(&url).unwrap();
        transcript.debug(&proxied);
        let client = farcall::xmlrpc::Client::with_options("https://elsewhere.example/", proxied);
        let client = client.unwrap();
        transcript.debug(&client);
        transcript.error(&client.call::<i64>("add", (3, 5)).await.unwrap_err());
    }
    let no_proxy = ClientOptions::default().proxy(&format!("socks4://user:{PASSWORD}@proxy:1"));
    transcript.error(&no_proxy.unwrap_err());
}

async fn connections(transcript: &Transcript) {
    let key = AuthKey::new(KEY).unwrap();
    transcript.debug(&key);
    let authentication = Authentication::new(key.clone());
    transcript.debug(&authentication);
    let handshake = Handshake::new(Role::Listener, authentication, Channel::Memory);
    transcript.debug(&handshake.unwrap());
    transcript.error(&AuthKey::new("").unwrap_err());
    let keys = AuthKeys::new([("2026", KEY), ("2025", OTHER_KEY)]).unwrap();
    transcript.debug(&keys);
    transcript.error(&AuthKeys::new([("2026", KEY), ("2025", KEY)]).unwrap_err());
    transcript.error(&AuthKey::from_file("/nowhere/at/all").unwrap_err());

    let server = rpc::Server::new();
    let builder = server.bind("127.0.0.1:0").authkey(KEY);
    transcript.debug(&builder);
    let bound = builder.await.unwrap();
    transcript.debug(&bound);
    let address = bound.local_address().clone();
    tokio::spawn(bound.serve());

    let builder = rpc::Client::connect(&address)
        .authkey(KEY)
        .reconnect(Reconnect::default());
    transcript.debug(&builder);
    let client = builder.await.unwrap();
    transcript.debug(&client);
    let error = client.call::<i64>("nope", ()).await.unwrap_err();
    transcript.error(&error);
    let stranger = rpc::Client::connect(&address).authkey(OTHER_KEY).await;
    transcript.error(&stranger.unwrap_err());
    let nameless = rpc::Client::connect(&address).await;
    transcript.error(&nameless.unwrap_err());
    let connection = Connection::<(), (), Bincode>::connect(&address).authkey(OTHER_KEY);
    transcript.debug(&connection);
    let connection: Result<Connection<(), ()>, _> = connection.await;
    transcript.error(&connection.unwrap_err());
}
