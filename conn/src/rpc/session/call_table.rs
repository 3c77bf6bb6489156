//! A table of outgoing calls.

/// A table that assigns its own keys, each higher than the ones before. The lowest bits of an id
/// are the index of its slot, so nothing is hashed, and an id whose slot is occupied is skipped. At
/// least half of the slots are free, so at most as many ids are skipped as are used.
pub(super) struct CallTable<T> {
    /// The number of slots is a power of two, or 0.
    slots: Vec<Option<(u64, T)>>,
    len: usize,
    /// The highest id assigned so far.
    last: u64,
}

/// Number of slots after the first insertion.
const INITIAL_SLOTS: usize = 4;

impl<T> CallTable<T> {
    pub(super) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            len: 0,
            last: 0,
        }
    }

    /// Returns the next id. Call [`insert`](Self::insert) before requesting another one.
    pub(super) fn next_id(&mut self) -> u64 {
        if self.len * 2 >= self.slots.len() {
            self.grow();
        }
        loop {
            self.last += 1;
            if self.slots[self.slot(self.last)].is_none() {
                return self.last;
            }
        }
    }

    /// Returns the highest id assigned so far.
    pub(super) const fn last_id(&self) -> u64 {
        self.last
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Inserts a value at an id whose slot is free.
    pub(super) fn insert(&mut self, id: u64, value: T) {
        let slot = self.slot(id);
        debug_assert!(self.slots[slot].is_none(), "the slot is free");
        self.slots[slot] = Some((id, value));
        self.len += 1;
    }

    pub(super) fn get(&self, id: u64) -> Option<&T> {
        match self.slots.get(self.slot(id)) {
            Some(Some((other, value))) if *other == id => Some(value),
            _ => None,
        }
    }

    pub(super) fn get_mut(&mut self, id: u64) -> Option<&mut T> {
        let slot = self.slot(id);
        match self.slots.get_mut(slot) {
            Some(Some((other, value))) if *other == id => Some(value),
            _ => None,
        }
    }

    pub(super) fn remove(&mut self, id: u64) -> Option<T> {
        let slot = self.slot(id);
        let (_, value) = self
            .slots
            .get_mut(slot)?
            .take_if(|(other, _)| *other == id)?;
        self.len -= 1;
        Some(value)
    }

    /// Returns the ids of all values in ascending order.
    pub(super) fn ids(&self) -> Vec<u64> {
        let mut ids: Vec<_> = self.slots.iter().flatten().map(|(n, _)| *n).collect();
        ids.sort_unstable();
        ids
    }

    fn slot(&self, id: u64) -> usize {
        id as usize & self.slots.len().wrapping_sub(1)
    }

    /// Doubles the slots. Ids with different lowest bits also differ in more of them, so entries
    /// cannot collide.
    fn grow(&mut self) {
        let count = (self.slots.len() * 2).max(INITIAL_SLOTS);
        let mut slots = Vec::new();
        slots.resize_with(count, || None);
        for entry in std::mem::replace(&mut self.slots, slots) {
            if let Some((id, _)) = entry {
                let slot = self.slot(id);
                self.slots[slot] = entry;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_rise_and_skip_occupied_slots() {
        let mut table = CallTable::new();
        let stays = table.next_id();
        table.insert(stays, "stays");
        let mut last = stays;
        for _ in 0..1000 {
            let id = table.next_id();
            assert!(id > last);
            last = id;
            table.insert(id, "goes");
            assert_eq!(table.remove(id), Some("goes"));
            assert_eq!(table.remove(id), None);
        }
        assert_eq!(table.get(stays), Some(&"stays"));
        assert_eq!((table.len(), table.last_id()), (1, last));
        // The value that stays occupies one slot of four: that many ids were skipped.
        assert!(last < 1400, "{last}");
    }

    proptest! {
        #[test]
        fn it_behaves_like_a_map(steps: Vec<Option<u8>>) {
            let mut table = CallTable::new();
            let mut map = BTreeMap::new();
            for (step, remove) in steps.into_iter().enumerate() {
                if let Some(back) = remove {
                    let id = table.last_id().saturating_sub(u64::from(back));
                    prop_assert_eq!(table.get(id), map.get(&id));
                    prop_assert_eq!(table.remove(id), map.remove(&id));
                } else {
                    let id = table.next_id();
                    table.insert(id, step);
                    map.insert(id, step);
                    prop_assert_eq!(table.get_mut(id), map.get_mut(&id));
                }
                prop_assert_eq!(table.len(), map.len());
            }
            let ids: Vec<u64> = map.into_keys().collect();
            prop_assert_eq!(table.ids(), ids);
        }
    }
}
