//! Memory for the bodies of requests, of all connections together.

use std::sync::atomic::{AtomicUsize, Ordering};

/// So much of each body costs nothing: small calls are answered whatever large ones there are.
const FREE: usize = 64 << 10;

/// What all bodies together may take.
#[derive(Debug)]
pub(super) struct Budget {
    taken: AtomicUsize,
    max: usize,
}

impl Budget {
    pub(super) const fn new(max: usize) -> Self {
        Self {
            taken: AtomicUsize::new(0),
            max,
        }
    }

    /// For one body, of which nothing is there yet.
    pub(super) const fn share(&self) -> Share<'_> {
        Share {
            budget: self,
            taken: 0,
        }
    }
}

/// What one body takes of the budget, until this is dropped.
#[derive(Debug)]
pub(super) struct Share<'a> {
    budget: &'a Budget,
    taken: usize,
}

impl Share<'_> {
    /// Makes room for a body of so many bytes, what it has included. Says whether there is room for it.
    pub(super) fn cover(&mut self, length: usize) -> bool {
        let wanted = length.saturating_sub(FREE);
        let Some(more) = wanted.checked_sub(self.taken) else {
            return true;
        };
        let taken = &self.budget.taken;
        if more > 0
            && taken
                .fetch_add(more, Ordering::Relaxed)
                .saturating_add(more)
                > self.budget.max
        {
            taken.fetch_sub(more, Ordering::Relaxed);
            return false;
        }
        self.taken = wanted;
        true
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        if self.taken > 0 {
            self.budget.taken.fetch_sub(self.taken, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_share_what_there_is() {
        let budget = Budget::new(1000);
        let mut small: Vec<Share<'_>> = (0..100).map(|_| budget.share()).collect();
        assert!(small.iter_mut().all(|share| share.cover(FREE)));
        let (mut one, mut other) = (budget.share(), budget.share());
        assert!(one.cover(FREE + 600) && one.cover(FREE + 100));
        assert!(other.cover(FREE + 400));
        assert!(!other.cover(FREE + 401));
        drop(one);
        assert!(other.cover(FREE + 1000));
        drop((other, small));
        assert_eq!(budget.taken.into_inner(), 0);
    }
}
