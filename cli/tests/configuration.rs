//! The configuration, aliases, and completion in shells.
#![allow(clippy::unwrap_used, reason = "tests")]
#![cfg(unix)]

use std::fs;
use std::process::Command;

use tests::{PythonServer, newest_python};

/// A home directory with a configuration, and a server in Python.
struct Home {
    folder: tempfile::TempDir,
    server: PythonServer,
}

impl Home {
    fn new(config: &str) -> Self {
        let server = newest_python().serve("fleet.py", &["/dev/null"]);
        let folder = tempfile::tempdir().unwrap();
        let config = config.replace("PORT", &server.port.to_string());
        fs::create_dir_all(folder.path().join(".config/farcall")).unwrap();
        fs::write(folder.path().join(".config/farcall/config.toml"), config).unwrap();
        Self { folder, server }
    }

    fn run(&self, program: &str, args: &[&str], env: &[(&str, &str)]) -> (i32, String, String) {
        let mut command = Command::new(program);
        command
            .args(args)
            .envs(env.iter().copied())
            .env("HOME", self.folder.path())
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("FARCALL_AUTHKEY");
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let status = output.status.code().unwrap();
        (status, text(output.stdout), text(output.stderr))
    }

    fn farcall(&self, args: &[&str]) -> (i32, String, String) {
        self.run(env!("CARGO_BIN_EXE_farcall"), args, &[])
    }
}

const CONFIG: &str = r#"
[defaults]
url = "http://127.0.0.1:PORT/ok/{host}"

[hosts."db[1-2]"]
url = "http://127.0.0.1:PORT/fault/{host}"

[groups]
web = "web[1-3]"
database = "db[1-2]"
all = "@web,@database"

[aliases]
addition = "-w @web --quiet call add"
again = ["addition", "1"]
"#;

#[test]
fn groups_urls_and_aliases_come_from_the_configuration() {
    let home = Home::new(CONFIG);
    let (status, out, err) = home.farcall(&["config", "check"]);
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
    assert!(out.ends_with("config.toml: nothing is wrong\n"), "{out}");
    let (status, out, _) = home.farcall(&["-w", "@*", "-x", "web2", "hosts", "--fold"]);
    assert_eq!((status, out.as_str()), (0, "db[1-2],web[1,3]\n"));
    let (status, out, err) = home.farcall(&["-w", "@*", "-o", "gathered", "call", "echo", "7"]);
    assert_eq!(
        out, "web[1-3] (3): 7\ndb[1-2] (2): fault 42: on purpose\n",
        "{err}"
    );
    assert_eq!(status, 1);
    for args in [
        &["addition", "1", "2"][..],
        &["again", "2"],
        &["again", "2", "-x", "web9"],
    ] {
        let (status, out, err) = home.farcall(args);
        let mut lines: Vec<&str> = out.lines().collect();
        lines.sort_unstable();
        assert_eq!(
            (status, lines),
            (0, vec!["web1: 3", "web2: 3", "web3: 3"]),
            "{err}"
        );
    }
    let (status, _, err) = home.farcall(&["-o", "table", "nothing", "1"]);
    assert!(
        status == 2 && err.contains("unrecognized subcommand 'nothing'"),
        "{err}"
    );
    let (status, _, err) = home.farcall(&["-w", "@wbe", "call", "echo", "1"]);
    assert!(
        status == 2 && err.contains("there is no group @config:wbe: there are"),
        "{err}"
    );
    let (_, _, err) = home.farcall(&["-w", "@wbe.txt", "ping"]);
    let expected = "@wbe.txt: there is no such file of hosts either; there are";
    assert!(err.contains(expected), "{err}");
}

#[test]
fn mistakes_in_the_configuration_are_shown_with_their_places() {
    let home = Home::new("[groups]\nweb = 5\n\n[defaults]\nurl = \"nonsense\"\n");
    let (status, out, err) = home.farcall(&["config", "check"]);
    assert_eq!((status, out.as_str()), (2, ""), "{err}");
    assert!(
        err.contains("config.toml:2: error: ") && err.lines().count() > 1,
        "{err}"
    );
    let (status, _, err) = home.farcall(&["-w", "@web", "call", "echo", "1"]);
    assert!(status == 2 && err.contains("config.toml:"), "{err}");
    // One server has settings there, too.
    let url = format!("http://127.0.0.1:{}/ok/a", home.server.port);
    let (status, _, err) = home.farcall(&["call", &url, "echo", "1"]);
    assert!(status == 2 && err.contains("config.toml:"), "{err}");
}

