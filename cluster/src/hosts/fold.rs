//! Folding of names for people: `node[1-18,20]`.
//!
//! Names that differ only in their numbers have the same shape. The names of a shape are rows of
//! numbers, and rows that agree in all columns but one are merged, column by column. Sorting brings
//! such rows together, so the time is that of a few sorts, whether or not the names fold.

use std::collections::HashMap;
use std::fmt::Write as _;

use farcall_core::protocol::output::{Foreign, is_harmless};

use super::notation::address_end;

/// Numbers of a name that are folded, counted from its end. Names with more, such as random
/// identifiers, hardly fold in the others.
const MAX_COLUMNS: usize = 8;

/// Rounds over all columns. The second one merges what the first one made equal; more gain hardly
/// anything.
const MAX_ROUNDS: usize = 4;

/// Place of a number in a shape. It is no character of a name, and sorts before all that are.
const NUMBER: char = '\0';

/// Returns the folded names, sorted.
pub(super) fn fold<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut shapes: HashMap<String, Vec<&'a str>> = HashMap::new();
    let mut terms = Vec::new();
    let (mut shape, mut numbers) = (String::new(), Vec::new());
    for name in names {
        // No name from a text, but one that a program has inserted.
        if !name.chars().all(is_harmless) {
            terms.push(Foreign::line(name).to_string());
            continue;
        }
        split(name, &mut shape, &mut numbers);
        match shapes.get_mut(&shape) {
            Some(rows) => rows.append(&mut numbers),
            None => {
                shapes.insert(std::mem::take(&mut shape), std::mem::take(&mut numbers));
            }
        }
    }
    let mut shapes: Vec<_> = shapes.into_iter().collect();
    shapes.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    for (shape, numbers) in shapes {
        let texts: Vec<&str> = shape.split(NUMBER).collect();
        match texts.len() - 1 {
            0 => terms.push(shape),
            columns => NumberTable::new(columns, &numbers).write(&texts, &mut terms),
        }
    }
    terms
}

/// Counts the steps that folding takes, in tests.
#[inline]
fn took(steps: usize) {
    #[cfg(test)]
    tests::STEPS.set(tests::STEPS.get() + steps);
    #[cfg(not(test))]
    let _ = steps;
}

/// Splits a name into its shape, with [`NUMBER`] for each number, and the numbers.
fn split<'a>(name: &'a str, shape: &mut String, numbers: &mut Vec<&'a str>) {
    shape.clear();
    numbers.clear();
    took(name.len());
    let count = digit_runs(name).count();
    let mut at = 0;
    for (begin, end) in digit_runs(name).skip(count.saturating_sub(MAX_COLUMNS)) {
        shape.push_str(&name[at..begin]);
        shape.push(NUMBER);
        numbers.push(&name[begin..end]);
        at = end;
    }
    shape.push_str(&name[at..]);
}

/// Returns the places of the numbers in a name, without those of an IPv6 address in
/// brackets.
fn digit_runs(name: &str) -> impl Iterator<Item = (usize, usize)> {
    let bytes = name.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while let Some(byte) = bytes.get(at) {
            if byte.is_ascii_digit() {
                let rest = &bytes[at..];
                let is_end = |byte: &u8| !byte.is_ascii_digit();
                let end = at + rest.iter().position(is_end).unwrap_or(rest.len());
                return Some((std::mem::replace(&mut at, end), end));
            }
            let address = (*byte == b'[').then(|| address_end(name, at)).flatten();
            at = address.unwrap_or(at + 1);
        }
        None
    })
}

/// The numbers of the names of one shape.
struct NumberTable<'a> {
    columns: Vec<NumberColumn<'a>>,
    /// Rows of one set for each column, as its index in the column.
    rows: Vec<u32>,
}

