//! Tests of groups from tables and programs.

use std::sync::Mutex;

use farcall_core::protocol::output::Causes;
use futures_util::FutureExt as _;

use super::*;
use crate::hosts::HostLimits;

fn site() -> HostGroups {
    let site = GroupTable::new()
        .group("web", "node[1-4]")
        .group("web", "node[10-11]")
        .group("rack1", "r1n[1-2]")
        .group("rack2", "r2n[1-2]")
        .group("front", "@web!@new")
        .group("new", "node10")
        .group("other", "@more:blue")
        .group("loop", "a,@back")
        .group("back", "@site:loop")
        .group("self", "@self")
        .group("bad", "a,n[1-")
        .group("none", "");
    let more = GroupTable::new()
        .group("all", "@blue,@red")
        .group("blue", "b[1-2]")
        .group("red", "@blue,r1")
        .group("web", "@red")
        .group("unused", "u1");
    HostGroups::new().source("site", site).source("more", more)
}

/// Resolves with sources that answer at once.
fn resolve(groups: &HostGroups, text: &str) -> String {
    match groups
        .resolve(text)
        .now_or_never()
        .expect("tables answer at once")
    {
        Ok(hosts) => hosts.to_string(),
        Err(error) => Causes(&error).to_string(),
    }
}

#[test]
fn groups_in_expressions() {
    let groups = site();
    for (text, expected) in [
        ("@web", "node[1-4,10-11]"),
        ("gw,@web!node[2-4],@more:blue", "b[1-2],gw,node[1,10-11]"),
        ("@rack[1-2]&r[1-2]n1", "r[1-2]n1"),
        ("@front", "node[1-4,11]"),
        ("@none", ""),
        ("@other", "b[1-2]"),
        // Groups within a group are of the same source.
        ("@more:web", "b[1-2],r1"),
        ("@more:*", "b[1-2],r1"),
        ("@site:web^@web", ""),
    ] {
        assert_eq!(resolve(&groups, text), expected, "{text}");
    }
    let groups = groups.default_source("more");
    assert_eq!(resolve(&groups, "@*"), "b[1-2],r1");
    assert_eq!(resolve(&groups, "@web"), "b[1-2],r1");
    let table = GroupTable::new().group("a", "n1").group("b", "n2,@a");
    assert_eq!(
        resolve(&HostGroups::new().source("x", table), "@*"),
        "n[1-2]"
    );
}

#[test]
fn mistakes_in_groups() {
    let groups = site();
    for (text, expected) in [
        (
            "a,@",
            "column 3: the name of a group is missing: groups are @GROUP, @SOURCE:GROUP and @*",
        ),
        (
            "@bad",
            "the members of @site:bad: column 4: `[` without `]`",
        ),
        (
            "@self",
            "a group is a member of itself: @site:self has @site:self",
        ),
        (
            "@loop",
            "a group is a member of itself: @site:loop has @site:back has @site:loop",
        ),
        (
            "@no:web",
            "there is no source of groups `no`: there are site, more",
        ),
        (
            "@wbe",
            "there is no group @site:wbe: there are web, rack1, rack2, front, new, other, loop, back \
             and 3 more",
        ),
        (
            "@more:wbe",
            "there is no group @more:wbe: there are all, blue, red, web, unused",
        ),
    ] {
        assert_eq!(resolve(&groups, text), expected, "{text}");
    }
    let none = HostGroups::new();
    let expected = "there is no group @web: no groups are configured, and there is no such file of \
                    hosts";
    assert_eq!(resolve(&none, "@web"), expected);
    assert_eq!(resolve(&none, "@*"), "no groups are configured");
}

#[test]
fn limits_of_groups() {
    let table = (1..30).fold(GroupTable::new().group("g0", "n[1-5]"), |table, n| {
        // Without a cache, these would be 2^30 questions.
        table.group(format!("g{n}"), &format!("@g{},@g{0}", n - 1))
    });
    let groups = |limits| HostGroups::new().limits(limits).source("x", table.clone());
    let deep = groups(HostLimits::default().max_depth(30));
    assert_eq!(resolve(&deep, "@g29"), "n[1-5]");
    assert_eq!(resolve(&groups(HostLimits::default()), "@g15"), "n[1-5]");
    assert_eq!(
        resolve(&groups(HostLimits::default()), "@g16"),
        "more than 16 groups within groups"
    );
    assert_eq!(
        resolve(&groups(HostLimits::default().max_hosts(4)), "@g0"),
        "the members of @x:g0: column 1: more than 4 hosts: the limit of hosts can be raised"
    );
    assert_eq!(
        resolve(&groups(HostLimits::default().max_text(5)), "@g0"),
        "the members of @x:g0: column 1: the text has more than 5 bytes"
    );
    let repeated = vec!["@g0"; 100].join(",");
    assert_eq!(
        resolve(&groups(HostLimits::default().max_hosts(5)), &repeated),
        "column 41: more than 5 hosts: the limit of hosts can be raised"
    );
}

