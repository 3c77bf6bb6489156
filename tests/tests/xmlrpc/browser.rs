//! Requests that a web page can make its visitor's browser send to a server within reach.

use farcall::http::ServerOptions;
use farcall::xmlrpc::Server;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpStream, UnixStream};

use crate::served::{ADD, read_to_end, status};

/// A server at an address of this machine. `PORT` in requests stands for its port.
struct At {
    port: u16,
    task: tokio::task::JoinHandle<()>,
}

impl At {
    async fn new(address: &str, options: ServerOptions) -> Self {
        let listening = server(options).bind(address).await.unwrap();
        let port = listening.local_address().to_string();
        let port = port.rsplit_once(':').unwrap().1.parse().unwrap();
        let task = tokio::spawn(listening.serve());
        Self { port, task }
    }

    /// Returns the response to a call with these headers, or to another complete request.
    async fn ask(&self, line: &str, headers: &str) -> String {
        let headers = headers.replace("PORT", &self.port.to_string());
        let line = line.replace("PORT", &self.port.to_string());
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let _ = stream.write_all(&request(&line, &headers)).await;
        read_to_end(&mut stream).await
    }

    async fn post(&self, headers: &str) -> String {
        self.ask("POST /RPC2 HTTP/1.1", headers).await
    }
}

