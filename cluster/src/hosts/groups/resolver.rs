//! Resolution of texts with groups.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;

use super::{GroupMembers, GroupSource, ResolveError};
use crate::hosts::limits::HostLimits;
use crate::hosts::lines::HostLines;
use crate::hosts::notation::{GroupNames, Operand, Pattern, Terms};
use crate::hosts::set::{Evaluation, HostSet};

/// Names of groups in an error.
const SHOWN: usize = 8;

/// Groups of hosts by name, from any number of [sources](GroupSource).
///
/// `@GROUP` is a group of the first source, or of the [default](Self::default_source) one;
/// `@SOURCE:GROUP` is that of another source. `@*` and `@SOURCE:*` are all hosts of a source.
/// `@FILE` is a file with lines `NAME URL`, if its name has a `/`, or there is no such group. Each
/// group is asked for once, and its hosts are kept as long as this value.
///
/// ```
/// use farcall::cluster::{GroupTable, HostGroups};
///
/// # async fn example() -> Result<(), farcall::cluster::ResolveError> {
/// let table = GroupTable::new().group("web", "node[1-4]").group("all", "@web,gw");
/// let groups = HostGroups::new().source("site", table);
/// assert_eq!(groups.resolve("@all!node3").await?.to_string(), "gw,node[1-2,4]");
/// let error = groups.resolve("@wbe").await.unwrap_err();
/// assert_eq!(error.to_string(), "there is no group @site:wbe: there are web, all");
/// # Ok(())
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(example()).unwrap();
/// ```
#[derive(Default)]
#[must_use]
pub struct HostGroups {
    sources: Vec<(String, Arc<dyn GroupSource>)>,
    default_source: Option<String>,
    limits: HostLimits,
    known: Mutex<Known>,
}

/// Answers of the sources.
#[derive(Default)]
struct Known {
    groups: HashMap<(usize, String), Arc<HostSet>>,
    urls: HashMap<Arc<str>, Arc<str>>,
}

/// The groups that are being resolved, each within the one before.
struct Visit<'a> {
    source: usize,
    group: &'a str,
    depth: usize,
    outer: Option<&'a Self>,
}

impl HostGroups {
    /// Creates a value without sources, which knows files of hosts only.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a source. One with the same name is replaced.
    pub fn source(mut self, name: impl Into<String>, source: impl GroupSource + 'static) -> Self {
        let name = name.into();
        self.sources.retain(|(other, _)| *other != name);
        self.sources.push((name, Arc::new(source)));
        self
    }

    /// The source of groups that are named without one.
    ///
    /// Default: the one that was added first.
    pub fn default_source(mut self, name: impl Into<String>) -> Self {
        self.default_source = Some(name.into());
        self
    }

    /// Limits of the texts and of the groups.
    pub fn limits(mut self, limits: HostLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Returns the names of the sources, in the order in which they were added.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        self.sources.iter().map(|(name, _)| name.as_str())
    }

    /// Returns the hosts that a text means.
    ///
    /// # Errors
    /// If the text or a group in it is invalid or unknown, or a source fails.
    ///
    /// # Cancel safety
    /// Dropping the future ends what the sources do for it. Groups that are known by then are kept.
    pub async fn resolve(&self, text: &str) -> Result<HostSet, ResolveError> {
        self.evaluate(text, None).await
    }

    /// Returns the names of the groups of a source, or of the default one.
    ///
    /// # Errors
    /// If there is no such source, or it fails or cannot tell.
    ///
    /// # Cancel safety
    /// Dropping the future ends what the source does for it.
    pub async fn names(&self, source: Option<&str>) -> Result<Vec<String>, ResolveError> {
        let index = self.find(source, None)?;
        let (name, source) = &self.sources[index];
        let names = source.names().await;
        names.map_err(|source| ResolveError::Source {
            group: format!("{name}:*"),
            source,
        })
    }

