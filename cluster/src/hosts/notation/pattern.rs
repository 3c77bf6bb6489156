//! Patterns: names with ranges of numbers.

use std::net::Ipv6Addr;

use farcall_core::protocol::output::is_harmless;

use super::error::{HostSetError, HostSetProblem};
use crate::hosts::limits::HostLimits;

/// Maximum digits of a number in a range, which then fits into 64 bits.
const MAX_DIGITS: usize = 18;

/// Maximum bytes of an IPv6 address with its zone, so that a search for its end is short.
const MAX_ADDRESS: usize = 100;

/// A name, or names that differ in numbers.
#[derive(Debug)]
pub(in crate::hosts) struct Pattern<'a> {
    parts: Vec<PatternPart<'a>>,
    count: usize,
}

#[derive(Debug)]
enum PatternPart<'a> {
    Text(&'a str),
    Numbers(Vec<Numbers<'a>>),
}

#[derive(Debug)]
enum Numbers<'a> {
    One(&'a str),
    Range {
        first: u64,
        last: u64,
        step: u64,
        /// Minimum number of digits.
        width: usize,
    },
}

/// Returns `true` if names may contain a character. The others are operators, white space, or have
/// a meaning for shells.
pub(in crate::hosts) fn is_name_character(character: char) -> bool {
    is_harmless(character)
        && !character.is_whitespace()
        && !matches!(
            character,
            '[' | ']'
                | ','
                | '!'
                | '&'
                | '^'
                | '*'
                | '{'
                | '}'
                | '<'
                | '>'
                | '('
                | ')'
                | '"'
                | '\''
                | '`'
                | '|'
                | '\\'
                | ';'
                | '$'
                | '#'
        )
}

/// Returns the end of the IPv6 address that begins with the bracket at `open`, if there is one. It
/// has colons, which ranges have not.
pub(in crate::hosts) fn address_end(text: &str, open: usize) -> Option<usize> {
    let rest = &text[open + 1..];
    let mut bytes = rest.bytes().take(MAX_ADDRESS);
    let inner = &rest[..bytes.position(|byte| byte == b']')?];
    let address = inner.split_once('%').map_or(inner, |(address, _)| address);
    let is_zone = |c: char| c.is_ascii_alphanumeric() || "%-._~".contains(c);
    let zone = &inner[address.len()..];
    let is_address = address.parse::<Ipv6Addr>().is_ok() && zone.chars().all(is_zone);
    is_address.then(|| open + 1 + inner.len() + 1)
}

impl<'a> Pattern<'a> {
    /// Parses a part of a text. Errors have places in the whole text.
    pub(in crate::hosts) fn parse(
        text: &'a str,
        begin: usize,
        end: usize,
        limits: &HostLimits,
    ) -> Result<Self, HostSetError> {
        let error = |at: usize, problem| HostSetError::new(text, at, problem);
        let operand = &text[..end];
        let mut pattern = Self {
            parts: Vec::new(),
            count: 1,
        };
        let (mut dimensions, mut ranges, mut length) = (0, 0, 0);
        let mut at = begin;
        while at < end {
            let rest = &operand[at..];
            if !rest.starts_with('[') || address_end(operand, at).is_some() {
                let stop = text_end(operand, at);
                for (offset, character) in operand[at..stop].char_indices() {
                    let is_bracket = matches!(character, '[' | ']');
                    if character == '*' {
                        return Err(error(at + offset, HostSetProblem::Wildcard));
                    } else if !is_bracket && !is_name_character(character) {
                        let problem = HostSetProblem::InvalidCharacter(character);
                        return Err(error(at + offset, problem));
                    }
                }
                pattern.parts.push(PatternPart::Text(&operand[at..stop]));
                length += stop - at;
                at = stop;
                continue;
            }
            dimensions += 1;
            if dimensions > limits.max_dimensions {
                let problem = HostSetProblem::TooManyDimensions(limits.max_dimensions);
                return Err(error(at, problem));
            }
            let Some((inner, _)) = rest[1..].split_once(']') else {
                return Err(error(at, HostSetProblem::UnclosedBracket));
            };
            let mut numbers = Vec::new();
            let mut place = at + 1;
            for range in inner.split(',') {
                ranges += 1;
                if ranges > limits.max_ranges {
                    let problem = HostSetProblem::TooManyRanges(limits.max_ranges);
                    return Err(error(place, problem));
                }
                numbers.push(Numbers::parse(range).map_err(|problem| error(place, problem))?);
                place += range.len() + 1;
            }
            let follows_digits = match pattern.parts.last() {
                Some(PatternPart::Text(text)) => text.ends_with(|c: char| c.is_ascii_digit()),
                Some(PatternPart::Numbers(_)) => true,
                None => false,
            };
            let shortest = numbers.iter().map(Numbers::min_digits).min();
            let longest = numbers.iter().map(Numbers::max_digits).max();
            if follows_digits && shortest != longest {
                return Err(error(at, HostSetProblem::AmbiguousDigits));
            }
            length += longest.unwrap_or_default();
            let count = numbers
                .iter()
                .try_fold(0_usize, |sum, part| sum.checked_add(part.count()?));
            let count = count.and_then(|count| count.checked_mul(pattern.count));
            match count {
                Some(count) if count <= limits.max_hosts => pattern.count = count,
                _ => {
                    let problem = HostSetProblem::TooManyHosts(limits.max_hosts);
                    return Err(error(begin, problem));
                }
            }
            pattern.parts.push(PatternPart::Numbers(numbers));
            at += inner.len() + 2;
        }
        if length > limits.max_name {
            return Err(error(begin, HostSetProblem::NameTooLong(limits.max_name)));
        }
        Ok(pattern)
    }

    /// Number of names, those counted that occur twice.
    pub(in crate::hosts) const fn count(&self) -> usize {
        self.count
    }

    /// Calls `found` with each name; the last numbers change first.
    pub(in crate::hosts) fn for_each(&self, mut found: impl FnMut(&str)) {
        expand(&self.parts, &mut String::new(), &mut found);
    }
}

fn expand(parts: &[PatternPart<'_>], name: &mut String, found: &mut impl FnMut(&str)) {
    let Some((part, rest)) = parts.split_first() else {
        return found(name);
    };
    let begin = name.len();
    match part {
        PatternPart::Text(text) => {
            name.push_str(text);
            expand(rest, name, found);
            name.truncate(begin);
        }
        PatternPart::Numbers(numbers) => {
            for numbers in numbers {
                numbers.for_each(|number| {
                    name.push_str(number);
                    expand(rest, name, found);
                    name.truncate(begin);
                });
            }
        }
    }
}

/// Returns the end of the text, up to brackets with ranges.
fn text_end(text: &str, begin: usize) -> usize {
    let mut at = begin;
    while let Some(offset) = text[at..].find('[') {
        match address_end(text, at + offset) {
            Some(end) => at = end,
            None => return at + offset,
        }
    }
    text.len()
}

impl<'a> Numbers<'a> {
    fn parse(range: &'a str) -> Result<Self, HostSetProblem> {
        let range = range.trim();
        if range.is_empty() {
            return Err(HostSetProblem::EmptyRange);
        }
        let (bounds, step) = match range.split_once('/') {
            Some((bounds, step)) => (bounds, Some(step.trim())),
            None => (range, None),
        };
        let Some((first, last)) = bounds.split_once('-') else {
            let number = digits(bounds, range)?;
            return match step {
                None | Some("1") => Ok(Self::One(number)),
                Some(_) => Err(HostSetProblem::InvalidStep(range.to_owned())),
            };
        };
        let (first, last) = (digits(first, range)?, digits(last, range)?);
        let is_padded = |number: &str| number.len() > 1 && number.starts_with('0');
        if (is_padded(first) || is_padded(last)) && first.len() != last.len() {
            return Err(HostSetProblem::PaddingMismatch(range.to_owned()));
        }
        let width = first.len();
        let (first, last) = (number(first)?, number(last)?);
        if first > last {
            return Err(HostSetProblem::Reversed(range.to_owned()));
        }
        let step = match step {
            None => 1,
            Some(step) => number(digits(step, range)?)?,
        };
        if step == 0 {
            return Err(HostSetProblem::InvalidStep(range.to_owned()));
        }
        Ok(Self::Range {
            first,
            last,
            step,
            width,
        })
    }

    fn count(&self) -> Option<usize> {
        match self {
            Self::One(_) => Some(1),
            Self::Range {
                first, last, step, ..
            } => usize::try_from((last - first) / step + 1).ok(),
        }
    }

    fn min_digits(&self) -> usize {
        match self {
            Self::One(number) => number.len(),
            Self::Range { width, .. } => *width,
        }
    }

    fn max_digits(&self) -> usize {
        match self {
            Self::One(number) => number.len(),
            Self::Range { last, width, .. } => {
                let digits = last
                    .checked_ilog10()
                    .map_or(1, |digits| digits as usize + 1);
                digits.max(*width)
            }
        }
    }

    fn for_each(&self, mut found: impl FnMut(&str)) {
        use std::fmt::Write as _;

        match *self {
            Self::One(number) => found(number),
            Self::Range {
                first,
                last,
                step,
                width,
            } => {
                let mut text = String::new();
                let mut number = first;
                loop {
                    text.clear();
                    // Writing to a string cannot fail.
                    let _ = write!(text, "{number:0width$}");
                    found(&text);
                    match number.checked_add(step) {
                        Some(next) if next <= last => number = next,
                        _ => return,
                    }
                }
            }
        }
    }
}

/// Returns the digits of a number in a range.
fn digits<'a>(text: &'a str, range: &str) -> Result<&'a str, HostSetProblem> {
    let text = text.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number
        .then_some(text)
        .ok_or_else(|| HostSetProblem::InvalidRange(range.to_owned()))
}

fn number(digits: &str) -> Result<u64, HostSetProblem> {
    if digits.len() > MAX_DIGITS {
        return Err(HostSetProblem::NumberTooLarge(digits.to_owned()));
    }
    // Digits of this number fit.
    digits
        .parse()
        .map_err(|_| HostSetProblem::NumberTooLarge(digits.to_owned()))
}
