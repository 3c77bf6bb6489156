//! The command against canned responses that reproduce the quirks of real servers.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;

/// Starts a server that answers one request with `document`, and returns its URL.
fn canned(document: &[u8]) -> (String, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/RPC2", listener.local_addr().unwrap());
    let length = document.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    let answer = [head.as_bytes(), document].concat();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        read_request(&mut stream);
        stream.write_all(&answer).unwrap();
    });
    (url, server)
}

fn read_request(stream: &mut TcpStream) {
    let mut request = Vec::new();
    while !request.ends_with(b"</methodCall>\n") {
        let mut bytes = [0; 1024];
        let count = stream.read(&mut bytes).unwrap();
        assert!(count > 0, "the request ended early");
        request.extend_from_slice(&bytes[..count]);
    }
}

/// Runs the command against this response, and returns its exit status, standard output and
/// standard error.
fn called(document: &[u8]) -> (i32, String, String) {
    let (url, server) = canned(document);
    let output = Command::new(env!("CARGO_BIN_EXE_farcall"))
        .args(["call", &url, "method"])
        .output()
        .unwrap();
    server.join().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim_end().to_owned();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn result(value: &str) -> Vec<u8> {
    format!(
        "<?xml version=\"1.0\"?>\n<methodResponse><params><param><value>{value}</value></param></params>\
         </methodResponse>"
    )
    .into_bytes()
}

fn response(content: &str) -> Vec<u8> {
    format!("<methodResponse>{content}</methodResponse>").into_bytes()
}

fn encoded(label: &str, text: &[u8]) -> Vec<u8> {
    let prologue = format!("<?xml version='1.0' encoding='{label}'?>");
    [
        prologue.as_bytes(),
        b"<methodResponse><params><param><value><string>",
        text,
        b"</string></value></param></params></methodResponse>",
    ]
    .concat()
}

fn date(text: &str) -> Vec<u8> {
    let date = format!("<dateTime.iso8601>{text}</dateTime.iso8601>");
    let member =
        |name, value| format!("<member><name>{name}</name><value>{value}</value></member>");
    let members = member("id", "<int>7</int>") + &member("date", &date);
    result(&format!("<struct>{members}</struct>"))
}

#[test]
fn replies_of_real_servers_are_printed() {
    let code = "<member><name>faultCode</name><value><int>-503</int></value></member>";
    let text =
        "<member><name>faultString</name><value><string>no torrent</string></value></member>";
    let printed = |out: &str| (0, out.to_owned(), String::new());
    let fault = |err: &str| (1, String::new(), err.to_owned());
    for (document, expected) in [
        // Malformed dates: "never" in blogs, an empty one, no time, no seconds, 24:00.
        (
            date("00000000T00:00:00"),
            printed(r#"{"id":7,"date":"00000000T00:00:00"}"#),
        ),
        (date(""), printed(r#"{"id":7,"date":""}"#)),
        (date("20240229"), printed(r#"{"id":7,"date":"20240229"}"#)),
        (
            date("20240229T10:20"),
            printed(r#"{"id":7,"date":"20240229T10:20"}"#),
        ),
        (
            date("20240229T24:00:00"),
            printed(r#"{"id":7,"date":"20240229T24:00:00"}"#),
        ),
        (
            date("20240229T10:20:30"),
            printed(r#"{"id":7,"date":"2024-02-29T10:20:30"}"#),
        ),
        // Replies without a result.
        (response("<params/>"), printed("null")),
        (response("<params><param/></params>"), printed("null")),
        (response(""), printed("null")),
        // Incomplete faults.
        (
            response(&format!("<fault><struct>{code}{text}</struct></fault>")),
            fault("fault -503: no torrent"),
        ),
        (
            response(&format!(
                "<fault><value><struct>{code}</struct></value></fault>"
            )),
            fault("fault -503: the fault has no text"),
        ),
        (
            response(&format!(
                "<fault><value><struct>{text}</struct></value></fault>"
            )),
            fault("fault 1: no torrent"),
        ),
        (
            response("<fault/>"),
            fault("fault 1: the fault has no text"),
        ),
        // Encodings.
        (encoded("iso-8859-2", b"\xa3\xf3d\xbc"), printed("\"Łódź\"")),
        (encoded("iso-8859-15", b"5 \xa4"), printed("\"5 €\"")),
        (encoded("windows-1251", b"\xc6\xf3\xea"), printed("\"Жук\"")),
        (encoded("KOI8-R", b"\xf6\xd5\xcb"), printed("\"Жук\"")),
        (
            encoded("Shift_JIS", b"\x83\x5c\x95\x5c"),
            printed("\"ソ表\""),
        ),
        (encoded("EUC-JP", b"\xc6\xfc\xcb\xdc"), printed("\"日本\"")),
        (encoded("GBK", b"\xd6\xd0\xce\xc4"), printed("\"中文\"")),
        (encoded("Big5", b"\xa4\xa4\xa5\x5c"), printed("\"中功\"")),
        (encoded("EUC-KR", b"\xc7\xd1\xb1\xdb"), printed("\"한글\"")),
        // Arrays without `<data>`, and members whose value comes before their name.
        (
            result("<array><value><int>1</int></value><value><int>2</int></value></array>"),
            printed("[1,2]"),
        ),
        (
            result("<struct><member><value><int>1</int></value><name>a</name></member></struct>"),
            printed(r#"{"a":1}"#),
        ),
    ] {
        assert_eq!(
            called(&document),
            expected,
            "{}",
            String::from_utf8_lossy(&document)
        );
    }
}

/// JSON has no numbers for them.
#[test]
fn non_finite_doubles_are_printed() {
    for text in ["nan", "NaN", "inf", "-inf", "Infinity", "-INF"] {
        let (status, out, err) = called(&result(&format!("<double>{text}</double>")));
        assert_eq!((status, err.as_str()), (0, ""), "{text}");
        assert!(!out.is_empty(), "{text}");
    }
}

#[test]
fn characters_that_xml_forbids_are_refused_with_their_position() {
    for text in ["a\u{8}b", "a&#8;b"] {
        let (status, out, err) = called(&result(&format!("<string>{text}</string>")));
        assert_eq!((status, out.as_str()), (2, ""), "{text:?}");
        assert!(
            err.contains("XML does not allow, at line 2, column 48"),
            "{err}"
        );
    }
}

#[test]
fn encodings_that_hide_ascii_are_refused() {
    for label in ["ISO-2022-JP", "HZ-GB-2312", "UTF-7"] {
        let (status, out, err) = called(&encoded(label, b"x"));
        assert_eq!((status, out.as_str()), (2, ""), "{label}");
        assert!(err.contains("is not supported"), "{err}");
    }
}
