//! How many values an input may have.

use std::cell::Cell;
use std::marker::PhantomData;

use serde::{Deserialize, Deserializer};

thread_local! {
    static READ: Cell<usize> = const { Cell::new(0) };
}

/// A `T` that counts, and then is dropped: it takes no memory, so that only the limit of values can strike.
pub struct Tally<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Tally<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        READ.set(READ.get() + 1);
        T::deserialize(deserializer)?;
        Ok(Self(PhantomData))
    }
}

/// Does something in which no more than so many [`Tally`]s are read.
///
/// # Panics
/// If there are more.
pub fn limited<T>(most: usize, work: impl FnOnce() -> T) -> T {
    READ.set(0);
    let result = work();
    let read = READ.get();
    assert!(read <= most, "{read} values were read, where {most} may be");
    result
}
