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
            columns => Table::new(columns, &numbers).write(&texts, &mut terms),
        }
    }
    terms
}

/// Splits a name into its shape, with [`NUMBER`] for each number, and the numbers.
fn split<'a>(name: &'a str, shape: &mut String, numbers: &mut Vec<&'a str>) {
    shape.clear();
    numbers.clear();
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

/// Returns the places of the numbers in a name, without those of an IPv6 address in a URL.
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
struct Table<'a> {
    columns: Vec<Column<'a>>,
    /// Rows of one set for each column, as its index in the column.
    rows: Vec<u32>,
}

/// The numbers in one place of a shape.
#[derive(Default)]
struct Column<'a> {
    /// The different numbers, sorted by length and then by value.
    numbers: Vec<&'a str>,
    /// Sets of indexes of `numbers`; the first ones have one number each.
    sets: Vec<Vec<u32>>,
    indexes: HashMap<Vec<u32>, u32>,
}

impl<'a> Column<'a> {
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

impl<'a> Table<'a> {
    fn new(width: usize, numbers: &[&'a str]) -> Self {
        let column = |index| Column::new(numbers.iter().skip(index).step_by(width).copied());
        let columns: Vec<Column<'_>> = (0..width).map(column).collect();
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
        let rows = self.merge(varying.iter().rev().copied());
        if varying.len() > 1 && rows.len() > width {
            let others = self.merge(varying.iter().copied());
            self.rows = if others.len() < rows.len() {
                others
            } else {
                rows
            };
        } else {
            self.rows = rows;
        }
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
    fn merge(&mut self, order: impl Iterator<Item = usize> + Clone) -> Vec<u32> {
        let mut rows = self.rows.clone();
        for _ in 0..MAX_ROUNDS {
            let before = rows.len();
            for column in order.clone() {
                rows = self.merge_column(&rows, column);
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
