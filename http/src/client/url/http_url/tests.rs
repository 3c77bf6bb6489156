//! Comparison with the crate `url`.

use proptest::prelude::*;
use url::Url;

use super::*;

/// Asserts that both parsers read the same URL, or refuse it.
fn assert_same(text: &str) {
    for (name, scheme) in [("http", Scheme::Http), ("https", Scheme::Https)] {
        let parsed = HttpUrl::parse(scheme, text, "/");
        assert_same_url(&format!("{name}://{text}"), &parsed);
    }
}

fn assert_same_url(text: &str, parsed: &Result<(HttpUrl, UserInfo<'_>), InvalidUrl>) {
    let expected = Url::parse(text);
    let (Ok(expected), Ok((url, user_info))) = (&expected, parsed) else {
        assert_eq!(
            parsed.is_ok(),
            expected.is_ok(),
            "{text}: {expected:?} {parsed:?}"
        );
        return;
    };
    let decoded = |text| percent_encoding::percent_decode_str(text).collect::<Vec<u8>>();
    assert_eq!(decoded(user_info.user), decoded(expected.username()));
    let password = expected.password().unwrap_or_default();
    assert_eq!(decoded(user_info.password), decoded(password), "{text}");
    assert_eq_parts(url, expected, text);
}

fn assert_eq_parts(url: &HttpUrl, expected: &Url, text: &str) {
    let mut plain = expected.clone();
    plain.set_username("").unwrap();
    plain.set_password(None).unwrap();
    plain.set_fragment(None);
    assert_eq!(url.as_str(), plain.as_str(), "{text}");
    assert_eq!(url.path(), plain.path(), "{text}");
    assert_eq!(url.query(), plain.query().unwrap_or_default(), "{text}");
    assert_eq!(Some(url.port()), plain.port_or_known_default(), "{text}");
    let host = plain.host().unwrap();
    assert_eq!(url.host().to_string(), host.to_string(), "{text}");
    let is_name = matches!(url.host(), Host::Name(_));
    assert_eq!(is_name, matches!(host, url::Host::Domain(_)), "{text}");
}

fn assert_same_reference(base: &str, reference: &str) {
    for (name, scheme) in [("http", Scheme::Http), ("https", Scheme::Https)] {
        if let Ok(expected) = Url::parse(&format!("{name}://{base}")) {
            let (url, _) = HttpUrl::parse(scheme, base, "/").unwrap();
            assert_same_join(&expected, &url, reference);
        }
    }
}

fn assert_same_join(base: &Url, url: &HttpUrl, reference: &str) {
    let expected = base.join(reference);
    let referred = url.join(reference);
    let both = format!("{base} {reference}: {expected:?} {referred:?}");
    match (expected, referred) {
        (Ok(expected), Ok(Referred::Http(url))) => {
            assert_eq!(expected.scheme(), url.scheme().name(), "{both}");
            assert_eq_parts(&url, &expected, &both);
        }
        (Ok(expected), Ok(Referred::Other)) => {
            assert!(!["http", "https"].contains(&expected.scheme()), "{both}");
        }
        (Err(_), Ok(Referred::Other) | Err(_)) => {}
        _ => panic!("{both}"),
    }
}

#[test]
fn urls_are_read_as_by_the_crate_url() {
    for text in [
        "h",
        "H:80",
        "h:",
        "h:0080/",
        "h:65535",
        "h:65536",
        "h:+1",
        "h:x",
        "",
        ":80",
        "@",
        "@h",
        "u@",
        "u:p@h",
        "u:@h",
        ":p@h",
        ":@h",
        "a@b@h",
        "u:p:q@h/@x",
        "/h",
        "\\h\\x",
        "h/a/../b/",
        "h/..",
        "h//..",
        "h/a//../b",
        "h/./a/.",
        "h/%2e/%2E%2e/x",
        "h/a/%2e.",
        "h?a?b#c?d",
        "h/'`{}^|\"<>?'`{}^|\"<>#x",
        "h/\u{7f}é%zz?é",
        "h#/x",
        "h\\a\\..\\b?\\",
        "127.1",
        "0x7f.1",
        "1.2.3.4.",
        "1.2.3.4..",
        "1.2.3.4.5",
        "256",
        "256.1.1.1",
        "1.2.3.256",
        "4294967295",
        "4294967296",
        "0x",
        "0x.0x",
        "09",
        "1.08",
        "0xg",
        "a.0xg",
        "a.1",
        "1.a",
        "99999999999999999999",
        "a.99999999999999999999",
        "0x1ffffffffffffffffff",
        "1..2",
        "..",
        ".",
        "a..b",
        "[::1]:8",
        "[::ffff:1.2.3.4]",
        "[1:2::]",
        "[::1",
        "::1",
        "[::1]x",
        "x[::1]",
        "[1.2.3.4]",
        "[::1.2.3.04]",
        "[0:0:1:0:0:0:2:0]",
        "[::1%25eth0]",
        "[]",
        "a%41b",
        "a%2Fb",
        "a%00",
        "a b",
        "a^b",
        "a_b",
        "a*b",
        "%31.2",
        "é",
        "XN--a",
        "xn--9ca",
        "a.XN--9CA.b",
        "\u{ad}",
        "Ⅷ.example",
        "１２７.１",
        "ß.de",
        "%C3%A9",
        "%ff",
    ] {
        assert_same(text);
    }
}

#[test]
fn references_are_resolved_as_by_the_crate_url() {
    for base in ["h", "h:81/a/b?c", "h/a/b/"] {
        for reference in [
            "",
            "#x",
            "?",
            "?d#x",
            "/x",
            "x",
            "./x",
            "../x",
            "../../../x/..",
            "x/",
            "a:b",
            "http:x",
            "http:/x",
            "http:",
            "http://x",
            "http:\\\\x",
            "http:?q",
            "HTTP:y",
            "//x:82/y?z#",
            "\\\\x",
            "/\\x",
            "//",
            "///x",
            "https://x:1/",
            "https:x",
            "https:",
            "https://[",
            "ftp://x",
            "file:",
            " /x ",
            "/a\tb",
            "x y?é é",
            "javascript:1",
            "1:2",
            "+a:b",
            "%2e%2e/x",
            "//@",
            "//u:p@x",
        ] {
            // It takes the third slash for the end of the host, unlike the standard.
            if reference != "///x" {
                assert_same_reference(base, reference);
            }
        }
    }
}

proptest! {
    #[test]
    fn any_url_is_read_as_by_the_crate_url(text in "[^\\pC\\s]{0,12}") {
        prop_assume!(!has_drive_letter(&text));
        assert_same(&text);
    }

    #[test]
    fn any_pieces_are_read_as_by_the_crate_url(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "/", "\\", ":", "@", "%", "?", "#", "[", "]", ".", "..", "%2e", "%2F", "a", "B",
                "0x", "0", "1", "08", "255", "256", "80", "::", "xn--", "é", "ß", "|", "^", "'", "{",
            ]),
            0..9,
        ),
        base in "h(/[ab./]{0,6})?([?]c)?",
    ) {
        let text = pieces.concat();
        prop_assume!(!has_drive_letter(&text));
        assert_same(&text);
        if !text.replace('\\', "/").starts_with("///") {
            assert_same_reference(&base, &text);
            assert_same_reference(&base, &format!("http:{text}"));
        }
    }
}

/// Returns `true` for a text with a segment such as `C:`, which the crate keeps before `..`
/// with any scheme, and the standard only with `file`.
fn has_drive_letter(text: &str) -> bool {
    text.split(SLASHES).any(|segment| {
        let [letter, end] = segment.as_bytes() else {
            return false;
        };
        letter.is_ascii_alphabetic() && matches!(end, b':' | b'|')
    })
}
