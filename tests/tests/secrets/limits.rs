//! Check of the table of limits in SECURITY.md: it lists every limit that can be set, with its
//! default.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;

/// The types with settings, as `path::of::Type`, and the `Debug` output of their defaults.
fn defaults() -> Vec<(&'static str, String)> {
    fn debug(value: &impl Debug) -> String {
        format!("{value:?}")
    }
    // All other settings of its listener are those of `ListenerBuilder`.
    let manager = debug(&farcall::conn::managers::Server::new().bind("127.0.0.1:0"));
    let (_, max_message) = manager.split_once("max_message: ").unwrap();
    let (max_message, _) = max_message.split_once(',').unwrap();
    vec![
        (
            "farcall::conn::managers::ManagerBuilder",
            format!("ManagerBuilder {{ max_message: {max_message} }}"),
        ),
        ("farcall::Budget", debug(&farcall::Budget::default())),
        (
            "farcall::http::ServerOptions",
            debug(&farcall::http::ServerOptions::default()),
        ),
        (
            "farcall::xmlrpc::DocumentOptions",
            debug(&farcall::xmlrpc::DocumentOptions::default()),
        ),
        (
            "farcall::xmlrpc::XmlRpc",
            debug(&farcall::xmlrpc::XmlRpc::default()),
        ),
        (
            "farcall::xmlrpc::ClientOptions",
            debug(&farcall::xmlrpc::ClientOptions::default()),
        ),
        (
            "farcall::jsonrpc::Service",
            debug(&farcall::jsonrpc::Service::new(farcall::Registry::new())),
        ),
        (
            "farcall::jsonrpc::SessionOptions",
            debug(&farcall::jsonrpc::SessionOptions::default()),
        ),
        (
            "farcall::jsonrpc::SocketServerOptions",
            debug(&farcall::jsonrpc::SocketServerOptions::default()),
        ),
        (
            "farcall::jsonrpc::SocketClientOptions",
            debug(&farcall::jsonrpc::SocketClientOptions::default()),
        ),
        (
            "farcall::conn::ListenerBuilder",
            debug(&farcall::conn::Listener::bind("127.0.0.1:0")),
        ),
        (
            "farcall::conn::Bincode",
            debug(&farcall::conn::Bincode::default()),
        ),
        ("farcall::Json", debug(&farcall::Json::default())),
        (
            "farcall::conn::MessagePack",
            debug(&farcall::conn::MessagePack::default()),
        ),
        (
            "farcall::pickle::Pickle",
            debug(&farcall::pickle::Pickle::default()),
        ),
        (
            "farcall::conn::Postcard",
            debug(&farcall::conn::Postcard::default()),
        ),
        (
            "farcall::rpc::ServerOptions",
            debug(&farcall::rpc::ServerOptions::default()),
        ),
        (
            "farcall::rpc::SessionOptions",
            debug(&farcall::rpc::SessionOptions::default()),
        ),
        (
            "farcall::rpc::Reconnect",
            debug(&farcall::rpc::Reconnect::default()),
        ),
        (
            "farcall::conn::managers::ManagerOptions",
            debug(&farcall::conn::managers::ManagerOptions::default()),
        ),
        (
            "farcall::middleware::RateLimit",
            debug(&farcall::middleware::RateLimit::per_second(1)),
        ),
        (
            "farcall::sockets::StreamServer",
            debug(&farcall::sockets::StreamServer::new(async |_| Ok(()))),
        ),
        (
            "farcall::sockets::DatagramServer",
            debug(&farcall::sockets::DatagramServer::new(async |_| Ok(()))),
        ),
        (
            "farcall::cluster::agent::RunOptions",
            debug(&farcall::cluster::agent::RunOptions::default()),
        ),
        (
            "farcall::cluster::agent::FileOptions",
            debug(&farcall::cluster::agent::FileOptions::default()),
        ),
        (
            "farcall::cluster::agent::TailOptions",
            debug(&farcall::cluster::agent::TailOptions::default()),
        ),
        (
            "farcall::cluster::agent::FanOutOptions",
            debug(&farcall::cluster::agent::FanOutOptions::default()),
        ),
    ]
}

/// Settings that are not limits on peers.
const NO_LIMITS: [&str; 6] = [
    "gzip_over",
    "first_pause",
    "max_pause",
    "jitter",
    "mode",
    "pages",
];

#[test]
fn the_table_lists_every_limit_with_its_default() {
    let mut settings = BTreeMap::new();
    for (owner, debug) in defaults() {
        for (name, value) in fields(&debug) {
            if !NO_LIMITS.contains(&name.as_str()) {
                settings.insert(format!("{owner}::{name}"), value);
            }
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../SECURITY.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut documented = BTreeMap::new();
    for line in text.lines() {
        let mut cells = line.split(" | ");
        let name = cells.next().and_then(|cell| cell.strip_prefix("| `"));
        if let (Some(name), Some(value)) = (name, cells.next()) {
            documented.insert(name.trim_end_matches('`').to_owned(), value.to_owned());
        }
    }
    for (name, value) in &settings {
        let documented = documented.get(name).map(String::as_str);
        assert_eq!(documented, Some(human(name, value).as_str()), "of {name}");
    }
    for name in documented.keys() {
        assert!(settings.contains_key(name), "no setting is called {name}");
    }
}

/// Returns the numbers and durations among the direct fields of a struct.
fn fields(debug: &str) -> Vec<(String, String)> {
    let inner = debug.split_once("{ ").unwrap().1;
    let mut depth = 0;
    let mut fields = vec![String::new()];
    // The settings of a listener are set with the setters of its owner, and so are the limits of a
    // codec.
    let nested = [
        "settings: ConnectionSettings {",
        "config: ConnectionConfig {",
        "limits: CodecLimits {",
    ];
    let inner = nested
        .iter()
        .fold(inner.to_owned(), |inner, open| inner.replace(open, ""));
    for c in inner.chars() {
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
        // The value of a budget is its size.
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

/// Formats a number or a duration as the table does.
fn human(name: &str, value: &str) -> String {
    if value == "None" {
        return "none".to_owned();
    }
    if let Some(seconds) = value.strip_suffix("ns").or_else(|| value.strip_suffix('s')) {
        let seconds: u64 = seconds
            .parse()
            .unwrap_or_else(|_| panic!("{name} is {value}"));
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
        "max_output",
        "max_file",
        "max_value_bytes",
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
