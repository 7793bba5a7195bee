//! Cache of file footers with their page indexes, and of decompressed pages. Queries with small reads hit the same
//! pages repeatedly, for example at the edges of the same time range.

use std::sync::Arc;

use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::column::page::Page;
use parquet::file::metadata::PageIndexPolicy;

use super::byte_lru::ByteBoundedLru;
use crate::store::table::Table;

/// Memory for the footers of all tables together, bytes.
const FOOTER_BYTES: usize = 96 << 20;
/// Memory for the pages of all tables together, decompressed bytes.
const PAGE_BYTES: usize = 96 << 20;

/// Returns the options for reading a cached footer: with its page index and the table's schema.
pub fn footer_options(table: Table) -> ArrowReaderOptions {
    ArrowReaderOptions::new().with_schema(table.schema()).with_page_index_policy(PageIndexPolicy::Optional)
}

/// Cache for all files of the lake, keyed by path. No two tables share a path.
#[derive(Debug)]
pub struct LakeCache {
    footers: ByteBoundedLru<String, ArrowReaderMetadata>,
    /// Keyed by path and offset in the file.
    pages: ByteBoundedLru<(Arc<str>, u64), Page>,
}

impl Default for LakeCache {
    fn default() -> Self {
        Self { footers: ByteBoundedLru::new(FOOTER_BYTES), pages: ByteBoundedLru::new(PAGE_BYTES) }
    }
}

impl LakeCache {
    pub fn footer(&self, path: &str) -> Option<ArrowReaderMetadata> {
        self.footers.get(path)
    }

    pub fn put_footer(&self, path: &str, footer: &ArrowReaderMetadata) {
        let bytes = footer.metadata().memory_size() + path.len();
        self.footers.put(path.to_owned(), footer.clone(), bytes);
    }

    /// Returns the decompressed page at an offset of a file.
    pub fn page(&self, path: &Arc<str>, offset: u64) -> Option<Page> {
        self.pages.get(&(path.clone(), offset))
    }

    /// Caches a page. With `is_piece` its bytes are copied, so that it does not keep the whole fetched buffer alive.
    pub fn put_page(&self, path: &Arc<str>, offset: u64, mut page: Page, is_piece: bool) {
        if let Page::DataPage { buf, .. } | Page::DataPageV2 { buf, .. } | Page::DictionaryPage { buf, .. } =
            &mut page
            && is_piece
        {
            *buf = Bytes::copy_from_slice(buf);
        }
        let bytes = page.buffer().len() + path.len() + size_of::<Page>();
        self.pages.put((path.clone(), offset), page, bytes);
    }
}