#[test]
fn aliases_that_cannot_be_used_are_found() {
    let home = Home::new(
        "[aliases]\nrec = \"rec\"\ncall = \"ping\"\nnone = \"nothing 1\"\none = \"two\"\n\
         two = \"one\"\ngood = \"-w a call echo\"\n",
    );
    let (status, _, err) = home.farcall(&["config", "check"]);
    assert_eq!((status, err.lines().count()), (2, 6), "{err}");
    for problem in [
        "error: the alias `rec` stands for itself",
        "warning: the alias `call` is never used",
        "error: the alias `none` stands for `nothing`, which is no command",
    ] {
        assert!(err.contains(problem), "{err}");
    }
    let (status, _, err) = home.farcall(&["rec"]);
    let expected = "farcall: the alias `rec` stands for itself\n";
    assert_eq!((status, err.as_str()), (2, expected));
}

#[test]
fn a_call_of_one_server_has_the_settings_of_the_configuration() {
    let home = Home::new("[defaults]\nauthkey_file = \"nowhere\"\n");
    let url = format!("http://127.0.0.1:{}/ok/a", home.server.port);
    for args in [
        &["call", &url, "echo", "1"][..],
        &["methods", &url],
        &["ping", &url],
    ] {
        let (status, _, err) = home.farcall(args);
        assert!(status == 2 && err.contains("nowhere"), "{err}");
    }
    let home = Home::new("[defaults]\nbearer_file = \"nowhere\"\n");
    for url in [
        "json+http://127.0.0.1:1/",
        "ws://127.0.0.1:1/",
        "http://127.0.0.1:1/",
    ] {
        let (status, _, err) = home.farcall(&["call", url, "echo", "1"]);
        assert!(status == 2 && err.contains("nowhere"), "{url}: {err}");
    }
    let (_, _, err) = home.farcall(&["call", "ws://192.0.2.1/", "echo", "1"]);
    assert!(
        err.contains("`bearer_file` is not sent in clear text"),
        "{err}"
    );
    let home = Home::new("");
    let file = home.folder.path().join("argument");
    fs::write(&file, "[1, 2]").unwrap();
    let url = format!("http://127.0.0.1:{}/ok/a", home.server.port);
    let (_, out, err) = home.farcall(&["call", &url, "echo", &format!("@{}", file.display())]);
    assert_eq!(out, "[1,2]\n", "{err}");
}

#[test]
fn a_mistake_stops_the_commands_that_meet_it() {
    let home = Home::new(
        r#"
[defaults]
url = "http://127.0.0.1:PORT/ok/{host}"
[groups]
web = "web[1-2]"
bad = "n[2-1]"
[sources.missing]
file = "no/such/file"
[aliases]
reboot = ""
"#,
    );
    let (status, out, err) = home.farcall(&["-w", "@web", "--quiet", "call", "echo", "1"]);
    assert_eq!((status, out.lines().count()), (0, 2), "{err}");
    for (hosts, mistake) in [
        ("@bad", "config.toml:6: error"),
        ("@missing:x", "no/such/file"),
    ] {
        let (status, _, err) = home.farcall(&["-w", hosts, "call", "echo", "1"]);
        assert!(status == 2 && err.contains(mistake), "{err}");
    }
    let (status, _, err) = home.farcall(&["reboot"]);
    assert!(
        status == 2 && err.contains("config.toml:10: error: an alias"),
        "{err}"
    );
    assert!(!err.contains("unrecognized subcommand"), "{err}");
    let (_, _, err) = home.farcall(&["config", "check"]);
    assert!(err.contains("the configuration has 3 mistakes"), "{err}");
}