/// The numbers in one place of a shape.
#[derive(Default)]
struct NumberColumn<'a> {
    /// The different numbers, sorted by length and then by value.
    numbers: Vec<&'a str>,
    /// Sets of indexes of `numbers`; the first ones have one number each.
    sets: Vec<Vec<u32>>,
    indexes: HashMap<Vec<u32>, u32>,
}

impl<'a> NumberColumn<'a> {
    fn new(all: impl Iterator<Item = &'a str>) -> Self {
        let mut numbers: Vec<&str> = all.collect();
        numbers.sort_unstable_by_key(|number| (number.len(), *number));
        numbers.dedup();
        let sets: Vec<Vec<u32>> = (0..).map(|index| vec![index]).take(numbers.len()).collect();
        Self {
            numbers,
            sets,
            indexes: HashMap::new(),
        }
    }

    /// Returns the index of a number, which is that of the set of this number as well.
    fn index(&self, number: &str) -> u32 {
        let key = (number.len(), number);
        took(1);
        let found = self
            .numbers
            .binary_search_by_key(&key, |number| (number.len(), *number));
        // Each number of the table is there, and there are fewer than 2^32.
        found.unwrap_or_default() as u32
    }

    /// Returns the index of the union of sets, which have no number in common.
    fn union(&mut self, sets: impl Iterator<Item = u32>) -> u32 {
        let all = sets.flat_map(|set| self.sets[set as usize].iter().copied());
        let mut union: Vec<u32> = all.collect();
        took(union.len());
        union.sort_unstable();
        *self.indexes.entry(union).or_insert_with_key(|union| {
            self.sets.push(union.clone());
            self.sets.len() as u32 - 1
        })
    }

    /// The smallest number of a set.
    fn first(&self, set: u32) -> u32 {
        self.sets[set as usize][0]
    }

    /// Writes a set as `7` or `[1-3,7]`.
    fn write(&self, set: u32, text: &mut String) {
        let set = &self.sets[set as usize];
        if set.len() > 1 {
            text.push('[');
        }
        let mut rest = set.as_slice();
        while let [first, ..] = *rest {
            let first = self.numbers[first as usize];
            let mut last = first;
            let mut length = 1;
            for next in &rest[1..] {
                let next = self.numbers[*next as usize];
                if !follows(first, last, next) {
                    break;
                }
                last = next;
                length += 1;
            }
            // Writing to a string cannot fail.
            let _ = match length {
                1 => write!(text, "{first}"),
                _ => write!(text, "{first}-{last}"),
            };
            rest = &rest[length..];
            if !rest.is_empty() {
                text.push(',');
            }
        }
        if set.len() > 1 {
            text.push(']');
        }
    }
}

/// Returns `true` if `next` continues the range from `first` to `last`. Leading zeros are those of
/// the first number, and then all have the same length.
fn follows(first: &str, last: &str, next: &str) -> bool {
    let is_padded = |number: &str| number.len() > 1 && number.starts_with('0');
    let is_alike = if is_padded(first) {
        next.len() == first.len()
    } else {
        !is_padded(next)
    };
    let successor = || last.parse::<u64>().ok()?.checked_add(1);
    // Longer numbers are no bounds of ranges.
    is_alike && next.len() <= 18 && successor() == next.parse().ok()
}

