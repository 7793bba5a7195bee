//! Byte-bounded LRU cache.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;

use parking_lot::Mutex;

/// LRU cache of immutable values. Entries are never stale, because their sources never change.
pub struct ByteBoundedLru<K, V> {
    kept: Mutex<LruEntries<K, V>>,
    capacity: usize,
}

struct LruEntries<K, V> {
    values: HashMap<K, LruEntry<V>>,
    bytes: usize,
    /// Counter of accesses. The most recently used entry has the highest value.
    clock: u64,
}

struct LruEntry<V> {
    value: V,
    bytes: usize,
    last_used: u64,
}

impl<K, V> fmt::Debug for ByteBoundedLru<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ByteBoundedLru({})", self.capacity)
    }
}

impl<K: Hash + Ord + Clone, V: Clone> ByteBoundedLru<K, V> {
    /// Creates a cache of at most `capacity` bytes.
    pub fn new(capacity: usize) -> Self {
        Self { kept: Mutex::new(LruEntries { values: HashMap::new(), bytes: 0, clock: 0 }), capacity }
    }

    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let kept = &mut *self.kept.lock();
        kept.clock += 1;
        let value = kept.values.get_mut(key)?;
        value.last_used = kept.clock;
        Some(value.value.clone())
    }

    /// Inserts a value of `bytes` bytes. A value larger than the capacity is not cached.
    pub fn put(&self, key: K, value: V, bytes: usize) {
        if bytes > self.capacity {
            return;
        }
        let kept = &mut *self.kept.lock();
        if let Some(before) = kept.values.remove(&key) {
            kept.bytes -= before.bytes;
        }
        if kept.bytes + bytes > self.capacity {
            // Free an eighth at once, because scanning all entries for every insertion would be too slow.
            kept.shrink(self.capacity - bytes.max(self.capacity / 8));
        }
        kept.bytes += bytes;
        kept.values.insert(key, LruEntry { value, bytes, last_used: kept.clock });
    }
}

impl<K: Hash + Ord + Clone, V> LruEntries<K, V> {
    /// Evicts the least recently used entries until at most `bytes` remain.
    fn shrink(&mut self, bytes: usize) {
        let mut by_age: Vec<(u64, K)> =
            self.values.iter().map(|(key, value)| (value.last_used, key.clone())).collect();
        by_age.sort_unstable();
        for (_, key) in by_age {
            if self.bytes <= bytes {
                break;
            }
            self.bytes -= self.values.remove(&key).map_or(0, |value| value.bytes);
        }
    }
}

#[cfg(test)]
#[path = "byte_lru_tests.rs"]
mod tests;
