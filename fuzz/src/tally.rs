//! Limits of the number of values per input.

use std::cell::Cell;
use std::marker::PhantomData;

use serde::{Deserialize, Deserializer};

thread_local! {
    static READ: Cell<usize> = const { Cell::new(0) };
}

/// Counts the `T`s that are decoded and drops them, so that only the limit of values applies and
/// not a limit of memory.
pub struct Tally<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Tally<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        READ.set(READ.get() + 1);
        T::deserialize(deserializer)?;
        Ok(Self(PhantomData))
    }
}

/// Runs `work`, and checks that it decodes at most `most` [`Tally`]s.
///
/// # Panics
/// If there are more.
pub fn limited<T>(most: usize, work: impl FnOnce() -> T) -> T {
    READ.set(0);
    let result = work();
    let read = READ.get();
    assert!(
        read <= most,
        "{read} values were decoded, over the limit of {most}"
    );
    result
}
