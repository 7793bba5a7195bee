//! Tests that a key's request is written once: later retries get the first answer, and concurrent ones wait.

use super::*;

const NOW: Micros = Micros(1_000_000);
const BODY: [u8; 32] = [1; 32];

async fn first(keys: &Arc<IdempotencyKeys>, key: &str) -> Claim {
    match keys.begin("key:1", key, BODY, NOW).await {
        Ok(BeginOutcome::First(claim)) => claim,
        Ok(BeginOutcome::Replay(answer)) => panic!("`{key}` was answered before: {answer:?}"),
        Err(e) => panic!("`{key}`: {e}"),
    }
}

fn finish(claim: Claim, answer: &[u8]) {
    let entry = claim.entry(answer.to_vec(), NOW);
    claim.finish(entry);
}

/// `Some` is the answer of a replay.
async fn replayed_answer(
    keys: &Arc<IdempotencyKeys>,
    scope: &str,
    body: [u8; 32],
    now: Micros,
) -> Result<Option<Vec<u8>>> {
    Ok(match keys.begin(scope, "a", body, now).await? {
        BeginOutcome::First(_) => None,
        BeginOutcome::Replay(answer) => Some(answer),
    })
}

#[tokio::test]
async fn a_second_request_gets_the_first_answer() {
    let keys = Arc::new(IdempotencyKeys::default());
    finish(first(&keys, "a").await, b"one");
    assert_eq!(replayed_answer(&keys, "key:1", BODY, NOW).await.unwrap().as_deref(), Some(&b"one"[..]));
    assert_eq!(
        replayed_answer(&keys, "key:2", BODY, NOW).await.unwrap(),
        None,
        "another caller's keys are his own"
    );
    let error = replayed_answer(&keys, "key:1", [2; 32], NOW).await.unwrap_err();
    assert_eq!((error.kind, error.fields.len()), (Kind::Conflict, 1));
    let last = Micros(NOW.0 + TTL_US - 1);
    assert!(replayed_answer(&keys, "key:1", BODY, last).await.unwrap().is_some());
    assert_eq!(
        replayed_answer(&keys, "key:1", BODY, Micros(NOW.0 + TTL_US)).await.unwrap(),
        None,
        "after a day it is free"
    );
}

#[tokio::test]
async fn a_request_that_failed_leaves_its_key_free() {
    let keys = Arc::new(IdempotencyKeys::default());
    drop(first(&keys, "a").await);
    finish(first(&keys, "a").await, b"two");
    assert_eq!(replayed_answer(&keys, "key:1", BODY, NOW).await.unwrap().as_deref(), Some(&b"two"[..]));
}

#[tokio::test]
async fn a_concurrent_request_waits_for_the_first() {
    for succeeds in [true, false] {
        let keys = Arc::new(IdempotencyKeys::default());
        let claim = first(&keys, "a").await;
        let error = replayed_answer(&keys, "key:1", [2; 32], NOW).await.unwrap_err();
        assert_eq!(error.kind, Kind::Conflict, "another body need not wait");
        let waiting = tokio::spawn({
            let keys = keys.clone();
            async move { replayed_answer(&keys, "key:1", BODY, NOW).await.unwrap() }
        });
        // There is one thread: after this the task has got as far as it can.
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        if succeeds {
            finish(claim, b"one")
        } else {
            drop(claim)
        }
        assert_eq!(
            waiting.await.unwrap().as_deref(),
            succeeds.then_some(&b"one"[..]),
            "succeeds: {succeeds}"
        );
    }
}

#[tokio::test]
async fn keys_are_bounded_in_length_number_and_bytes() {
    let keys = Arc::new(IdempotencyKeys::default());
    for key in ["", &"k".repeat(MAX_KEY_BYTES + 1)] {
        assert_eq!(keys.begin("s", key, BODY, NOW).await.err().map(|e| e.kind), Some(Kind::Invalid));
    }
    finish(first(&keys, "large").await, &vec![0; MAX_BYTES]);
    assert_eq!(keys.begin("s", "next", BODY, NOW).await.err().map(|e| e.kind), Some(Kind::Throttled));
    let later = Micros(NOW.0 + TTL_US);
    assert!(keys.begin("s", "next", BODY, later).await.is_ok(), "room comes back as entries expire");
}

#[tokio::test]
async fn restored_keys_count_once_and_answer() {
    let keys = Arc::new(IdempotencyKeys::default());
    let claim = first(&keys, "a").await;
    let entry = claim.entry(b"one".to_vec(), NOW);
    drop(claim);
    keys.restore(entry.clone());
    keys.restore(entry);
    assert_eq!(keys.live_entries(NOW).len(), 1);
    assert_eq!(replayed_answer(&keys, "key:1", BODY, NOW).await.unwrap().as_deref(), Some(&b"one"[..]));
    assert_eq!(keys.live_entries(Micros(NOW.0 + TTL_US)).len(), 0);
    assert_eq!(keys.table.lock().shares.held(), QuotaUsage::default());
}

/// Finishes keys until there is no more room. Returns their number.
async fn fill(keys: &Arc<IdempotencyKeys>, scope: &str) -> usize {
    for n in 0.. {
        match keys.begin(scope, &format!("k{n}"), BODY, NOW).await {
            Ok(BeginOutcome::First(claim)) => finish(claim, b"{\"rows\":1}"),
            Ok(BeginOutcome::Replay(_)) => panic!("{scope}: `k{n}` is new"),
            Err(error) => {
                assert_eq!(error.kind, Kind::Throttled);
                return n;
            }
        }
    }
    0
}

#[tokio::test]
async fn who_uses_up_a_share_stops_nobody_else() {
    let keys = Arc::new(IdempotencyKeys::default());
    let filled = fill(&keys, "1/key:1 ingest").await;
    assert!((MAX_ENTRIES / 5..MAX_ENTRIES / 2).contains(&filled), "{filled}");
    // Another route is the same caller; requests written before are still answered.
    assert!(keys.begin("1/key:1 writeValues", "new", BODY, NOW).await.is_err());
    assert!(matches!(keys.begin("1/key:1 ingest", "k0", BODY, NOW).await, Ok(BeginOutcome::Replay(_))));
    for others in ["1/key:2 ingest", "2/key:3 ingest"] {
        assert!(matches!(keys.begin(others, "new", BODY, NOW).await, Ok(BeginOutcome::First(_))), "{others}");
    }
    // A restart changes none of this.
    let restored = Arc::new(IdempotencyKeys::default());
    keys.live_entries(NOW).iter().for_each(|entry| restored.restore(IdempotencyRecord::clone(entry)));
    assert!(restored.begin("1/key:1 ingest", "new", BODY, NOW).await.is_err());
    assert!(restored.begin("1/key:2 ingest", "new", BODY, NOW).await.is_ok());
    let later = Micros(NOW.0 + TTL_US);
    assert!(restored.begin("1/key:1 ingest", "new", BODY, later).await.is_ok(), "room comes back");
}

#[tokio::test]
async fn requests_under_way_count_until_they_end() {
    let keys = Arc::new(IdempotencyKeys::default());
    let claims = [first(&keys, "a").await, first(&keys, "b").await];
    assert_eq!(keys.table.lock().shares.held().entries, 2);
    drop(claims);
    assert_eq!(keys.table.lock().shares.held(), QuotaUsage::default());
}
