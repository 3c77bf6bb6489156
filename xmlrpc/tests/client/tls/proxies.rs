//! Servers behind proxies: tunnels by `CONNECT` and SOCKS5.

use std::sync::{Arc, Mutex};

use farcall_core::Execution;
use farcall_core::transport::tls::{ClientTls, Profile, ServerTls};
use farcall_xmlrpc::ClientOptions;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::certificates::Authority;
use super::{End, Site, server};
use crate::both::ClientKind;
use crate::{FIVE, chain, ok, write};

both! {
    an_https_server_is_reached_through_a_tunnel,
    a_tunnel_through_an_https_proxy_is_tls_within_tls,
    a_proxy_that_opens_no_tunnel_is_explained,
    a_server_is_reached_through_a_socks_proxy,
    a_socks_proxy_that_opens_no_tunnel_is_explained,
}

/// The requests that a proxy has received.
type Seen = Arc<Mutex<Vec<String>>>;

/// Starts a proxy that opens every tunnel, or sends `answer` instead. Returns its port.
async fn proxy(tls: Option<ServerTls>, answer: Option<&'static str>) -> (u16, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Seen::default();
    let record = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let (tls, record) = (tls.clone(), Arc::clone(&record));
            tokio::spawn(async move {
                match tls {
                    None => tunnel(socket, answer, &record).await,
                    Some(tls) => {
                        if let Ok((io, _)) = tls.accept(Profile::Http, socket).await {
                            tunnel(io, answer, &record).await;
                        }
                    }
                }
            });
        }
    });
    (port, seen)
}

async fn tunnel(
    mut client: impl AsyncRead + AsyncWrite + Unpin,
    answer: Option<&'static str>,
    seen: &Seen,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let place = head.split(' ').nth(1).unwrap().to_owned();
    seen.lock().unwrap().push(head);
    if let Some(answer) = answer {
        write(&mut client, answer).await;
        let _ = client.shutdown().await;
        let _ = tokio::io::copy(&mut client, &mut tokio::io::sink()).await;
        return;
    }
    let mut server = TcpStream::connect(place).await.unwrap();
    // An interim response, and headers that would be those of a body.
    let established = "HTTP/1.1 102 Processing\r\n\r\n\
        HTTP/1.1 200 Established\r\nContent-Length: 5\r\n\r\n";
    write(&mut client, established).await;
    let _ = client.flush().await;
    let _ = copy_bidirectional(&mut client, &mut server).await;
}

async fn an_https_server_is_reached_through_a_tunnel(kind: ClientKind) {
    let site = Site::new();
    let (url, server) = server(site.server(), End::Announced, vec![ok(FIVE), ok(FIVE)]).await;
    let (port, seen) = proxy(None, None).await;
    let own = format!("http://127.0.0.1:{port}");
    let with_login = format!("http://u:p@127.0.0.1:{port}");
    let header = site.options().header("Proxy-Authorization", "Own").unwrap();
    for options in [
        site.options().proxy(&with_login).unwrap(),
        header.proxy(&own).unwrap(),
    ] {
        let client = kind.client_with(&url, options);
        assert_eq!(client.call::<i64>("f", ()).await.unwrap(), 5);
    }
    let place = url.trim_start_matches("https://");
    let heads = ["Basic dTpw", "Own"].map(|login| {
        format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\nProxy-Authorization: {login}\r\n\r\n")
    });
    assert_eq!(*seen.lock().unwrap(), heads);
    for request in server.await.unwrap() {
        assert!(
            request.head.starts_with("POST /RPC2 HTTP/1.1\r\n"),
            "{}",
            request.head
        );
        assert_eq!(request.header("Proxy-Authorization"), None);
    }
}