#[test]
fn secrets_go_only_to_hosts_that_were_meant() {
    let home = Home::new(
        r#"
[defaults]
url = "https://{host}/"
bearer_file = "token"
[groups]
foreign = "http://127.0.0.1:PORT/ok/a"
[hosts.clear]
url = "http://192.0.2.1/"
[hosts.meant]
url = "http://192.0.2.1/"
bearer_file = "token"
"#,
    );
    fs::write(home.folder.path().join(".config/farcall/token"), "s3cret").unwrap();
    let url = format!("http://127.0.0.1:{}/ok/a", home.server.port);
    let clear = "the call was not sent: `bearer_file` is not sent in clear text: use https://";
    let foreign = "`bearer_file` of [defaults] is not sent to a URL that a group or a file names";
    for (args, problem) in [
        (["-w", "@foreign", "ping"], foreign),
        (["-w", "clear", "ping"], clear),
        (["--timeout", "5", "ping"], clear),
    ] {
        let url = (!args.contains(&"-w")).then_some("http://192.0.2.1/");
        let args: Vec<&str> = args.into_iter().chain(url).collect();
        let (status, _, err) = home.farcall(&args);
        assert!(status == 2 && err.contains(problem), "{err}");
        assert!(err.contains("never ran"), "{err}");
    }
    assert_eq!(home.farcall(&["ping", &url]).0, 0);
    let (_, out, err) = home.farcall(&["-w", "@foreign,clear,meant,other", "hosts"]);
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].contains(foreign), "{out}{err}");
    assert!(
        lines[1].contains("no protection, and no calls: `bearer_file` is not"),
        "{out}"
    );
    assert!(lines[2].ends_with("token in clear text"), "{out}");
    assert!(lines[3].ends_with("TLS, token"), "{out}");
    let (_, out, _) = home.farcall(&["config", "check"]);
    assert!(
        out.contains("config.toml:8: warning: calls fail: `bearer_file`"),
        "{out}"
    );
    assert!(
        out.contains("config.toml:11: warning: `bearer_file` goes over http://"),
        "{out}"
    );
}

#[test]
fn shells_complete_methods_groups_and_options() {
    let home = Home::new(CONFIG);
    let url = format!("http://127.0.0.1:{}/ok/a", home.server.port);
    let completed = |words: &[&str]| {
        let index = words.len().to_string();
        let env = [("COMPLETE", "zsh"), ("_CLAP_COMPLETE_INDEX", &index)];
        let args = [&["--", "farcall"], words].concat();
        let (status, out, err) = home.run(env!("CARGO_BIN_EXE_farcall"), &args, &env);
        assert_eq!((status, err.as_str()), (0, ""), "{words:?}");
        // Options are always offered.
        let lines = out.lines().filter(|line| !line.starts_with("--"));
        lines.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(completed(&["call", &url, ""]), "add echo run");
    assert_eq!(completed(&["call", &url, "e"]), "echo");
    assert_eq!(completed(&["subscribe", &url, "e"]), "echo");
    assert_eq!(completed(&["-w", "@web", "call", "a"]), "add");
    assert_eq!(completed(&["-w", "@d"]), "@database");
    assert_eq!(
        completed(&["-w", "node1,web"]),
        "node1,web1 node1,web2 node1,web3"
    );
    assert_eq!(
        completed(&["-o", "json"]),
        "jsonl:A line of JSON for each host, and a last one with the summary"
    );

    for shell in ["bash", "zsh", "fish"] {
        let (status, out, _) = home.farcall(&["completions", shell]);
        assert!(status == 0 && out.contains("farcall"), "{shell}: {out}");
    }
}

/// The words are separated as bash does it.
#[test]
fn bash_completes_urls_and_groups() {
    let home = Home::new(CONFIG);
    let port = home.server.port.to_string();
    let program = env!("CARGO_BIN_EXE_farcall");
    let folder = std::path::Path::new(program)
        .parent()
        .unwrap()
        .to_str()
        .unwrap();
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap());
    for (words, expected) in [
        (format!("call http : //127.0.0.1 : {port}/ok/a ec"), "echo"),
        ("-w @ da".to_owned(), "database"),
    ] {
        let script = format!(
            "source <(farcall completions bash)\n\
             COMP_WORDS=(farcall {words})\n\
             COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
             _clap_complete_farcall farcall \"${{COMP_WORDS[COMP_CWORD]}}\" x\n\
             echo \"${{COMPREPLY[*]}}\""
        );
        let (_, out, err) = home.run("bash", &["-c", &script], &[("PATH", &path)]);
        assert_eq!(out.trim(), expected, "{words}: {err}");
    }
}
