//! Errors of the notation.

use farcall_core::protocol::output::Foreign;

/// Error in the text of a host set: the mistake and its place.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {problem}")]
#[non_exhaustive]
pub struct HostSetError {
    /// Place of the mistake in the text: the number of the character, from 1.
    pub column: usize,
    /// The mistake.
    pub problem: HostSetProblem,
}

farcall_core::debug_errors!(HostSetError);

impl HostSetError {
    /// Creates an error at a byte of the text.
    pub(in crate::hosts) fn new(text: &str, at: usize, problem: HostSetProblem) -> Self {
        let before = text.get(..at).unwrap_or(text);
        Self {
            column: before.chars().count() + 1,
            problem,
        }
    }
}

/// Mistake in the text of a host set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostSetProblem {
    /// There is an operator with nothing before it.
    #[error("nothing stands before `{0}`")]
    NothingBefore(char),
    /// There is an operator with nothing behind it.
    #[error("nothing stands behind `{0}`")]
    NothingBehind(char),
    /// A bracket is never closed.
    #[error("`[` without `]`")]
    UnclosedBracket,
    /// A bracket was never opened.
    #[error("`]` without `[`")]
    UnopenedBracket,
    /// There are brackets within brackets.
    #[error("`[` within brackets: a list of ranges is [1-4,7]")]
    NestedBracket,
    /// There is nothing between brackets, or between the commas within them.
    #[error("a number or range is missing")]
    EmptyRange,
    /// A text within brackets is neither a number nor a range.
    #[error("`{}` is no range: ranges are 7, 1-20, 01-20 and 1-9/2", Foreign::excerpt(.0))]
    InvalidRange(String),
    /// A number of a range has more than 18 digits.
    #[error("`{}` is too large: numbers of ranges have at most 18 digits", Foreign::excerpt(.0))]
    NumberTooLarge(String),
    /// The numbers of a range are padded with zeros to different lengths.
    #[error(
        "the numbers of `{}` have different lengths: with leading zeros, both need the same, as in \
         [01-99,100-120]",
        Foreign::excerpt(.0)
    )]
    PaddingMismatch(String),
    /// The second number of a range is smaller than the first.
    #[error("`{}` ends before it begins", Foreign::excerpt(.0))]
    Reversed(String),
    /// The step of a range is zero, or there is a step without a range.
    #[error("`{}` has no valid step: 1-9/2 is 1,3,5,7,9", Foreign::excerpt(.0))]
    InvalidStep(String),
    /// Digits precede brackets with numbers of different lengths, as in `node1[9-10]`. ClusterShell
    /// reads that as 19 to 110, pdsh as 19 and 110.
    #[error(
        "digits stand before numbers of different lengths, which other programs read in different \
         ways: write all digits within the brackets"
    )]
    AmbiguousDigits,
    /// A character cannot be part of a name.
    #[error("{0:?} cannot be part of a name")]
    InvalidCharacter(char),
    /// There is a wildcard.
    #[error("there are no wildcards: @* are all hosts, @GROUP those of a group")]
    Wildcard,
    /// There is a group, where no groups are known.
    #[error("groups are not known here")]
    UnexpectedGroup,
    /// The name of a group is missing.
    #[error("the name of a group is missing: groups are @GROUP, @SOURCE:GROUP and @*")]
    MissingGroup,
    /// The text is too long.
    #[error("the text has more than {0} bytes")]
    TextTooLong(usize),
    /// A name is too long.
    #[error("a name has more than {0} bytes")]
    NameTooLong(usize),
    /// There are too many hosts.
    #[error("more than {0} hosts: the limit of hosts can be raised")]
    TooManyHosts(usize),
    /// There are too many ranges in the brackets of a name.
    #[error("more than {0} ranges in one name")]
    TooManyRanges(usize),
    /// There are too many brackets in a name.
    #[error("more than {0} brackets in one name")]
    TooManyDimensions(usize),
}
