//! Tests of the configuration.

use farcall_core::protocol::output::Causes;
use futures_util::FutureExt as _;

use super::*;

fn mistakes(text: &str) -> Vec<String> {
    match Config::parse(text, "/x/config.toml") {
        Ok(_) => Vec::new(),
        Err(error) => error
            .to_string()
            .lines()
            .map(|line| line.replace("/x/config.toml:", ""))
            .collect(),
    }
}

/// The example of the documentation.
fn example() -> String {
    let source = include_str!("mod.rs");
    let (_, example) = source.split_once("/// ```toml\n").expect("there is one");
    let (example, _) = example.split_once("/// ```\n").expect("it ends");
    let lines = example.lines().map(|line| line.trim_start_matches("///"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_is_valid() {
    let config = Config::parse(&example(), "/x/config.toml").unwrap();
    assert_eq!(
        config.alias("restart").unwrap(),
        ["map", "--serial", "1,10%", "service.restart"]
    );
    assert_eq!(config.aliases().collect::<Vec<_>>(), ["restart"]);
    let groups = config.own_groups();
    let hosts = groups.resolve("@*").now_or_never().unwrap().unwrap();
    assert_eq!(hosts.len(), 19 + 5 + 3);
    let inventory = config.inventory_with(groups);
    let hosts = inventory
        .hosts("db1,web13")
        .now_or_never()
        .unwrap()
        .unwrap();
    assert_eq!(hosts[0].url, "https://db1:8443/RPC2");
    assert_eq!(hosts[0].settings.authkey_file, Some("/x/authkey".into()));
    assert_eq!(hosts[0].settings.tls.key, Some("/x/me.key".into()));
    let home = std::env::home_dir().unwrap();
    assert_eq!(
        hosts[0].settings.bearer_file,
        Some(home.join(".secrets/token"))
    );
    assert_eq!(hosts[1].url, "conn+rpc://web13:7000");
}

#[test]
fn all_mistakes_are_reported_with_their_lines() {
    let text = r#"
max_hosts = "many"
colour = 1
default_source = "nowhere"

[defaults]
url = "node1"
tls = { cacert = "a", ca = "b" }

[hosts."n[1-"]
authkey = "secret"
bearer_file = 7

[groups]
web = "n[2-1]"
"w eb" = "n1"
db = 5

[sources.config]
file = "x"

[sources.none]
list = "echo"

[sources.two]
file = "a"
map = "b"

[sources.mixed]
file = "a"
list = "b"

[sources.mixed.timeout]

[sources.slow]
map = "a"
timeout = 0

[aliases]
nothing = ""
"#;
    let found = mistakes(text);
    let expected = [
        "2: error: invalid type: string \"many\", expected usize",
        "3: error: unknown field `colour`, expected one of `max_hosts`,",
        "4: error: there is no source `nowhere`: add [sources.nowhere]",
        "7: error: no URL: one is SCHEME://ADDRESS, such as conn+rpc://{host}:7000",
        "8: error: unknown field `ca`, expected one of `cacert`,",
        "10: error: the hosts are invalid: column 2: `[` without `]`",
        "11: error: unknown field `authkey`, expected one of `url`, `authkey_file`,",
        "12: error: invalid type: integer `7`",
        "15: error: the hosts are invalid: column 3: `2-1` ends before it begins",
        "16: error: `w eb` cannot be named in a host set",
        "17: error: expected a text, or a list of texts",
        "19: error: the source `config` is the table `groups`: rename this one",
        "22: error: a source needs one of `file`, `map`, `map_all`, `dns` and `nats`",
        "25: error: a source needs one of `file`, `map`, `map_all`, `dns` and `nats`",
        "31: error: `list` is for sources with `map`: remove it",
        "33: error: ",
        "37: error: expected seconds, more than 0",
        "40: error: an alias needs a name without `-` before it, and arguments",
    ];
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\n{expected}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    let text = found.join("\n");
    assert!(!text.contains("secret"), "{text}");
}

#[test]
fn syntax_errors_have_lines() {
    let found = mistakes("[defaults]\nurl = \"http://{host}/\n[groups]\nweb = n1\n");
    assert!(found[0].starts_with("2: error: "), "{found:?}");
    assert!(
        found.iter().any(|found| found.starts_with("4: error: ")),
        "{found:?}"
    );
}

#[test]
fn an_empty_configuration_and_a_missing_file() {
    let config = Config::parse("", "/x/config.toml").unwrap();
    assert_eq!(config.check(), []);
    let hosts = config
        .inventory()
        .hosts("n1")
        .now_or_never()
        .unwrap()
        .unwrap();
    assert_eq!(hosts[0].url, "conn+rpc://n1:7000");
    let error = Config::from_file("/nonexistent/config.toml").unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("/nonexistent/config.toml: error: cannot read it: "),
        "{text}"
    );
}

#[cfg(unix)]
#[test]
fn checks_of_files_groups_and_urls() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str, mode: u32| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    };
    write("public.key", "k", 0o644);
    write("private.key", "k", 0o600);
    write("racks.txt", "r1: n[1-\n", 0o644);
    write("bad.txt", "x\n", 0o644);
    let text = r#"[defaults]
url = "gopher://{host}/"
authkey_file = "public.key"
bearer_file = "private.key"
basic_file = "missing"
headers = { Authorization = "Bearer s3cret", X-A = "b" }
tls = { key = "private.key", cacert = "racks.txt", pin = "racks.txt" }

[hosts."@web"]
url = "http://same/"
tls.insecure = true

[hosts."@nowhere:x,n1"]

[groups]
web = "@db,@slow:x"
db = "@web"
one = "@racks:r2"

[sources.racks]
file = "racks.txt"

[sources.bad]
file = "bad.txt"

[sources.slow]
map = "touch ran"
"#;
    let config = Config::from_file(write("config.toml", text, 0o666)).unwrap();
    let found = config.check();
    let found: Vec<String> = found
        .iter()
        .map(|finding| {
            finding
                .to_string()
                .replace(&format!("{}/", folder.path().display()), "")
        })
        .collect();
    let expected = [
        "config.toml: warning: everybody can change it, and it has commands: chmod 600 ",
        "config.toml:2: error: no protocol has the scheme `gopher`: there are http,",
        "config.toml:3: warning: everybody can read public.key: chmod 600 public.key",
        "config.toml:5: error: cannot read missing: No such file",
        "config.toml:5: error: a request has one `Authorization`: remove `basic_file` or",
        "config.toml:6: warning: everybody can read `Authorization` here: use bearer_file",
        "config.toml:7: error: `key` needs `cert`: add the certificate",
        "config.toml:7: error: `pin` accepts its certificates only: remove it, or `cacert`",
        "config.toml:9: error: a group is a member of itself: @config:web has @config:db",
        "config.toml:10: warning: the URL has no {host}: all hosts have the same one",
        "config.toml:10: warning: calls fail: `bearer_file` is not sent in clear text: use https",
        "config.toml:11: warning: `insecure`: whoever is on the way can read and change",
        "config.toml:13: error: there is no source of groups `nowhere`: there are config, racks",
        "config.toml:16: error: a group is a member of itself: @config:web has @config:db",
        "config.toml:17: error: a group is a member of itself: @config:db has @config:web",
        "config.toml:18: error: there is no group @racks:r2: there are r1",
        "config.toml:20: error: racks.txt: the members of @racks:r1: column 2: `[` without `]`",
        "config.toml:23: error: bad.txt, line 1: no group: lines are NAME: HOSTS",
    ];
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\n{expected}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    assert!(!found.join("\n").contains("s3cret"));
    assert!(
        !folder.path().join("ran").exists(),
        "a check runs no commands"
    );
    // A source that is not used stops nobody.
    let groups = config.groups();
    let resolve = |text: &str| groups.resolve(text).now_or_never().unwrap();
    assert_eq!(resolve("n1,n2").unwrap().to_string(), "n[1-2]");
    let error = Causes(&resolve("@bad:x").unwrap_err()).to_string();
    assert!(error.contains("bad.txt, line 1: no group"), "{error}");
}

