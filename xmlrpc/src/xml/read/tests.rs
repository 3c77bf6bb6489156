//! Tests of the reader.

use farcall_core::{FormatError, FormatErrorKind, Position};

use super::{Markup, Reader, Tag};

/// Formats the tags and texts of a document.
fn events(document: &str) -> Result<String, FormatError> {
    let mut reader = Reader::document(document.as_bytes(), 100);
    let mut out = String::new();
    loop {
        let text = reader.text()?;
        if !text.is_empty() {
            out += &format!("{text:?} ");
        }
        let token = reader.tag()?;
        match token.markup {
            Markup::Start(tag) => out += &format!("+{tag:?} "),
            Markup::End(tag) => out += &format!("-{tag:?} "),
            Markup::Eof => return Ok(out.trim_end().to_owned()),
        }
    }
}

fn text(text: &str) -> Result<String, FormatError> {
    let document = format!("<string>{text}</string>");
    let mut reader = Reader::document(document.as_bytes(), 100);
    reader.tag()?;
    let text = reader.text()?.into_owned();
    reader.tag()?;
    Ok(text)
}

fn error(document: &str) -> (FormatErrorKind, String) {
    let error = events(document).unwrap_err();
    (error.kind(), error.to_string())
}

#[test]
fn texts_are_merged() {
    assert_eq!(
        text("a&lt;b&gt;&amp;&apos;&quot;&#65;&#x42;&#x1F980;").unwrap(),
        "a<b>&'\"AB🦀"
    );
    assert_eq!(text("a<![CDATA[<b>&amp;]]]]>c").unwrap(), "a<b>&amp;]]c");
    assert_eq!(text("a<!-- no -->b<?no no?>c").unwrap(), "abc");
    assert_eq!(text(" \t ").unwrap(), " \t ");
    assert_eq!(text("").unwrap(), "");
}

#[test]
fn a_plain_text_is_borrowed() {
    let document = b"<name>ab&amp;</name><name>ab<!-- no --></name>";
    let mut reader = Reader::document(document, 9);
    for borrowed in [false, true] {
        reader.tag().unwrap();
        let text = reader.text().unwrap();
        assert_eq!(matches!(text, std::borrow::Cow::Borrowed(_)), borrowed);
        reader.tag().unwrap();
    }
}

#[test]
fn line_ends_are_normalised_but_not_references() {
    assert_eq!(text("a\r\nb\rc\n\r\r\nd").unwrap(), "a\nb\nc\n\n\nd");
    assert_eq!(text("<![CDATA[a\r\nb]]>").unwrap(), "a\nb");
    assert_eq!(text("a&#13;&#xD;\n").unwrap(), "a\r\r\n");
}

#[test]
fn names_are_local_and_attributes_ignored() {
    assert_eq!(
        events(
            "<ex:i8 xmlns:ex=\"http://ws.apache.org/xmlrpc/namespaces/extensions\" a='>'>1</ex:i8>"
        )
        .unwrap(),
        "+Int \"1\" -Int"
    );
    assert_eq!(events("<n:i8/>").unwrap(), "+Int -Int");
    assert_eq!(
        events("<struct  >\n</struct >").unwrap(),
        "+Struct \"\\n\" -Struct"
    );
    assert_eq!(events("<n:foo/>").unwrap(), "+Other -Other");
}

#[test]
fn comments_and_instructions_around_the_document_are_skipped() {
    assert_eq!(
        events("\u{feff}\n<?xml version=\"1.0\"?>\n<!-- a --><?b c?>\n<nil/>\n<!-- d -->\n")
            .unwrap(),
        "\"\\n\\n\\n\" +Nil -Nil \"\\n\\n\""
    );
    let (kind, _) = error("<nil/><?xml version='1.0'?>");
    assert_eq!(kind, FormatErrorKind::Syntax);
    assert!(events("<?xml version='1.0'?><?xml version='1.0'?><nil/>").is_err());
}

