//! The memo of the pickle machine: numbered values that the pickle can refer to.

use std::collections::HashMap;

use super::nodes::{Id, NONE};

/// Maximum gap between the numbers of two entries in the vector. Entries after a larger gap go to
/// the map.
const MAX_GAP: usize = 16;

/// The memo: nodes by number.
///
/// CPython numbers them in order, so they are in a vector. Any other number is in a map, so that an
/// entry never takes more memory than a few times its bytes in the pickle, whatever its number.
#[derive(Debug, Default)]
pub(super) struct Memo {
    dense: Vec<Id>,
    sparse: HashMap<u32, Id>,
    /// Number of entries, which is the next number of MEMOIZE.
    count: u32,
}

impl Memo {
    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    pub(super) fn put(&mut self, number: u32, id: Id) {
        let index = number as usize;
        let replaced = if index < self.dense.len() {
            std::mem::replace(&mut self.dense[index], id) != NONE
                || self.sparse.remove(&number).is_some()
        } else if index < self.dense.len() + MAX_GAP {
            self.dense.resize(index, NONE);
            self.dense.push(id);
            self.sparse.remove(&number).is_some()
        } else {
            self.sparse.insert(number, id).is_some()
        };
        self.count += u32::from(!replaced);
    }

    pub(super) fn get(&self, number: u32) -> Option<Id> {
        match self.dense.get(number as usize) {
            Some(id) if *id != NONE => Some(*id),
            _ => self.sparse.get(&number).copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_any_order() {
        let mut memo = Memo::default();
        for (number, id) in [
            (20, 1),
            (1, 2),
            (u32::MAX, 3),
            (0, 4),
            (16, 5),
            (20, 6),
            (21, 7),
        ] {
            memo.put(number, id);
        }
        assert_eq!(memo.count(), 6);
        for (number, id) in [(20, 6), (1, 2), (u32::MAX, 3), (0, 4), (16, 5), (21, 7)] {
            assert_eq!(memo.get(number), Some(id), "{number}");
        }
        assert_eq!(memo.get(2), None);
        assert!(memo.dense.capacity() < 100);
    }
}
