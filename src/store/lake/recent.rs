//! What was read last, within a fixed memory: the values not asked for the longest make room for others.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;

use parking_lot::Mutex;

/// Values by key, none of them ever wrong: what they were read from never changes.
pub struct Recent<K, V> {
    kept: Mutex<Kept<K, V>>,
    capacity: usize,
}

struct Kept<K, V> {
    values: HashMap<K, Value<V>>,
    bytes: usize,
    /// Counts the questions: what was asked for last has the highest.
    asked: u64,
}

struct Value<V> {
    value: V,
    bytes: usize,
    asked: u64,
}

impl<K, V> fmt::Debug for Recent<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recent({})", self.capacity)
    }
}

impl<K: Hash + Ord + Clone, V: Clone> Recent<K, V> {
    /// Of no more than `capacity` bytes.
    pub fn new(capacity: usize) -> Self {
        Self { kept: Mutex::new(Kept { values: HashMap::new(), bytes: 0, asked: 0 }), capacity }
    }

    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let kept = &mut *self.kept.lock();
        kept.asked += 1;
        let value = kept.values.get_mut(key)?;
        value.asked = kept.asked;
        Some(value.value.clone())
    }

    /// Keeps a value of so many bytes. One larger than all the room is not kept.
    pub fn put(&self, key: K, value: V, bytes: usize) {
        if bytes > self.capacity {
            return;
        }
        let kept = &mut *self.kept.lock();
        if let Some(before) = kept.values.remove(&key) {
            kept.bytes -= before.bytes;
        }
        if kept.bytes + bytes > self.capacity {
            // An eighth at once: going through all of them is not for every value.
            kept.shrink(self.capacity - bytes.max(self.capacity / 8));
        }
        kept.bytes += bytes;
        kept.values.insert(key, Value { value, bytes, asked: kept.asked });
    }
}

impl<K: Hash + Ord + Clone, V> Kept<K, V> {
    /// Forgets the oldest until no more than `bytes` are left.
    fn shrink(&mut self, bytes: usize) {
        let mut by_age: Vec<(u64, K)> =
            self.values.iter().map(|(key, value)| (value.asked, key.clone())).collect();
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
#[path = "recent_tests.rs"]
mod tests;