impl Drop for At {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn server(options: ServerOptions) -> Server {
    let server = Server::with_options(options);
    server
        .register_function("add", |a: i64, b: i64| a + b)
        .unwrap();
    server
}

fn request(line: &str, headers: &str) -> Vec<u8> {
    let lines = headers.split(" | ").filter(|line| !line.is_empty());
    let headers: String = lines.map(|line| format!("{line}\r\n")).collect();
    let length = ADD.len();
    format!(
        "{line}\r\n{headers}Content-Type: text/xml\r\nConnection: close\r\n\
         Content-Length: {length}\r\n\r\n{ADD}"
    )
    .into_bytes()
}

const REBOUND: &str = "Host: evil.example:PORT | Origin: http://evil.example:PORT";

#[tokio::test]
async fn no_page_calls_a_local_server_by_dns_rebinding_or_across_origins() {
    let at = At::new("127.0.0.1:0", ServerOptions::default()).await;
    for (headers, expected) in [
        (REBOUND, 403),
        ("Host: evil.example:PORT", 403),
        ("Host: evil.example:PORT | Sec-Fetch-Site: same-origin", 403),
        ("Host: localhost.evil.example", 403),
        ("Host: 127.0.0.1.nip.example:PORT", 403),
        ("Host: 127.0.0.1:PORT | Origin: http://evil.example", 403),
        ("Host: 127.0.0.1:PORT | Origin: http://localhost:PORT", 403),
        ("Host: localhost:PORT | Origin: http://localhost:3000", 403),
        ("Host: localhost:PORT | Origin: null", 403),
        ("Host: localhost:PORT | Origin:", 403),
        (
            "Host: localhost:PORT | Origin: http://localhost:PORT | Origin: null",
            403,
        ),
        ("Host: localhost:PORT | Sec-Fetch-Site: cross-site", 403),
        ("Host: localhost:PORT | Sec-Fetch-Site: same-site", 403),
        ("Host: localhost:PORT | Origin: http://localhost:PORT", 200),
        ("Host: [::1]:PORT | Origin: http://[::1]:PORT", 200),
        (
            "Host: localhost:PORT | Origin: http://localhost:PORT | Sec-Fetch-Site: same-origin",
            200,
        ),
        ("Host: localhost:PORT | Sec-Fetch-Site: none", 200),
        ("Host: tool.localhost", 200),
        ("Host: 192.0.2.1", 200),
        ("Host: 127.0.0.1:PORT", 200),
        ("Host:", 200),
    ] {
        let reply = at.post(headers).await;
        assert_eq!(status(&reply), expected, "{headers}: {reply}");
        assert_eq!(reply.contains("<int>8</int>"), expected == 200, "{headers}");
        assert!(!reply.to_lowercase().contains("access-control"), "{reply}");
        if expected == 403 {
            let setting = reply.contains("`ServerOptions::hosts`")
                || reply.contains("`ServerOptions::allow_origins`");
            assert!(setting, "{headers}: {reply}");
        }
    }
    let old = at.ask("POST /RPC2 HTTP/1.0", "").await;
    assert_eq!(status(&old), 200, "no browser sends such: {old}");
    let whole = "POST http://evil.example:PORT/RPC2 HTTP/1.1";
    let whole = at.ask(whole, "Host: localhost").await;
    assert_eq!(status(&whole), 403, "the URL is what counts: {whole}");
    // These responses reveal nothing either.
    for line in [
        "GET /RPC2 HTTP/1.1",
        "POST /nowhere HTTP/1.1",
        "OPTIONS /RPC2 HTTP/1.1",
    ] {
        assert_eq!(status(&at.ask(line, REBOUND).await), 403, "{line}");
    }
}

#[tokio::test]
async fn configured_hosts_are_required_at_every_listener() {
    let options = || ServerOptions::default().hosts(["rpc.example", "one.example:PORT"]);
    for address in ["127.0.0.1:0", "0.0.0.0:0"] {
        let at = At::new(address, options()).await;
        for (headers, expected) in [
            ("Host: rpc.example", 200),
            (
                "Host: RPC.example:PORT | Origin: http://rpc.example:PORT",
                200,
            ),
            ("Host: rpc.example | Origin: https://rpc.example", 200),
            ("Host: 127.0.0.1:PORT", 200),
            ("Host: rpc.example | Origin: http://evil.example", 403),
            ("Host: sub.rpc.example", 403),
            (REBOUND, 403),
        ] {
            let reply = at.post(headers).await;
            assert_eq!(status(&reply), expected, "{address}: {headers}: {reply}");
        }
    }
    // At other addresses any host is accepted, unless hosts are configured.
    let at = At::new("0.0.0.0:0", ServerOptions::default()).await;
    assert_eq!(status(&at.post("Host: any.example").await), 200);
    let foreign = "Host: any.example | Origin: http://evil.example";
    assert_eq!(status(&at.post(foreign).await), 403);
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_accepts_any_host_unless_hosts_are_configured() {
    let folder = tempfile::tempdir().unwrap();
    for (name, options, expected) in [
        ("open", ServerOptions::default(), 200),
        (
            "named",
            ServerOptions::default().hosts(["rpc.example"]),
            403,
        ),
    ] {
        let path = folder.path().join(name);
        let listening = server(options).bind(&path).await.unwrap();
        let task = tokio::spawn(listening.serve());
        for (host, expected) in [("any.example", expected), ("localhost", 200)] {
            let mut stream = UnixStream::connect(&path).await.unwrap();
            let request = request("POST / HTTP/1.1", &format!("Host: {host}"));
            stream.write_all(&request).await.unwrap();
            let mut reply = String::new();
            tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut reply)
                .await
                .unwrap();
            assert_eq!(status(&reply), expected, "{name}: {reply}");
        }
        task.abort();
    }
}

#[tokio::test]
async fn pages_of_allowed_origins_can_call() {
    let options = ServerOptions::default()
        .allow_origins(["https://app.example"])
        .max_body(1000);
    let at = At::new("127.0.0.1:0", options).await;
    let page = "Host: localhost:PORT | Origin: https://app.example | Sec-Fetch-Site: cross-site";
    let lower = |reply: String| reply.to_lowercase();
    let allowed = "access-control-allow-origin: https://app.example\r\n";

    // The browser sends a preflight request first.
    let asked = "Access-Control-Request-Method: POST | \
        Access-Control-Request-Headers: authorization,content-type";
    let options = "OPTIONS /RPC2 HTTP/1.1";
    let reply = lower(at.ask(options, &format!("{page} | {asked}")).await);
    assert_eq!(status(&reply), 200, "{reply}");
    for header in [
        allowed,
        "access-control-allow-methods: post\r\n",
        "access-control-allow-headers: authorization,content-type\r\n",
        "vary: origin\r\n",
    ] {
        assert!(reply.contains(header), "{header}: {reply}");
    }
    assert!(!reply.contains("<int>8</int>"));
    // Then it calls, and passes the response to the page, including a refusal.
    let reply = lower(at.post(page).await);
    assert_eq!(status(&reply), 200, "{reply}");
    assert!(reply.contains(allowed) && reply.contains("vary: origin") && reply.contains("<int>8"));
    let reply = lower(at.ask("POST /nowhere HTTP/1.1", page).await);
    assert!(status(&reply) == 404 && reply.contains(allowed), "{reply}");
    let damaged = format!("{page} | Content-Encoding: gzip");
    let reply = lower(at.post(&damaged).await);
    assert!(status(&reply) == 400 && reply.contains(allowed), "{reply}");

    // Other origins get none of these headers.
    for (line, headers, expected) in [
        (
            options,
            "Host: localhost | Origin: https://evil.example | Access-Control-Request-Method: POST",
            403,
        ),
        (
            options,
            "Host: localhost | Origin: http://localhost | Access-Control-Request-Method: POST",
            405,
        ),
        (options, page, 405),
        (
            "POST / HTTP/1.1",
            "Host: evil.example | Origin: https://app.example",
            403,
        ),
        (
            "POST / HTTP/1.1",
            "Host: localhost | Origin: http://app.example",
            403,
        ),
        (
            "POST / HTTP/1.1",
            "Host: localhost | Origin: http://localhost",
            200,
        ),
    ] {
        let reply = lower(at.ask(line, headers).await);
        assert_eq!(status(&reply), expected, "{headers}: {reply}");
        let is_own = headers == page || headers.ends_with("https://app.example");
        assert!(is_own || !reply.contains("access-control-"), "{reply}");
    }
}