    /// Returns the URL of a host, if a source has named it in what was resolved so far. It may be
    /// the name itself.
    #[must_use]
    pub fn url(&self, host: &str) -> Option<Arc<str>> {
        self.known().urls.get(host).cloned()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn evaluate<'a>(
        &'a self,
        text: &'a str,
        within: Option<&'a Visit<'a>>,
    ) -> BoxFuture<'a, Result<HostSet, ResolveError>> {
        Box::pin(async move {
            let invalid = |source| match within {
                None => ResolveError::Text(source),
                Some(visit) => ResolveError::Members {
                    group: self.show(visit.source, visit.group),
                    source,
                },
            };
            let mut evaluation = Evaluation::new(text, &self.limits);
            for term in Terms::new(text, &self.limits).map_err(invalid)? {
                let term = term.map_err(invalid)?;
                let combined = match term.operand {
                    Operand::Names(names) => evaluation.names(term.operator, term.at, &names),
                    Operand::Group { source, groups } => {
                        let hosts = self.operand(source, &groups, within).await?;
                        evaluation.hosts(term.operator, term.at, &hosts)
                    }
                };
                combined.map_err(invalid)?;
            }
            Ok(evaluation.finish())
        })
    }

    /// Returns the hosts of the groups in an operand.
    async fn operand(
        &self,
        source: Option<&str>,
        groups: &GroupNames<'_>,
        within: Option<&Visit<'_>>,
    ) -> Result<HostSet, ResolveError> {
        let groups = match groups {
            GroupNames::All => {
                let index = self.find(source, within)?;
                return Ok(HostSet::clone(&*self.group(index, "*", within).await?));
            }
            GroupNames::Named(groups) => expand(groups),
        };
        // Only a text that a person writes can name files, and no source.
        let may_be_file = source.is_none() && within.is_none();
        let mut all = HostSet::new();
        for group in groups {
            let path = Path::new(&group);
            if may_be_file && group.contains('/') {
                all.extend(self.file(path)?);
                continue;
            }
            let found = async { self.group(self.find(source, within)?, &group, within).await };
            match found.await {
                Ok(hosts) => all.extend(hosts.iter()),
                Err(ResolveError::UnknownGroup { .. } | ResolveError::NoGroups)
                    if may_be_file && path.is_file() =>
                {
                    all.extend(self.file(path)?);
                }
                // It looks like the name of a file.
                Err(ResolveError::UnknownGroup { hint, .. })
                    if may_be_file && group.contains('.') =>
                {
                    let hint = format!("there is no such file of hosts either; {hint}");
                    return Err(ResolveError::UnknownGroup { group, hint });
                }
                Err(ResolveError::NoGroups) if may_be_file => {
                    let hint = "no groups are configured, and there is no such file of hosts";
                    let hint = hint.to_owned();
                    return Err(ResolveError::UnknownGroup { group, hint });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    /// Returns the index of a source.
    fn find(&self, name: Option<&str>, within: Option<&Visit<'_>>) -> Result<usize, ResolveError> {
        let name = match (name, within, self.default_source.as_deref()) {
            (Some(name), _, _) | (None, None, Some(name)) => name,
            (None, Some(visit), _) => return Ok(visit.source),
            (None, None, None) if !self.sources.is_empty() => return Ok(0),
            (None, None, None) => return Err(ResolveError::NoGroups),
        };
        let found = self.sources.iter().position(|(source, _)| source == name);
        found.ok_or_else(|| ResolveError::UnknownSource {
            name: name.to_owned(),
            hint: list(self.sources()),
        })
    }

    /// Returns the hosts of a group, or of all groups of a source for `*`.
    async fn group(
        &self,
        source: usize,
        group: &str,
        outer: Option<&Visit<'_>>,
    ) -> Result<Arc<HostSet>, ResolveError> {
        let visit = Visit {
            source,
            group,
            depth: outer.map_or(1, |outer| outer.depth + 1),
            outer,
        };
        self.check(&visit)?;
        let key = (source, group.to_owned());
        if let Some(hosts) = self.known().groups.get(&key) {
            return Ok(Arc::clone(hosts));
        }
        let origin = &self.sources[source].1;
        let failed = |error| ResolveError::Source {
            group: self.show(source, group),
            source: error,
        };
        let hosts = if group == "*" {
            match origin.all().await.map_err(failed)? {
                Some(members) => self.members(members, &visit).await?,
                None => {
                    let mut all = HostSet::new();
                    for name in origin.names().await.map_err(failed)? {
                        let hosts = Box::pin(self.group(source, &name, Some(&visit))).await?;
                        all.extend(hosts.iter());
                    }
                    all
                }
            }
        } else {
            match origin.members(group).await.map_err(failed)? {
                Some(members) => self.members(members, &visit).await?,
                None => return Err(self.unknown(source, group).await),
            }
        };
        let hosts = Arc::new(hosts);
        self.known().groups.insert(key, Arc::clone(&hosts));
        Ok(hosts)
    }

    /// Returns the hosts of members, and keeps their URLs.
    async fn members(
        &self,
        members: GroupMembers,
        visit: &Visit<'_>,
    ) -> Result<HostSet, ResolveError> {
        let hosts = self.evaluate(&members.hosts, Some(visit)).await?;
        let urls = members.urls.into_iter();
        self.keep_urls(urls.map(|(host, url)| (host.into(), url)))?;
        self.keep_urls(named_urls(&hosts))?;
        Ok(hosts)
    }

    fn file(&self, path: &Path) -> Result<HostSet, ResolveError> {
        let lines = HostLines::from_file(path, &self.limits)?;
        self.keep_urls(lines.urls.into_iter())?;
        self.keep_urls(named_urls(&lines.hosts))?;
        Ok(lines.hosts)
    }

    fn keep_urls(
        &self,
        urls: impl Iterator<Item = (Arc<str>, String)>,
    ) -> Result<(), ResolveError> {
        let mut known = self.known();
        for (host, url) in urls {
            let url: Arc<str> = url.into();
            let kept = known
                .urls
                .entry(Arc::clone(&host))
                .or_insert_with(|| Arc::clone(&url));
            if *kept != url {
                return Err(ResolveError::TwoUrls(host.to_string()));
            }
        }
        Ok(())
    }

    /// Returns an error if a group is within itself, or too deep within others.
    fn check(&self, visit: &Visit<'_>) -> Result<(), ResolveError> {
        if visit.depth > self.limits.max_depth {
            return Err(ResolveError::TooDeep(self.limits.max_depth));
        }
        let name = |visit: &Visit<'_>| self.show(visit.source, visit.group);
        let mut circle = vec![name(visit)];
        let mut outer = visit.outer;
        while let Some(next) = outer {
            circle.push(name(next));
            if (next.source, next.group) == (visit.source, visit.group) {
                circle.reverse();
                return Err(ResolveError::Cycle(circle));
            }
            outer = next.outer;
        }
        Ok(())
    }

    async fn unknown(&self, source: usize, group: &str) -> ResolveError {
        // A source that cannot list its groups leaves the error without advice.
        let names = self.sources[source].1.names().await;
        let hint = names.map(|names| list(names.iter().map(String::as_str)));
        ResolveError::UnknownGroup {
            group: self.show(source, group),
            hint: hint.unwrap_or_default(),
        }
    }

    fn show(&self, source: usize, group: &str) -> String {
        format!("{}:{group}", self.sources[source].0)
    }
}

/// Returns the hosts whose names are URLs, which their source has named as well.
fn named_urls(hosts: &HostSet) -> impl Iterator<Item = (Arc<str>, String)> {
    let urls = hosts.iter().filter(|name| name.contains("://"));
    urls.map(|url| (url.into(), url.to_owned()))
}

fn expand(groups: &Pattern<'_>) -> Vec<String> {
    let mut names = Vec::new();
    groups.for_each(|name| names.push(name.to_owned()));
    names
}

/// Returns the beginning of a list of names as advice.
fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    match names.len() {
        0 => "there is none".to_owned(),
        count if count > SHOWN => {
            format!(
                "there are {} and {} more",
                names[..SHOWN].join(", "),
                count - SHOWN
            )
        }
        _ => format!("there are {}", names.join(", ")),
    }
}

impl fmt::Debug for HostGroups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostGroups")
            .field("sources", &self.sources)
            .field("default_source", &self.default_source)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
