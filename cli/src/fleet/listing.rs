//! `farcall hosts`: hosts with their URLs, and the protection of their connections.

use std::process::ExitCode;

use farcall::cluster::{HostEntry, HostSet};

use super::hosts::Target;
use crate::terminal::print;

/// Prints the hosts: their folded names, or a line for each.
pub(super) fn run(targets: &[Target], fold: bool) -> ExitCode {
    let names = targets.iter().map(|target| target.host.name());
    if fold {
        let hosts: HostSet = names.collect();
        return print(&hosts.to_string());
    }
    let width = widest(names);
    let url_width = widest(targets.iter().map(Target::shown_url));
    let lines = targets.iter().map(|target| {
        let (name, url) = (target.host.name(), target.shown_url());
        format!(
            "{name:width$}  {url:url_width$}  {}",
            protection(&target.entry)
        )
    });
    print(&lines.collect::<Vec<_>>().join("\n"))
}

/// The width of a column with these texts.
fn widest<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    let widths = texts.map(|text| text.chars().count());
    widths.max().unwrap_or(0)
}

/// The protection of the connections to a host, and the proofs that it gets.
fn protection(entry: &HostEntry) -> String {
    let (scheme, _) = entry.url.split_once("://").unwrap_or_default();
    // JSON-RPC has the proofs of HTTP, and so has the handshake of a WebSocket.
    let http = scheme.strip_prefix("json+").unwrap_or(scheme);
    let is_http = http.starts_with("http") || scheme == "ws" || scheme == "wss";
    let is_tls = http == "https" || scheme == "wss" || scheme.ends_with("+tls");
    let settings = &entry.settings;
    let insecure = settings.tls.insecure == Some(true);
    let parts = [
        ("TLS", is_tls && !insecure),
        ("TLS without verification", is_tls && insecure),
        ("TLS by the authkey", scheme.ends_with("+encrypted")),
        (
            "local socket",
            scheme.ends_with("+unix") || scheme.ends_with("+abstract"),
        ),
        ("client certificate", is_tls && settings.tls.cert.is_some()),
        (
            "authkey",
            scheme.starts_with("conn") && settings.authkey_file.is_some(),
        ),
        (
            "NATS key",
            scheme.starts_with("nats") && settings.nats_file.is_some(),
        ),
        ("token", is_http && settings.bearer_file.is_some()),
        ("password", is_http && settings.basic_file.is_some()),
        ("headers", is_http && !settings.headers.is_empty()),
    ];
    let parts = parts.into_iter().filter(|(_, given)| *given);
    let shown: Vec<&str> = parts.map(|(name, _)| name).collect();
    let mut shown = match &shown[..] {
        [] => "no protection".to_owned(),
        proofs if entry.is_clear_text() => format!("{} in clear text", proofs.join(", ")),
        parts => parts.join(", "),
    };
    if let Some(reason) = entry.withheld {
        shown = format!("{shown}, and no calls: {reason}");
    }
    shown
}
