//! Documents that are malformed, ambiguous, or would make the server read files and URLs.

use super::case::{Case, assert_harmless, call, request};
use super::victim;

/// Whole documents. A document that leads to a fault never runs its call.
const DOCUMENTS: &[(&str, &[u8], &str)] = &[
    ("nothing", b"", "-32700"),
    ("spaces", b" \r\n\t ", "-32700"),
    ("not XML", b"GIF89a", "-32700"),
    ("JSON", b"{\"jsonrpc\":\"2.0\",\"method\":\"add\",\"id\":1}", "-32700"),
    ("no call", b"<html></html>", "-32600"),
    ("a response", b"<methodResponse><params/></methodResponse>", "-32600"),
    ("no method", b"<methodCall/>", "-32600"),
    ("an empty name", b"<methodCall><methodName/></methodCall>", "-32600"),
    ("parameters before the name", b"<methodCall><params/><methodName>ledger.run</methodName></methodCall>", "-32600"),
    ("two names", b"<methodCall><methodName>add</methodName><methodName>ledger.run</methodName></methodCall>", "-32600"),
    ("two calls", b"<methodCall><methodName>counter.value</methodName></methodCall><methodCall/>", "-32600"),
    ("two lists of parameters", b"<methodCall><methodName>counter.value</methodName><params/><params/></methodCall>", "-32600"),
    ("an element in the name", b"<methodCall><methodName><b>counter</b>.value</methodName></methodCall>", "-32600"),
    ("a NUL in the name", b"<methodCall><methodName>counter.value\0</methodName></methodCall>", "-32702"),
    ("a line break in the name", b"<methodCall><methodName>x&#10;forged&#13;forged</methodName></methodCall>", "-32601"),
    ("a method of the service itself", b"<methodCall><methodName>__init__</methodName></methodCall>", "-32601"),
    ("a path for a name", b"<methodCall><methodName>../../ledger.run</methodName></methodCall>", "-32601"),
    ("broken off in a tag", b"<methodCall><methodName>counter.value</methodNa", "-32700"),
    ("broken off in a text", b"<methodCall><methodName>counter.val", "-32700"),
    ("broken off behind the name", b"<methodCall><methodName>counter.value</methodName>", "-32700"),
    ("a broken end", b"<methodCall><methodName>counter.value</methodName></methodCall><", "-32700"),
    ("a text behind it", b"<methodCall><methodName>counter.value</methodName></methodCall>x", "-32700"),
    ("a NUL behind it", b"<methodCall><methodName>counter.value</methodName></methodCall>\0", "-32700"),
    ("a second declaration", b"<?xml version=\"1.0\"?><?xml version=\"1.0\"?><methodCall><methodName>counter.value</methodName></methodCall>", "-32700"),
    // Document types.
    ("a document type", b"<!DOCTYPE methodCall><methodCall><methodName>counter.value</methodName></methodCall>", "-32600"),
    ("a billion laughs", b"<!DOCTYPE l [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\">]><methodCall><methodName>&c;</methodName></methodCall>", "-32600"),
    ("an entity that is itself", b"<!DOCTYPE l [<!ENTITY a \"&b;\"><!ENTITY b \"&a;\">]><methodCall><methodName>&a;</methodName></methodCall>", "-32600"),
    ("a file for an entity", b"<!DOCTYPE l [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><methodCall><methodName>&e;</methodName></methodCall>", "-32600"),
    ("a URL for an entity", b"<!DOCTYPE l [<!ENTITY e SYSTEM \"http://127.0.0.1:1/\">]><methodCall><methodName>&e;</methodName></methodCall>", "-32600"),
    ("an entity for declarations", b"<!DOCTYPE l [<!ENTITY % e SYSTEM \"file:///dev/random\">%e;]><methodCall><methodName>x</methodName></methodCall>", "-32600"),
    ("a URL for the document type", b"<!DOCTYPE l SYSTEM \"http://127.0.0.1:1/evil.dtd\"><methodCall><methodName>counter.value</methodName></methodCall>", "-32600"),
    ("a document type in small letters", b"<!doctype l []><methodCall><methodName>counter.value</methodName></methodCall>", "-32600"),
    ("a document type that never ends", b"<!DOCTYPE l [<!ENTITY a \"", "-32600"),
    ("a document type behind it", b"<methodCall><methodName>counter.value</methodName></methodCall><!DOCTYPE l>", "-32600"),
    ("inclusion by XInclude", b"<methodCall><methodName>ledger.run</methodName><params><param><value><xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" href=\"file:///etc/passwd\" parse=\"text\"/></value></param></params></methodCall>", "-32600"),
    // Encodings.
    ("an unknown encoding", b"<?xml version='1.0' encoding='EBCDIC-CP-FR'?><methodCall/>", "-32701"),
    ("UTF-7", b"<?xml version='1.0' encoding='UTF-7'?>+ADw-methodCall+AD4-", "-32701"),
    ("an encoding with states", b"<?xml version='1.0' encoding='ISO-2022-JP'?><methodCall/>", "-32701"),
    ("a byte that would hide a tag", b"<?xml version='1.0' encoding='Shift_JIS'?><methodCall><methodName>ledger.run\x81</methodName></methodCall>", "-32702"),
    ("a byte that would hide a quote", b"<?xml version='1.0' encoding='GBK'?><methodCall><methodName a='\x81'>ledger.run</methodName></methodCall>", "-32702"),
    ("UTF-32", b"\xff\xfe\0\0<\0\0\0", "-32701"),
    ("half a character of UTF-16", b"\xff\xfe<\0m", "-32702"),
    ("half a surrogate pair", b"\xff\xfe<\0\0\xd8>\0", "-32702"),
    ("another encoding than declared", b"<?xml version='1.0' encoding='US-ASCII'?><methodCall><methodName>\xc3\xa9</methodName></methodCall>", "-32702"),
    ("a byte that is not UTF-8", b"<methodCall><methodName>ledger.run</methodName><params><param><value>\xff</value></param></params></methodCall>", "-32702"),
    ("a NUL in two bytes", b"<methodCall><methodName>ledger.run</methodName><params><param><value>\xc0\x80</value></param></params></methodCall>", "-32702"),
    ("a slash in two bytes", b"<methodCall><methodName>..\xc0\xaf</methodName></methodCall>", "-32702"),
    ("a surrogate in UTF-8", b"<methodCall><methodName>\xed\xa0\x80</methodName></methodCall>", "-32702"),
    ("beyond Unicode in UTF-8", b"<methodCall><methodName>\xf4\x90\x80\x80</methodName></methodCall>", "-32702"),
    ("cut in a character", b"<methodCall><methodName>\xe2\x82", "-32702"),
];

