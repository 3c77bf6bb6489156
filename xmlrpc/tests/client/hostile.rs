//! Servers that close early, send slowly, contradict themselves, or send unsolicited data.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use farcall::http::HttpError;
use farcall_core::{CallError, Execution};
use farcall_xmlrpc::ClientOptions;
use socket2::{Domain, SockAddr, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::both::ClientKind;
use super::{FIVE, chain, http, listen, ok, read, server, write};

both! {
    a_reply_is_whole_or_an_error,
    interim_responses_come_before_the_reply,
    old_servers_close_or_keep_the_connection,
    replies_with_ambiguous_framing_are_lost,
    an_unsolicited_response_is_discarded,
    a_response_before_the_end_of_the_request_is_read,
    a_slow_response_times_out,
    a_call_that_is_not_read_times_out,
    connecting_to_a_full_backlog_times_out,
    #[cfg(unix)] connecting_to_the_full_backlog_of_a_unix_socket_times_out,
    a_name_without_address_is_reported,
    memory_is_allocated_as_bytes_arrive,
}

fn chunked() -> String {
    let (start, end) = FIVE.split_at(50);
    let (one, two) = (start.len(), end.len());
    format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
         {one:x};a=\"b\"\r\n{start}\r\n{two:x}\r\n{end}\r\n0\r\nTrailer: x\r\n\r\n"
    )
}

async fn a_reply_is_whole_or_an_error(kind: ClientKind) {
    for whole in [ok(FIVE), chunked()] {
        let (listener, url) = listen().await;
        let client = kind.client(&url);
        for end in 0..=whole.len() {
            let serving = async {
                let (mut io, _) = listener.accept().await.unwrap();
                read(&mut io).await.unwrap();
                write(&mut io, &whole[..end]).await;
                // Prevents the connection from being kept.
                drop(io);
            };
            let (result, ()) = tokio::join!(client.call::<i64>("f", ()), serving);
            match result {
                Ok(five) => assert_eq!((five, end), (5, whole.len())),
                Err(CallError::Lost(_)) => assert!(end < whole.len()),
                Err(error) => panic!("cut at {end}: {}", chain(&error)),
            }
        }
    }
}

async fn interim_responses_come_before_the_reply(kind: ClientKind) {
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n";
    let answer = format!("HTTP/1.1 100 Continue\r\n\r\n{hints}{}", ok(FIVE));
    let (url, server) = server(vec![answer.clone(), answer]).await;
    let client = kind.client(&url);
    for _ in 0..2 {
        assert_eq!(client.call::<i64>("f", ()).await.unwrap(), 5);
    }
    server.await.unwrap();
}

async fn old_servers_close_or_keep_the_connection(kind: ClientKind) {
    let length = FIVE.len();
    let head = format!("HTTP/1.0 200 OK\r\nContent-Length: {length}\r\n");
    for (header, connections) in [("", 2), ("Connection: keep-alive\r\n", 1)] {
        let (listener, url) = listen().await;
        let client = kind.client(&url);
        let answer = format!("{head}{header}\r\n{FIVE}");
        let serving = async {
            let mut open = Vec::new();
            for _ in 0..connections {
                let (mut io, _) = listener.accept().await.unwrap();
                for _ in connections..=2 {
                    read(&mut io).await.unwrap();
                    write(&mut io, &answer).await;
                }
                open.push(io);
            }
        };
        let calling = async {
            for _ in 0..2 {
                assert_eq!(client.call::<i64>("f", ()).await.unwrap(), 5);
            }
        };
        tokio::join!(serving, calling);
    }
}

