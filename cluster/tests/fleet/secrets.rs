//! Servers that repeat what a client sends them, over every protocol with which a client sends
//! secrets: no error shows them. The authkeys of connections are never sent.

use farcall::cluster::{Client, Credentials};
use farcall::http::{Rejection, ServerOptions};
use farcall::jsonrpc::Server;
use farcall::protocol::output::Causes;
use farcall::{Caller as _, Context, Fault};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

const SECRETS: [&str; 5] = [
    "t0ken-of-mine",
    "own-value-of-mine",
    "qu3ry-of-mine",
    "pa55word-of-mine",
    "n4ts-of-mine",
];

#[derive(Debug, Deserialize)]
enum Choice {
    A,
}

/// Returns a server that repeats heads: in faults, in results, or where it refuses.
fn server(refuses: bool) -> Server {
    let options = ServerOptions::default().authorize(
        move |head: &mut http::request::Parts, _: &mut farcall::Identity| {
            let text = format!("{} {:?}", head.uri, head.headers);
            // Not sensitive any more.
            let seen = head.headers.iter().fold(text, |text, (name, value)| {
                format!("{text} {name}: {}", value.to_str().unwrap_or_default())
            });
            if refuses {
                return Err(Rejection::new(http::StatusCode::FORBIDDEN, seen));
            }
            let seen = http::HeaderValue::try_from(seen).unwrap();
            head.headers.insert("x-seen", seen);
            Ok(())
        },
    );
    let server = Server::with_options(options);
    let seen = |cx: &Context| cx.header("x-seen").unwrap_or_default().to_owned();
    server
        .register_function("fault", move |cx: Context| {
            Err::<(), _>(Fault::new(5, seen(&cx)))
        })
        .unwrap()
        .register_function("result", move |cx: Context| seen(&cx))
        .unwrap();
    server
}

/// Speaks as much of NATS as a client needs, and repeats how the client has proved who it is.
async fn nats(io: TcpStream, refuses: bool) -> std::io::Result<()> {
    let (read, mut write) = io.into_split();
    let mut lines = BufReader::new(read);
    let info = r#"INFO {"server_id":"x","server_name":"x","version":"2.10.0","proto":1,"go":"x","host":"x","port":1,"headers":true,"max_payload":1048576,"client_id":1}"#;
    write.write_all(format!("{info}\r\n").as_bytes()).await?;
    let (mut proof, mut inbox) = (String::new(), String::new());
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let words: Vec<_> = line.split_whitespace().collect();
        let answer = match words[..] {
            ["CONNECT", ..] => {
                let fields = ["\"user\"", "\"auth_token\""];
                let start = fields.iter().find_map(|name| line.find(name));
                // Errors quote the start of a long text.
                line[start.unwrap_or(0)..].trim().clone_into(&mut proof);
                if refuses {
                    let text = format!("-ERR 'Authorization Violation: {proof}'\r\n");
                    write.write_all(text.as_bytes()).await?;
                    return Ok(());
                }
                continue;
            }
            ["PING"] => "PONG\r\n".to_owned(),
            ["SUB", _, id] => {
                id.clone_into(&mut inbox);
                continue;
            }
            ["HPUB", subject, reply, _, total] => {
                let mut message = vec![0; total.parse::<usize>().unwrap() + 2];
                lines.read_exact(&mut message).await?;
                let message = String::from_utf8_lossy(&message).replace("\r\n", " ");
                let seen = format!("{proof} {message}");
                let (headers, body) = if subject.ends_with("result") {
                    let body = serde_json::to_string(&seen).unwrap();
                    ("NATS/1.0\r\n\r\n".to_owned(), body)
                } else {
                    let error = "Nats-Service-Error-Code: 5\r\n";
                    let headers = format!("NATS/1.0\r\n{error}Nats-Service-Error: {seen}\r\n\r\n");
                    (headers, String::new())
                };
                let (length, total) = (headers.len(), headers.len() + body.len());
                format!("HMSG {reply} {inbox} {length} {total}\r\n{headers}{body}\r\n")
            }
            _ => continue,
        };
        write.write_all(answer.as_bytes()).await?;
    }
}

/// Returns the URLs of a server, over all protocols.
async fn urls(refuses: bool) -> Vec<String> {
    let server = server(refuses);
    let http = server.bind("127.0.0.1:0").await.unwrap();
    let scgi = server.bind_scgi("127.0.0.1:0").await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let of_nats = listener.local_addr().unwrap();
    let (of_http, of_scgi) = (
        http.local_address().to_string(),
        scgi.local_address().to_string(),
    );
    tokio::spawn(http.serve());
    tokio::spawn(scgi.serve());
    tokio::spawn(async move {
        while let Ok((io, _)) = listener.accept().await {
            tokio::spawn(nats(io, refuses));
        }
    });
    let path = "RPC2?key=qu3ry-of-mine";
    vec![
        format!("http://{of_http}/{path}"),
        format!("json+http://{of_http}/{path}"),
        format!("json+http://user:pa55word-of-mine@{of_http}/{path}"),
        format!("ws://{of_http}/{path}"),
        format!("scgi://{of_scgi}/{path}"),
        format!("nats://user:pa55word-of-mine@{of_nats}/service"),
        format!("nats://n4ts-of-mine@{of_nats}/service"),
    ]
}

#[tokio::test]
async fn secrets_that_a_server_repeats_are_shown_over_no_protocol() {
    let base = Credentials::new()
        .header("x-own", "own-value-of-mine")
        .unwrap();
    let token = base.clone().bearer_auth("t0ken-of-mine").unwrap();
    for refuses in [false, true] {
        for url in urls(refuses).await {
            // A header of its own would replace the user of the URL.
            let credentials = if url.contains("user:") { &base } else { &token };
            for method in ["fault", "result"] {
                let client = Client::open(&url, credentials).unwrap();
                let error = client.call::<Choice>(method, ()).await.unwrap_err();
                let shown = format!("{} {error:?} {error:#?}", Causes(&error));
                for secret in SECRETS {
                    assert!(!shown.contains(secret), "{url} {method}: {shown}");
                }
                // A refusal is shown in part, or not at all. For those of NATS, see below.
                let may_lack = refuses || url.starts_with("nats:");
                let is_hidden = shown.contains("[hidden]");
                assert!(is_hidden || may_lack, "{url} {method}: {shown}");
            }
        }
    }
    // A token or a password that stands beside the URL.
    let nats = urls(false).await.pop().unwrap();
    let nats = nats.replace("n4ts-of-mine@", "");
    for credentials in [
        Credentials::new().nats_token("t0ken-of-mine"),
        Credentials::new().nats_password("user", "pa55word-of-mine"),
    ] {
        for method in ["fault", "result"] {
            let client = Client::open(&nats, &credentials).unwrap();
            let error = client.call::<Choice>(method, ()).await.unwrap_err();
            let shown = format!("{} {error:?}", Causes(&error));
            assert!(shown.contains("[hidden]"), "{method}: {shown}");
            let is_shown = SECRETS.iter().any(|secret| shown.contains(secret));
            assert!(!is_shown, "{method}: {shown}");
        }
    }
}
