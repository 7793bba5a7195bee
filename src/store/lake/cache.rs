//! What queries keep of the files they read: footers with their page indexes, and pages of which a little is read again
//! and again, as at the edges of the same range of time.

use std::sync::Arc;

use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::column::page::Page;
use parquet::file::metadata::PageIndexPolicy;

use super::recent::Recent;
use crate::store::table::Table;

/// Footers kept of all tables together, bytes.
const FOOTER_BYTES: usize = 96 << 20;
/// Pages kept of all tables together, bytes as they are decompressed.
const PAGE_BYTES: usize = 96 << 20;

/// How a footer that is kept is read: with its page index, for rows as the table has them.
pub fn options(table: Table) -> ArrowReaderOptions {
    ArrowReaderOptions::new().with_schema(table.schema()).with_page_index_policy(PageIndexPolicy::Optional)
}

/// Kept for all files of the lake, by their paths, which no two tables share.
#[derive(Debug)]
pub struct Cache {
    footers: Recent<String, ArrowReaderMetadata>,
    /// By the path and the offset in the file.
    pages: Recent<(Arc<str>, u64), Page>,
}

impl Default for Cache {
    fn default() -> Self {
        Self { footers: Recent::new(FOOTER_BYTES), pages: Recent::new(PAGE_BYTES) }
    }
}

impl Cache {
    pub fn footer(&self, path: &str) -> Option<ArrowReaderMetadata> {
        self.footers.get(path)
    }

    pub fn put_footer(&self, path: &str, footer: &ArrowReaderMetadata) {
        let bytes = footer.metadata().memory_size() + path.len();
        self.footers.put(path.to_owned(), footer.clone(), bytes);
    }

    /// A page at an offset of a file, decompressed.
    pub fn page(&self, path: &Arc<str>, offset: u64) -> Option<Page> {
        self.pages.get(&(path.clone(), offset))
    }

    /// Keeps a page by itself, also when its bytes are a piece of what was fetched with it.
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
