//! Servers that try to have a response taken for that of a later call.

use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use farcall::xmlrpc::{ClientOptions, blocking};

use super::server::{number_of, read};
use super::{Async, Caller, Case, answer, assert_harmless, reply, summary, with_headers};

/// The result in responses that no call requested.
const EVIL: i64 = 666;

#[test]
fn bytes_after_a_response_are_discarded() {
    let five = answer("200 OK", reply(5));
    let evil = answer("200 OK", reply(EVIL));
    let and_evil = |first: &[u8]| [first, &evil].concat();
    let body = reply(5);
    let size = body.len();
    let chunked = with_headers(
        "Transfer-Encoding: chunked",
        format!("{size:x}\r\n{body}\r\n0\r\n\r\n"),
    );
    let kept_old = format!(
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: {size}\r\n\r\n{body}"
    );
    let cases = vec![
        Case::kept("two answers", and_evil(&five), "5"),
        Case::kept("ten answers", [five.clone(), evil.repeat(9)].concat(), "5"),
        Case::kept("an answer behind chunks", and_evil(&chunked), "5"),
        Case::kept(
            "an answer behind HTTP/1.0",
            and_evil(kept_old.as_bytes()),
            "5",
        ),
        Case::kept(
            "half an answer behind one",
            and_evil(&five)[..five.len() + 20].to_vec(),
            "5",
        ),
        Case::kept("a line feed behind one", [&five[..], b"\r\n"].concat(), "5"),
        Case::kept("rubbish behind one", [&five[..], b"rubbish"].concat(), "5"),
        Case::kept(
            "an answer behind no content",
            and_evil(b"HTTP/1.1 204 No Content\r\n\r\n"),
            "not a reply",
        ),
        Case::kept(
            "an answer as the body of no content",
            and_evil(
                format!(
                    "HTTP/1.1 204 No Content\r\nContent-Length: {}\r\n\r\n",
                    evil.len()
                )
                .as_bytes(),
            ),
            "not a reply",
        ),
        Case::kept(
            "an answer as the body of a 304",
            and_evil(
                format!(
                    "HTTP/1.1 304 Not Modified\r\nContent-Length: {}\r\n\r\n",
                    evil.len()
                )
                .as_bytes(),
            ),
            "not a reply",
        ),
        Case::kept(
            "an answer behind a redirect",
            and_evil(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"),
            "refused",
        ),
        Case::kept(
            "an answer behind an empty one",
            and_evil(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
            "not a reply",
        ),
        Case::kept(
            "an answer behind a refusal",
            and_evil(b"HTTP/1.1 401 Who\r\nContent-Length: 0\r\n\r\n"),
            "refused",
        ),
        Case::kept(
            "an answer behind a fault",
            and_evil(&answer(
                "200 OK",
                "<methodResponse><fault><value><struct><member><name>faultCode</name><value><int>3</int></value></member><member><name>faultString</name><value/></member></struct></value></fault></methodResponse>",
            )),
            "fault 3",
        ),
        Case::kept(
            "an answer behind the last of a connection",
            and_evil(&with_headers(
                format!("Connection: close\r\nContent-Length: {size}"),
                &body,
            )),
            "5",
        ),
        Case::kept(
            "an answer behind a change of protocols",
            and_evil(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
            "not a reply",
        ),
        Case::kept(
            "an answer behind one that is too large",
            and_evil(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"),
            "not a reply",
        ),
        Case::kept(
            "an answer behind a broken one",
            and_evil(b"HTTP/1.1 200 OK\r\nX\r\n\r\n"),
            "lost",
        ),
    ];
    assert_harmless(&cases);
}

/// Starts a server that handles one connection after the other, and signals when it has sent what
/// the test waits for.
fn serve(serve: impl Fn(TcpStream, usize, &Sender<()>) + Send + 'static) -> (String, Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            serve(stream.unwrap(), number, &done);
        }
    });
    (url, is_done)
}

/// Answers calls honestly until the connection closes.
fn be_honest(stream: &TcpStream) {
    let mut reader = BufReader::new(stream);
    while let Ok(request) = read(&mut reader) {
        let answer = answer("200 OK", reply(number_of(&request)));
        // An error means that the client closed the connection.
        let _ = (&*stream).write_all(&answer);
    }
}

/// Sends a response while the connection is idle between calls.
fn between_calls<C: Caller>(evil: Vec<u8>, closes: bool) {
    let (url, is_done) = serve(move |mut stream, number, done| {
        if number == 0 {
            let request = read(&mut BufReader::new(&stream)).unwrap();
            let honest = answer("200 OK", reply(number_of(&request)));
            stream.write_all(&honest).unwrap();
            // Sent after a pause, so that it does not arrive together with the response before.
            thread::sleep(Duration::from_millis(50));
            stream.write_all(&evil).unwrap();
            if closes {
                stream.shutdown(std::net::Shutdown::Both).unwrap();
            }
            done.send(()).unwrap();
        }
        thread::spawn(move || be_honest(&stream));
    });
    let client = C::new(&url, ClientOptions::default());
    for number in 5..8 {
        assert_eq!(client.call("f", number).unwrap(), number);
        if number == 5 {
            is_done.recv().unwrap();
        }
    }
}

#[test]
fn a_response_between_calls_is_discarded() {
    let evil = answer("200 OK", reply(EVIL));
    let slow = answer("408 Request Timeout", "");
    for (bytes, closes) in [
        (evil.clone(), false),
        (evil, true),
        (slow, true),
        (b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(), false),
        (b"x".to_vec(), false),
        (Vec::new(), true),
    ] {
        between_calls::<Async>(bytes.clone(), closes);
        between_calls::<blocking::Client>(bytes, closes);
    }
}

/// Sends a response after the call has timed out.
fn too_late<C: Caller>() {
    let (url, is_done) = serve(|mut stream, number, done| {
        if number == 0 {
            let request = read(&mut BufReader::new(&stream)).unwrap();
            thread::sleep(Duration::from_millis(1000));
            // The client may have closed the connection.
            let _ = stream.write_all(&answer("200 OK", reply(number_of(&request))));
            done.send(()).unwrap();
        }
        thread::spawn(move || be_honest(&stream));
    });
    let options = ClientOptions::default().timeout(Some(Duration::from_millis(300)));
    let client = C::new(&url, options);
    assert_eq!(summary(&client.call("f", EVIL)), "lost");
    is_done.recv().unwrap();
    let calls = (5..8).map(|number| client.call("f", number).unwrap());
    assert_eq!(calls.collect::<Vec<_>>(), [5, 6, 7]);
}

#[test]
fn a_response_after_the_timeout_is_discarded() {
    too_late::<Async>();
    too_late::<blocking::Client>();
}

/// Sends a response before the call. The client may take it for the response to this call, as the
/// server sent it, but must not stay one response ahead.
fn too_early<C: Caller>() {
    let (url, is_done) = serve(|mut stream, number, done| {
        if number == 0 {
            let _ = stream.write_all(&answer("200 OK", reply(EVIL)));
            // A client that saw it before its call closes the connection.
            if let Ok(request) = read(&mut BufReader::new(&stream)) {
                let _ = stream.write_all(&answer("200 OK", reply(number_of(&request))));
            }
            done.send(()).unwrap();
        }
        thread::spawn(move || be_honest(&stream));
    });
    let client = C::new(&url, ClientOptions::default());
    // The outcome of this call does not matter.
    let _ = client.call("f", 5);
    is_done.recv().unwrap();
    for number in 6..9 {
        assert_eq!(client.call("f", number).unwrap(), number);
    }
}

#[test]
fn a_response_before_the_call_does_not_shift_later_ones() {
    too_early::<Async>();
    too_early::<blocking::Client>();
}
