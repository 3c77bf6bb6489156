//! Named members in insertion order.

use std::fmt;
use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::Value;

/// The maximum number of members without an index: comparing 16 names takes no longer than one
/// hash.
const MAX_UNINDEXED: usize = 16;

/// The members of a struct, in the order of insertion. Equality ignores the order.
///
/// ```
/// use farcall::{Struct, Value};
///
/// let mut members = Struct::new();
/// members.insert("name", "Ada");
/// members.insert("born", 1815);
/// assert_eq!(members.get("born"), Some(&Value::Int(1815)));
/// assert_eq!(members.names().collect::<Vec<_>>(), ["name", "born"]);
/// ```
#[derive(Clone, Default)]
pub struct Struct {
    members: Vec<(String, Value)>,
    /// Present once more than [`MAX_UNINDEXED`] members were inserted.
    index: Option<Box<Positions>>,
}

/// The index: positions of members by name.
#[derive(Clone, Default)]
struct Positions {
    table: HashTable<usize>,
    // Seeded at random: peers choose the names, and must not be able to make them collide.
    hasher: RandomState,
}

impl Positions {
    fn of(members: &[(String, Value)]) -> Self {
        let mut positions = Self::default();
        for at in 0..members.len() {
            positions.add(at, members);
        }
        positions
    }

    fn add(&mut self, at: usize, members: &[(String, Value)]) {
        let hash = |at: usize| self.hasher.hash_one(&members[at].0);
        self.table.insert_unique(hash(at), at, |&at| hash(at));
    }

    fn find(&self, name: &str, members: &[(String, Value)]) -> Option<usize> {
        let hash = self.hasher.hash_one(name);
        self.table.find(hash, |&at| members[at].0 == name).copied()
    }
}

impl Struct {
    /// Returns a struct without members.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn find(&self, name: &str) -> Option<usize> {
        match &self.index {
            None => self.members.iter().position(|(own, _)| own == name),
            Some(index) => index.find(name, &self.members),
        }
    }

    /// Inserts a member, at the end if its name is new. Returns the previous value.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) -> Option<Value> {
        let (name, value) = (name.into(), value.into());
        if let Some(at) = self.find(&name) {
            return Some(std::mem::replace(&mut self.members[at].1, value));
        }
        self.members.push((name, value));
        match &mut self.index {
            Some(index) => index.add(self.members.len() - 1, &self.members),
            None if self.members.len() > MAX_UNINDEXED => {
                self.index = Some(Box::new(Positions::of(&self.members)));
            }
            None => {}
        }
        None
    }

    /// Returns the member of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.find(name).map(|at| &self.members[at].1)
    }

    /// Returns the member of this name for modification.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.find(name).map(|at| &mut self.members[at].1)
    }

    /// Removes a member. The others keep their order.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let (_, value) = self.members.remove(self.find(name)?);
        if let Some(index) = &mut self.index {
            **index = Positions::of(&self.members);
        }
        Some(value)
    }

    /// Returns `true` if there is a member of this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The number of members.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.members.len()
    }

    /// Returns `true` if there are no members.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The members in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.members
            .iter()
            .map(|(name, value)| (name.as_str(), value))
    }

    /// The names of the members in their order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.members.iter().map(|(name, _)| name.as_str())
    }
}

impl PartialEq for Struct {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self
                .iter()
                .all(|(name, value)| other.get(name) == Some(value))
    }
}

impl fmt::Debug for Struct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl FromIterator<(String, Value)> for Struct {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(members: I) -> Self {
        let mut result = Self::new();
        result.extend(members);
        result
    }
}

impl Extend<(String, Value)> for Struct {
    fn extend<I: IntoIterator<Item = (String, Value)>>(&mut self, members: I) {
        for (name, value) in members {
            self.insert(name, value);
        }
    }
}

impl IntoIterator for Struct {
    type Item = (String, Value);
    type IntoIter = Members;

    fn into_iter(self) -> Members {
        Members(self.members.into_iter())
    }
}

/// Iterator over the members of a struct, by value.
#[derive(Debug)]
pub struct Members(std::vec::IntoIter<(String, Value)>);

impl Iterator for Members {
    type Item = (String, Value);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for Members {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_and_does_not_count() {
        let mut one: Struct = ["b", "a", "c"]
            .map(|name| (name.to_owned(), Value::Nil))
            .into_iter()
            .collect();
        assert_eq!(one.names().collect::<Vec<_>>(), ["b", "a", "c"]);
        one.remove("b");
        assert_eq!(one.names().collect::<Vec<_>>(), ["a", "c"]);
        let other: Struct = ["c", "a"]
            .map(|name| (name.to_owned(), Value::Nil))
            .into_iter()
            .collect();
        assert_eq!(one, other);
    }

    #[test]
    fn members_are_found_with_and_without_an_index() {
        let name = |i: usize| format!("name {i}");
        let mut members = Struct::new();
        for i in 0..3 * MAX_UNINDEXED {
            assert_eq!(members.insert(name(i), i as i64), None);
            assert_eq!(members.insert(name(i), -1), Some(Value::Int(i as i64)));
            assert_eq!(members.len(), i + 1);
        }
        assert_eq!(members.remove(&name(3)), Some(Value::Int(-1)));
        assert_eq!(members.remove(&name(3)), None);
        for i in 0..3 * MAX_UNINDEXED {
            assert_eq!(members.contains(&name(i)), i != 3);
        }
        *members.get_mut("name 4").unwrap() = Value::Nil;
        assert_eq!(members.get("name 4"), Some(&Value::Nil));
        assert_eq!(members.get_mut("name 3"), None);
        assert_eq!(members.clone().into_iter().len(), 3 * MAX_UNINDEXED - 1);
        let reversed: Struct = members
            .clone()
            .into_iter()
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        assert_eq!(members, reversed);
        assert_ne!(members, Struct::new());
        assert_eq!(members.names().next(), Some("name 0"));
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn values_are_small() {
        assert_eq!(size_of::<Value>(), 32);
    }
}