#[test]
fn document_types_are_refused() {
    for document in [
        "<!DOCTYPE a><nil/>",
        "<!DOCTYPE a [<!ENTITY b \"bb\"><!ENTITY c \"&b;&b;\">]><string>&c;</string>",
        "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><nil/>",
        "<!doctype html><html></html>",
        "<!DOCTYPE a [",
        "<nil><!DOCTYPE a></nil>",
    ] {
        let (kind, message) = error(document);
        assert_eq!(kind, FormatErrorKind::Structure);
        assert!(message.contains("DOCTYPE"), "{message}");
    }
}

#[test]
fn unknown_entities_and_forbidden_references_are_errors() {
    assert_eq!(
        error("<string>a&b;</string>"),
        (
            FormatErrorKind::Syntax,
            "the entity &b; is unknown, at line 1, column 10".to_owned()
        )
    );
    for reference in [
        "&#0;",
        "&#8;",
        "&#xD800;",
        "&#xFFFE;",
        "&#x110000;",
        "&#99999999999;",
        "&#;",
        "&#x;",
        "&#+65;",
        "&#-1;",
    ] {
        let (kind, message) = error(&format!("<string>{reference}</string>"));
        assert_eq!(kind, FormatErrorKind::Character, "{reference}: {message}");
    }
    for text in ["a & b", "&", "&amp", "&;"] {
        assert!(
            events(&format!("<string>{text}</string>")).is_err(),
            "{text}"
        );
    }
}

#[test]
fn forbidden_characters_are_errors_with_their_position() {
    for (document, column) in [
        ("<string>a\u{0}</string>", 10),
        ("<string>é\u{1b}</string>", 10),
        ("<string>ab\u{ffff}</string>", 11),
        ("<string><![CDATA[a\u{8}]]></string>", 19),
        ("<!--\u{1}--><string/>", 5),
        ("<a b='\u{1}'/>", 7),
    ] {
        let error = events(document).unwrap_err();
        assert_eq!(error.kind(), FormatErrorKind::Character, "{error}");
        if !document.starts_with("<a") {
            assert_eq!(error.position(), Some(Position { line: 1, column }));
        }
    }
}

#[test]
fn wrong_nesting_is_an_error() {
    assert_eq!(
        error("<int>\n1</string>"),
        (
            FormatErrorKind::Syntax,
            "expected </int>, found </string>, at line 2, column 2".to_owned()
        )
    );
    for document in [
        "<a><b></a></b>",
        "<a>",
        "<a><b/>",
        "<a",
        "<a b=\"",
        "<",
        "<>",
        "<1/>",
        "<a<b/>",
        "<a b/>",
        "<a b='<'/>",
        "<a></a b='1'>",
        "</>x<!-",
        "<a><![CDATA[",
        "<!-- ",
    ] {
        assert!(events(document).is_err(), "{document}");
    }
    // An end tag without a start is returned; its meaning is up to the caller.
    assert_eq!(events("</methodCall>").unwrap(), "-MethodCall");
}

#[test]
fn element_nesting_is_limited() {
    let document = "<a>".repeat(101);
    assert_eq!(error(&document).0, FormatErrorKind::Limit);
}

#[test]
fn a_reader_that_failed_stays_failed() {
    let mut reader = Reader::document(b"<a></b><int>1</int>", 9);
    assert_eq!(reader.tag().unwrap().markup, Markup::Start(Tag::Other));
    assert!(reader.tag().is_err());
    assert!(reader.tag().is_err());
}

#[test]
fn texts_between_elements_must_be_blank() {
    let mut reader = Reader::document(b"<a> \n&#32;<b/>x<b/>", 9);
    for _ in 0..3 {
        reader.tag().unwrap();
    }
    let error = reader.tag().unwrap_err();
    assert_eq!(
        error.to_string(),
        "text between elements, at line 2, column 10"
    );
}
