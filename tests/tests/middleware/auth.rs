//! Authentication of requests before their bodies are read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use farcall::http::{HttpError, ServerOptions};
use farcall::middleware::{BasicAuth, BearerAuth, RateLimit, TokenLookup};
use farcall::xmlrpc::{Client, ClientOptions, Server};
use farcall::{CallError, Context, Fault, FaultKind};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::http::Served;

async fn serve(options: ServerOptions) -> Served {
    let server = Server::with_options(options);
    server
        .register_function("whoami", |cx: Context| {
            cx.identity().subject().unwrap_or("somebody").to_owned()
        })
        .unwrap();
    Served::new(&server).await
}

async fn whoami(served: &Served, options: ClientOptions) -> Result<String, CallError> {
    let client = Client::with_options(&served.url, options).unwrap();
    client.call("whoami", ()).await
}

/// Sends the head of a request whose body never comes, and returns the whole response.
async fn head(served: &Served, authorization: &str) -> String {
    let address = served
        .url
        .trim_start_matches("http://")
        .trim_end_matches("/RPC2");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n\
         Content-Length: 1000\r\n{authorization}\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}

#[tokio::test]
async fn passwords_of_our_client() {
    let auth = BasicAuth::new([("ada", "a password")])
        .unwrap()
        .realm("machines");
    let served = serve(ServerOptions::default().authorize(auth)).await;
    let login = |user, password| ClientOptions::default().basic_auth(user, password).unwrap();
    let ada = whoami(&served, login("ada", "a password")).await;
    assert_eq!(ada.unwrap(), "ada");
    for options in [
        ClientOptions::default(),
        login("ada", "another"),
        login("eve", "a password"),
        ClientOptions::default().bearer_auth("a-password").unwrap(),
    ] {
        let error = whoami(&served, options).await.unwrap_err();
        let source = std::error::Error::source(&error).unwrap();
        assert!(source.is::<HttpError>(), "{error:?}");
        assert!(format!("{source:?}").contains("401"), "{source:?}");
    }
    let with_url = served.url.replace("http://", "http://ada:a%20password@");
    let client = Client::new(&with_url).unwrap();
    assert_eq!(client.call::<String>("whoami", ()).await.unwrap(), "ada");
}

#[tokio::test]
async fn requests_are_refused_before_their_bodies_are_read() {
    let auth = BasicAuth::new([("ada", "a password")])
        .unwrap()
        .realm("machines");
    let served = serve(ServerOptions::default().authorize(auth)).await;
    let response = head(&served, "").await;
    assert!(
        response.starts_with("HTTP/1.1 401 Unauthorized\r\n"),
        "{response}"
    );
    let challenge = "\r\nwww-authenticate: Basic realm=\"machines\", charset=\"UTF-8\"\r\n";
    assert!(response.contains(challenge), "{response}");

    let served =
        serve(ServerOptions::default().authorize(BearerAuth::new(["token"]).unwrap())).await;
    let response = head(&served, "").await;
    assert!(
        response.contains("\r\nwww-authenticate: Bearer\r\n"),
        "{response}"
    );
    let response = head(&served, "Authorization: Bearer tokens\r\n").await;
    assert!(response.starts_with("HTTP/1.1 401 "), "{response}");
    let challenge = "\r\nwww-authenticate: Bearer error=\"invalid_token\"\r\n";
    assert!(response.contains(challenge), "{response}");
}

#[tokio::test]
async fn a_rate_limit_in_front_of_passwords_limits_guesses() {
    let auth = BasicAuth::new([("ada", "a password")]).unwrap();
    let options = ServerOptions::default().authorize((RateLimit::per_minute(2), auth));
    let served = serve(options).await;
    for status in ["401", "401", "429", "429"] {
        let response = head(&served, "").await;
        assert!(
            response.starts_with(&format!("HTTP/1.1 {status} ")),
            "{response}"
        );
        assert_eq!(
            response.contains("\r\nretry-after: "),
            status == "429",
            "{response}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_cpython_with_and_without_a_password() {
    let auth = BasicAuth::new([("ada", "pass word")]).unwrap();
    let served = serve(ServerOptions::default().authorize(auth)).await;
    let program = r#"
import sys
try:
    import xmlrpc.client as x
except ImportError:
    import xmlrpclib as x
url = sys.argv[1]
print(x.ServerProxy(url.replace("http://", "http://ada:pass%20word@")).whoami())
for wrong in ("", "ada:password@", "eve:pass%20word@"):
    try:
        x.ServerProxy(url.replace("http://", "http://" + wrong)).whoami()
    except x.ProtocolError as e:
        headers = dict((name.lower(), value) for name, value in e.headers.items())
        print("%s %s" % (e.errcode, headers.get("www-authenticate")))
"#;
    for python in tests::pythons() {
        let url = served.url.clone();
        let run = tokio::task::spawn_blocking(move || python.run_text(program, &[&url]));
        let refused = "401 Basic realm=\"calls\", charset=\"UTF-8\"\n";
        assert_eq!(run.await.unwrap(), format!("ada\n{}", refused.repeat(3)));
    }
}

/// Knows one token, fails for another, and counts the questions.
fn lookup(asked: &Arc<AtomicUsize>) -> TokenLookup {
    let asked = Arc::clone(asked);
    TokenLookup::new(move |token: String| {
        asked.fetch_add(1, Ordering::Relaxed);
        async move {
            tokio::task::yield_now().await;
            match token.as_str() {
                "hers" => Ok(Some("ada")),
                "unanswered" => Err(Fault::of(FaultKind::Overloaded, "no answer")),
                _ => Ok(None),
            }
        }
    })
}

#[tokio::test]
async fn tokens_are_looked_up_elsewhere_before_a_call_runs() {
    let asked = Arc::default();
    let server = Server::new();
    server
        .register_function("whoami", |cx: Context| {
            cx.identity().subject().unwrap_or("somebody").to_owned()
        })
        .unwrap();
    server.layer(lookup(&asked));
    let served = Served::new(&server).await;
    let with = |token: &str| ClientOptions::default().bearer_auth(token).unwrap();
    assert_eq!(whoami(&served, with("hers")).await.unwrap(), "ada");
    for (options, expected) in [
        (with("eves"), "the call needs valid credentials"),
        (with("unanswered"), "no answer"),
    ] {
        let error = whoami(&served, options).await.unwrap_err();
        assert_eq!(error.fault().unwrap().message(), expected);
    }
    assert_eq!(asked.load(Ordering::Relaxed), 3);
    // Without a token there is nothing to ask.
    for options in [
        ClientOptions::default(),
        ClientOptions::default().basic_auth("ada", "hers").unwrap(),
    ] {
        let error = whoami(&served, options).await.unwrap_err();
        let text = error.fault().unwrap().message();
        assert_eq!(text, "the call needs valid credentials");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn tokens_are_looked_up_for_chosen_methods_only() {
    let asked = Arc::default();
    let server = farcall::jsonrpc::Server::new();
    for name in ["admin.stop", "add"] {
        server
            .register_function(name, |a: i64, b: i64| a + b)
            .unwrap();
    }
    server.layer(lookup(&asked).only(|method| method.starts_with("admin.")));
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    let client = farcall::jsonrpc::Client::new(&bound.url()).unwrap();
    let serving = tokio::spawn(bound.serve());
    assert_eq!(client.call::<i64>("add", (3, 5)).await.unwrap(), 8);
    let denied = client.call::<i64>("admin.stop", (3, 5)).await.unwrap_err();
    assert_eq!(denied.fault().unwrap().kind(), FaultKind::Denied);
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    serving.abort();
}