#[test]
fn mistakes_in_parts_are_errors_of_what_uses_them() {
    let text = r#"[groups]
web = "n[1-3]"
db = 5
bad = "n[2-1]"
some = "@web,@db"

[sources]
first = 7

[sources.none]
list = "echo"

[aliases]
good = "-w @web ping"
empty = ""
quoted = "call echo 'a b"
"#;
    let config = Config::parse(text, "/x/config.toml").unwrap();
    let found = config.check();
    let lines: Vec<usize> = found.iter().filter_map(|finding| finding.line).collect();
    assert_eq!(lines, [3, 4, 5, 8, 10, 15, 16], "{found:#?}");
    assert!(config.alias("good").is_some() && config.alias_mistake("good").is_none());
    for name in ["empty", "quoted"] {
        assert!(config.alias_mistake(name).is_some(), "{name}");
    }
    let inventory = config.inventory();
    let hosts = |text: &str| match inventory.hosts(text).now_or_never().unwrap() {
        Ok(hosts) => hosts.len().to_string(),
        Err(error) => Causes(&error).to_string(),
    };
    assert_eq!(hosts("@web"), "3");
    for (text, expected) in [
        ("@db", "config.toml:3: error: expected a text"),
        ("@bad", "config.toml:4: error: the hosts are invalid"),
        ("@some", "config.toml:3: error: expected a text"),
        ("@*", "config.toml:"),
        ("@first:x", "config.toml:8: error: invalid type"),
        ("@none:x", "config.toml:10: error: a source needs one of"),
    ] {
        let error = hosts(text);
        assert!(error.contains(expected), "{text}: {error}");
    }
    // The default is the first source, and no other one instead.
    let text = "[sources]\nfirst = 7\n[sources.second]\nmap = \"echo n1\"\n";
    let config = Config::parse(text, "/x/config.toml").unwrap();
    let error = config
        .groups()
        .resolve("@x")
        .now_or_never()
        .unwrap()
        .unwrap_err();
    assert!(Causes(&error).to_string().contains("config.toml:2:"));
    // Settings of hosts are no such part.
    assert!(Config::parse("[hosts.a]\nbearer = 1\n", "/x/config.toml").is_err());
}

