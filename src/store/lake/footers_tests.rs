//! What is kept, and what goes first.

use std::sync::Arc;

use parquet::arrow::arrow_reader::ArrowReaderOptions;

use super::*;
use crate::store::lake::encode;
use crate::store::table::Table;

fn metadata() -> ArrowReaderMetadata {
    let mut file = Vec::new();
    encode::writer(&mut file, Table::Statistics).unwrap().close().unwrap();
    ArrowReaderMetadata::load(&bytes::Bytes::from(file), ArrowReaderOptions::new()).unwrap()
}

#[test]
fn what_was_not_asked_for_goes_first_and_memory_stays_within() {
    let one = metadata();
    let bytes = one.metadata().memory_size() + 1;
    let footers = Footers::with_capacity(bytes * 4);
    for path in ["a", "b", "c", "d"] {
        footers.put(path, &one);
    }
    assert!(footers.get("a").is_some_and(|kept| Arc::ptr_eq(kept.metadata(), one.metadata())));
    footers.put("e", &one);
    let kept = ["a", "b", "c", "d", "e"].map(|path| footers.get(path).is_some());
    assert_eq!(kept, [true, false, true, true, true]);
    footers.put("e", &one);
    assert_eq!(footers.kept.lock().bytes, bytes * 4);
}

#[test]
fn one_larger_than_all_the_room_is_not_kept() {
    let footers = Footers::with_capacity(10);
    footers.put("a", &metadata());
    assert!(footers.get("a").is_none());
}
