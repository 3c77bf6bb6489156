//! Named members that keep their order.

use std::fmt;

use indexmap::IndexMap;

use super::Value;

/// The members of a struct, in the order in which they were put in. The order has no part in
/// whether two structs are equal.
///
/// ```
/// use rpc_core::{Struct, Value};
///
/// let mut members = Struct::new();
/// members.insert("name", "Ada");
/// members.insert("born", 1815);
/// assert_eq!(members.get("born"), Some(&Value::Int(1815)));
/// assert_eq!(members.names().collect::<Vec<_>>(), ["name", "born"]);
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct Struct(IndexMap<String, Value>);

impl Struct {
    /// A struct without members.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a member in, at the end if it is new; gives the value that it had.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) -> Option<Value> {
        self.0.insert(name.into(), value.into())
    }

    /// The member of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The member of this name, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.0.get_mut(name)
    }

    /// Takes a member out; the others keep their order.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.0.shift_remove(name)
    }

    /// Whether there is a member of this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The members, in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Their names, in their order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl fmt::Debug for Struct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl FromIterator<(String, Value)> for Struct {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(members: I) -> Self {
        Self(members.into_iter().collect())
    }
}

impl Extend<(String, Value)> for Struct {
    fn extend<I: IntoIterator<Item = (String, Value)>>(&mut self, members: I) {
        self.0.extend(members);
    }
}

impl IntoIterator for Struct {
    type Item = (String, Value);
    type IntoIter = Members;

    fn into_iter(self) -> Members {
        Members(self.0.into_iter())
    }
}

/// The members of a struct that is taken apart.
#[derive(Debug)]
pub struct Members(indexmap::map::IntoIter<String, Value>);

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
}
