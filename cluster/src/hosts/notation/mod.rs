//! The notation of host sets: operands, and the operators between them.
//!
//! ```text
//! set      = [operand {operator operand}]
//! operator = "," | "!" | "&" | "^" | white space
//! operand  = pattern | "@" [source ":"] (pattern | "*")
//! pattern  = {text | "[" range {"," range} "]"}
//! range    = number | number "-" number ["/" step]
//! ```
//!
//! An IPv6 address in brackets, as in URLs and before ports, is text.

mod error;
mod pattern;

pub use error::{HostSetError, HostSetProblem};
pub(super) use pattern::{Pattern, address_end, is_name_character};

use super::limits::HostLimits;

/// Combination of the hosts before an operator with the operand behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Union,
    Difference,
    Intersection,
    SymmetricDifference,
}

impl Operator {
    const fn of(character: char) -> Option<Self> {
        match character {
            ',' => Some(Self::Union),
            '!' => Some(Self::Difference),
            '&' => Some(Self::Intersection),
            '^' => Some(Self::SymmetricDifference),
            _ => None,
        }
    }
}

/// An operand with the operator before it; the first one is united with the empty set.
#[derive(Debug)]
pub(super) struct Term<'a> {
    pub(super) operator: Operator,
    /// Place in the text, in bytes.
    pub(super) at: usize,
    pub(super) operand: Operand<'a>,
}

#[derive(Debug)]
pub(super) enum Operand<'a> {
    Names(Pattern<'a>),
    Group {
        source: Option<&'a str>,
        groups: GroupNames<'a>,
    },
}

#[derive(Debug)]
pub(super) enum GroupNames<'a> {
    All,
    Named(Pattern<'a>),
}

/// The terms of a text, one after another, as a long text has many.
#[derive(Debug)]
pub(super) struct Terms<'a> {
    text: &'a str,
    limits: &'a HostLimits,
    /// Bytes that are read.
    at: usize,
}

impl<'a> Terms<'a> {
    pub(super) fn new(text: &'a str, limits: &'a HostLimits) -> Result<Self, HostSetError> {
        if text.len() > limits.max_text {
            let problem = HostSetProblem::TextTooLong(limits.max_text);
            return Err(HostSetError::new(text, 0, problem));
        }
        Ok(Self {
            text,
            limits,
            at: 0,
        })
    }

    fn skip_space(&mut self) {
        let rest = &self.text[self.at..];
        self.at = self.text.len() - rest.trim_start().len();
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn error(&self, at: usize, problem: HostSetProblem) -> HostSetError {
        HostSetError::new(self.text, at, problem)
    }

    fn read(&mut self) -> Result<Option<Term<'a>>, HostSetError> {
        let is_first = self.text[..self.at].trim_start().is_empty();
        self.skip_space();
        let Some(next) = self.peek() else {
            return Ok(None);
        };
        let mut operator = Operator::Union;
        if let Some(found) = Operator::of(next) {
            if is_first {
                return Err(self.error(self.at, HostSetProblem::NothingBefore(next)));
            }
            let place = self.at;
            self.at += next.len_utf8();
            self.skip_space();
            match self.peek() {
                None => return Err(self.error(place, HostSetProblem::NothingBehind(next))),
                Some(second) if Operator::of(second).is_some() => {
                    return Err(self.error(place, HostSetProblem::NothingBehind(next)));
                }
                Some(_) => operator = found,
            }
        }
        let at = self.at;
        let end = self.operand_end()?;
        self.at = end;
        let operand = self.operand(at, end)?;
        Ok(Some(Term {
            operator,
            at,
            operand,
        }))
    }

    /// Returns the end of the operand that begins at the current place.
    fn operand_end(&self) -> Result<usize, HostSetError> {
        let text = &self.text[self.at..];
        let mut opened = None;
        let mut skip_until = 0;
        for (offset, character) in text.char_indices() {
            if offset < skip_until {
                continue;
            }
            match (character, opened) {
                ('[', None) => match address_end(text, offset) {
                    Some(end) => skip_until = end,
                    None => opened = Some(offset),
                },
                ('[', Some(_)) => {
                    return Err(self.error(self.at + offset, HostSetProblem::NestedBracket));
                }
                (']', Some(_)) => opened = None,
                (']', None) => {
                    return Err(self.error(self.at + offset, HostSetProblem::UnopenedBracket));
                }
                (_, Some(_)) => {}
                (_, None) if character.is_whitespace() || Operator::of(character).is_some() => {
                    return Ok(self.at + offset);
                }
                (_, None) => {}
            }
        }
        match opened {
            Some(offset) => Err(self.error(self.at + offset, HostSetProblem::UnclosedBracket)),
            None => Ok(self.text.len()),
        }
    }

    fn operand(&self, at: usize, end: usize) -> Result<Operand<'a>, HostSetError> {
        let text = &self.text[at..end];
        let Some(group) = text.strip_prefix('@') else {
            return Pattern::parse(self.text, at, end, self.limits).map(Operand::Names);
        };
        let (source, group) = match group.split_once(':') {
            Some((source, group)) => (Some(source), group),
            None => (None, group),
        };
        if group.is_empty() || source == Some("") {
            return Err(self.error(at, HostSetProblem::MissingGroup));
        }
        let groups = match group {
            "*" => GroupNames::All,
            _ => {
                let begin = end - group.len();
                GroupNames::Named(Pattern::parse(self.text, begin, end, self.limits)?)
            }
        };
        Ok(Operand::Group { source, groups })
    }
}

impl<'a> Iterator for Terms<'a> {
    type Item = Result<Term<'a>, HostSetError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}
