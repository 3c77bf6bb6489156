//! Limits on the sizes of host sets.

/// Maximum sizes of a host set, and of the text that it is parsed from.
///
/// A slip of a finger, such as `node[1-99999999]`, is then an error that says so, and not a minute
/// without an answer.
///
/// ```
/// use farcall::cluster::{HostLimits, HostSet};
///
/// let limits = HostLimits::default().max_hosts(10);
/// let error = HostSet::parse_with("node[1-11]", &limits).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "column 1: more than 10 hosts: the limit of hosts can be raised"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct HostLimits {
    pub(super) max_hosts: usize,
    pub(super) max_text: usize,
    pub(super) max_name: usize,
    pub(super) max_ranges: usize,
    pub(super) max_dimensions: usize,
    pub(super) max_depth: usize,
}

/// Product of names and this number that a text may expand to, as names can be repeated, and
/// excluded again.
const WORK: usize = 10;

/// Highest number of dimensions that can be set: the parts of a name are expanded recursively.
const MAX_DIMENSIONS: usize = 64;

impl Default for HostLimits {
    fn default() -> Self {
        Self {
            max_hosts: 100_000,
            max_text: 4 * 1024 * 1024,
            max_name: 1024,
            max_ranges: 100_000,
            max_dimensions: 8,
            max_depth: 16,
        }
    }
}

impl HostLimits {
    /// Maximum number of hosts in a set, in an operand of an expression and in a group. All
    /// operands of an expression may have ten times as many.
    ///
    /// Default: 100,000, more than the largest clusters have.
    pub fn max_hosts(mut self, hosts: usize) -> Self {
        self.max_hosts = hosts;
        self
    }

    /// Maximum length of a text in bytes: of an argument, of the members of a group, and of a file
    /// of groups or hosts.
    ///
    /// Default: 4 MiB, for 100,000 names of 40 bytes.
    pub fn max_text(mut self, bytes: usize) -> Self {
        self.max_text = bytes;
        self
    }

    /// Maximum length of a name in bytes.
    ///
    /// Default: 1,024. Names in the DNS have 255 at most, but a name can be a URL.
    pub fn max_name(mut self, bytes: usize) -> Self {
        self.max_name = bytes;
        self
    }

    /// Maximum number of ranges in the brackets of one name: `node[1-5,8]` has two.
    ///
    /// Default: 100,000, as many as hosts: no folded name has more ranges than hosts.
    pub fn max_ranges(mut self, ranges: usize) -> Self {
        self.max_ranges = ranges;
        self
    }

    /// Maximum number of brackets in one name: `rack[1-4]node[01-20]` has two. At most 64.
    ///
    /// Default: 8.
    pub fn max_dimensions(mut self, dimensions: usize) -> Self {
        self.max_dimensions = dimensions.min(MAX_DIMENSIONS);
        self
    }

    /// Maximum number of groups within groups.
    ///
    /// Default: 16.
    pub fn max_depth(mut self, depth: usize) -> Self {
        self.max_depth = depth;
        self
    }

    /// Maximum number of names that the operands of one text expand to.
    pub(super) const fn max_work(&self) -> usize {
        self.max_hosts.saturating_mul(WORK)
    }
}
