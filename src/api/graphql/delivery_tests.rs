//! Answers are given back as they are sent, and not held for whoever does not read.

use std::sync::Arc;

use axum::body::HttpBody;
use futures::StreamExt;
use serde_json::json;

use super::*;
use crate::api::graphql::memory::Account;
use crate::domain::{OrgId, Principal};

fn held() -> Arc<Held> {
    Account::new(1).open(&Principal::system(OrgId(1)))
}

/// An answer of some megabytes, and its text.
fn large(held: &Held) -> (Text, String) {
    let value = json!({"rows": vec!["abc"; 1 << 20]});
    (Text::of(held, &value).expect("it fits"), value.to_string())
}

#[tokio::test]
async fn an_answer_arrives_whole_and_is_given_back() {
    let held = held();
    let (text, expected) = large(&held);
    assert_eq!(text.size(), expected.len());
    held.keep(text.size());
    let mut sent = Vec::new();
    let mut pieces = text.into_body(&held).into_data_stream();
    assert_eq!(held.used(), 0, "it is of the body now");
    while let Some(piece) = pieces.next().await {
        sent.extend_from_slice(&piece.expect("whole"));
    }
    assert!(sent == expected.into_bytes());
}

/// Sends an answer to a reader who pauses between two pieces. Whether it was given up, whether the reader saw that it is
/// not whole, and how long it took.
async fn sent_slowly(patience: Patience, pause: Duration) -> (bool, bool, Duration) {
    let held = held();
    let (text, _) = large(&held);
    let (outlet, receiver) = outlet();
    let outlet = Outlet { patience, ..outlet };
    let mut pieces = body(receiver, text.size()).into_data_stream();
    let begun = Instant::now();
    let sending = tokio::spawn(async move { outlet.send(text, &held).await.is_err() });
    let mut last = None;
    while let Some(piece) = pieces.next().await {
        last = Some(piece.is_err());
        tokio::time::sleep(pause).await;
    }
    (sending.await.expect("no panic"), last == Some(true), begun.elapsed())
}

#[tokio::test]
async fn whoever_takes_nothing_for_long_is_let_go_and_sees_that_it_is_not_whole() {
    let patience = Patience { stalled: Duration::from_millis(100), least_rate: 1 };
    let (is_given_up, is_seen, _) = sent_slowly(patience, Duration::from_millis(400)).await;
    assert!(is_given_up && is_seen);
}

#[tokio::test]
async fn whoever_takes_too_little_over_all_is_let_go_as_well() {
    let patience = Patience { stalled: Duration::from_millis(300), least_rate: 40 << 20 };
    let (is_given_up, is_seen, took) = sent_slowly(patience, Duration::from_millis(60)).await;
    assert!(is_given_up && is_seen && took < Duration::from_secs(3), "{took:?}");
}

#[tokio::test]
async fn a_short_answer_is_the_connections_at_once() {
    let held = held();
    let text = Text::of(&held, &json!({"data": 1})).expect("it fits");
    let body = text.into_body(&held);
    assert_eq!(body.size_hint().exact(), Some(10));
}

#[test]
fn an_answer_that_does_not_fit_is_refused_while_it_is_written() {
    let held = held();
    let value = "x".repeat(64 << 20);
    let error = Text::of(&held, &value).err().expect("refused");
    assert_eq!(error.kind, crate::domain::Kind::TooLarge);
}