/// A source that writes down what it is asked.
#[derive(Debug, Default)]
struct Asked(Mutex<Vec<String>>);

impl GroupSource for Asked {
    fn members<'a>(
        &'a self,
        group: &'a str,
    ) -> BoxFuture<'a, Result<Option<GroupMembers>, GroupError>> {
        self.0.lock().unwrap().push(group.to_owned());
        let members = GroupMembers::new(format!("{group}1,{group}2"));
        let members = match group {
            "dead" => return async { Err(GroupError::Other("no route".into())) }.boxed(),
            "x" => members.url("x1", "http://10.0.0.1/"),
            "y" => members.url("x1", "http://10.0.0.2/"),
            _ => members,
        };
        async { Ok(Some(members)) }.boxed()
    }

    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, GroupError>> {
        async { Err(GroupError::NoNames) }.boxed()
    }
}

#[test]
fn a_group_is_asked_for_once_and_tells_urls() {
    let asked: Arc<Asked> = Arc::default();
    let groups = HostGroups::new().source("s", Arc::clone(&asked));
    assert_eq!(resolve(&groups, "@x,@z,@x"), "x[1-2],z[1-2]");
    assert_eq!(resolve(&groups, "@x"), "x[1-2]");
    assert_eq!(*asked.0.lock().unwrap(), ["x", "z"]);
    assert_eq!(groups.url("x1").as_deref(), Some("http://10.0.0.1/"));
    assert_eq!(groups.url("x2"), None);
    assert_eq!(resolve(&groups, "@y"), "x1 has two URLs");
    assert_eq!(resolve(&groups, "@dead"), "the group @s:dead: no route");
    let all = resolve(&groups, "@*");
    assert_eq!(
        all,
        "the group @s:*: this source cannot list its groups: no command for `list` is configured"
    );
}

#[test]
fn files_of_groups() {
    let folder = tempfile::tempdir().unwrap();
    let limits = HostLimits::default();
    let read = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        match GroupTable::from_file(&path, &limits) {
            Ok(table) => {
                let groups = table.iter().map(|(name, hosts)| format!("{name}={hosts}"));
                groups.collect::<Vec<_>>().join(" ")
            }
            Err(error) => Causes(&error)
                .to_string()
                .replace(&folder.path().display().to_string(), "DIR"),
        }
    };
    assert_eq!(
        read(
            "a",
            "# x\nweb: n[1-3] # new\n\nweb:m1\nurl: http://[::1]:80\nnone:\n"
        ),
        "web=n[1-3],m1 url=http://[::1]:80 none="
    );
    assert_eq!(
        read("a", "web: a\nb c\n"),
        "DIR/a, line 2: no group: lines are NAME: HOSTS"
    );
    assert_eq!(
        read("a", "we b: a\n"),
        "DIR/a, line 1: no group: lines are NAME: HOSTS"
    );
    assert_eq!(
        read("a.toml", "web = \"n[1-3]\"\nb = [\"x\", \"y[1-2]\"]\n"),
        "b=x,y[1-2] web=n[1-3]"
    );
    let error = read("a.toml", "web = \"a\"\n\nb = 1\n");
    assert!(error.starts_with("DIR/a.toml, line 3: "), "{error}");
    assert!(
        error.contains("expected a text, or a list of texts"),
        "{error}"
    );
}

#[test]
fn files_of_hosts_in_expressions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hosts");
    std::fs::write(&path, "n[1-3] http://{host}:8000\ngw\n").unwrap();
    let groups = HostGroups::new().source("x", GroupTable::new().group("a", "@/etc/passwd"));
    let text = format!("@{}!n2", path.display());
    assert_eq!(resolve(&groups, &text), "gw,n[1,3]");
    assert_eq!(groups.url("n1").as_deref(), Some("http://n1:8000"));
    // A file of another folder, and a group that names a file.
    let text = format!("@{}", folder.path().join("none").display());
    assert!(resolve(&groups, &text).starts_with("cannot read "));
    assert_eq!(
        resolve(&groups, "@a"),
        "there is no group @x:/etc/passwd: there are a"
    );
}