async fn replies_with_ambiguous_framing_are_lost(kind: ClientKind) {
    let length = FIVE.len();
    let more = length + 1;
    for headers in [
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"),
        format!("Content-Length: {length}\r\nContent-Length: {more}\r\n"),
        format!("Content-Length: +{length}\r\n"),
        format!("Content-Length: {length}\r\n folded: x\r\n"),
        "Transfer-Encoding: gzip\r\n".to_owned(),
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\n{headers}\r\n{FIVE}");
        let (url, _server) = server(vec![answer]).await;
        let error = kind.client(&url).call::<i64>("f", ()).await.unwrap_err();
        assert!(matches!(error, CallError::Lost(_)), "{headers}: {error:?}");
        assert_eq!(error.execution(), Execution::Maybe);
    }
}

/// A second response after the first, at once or before the connection is closed, is not used as
/// the response to the next call.
async fn an_unsolicited_response_is_discarded(kind: ClientKind) {
    let wrong = ok(&FIVE.replace('5', "6"));
    for is_late in [false, true] {
        let (listener, url) = listen().await;
        let client = kind.client(&url);
        let (written, is_written) = tokio::sync::oneshot::channel();
        let serving = async {
            let (mut first, _) = listener.accept().await.unwrap();
            read(&mut first).await.unwrap();
            if is_late {
                write(&mut first, ok(FIVE)).await;
                // The client has its response by then.
                tokio::time::sleep(Duration::from_millis(50)).await;
                write(&mut first, &wrong).await;
            } else {
                write(&mut first, ok(FIVE) + &wrong).await;
            }
            written.send(()).unwrap();
            let (mut second, _) = listener.accept().await.unwrap();
            read(&mut second).await.unwrap();
            write(&mut second, ok(FIVE)).await;
            first
        };
        let calling = async {
            assert_eq!(client.call::<i64>("f", ()).await.unwrap(), 5);
            is_written.await.unwrap();
            // Written bytes arrive with a little delay.
            tokio::time::sleep(Duration::from_millis(20)).await;
            assert_eq!(client.call::<i64>("f", ()).await.unwrap(), 5);
        };
        tokio::join!(serving, calling);
    }
}

/// The server stops reading the request: a client that only wrote would never complete.
async fn a_response_before_the_end_of_the_request_is_read(kind: ClientKind) {
    for closes in [false, true] {
        let (listener, url) = listen().await;
        let client = kind.client(&url);
        let serving = async {
            let (mut io, _) = listener.accept().await.unwrap();
            let mut start = [0; 1000];
            io.read_exact(&mut start).await.unwrap();
            write(&mut io, http("413 Payload Too Large", "", "no")).await;
            if closes {
                io.shutdown().await.unwrap();
            }
            io
        };
        let argument = "x".repeat(12 << 20);
        let calling = tokio::time::timeout(
            Duration::from_secs(30),
            client.call::<i64>("f", (argument,)),
        );
        let (_io, result) = tokio::join!(serving, calling);
        let error = result.expect("the call hangs").unwrap_err();
        assert!(matches!(error, CallError::Refused(_)), "{}", chain(&error));
        assert_eq!(HttpError::of(&error).map(HttpError::status), Some(413));
    }
}

fn short_timeout() -> ClientOptions {
    let time = Duration::from_millis(150);
    ClientOptions::default().timeout(Some(time))
}

fn assert_completed_in_time(begin: Instant) {
    // Generous, for busy machines.
    let time = begin.elapsed();
    assert!(time < Duration::from_secs(20), "{time:?}");
}

