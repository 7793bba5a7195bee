//! The graph over a real socket: what it answers, changes, refuses, and how it speaks HTTP.

mod covered;
mod equal;
mod events;
mod http;
mod limits;
mod live;
mod machine;
mod mutations;
mod nested;
mod peers;
mod queries;
mod socket;
mod statistic;

use serde_json::{Value, json};

use crate::support::Client;

/// The whole body of an answer, which came with status 200.
pub async fn ask(client: &Client, query: &str, variables: Value) -> Value {
    client.post("/graphql", &json!({"query": query, "variables": variables})).await.ok()
}

/// The data of an answer without errors.
pub async fn data(client: &Client, query: &str, variables: Value) -> Value {
    let mut body = ask(client, query, variables).await;
    assert!(body.get("errors").is_none(), "{query}\n  got {body}");
    body["data"].take()
}

/// The codes of the errors of an answer.
pub fn codes(body: &Value) -> Vec<&str> {
    let errors = body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    errors.iter().filter_map(|error| error["extensions"]["code"].as_str()).collect()
}

/// Makes a virtual device with streams of these names and types; their row numbers.
pub async fn plant(client: &Client, name: &str, streams: &[(&str, &str)]) -> (i64, Vec<i64>) {
    let query = "mutation($name: String!) { createDevice(input: {name: $name, protocol: virtual}) { device { rowId } errors { message } } }";
    let made = data(client, query, json!({ "name": name })).await;
    let device = made["createDevice"]["device"]["rowId"].as_i64().unwrap_or_else(|| panic!("{made}"));
    let mut ids = Vec::new();
    for (name, kind) in streams {
        let made = data(
            client,
            "mutation($input: CreateStreamInput!) { createStream(input: $input) { stream { rowId } errors { field message } } }",
            json!({"input": {"name": name, "device": device, "type": kind}}),
        )
        .await;
        ids.push(made["createStream"]["stream"]["rowId"].as_i64().unwrap_or_else(|| panic!("{made}")));
    }
    (device, ids)
}
