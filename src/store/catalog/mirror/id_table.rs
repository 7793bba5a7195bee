//! Hash index from a key of a row to the row's id. It holds no key: the caller compares with the row itself.

use std::hash::{BuildHasher, Hash, RandomState};

use hashbrown::HashTable;

/// Ids by the hash of a key that is unique among the rows: some ten bytes per row, whatever the length of the key.
pub(in crate::store::catalog) struct IdTable<Id> {
    entries: HashTable<Entry<Id>>,
    hasher: RandomState,
}

/// The hash is kept, so that the table grows without the rows.
struct Entry<Id> {
    hash: u32,
    id: Id,
}

impl<Id> Default for IdTable<Id> {
    fn default() -> Self {
        Self { entries: HashTable::new(), hasher: RandomState::new() }
    }
}

impl<Id: Copy + Eq> IdTable<Id> {
    /// The id of the row with this key; `has_key` compares a row with it.
    pub(in crate::store::catalog) fn find(
        &self,
        key: &(impl Hash + ?Sized),
        has_key: impl Fn(Id) -> bool,
    ) -> Option<Id> {
        let hash = self.hash(key);
        let entry = self.entries.find(spread(hash), |entry| entry.hash == hash && has_key(entry.id))?;
        Some(entry.id)
    }

    /// Adds a row, which must not be in the table.
    pub(in crate::store::catalog) fn insert(&mut self, key: &(impl Hash + ?Sized), id: Id) {
        let hash = self.hash(key);
        self.entries.insert_unique(spread(hash), Entry { hash, id }, |entry| spread(entry.hash));
    }

    /// Removes a row, if it is there.
    pub(in crate::store::catalog) fn remove(&mut self, key: &(impl Hash + ?Sized), id: Id) {
        let hash = self.hash(key);
        if let Ok(entry) = self.entries.find_entry(spread(hash), |entry| entry.id == id) {
            entry.remove();
        }
    }

    #[cfg(test)]
    pub(in crate::store::catalog) fn len(&self) -> usize {
        self.entries.len()
    }

    fn hash(&self, key: &(impl Hash + ?Sized)) -> u32 {
        (self.hasher.hash_one(key) >> 32) as u32
    }
}

/// The table reads the lowest and the highest bits of a hash of 64 bits.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_found_until_it_is_removed() {
        let name = |id: i32| format!("row {id}");
        let mut table = IdTable::default();
        (0..5000).for_each(|id| table.insert(&name(id), id));
        (0..5000).step_by(2).for_each(|id| table.remove(&name(id), id));
        for id in 0..5000 {
            let found = table.find(&name(id), |other| name(other) == name(id));
            assert_eq!(found, (id % 2 == 1).then_some(id));
        }
        table.remove("unknown", 1);
        assert_eq!(table.find("unknown", |_| true), None);
    }
}
