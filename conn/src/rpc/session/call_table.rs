//! What this end has under way, by the numbers that it gives.

/// A table that gives out its keys, each higher than the ones before. The lowest bits of a number are its place, so
/// that nothing is hashed, and a number whose place is still taken is left out. As half of the places are free, no
/// more are left out than are used.
pub(super) struct CallTable<T> {
    /// As many as a power of two, or none.
    slots: Vec<Option<(u64, T)>>,
    len: usize,
    last: u64,
}

/// How many places there are at first.
const INITIAL_SLOTS: usize = 4;

impl<T> CallTable<T> {
    pub(super) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            len: 0,
            last: 0,
        }
    }

    /// The next number. Something is to be [put](Self::insert) there before another is asked for.
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

    /// The highest number that was given out.
    pub(super) const fn last_id(&self) -> u64 {
        self.last
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Puts something where nothing is.
    pub(super) fn insert(&mut self, id: u64, value: T) {
        let slot = self.slot(id);
        debug_assert!(self.slots[slot].is_none(), "nothing is there");
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

    /// The numbers of all that is there, the lowest first.
    pub(super) fn ids(&self) -> Vec<u64> {
        let mut ids: Vec<_> = self.slots.iter().flatten().map(|(n, _)| *n).collect();
        ids.sort_unstable();
        ids
    }

    fn slot(&self, id: u64) -> usize {
        id as usize & self.slots.len().wrapping_sub(1)
    }

    /// Numbers that differ in their lowest bits still do so in more of them.
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
    fn numbers_rise_and_leave_out_what_is_taken() {
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
        // What stays has one place of four: that many numbers were left out.
        assert!(last < 1400, "{last}");
    }

    proptest! {
        #[test]
        fn it_has_what_a_map_has(steps: Vec<Option<u8>>) {
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
