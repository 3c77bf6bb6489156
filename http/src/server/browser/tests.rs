//! Tests of origins and hosts.

use http::Request;

use super::*;

fn status(target: &str, headers: &[(&str, &str)], options: &ServerOptions) -> Option<u16> {
    status_over(BrowserScheme::Any, target, headers, options)
}

fn status_over(
    scheme: BrowserScheme,
    target: &str,
    headers: &[(&str, &str)],
    options: &ServerOptions,
) -> Option<u16> {
    let address = Address::Tcp(([127, 0, 0, 1], 8000).into());
    let mut request = Request::post(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let policy = HostPolicy::at(&address, options);
    let sent = DecisiveHeaders::of(&parts.headers);
    let checked = check(&parts, &sent, policy, None, scheme, options);
    checked.err().map(|rejection| rejection.0.status().as_u16())
}

#[test]
fn a_loopback_server_accepts_addresses_localhost_and_configured_hosts() {
    let options = ServerOptions::default().hosts(["rpc.example", "other.example:81"]);
    for (host, is_known) in [
        ("127.0.0.1:8000", true),
        ("127.0.0.1", true),
        ("192.0.2.1:80", true),
        ("[::1]:8000", true),
        ("localhost:8000", true),
        ("LocalHost.", true),
        ("a.localhost", true),
        ("rpc.example", true),
        ("RPC.example.:9", true),
        ("other.example:81", true),
        ("", true),
        ("other.example", false),
        ("other.example:82", false),
        ("evil.example:8000", false),
        ("notlocalhost", false),
        ("localhost.evil.example", false),
        ("rpc.example.evil.example", false),
        ("127.0.0.1.evil.example", false),
        ("127.0.0.1:8000:8000", false),
        ("2130706433", false),
        ("[::1].evil.example", false),
        ("localhost:x", false),
        ("localhost:+80", false),
        ("?", false),
    ] {
        let expected = (!is_known).then_some(403);
        assert_eq!(status("/", &[("host", host)], &options), expected, "{host}");
    }
    assert_eq!(status("/", &[], &options), None, "HTTP/1.0");
    let whole = "http://evil.example/";
    assert_eq!(status(whole, &[("host", "localhost")], &options), Some(403));
    let whole = "http://u@localhost:8000/";
    assert_eq!(status(whole, &[("host", "evil.example")], &options), None);
}

#[test]
fn hosts_are_checked_on_loopback_or_when_configured() {
    let loopback = [
        Address::Tcp(([127, 0, 0, 2], 80).into()),
        Address::Tcp("[::1]:80".parse().unwrap()),
        Address::Tcp("[::ffff:127.0.0.1]:80".parse().unwrap()),
    ];
    let others = [
        Address::Tcp(([0, 0, 0, 0], 80).into()),
        Address::Tcp("[::]:80".parse().unwrap()),
        Address::Tcp(([192, 0, 2, 1], 80).into()),
        Address::Unix("/run/x.sock".into()),
        Address::Memory("x".to_owned()),
    ];
    let (open, named) = (
        ServerOptions::default(),
        ServerOptions::default().hosts(["a"]),
    );
    for address in &loopback {
        assert_eq!(HostPolicy::at(address, &open), HostPolicy::Loopback);
        assert_eq!(HostPolicy::at(address, &named), HostPolicy::Loopback);
    }
    for address in &others {
        assert_eq!(HostPolicy::at(address, &named), HostPolicy::Known);
        assert_eq!(HostPolicy::at(address, &open), HostPolicy::Any);
    }
    let nothing: [&str; 0] = [];
    let none = ServerOptions::default().hosts(nothing);
    assert_eq!(HostPolicy::from_options(&none), HostPolicy::Known);
}

#[test]
fn a_page_can_call_its_own_server_or_one_that_allows_its_origin() {
    let options = ServerOptions::default()
        .hosts(["h", "h.example"])
        .allow_origins(["https://app.example/", "http://tool.example:80", "tool://x"]);
    for (host, origin, is_allowed) in [
        ("localhost:8000", "http://localhost:8000", true),
        ("LOCALHOST:8000", "http://localhost:8000", true),
        ("h", "http://h", true),
        ("h", "http://h:80", true),
        ("h:80", "http://h", true),
        ("h", "https://h", true),
        ("h:443", "https://h", true),
        ("[::1]:8000", "http://[::1]:8000", true),
        ("h", "https://app.example", true),
        ("h", "https://app.example:443", true),
        ("h", "http://tool.example", true),
        ("h", "tool://x", true),
        ("localhost:8000", "http://localhost:3000", false),
        ("localhost:8000", "http://localhost", false),
        ("localhost:8000", "http://127.0.0.1:8000", false),
        ("h:80", "https://h", false),
        ("h", "https://h:80", false),
        ("h", "http://h.example", false),
        ("h", "http://evil.example", false),
        ("h", "http://app.example", false),
        ("h", "https://app.example:444", false),
        ("h", "https://app.example.evil.example", false),
        ("h", "chrome-extension://h", false),
        ("h", "null", false),
        ("h", "", false),
        ("h", "h", false),
        ("h", "://h", false),
        ("", "http://", false),
        ("", "http://h", false),
    ] {
        let headers = [("host", host), ("origin", origin)];
        let expected = (!is_allowed).then_some(403);
        assert_eq!(status("/", &headers, &options), expected, "{headers:?}");
    }
    let headers = [("origin", "http://localhost")];
    assert_eq!(status("/", &headers, &options), Some(403), "no host");
    let headers = [("host", "h"), ("origin", "http://h"), ("origin", "null")];
    assert_eq!(status("/", &headers, &options), Some(403), "two origins");
    let headers = [("host", "h"), ("host", "h")];
    assert_eq!(status("/", &headers, &options), Some(400), "two hosts");
    let null = ServerOptions::default().allow_origins(["null"]);
    let headers = [("host", "localhost"), ("origin", "null")];
    assert_eq!(status("/", &headers, &null), None);
}

/// The page of an `http` URL may have been changed on its way to the browser.
#[test]
fn over_tls_a_page_without_tls_is_of_another_origin() {
    let options = ServerOptions::default();
    for (host, origin, is_allowed) in [
        ("localhost", "https://localhost", true),
        ("localhost:8443", "HTTPS://localhost:8443", true),
        ("localhost", "http://localhost", false),
        ("localhost:8443", "http://localhost:8443", false),
        ("localhost:443", "http://localhost:443", false),
    ] {
        let headers = [("host", host), ("origin", origin)];
        let expected = (!is_allowed).then_some(403);
        let status = status_over(BrowserScheme::Https, "/", &headers, &options);
        assert_eq!(status, expected, "{headers:?}");
    }
    let named = ServerOptions::default().allow_origins(["http://localhost"]);
    let headers = [("host", "localhost"), ("origin", "http://localhost")];
    assert_eq!(
        status_over(BrowserScheme::Https, "/", &headers, &named),
        None
    );
}

#[test]
fn sec_fetch_site_is_checked_too() {
    let options = ServerOptions::default().allow_origins(["https://app.example"]);
    for (site, refused) in [
        ("cross-site", true),
        ("same-site", true),
        ("same-origin", false),
        ("none", false),
        ("anything", false),
    ] {
        let mut headers = vec![("host", "localhost"), ("sec-fetch-site", site)];
        let expected = refused.then_some(403);
        assert_eq!(status("/", &headers, &options), expected, "{site}");
        headers.push(("origin", "http://localhost"));
        assert_eq!(status("/", &headers, &options), expected, "{site}");
        headers[2].1 = "https://app.example";
        assert_eq!(status("/", &headers, &options), None, "{site}");
    }
}

proptest::proptest! {
    #[test]
    fn any_text_can_be_checked(host in "[a:.0-9\\[\\]@/%é]{0,12}|.*", origin in ".*") {
        let options = ServerOptions::default().hosts([&host]).allow_origins([&origin]);
        let _ = (is_known(&host, &options), is_allowed(&origin, &options));
        let _ = (is_same(&origin, &host, BrowserScheme::Any), is_localhost(&host), excerpt(&host));
    }
}

#[test]
fn only_localhost_and_its_subdomains_are_local() {
    for name in ["localhost", "LOCALHOST", "a.localhost", "a-b.c_d.localhost"] {
        assert!(is_localhost(name), "{name}");
    }
    for name in [
        "",
        "localhost.x",
        "xlocalhost",
        ".localhost",
        "..localhost",
        "a..localhost",
        "evil.com;.localhost",
        "a/.localhost",
    ] {
        assert!(!is_localhost(name), "{name}");
    }
}

#[test]
fn every_sec_fetch_site_value_is_checked() {
    let refused = |sites: &[&str]| {
        let mut request = Request::builder().header("host", "a");
        for site in sites {
            request = request.header("sec-fetch-site", *site);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let options = ServerOptions::default();
        check(
            &parts,
            &DecisiveHeaders::of(&parts.headers),
            HostPolicy::Any,
            None,
            BrowserScheme::Any,
            &options,
        )
        .is_err()
    };
    for sites in [
        &["cross-site", "same-origin"][..],
        &["same-origin", "same-site"],
        &["same-origin, cross-site"],
    ] {
        assert!(refused(sites), "{sites:?}");
    }
    assert!(!refused(&["same-origin"]) && !refused(&["none"]));
    assert!(
        !is_same("http://u@a", "a", BrowserScheme::Any),
        "no origin has a user"
    );
}

#[test]
fn the_accepted_host_of_a_connection_accepts_no_other() {
    let options = ServerOptions::default();
    let accepted = AcceptedHost::default();
    let is_refused = |target: &str, host: &str| {
        let request = Request::post(target).header("host", host);
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let headers = DecisiveHeaders::of(&parts.headers);
        let policy = HostPolicy::Loopback;
        let scheme = BrowserScheme::Any;
        check(&parts, &headers, policy, Some(&accepted), scheme, &options).is_err()
    };
    // A host in the request line is checked differently, and so not remembered.
    assert!(!is_refused("http://u@localhost/", "localhost"));
    assert!(!accepted.is(b"u@localhost"));
    let long = format!("{}localhost", "a.".repeat(40));
    for (host, refused) in [
        ("evil.example", true),
        (&*long, false),
        ("localhost:8000", false),
        ("evil.example", true),
        ("localhost:80000", true),
        ("127.0.0.1", false),
        ("localhost:8000", false),
    ] {
        assert_eq!(is_refused("/", host), refused, "{host}");
        assert!(!accepted.is(b"evil.example") && !accepted.is(long.as_bytes()));
    }
    assert!(accepted.is(b"localhost:8000"));
}
