//! Checks of a configuration against what is around it.

use std::path::Path;

use farcall_core::protocol::output::{Causes, Foreign};
use futures_util::future::{BoxFuture, FutureExt as _};

use super::{Config, ConfigFinding, Severity};
use crate::hosts::HostSet;
use crate::hosts::groups::{GroupError, GroupMembers, GroupSource, HostGroups};
use crate::hosts::secrets::{self, Level, Origin, Way, WithheldSecret};
use crate::hosts::settings::HostSettings;

/// Schemes of the protocols that Farcall has.
const SCHEMES: [&str; 27] = [
    "http",
    "https",
    "http+unix",
    "json+http",
    "json+https",
    "json+http+unix",
    "json+tcp",
    "json+tls",
    "json+unix",
    "json+lsp+tcp",
    "json+lsp+tls",
    "json+lsp+unix",
    "ws",
    "wss",
    "scgi",
    "scgi+unix",
    "conn+rpc",
    "conn+rpc+tls",
    "conn+rpc+encrypted",
    "conn+rpc+unix",
    "conn+rpc+abstract",
    "conn+manager",
    "conn+manager+tls",
    "conn+manager+encrypted",
    "conn+manager+unix",
    "conn+manager+abstract",
    "nats",
];

/// Headers whose values are secrets.
const SECRET_HEADERS: [&str; 4] = [
    "authorization",
    "cookie",
    "proxy-authorization",
    "x-api-key",
];

pub(super) fn check(config: &Config) -> Vec<ConfigFinding> {
    let mut findings = config.findings.clone();
    if has_mode(&config.path, 0o002) {
        let message = format!(
            "everybody can change it, and it has commands: chmod 600 {}",
            config.path.display()
        );
        findings.push(config.finding(Severity::Warning, &[], message));
    }
    check_settings(
        config,
        &["defaults"],
        &config.schema.defaults,
        &mut findings,
    );
    for (set, settings) in config.rules() {
        check_settings(config, &["hosts", set], settings, &mut findings);
    }
    check_secrets(config, &mut findings);
    check_groups(config, &mut findings);
    findings.sort_by_key(|finding| finding.line);
    findings
}

fn check_settings(
    config: &Config,
    keys: &[&str],
    settings: &HostSettings,
    findings: &mut Vec<ConfigFinding>,
) {
    let mut add = |severity, key: &str, message: String| {
        let keys: Vec<&str> = keys.iter().copied().chain(key.split('.')).collect();
        findings.push(config.finding(severity, &keys, message));
    };
    let mut located = config.settings(settings);
    for (key, file, is_secret) in located.files() {
        match std::fs::metadata(&*file) {
            Err(error) => {
                let message = format!("cannot read {}: {error}", file.display());
                add(Severity::Error, key, message);
            }
            Ok(data) if !data.is_file() => {
                add(
                    Severity::Error,
                    key,
                    format!("{} is no file", file.display()),
                );
            }
            Ok(_) if is_secret && is_public(file) => {
                let message = format!("everybody can read {0}: chmod 600 {0}", file.display());
                add(Severity::Warning, key, message);
            }
            Ok(_) => {}
        }
    }
    let tls = &settings.tls;
    if tls.key.is_some() && tls.cert.is_none() {
        add(
            Severity::Error,
            "tls.key",
            "`key` needs `cert`: add the certificate".to_owned(),
        );
    }
    if tls.cacert.is_some() && tls.pin.is_some() {
        let message = "`pin` accepts its certificates only: remove it, or `cacert`";
        add(Severity::Error, "tls.pin", message.to_owned());
    }
    if tls.insecure == Some(true) {
        let message = "`insecure`: whoever is on the way can read and change everything";
        add(Severity::Warning, "tls.insecure", message.to_owned());
    }
    if settings.bearer_file.is_some() && settings.basic_file.is_some() {
        let message = "a request has one `Authorization`: remove `basic_file` or `bearer_file`";
        add(Severity::Error, "basic_file", message.to_owned());
    }
    if let Some(url) = &settings.url {
        if !SCHEMES.contains(&url.scheme()) {
            let message = format!(
                "no protocol has the scheme `{}`: there are {}",
                Foreign::excerpt(url.scheme()),
                SCHEMES.join(", ")
            );
            add(Severity::Error, "url", message);
        }
        // The URL of one host needs no name.
        let is_one = keys
            .get(1)
            .and_then(|set| set.parse::<HostSet>().ok())
            .is_some_and(|set| set.len() == 1);
        if !url.has_host() && !is_one {
            let message = "the URL has no {host}: all hosts have the same one";
            add(Severity::Warning, "url", message.to_owned());
        }
    }
    for name in settings.headers.keys() {
        let is_secret = SECRET_HEADERS
            .iter()
            .any(|secret| name.eq_ignore_ascii_case(secret));
        if is_secret && is_public(&config.path) {
            let message = format!(
                "everybody can read `{}` here: use bearer_file or basic_file, or chmod 600 {}",
                Foreign::excerpt(name),
                config.path.display()
            );
            add(Severity::Warning, &format!("headers.{name}"), message);
        }
    }
}

