//! What this end has under way, by the numbers that it gives.

/// A table that gives out its keys, each higher than the ones before. The lowest bits of a number are its place, so
/// that nothing is hashed, and a number whose place is still taken is left out. As half of the places are free, no
/// more are left out than are used.
pub(super) struct Numbered<T> {
    /// As many as a power of two, or none.
    places: Vec<Option<(u64, T)>>,
    len: usize,
    last: u64,
}

/// How many places there are at first.
const FEW: usize = 4;

impl<T> Numbered<T> {
    pub(super) const fn new() -> Self {
        Self {
            places: Vec::new(),
            len: 0,
            last: 0,
        }
    }

    /// The next number. Something is to be [put](Self::insert) there before another is asked for.
    pub(super) fn next_number(&mut self) -> u64 {
        if self.len * 2 >= self.places.len() {
            self.grow();
        }
        loop {
            self.last += 1;
            if self.places[self.place(self.last)].is_none() {
                return self.last;
            }
        }
    }

    /// The highest number that was given out.
    pub(super) const fn last(&self) -> u64 {
        self.last
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Puts something where nothing is.
    pub(super) fn insert(&mut self, number: u64, value: T) {
        let place = self.place(number);
        debug_assert!(self.places[place].is_none(), "nothing is there");
        self.places[place] = Some((number, value));
        self.len += 1;
    }

    pub(super) fn get(&self, number: u64) -> Option<&T> {
        match self.places.get(self.place(number)) {
            Some(Some((other, value))) if *other == number => Some(value),
            _ => None,
        }
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        let place = self.place(number);
        match self.places.get_mut(place) {
            Some(Some((other, value))) if *other == number => Some(value),
            _ => None,
        }
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<T> {
        let place = self.place(number);
        let (_, value) = self
            .places
            .get_mut(place)?
            .take_if(|(other, _)| *other == number)?;
        self.len -= 1;
        Some(value)
    }

    /// The numbers of all that is there, the lowest first.
    pub(super) fn numbers(&self) -> Vec<u64> {
        let mut numbers: Vec<_> = self.places.iter().flatten().map(|(n, _)| *n).collect();
        numbers.sort_unstable();
        numbers
    }

    fn place(&self, number: u64) -> usize {
        number as usize & self.places.len().wrapping_sub(1)
    }

    /// Numbers that differ in their lowest bits still do so in more of them.
    fn grow(&mut self) {
        let count = (self.places.len() * 2).max(FEW);
        let mut places = Vec::new();
        places.resize_with(count, || None);
        for entry in std::mem::replace(&mut self.places, places) {
            if let Some((number, _)) = entry {
                let place = self.place(number);
                self.places[place] = entry;
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
        let mut table = Numbered::new();
        let stays = table.next_number();
        table.insert(stays, "stays");
        let mut last = stays;
        for _ in 0..1000 {
            let number = table.next_number();
            assert!(number > last);
            last = number;
            table.insert(number, "goes");
            assert_eq!(table.remove(number), Some("goes"));
            assert_eq!(table.remove(number), None);
        }
        assert_eq!(table.get(stays), Some(&"stays"));
        assert_eq!((table.len(), table.last()), (1, last));
        // What stays has one place of four: that many numbers were left out.
        assert!(last < 1400, "{last}");
    }

    proptest! {
        #[test]
        fn it_has_what_a_map_has(steps: Vec<Option<u8>>) {
            let mut table = Numbered::new();
            let mut map = BTreeMap::new();
            for (step, remove) in steps.into_iter().enumerate() {
                if let Some(back) = remove {
                    let number = table.last().saturating_sub(u64::from(back));
                    prop_assert_eq!(table.get(number), map.get(&number));
                    prop_assert_eq!(table.remove(number), map.remove(&number));
                } else {
                    let number = table.next_number();
                    table.insert(number, step);
                    map.insert(number, step);
                    prop_assert_eq!(table.get_mut(number), map.get_mut(&number));
                }
                prop_assert_eq!(table.len(), map.len());
            }
            let numbers: Vec<u64> = map.into_keys().collect();
            prop_assert_eq!(table.numbers(), numbers);
        }
    }
}
