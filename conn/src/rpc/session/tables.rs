//! Tables whose keys are numbers or random ids.

use std::collections::HashMap;

use foldhash::fast::RandomState;

pub(super) type Map<K, V> = HashMap<K, V, RandomState>;

/// Returns the values of a table in the order of their keys (the oldest first), so that their
/// treatment does not depend on the layout of the table.
pub(super) fn in_order<K: Ord, V>(
    entries: impl IntoIterator<Item = (K, V)>,
) -> impl Iterator<Item = V> {
    let mut entries: Vec<_> = entries.into_iter().collect();
    entries.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    entries.into_iter().map(|(_, value)| value)
}
