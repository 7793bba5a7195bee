//! Tests of long JSON arrays: complete, or visibly aborted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt;
use futures::stream;
use http_body_util::BodyExt;
use serde_json::Value;

use super::{CHUNK_BYTES, JsonRowPieces, respond};
use crate::domain::{Error, Result};

fn pieces(items: Vec<Result<Vec<u8>>>) -> JsonRowPieces {
    stream::iter(items).boxed()
}

async fn text_of(items: Vec<Result<Vec<u8>>>) -> String {
    let response = respond(pieces(items)).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn commas_stand_between_rows_only() {
    let piece = |text: &str| Ok(text.as_bytes().to_vec());
    assert_eq!(text_of(vec![]).await, "[]");
    assert_eq!(text_of(vec![piece("")]).await, "[]");
    assert_eq!(text_of(vec![piece("1,2"), piece(""), piece("3")]).await, "[1,2,3]");
}

#[tokio::test]
async fn a_long_array_arrives_whole() {
    let row = format!("\"{}\"", "x".repeat(999));
    let items = (0..1000).map(|_| Ok(row.clone().into_bytes())).collect();
    let parsed: Vec<Value> = serde_json::from_str(&text_of(items).await).unwrap();
    assert_eq!(parsed.len(), 1000);
}

#[tokio::test]
async fn an_early_failure_is_an_answer_a_late_one_cuts_the_body() {
    let failure = || Err(Error::unavailable("disk failed"));
    assert!(respond(pieces(vec![Ok(b"1".to_vec()), failure()])).await.is_err());
    let long = format!("\"{}\"", "x".repeat(CHUNK_BYTES));
    let response = respond(pieces(vec![Ok(long.into_bytes()), failure()])).await.unwrap();
    assert!(response.into_body().collect().await.is_err());
}

#[tokio::test]
async fn reading_stops_when_the_client_leaves() {
    let read = Arc::new(AtomicUsize::new(0));
    let counter = read.clone();
    let endless = stream::repeat_with(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(vec![b'1'; CHUNK_BYTES])
    });
    let response = respond(endless.boxed()).await.unwrap();
    let mut body = response.into_body().into_data_stream();
    body.next().await.unwrap().unwrap();
    drop(body);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(read.load(Ordering::Relaxed) < 10, "{read:?}");
}
