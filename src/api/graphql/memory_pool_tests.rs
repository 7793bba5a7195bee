//! Tests of the memory that requests may hold alone, together and next to each other.

use super::*;
use crate::domain::KeyId;

fn principal(key: i32) -> Principal {
    Principal { caller: Caller::Key(KeyId(key)), ..Principal::system(OrgId(1)) }
}

fn free(part: &MemoryTier) -> usize {
    part.all.available_permits()
}

#[test]
fn what_is_small_has_a_part_of_its_own() {
    let account = GraphqlMemoryPool::new(1);
    let (small, large) = (free(&account.small), free(&account.large));
    let reservation = account.open_reservation(&principal(1));
    reservation.grow(MAX_SMALL_REQUEST_BYTES).expect("free");
    assert_eq!(
        (free(&account.small), free(&account.large)),
        (small - MAX_SMALL_REQUEST_BYTES / UNIT_BYTES, large)
    );
    reservation.grow(1).expect("free");
    assert_eq!(free(&account.small), small, "all of it is of the large part now");
    assert!(free(&account.large) <= large - MAX_SMALL_REQUEST_BYTES / UNIT_BYTES);
    drop(reservation);
    assert_eq!((free(&account.small), free(&account.large)), (small, large));
}

#[test]
fn nobody_has_more_than_a_half_and_others_have_the_rest() {
    let account = GraphqlMemoryPool::new(1);
    let half = MIN_POOL_BYTES / CALLER_SHARE_DIVISOR;
    let (first, second, other) = (
        account.open_reservation(&principal(1)),
        account.open_reservation(&principal(1)),
        account.open_reservation(&principal(2)),
    );
    let error = first.grow(half + GROW_STEP_BYTES).unwrap_err();
    assert!(error.message.contains("32 MiB"), "{}", error.message);
    assert_eq!(error.kind, crate::domain::Kind::TooLarge);
    assert!(first.is_spent() && first.grow(1).is_err(), "once refused it has no more");
    first.shrink_to(0);
    first.grow(half).expect("free");
    assert_eq!(second.grow(2 * MAX_SMALL_REQUEST_BYTES).unwrap_err().kind, crate::domain::Kind::Busy);
    second.shrink_to(0);
    second.grow(MAX_SMALL_REQUEST_BYTES / 2).expect("what is small is free");
    other.grow(half).expect("another has a half too");
}

#[tokio::test]
async fn memory_marked_as_unused_is_not_given_to_those_who_wait() {
    let account = GraphqlMemoryPool::new(1);
    let half = MIN_POOL_BYTES / CALLER_SHARE_DIVISOR;
    let (running, waiting) =
        (account.open_reservation(&principal(1)), account.open_reservation(&principal(1)));
    running.reserve(half / 2).await.expect("free");
    let mut reserving = std::pin::pin!(waiting.reserve(half));
    // The first poll takes what is left and waits for the rest.
    assert!(futures::poll!(&mut reserving).is_pending());
    running.reuse(half / 4);
    running.grow(half / 4).expect("what it held before");
    assert!(futures::poll!(&mut reserving).is_pending());
    assert!(running.grow(GROW_STEP_BYTES).is_err(), "the rest belongs to the one that waits");
}

#[test]
fn what_is_handed_on_is_held_until_it_is_sent() {
    let account = GraphqlMemoryPool::new(1);
    let large = free(&account.large);
    let reservation = account.open_reservation(&principal(1));
    reservation.grow(8 << 20).expect("free");
    let text = reservation.split_off(3 << 20);
    reservation.shrink_to(0);
    assert_eq!((reservation.used(), text.used()), (0, 3 << 20));
    assert_eq!(large - free(&account.large), 3 << 10);
    text.shrink_to(1 << 20);
    assert_eq!(large - free(&account.large), 1 << 10);
    drop((reservation, text));
    assert_eq!(free(&account.large), large);
}

#[tokio::test(start_paused = true)]
async fn an_operation_waits_for_its_turn_and_not_for_ever() {
    let account = GraphqlMemoryPool::new(1);
    let half = MIN_POOL_BYTES / CALLER_SHARE_DIVISOR;
    let (first, second) = (account.open_reservation(&principal(1)), account.open_reservation(&principal(1)));
    first.reserve(half).await.expect("free");
    let begun = tokio::time::Instant::now();
    let wait = Duration::from_millis(200);
    assert_eq!(second.reserve_within(half, wait).await.unwrap_err().kind, crate::domain::Kind::Busy);
    assert_eq!(begun.elapsed(), wait);
    let waiting = tokio::spawn(async move { second.reserve(half).await.map(|()| second) });
    tokio::time::sleep(wait).await;
    drop(first);
    assert!(waiting.await.expect("no panic").is_ok(), "its turn");
}
