//! Tests that cached pages stay within their memory, and which of them are evicted first.

use parquet::basic::Encoding;

use super::*;

/// A page of `bytes` bytes. All pages share one buffer, so that a test needs little memory.
fn page(buffer: &Bytes, bytes: usize) -> Page {
    Page::DataPage {
        buf: buffer.slice(..bytes),
        num_values: 1,
        encoding: Encoding::PLAIN,
        def_level_encoding: Encoding::RLE,
        rep_level_encoding: Encoding::RLE,
        statistics: None,
    }
}

/// Caches `count` pages of 64 KiB from offset `first` on, and reads page 0 from time to time.
fn put_pages(cache: &LakeCache, path: &Arc<str>, first: u64, count: u64) {
    let buffer = Bytes::from(vec![0; 64 << 10]);
    for offset in first..first + count {
        cache.put_page(path, offset, page(&buffer, buffer.len()), false);
        cache.page(path, 0);
        assert!(cache.pages.weight() <= PAGE_BYTES as u64, "after page {offset}");
    }
}

#[test]
fn pages_that_are_read_again_outlast_those_read_once_and_memory_stays_within_its_bound() {
    let (cache, path) = (LakeCache::default(), Arc::from("date=2026-01-01/part-1.parquet"));
    put_pages(&cache, &path, 0, 10_000);
    assert!(cache.page(&path, 0).is_some(), "it was read again and again");
    assert!(cache.pages.weight() > PAGE_BYTES as u64 / 2, "{} bytes are used", cache.pages.weight());
    let left = (1..10_000).filter(|offset| cache.page(&path, *offset).is_some()).count();
    assert!(left < 1536, "{left} pages are cached");
}

#[test]
fn a_page_that_exceeds_its_share_is_not_cached_and_evicts_nothing() {
    let (cache, path) = (LakeCache::default(), Arc::from("date=2026-01-01/part-1.parquet"));
    put_pages(&cache, &path, 0, 1);
    let buffer = Bytes::from(vec![0; PAGE_BYTES / PAGE_SHARDS + 1]);
    cache.put_page(&path, 1, page(&buffer, buffer.len()), false);
    assert!(cache.page(&path, 1).is_none());
    assert!(cache.page(&path, 0).is_some());
}

#[test]
fn a_page_that_is_cached_again_replaces_the_one_before() {
    let (cache, path, buffer) =
        (LakeCache::default(), Arc::from("part.parquet"), Bytes::from(vec![0; 1 << 20]));
    for bytes in [10, 1 << 20, 20] {
        cache.put_page(&path, 7, page(&buffer, bytes), false);
        assert_eq!(cache.page(&path, 7).map(|page| page.buffer().len()), Some(bytes));
    }
    assert_eq!((cache.pages.len(), cache.page(&path, 8).is_none()), (1, true));
    assert_eq!(cache.pages.weight(), (20 + path.len() + size_of::<Page>()) as u64);
}

#[test]
fn a_new_working_set_of_small_pages_is_cached_when_it_is_read_again() {
    let (cache, path) = (LakeCache::default(), Arc::from("part.parquet"));
    let buffer = Bytes::from(vec![0; 8 << 10]);
    let read = |offset| {
        let is_cached = cache.page(&path, offset).is_some();
        if !is_cached {
            cache.put_page(&path, offset, page(&buffer, buffer.len()), false);
        }
        is_cached
    };
    for offset in 0..25_000 {
        read(offset);
    }
    let pass = || (100_000..104_096).filter(|offset| read(*offset)).count();
    let hits: Vec<usize> = (0..4).map(|_| pass()).collect();
    assert!(hits[3] > 3600, "{hits:?} of 4096");
}

#[test]
fn footers_that_fit_together_are_all_cached() {
    let cache = LakeCache::default();
    let schema = Table::Readings.schema();
    let mut file = Vec::new();
    parquet::arrow::ArrowWriter::try_new(&mut file, schema, None).unwrap().close().unwrap();
    let footer = ArrowReaderMetadata::load(&Bytes::from(file), footer_options(Table::Readings)).unwrap();
    let paths: Vec<String> = (0..8).map(|number| format!("part-{number}.parquet")).collect();
    for path in &paths {
        cache.footers.insert(path.clone(), CachedFooter { footer: footer.clone(), bytes: 11 << 20 });
    }
    let cached = paths.iter().filter(|path| cache.footer(path).is_some()).count();
    assert_eq!(cached, paths.len(), "88 of 96 MiB");
}
