//! Tests of the notation and of its limits.

use std::time::{Duration, Instant};

use super::*;

fn names(text: &str) -> Vec<String> {
    let hosts = HostSet::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    hosts.iter().map(ToOwned::to_owned).collect()
}

#[test]
fn notation() {
    for (text, expected) in [
        ("", ""),
        (" \n\t ", ""),
        ("gw", "gw"),
        ("b,a,b", "b a"),
        ("a b\nc\r\n", "a b c"),
        ("a , b ! a", "b"),
        ("node[1-3,7]", "node1 node2 node3 node7"),
        ("node[08-10]", "node08 node09 node10"),
        ("node[098-101]", "node098 node099 node100 node101"),
        ("node[1,01]", "node1 node01"),
        ("node[1-9/2]", "node1 node3 node5 node7 node9"),
        ("node[1-9/3,9]", "node1 node4 node7 node9"),
        ("node[ 1 - 2 , 5/1 ]", "node1 node2 node5"),
        ("r[1-2]n[1-2]", "r1n1 r1n2 r2n1 r2n2"),
        ("[1-2]", "1 2"),
        ("n[1-2][3-4]", "n13 n14 n23 n24"),
        ("n1[2-3]0", "n120 n130"),
        ("n[8-10]0", "n80 n90 n100"),
        ("a!b,b", "a b"),
        ("a,b!b^b&b", "b"),
        ("n[1-5]&n[4-9]^n[5-6]", "n4 n6"),
        ("a,b,c!a,a", "a b c"),
        ("n[123456789012345678901]", "n123456789012345678901"),
        ("10.0.0.[1-2]:80", "10.0.0.1:80 10.0.0.2:80"),
        ("fe80::[1-2]", "fe80::1 fe80::2"),
        ("müller[1-2]", "müller1 müller2"),
        ("[::1]:7000", "[::1]:7000"),
        ("[fd00::1]:[1-2]", "[fd00::1]:1 [fd00::1]:2"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://[fe80::1%25eth0]/", "http://[fe80::1%25eth0]/"),
        (
            "conn+rpc://[::1]:[1-2]",
            "conn+rpc://[::1]:1 conn+rpc://[::1]:2",
        ),
        ("//[::1][9-10]", "//[::1]9 //[::1]10"),
        ("http://[1-2].x/", "http://1.x/ http://2.x/"),
        ("user@host", "user@host"),
    ] {
        assert_eq!(names(text).join(" "), expected, "{text}");
    }
}

#[test]
fn mistakes_and_their_places() {
    for (text, column, message) in [
        (",a", 1, "nothing stands before `,`"),
        ("a!", 2, "nothing stands behind `!`"),
        ("a,\n", 2, "nothing stands behind `,`"),
        ("a , & b", 3, "nothing stands behind `,`"),
        ("ä,n[1-2", 4, "`[` without `]`"),
        ("n1-2]", 5, "`]` without `[`"),
        (
            "n[1-[2-3]]",
            5,
            "`[` within brackets: a list of ranges is [1-4,7]",
        ),
        ("n[]", 3, "a number or range is missing"),
        ("n[1,,2]", 5, "a number or range is missing"),
        (
            "n[1,x]",
            5,
            "`x` is no range: ranges are 7, 1-20, 01-20 and 1-9/2",
        ),
        (
            "n[-5]",
            3,
            "`-5` is no range: ranges are 7, 1-20, 01-20 and 1-9/2",
        ),
        (
            "n[1-2-3]",
            3,
            "`1-2-3` is no range: ranges are 7, 1-20, 01-20 and 1-9/2",
        ),
        (
            "n[1-2/x]",
            3,
            "`1-2/x` is no range: ranges are 7, 1-20, 01-20 and 1-9/2",
        ),
        (
            "n[1-2/0]",
            3,
            "`1-2/0` has no valid step: 1-9/2 is 1,3,5,7,9",
        ),
        ("n[1/2]", 3, "`1/2` has no valid step: 1-9/2 is 1,3,5,7,9"),
        ("n[3-2]", 3, "`3-2` ends before it begins"),
        (
            "n[1-1234567890123456789]",
            3,
            "`1234567890123456789` is too large: numbers of ranges have at most 18 digits",
        ),
        (
            "n[01-100]",
            3,
            "the numbers of `01-100` have different lengths: with leading zeros, both need the \
             same, as in [01-99,100-120]",
        ),
        (
            "n1[9-10]",
            3,
            "digits stand before numbers of different lengths, which other programs read in \
             different ways: write all digits within the brackets",
        ),
        ("a,n$1", 4, "'$' cannot be part of a name"),
        ("a\u{202e}b", 2, "'\\u{202e}' cannot be part of a name"),
        (
            "n*",
            2,
            "there are no wildcards: @* are all hosts, @GROUP those of a group",
        ),
        ("a,@web", 3, "groups are not known here"),
        (
            "a,@",
            3,
            "the name of a group is missing: groups are @GROUP, @SOURCE:GROUP and @*",
        ),
        (
            "@s:",
            1,
            "the name of a group is missing: groups are @GROUP, @SOURCE:GROUP and @*",
        ),
        ("http://[::1", 8, "`[` without `]`"),
        (
            "http://[::x]/",
            9,
            "`::x` is no range: ranges are 7, 1-20, 01-20 and 1-9/2",
        ),
    ] {
        let error = HostSet::parse(text).expect_err(text);
        assert_eq!(
            error.to_string(),
            format!("column {column}: {message}"),
            "{text}"
        );
    }
}

#[test]
fn limits() {
    let limits = HostLimits::default()
        .max_hosts(10)
        .max_text(100)
        .max_name(12)
        .max_ranges(3)
        .max_dimensions(2);
    let parse = |text: &str| match HostSet::parse_with(text, &limits) {
        Ok(hosts) => hosts.len().to_string(),
        Err(error) => error.to_string(),
    };
    let too_many = "more than 10 hosts: the limit of hosts can be raised";
    assert_eq!(parse("n[1-10]"), "10");
    assert_eq!(parse("n[1-11]"), format!("column 1: {too_many}"));
    assert_eq!(parse("n[1-5],m[1-6]"), format!("column 8: {too_many}"));
    assert_eq!(parse("a[1-4]b[1-3]"), format!("column 1: {too_many}"));
    assert_eq!(
        parse("n[0-999999999999999999]"),
        format!("column 1: {too_many}")
    );
    assert_eq!(parse("n[1-9]!n[1-9],n[1-10]"), "10");
    let repeated = |times: usize| vec!["[1-9]"; times].join(" ");
    assert_eq!(parse(&repeated(11)), "9");
    assert_eq!(parse(&repeated(12)), format!("column 67: {too_many}"));
    assert_eq!(
        parse(&" ".repeat(101)),
        "column 1: the text has more than 100 bytes"
    );
    assert_eq!(parse("a,a23456789012"), "2");
    assert_eq!(
        parse("a,a234567890123"),
        "column 3: a name has more than 12 bytes"
    );
    assert_eq!(parse("a[00000000000-00000000001]"), "2");
    assert_eq!(
        parse("a[000000000000-000000000001]"),
        "column 1: a name has more than 12 bytes"
    );
    assert_eq!(parse("a[1,2]b[3]"), "2");
    assert_eq!(
        parse("a[1,2]b[3,4]"),
        "column 11: more than 3 ranges in one name"
    );
    assert_eq!(
        parse("a[1]b[1]c[1]"),
        "column 10: more than 2 brackets in one name"
    );
}

/// Each operator takes time for its operand only.
#[test]
fn many_operators_on_many_hosts_are_fast() {
    let begin = Instant::now();
    let text = format!("n[1-99999]{}", "!x^y".repeat(100_000));
    assert_eq!(HostSet::parse(&text).unwrap().len(), 99_999);
    let text = format!("n[1-99999]&n5{}", "&n5,n6".repeat(100_000));
    assert_eq!(HostSet::parse(&text).unwrap().len(), 2);
    assert!(
        begin.elapsed() < Duration::from_secs(20),
        "{:?}",
        begin.elapsed()
    );
}

#[test]
fn sets() {
    let set = |text| HostSet::parse(text).unwrap();
    let (a, b) = (set("c,n[1-3]"), set("n[3-4],c"));
    assert_eq!(names_of(&a.union(&b)), "c n1 n2 n3 n4");
    assert_eq!(names_of(&a.difference(&b)), "n1 n2");
    assert_eq!(names_of(&b.intersection(&a)), "n3 c");
    assert_eq!(names_of(&a.symmetric_difference(&b)), "n1 n2 n4");
    assert_eq!(set("a,b"), set("b,a"));
    let mut hosts = set("n[1-3]");
    assert!(hosts.insert("x") && !hosts.insert("n1") && hosts.contains("x"));
    hosts.retain(|name| name != "n2");
    assert_eq!(names_of(&hosts), "n1 n3 x");
}

fn names_of(hosts: &HostSet) -> String {
    hosts.iter().collect::<Vec<_>>().join(" ")
}
