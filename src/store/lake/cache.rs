//! Cache of file footers with their page indexes, and of decompressed pages. Queries with small reads hit the same
//! pages repeatedly, for example at the edges of the same time range.

use std::hash::Hash;
use std::sync::Arc;

use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::column::page::Page;
use parquet::file::metadata::PageIndexPolicy;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

use crate::domain::memory_usage::MemoryUsage;
use crate::store::table::Table;

/// Memory for the footers of all tables together, bytes.
const FOOTER_BYTES: usize = 96 << 20;
/// Memory for the pages of all tables together, decompressed bytes.
const PAGE_BYTES: usize = 96 << 20;
/// Number of parts of the page cache, each with a lock and an equal share of the memory. A page larger than 97 % of a
/// share is not cached.
const PAGE_SHARDS: usize = 4;
/// Footers have one part: the footer of the largest file of statistics takes 12 MiB, and parts would make the largest
/// ones displace each other.
const FOOTER_SHARDS: usize = 1;
/// Typical bytes of an entry, from which the cache derives how many evicted keys it remembers. A key that is read again
/// while it is remembered is admitted for long; too high a value makes the cache forget keys before that.
const TYPICAL_PAGE_BYTES: usize = 4 << 10;
const TYPICAL_FOOTER_BYTES: usize = 64 << 10;

/// Returns the options for reading a cached footer: with its page index and the table's schema.
pub fn footer_options(table: Table) -> ArrowReaderOptions {
    ArrowReaderOptions::new().with_schema(table.schema()).with_page_index_policy(PageIndexPolicy::Optional)
}

/// Cache for all files of the lake, keyed by path. No two tables share a path. Entries are never stale, because files
/// never change.
#[derive(Debug)]
pub struct LakeCache {
    footers: Cache<String, CachedFooter, FooterBytes>,
    pages: Cache<PageKey, Page, PageBytes>,
}

/// A footer with its size, which is costly to compute.
#[derive(Debug, Clone)]
struct CachedFooter {
    footer: ArrowReaderMetadata,
    bytes: usize,
}

/// File and offset of a page.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct PageKey {
    path: Arc<str>,
    offset: u64,
}

/// Weighs footers by their bytes.
#[derive(Debug, Clone, Copy)]
struct FooterBytes;

/// Weighs pages by their decompressed bytes.
#[derive(Debug, Clone, Copy)]
struct PageBytes;

impl Weighter<String, CachedFooter> for FooterBytes {
    fn weight(&self, path: &String, footer: &CachedFooter) -> u64 {
        (footer.bytes + path.len()) as u64
    }
}

impl Weighter<PageKey, Page> for PageBytes {
    fn weight(&self, key: &PageKey, page: &Page) -> u64 {
        (page.buffer().len() + key.path.len() + size_of::<Page>()) as u64
    }
}

impl Default for LakeCache {
    fn default() -> Self {
        Self {
            footers: new_cache(FOOTER_BYTES, FOOTER_SHARDS, TYPICAL_FOOTER_BYTES, FooterBytes),
            pages: new_cache(PAGE_BYTES, PAGE_SHARDS, TYPICAL_PAGE_BYTES, PageBytes),
        }
    }
}

/// Creates a cache of at most `bytes` in `shards` parts, whose entries take `typical_bytes`. It remembers as many
/// evicted keys as it has entries, so that a working set that is new to it is admitted when it is read again.
fn new_cache<K: Eq + Hash, V: Clone, W: Weighter<K, V> + Clone>(
    bytes: usize,
    shards: usize,
    typical_bytes: usize,
    weighter: W,
) -> Cache<K, V, W> {
    let options = OptionsBuilder::new()
        .shards(shards)
        .estimated_items_capacity(bytes / typical_bytes)
        .ghost_allocation(1.0)
        .weight_capacity(bytes as u64)
        .build()
        .expect("both capacities are set");
    Cache::with_options(options, weighter, DefaultHashBuilder::default(), DefaultLifecycle::default())
}

impl LakeCache {
    /// Returns the footer of a file as read with [`footer_options`]; `None` when it is not cached.
    pub fn footer(&self, path: &str) -> Option<ArrowReaderMetadata> {
        self.footers.get(path).map(|cached| cached.footer)
    }

    /// Caches the footer of a file, at the weight of its metadata and path in bytes.
    pub fn put_footer(&self, path: &str, footer: &ArrowReaderMetadata) {
        let bytes = footer.metadata().memory_size();
        self.footers.insert(path.to_owned(), CachedFooter { footer: footer.clone(), bytes });
    }

    /// Returns the use of the cache: footers and pages together.
    pub fn usage(&self) -> MemoryUsage {
        let used_bytes = (self.footers.weight() + self.pages.weight()) as usize;
        MemoryUsage { budget: "lake_cache", used_bytes, limit_bytes: FOOTER_BYTES + PAGE_BYTES }
    }

    /// Returns the decompressed page at an offset of a file.
    pub fn page(&self, path: &Arc<str>, offset: u64) -> Option<Page> {
        self.pages.get(&PageKey { path: path.clone(), offset })
    }

    /// Caches a page. With `is_piece` its bytes are copied, so that it does not keep the whole fetched buffer alive.
    pub fn put_page(&self, path: &Arc<str>, offset: u64, mut page: Page, is_piece: bool) {
        if let Page::DataPage { buf, .. } | Page::DataPageV2 { buf, .. } | Page::DictionaryPage { buf, .. } =
            &mut page
            && is_piece
        {
            *buf = Bytes::copy_from_slice(buf);
        }
        self.pages.insert(PageKey { path: path.clone(), offset }, page);
    }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