#[test]
fn secrets_in_clear_text_and_withheld_ones_are_shown() {
    let text = r#"url = "https://{host}/"
bearer_file = "token"
[hosts.a]
url = "http://{host}/"
[hosts.b]
url = "http://{host}/"
basic_file = "password"
[hosts.c]
url = "http://localhost:1/{host}"
[hosts.d]
url = "conn+rpc://{host}:1"
"#;
    let config = Config::parse(&format!("[defaults]\n{text}"), "/x/config.toml").unwrap();
    let warnings = |config: &Config| -> Vec<String> {
        let findings = config.check();
        let warnings = findings.iter().filter(|finding| {
            finding.severity == Severity::Warning && finding.message.contains("clear text")
        });
        let shown = warnings.map(|finding| finding.to_string().replace("/x/config.toml:", ""));
        shown.collect()
    };
    assert_eq!(
        warnings(&config),
        [
            "5: warning: calls fail: `bearer_file` is not sent in clear text: use https://, or set \
             `bearer_file` and the http:// URL in the same entry of the configuration",
            "8: warning: `basic_file` goes over http:// in clear text: use https://",
        ]
    );
    let text = "[defaults]\nurl = \"http://{host}/\"\n[hosts.a]\nheaders = { X = \"y\" }\n";
    let config = Config::parse(text, "/x/config.toml").unwrap();
    assert_eq!(
        warnings(&config),
        [
            "4: warning: calls fail: `headers` is not sent in clear text: use https://, or set \
             `headers` and the http:// URL in the same entry of the configuration"
        ]
    );
}
