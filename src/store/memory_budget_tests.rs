//! Tests of who holds the memory of rows that are not yet in the lake.

use super::*;

const WAIT: Duration = Duration::from_secs(1);

fn budget(cap_bytes: usize, held_bytes: usize) -> Arc<MemoryBudget> {
    Arc::new(MemoryBudget::new(cap_bytes, held_bytes))
}

#[tokio::test]
async fn a_request_that_is_dropped_returns_its_memory() {
    let budget = budget(64 << 10, 0);
    let permit = budget.reserve(1000, WAIT).await.unwrap();
    assert_eq!(budget.used_bytes(), 17 * UNIT_BYTES, "rounded up, and one unit for the request");
    drop(permit);
    assert_eq!(budget.used_bytes(), 0);
}

#[tokio::test]
async fn the_memtable_holds_the_memory_of_its_rows_until_they_are_flushed() {
    let budget = budget(64 << 10, 0);
    let first = budget.reserve(1000, WAIT).await.unwrap();
    budget.insert(vec![first], || {});
    assert_eq!((budget.active_bytes(), budget.used_bytes()), (17 * UNIT_BYTES, 17 * UNIT_BYTES));

    assert_eq!(budget.freeze(|| None::<()>), None, "no rows");
    assert_eq!(budget.active_bytes(), 17 * UNIT_BYTES, "nothing was frozen");
    assert_eq!(budget.freeze(|| Some(7)), Some(7));
    let second = budget.reserve(100, WAIT).await.unwrap();
    budget.insert(vec![second], || {});
    assert_eq!((budget.active_bytes(), budget.used_bytes()), (3 * UNIT_BYTES, 20 * UNIT_BYTES));

    budget.release_frozen();
    assert_eq!(budget.used_bytes(), 3 * UNIT_BYTES, "rows that came after the freeze stay");
    budget.release_frozen();
    assert_eq!(budget.used_bytes(), 3 * UNIT_BYTES);
}

#[tokio::test(start_paused = true)]
async fn a_writer_waits_for_memory_until_its_time_is_over() {
    let budget = budget(10 * UNIT_BYTES, 0);
    let permit = budget.reserve(8 * UNIT_BYTES, WAIT).await.unwrap();
    let waiting = tokio::spawn({
        let budget = budget.clone();
        async move { budget.reserve(2 * UNIT_BYTES, WAIT).await.map(drop) }
    });
    tokio::task::yield_now().await;
    assert!(budget.has_waiting_writers());
    let refused = waiting.await.unwrap().unwrap_err();
    assert_eq!(refused.kind, crate::domain::Kind::Busy);
    assert!(!budget.has_waiting_writers());

    drop(permit);
    assert!(budget.reserve(2 * UNIT_BYTES, WAIT).await.is_ok());
    let too_large = budget.reserve(10 * UNIT_BYTES, WAIT).await.map(drop).unwrap_err();
    assert_eq!(too_large.kind, crate::domain::Kind::TooLarge);
}

#[tokio::test(start_paused = true)]
async fn rows_of_the_log_that_exceed_the_budget_leave_nothing_until_they_are_flushed() {
    let budget = budget(10 * UNIT_BYTES, 1 << 20);
    assert_eq!(budget.used_bytes(), budget.cap_bytes());
    assert!(budget.reserve(1, WAIT).await.is_err());
    budget.freeze(|| Some(()));
    budget.release_frozen();
    assert!(budget.reserve(1, WAIT).await.is_ok());
}
