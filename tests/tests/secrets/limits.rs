//! The table of limits in SECURITY.md has every limit that can be set, with the default that it has.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;

/// What can be set, as `path::of::Type`, and its defaults.
fn defaults() -> Vec<(&'static str, String)> {
    fn shown(value: &impl Debug) -> String {
        format!("{value:?}")
    }
    vec![
        (
            "rpc_core::serve::Options",
            shown(&rpc_core::serve::Options::default()),
        ),
        ("rpc_core::Budget", shown(&rpc_core::Budget::default())),
        (
            "xmlrpc::ServerOptions",
            shown(&xmlrpc::ServerOptions::default()),
        ),
        ("xmlrpc::XmlRpc", shown(&xmlrpc::XmlRpc::default())),
        (
            "xmlrpc::ClientOptions",
            shown(&xmlrpc::ClientOptions::default()),
        ),
        (
            "conn::ListenerBuilder",
            shown(&conn::Listener::bind("127.0.0.1:0")),
        ),
        ("conn::Bincode", shown(&conn::Bincode::default())),
        ("conn::Json", shown(&conn::Json::default())),
        ("conn::MessagePack", shown(&conn::MessagePack::default())),
        ("conn::Pickle", shown(&conn::Pickle::default())),
        ("conn::Postcard", shown(&conn::Postcard::default())),
        (
            "conn::rpc::ServerOptions",
            shown(&conn::rpc::ServerOptions::default()),
        ),
        ("conn::rpc::Options", shown(&conn::rpc::Options::default())),
        (
            "conn::rpc::Reconnect",
            shown(&conn::rpc::Reconnect::default()),
        ),
    ]
}

/// Settings that limit nothing a peer does.
const NO_LIMITS: [&str; 4] = ["gzip_over", "first", "max", "jitter"];

#[test]
fn the_table_is_true() {
    let mut settings = BTreeMap::new();
    for (owner, shown) in defaults() {
        for (name, value) in fields(&shown) {
            if !NO_LIMITS.contains(&name.as_str()) {
                settings.insert(format!("{owner}::{name}"), value);
            }
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../SECURITY.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut told = BTreeMap::new();
    for line in text.lines() {
        let mut cells = line.split(" | ");
        let name = cells.next().and_then(|cell| cell.strip_prefix("| `"));
        if let (Some(name), Some(value)) = (name, cells.next()) {
            told.insert(name.trim_end_matches('`').to_owned(), value.to_owned());
        }
    }
    for (name, value) in &settings {
        let told = told.get(name).map(String::as_str);
        assert_eq!(told, Some(human(name, value).as_str()), "of {name}");
    }
    for name in told.keys() {
        assert!(settings.contains_key(name), "there is no {name}");
    }
}

/// The numbers and times among the fields of a struct itself, not of those within it.
fn fields(shown: &str) -> Vec<(String, String)> {
    let inner = shown.split_once("{ ").unwrap().1;
    let mut depth = 0;
    let mut fields = vec![String::new()];
    // The settings of a listener are set with the setters of its owner, as are the limits of a codec.
    let inner = inner.replace("settings: ConnectionSettings {", "");
    for c in inner.replace("limits: Limits {", "").chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth <= 0 => fields.push(String::new()),
            _ => {}
        }
        fields.last_mut().unwrap().push(c);
    }
    let fields = fields.iter().filter_map(|field| {
        let (name, value) = field.trim_start_matches([',', ' ']).split_once(": ")?;
        let value = value.trim_end_matches([' ', '}']);
        let value = value
            .strip_prefix("Some(")
            .map_or(value, |v| v.trim_end_matches(')'));
        // A budget is known by its size.
        let value = value
            .strip_prefix("Budget { bytes: ")
            .and_then(|v| v.split_once(','))
            .map_or(value, |(bytes, _)| bytes);
        let is_limit = value.starts_with(|c: char| c.is_ascii_digit())
            || (value == "None" && name.ends_with("timeout"));
        is_limit.then(|| (name.to_owned(), value.to_owned()))
    });
    fields.collect()
}

/// How people write a number or a time.
fn human(name: &str, value: &str) -> String {
    if value == "None" {
        return "none".to_owned();
    }
    if let Some(seconds) = value.strip_suffix("ns").or_else(|| value.strip_suffix('s')) {
        let seconds: u64 = seconds.parse().unwrap();
        return match seconds {
            120.. => format!("{} min", seconds / 60),
            _ => format!("{seconds} s"),
        };
    }
    let number: u64 = value.parse().unwrap();
    let is_bytes = [
        "max_body",
        "max_reply",
        "bytes",
        "max_message",
        "budget",
        "window",
        "max_backlog",
    ]
    .contains(&name.rsplit("::").next().unwrap());
    match number {
        _ if is_bytes && number.is_multiple_of(1 << 20) => format!("{} MiB", number >> 20),
        _ if is_bytes => format!("{} KiB", number >> 10),
        _ => {
            let digits = number.to_string();
            let groups: Vec<&str> = digits
                .as_bytes()
                .rchunks(3)
                .rev()
                .map(|group| std::str::from_utf8(group).unwrap())
                .collect();
            groups.join(",")
        }
    }
}