impl<'a> NumberTable<'a> {
    fn new(width: usize, numbers: &[&'a str]) -> Self {
        let column = |index| NumberColumn::new(numbers.iter().skip(index).step_by(width).copied());
        let columns: Vec<NumberColumn<'_>> = (0..width).map(column).collect();
        let places = (0..width).cycle();
        let rows = numbers.iter().zip(places);
        let rows = rows
            .map(|(number, place)| columns[place].index(number))
            .collect();
        Self { columns, rows }
    }

    /// Appends the folded names.
    fn write(mut self, texts: &[&str], terms: &mut Vec<String>) {
        let width = self.columns.len();
        let varying: Vec<usize> = (0..width)
            .filter(|column| self.columns[*column].numbers.len() > 1)
            .collect();
        // The order of the columns makes a difference where names do not form full products.
        let backwards: Vec<usize> = varying.iter().rev().copied().collect();
        let mut rows = self.merge(&backwards);
        if varying.len() > 1 && rows.len() > width {
            let others = self.merge(&varying);
            if others.len() < rows.len() {
                rows = others;
            }
        }
        self.rows = rows;
        let mut rows: Vec<&[u32]> = self.rows.chunks_exact(width).collect();
        let first = |row: &[u32]| -> Vec<u32> {
            let columns = self.columns.iter().zip(row);
            columns.map(|(column, set)| column.first(*set)).collect()
        };
        rows.sort_by_cached_key(|row| first(row));
        for row in rows {
            let mut name = texts[0].to_owned();
            for ((column, set), text) in self.columns.iter().zip(row).zip(&texts[1..]) {
                column.write(*set, &mut name);
                name.push_str(text);
            }
            terms.push(name);
        }
    }

    /// Returns the rows after merging by these columns, in this order.
    fn merge(&mut self, order: &[usize]) -> Vec<u32> {
        let mut rows = self.rows.clone();
        for _ in 0..MAX_ROUNDS {
            let before = rows.len();
            for column in order {
                rows = self.merge_column(&rows, *column);
            }
            if rows.len() == before {
                break;
            }
        }
        rows
    }

    /// Merges the rows that differ in one column only.
    fn merge_column(&mut self, rows: &[u32], index: usize) -> Vec<u32> {
        let width = self.columns.len();
        let column = &mut self.columns[index];
        let mut sorted: Vec<&[u32]> = rows.chunks_exact(width).collect();
        let compare = |one: &&[u32], other: &&[u32]| {
            took(1);
            let (left, right) = one.split_at(index);
            let (other_left, other_right) = other.split_at(index);
            left.cmp(other_left)
                .then_with(|| right[1..].cmp(&other_right[1..]))
        };
        sorted.sort_unstable_by(compare);
        let mut merged = Vec::with_capacity(rows.len());
        for alike in sorted.chunk_by(|one, other| compare(one, other).is_eq()) {
            let mut row = alike[0].to_vec();
            if alike.len() > 1 {
                row[index] = column.union(alike.iter().map(|row| row[index]));
            }
            merged.append(&mut row);
        }
        merged
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::hosts::HostSet;

    thread_local! {
        pub(super) static STEPS: Cell<usize> = const { Cell::new(0) };
    }

    fn folded(names: &[&str]) -> String {
        fold(names.iter().copied()).join(",")
    }

    #[test]
    fn folding() {
        for (names, expected) in [
            ("", ""),
            ("gw", "gw"),
            ("n7", "n7"),
            ("n2 n1 gw n3 n5", "gw,n[1-3,5]"),
            ("n9 n10 n11", "n[9-11]"),
            ("n09 n10 n9", "n[9,09-10]"),
            ("n1 n01 n001", "n[1,01,001]"),
            ("n99 n100 n099", "n[99,099-100]"),
            ("n0 n1 n00", "n[0-1,00]"),
            ("n1-ib n2-ib n1", "n1,n[1-2]-ib"),
            ("r1n1 r1n2 r2n1 r2n2", "r[1-2]n[1-2]"),
            ("r1n1 r1n2 r2n1", "r1n[1-2],r2n1"),
            ("r1n1 r2n1 r3n1 r1n2", "r1n[1-2],r[2-3]n1"),
            ("1 2", "[1-2]"),
            ("http://[::1]:80 http://[::1]:81", "http://[::1]:[80-81]"),
            (
                "http://[::1]:80 http://[::2]:80",
                "http://[::1]:80,http://[::2]:80",
            ),
            (
                "n999999999999999999 n1000000000000000000",
                "n[999999999999999999,1000000000000000000]",
            ),
            (
                "n99999999999999999998 n99999999999999999999",
                "n[99999999999999999998,99999999999999999999]",
            ),
            (
                "1.2.3.4.5.6.7.8.9 2.2.3.4.5.6.7.8.9 1.2.3.4.5.6.7.8.10",
                "1.2.3.4.5.6.7.8.[9-10],2.2.3.4.5.6.7.8.9",
            ),
        ] {
            let names: Vec<&str> = names.split_whitespace().collect();
            assert_eq!(folded(&names), expected);
        }
        assert_eq!(folded(&["a\u{1b}[2J"]), r"a\u{1b}[2J");
    }

    /// A random number that is the same in each run.
    fn random(seed: u64) -> u64 {
        (seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20)
            .wrapping_mul(0xbf58_476d_1ce4_e5b9)
            >> 30
    }

    /// Names that hardly fold, or not at all: see issues 559 and 560 of ClusterShell, where 1,200
    /// took minutes. The benchmark `hosts` measures the time.
    #[test]
    fn irregular_names_fold_in_linear_time() {
        let shapes: [fn(u64) -> String; 5] = [
            |n| format!("a-{}-b-{}-c", random(n) % 1000, random(n + 7) % 1000),
            |n| format!("a-{}-b-{}-c", n / 100, n % 100),
            |n| format!("a-{n}-b-{n}-c"),
            |n| {
                format!(
                    "{}.{}.{}.{}",
                    random(n) % 9,
                    random(n + 1) % 9,
                    random(n + 2) % 9,
                    n
                )
            },
            |n| format!("{:x}-{:x}", random(n), random(n + 3)),
        ];
        for shape in shapes {
            let steps = |count| {
                let names: Vec<String> = (0..count).map(shape).collect();
                STEPS.set(0);
                let terms = fold(names.iter().map(String::as_str));
                assert!(terms.len() <= names.len());
                STEPS.get()
            };
            let (few, many) = (steps(2_500), steps(10_000));
            println!("{}: {few} steps, {many} for four times the names", shape(1));
            // Four times as many, and a little more for sorting; pairs of names would be sixteen.
            assert!(many < 6 * few, "{}: {few}, {many}", shape(1));
            assert!(many < 100 * 10_000, "{}: {many}", shape(1));
        }
    }

    #[test]
    fn names_of_many_ranges_are_parsed_again() {
        // The numbers run into each other, so that every second one is missing.
        let hosts = HostSet::parse("[0-62,70][00-80][00,10]").unwrap();
        let shown = hosts.to_string();
        assert_eq!(HostSet::parse(&shown).unwrap(), hosts);
    }

    proptest! {
        #[test]
        fn folded_names_are_parsed_to_the_same(
            names in prop::collection::vec("([ab]|[0-2]|-|0[1-3]|9|1[0-2]|\\.){1,9}", 0..80),
        ) {
            let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
            let text = fold(names.iter().copied()).join(",");
            let parsed = HostSet::parse(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(parsed.len(), names.len(), "{}", text);
            prop_assert!(names.iter().all(|name| parsed.contains(name)), "{}", text);
            prop_assert_eq!(parsed.to_string(), text);
        }

        /// The fuzz target `host_sets` has the same properties.
        #[test]
        fn parsed_texts_are_folded_to_texts_of_the_same_hosts(
            text in "(n|-|/{2}|\\.|[0-9]|0[0-9]|\\[[0-9]{1,2}(-[0-9]{2})?(,[0-9]{1,2})?\\]|\\[::1\\]|[],! &^:/@*]){1,16}",
        ) {
            match HostSet::parse(&text) {
                Ok(hosts) => {
                    let shown = hosts.to_string();
                    let again = HostSet::parse(&shown);
                    let again = again.map_err(|error| TestCaseError::fail(error.to_string()))?;
                    prop_assert_eq!(&again, &hosts, "{}", shown);
                    prop_assert_eq!(again.to_string(), shown);
                }
                Err(error) => prop_assert!((1..=text.chars().count() + 1).contains(&error.column)),
            }
        }
    }
}
