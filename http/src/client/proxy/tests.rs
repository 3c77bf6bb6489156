//! Tests of proxies and their variables.

use std::error::Error as _;

use super::*;

type Variables<'a> = &'a [(&'a str, &'a str)];

fn found(variables: Variables<'_>, url: &str) -> Result<Option<Proxy>, InvalidUrl> {
    let variable = |name| {
        let mut set = variables.iter().filter(|(set, _)| *set == name);
        set.next().map(|(_, value)| OsString::from(value))
    };
    Proxy::of_environment(variable, &Target::parse(url, "/RPC2")?.url)
}

fn proxy(variables: Variables<'_>, url: &str) -> Result<Option<String>, InvalidUrl> {
    let proxy = found(variables, url)?;
    Ok(proxy.map(|proxy| format!("{} {}", proxy.host.for_connecting(), proxy.port)))
}

#[test]
fn the_proxy_of_the_environment_is_used_except_for_loopback_and_no_proxy() {
    let variables = [
        ("http_proxy", "http://u:secret@[::7]:3128"),
        (
            "no_proxy",
            " example.org, *.example.net , 192.0.2.0/24,h.example:81,2001:db8::/32,[::9]:80,\
             dot.example.,::ffff:198.51.100.0/120,::ffff:203.0.113.7",
        ),
    ];
    for (url, uses_it) in [
        ("http://example.com", true),
        ("http://notexample.org", true),
        ("http://192.0.3.1", true),
        ("http://h.example", true),
        ("http://localhost", false),
        ("http://127.0.0.1:8000", false),
        ("http://a.example.org", false),
        ("http://a.example.net", false),
        ("http://192.0.2.7", false),
        ("http://h.example:81", false),
        ("http://[2001:db8:1::]", false),
        ("http://[2001:db9::]", true),
        ("http://[::9]", false),
        ("http://[::9]:81", true),
        ("http://example.org.", false),
        ("http://a.dot.example", false),
        ("http://a.dot.example.", false),
        ("http://[::ffff:192.0.2.7]", false),
        ("http://[::ffff:192.0.3.7]", true),
        ("http://198.51.100.9", false),
        ("http://198.51.101.9", true),
        ("http://[::ffff:203.0.113.7]", false),
        ("http://203.0.113.7", false),
        ("http://203.0.113.8", true),
        ("http://0.0.0.0:8000", false),
        ("http://0", false),
        ("http://[::]", false),
        ("http://[::ffff:0.0.0.0]", false),
        ("http://0.0.0.1", true),
    ] {
        let expected = uses_it.then(|| "::7 3128".to_owned());
        assert_eq!(proxy(&variables, url), Ok(expected), "{url}");
    }
    let found = found(&variables, "http://example.com").unwrap().unwrap();
    let ProxyKind::Http { authorization, .. } = &found.kind else {
        panic!("{found:?}");
    };
    assert_eq!(authorization.as_ref().unwrap(), "Basic dTpzZWNyZXQ=");
    assert!(!format!("{found:?}").contains("dTpzZWNyZXQ"));
}

#[test]
fn the_first_non_empty_variable_is_used() {
    let url = "http://example.com";
    for (variables, expected) in [
        (&[][..], None),
        (&[("http_proxy", "")][..], None),
        (&[("https_proxy", "http://p:1")], None),
        (&[("all_proxy", "http://p:1")], Some("p 1")),
        (&[("ALL_PROXY", "p:1"), ("all_proxy", "x:2")], Some("p 1")),
        (&[("http_proxy", "p:1"), ("ALL_PROXY", "%")], Some("p 1")),
        (
            &[("HTTP_PROXY", ""), ("http_proxy", " p:81 ")],
            Some("p 81"),
        ),
        (&[("http_proxy", "u:pw@p:81/")], Some("p 81")),
        (&[("http_proxy", "http://p/")], Some("p 80")),
        (&[("http_proxy", "p:1"), ("no_proxy", "*")], None),
        (&[("http_proxy", "p:1"), ("NO_PROXY", "EXAMPLE.com")], None),
        (&[("http_proxy", "%"), ("no_proxy", "*")], None),
        (
            &[("http_proxy", "p:1"), ("no_proxy", "0.0.0.0/0")],
            Some("p 1"),
        ),
    ] {
        let expected = expected.map(str::to_owned);
        assert_eq!(proxy(variables, url), Ok(expected), "{variables:?}");
    }
}

#[test]
fn http_proxy_is_ignored_in_a_cgi_program() {
    let cgi = ("REQUEST_METHOD", "POST");
    let url = "http://example.com";
    assert_eq!(proxy(&[cgi, ("HTTP_PROXY", "evil:1")], url), Ok(None));
    assert_eq!(proxy(&[cgi, ("HTTP_PROXY", "u:%@")], url), Ok(None));
    let own = [cgi, ("HTTP_PROXY", "evil:1"), ("ALL_PROXY", "p:1")];
    assert_eq!(proxy(&own, url), Ok(Some("p 1".to_owned())));
}

