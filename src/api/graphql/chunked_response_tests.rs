//! Responses release their memory as they are sent, and are not kept for clients that do not read.

use std::sync::Arc;

use axum::body::HttpBody;
use futures::StreamExt;
use serde_json::json;

use super::*;
use crate::api::graphql::memory_pool::GraphqlMemoryPool;
use crate::domain::{OrgId, Principal};

fn reserved() -> Arc<RequestReservation> {
    GraphqlMemoryPool::new(1).open_reservation(&Principal::system(OrgId(1)))
}

/// Returns a response of some megabytes and its text.
fn large(reserved: &RequestReservation) -> (JsonChunks, String) {
    let value = json!({"rows": vec!["abc"; 1 << 20]});
    (JsonChunks::serialize(reserved, &value).expect("it fits"), value.to_string())
}

#[tokio::test]
async fn an_answer_arrives_whole_and_is_given_back() {
    let reserved = reserved();
    let (text, expected) = large(&reserved);
    assert_eq!(text.size(), expected.len());
    reserved.shrink_to(text.size());
    let mut sent = Vec::new();
    let mut pieces = text.into_body(&reserved).into_data_stream();
    assert_eq!(reserved.used(), 0, "it is of the body now");
    while let Some(piece) = pieces.next().await {
        sent.extend_from_slice(&piece.expect("whole"));
    }
    assert!(sent == expected.into_bytes());
}

/// Sends a response to a reader that pauses between chunks. The sender must give up, and the reader must see that the
/// body is incomplete. Returns after how many milliseconds the sender gave up.
async fn millis_until_given_up(patience: SlowClientLimits, pause: Duration) -> u128 {
    let reserved = reserved();
    let (text, _) = large(&reserved);
    let (outlet, receiver) = chunk_channel();
    let outlet = ChunkSender { patience, ..outlet };
    let mut pieces = chunked_body(receiver, text.size()).into_data_stream();
    let sending = tokio::spawn(async move {
        let start = Instant::now();
        outlet.send(text, &reserved).await.expect_err("the reader is too slow");
        start.elapsed()
    });
    let mut last = None;
    while let Some(piece) = pieces.next().await {
        last = Some(piece.is_err());
        tokio::time::sleep(pause).await;
    }
    assert_eq!(last, Some(true), "the reader sees that the body is incomplete");
    sending.await.expect("no panic").as_millis()
}

#[tokio::test(start_paused = true)]
async fn whoever_takes_nothing_for_long_is_let_go_and_sees_that_it_is_not_whole() {
    let patience = SlowClientLimits { stalled: Duration::from_millis(100), least_rate: 1 };
    let millis = millis_until_given_up(patience, Duration::from_millis(400)).await;
    assert!((100..=102).contains(&millis), "{millis}");
}

#[tokio::test(start_paused = true)]
async fn whoever_takes_too_little_over_all_is_let_go_as_well() {
    let patience = SlowClientLimits { stalled: Duration::from_millis(300), least_rate: 40 << 20 };
    let millis = millis_until_given_up(patience, Duration::from_millis(60)).await;
    // 300 ms, and 150 ms for 6 MiB at 40 MiB per second.
    assert!((450..=452).contains(&millis), "{millis}");
}

#[tokio::test]
async fn a_short_answer_is_the_connections_at_once() {
    let reserved = reserved();
    let text = JsonChunks::serialize(&reserved, &json!({"data": 1})).expect("it fits");
    let body = text.into_body(&reserved);
    assert_eq!(body.size_hint().exact(), Some(10));
}

#[test]
fn an_answer_that_does_not_fit_is_refused_while_it_is_written() {
    let reserved = reserved();
    let value = "x".repeat(64 << 20);
    let error = JsonChunks::serialize(&reserved, &value).err().expect("refused");
    assert_eq!(error.kind, crate::domain::Kind::TooLarge);
}
