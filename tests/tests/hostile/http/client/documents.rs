//! Well-formed HTTP responses without a valid reply.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{Case, answer, assert_harmless, reply, with_headers};

fn result(value: &str) -> String {
    reply(5).replace("<int>5</int>", value)
}

fn fault(members: &str) -> String {
    format!(
        "<methodResponse><fault><value><struct>{members}</struct></value></fault></methodResponse>"
    )
}

fn member(name: &str, value: &str) -> String {
    format!("<member><name>{name}</name><value>{value}</value></member>")
}

#[test]
fn an_invalid_reply_is_an_error() {
    let arrays = |depth| {
        let (start, end) = ("<array><data><value>", "</value></data></array>");
        result(&(start.repeat(depth) + &end.repeat(depth)))
    };
    let documents = [
        (
            "a page",
            "<html><body>It works!</body></html>".to_owned(),
            "not a reply",
        ),
        ("JSON", "{\"result\": 5}".to_owned(), "not a reply"),
        (
            "a call",
            "<methodCall><methodName>x</methodName></methodCall>".to_owned(),
            "not a reply",
        ),
        ("spaces", "   ".to_owned(), "not a reply"),
        (
            "a response of nothing",
            "<methodResponse/>".to_owned(),
            "misfit",
        ),
        (
            "no result",
            "<methodResponse><params/></methodResponse>".to_owned(),
            "misfit",
        ),
        (
            "two results",
            result("<int>5</int></value></param><param><value><int>6</int>"),
            "misfit",
        ),
        (
            "a result and a fault",
            reply(5).replace("</params>", "</params><fault/>"),
            "misfit",
        ),
        ("two replies", reply(5) + &reply(6), "misfit"),
        ("a text behind it", reply(5) + "x", "misfit"),
        ("a NUL behind it", reply(5) + "\0", "misfit"),
        ("a text", result("five"), "misfit"),
        ("an invalid number", result("<int>five</int>"), "misfit"),
        (
            "a number beyond 64 bits",
            result("<i8>9223372036854775808</i8>"),
            "misfit",
        ),
        (
            "a number of 1,000,000 digits",
            result(&format!("<int>{}</int>", "1".repeat(1_000_000))),
            "misfit",
        ),
        ("an unknown type", result("<five/>"), "misfit"),
        ("nil", result("<nil/>"), "misfit"),
        ("arrays that are too deep", arrays(10_000), "misfit"),
        (
            "arrays that are not closed",
            result(&"<array><data><value>".repeat(500_000)),
            "misfit",
        ),
        (
            "elements without an end",
            "<a>".repeat(1_000_000),
            "not a reply",
        ),
        (
            "a billion laughs",
            format!(
                "<!DOCTYPE l [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;\">]>{}",
                result("&b;")
            ),
            "not a reply",
        ),
        (
            "a file for an entity",
            format!(
                "<!DOCTYPE l [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>{}",
                result("&e;")
            ),
            "not a reply",
        ),
        ("a character that XML forbids", result("\u{1}"), "misfit"),
        ("a reference to NUL", result("<int>5&#0;</int>"), "misfit"),
        (
            "an unknown encoding",
            "<?xml version='1.0' encoding='EBCDIC'?><methodResponse/>".to_owned(),
            "not a reply",
        ),
    ];
    let cases = documents
        .map(|(name, document, expected)| Case::kept(name, answer("200 OK", document), expected));
    assert_harmless(&cases);
}

