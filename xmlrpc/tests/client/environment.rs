//! Proxies from the environment. A test cannot safely change the environment of its own process, so
//! it runs itself again in a child process.

use std::env;
use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::process::Command;

use farcall::http::InvalidUrl;
use farcall_xmlrpc::{Client, blocking};

use super::chain;

const CHILD: &str = "FARCALL_TEST_OF_THE_ENVIRONMENT";
const NONE: &str = "<none>";

/// Runs a test in a child process with these variables, and returns the errors that it reported.
fn errors(test: &str, variables: &[(&str, &OsStr)]) -> Vec<String> {
    let mut child = Command::new(env::current_exe().unwrap());
    child.args([test, "--exact", "--nocapture"]).env(CHILD, "1");
    for name in ["http_proxy", "all_proxy", "no_proxy", "https_proxy"] {
        child.env_remove(name).env_remove(name.to_uppercase());
    }
    child.envs(variables.iter().copied());
    let output = child.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let lines = text.lines().filter_map(|line| line.strip_prefix("error: "));
    lines.map(str::to_owned).collect()
}

fn report(error: Option<&InvalidUrl>) {
    let text = error.map(|error| format!("{} {error:?}", chain(error as &dyn Error)));
    println!("\nerror: {}", text.as_deref().unwrap_or(NONE));
}

#[test]
fn a_malformed_proxy_in_the_environment_is_an_error_that_shows_no_password() {
    const URLS: [&str; 2] = ["http://farcall.example", "http://127.0.0.1"];
    if env::var_os(CHILD).is_some() {
        for url in URLS {
            report(Client::new(url).err().as_ref());
            report(blocking::Client::new(url).err().as_ref());
        }
        return;
    }
    let this =
        "environment::a_malformed_proxy_in_the_environment_is_an_error_that_shows_no_password";
    let with = |name: &str, value: &OsStr| errors(this, &[(name, value)]);
    for (name, value) in [
        ("http_proxy", "http://user:s3cret@proxy:port"),
        ("HTTP_PROXY", "user:s3cret@proxy:99999"),
        ("all_proxy", "socks4://user:s3cret@proxy"),
        ("ALL_PROXY", "user:s3cret@http://proxy"),
    ] {
        let errors = with(name, value.as_ref());
        assert_eq!(errors.len(), 4);
        for error in &errors[..2] {
            assert!(error.contains(name) && !error.contains("s3cret"), "{error}");
        }
        assert_eq!(errors[2..], [NONE, NONE], "loopback addresses use no proxy");
    }
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt as _;

        let broken = OsString::from_vec(b"http://\xff".to_vec());
        let errors = with("http_proxy", &broken);
        assert!(errors[0].contains("not UTF-8"), "{errors:?}");
    }
    let fine = [
        ("http_proxy", "proxy:3128"),
        ("no_proxy", "[::1],*.example"),
    ];
    let fine = fine.map(|(name, value)| (name, OsString::from(value)));
    let fine = fine
        .each_ref()
        .map(|(name, value)| (*name, value.as_os_str()));
    assert_eq!(errors(this, &fine), [NONE; 4]);
    let list = [
        ("http_proxy", "proxy:3128".as_ref()),
        ("no_proxy", "10/8,".as_ref()),
    ];
    assert!(errors(this, &list)[0].contains("no_proxy"));
}
