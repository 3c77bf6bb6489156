//! Files of lines: hosts with their URLs, and what files of groups share with them.

use std::collections::HashMap;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use farcall_core::protocol::output::Foreign;

use super::limits::HostLimits;
use super::notation::{HostSetError, HostSetProblem, Pattern};
use super::set::HostSet;
use super::template::{UrlTemplate, UrlTemplateError};

/// Error of a file of hosts or groups.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A line is invalid.
    #[error("{}line {line}", PathPrefix(.path.as_deref()))]
    Line {
        /// The file, unless the text was not read from one.
        path: Option<PathBuf>,
        /// The number of the line, from 1.
        line: usize,
        /// The mistake.
        source: LineError,
    },
}

/// Mistake in a line of a file of hosts or groups.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// The line is no group with its hosts.
    #[error("no group: lines are NAME: HOSTS")]
    NoGroup,
    /// The text is no TOML, or has other values than expected.
    #[error("{}", Foreign::excerpt(.0))]
    Toml(String),
    /// The line has more than a name and a URL.
    #[error("more than a name and a URL: lines are NAME URL")]
    TooManyWords,
    /// The names are invalid.
    #[error("the names are invalid")]
    Names(#[from] HostSetError),
    /// The URL is invalid.
    #[error("the URL is invalid")]
    Url(#[from] UrlTemplateError),
    /// The ranges in a URL are invalid.
    #[error("the ranges in the URL are invalid")]
    UrlRanges(#[source] HostSetError),
    /// A URL stands for more than one host, and has neither `{host}` nor as many ranges.
    #[error(
        "{hosts} hosts and {urls} URLs: write {{host}} for the name in the URL, or ranges as in the \
         names"
    )]
    Count {
        /// Number of hosts.
        hosts: usize,
        /// Number of URLs.
        urls: usize,
    },
    /// A host was in a line before.
    #[error("{} is in line {first} already", Foreign::excerpt(.name))]
    Duplicate {
        /// The name of the host.
        name: String,
        /// The number of the line before.
        first: usize,
    },
}

farcall_core::debug_errors!(FileError, LineError);

impl FileError {
    pub(super) const fn line(line: usize, source: LineError) -> Self {
        Self::Line {
            path: None,
            line,
            source,
        }
    }

    /// Adds the file to an error of its text.
    pub(super) fn within(self, file: &Path) -> Self {
        match self {
            Self::Line { line, source, .. } => Self::Line {
                path: Some(file.to_owned()),
                line,
                source,
            },
            other => other,
        }
    }

    /// Reads a file, which may be a pipe of the shell.
    pub(super) fn read(path: &Path, limits: &HostLimits) -> Result<String, Self> {
        let read = || {
            let mut bytes = Vec::new();
            let most = u64::try_from(limits.max_text).unwrap_or(u64::MAX);
            let file = std::fs::File::open(path)?;
            file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
            if bytes.len() > limits.max_text {
                let message = format!("it has more than {most} bytes");
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
            }
            String::from_utf8(bytes)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
        };
        read().map_err(|source| Self::Read {
            path: path.to_owned(),
            source,
        })
    }
}

struct PathPrefix<'a>(Option<&'a Path>);

impl std::fmt::Display for PathPrefix<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(path) => write!(f, "{}, ", path.display()),
            None => Ok(()),
        }
    }
}

/// Returns the lines that are neither blank nor comments, with their numbers. A comment begins with
/// `#` at the beginning of a line or behind white space.
pub(super) fn content(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(index, line)| {
        let mut comments = line.match_indices('#').map(|(at, _)| at);
        let begins = |at: &usize| *at == 0 || line[..*at].ends_with(char::is_whitespace);
        let end = comments.find(begins).unwrap_or(line.len());
        (index + 1, line[..end].trim())
    });
    lines.filter(|(_, line)| !line.is_empty())
}

/// Hosts of a file, with the URLs of those that have one.
#[derive(Debug, Default)]
pub(super) struct HostLines {
    pub(super) hosts: HostSet,
    pub(super) urls: HashMap<Arc<str>, String>,
}

impl HostLines {
    pub(super) fn from_file(path: &Path, limits: &HostLimits) -> Result<Self, FileError> {
        let text = FileError::read(path, limits)?;
        Self::parse(&text, limits).map_err(|error| error.within(path))
    }

    /// Parses lines `NAME [URL]`.
    pub(super) fn parse(text: &str, limits: &HostLimits) -> Result<Self, FileError> {
        let mut all = Self::default();
        let mut lines: HashMap<Arc<str>, usize> = HashMap::new();
        for (line, text) in content(text) {
            let error = |source| FileError::line(line, source);
            let (hosts, urls) = Self::read_line(text, limits).map_err(error)?;
            let mut urls = urls.into_iter();
            for name in hosts {
                if let Some(first) = lines.insert(Arc::clone(&name), line) {
                    let name = name.to_string();
                    return Err(error(LineError::Duplicate { name, first }));
                }
                if let Some(url) = urls.next() {
                    all.urls.insert(Arc::clone(&name), url);
                }
                all.hosts.insert(name);
                if all.hosts.len() > limits.max_hosts {
                    let problem = HostSetProblem::TooManyHosts(limits.max_hosts);
                    return Err(error(HostSetError::new(text, 0, problem).into()));
                }
            }
        }
        Ok(all)
    }