#[test]
fn faults_remain_faults_whatever_they_contain() {
    let both =
        |code: &str, text: &str| fault(&(member("faultCode", code) + &member("faultString", text)));
    let faults = [
        ("a fault", both("<int>3</int>", "x"), "fault 3"),
        ("no members", fault(""), "fault 1"),
        (
            "no text",
            fault(&member("faultCode", "<int>3</int>")),
            "fault 3",
        ),
        ("no code", fault(&member("faultString", "x")), "fault 1"),
        (
            "no value around the struct",
            both("<int>3</int>", "x")
                .replace("<value><struct>", "<struct>")
                .replace("</struct></value>", "</struct>"),
            "fault 3",
        ),
        (
            "values before their names, nested",
            fault(
                &("<member><value><struct>".repeat(30)
                    + &"</struct></value><name>x</name></member>".repeat(30)
                    + &member("faultCode", "<int>3</int>")),
            ),
            "fault 3",
        ),
        (
            "values before their names, too deep",
            fault(&"<member><value><struct>".repeat(10_000)),
            "not a reply",
        ),
        (
            "a code that is an array",
            both("<array><data/></array>", "x"),
            "not a reply",
        ),
        (
            "a code beyond 64 bits",
            both("<i8>9223372036854775808</i8>", "x"),
            "not a reply",
        ),
        (
            "the smallest code",
            both("<i8>-9223372036854775808</i8>", "x"),
            "fault -9223372036854775808",
        ),
        ("a code that is a word", both("E_FAIL", "x"), "fault 1"),
        (
            "a text of 10 MiB",
            both("<int>3</int>", &"x".repeat(10 << 20)),
            "fault 3",
        ),
        (
            "a text that is a struct",
            both("<int>3</int>", "<struct/>"),
            "not a reply",
        ),
        (
            "a code twice",
            fault(&(member("faultCode", "<int>3</int>").repeat(2) + &member("faultString", "x"))),
            "not a reply",
        ),
        (
            "100,000 members",
            fault(
                &(member("x", "y").repeat(100_000)
                    + &member("faultCode", "<int>3</int>")
                    + &member("faultString", "x")),
            ),
            "fault 3",
        ),
        (
            "a member that is too deep",
            fault(&member("x", &"<array><data><value>".repeat(10_000))),
            "not a reply",
        ),
        (
            "a fault that is a text",
            "<methodResponse><fault><value>x</value></fault></methodResponse>".to_owned(),
            "fault 1",
        ),
        (
            "a fault without an end",
            "<methodResponse><fault>".to_owned(),
            "not a reply",
        ),
        (
            "a fault and a result",
            both("<int>3</int>", "x").replace("</fault>", "</fault><params/>"),
            "not a reply",
        ),
    ];
    let cases = faults
        .map(|(name, document, expected)| Case::kept(name, answer("200 OK", document), expected));
    assert_harmless(&cases);
}

#[test]
fn unusual_encodings_hide_nothing() {
    let gzip = |bytes: &[u8]| {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    };
    let zipped = |body: &[u8]| {
        let headers = format!("Content-Encoding: gzip\r\nContent-Length: {}", body.len());
        with_headers(headers, body)
    };
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..128 {
        bomb.write_all(&[b' '; 1 << 20]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    let honest = gzip(reply(5).as_bytes());
    let end = honest.len();
    let charset = |charset: &str, document: &[u8]| {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset={charset}\r\nContent-Length: {}\r\n\r\n",
            document.len()
        );
        [head.as_bytes(), document].concat()
    };
    let wide: Vec<u8> = reply(5).encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cases = vec![
        Case::kept("128 MiB of gzip", zipped(&bomb), "not a reply"),
        Case::kept("gzip in gzip", zipped(&gzip(&honest)), "not a reply"),
        Case::kept("gzip cut short", zipped(&honest[..end - 9]), "not a reply"),
        Case::kept(
            "gzip with a wrong sum",
            zipped(&[&honest[..end - 8], &[0; 8]].concat()),
            "not a reply",
        ),
        Case::kept(
            "rubbish behind gzip",
            zipped(&[&honest[..], b"rubbish"].concat()),
            "not a reply",
        ),
        Case::kept(
            "100,000 members of gzip",
            zipped(&gzip(b"").repeat(100_000)),
            "not a reply",
        ),
        Case::kept("requested gzip", zipped(&honest), "5"),
        Case::kept(
            "an unknown charset",
            charset("utf-7", reply(5).as_bytes()),
            "not a reply",
        ),
        Case::kept(
            "a wrong charset",
            charset("utf-16", reply(5).as_bytes()),
            "not a reply",
        ),
        Case::kept(
            "half a character",
            charset("utf-16le", &wide[..wide.len() - 1]),
            "not a reply",
        ),
        Case::kept(
            "a charset of 60 KiB",
            charset(&"x".repeat(60 << 10), reply(5).as_bytes()),
            "not a reply",
        ),
        Case::kept(
            "bytes that are not UTF-8",
            charset("utf-8", b"<methodResponse>\xff"),
            "not a reply",
        ),
        Case::kept(
            "bytes that are not ASCII",
            charset("us-ascii", result("é").as_bytes()),
            "not a reply",
        ),
        Case::kept(
            "a charset with states",
            charset("iso-2022-jp", reply(5).as_bytes()),
            "not a reply",
        ),
        Case::kept(
            "half a character of two bytes",
            charset("shift_jis", b"<methodResponse>\x81</methodResponse>"),
            "not a reply",
        ),
        Case::kept("the right charset", charset("utf-16le", &wide), "5"),
        Case::kept(
            "a charset of Windows",
            charset("windows-1251", reply(5).as_bytes()),
            "5",
        ),
    ];
    assert_harmless(&cases);
}
