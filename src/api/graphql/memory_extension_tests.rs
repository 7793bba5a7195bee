//! Tests that a long list lets other requests run on its thread, what JSON is charged, and that objects may be empty.

use std::future::Future;
use std::pin::pin;

use async_graphql::{EmptyMutation, EmptySubscription, Object, Request, Schema, value};

use super::*;
use crate::api::graphql::memory_pool::GraphqlMemoryPool;
use crate::api::graphql::sql_rows::JsonRows;
use crate::domain::{OrgId, Principal};

/// Fields that have their values at once, as those of rows in memory have.
struct Row;

#[Object]
impl Row {
    async fn number(&self) -> i32 {
        7
    }
}

struct Rows;

#[Object]
impl Rows {
    async fn rows(&self, count: usize) -> Vec<Row> {
        (0..count).map(|_| Row).collect()
    }

    async fn none(&self) -> Option<Row> {
        None
    }

    async fn json(&self, texts: usize) -> JsonRows {
        JsonRows::from_texts(texts, 1000)
    }
}

#[tokio::test]
async fn a_long_list_returns_its_thread_to_the_runtime_in_between() {
    let reservation = GraphqlMemoryPool::new(1).open_reservation(&Principal::system(OrgId(1)));
    let schema = Schema::build(Rows, EmptyMutation, EmptySubscription).extension(MemoryAccounting).finish();
    let request = Request::new("{ rows(count: 2000) { number } }").data(reservation);
    let (mut operation, mut polls) = (pin!(schema.execute(request)), 0);
    let response = std::future::poll_fn(|cx| {
        polls += 1;
        operation.as_mut().poll(cx)
    })
    .await;
    assert_eq!(response.errors, Vec::new());
    assert_eq!(response.data, value!({ "rows": vec![value!({ "number": 7 }); 2000] }));
    // A task of tokio has a budget of 128 steps each time.
    assert!(polls > 2000 / 128, "{polls} polls");
}

#[tokio::test]
async fn rows_of_json_are_charged_once_each_time_they_are_in_the_response() {
    for (document, copies) in
        [("{ json(texts: 100) }", 1), ("{ json(texts: 100) again: json(texts: 100) }", 2)]
    {
        let reservation = GraphqlMemoryPool::new(1).open_reservation(&Principal::system(OrgId(1)));
        let schema =
            Schema::build(Rows, EmptyMutation, EmptySubscription).extension(MemoryAccounting).finish();
        let response = schema.execute(Request::new(document).data(reservation.clone())).await;
        assert_eq!(response.errors, Vec::new());
        let text = copies * 100 * 1000;
        assert!(
            (text..text * 3 / 2).contains(&reservation.used()),
            "{document}: {} bytes",
            reservation.used()
        );
    }
}

#[tokio::test]
async fn an_object_without_a_selected_field_is_empty_and_not_null() {
    let schema = Schema::build(Rows, EmptyMutation, EmptySubscription).extension(MemoryAccounting).finish();
    for (document, expected) in [
        ("{ rows(count: 2) @skip(if: true) { number } }", value!({})),
        ("{ rows(count: 2) { number @include(if: false) } }", value!({"rows": [{}, {}]})),
        (
            "{ rows(count: 1) { ...F } none { ...F } } fragment F on Row { number @skip(if: true) }",
            value!({"rows": [{}], "none": null}),
        ),
        (
            "query A { ...G } fragment G on Rows { rows(count: 1) { ... { number } } }",
            value!({"rows": [{"number": 7}]}),
        ),
        (
            "{ rows(count: 1) { ...F @include(if: true) } } fragment F on Row { number }",
            value!({"rows": [{"number": 7}]}),
        ),
    ] {
        let reservation = GraphqlMemoryPool::new(1).open_reservation(&Principal::system(OrgId(1)));
        let response = schema.execute(Request::new(document).data(reservation)).await;
        assert_eq!(response.errors, Vec::new(), "{document}");
        assert_eq!(response.data, expected, "{document}");
    }
}
