//! Secrets of hosts: the URLs that get them, and those that do not.

use std::net::IpAddr;

use super::settings::HostSettings;

/// A secret that a host does not get, since its URL was not meant for it: the reason why a call
/// must not be sent at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum WithheldSecret {
    /// It would go over `http://` in clear text, and the entry that has it has another URL.
    #[error(
        "`{0}` is not sent in clear text: use https://, or set `{0}` and the http:// URL in the same \
         entry of the configuration"
    )]
    ClearText(&'static str),
    /// It is one of all hosts, and a group or a file named the URL.
    #[error(
        "`{0}` of [defaults] is not sent to a URL that a group or a file names: set it in an entry of \
         [hosts] that has this host"
    )]
    ForeignUrl(&'static str),
}

/// The place of a setting, the most specific one first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Level {
    Overrides,
    Rule(usize),
    Defaults,
}

/// The origin of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Origin {
    /// The template of these settings.
    Template(Level),
    /// The text that names the hosts.
    Text,
    /// A source of groups, or a file of hosts.
    Source,
}

/// Schemes of the protocols over HTTP, or begun by it.
const HTTP_SCHEMES: [&str; 10] = [
    "http",
    "https",
    "http+unix",
    "json+http",
    "json+https",
    "json+http+unix",
    "scgi",
    "scgi+unix",
    "ws",
    "wss",
];

/// The facts that decide whether a URL of HTTP gets a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Way {
    origin: Origin,
    is_clear: bool,
}

impl Way {
    /// Returns `None` for other protocols, which send none of these secrets.
    pub(super) fn new(url: &str, origin: Origin) -> Option<Self> {
        let (scheme, _) = url.split_once("://")?;
        let is_http = |name: &&str| scheme.eq_ignore_ascii_case(name);
        let is_clear = is_clear(url);
        HTTP_SCHEMES
            .iter()
            .any(is_http)
            .then_some(Self { origin, is_clear })
    }

    /// Returns the reason why the secret of these settings does not go this way.
    fn refusal(self, level: Level, setting: &'static str) -> Option<WithheldSecret> {
        match (level, self.origin) {
            // Given for this very command.
            (Level::Overrides, _) => None,
            (Level::Defaults, Origin::Source) => Some(WithheldSecret::ForeignUrl(setting)),
            (level, Origin::Template(other)) if level == other => None,
            _ => self.is_clear.then_some(WithheldSecret::ClearText(setting)),
        }
    }

    /// Takes the secrets out of the settings that do not go this way, and returns the reason for
    /// the first one. `levels` are those that the settings were made of.
    pub(super) fn withhold(
        self,
        settings: &mut HostSettings,
        levels: &[(Level, &HostSettings)],
    ) -> Option<WithheldSecret> {
        let level = |has: &dyn Fn(&HostSettings) -> bool| {
            let found = levels.iter().find(|(_, settings)| has(settings));
            found.map_or(Level::Defaults, |(level, _)| *level)
        };
        let has_token = |other: &HostSettings| other.bearer_file.is_some();
        let has_password = |other: &HostSettings| other.basic_file.is_some();
        let of_authorization = level(&|other| has_token(other) || has_password(other));
        let mut withheld = None;
        for (setting, file) in [
            ("bearer_file", &mut settings.bearer_file),
            ("basic_file", &mut settings.basic_file),
        ] {
            if file.is_some()
                && let Some(reason) = self.refusal(of_authorization, setting)
            {
                *file = None;
                withheld = withheld.or(Some(reason));
            }
        }
        // Any header may be a secret: nobody knows the names that servers choose.
        settings.headers.retain(|name, _| {
            let is_it = |other: &String| other.eq_ignore_ascii_case(name);
            let of_header = level(&|other| other.headers.keys().any(is_it));
            let reason = self.refusal(of_header, "headers");
            withheld = withheld.or(reason);
            reason.is_none()
        });
        withheld
    }
}

/// Returns the names of the secret settings that go over HTTP.
pub(super) fn names(settings: &HostSettings) -> impl Iterator<Item = &'static str> {
    let names = [
        ("bearer_file", settings.bearer_file.is_some()),
        ("basic_file", settings.basic_file.is_some()),
        ("headers", !settings.headers.is_empty()),
    ];
    names
        .into_iter()
        .filter_map(|(name, is_set)| is_set.then_some(name))
}

/// Returns `true` if what is sent to a URL of HTTP can be read on the way: there is no TLS, and the
/// host is not this one.
pub(super) fn is_clear(url: &str) -> bool {
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "json+http" | "ws" => !is_loopback(rest),
        // Without a host it is a socket file.
        "scgi" => !rest.starts_with('/') && !is_loopback(rest),
        _ => false,
    }
}

/// Returns `true` if the authority at the beginning of a text is surely this machine.
fn is_loopback(text: &str) -> bool {
    let authority = text.split(['/', '?', '#']).next().unwrap_or_default();
    // Some programs take it for `/`, and some for a part of the user name.
    if authority.contains('\\') {
        return false;
    }
    let (_, address) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (host, port) = match address.strip_prefix('[') {
        Some(address) => address.split_once(']').unwrap_or_default(),
        None => address.split_at(address.find(':').unwrap_or(address.len())),
    };
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
        && (host.eq_ignore_ascii_case("localhost")
            || host
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clear_text() {
        for url in [
            "http://h/",
            "HTTP://h",
            "http://127.0.0.1.example.com/",
            "http://127.0.0.1:80@h/",
            "http://h\\@127.0.0.1/",
            "http://localhost.example.com:80",
            "http://[::2]:80/",
            "http://10.0.0.1/",
            "JSON+http://h/",
            "ws://h/",
        ] {
            assert!(is_clear(url), "{url}");
        }
        for url in [
            "https://h/",
            "wss://h/",
            "ws://[::1]/",
            "json+https://h/",
            "json+http://127.0.0.1:80/",
            "http+unix:///run/x:/RPC2",
            "http://127.0.0.1:80/x",
            "http://u:p@127.1.2.3",
            "http://localhost/?x",
            "http://[::1]:80/",
            "conn+rpc://h:1",
        ] {
            assert!(!is_clear(url), "{url}");
        }
    }
}
