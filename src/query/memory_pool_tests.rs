//! Tests what a query's share and the common pool grant, refuse and release.

use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryConsumer};

use super::*;

fn shares(pool: usize, limit: usize) -> (Arc<dyn MemoryPool>, [Arc<dyn MemoryPool>; 2]) {
    let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(pool));
    let share = || Arc::new(QueryMemoryPool::new(pool.clone(), limit)) as Arc<dyn MemoryPool>;
    (pool.clone(), [share(), share()])
}

fn reserve(share: &Arc<dyn MemoryPool>) -> MemoryReservation {
    MemoryConsumer::new("test").register(share)
}

#[test]
fn a_query_gets_its_share_and_no_more_however_much_is_left() {
    let (pool, [share, _]) = shares(1000, 400);
    let (one, two) = (reserve(&share), reserve(&share));
    one.try_grow(300).unwrap();
    two.try_grow(100).unwrap();
    let error = two.try_grow(1).unwrap_err().to_string();
    assert!(error.contains("limits.query_share") && !error.contains(POOL_EXHAUSTED), "{error}");
    assert_eq!((share.reserved(), pool.reserved()), (400, 400), "a refusal takes nothing");
    one.shrink(200);
    two.try_grow(200).unwrap();
    drop((one, two));
    assert_eq!((share.reserved(), pool.reserved()), (0, 0));
    assert_eq!(share.downcast_ref::<QueryMemoryPool>().unwrap().peak(), 400);
}

#[test]
fn what_others_hold_is_told_apart_from_a_share_that_is_spent() {
    let (pool, [one, two]) = shares(500, 400);
    let (first, second) = (reserve(&one), reserve(&two));
    first.try_grow(400).unwrap();
    let error = second.try_grow(200).unwrap_err().to_string();
    assert!(error.contains(POOL_EXHAUSTED) && error.contains("limits.query_memory"), "{error}");
    assert_eq!((two.reserved(), pool.reserved()), (0, 400), "a refusal takes nothing");
    drop(first);
    second.try_grow(200).unwrap();
}

#[test]
fn what_an_operator_holds_already_counts_even_past_the_share() {
    let (pool, [share, _]) = shares(1000, 400);
    let reservation = reserve(&share);
    reservation.grow(600);
    assert_eq!((share.reserved(), pool.reserved()), (600, 600));
    assert!(reservation.try_grow(1).is_err());
    drop(reservation);
    assert_eq!((share.reserved(), pool.reserved()), (0, 0));
}

#[test]
fn operators_that_can_spill_get_equal_parts_and_leave_some_for_the_others() {
    let (_, [share, _]) = shares(1000, 400);
    let spilling = || MemoryConsumer::new("sort").with_can_spill(true).register(&share);
    let (one, two) = (spilling(), spilling());
    assert!(one.try_grow(151).is_err(), "a quarter is for others, and half of the rest for the other sort");
    one.try_grow(150).unwrap();
    two.try_grow(150).unwrap();
    let merge = reserve(&share);
    merge.try_grow(100).unwrap();
    assert!(merge.try_grow(1).is_err());
    drop((two, merge));
    one.try_grow(150).unwrap();
    assert!(one.try_grow(1).is_err(), "the quarter stays free");
}

#[test]
fn of_many_operators_each_gets_what_it_has_to_set_aside() {
    let (_, [share, _]) = shares(1000, 320);
    let sorts: Vec<_> =
        (0..30).map(|_| MemoryConsumer::new("sort").with_can_spill(true).register(&share)).collect();
    for sort in &sorts {
        sort.try_grow(320 / MIN_PART_DIVISOR).unwrap();
        assert!(sort.try_grow(1).is_err(), "its part is spent");
    }
    reserve(&share).try_grow(20).unwrap();
}