#[tokio::test]
async fn hostile_documents_are_answered_with_faults() {
    let cases = DOCUMENTS.iter().map(|(name, document, code)| {
        let length = format!("Content-Length: {}", document.len());
        let attack = super::case::with_headers(length, document);
        Case::new(*name, attack, expected(code))
    });
    let victim = victim().await;
    assert_harmless(&victim, cases).await;
    let log = victim.log();
    assert!(log.contains("forged"), "calls that fail are logged: {log}");
    let forged = |line: &str| line.starts_with("forged");
    assert!(!log.split(['\r', '\n']).any(forged), "{log}");
}

/// Values of a call of `ledger.run`, which expects a string. None of these calls runs.
const VALUES: &[(&str, &str, &str)] = &[
    ("an integer beyond 32 bits", "<i4>2147483648</i4>", "-32602"),
    ("an integer that is a word", "<int>one</int>", "-32600"),
    ("an integer that is a double", "<int>1.0</int>", "-32600"),
    ("an integer in hexadecimal", "<int>0x1</int>", "-32600"),
    ("an empty integer", "<int/>", "-32600"),
    ("a boolean of 2", "<boolean>2</boolean>", "-32600"),
    ("an invalid double", "<double>NaN</double>", "-32602"),
    ("an infinite double", "<double>inf</double>", "-32602"),
    (
        "a double that is nearly none",
        "<double>nan(1)</double>",
        "-32600",
    ),
    ("a double beyond all", "<double>1e999</double>", "-32600"),
    (
        "base64 of another alphabet",
        "<base64>-_-_</base64>",
        "-32600",
    ),
    ("base64 cut short", "<base64>YQ=</base64>", "-32602"),
    ("an unknown type", "<pickle>cos\nsystem</pickle>", "-32600"),
    (
        "a Java object",
        "<ex:serializable xmlns:ex='http://ws.apache.org/xmlrpc/namespaces/extensions'>rO0ABXNyABE=</ex:serializable>",
        "-32600",
    ),
    ("two types", "<int>1</int><int>2</int>", "-32600"),
    ("a text beside a type", "x<int>1</int>", "-32600"),
    ("a value in a value", "<value>x</value>", "-32600"),
    ("an element in a text", "<string>a<b/>c</string>", "-32600"),
    ("an array without data", "<array/>", "-32602"),
    (
        "an array of two data",
        "<array><data/><data/></array>",
        "-32602",
    ),
    (
        "a struct with a value for a member",
        "<struct><value/></struct>",
        "-32602",
    ),
    (
        "a member without a name",
        "<struct><member><value/></member></struct>",
        "-32602",
    ),
    (
        "a value without a name",
        "<struct><member><value/></member></struct>",
        "-32602",
    ),
    (
        "a value before its name",
        "<struct><member><value>carrier</value><name>x</name></member></struct>",
        "-32602",
    ),
    (
        "values before their names, too deep",
        "<struct><member><value><struct><member><value><struct><member><value><struct><member><value><struct><member>",
        "-32602",
    ),
    (
        "a member without a value",
        "<struct><member><name>x</name></member></struct>",
        "-32602",
    ),
    (
        "ends in the wrong order",
        "<string><b></string></b>",
        "-32600",
    ),
    ("a tag that is not closed", "<string>x", "-32700"),
    ("a tag that was not opened", "x</string>", "-32700"),
    (
        "an attribute without quotes",
        "<string x=y>x</string>",
        "-32700",
    ),
    (
        "a tag in an attribute",
        "<string x='<b>'>x</string>",
        "-32700",
    ),
    ("a name that begins with a digit", "<1>x</1>", "-32700"),
    ("an undeclared entity", "&bomb;", "-32700"),
    ("a reference to NUL", "&#0;", "-32702"),
    ("a reference to a control character", "&#1;", "-32702"),
    ("a reference to a surrogate", "&#xD800;", "-32702"),
    ("a reference beyond Unicode", "&#x110000;", "-32702"),
    ("a reference beyond 32 bits", "&#4294967361;", "-32702"),
    ("a reference with a sign", "&#+65;", "-32702"),
    ("a reference without an end", "&#65", "-32700"),
    ("an ampersand alone", "a & b", "-32700"),
    ("CDATA without an end", "<![CDATA[x", "-32700"),
    ("a comment without an end", "<!--x", "-32700"),
    ("a declaration within", "<?xml version='1.0'?>x", "-32700"),
    (
        "an instruction without an end",
        "<?php system('id')",
        "-32700",
    ),
    ("a control character", "\u{1}", "-32702"),
    ("U+FFFF", "\u{ffff}", "-32702"),
];