    /// Returns the hosts of a line, and as many URLs, or none.
    fn read_line(text: &str, limits: &HostLimits) -> Result<(HostSet, Vec<String>), LineError> {
        let (names, url) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let url = url.trim_start();
        if url.contains(char::is_whitespace) {
            return Err(LineError::TooManyWords);
        }
        let hosts = HostSet::parse_with(names, limits)?;
        if url.is_empty() {
            return Ok((hosts, Vec::new()));
        }
        let template: UrlTemplate = url.parse()?;
        let urls = if template.has_host() {
            hosts.iter().map(|name| template.url(name)).collect()
        } else if hosts.len() == 1 {
            vec![url.to_owned()]
        } else {
            let pattern =
                Pattern::parse(url, 0, url.len(), limits).map_err(LineError::UrlRanges)?;
            let mut urls = Vec::with_capacity(pattern.count());
            pattern.for_each(|url| urls.push(url.to_owned()));
            urls
        };
        if urls.len() != hosts.len() {
            let (hosts, urls) = (hosts.len(), urls.len());
            return Err(LineError::Count { hosts, urls });
        }
        Ok((hosts, urls))
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use farcall_core::protocol::output::Causes;

    use super::*;

    fn parse(text: &str) -> Result<Vec<String>, String> {
        let lines = HostLines::parse(text, &HostLimits::default())
            .map_err(|error| Causes(&error).to_string())?;
        let line = |name: &str| match lines.urls.get(name) {
            Some(url) => format!("{name} {url}"),
            None => name.to_owned(),
        };
        Ok(lines.hosts.iter().map(line).collect())
    }

    #[test]
    fn lines_with_names_and_urls() {
        let text = "# hosts\n\n  gw  http://10.0.0.1/RPC2#x # a comment\r\n\
                    node[1-2]\tconn+rpc://{host}:7000\n\
                    rack[1-2]n1 http://10.[1-2].0.1:8000\n\
                    plain[8-9]#\n";
        let text = text.replace("plain[8-9]#", "plain[8-9] #");
        assert_eq!(
            parse(&text).unwrap(),
            [
                "gw http://10.0.0.1/RPC2#x",
                "node1 conn+rpc://node1:7000",
                "node2 conn+rpc://node2:7000",
                "rack1n1 http://10.1.0.1:8000",
                "rack2n1 http://10.2.0.1:8000",
                "plain8",
                "plain9",
            ]
        );
        assert_eq!(parse("").unwrap(), [""; 0]);
    }

    #[test]
    fn mistakes_have_their_lines() {
        for (text, expected) in [
            (
                "a\n\nb http://x y",
                "line 3: more than a name and a URL: lines are NAME URL",
            ),
            (
                "a\nn[1-",
                "line 2: the names are invalid: column 2: `[` without `]`",
            ),
            (
                "@web http://x",
                "line 1: the names are invalid: column 1: groups are not known here",
            ),
            (
                "a 10.0.0.1",
                "line 1: the URL is invalid: no URL: one is SCHEME://ADDRESS, such as conn+rpc://{host}:7000",
            ),
            (
                "n[1-3] http://x",
                "line 1: 3 hosts and 1 URLs: write {host} for the name in the URL, or ranges as in the names",
            ),
            (
                "a http://x\nb\na http://y",
                "line 3: a is in line 1 already",
            ),
            (
                "a\nn[1-200000] http://{host}",
                "line 2: the names are invalid: column 1: more than 100000 hosts: the limit of hosts can be raised",
            ),
            (
                "m[1-60000]\nn[1-60000]",
                "line 2: the names are invalid: column 1: more than 100000 hosts: the limit of hosts can be raised",
            ),
        ] {
            assert_eq!(parse(text).expect_err(text), expected);
        }
    }

    #[test]
    fn ten_thousand_lines_are_read() {
        let mut text = String::new();
        for n in 0..10_000 {
            writeln!(
                text,
                "host{n} http://127.0.{}.{}:8000/RPC2",
                n / 250,
                n % 250
            )
            .unwrap();
        }
        assert_eq!(parse(&text).unwrap().len(), 10_000);
    }

    #[test]
    fn files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hosts");
        let read = |limits: &HostLimits| match HostLines::from_file(&path, limits) {
            Ok(lines) => lines.hosts.to_string(),
            Err(error) => Causes(&error)
                .to_string()
                .replace(&path.display().to_string(), "FILE"),
        };
        let limits = HostLimits::default();
        assert!(
            read(&limits).starts_with("cannot read FILE: No such file"),
            "{}",
            read(&limits)
        );
        std::fs::write(&path, "a\nb c d\n").unwrap();
        assert_eq!(
            read(&limits),
            "FILE, line 2: more than a name and a URL: lines are NAME URL"
        );
        std::fs::write(&path, "a[1-3]\n").unwrap();
        assert_eq!(read(&limits), "a[1-3]");
        assert_eq!(
            read(&limits.clone().max_text(5)),
            "cannot read FILE: it has more than 5 bytes"
        );
        std::fs::write(&path, b"a\xff\n").unwrap();
        assert!(
            read(&limits).starts_with("cannot read FILE: invalid utf-8"),
            "{}",
            read(&limits)
        );
    }
}
