//! Tests which tails stay.

use uuid::Uuid;

use super::*;
use crate::domain::reading::Reading;
use crate::domain::time::Day;
use crate::domain::{Micros, StreamId};
use crate::store::memtable::run::Run;
use crate::store::memtable::{DayRuns, ROW_BYTES};
use crate::store::replica::OrgTail;

/// A tail with some rows, of an owner's state.
fn tail(instance: u128, flushed: u64, seq: u64, rows: i64) -> Arc<CachedTail> {
    let reading = |row| Reading::good(StreamId(1), Micros(row), 1.0);
    let readings: DayRuns = match rows {
        0 => DayRuns::new(),
        _ => [(Day(0), vec![Run::new((0..rows).map(reading).collect(), seq)])].into(),
    };
    let instance = Uuid::from_u128(instance);
    let answer = OrgTail { instance, flushed, seq, readings, ..OrgTail::default() };
    Arc::new(CachedTail::new(None, answer).expect("it is whole"))
}

fn seq_of(cache: &TailCache, org: i32) -> Option<u64> {
    cache.get(OrgId(org)).map(|tail| tail.seq)
}

#[test]
fn the_latest_tail_of_an_organization_stays() {
    let cache = TailCache::new(1 << 20);
    cache.put(OrgId(1), tail(1, 0, 5, 1));
    // Statements that ran beside each other end in any order.
    cache.put(OrgId(1), tail(1, 0, 4, 1));
    assert_eq!(seq_of(&cache, 1), Some(5));
    cache.put(OrgId(1), tail(1, 3, 5, 1));
    assert_eq!(cache.get(OrgId(1)).map(|tail| tail.flushed), Some(3));
    cache.put(OrgId(1), tail(2, 1, 2, 1));
    assert_eq!(seq_of(&cache, 1), Some(2), "of the owner after a restart");
}

#[test]
fn tails_that_nothing_goes_on_from_leave() {
    let cache = TailCache::new(1 << 20);
    cache.put(OrgId(1), tail(1, 0, 5, 10));
    cache.put(OrgId(2), tail(1, 0, 6, 10));
    cache.put(OrgId(3), tail(1, 6, 9, 10));
    assert_eq!(
        [1, 2, 3].map(|org| seq_of(&cache, org)),
        [None, Some(6), Some(9)],
        "up to 6 all are in the lake"
    );
    cache.put(OrgId(4), tail(2, 0, 1, 10));
    assert_eq!([2, 3, 4].map(|org| seq_of(&cache, org)), [None, None, Some(1)], "another owner");
    assert_eq!(cache.size_bytes(), 10 * ROW_BYTES);
}

#[test]
fn tails_are_bounded_in_number_and_in_bytes() {
    let cache = TailCache::new(100 * ROW_BYTES);
    let most = i32::try_from(MAX_ORGS).expect("it is small");
    (0..most).for_each(|org| cache.put(OrgId(org), tail(1, 0, 1, 0)));
    assert_eq!(seq_of(&cache, 0), Some(1), "it is used");
    cache.put(OrgId(most), tail(1, 0, 1, 60));
    assert_eq!([0, 1, 2, most].map(|org| seq_of(&cache, org)), [Some(1), None, Some(1), Some(1)]);
    cache.put(OrgId(-1), tail(1, 0, 1, 60));
    assert_eq!(
        [most, -1].map(|org| seq_of(&cache, org)),
        [None, Some(1)],
        "two have more bytes than there may be"
    );
    cache.put(OrgId(-1), tail(1, 0, 2, 101));
    assert_eq!((seq_of(&cache, -1), cache.size_bytes()), (None, 0), "one that is too large is not kept");
}