#[test]
fn a_malformed_variable_is_an_error_that_names_it_and_shows_no_password() {
    for (variable, value) in [
        ("http_proxy", "http://u:secret@h:99999"),
        ("HTTP_PROXY", "u:secret@h:x"),
        ("http_proxy", "u:secret@http://h"),
        ("http_proxy", "http://u:secret@"),
        ("http_proxy", "http://u:sec ret@h"),
        ("http_proxy", "https://u:secret@h:x"),
        ("http_proxy", "http+unix://u:secret@/run/x"),
        ("all_proxy", "socks4://u:secret@h:1080"),
        ("all_proxy", "socks5://u:secret@h:1080/x"),
        ("all_proxy", "socks5://secret@h:1080"),
        ("ALL_PROXY", "://secret"),
        ("http_proxy", "%"),
        ("http_proxy", " "),
        ("http_proxy", "secret"),
        ("http_proxy", "secret.and.dots"),
        ("http_proxy", "http//u:secret@h"),
        ("http_proxy", "http//u:secret@h:80"),
        ("http_proxy", "http:/secret@h"),
        ("http_proxy", "u:12/secret@h:80"),
        ("http_proxy", "http://u:12/secret@h:80"),
        ("http_proxy", "http://u:12?secret@h:80"),
        ("http_proxy", "http://h:80/?key=secret"),
        ("http_proxy", "http://h:80/#secret"),
        ("http_proxy", "http:///secret"),
    ] {
        let error = proxy(&[(variable, value)], "http://example.com").unwrap_err();
        let InvalidUrl::Proxy(inner) = &error else {
            panic!("{error:?}");
        };
        let InvalidUrl::Environment {
            variable: named,
            problem,
        } = &**inner
        else {
            panic!("{error:?}");
        };
        assert_eq!(*named, variable);
        assert!(inner.to_string().contains(variable) && inner.source().is_some());
        let shown = format!("{error} {error:?} {inner} {problem}");
        assert!(!shown.contains("secret"), "{shown}");
    }
    for exception in [
        "10.0.0.0/33",
        "10.0.0/8",
        "http://h",
        "h:x",
        "a, b c:x",
        "[::1",
        "-",
        "*a",
    ] {
        let variables = [("http_proxy", "p:1"), ("no_proxy", exception)];
        let error = proxy(&variables, "http://example.com").unwrap_err();
        let InvalidUrl::Proxy(inner) = error else {
            panic!("{error:?}");
        };
        assert!(inner.to_string().contains("`no_proxy`"), "{inner}");
    }
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf_8_is_an_error() {
    use std::os::unix::ffi::OsStringExt as _;

    let target = Target::parse("http://example.com", "/RPC2").unwrap();
    let broken = |name| (name == "http_proxy").then(|| OsString::from_vec(vec![b'h', 0xff]));
    assert!(Proxy::of_environment(broken, &target.url).is_err());
}

#[test]
fn the_variable_is_that_of_the_scheme() {
    let variables = [("http_proxy", "http://a:1"), ("https_proxy", "http://b:2")];
    let variable = |name| {
        let mut set = variables.iter().filter(|(set, _)| *set == name);
        set.next().map(|(_, value)| OsString::from(value))
    };
    for (scheme, expected) in [(Scheme::Http, 1), (Scheme::Https, 2)] {
        let (url, _) = HttpUrl::parse(scheme, "example.com", "/").unwrap();
        let found = Proxy::of_environment(variable, &url).unwrap().unwrap();
        assert_eq!(found.port, expected);
        assert_eq!(found.forwards(&url), scheme == Scheme::Http);
    }
}

#[test]
fn exceptions_are_separated_by_commas_or_spaces() {
    let variables = |exceptions| [("http_proxy", "p:1"), ("no_proxy", exceptions)];
    for exceptions in ["a.example b.example", "x, ,b.example", "\tb.example\n", "*"] {
        let used = proxy(&variables(exceptions), "http://b.example");
        assert_eq!(used, Ok(None), "{exceptions}");
    }
}

#[test]
fn socks_proxies_have_another_port() {
    for (url, place, login) in [
        ("socks5://h", "the proxy h:1080", false),
        ("socks5h://u:p@[::1]:7", "the proxy [::1]:7", true),
    ] {
        let proxy = Proxy::parse(url).unwrap();
        assert_eq!(proxy.to_string(), place);
        let ProxyKind::Socks(found) = &proxy.kind else {
            panic!("{proxy:?}");
        };
        assert_eq!(found.is_some(), login);
        let (url, _) = HttpUrl::parse(Scheme::Http, "example.com", "/").unwrap();
        assert!(!proxy.forwards(&url));
    }
    let long = "x".repeat(256);
    for user_info in ["u", "u:", ":p", &format!("u:{long}"), &format!("{long}:p")] {
        let error = Proxy::parse(&format!("socks5://{user_info}@h")).unwrap_err();
        assert!(matches!(error, InvalidUrl::Proxy(_)), "{error}");
    }
}

#[test]
fn an_unsupported_proxy_is_an_error() {
    for scheme in ["socks4", "http+unix", "ftp"] {
        for rest in ["", "host", "/x"] {
            let InvalidUrl::Proxy(error) = Proxy::parse(&format!("{scheme}://{rest}")).unwrap_err()
            else {
                panic!("not of the proxy");
            };
            let expected = format!(
                "the scheme `{scheme}` is not supported for proxies: expected `http`, `https`, \
                 `socks5` or `socks5h`"
            );
            assert_eq!(error.to_string(), expected);
        }
    }
}
