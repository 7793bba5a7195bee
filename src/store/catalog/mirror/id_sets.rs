//! Secondary indexes: for each key the ids of its rows, ascending. A key without rows has no entry.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

/// The ids of rows by a key that they share.
pub(in crate::store::catalog) type IdSets<K, Id> = HashMap<K, BTreeSet<Id>>;

/// Takes an id from the rows of a key.
pub(in crate::store::catalog) fn remove_id<K: Eq + Hash, Id: Ord>(
    index: &mut IdSets<K, Id>,
    key: &K,
    id: Id,
) {
    if let Some(ids) = index.get_mut(key) {
        ids.remove(&id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}
