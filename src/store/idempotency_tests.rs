//! A key's request is written once; who comes again gets the first answer, who comes meanwhile waits.

use super::*;

const NOW: Micros = Micros(1_000_000);
const BODY: [u8; 32] = [1; 32];

async fn first(keys: &Arc<Idempotency>, key: &str) -> Claim {
    match keys.begin("key:1", key, BODY, NOW).await {
        Ok(Begin::First(claim)) => claim,
        Ok(Begin::Replay(answer)) => panic!("`{key}` was answered before: {answer:?}"),
        Err(e) => panic!("`{key}`: {e}"),
    }
}

fn finish(claim: Claim, answer: &[u8]) {
    let entry = claim.entry(answer.to_vec(), NOW);
    claim.finish(entry);
}

/// `Some` is a replay's answer.
async fn asked(keys: &Arc<Idempotency>, scope: &str, body: [u8; 32], now: Micros) -> Result<Option<Vec<u8>>> {
    Ok(match keys.begin(scope, "a", body, now).await? {
        Begin::First(_) => None,
        Begin::Replay(answer) => Some(answer),
    })
}

#[tokio::test]
async fn a_second_request_gets_the_first_answer() {
    let keys = Arc::new(Idempotency::default());
    finish(first(&keys, "a").await, b"one");
    assert_eq!(asked(&keys, "key:1", BODY, NOW).await.unwrap().as_deref(), Some(&b"one"[..]));
    assert_eq!(asked(&keys, "key:2", BODY, NOW).await.unwrap(), None, "another caller's keys are his own");
    let error = asked(&keys, "key:1", [2; 32], NOW).await.unwrap_err();
    assert_eq!((error.kind, error.fields.len()), (Kind::Conflict, 1));
    let last = Micros(NOW.0 + TTL_US - 1);
    assert!(asked(&keys, "key:1", BODY, last).await.unwrap().is_some());
    assert_eq!(
        asked(&keys, "key:1", BODY, Micros(NOW.0 + TTL_US)).await.unwrap(),
        None,
        "after a day it is free"
    );
}

#[tokio::test]
async fn a_request_that_failed_leaves_its_key_free() {
    let keys = Arc::new(Idempotency::default());
    drop(first(&keys, "a").await);
    finish(first(&keys, "a").await, b"two");
    assert_eq!(asked(&keys, "key:1", BODY, NOW).await.unwrap().as_deref(), Some(&b"two"[..]));
}

#[tokio::test]
async fn a_concurrent_request_waits_for_the_first() {
    for succeeds in [true, false] {
        let keys = Arc::new(Idempotency::default());
        let claim = first(&keys, "a").await;
        let error = asked(&keys, "key:1", [2; 32], NOW).await.unwrap_err();
        assert_eq!(error.kind, Kind::Conflict, "another body need not wait");
        let waiting = tokio::spawn({
            let keys = keys.clone();
            async move { asked(&keys, "key:1", BODY, NOW).await.unwrap() }
        });
        // One thread: after this it has got as far as it can.
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
    let keys = Arc::new(Idempotency::default());
    for key in ["", &"k".repeat(MAX_KEY + 1)] {
        assert_eq!(keys.begin("s", key, BODY, NOW).await.err().map(|e| e.kind), Some(Kind::Invalid));
    }
    finish(first(&keys, "large").await, &vec![0; MAX_BYTES]);
    assert_eq!(keys.begin("s", "next", BODY, NOW).await.err().map(|e| e.kind), Some(Kind::Throttled));
    let later = Micros(NOW.0 + TTL_US);
    assert!(keys.begin("s", "next", BODY, later).await.is_ok(), "room comes back as entries expire");
}

#[tokio::test]
async fn restored_keys_count_once_and_answer() {
    let keys = Arc::new(Idempotency::default());
    let claim = first(&keys, "a").await;
    let entry = claim.entry(b"one".to_vec(), NOW);
    drop(claim);
    keys.restore(entry.clone());
    keys.restore(entry);
    assert_eq!(keys.live(NOW).len(), 1);
    assert_eq!(asked(&keys, "key:1", BODY, NOW).await.unwrap().as_deref(), Some(&b"one"[..]));
    assert_eq!(keys.live(Micros(NOW.0 + TTL_US)).len(), 0);
    assert_eq!(keys.table.lock().shares.held(), Amount::default());
}

/// Finishes keys until there is no more room; how many there were.
async fn fill(keys: &Arc<Idempotency>, scope: &str) -> usize {
    for n in 0.. {
        match keys.begin(scope, &format!("k{n}"), BODY, NOW).await {
            Ok(Begin::First(claim)) => finish(claim, b"{\"rows\":1}"),
            Ok(Begin::Replay(_)) => panic!("{scope}: `k{n}` is new"),
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
    let keys = Arc::new(Idempotency::default());
    let filled = fill(&keys, "1/key:1 ingest").await;
    assert!((MAX_ENTRIES / 5..MAX_ENTRIES / 2).contains(&filled), "{filled}");
    // Another route is the same caller; what was written before is still answered.
    assert!(keys.begin("1/key:1 writeValues", "new", BODY, NOW).await.is_err());
    assert!(matches!(keys.begin("1/key:1 ingest", "k0", BODY, NOW).await, Ok(Begin::Replay(_))));
    for others in ["1/key:2 ingest", "2/key:3 ingest"] {
        assert!(matches!(keys.begin(others, "new", BODY, NOW).await, Ok(Begin::First(_))), "{others}");
    }
    // A restart changes nothing of it.
    let restored = Arc::new(Idempotency::default());
    keys.live(NOW).iter().for_each(|entry| restored.restore(Idempotent::clone(entry)));
    assert!(restored.begin("1/key:1 ingest", "new", BODY, NOW).await.is_err());
    assert!(restored.begin("1/key:2 ingest", "new", BODY, NOW).await.is_ok());
    let later = Micros(NOW.0 + TTL_US);
    assert!(restored.begin("1/key:1 ingest", "new", BODY, later).await.is_ok(), "room comes back");
}

#[tokio::test]
async fn requests_under_way_count_until_they_end() {
    let keys = Arc::new(Idempotency::default());
    let claims = [first(&keys, "a").await, first(&keys, "b").await];
    assert_eq!(keys.table.lock().shares.held().entries, 2);
    drop(claims);
    assert_eq!(keys.table.lock().shares.held(), Amount::default());
}
