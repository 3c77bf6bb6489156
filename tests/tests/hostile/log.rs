//! The log of a process with hostile peers: they cannot forge lines in it, and strangers cannot
//! fill it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use farcall::conn::Listener;
use farcall::conn::auth::AuthKeys;
use farcall::http::ServerOptions;
use farcall::protocol::output::is_harmless;
use farcall::rpc::{self, Reconnect};
use farcall::transport::memory::{self, MemoryConnector};
use farcall::transport::{Connect as _, Listen as _};
use farcall::{CallError, Fault, Identity, service};
use http::request::Parts;
use tests::victim::KEY;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tracing::Level;
use tracing::subscriber::DefaultGuard;

use crate::peer::frame;
use crate::rpc::wire::{GREEDY, Message, hello, kind};

/// Text that would start a new line, control a terminal, or reverse the text after it.
const EVIL: &str = "evil\nforged\rforged\u{85}forged\u{2028}forged\u{9b}2J\u{202e}";

/// The same with characters that are not allowed in XML documents.
const WORSE: &str = "evil\nforged\rforged\u{1b}]52;c;eA==\u{7}\u{1b}[2J\u{9b}2J\u{8}\u{7f}\u{202e}";

/// The log of this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn collect(level: Level) -> (Self, DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .without_time()
            .with_writer(move || writer.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Waits until each of these texts is in a line that also contains text of the peer.
    async fn has_all(&self, texts: &[&str]) {
        for text in texts {
            let is_logged = || {
                self.text()
                    .lines()
                    .any(|line| line.contains(text) && line.contains("evil"))
            };
            for _ in 0..5000 {
                if is_logged() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            assert!(is_logged(), "no {text:?} in {}", self.text());
        }
    }

    fn assert_honest(&self) {
        let text = self.text();
        for line in text.split(['\n', '\r', '\u{85}', '\u{2028}']) {
            assert!(!line.trim_start().starts_with("forged"), "{text}");
        }
        let harmful = |character: &char| *character != '\n' && !is_harmless(*character);
        assert_eq!(text.chars().find(harmful), None, "{text}");
    }
}

/// A service whose methods fail with the text of the caller.
struct Failing;

#[service]
impl Failing {
    pub fn fail(&self, text: String) -> Result<(), Fault> {
        Err(Fault::new(7, text))
    }

    #[service(name = "break")]
    pub fn break_down(&self, text: String) -> Result<(), Fault> {
        Err(Fault::internal(text))
    }

    pub fn panic(&self, text: &str) -> i64 {
        panic!("{text}")
    }
}

/// Sends a request, and reads the response until the connection closes.
async fn ask(connector: &MemoryConnector, head: &str, body: &str) -> String {
    let mut io = connector.connect().await.unwrap();
    let length = body.len();
    let request = format!(
        "{head} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nConnection: close\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    let _ = io.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = io.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn call(method: &str, text: &str) -> String {
    format!(
        "<methodCall><methodName>{method}</methodName><params><param><value>{text}</value></param>\
         </params></methodCall>"
    )
}

#[tokio::test]
async fn http_peers_cannot_forge_log_lines() {
    let (log, _guard) = Log::collect(Level::DEBUG);
    // As a token can have any subject.
    let options = ServerOptions::default().authorize(|_: &mut Parts, caller: &mut Identity| {
        caller.set_subject(EVIL);
        Ok(())
    });
    let server = farcall::xmlrpc::Server::with_options(options);
    server.register_instance(Failing).unwrap();
    let (listener, connector) = memory::listener("http");
    tokio::spawn(server.listen(listener).unwrap().serve());
    for method in ["fail", "break", "panic", EVIL] {
        ask(&connector, "POST /RPC2", &call(method, EVIL)).await;
    }
    for broken in [
        format!("<{EVIL}/>"),
        format!("<methodCall>{EVIL}"),
        WORSE.to_owned(),
        "<evil\u{202e}\u{200b}/>".to_owned(),
    ] {
        ask(&connector, "POST /RPC2", &broken).await;
    }
    ask(&connector, &format!("POST /{WORSE}"), "").await;
    ask(&connector, &format!("{WORSE} /"), "").await;
    log.has_all(&[
        "fault 7",
        "internal error",
        "panicked",
        "a request is not a call",
        r#"memory, subject "evil\nforged"#,
    ])
    .await;
    log.assert_honest();
}

async fn send(io: &mut DuplexStream, message: &[u8]) {
    let _ = io.write_all(&frame(message)).await;
}

async fn receive(io: &mut DuplexStream) -> Vec<u8> {
    let length = io.read_u32().await.unwrap();
    let mut message = vec![0; length as usize];
    io.read_exact(&mut message).await.unwrap();
    message
}

fn goodbye() -> Vec<u8> {
    Message::new(kind::GOODBYE)
        .number(0)
        .bytes(WORSE.as_bytes())
        .0
}

#[tokio::test]
async fn rpc_peers_cannot_forge_log_lines() {
    let (log, _guard) = Log::collect(Level::DEBUG);
    let server = rpc::Server::new();
    server.register_instance(Failing).unwrap();
    let (listener, connector) = memory::listener("rpc");
    let bound = server.listen(Listener::over(listener)).await.unwrap();
    tokio::spawn(bound.serve());

    let client = rpc::Client::over(connector.clone()).await.unwrap();
    for method in ["fail", "break", "panic", WORSE] {
        let answer: Result<(), CallError> = client.call(method, (WORSE,)).await;
        answer.unwrap_err();
    }
    for greeting in [
        goodbye(),
        hello(WORSE.as_bytes(), GREEDY, b""),
        WORSE.into(),
    ] {
        send(&mut connector.connect().await.unwrap(), &greeting).await;
    }
    let mut peer = connector.connect().await.unwrap();
    send(&mut peer, &hello(b"messagepack", GREEDY, b"")).await;
    receive(&mut peer).await;
    send(&mut peer, &goodbye()).await;
    let expected = ["fault 7", "internal error", "panicked", "greeting failed"];
    log.has_all(&expected).await;
    log.has_all(&[
        "connection closed",
        "there is no method",
        "unknown encoding",
    ])
    .await;
    log.assert_honest();
}

#[tokio::test]
async fn faults_that_complete_later_name_the_peer() {
    let (log, _guard) = Log::collect(Level::DEBUG);
    let server = rpc::Server::new();
    server
        .register_function("later", async || {
            tokio::time::sleep(Duration::from_millis(10)).await;
            Err::<(), _>(Fault::new(7, "evil: too late"))
        })
        .unwrap()
        .register_function("numbers", || {
            let failing = futures_util::stream::iter([Ok(1), Err(Fault::new(8, "evil: no more"))]);
            rpc::Stream::<u64>::new(failing)
        })
        .unwrap();
    let keys = AuthKeys::new([("2026", KEY)]).unwrap();
    let bound = server.bind("127.0.0.1:0").authkeys(keys).await.unwrap();
    let address = bound.local_address().clone();
    tokio::spawn(bound.serve());
    let client = rpc::Client::connect(address).authkey(KEY).await.unwrap();
    client.call::<()>("later", ()).await.unwrap_err();
    let mut numbers: rpc::Stream<u64> = client.call("numbers", ()).await.unwrap();
    while let Some(Ok(_)) = numbers.next().await {}
    log.has_all(&["a call failed", "a stream failed"]).await;
    let text = log.text();
    for line in text.lines().filter(|line| line.contains(" failed ")) {
        let peer = line.contains("peer=127.0.0.1:");
        assert!(peer && line.contains("key \"2026\""), "{line}");
    }
}

#[tokio::test]
async fn servers_cannot_forge_log_lines_of_their_clients() {
    let (log, _guard) = Log::collect(Level::DEBUG);
    let (mut listener, connector) = memory::listener("hostile");
    tokio::spawn(async move {
        let (mut first, _) = listener.accept().await.unwrap();
        receive(&mut first).await;
        send(&mut first, &hello(b"bincode", GREEDY, b"")).await;
        send(&mut first, &goodbye()).await;
        drop(first);
        loop {
            let (mut next, _) = listener.accept().await.unwrap();
            receive(&mut next).await;
            send(&mut next, &goodbye()).await;
        }
    });
    let reconnect = Reconnect::default().first_pause(Duration::from_millis(1));
    let client = rpc::Client::over(connector)
        .reconnect(reconnect)
        .await
        .unwrap();
    log.has_all(&["connection lost", "reconnect attempt failed"])
        .await;
    log.assert_honest();
    drop(client);
}

#[tokio::test]
async fn ten_thousand_strangers_cause_a_few_log_lines() {
    const STRANGERS: usize = 6_000;
    const REQUESTS: usize = 1_334;

    let (log, _guard) = Log::collect(Level::INFO);
    let (listener, connector) = memory::listener("keyed");
    let mut listener = Listener::over(listener).authkey(KEY).await.unwrap();
    tokio::spawn(async move {
        while listener
            .accept::<(), (), farcall::conn::Bincode>()
            .await
            .is_ok()
        {}
    });
    for _ in 0..STRANGERS {
        send(&mut connector.connect().await.unwrap(), b"let me in").await;
        tokio::task::yield_now().await;
    }

    let server = farcall::xmlrpc::Server::new();
    server.register_instance(Failing).unwrap();
    let (listener, connector) = memory::listener("http");
    tokio::spawn(server.listen(listener).unwrap().serve());
    let closed = ServerOptions::default().accept_peer(|_| false);
    let (listener, nobody) = memory::listener("nobody");
    let closed = farcall::xmlrpc::Server::with_options(closed);
    tokio::spawn(closed.listen(listener).unwrap().serve());
    for _ in 0..REQUESTS {
        assert!(
            ask(&connector, "GET /", "")
                .await
                .starts_with("HTTP/1.1 405")
        );
        let answer = ask(&connector, "POST /RPC2", &call("nope", "")).await;
        assert!(answer.contains("<fault>"), "{answer}");
        assert_eq!(ask(&nobody, "POST /RPC2", "").await, "");
    }

    let text = log.text();
    for kind in [
        "failed to authenticate",
        "request refused",
        "peer refused",
        "call failed",
    ] {
        assert!(text.contains(kind), "no {kind:?} in {text}");
    }
    // Three kinds of events with a quota of 10 per minute and one of 100, within at most two
    // minutes.
    let lines = text.lines().count();
    assert!(lines <= 2 * (4 * 10 + 100), "{lines} lines: {text}");
}