async fn a_tunnel_through_an_https_proxy_is_tls_within_tls(kind: ClientKind) {
    let site = Site::new();
    let of_proxy = Authority::new();
    let large = FIVE.replace("<int>5</int>", &"x".repeat(1 << 20));
    let (url, _server) = server(site.server(), End::Announced, vec![ok(FIVE), ok(&large)]).await;
    let tls = of_proxy.leaf(&["localhost"]).server();
    let (port, seen) = proxy(Some(tls), None).await;
    let proxy = format!("https://localhost:{port}");
    let roots = ClientTls::new().roots_pem(of_proxy.certificate.as_bytes());
    let options = site.options().proxy(&proxy).unwrap();
    // The authorities for the server are not those for the proxy.
    let client = kind.client_with(&url, options.clone());
    let error = client.call::<i64>("f", ()).await.unwrap_err();
    assert!(
        chain(&error).contains("not trusted here"),
        "{}",
        chain(&error)
    );
    assert!(seen.lock().unwrap().is_empty());

    let client = kind.client_with(&url, options.proxy_tls(roots.unwrap()));
    assert_eq!(client.call::<i64>("f", ()).await.unwrap(), 5);
    let text: String = client.call("f", ("y".repeat(1 << 20),)).await.unwrap();
    assert_eq!(text.len(), 1 << 20);
    assert!(seen.lock().unwrap()[0].starts_with("CONNECT localhost:"));
}

async fn a_proxy_that_opens_no_tunnel_is_explained(kind: ClientKind) {
    let site = Site::new();
    let long = Box::leak(format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(70_000)).into_boxed_str());
    for (answer, expected) in [
        (
            "HTTP/1.1 407 Who\r\nContent-Length: 3\r\n\r\nyou",
            "HTTP status 407 Proxy Authentication Required (the credentials for the proxy are \
             missing or wrong)",
        ),
        (
            "HTTP/1.1 502 No\r\n\r\n",
            "the proxy opens no tunnel: HTTP status 502 Bad Gateway",
        ),
        ("", "closed the connection"),
        ("SSH-2.0\r\n\r\n", "is not an HTTP response"),
        (long, "more than 65536 bytes"),
        (
            "HTTP/1.1 200 OK\r\n\r\nearly",
            "the proxy sent data before the server did",
        ),
    ] {
        let (port, _) = proxy(None, Some(answer)).await;
        let url = format!("http://127.0.0.1:{port}");
        let options = site.options().proxy(&url).unwrap();
        let client = kind.client_with("https://server.example", options);
        let error = client.call::<i64>("f", ()).await.unwrap_err();
        let text = chain(&error);
        assert_eq!(error.execution(), Execution::Never, "{text}");
        assert!(text.contains(expected), "{text}");
        let place =
            format!("cannot connect to server.example:443 through the proxy 127.0.0.1:{port}: ");
        assert!(text.contains(&place), "{text}");
    }
}

/// Starts a SOCKS5 proxy that expects this login, if any, and tells `code`. Returns its port.
async fn socks(login: Option<(&'static str, &'static str)>, code: u8) -> (u16, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Seen::default();
    let record = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let record = Arc::clone(&record);
            tokio::spawn(async move {
                // An error means that the client has given up.
                let _ = socks_tunnel(&mut client, login, code, &record).await;
            });
        }
    });
    (port, seen)
}