/// Bytes keep arriving, but the response does not complete in time.
async fn a_slow_response_times_out(kind: ClientKind) {
    let (listener, url) = listen().await;
    let serving = async {
        let (mut io, _) = listener.accept().await.unwrap();
        read(&mut io).await.unwrap();
        loop {
            if io
                .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
                .await
                .is_err()
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let client = kind.client_with(&url, short_timeout());
    let begin = Instant::now();
    let (result, ()) = tokio::join!(client.call::<i64>("f", ()), serving);
    assert_completed_in_time(begin);
    let error = result.unwrap_err();
    assert!(matches!(error, CallError::Lost(_)), "{error:?}");
    assert!(
        chain(&error).contains("no response within"),
        "{}",
        chain(&error)
    );
}

async fn a_call_that_is_not_read_times_out(kind: ClientKind) {
    let (_listener, url) = listen().await;
    let client = kind.client_with(&url, short_timeout());
    let begin = Instant::now();
    let error = client
        .call::<i64>("f", ("x".repeat(12 << 20),))
        .await
        .unwrap_err();
    assert_completed_in_time(begin);
    assert!(matches!(error, CallError::Lost(_)), "{error:?}");
    assert!(
        chain(&error).contains("no response within"),
        "{}",
        chain(&error)
    );
}

/// Connects until the backlog of the listener is full.
fn fill_backlog(domain: Domain, address: &SockAddr) -> Vec<Socket> {
    let mut sockets = Vec::new();
    loop {
        let socket = Socket::new(domain, Type::STREAM, None).unwrap();
        let pause = Duration::from_millis(200);
        socket.set_write_timeout(Some(pause)).unwrap();
        let connected = if domain == Domain::UNIX {
            socket.connect(address)
        } else {
            socket.connect_timeout(address, pause)
        };
        match connected {
            Ok(()) => sockets.push(socket),
            Err(error) => {
                let kinds = [ErrorKind::TimedOut, ErrorKind::WouldBlock];
                assert!(kinds.contains(&error.kind()), "{error}");
                return sockets;
            }
        }
    }
}

async fn is_not_connected_in_time(kind: ClientKind, url: &str) {
    let attempt = Some(Duration::from_millis(150));
    for options in [
        ClientOptions::default().connect_timeout(attempt),
        short_timeout().connect_timeout(None),
    ] {
        let client = kind.client_with(url, options);
        let begin = Instant::now();
        let error = client.call::<i64>("f", ()).await.unwrap_err();
        assert_completed_in_time(begin);
        assert!(matches!(error, CallError::NotSent(_)), "{error:?}");
        assert!(chain(&error).contains("within"), "{}", chain(&error));
    }
}

async fn connecting_to_a_full_backlog_times_out(kind: ClientKind) {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    listener.bind(&any.into()).unwrap();
    listener.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let _sockets = fill_backlog(Domain::IPV4, &address);
    let url = format!("http://{}", address.as_socket().unwrap());
    is_not_connected_in_time(kind, &url).await;
}

#[cfg(unix)]
async fn connecting_to_the_full_backlog_of_a_unix_socket_times_out(kind: ClientKind) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("full.sock");
    let listener = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    let address = SockAddr::unix(&path).unwrap();
    listener.bind(&address).unwrap();
    listener.listen(1).unwrap();
    let _sockets = fill_backlog(Domain::UNIX, &address);
    is_not_connected_in_time(kind, &format!("http+unix://{}", path.display())).await;
}

async fn a_name_without_address_is_reported(kind: ClientKind) {
    // Names below `invalid` never resolve (RFC 6761).
    let client = kind.client_with(
        "http://nowhere.invalid",
        ClientOptions::default().no_proxy(),
    );
    let error = client.call::<i64>("f", ()).await.unwrap_err();
    assert!(matches!(error, CallError::NotSent(_)), "{error:?}");
    let text = chain(&error);
    assert!(
        text.contains("cannot connect to nowhere.invalid:80"),
        "{text}"
    );
}

/// The declared length is within the limit, but the body never arrives.
async fn memory_is_allocated_as_bytes_arrive(kind: ClientKind) {
    let gigabytes = 1usize << 40;
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{FIVE}",
        gigabytes - 1
    );
    let (url, _server) = server(vec![answer]).await;
    let options = ClientOptions::default().max_body(gigabytes);
    let client = kind.client_with(&url, options);
    let error = client.call::<i64>("f", ()).await.unwrap_err();
    assert!(matches!(error, CallError::Lost(_)), "{error:?}");
}