/// Warns of secrets in clear text, and of those that do not go to the URL beside them.
fn check_secrets(config: &Config, findings: &mut Vec<ConfigFinding>) {
    let defaults = (Level::Defaults, &config.schema.defaults);
    check_way(config, &["defaults"], &[defaults], findings);
    for (set, settings) in config.rules() {
        let levels = [(Level::Rule(0), settings), defaults];
        check_way(config, &["hosts", set], &levels, findings);
    }
}

fn check_way(
    config: &Config,
    keys: &[&str],
    levels: &[(Level, &HostSettings)],
    findings: &mut Vec<ConfigFinding>,
) {
    let [(own, settings), ..] = levels else {
        return;
    };
    let mut templates = levels
        .iter()
        .filter_map(|(level, settings)| Some((*level, settings.url.as_ref()?)));
    let Some((level, template)) = templates.next() else {
        return;
    };
    let url = template.url("host");
    let mut add = |key: &str, message: String| {
        let keys: Vec<&str> = keys.iter().copied().chain([key]).collect();
        findings.push(config.finding(Severity::Warning, &keys, message));
    };
    let mut all = levels
        .iter()
        .fold(HostSettings::default(), |all, (_, settings)| {
            all.or(settings)
        });
    let withheld =
        Way::new(&url, Origin::Template(level)).and_then(|way| way.withhold(&mut all, levels));
    if let Some(reason) = withheld {
        let (WithheldSecret::ClearText(key) | WithheldSecret::ForeignUrl(key)) = reason;
        let key = if secrets::names(settings).any(|name| name == key) {
            key
        } else {
            "url"
        };
        add(key, format!("calls fail: {reason}"));
    }
    if level == *own && secrets::is_clear(&url) {
        for name in secrets::names(settings) {
            let message = format!("`{name}` goes over http:// in clear text: use https://");
            add(name, message);
        }
    }
}

/// Resolves all groups of tables, and the host sets with settings.
fn check_groups(config: &Config, findings: &mut Vec<ConfigFinding>) {
    let groups = config
        .sources()
        .fold(config.own_groups(), |groups, (name, source)| {
            if source.file.is_none() || config.broken_part("sources", name).is_some() {
                return groups.source(name, Unasked);
            }
            match source.open(config.folder(), &config.limits()) {
                Ok(source) => groups.source(name, source),
                Err(message) => {
                    findings.push(config.error(&["sources", name], message));
                    groups.source(name, Unasked)
                }
            }
        });
    let groups = config
        .broken_names("sources")
        .fold(groups, |groups, (name, _)| groups.source(name, Unasked));
    let has_no_mistake = |name: &&String| config.broken_part("groups", name).is_none();
    for name in config.schema.groups.keys().filter(has_no_mistake) {
        let text = format!("@{}:{name}", super::OWN);
        if let Some(message) = mistake(&groups, &text) {
            findings.push(config.error(&["groups", name], message));
        }
    }
    for (name, source) in config.sources().filter(|(_, source)| source.file.is_some()) {
        if let Some(message) = mistake(&groups, &format!("@{name}:*")) {
            let file = source
                .file
                .as_deref()
                .unwrap_or_else(|| Path::new(""))
                .display();
            findings.push(config.error(&["sources", name], format!("{file}: {message}")));
        }
    }
    for (set, _) in config.rules() {
        if let Some(message) = mistake(&groups, set) {
            findings.push(config.error(&["hosts", set], message));
        }
    }
}

/// Returns the mistake in a host set. Tables answer at once.
fn mistake(groups: &HostGroups, text: &str) -> Option<String> {
    let error = groups.resolve(text).now_or_never()?.err()?;
    Some(Causes(&error).to_string())
}

/// A source that is not asked, since a check runs no commands.
#[derive(Debug)]
struct Unasked;

impl GroupSource for Unasked {
    fn members<'a>(
        &'a self,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Option<GroupMembers>, GroupError>> {
        async { Ok(Some(GroupMembers::default())) }.boxed()
    }

    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, GroupError>> {
        async { Ok(Vec::new()) }.boxed()
    }
}

/// Returns `true` if everybody on this machine can read a file.
fn is_public(path: &Path) -> bool {
    has_mode(path, 0o004)
}

/// Returns `true` if a file has these bits in its mode.
#[cfg(unix)]
fn has_mode(path: &Path, bits: u32) -> bool {
    use std::os::unix::fs::PermissionsExt as _;

    std::fs::metadata(path).is_ok_and(|data| data.permissions().mode() & bits != 0)
}

/// Returns `false`: access is not a matter of modes here.
#[cfg(not(unix))]
const fn has_mode(_: &Path, _: u32) -> bool {
    false
}