#[tokio::test]
async fn hostile_values_are_answered_with_faults() {
    let cases = VALUES.iter().map(|(name, value, code)| {
        let document = call("smuggled").replace("smuggled", value);
        Case::new(*name, request("X: y", &document), expected(code))
    });
    assert_harmless(&victim().await, cases).await;
}

/// Documents that other parsers refuse, and that are accepted harmlessly.
const LENIENT: &[(&str, &str, &str)] = &[
    (
        "an attribute twice",
        "<string x='1' x='2'>carrier</string>",
        "carrier, honest",
    ),
    ("the end of CDATA alone", "a ]]> b", "a ]]&gt; b, honest"),
    (
        "a comment with two hyphens",
        "<!-- a -- b -->carrier",
        "carrier, honest",
    ),
    (
        "an undeclared namespace",
        "<x:string>carrier</x:string>",
        "carrier, honest",
    ),
    (
        "an instruction for a style sheet",
        "<?xml-stylesheet href='http://127.0.0.1:1/'?>carrier",
        "carrier, honest",
    ),
];

#[tokio::test]
async fn leniently_accepted_documents_are_not_misread() {
    let cases = LENIENT.iter().map(|(name, value, answers)| {
        let document = call("smuggled").replace("smuggled", value);
        Case::new(*name, request("X: y", &document), answers)
    });
    assert_harmless(&victim().await, cases).await;
}

/// Returns the summary of a fault and an honest response after it.
fn expected(code: &str) -> &'static str {
    match code {
        "-32600" => "fault -32600, honest",
        "-32601" => "fault -32601, honest",
        "-32602" => "fault -32602, honest",
        "-32700" => "fault -32700, honest",
        "-32701" => "fault -32701, honest",
        "-32702" => "fault -32702, honest",
        code => panic!("another code: {code}"),
    }
}
