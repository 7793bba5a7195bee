//! Requests that a query node hands on: the ingest node answers, and the client does not notice.

use serde_json::json;

use crate::rest::stream_of;
use crate::support::{Cluster, WsClient, WsEvent};

#[tokio::test]
async fn what_is_no_query_is_handed_on_as_it_came_and_a_subscription_gets_what_is_written() {
    let cluster = Cluster::start(&[]).await;
    let node = cluster.query_node(&[]).await;
    let (owner, client) = (cluster.ingest.client(), node.client());
    let (device, stream) = stream_of(&client, "speed", "fp64").await;
    // With and without its slash, with a query, and one that is wrong.
    for path in [
        format!("/api/device/{device}/"),
        format!("/api/device/{device}"),
        "/api/data/?limit=1&offset=0".to_owned(),
        "/api/device/999999/".to_owned(),
        "/api/nothing/".to_owned(),
        "/openapi.json".to_owned(),
    ] {
        let (expected, found) = (owner.get(&path).await, client.get(&path).await);
        assert_eq!((found.status, found.body), (expected.status, expected.body), "{path}");
    }
    let rows: String = (0..20_000)
        .map(|n| json!({"stream_id": stream, "ts": 1_777_377_600 + n, "value": n}).to_string() + "\n")
        .collect();
    client.ingest("application/x-ndjson", rows).await.has(200, json!({"rows": 20_000}));
    let query = json!({"query": "{ devices { items { name } } }"});
    let (expected, found) = (owner.post("/graphql", &query).await, client.post("/graphql", &query).await);
    assert_eq!((found.status, found.body), (expected.status, expected.body));
    // Nobody is let in by the way it came.
    let nobody = client.with_key("bslt_nobody_0123456789abcdef0123456789abcdef");
    nobody.get("/api/device/").await.expect(401);
    nobody.try_sql("SELECT 1").await.expect(401);

    let mut socket = WsClient::connect(&node.url, &node.key).await;
    socket.subscribe("1", &format!("subscription {{ values(streams: [{stream}]) {{ __typename }} }}")).await;
    // The subscription may begin after a write that is acknowledged first: one of several arrives.
    let writing = tokio::spawn(async move {
        for n in 0..600 {
            let row = json!({"stream_id": stream, "ts": 1_777_377_600 + n, "value": 7}).to_string();
            client.ingest("application/x-ndjson", row).await;
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    });
    let WsEvent::Message(message) = socket.receive().await else { panic!("the socket was closed") };
    assert_eq!(message["type"], "next", "{message}");
    writing.abort();
}