async fn socks_tunnel(
    client: &mut TcpStream,
    login: Option<(&str, &str)>,
    code: u8,
    seen: &Seen,
) -> std::io::Result<()> {
    assert_eq!(client.read_u8().await?, 5);
    let mut methods = vec![0; usize::from(client.read_u8().await?)];
    client.read_exact(&mut methods).await?;
    let method = if login.is_some() { 2 } else { 0 };
    if !methods.contains(&method) {
        return client.write_all(&[5, 0xff]).await;
    }
    client.write_all(&[5, method]).await?;
    if let Some((user, password)) = login {
        assert_eq!(client.read_u8().await?, 1);
        let mut found = Vec::new();
        for _ in 0..2 {
            let mut part = vec![0; usize::from(client.read_u8().await?)];
            client.read_exact(&mut part).await?;
            found.push(String::from_utf8(part).unwrap());
        }
        let is_right = found == [user, password];
        client.write_all(&[1, u8::from(!is_right)]).await?;
        if !is_right {
            return Ok(());
        }
    }
    let mut request = [0; 4];
    client.read_exact(&mut request).await?;
    assert_eq!(request[..3], [5, 1, 0]);
    let host = match request[3] {
        1 => std::net::Ipv4Addr::from_bits(client.read_u32().await?).to_string(),
        3 => {
            let mut name = vec![0; usize::from(client.read_u8().await?)];
            client.read_exact(&mut name).await?;
            String::from_utf8(name).unwrap()
        }
        other => panic!("{other}"),
    };
    let port = client.read_u16().await?;
    seen.lock().unwrap().push(format!("{host}:{port}"));
    if code != 0 {
        return client.write_all(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0]).await;
    }
    // The address is a name, as it may be.
    client.write_all(b"\x05\0\0\x03\x04here\x12\x34").await?;
    let mut server = TcpStream::connect((host, port)).await?;
    copy_bidirectional(client, &mut server).await?;
    Ok(())
}

async fn a_server_is_reached_through_a_socks_proxy(kind: ClientKind) {
    let site = Site::new();
    for (login, user_info) in [(None, ""), (None, "u:p@"), (Some(("u", "p@")), "u:p%40@")] {
        let answers = vec![ok(FIVE)];
        let (url, _server) = server(site.server(), End::Announced, answers.clone()).await;
        let (plain, _plain) = crate::server(answers).await;
        let (port, seen) = socks(login, 0).await;
        let proxy = format!("socks5h://{user_info}127.0.0.1:{port}");
        let options = site.options().proxy(&proxy).unwrap();
        for url in [&url, &plain] {
            let client = kind.client_with(url, options.clone());
            assert_eq!(client.call::<i64>("f", ()).await.unwrap(), 5);
        }
        let places = [url, plain].map(|url| url.split_once("://").unwrap().1.to_owned());
        assert_eq!(*seen.lock().unwrap(), places);
    }
}

async fn a_socks_proxy_that_opens_no_tunnel_is_explained(kind: ClientKind) {
    for (login, code, user_info, expected) in [
        (
            None,
            2,
            "",
            "the proxy opens no tunnel: its rules do not allow it",
        ),
        (None, 4, "", "the host is unreachable"),
        (None, 99, "", "unknown reason"),
        (Some(("u", "p")), 0, "", "the proxy demands credentials"),
        (
            Some(("u", "p")),
            0,
            "u:secret@",
            "the credentials for the proxy are wrong",
        ),
    ] {
        let (port, _) = socks(login, code).await;
        let proxy = format!("socks5://{user_info}127.0.0.1:{port}");
        let options = ClientOptions::default().proxy(&proxy).unwrap();
        let client = kind.client_with("http://server.example", options);
        let error = client.call::<i64>("f", ()).await.unwrap_err();
        let text = chain(&error);
        assert_eq!(error.execution(), Execution::Never, "{text}");
        assert!(
            text.contains(expected) && !text.contains("secret"),
            "{text}"
        );
    }
    let (listener, _) = crate::listen().await;
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut io, _) = listener.accept().await.unwrap();
        write(&mut io, "HTTP/1.1 400 Bad\r\n\r\n").await;
        let _ = tokio::io::copy(&mut io, &mut tokio::io::sink()).await;
    });
    let proxy = format!("socks5://127.0.0.1:{port}");
    let options = ClientOptions::default().proxy(&proxy).unwrap();
    let client = kind.client_with("http://server.example", options);
    let text = chain(&client.call::<i64>("f", ()).await.unwrap_err());
    assert!(text.contains("is not a SOCKS5 proxy"), "{text}");
}
