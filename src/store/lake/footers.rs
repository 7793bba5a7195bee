//! Footers of files of which a little is read again and again, with their page indexes, within a fixed memory.

use std::collections::HashMap;
use std::fmt;

use parking_lot::Mutex;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::PageIndexPolicy;

use crate::store::table::Table;

/// Footers kept of all tables together, bytes.
const CAPACITY: usize = 128 << 20;

/// How a footer that is kept is read: with its page index, for rows as the table has them.
pub fn options(table: Table) -> ArrowReaderOptions {
    ArrowReaderOptions::new().with_schema(table.schema()).with_page_index_policy(PageIndexPolicy::Optional)
}

/// The footers read last, by the path of their file, which no two tables share. Files never change, so none is ever
/// wrong.
pub struct Footers {
    kept: Mutex<Kept>,
    capacity: usize,
}

#[derive(Default)]
struct Kept {
    footers: HashMap<String, Footer>,
    bytes: usize,
    /// Counts the questions: what was asked for last has the highest.
    asked: u64,
}

struct Footer {
    metadata: ArrowReaderMetadata,
    bytes: usize,
    asked: u64,
}

impl Default for Footers {
    fn default() -> Self {
        Self::with_capacity(CAPACITY)
    }
}

impl fmt::Debug for Footers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Footers")
    }
}

impl Footers {
    fn with_capacity(capacity: usize) -> Self {
        Self { kept: Mutex::default(), capacity }
    }

    pub fn get(&self, path: &str) -> Option<ArrowReaderMetadata> {
        let kept = &mut *self.kept.lock();
        kept.asked += 1;
        let footer = kept.footers.get_mut(path)?;
        footer.asked = kept.asked;
        Some(footer.metadata.clone())
    }

    /// Keeps a footer, in the place of those not asked for the longest. One larger than all the room is not kept.
    pub fn put(&self, path: &str, metadata: &ArrowReaderMetadata) {
        let bytes = metadata.metadata().memory_size() + path.len();
        if bytes > self.capacity {
            return;
        }
        let kept = &mut *self.kept.lock();
        if let Some(before) = kept.footers.remove(path) {
            kept.bytes -= before.bytes;
        }
        if kept.bytes + bytes > self.capacity {
            kept.shrink(self.capacity - bytes.max(self.capacity / 8));
        }
        let footer = Footer { metadata: metadata.clone(), bytes, asked: kept.asked };
        kept.bytes += bytes;
        kept.footers.insert(path.to_owned(), footer);
    }
}

impl Kept {
    /// Forgets the oldest until no more than `bytes` are left.
    fn shrink(&mut self, bytes: usize) {
        let mut by_age: Vec<(u64, String)> =
            self.footers.iter().map(|(path, footer)| (footer.asked, path.clone())).collect();
        by_age.sort_unstable();
        for (_, path) in by_age {
            if self.bytes <= bytes {
                break;
            }
            self.bytes -= self.footers.remove(&path).map_or(0, |footer| footer.bytes);
        }
    }
}

#[cfg(test)]
#[path = "footers_tests.rs"]
mod tests;
