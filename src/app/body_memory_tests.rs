//! Tests of reservations per holder, and of waiting for memory.

use std::net::Ipv4Addr;

use super::*;
use crate::domain::Kind;

const SMALL: BodyMemoryLimits = BodyMemoryLimits {
    total: 100,
    bodies: 60,
    caller: 40,
    max_anonymous: 10,
    max_per_address: 6,
    resident_memory_limit: usize::MAX,
    wait_timeout: Duration::from_millis(200),
};

fn reserve(
    account: &Arc<BodyMemoryBudget>,
    holder: MemoryHolder,
    bytes: usize,
) -> Result<BodyMemoryReservation> {
    let mut reservation = BodyMemoryReservation::with_budget(account.clone(), holder);
    reservation.try_grow_to(bytes).map(|()| reservation)
}

#[test]
fn no_caller_has_it_all_and_strangers_have_none_of_it() {
    let account = Arc::new(BodyMemoryBudget::new(SMALL));
    let (one, other) = (MemoryHolder::Caller(1), MemoryHolder::Caller(2));
    let first = reserve(&account, one, 40).expect("a caller's share");
    assert_eq!(reserve(&account, one, 1).unwrap_err().kind, Kind::Busy, "and no more");
    let second = reserve(&account, other, 20).expect("what is left to bodies");
    assert!(reserve(&account, other, 1).is_err(), "bodies have their part only");
    let rows = reserve(&account, MemoryHolder::Rows, 40).expect("the rest is for rows");
    assert!(reserve(&account, MemoryHolder::Rows, 1).is_err());
    let at = |last| MemoryHolder::Anonymous(Some(Ipv4Addr::new(192, 0, 2, last).into()));
    let stranger = reserve(&account, at(1), 6).expect("strangers have their own");
    assert!(reserve(&account, at(1), 1).is_err(), "an address has its share");
    assert!(reserve(&account, at(2), 5).is_err(), "and all addresses have theirs");
    assert_eq!(account.used(), 106);
    drop((first, second, rows, stranger));
    assert_eq!(account.used(), 0, "all of it is given back");
    assert!(account.held.lock().by_holder.is_empty(), "nobody is remembered");
}

#[test]
fn what_is_held_grows_and_shrinks() {
    let account = Arc::new(BodyMemoryBudget::new(SMALL));
    let mut reservation = reserve(&account, MemoryHolder::Caller(1), 30).unwrap();
    reservation.try_grow_to(10).expect("it is covered already");
    assert_eq!((reservation.bytes(), account.used()), (30, 30));
    assert!(reservation.try_grow_to(50).is_err());
    assert_eq!(account.used(), 30, "what could not be taken is not held");
    reservation.shrink(12);
    assert_eq!(account.used(), 12);
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_with_much_resident_memory_reads_small_bodies_only() {
    let much = 4 * LARGE_BODY_BYTES;
    let roomy = BodyMemoryLimits { total: much, bodies: much, caller: much, ..SMALL };
    let account = Arc::new(BodyMemoryBudget::new(BodyMemoryLimits { resident_memory_limit: 1, ..roomy }));
    let mut small = reserve(&account, MemoryHolder::Caller(1), LARGE_BODY_BYTES).expect("a small body");
    assert_eq!(small.try_grow_to(LARGE_BODY_BYTES + 1).unwrap_err().kind, Kind::Busy);
    reserve(&account, MemoryHolder::Rows, much - LARGE_BODY_BYTES).expect("rows of bodies that have arrived");
    let account = Arc::new(BodyMemoryBudget::new(roomy));
    reserve(&account, MemoryHolder::Caller(1), much).expect("a large body in a process with little memory");
}

#[tokio::test(start_paused = true)]
async fn rows_wait_for_others_and_not_for_ever() {
    let account = Arc::new(BodyMemoryBudget::new(SMALL));
    let first = reserve(&account, MemoryHolder::Rows, 90).unwrap();
    let mut second = BodyMemoryReservation::with_budget(account.clone(), MemoryHolder::Rows);
    let refused = second.grow_to(30).await.unwrap_err();
    assert_eq!(refused.kind, Kind::Busy);
    let waiting = tokio::spawn(async move { second.grow_to(1000).await.map(|()| second) });
    tokio::task::yield_now().await;
    drop(first);
    let second = waiting.await.unwrap().expect("it was given back");
    assert_eq!(second.bytes(), 40, "no more than rows are always left");
}
