//! The DataStone REST API over a real socket: one file per noun, each test a table of requests and answers.

mod access_table;
mod acknowledge;
mod audit;
mod backup;
mod channel;
mod client;
mod cors;
mod dashboard;
mod data;
mod device;
mod device_test;
pub mod event;
mod fuzz;
mod gateway;
mod group;
pub mod hamachi;
mod inventory;
pub mod io;
mod job;
pub mod key;
mod kiosk;
mod license;
mod matrix;
mod matrix_requests;
mod mixed;
mod preferences;
mod product;
mod reference;
mod refusals;
mod retention;
mod rule;
mod session;
mod statistic;
mod streaming;
mod system;
mod tag_list;
mod terminal;
mod user;
mod value;

use serde_json::Value;

use crate::support::{Client, Server};

/// Name, method, path, body (null sends none), status, body of the answer (`"*"` matches anything).
pub type Row = (&'static str, &'static str, String, Value, u16, Value);

/// Runs the requests in order and compares every answer.
pub async fn check(client: &Client, rows: impl IntoIterator<Item = Row>) {
    for (name, method, path, body, status, expected) in rows {
        let answer = match method {
            "GET" => client.get(&path).await,
            "POST" => client.post(&path, &body).await,
            "PUT" => client.put(&path, &body).await,
            "PATCH" => client.patch(&path, &body).await,
            "DELETE" => client.delete(&path).await,
            other => panic!("no method {other}"),
        };
        let is_same = answer.status == status && matches(&answer.body, &expected);
        assert!(is_same, "{name}: {answer}\n  expected {status} {expected}");
    }
}

/// Runs rows of a case and compares every answer: `check_rows![&client; name, method, path, body, status, answer; …]`.
macro_rules! check_rows {
    ($client:expr; $($rows:tt)+) => { $crate::rest::check($client, $crate::support::rows![$($rows)+]).await };
}
pub(crate) use check_rows;

/// Equality, except that `"*"` in `expected` stands for any value.
pub fn matches(got: &Value, expected: &Value) -> bool {
    match (got, expected) {
        (_, Value::String(any)) if any == "*" => true,
        (Value::Object(got), Value::Object(expected)) => {
            got.len() == expected.len()
                && expected.iter().all(|(key, value)| got.get(key).is_some_and(|g| matches(g, value)))
        }
        (Value::Array(got), Value::Array(expected)) => {
            got.len() == expected.len() && got.iter().zip(expected).all(|(g, e)| matches(g, e))
        }
        _ => got == expected,
    }
}

/// Starts a server that has a virtual device with a stream of `kind`; a client with every right, and the ids of both.
pub async fn with_stream(name: &str, kind: &str) -> (Server, Client, i64, i64) {
    let (server, client) = Server::with_client(&[]).await;
    let (device, stream) = stream_of(&client, name, kind).await;
    (server, client, device, stream)
}

/// Creates a virtual device and a stream of `kind` on it; their ids.
pub async fn stream_of(client: &Client, name: &str, kind: &str) -> (i64, i64) {
    let device = serde_json::json!({"name": format!("{name} device"), "protocol": "virtual"});
    let device = client.create("/api/device/", &device).await;
    let stream = serde_json::json!({"name": name, "device": device, "type": kind});
    let stream = client.post("/api/data/", &stream).await.created();
    (device, stream["id"].as_i64().expect("a stream has an id"))
}
