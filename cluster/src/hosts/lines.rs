//! Files of lines: hosts with their URLs, and what files of groups share with them.

use std::collections::HashMap;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use farcall_core::protocol::output::Foreign;

use super::limits::HostLimits;
use super::notation::{HostSetError, Pattern};
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
    /// A URL stands for more than one host, and has neither `{host}` nor as many ranges.
    #[error(
        "{urls} URLs for {hosts} hosts: write {{host}} for the name in the URL, or ranges as in the \
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
            for (name, url) in Self::read_line(text, limits).map_err(error)? {
                if let Some(first) = lines.insert(Arc::clone(&name), line) {
                    let name = name.to_string();
                    return Err(error(LineError::Duplicate { name, first }));
                }
                if let Some(url) = url {
                    all.urls.insert(Arc::clone(&name), url);
                }
                all.hosts.insert(name);
                if all.hosts.len() > limits.max_hosts {
                    let problem = super::notation::HostSetProblem::TooManyHosts(limits.max_hosts);
                    return Err(error(HostSetError::new(text, 0, problem).into()));
                }
            }
        }
        Ok(all)
    }

    fn read_line(
        text: &str,
        limits: &HostLimits,
    ) -> Result<Vec<(Arc<str>, Option<String>)>, LineError> {
        let (names, url) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let url = url.trim_start();
        if url.contains(char::is_whitespace) {
            return Err(LineError::TooManyWords);
        }
        let hosts = HostSet::parse_with(names, limits)?;
        if url.is_empty() {
            return Ok(hosts.into_iter().map(|name| (name, None)).collect());
        }
        let template: UrlTemplate = url.parse()?;
        if template.has_host() || hosts.len() == 1 {
            let with_url = |name: Arc<str>| {
                // A name that is a URL itself would replace this one.
                let url = if template.has_host() {
                    template.url(&name)
                } else {
                    url.to_owned()
                };
                (name, Some(url))
            };
            return Ok(hosts.into_iter().map(with_url).collect());
        }
        let pattern = Pattern::parse(url, 0, url.len(), limits)?;
        let mut urls = Vec::with_capacity(pattern.count());
        pattern.for_each(|url| urls.push(Some(url.to_owned())));
        if urls.len() != hosts.len() {
            let (hosts, urls) = (hosts.len(), urls.len());
            return Err(LineError::Count { hosts, urls });
        }
        Ok(hosts.into_iter().zip(urls).collect())
    }
}
