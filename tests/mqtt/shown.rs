//! Sessions as SQL and the graph show them: to their organization, with and without a connection.

use serde_json::{Value, json};

use super::{PATIENCE, Plant, reading};
use crate::graphql::{codes, data};
use crate::support::{Client, until};
use crate::tools::mqtt::{MqttClient, Version};

const SESSIONS: &str = "{ mqttSessions { totalCount nodes { clientId connected queued subscriptions { filter qos } device { name } } } }";

async fn sessions(client: &Client) -> Value {
    data(client, SESSIONS, json!({})).await["mqttSessions"].take()
}

#[tokio::test]
async fn sessions_are_shown_with_what_waits_for_them() {
    let plant = Plant::start().await;
    let client = plant.client();
    assert_eq!(sessions(&client).await, json!({"totalCount": 0, "nodes": []}));
    let hello = plant.hello(Version::V5, "panel").persistent();
    let mut panel = MqttClient::connect(&plant.address, &hello).await;
    panel.subscribe(&[("basalt/press/+", 1)]).await;
    let mut publisher = plant.connect(Version::V5, "press").await;
    publisher.publish("basalt/press/temp", reading(0, 1.0), 1).await.unwrap();
    // The message is sent, and not acknowledged.
    panel.message().await;
    let shown = |connected: bool, queued: i64| {
        json!({"clientId": "panel", "connected": connected, "queued": queued, "device": null,
            "subscriptions": [{"filter": "basalt/press/+", "qos": 1}]})
    };
    let known = sessions(&client).await;
    assert_eq!(known["totalCount"], 2, "{known}");
    assert_eq!(known["nodes"][0], shown(true, 1));
    panel.cut();
    publisher.disconnect(0).await;
    let only_panel = json!({"totalCount": 1, "nodes": [shown(false, 1)]});
    until!("the session waits for its client", PATIENCE; sessions(&client).await == only_panel);
    let rows = client.sql("SELECT client_id, device_id, connected, since IS NULL AS unknown, subscriptions, queued FROM mqtt_sessions").await;
    let expected = json!([{"client_id": "panel", "connected": false, "unknown": false, "queued": 1,
        "subscriptions": "[{\"filter\":\"basalt/press/+\",\"qos\":1}]"}]);
    let without_null = |mut row: Value| {
        row.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        row
    };
    assert_eq!(Value::from_iter(rows.into_iter().map(without_null)), expected);
    for (filter, count) in
        [("connected: true", 0), ("connected: false", 1), ("device: \"1\"", 0), ("first: 0", 1)]
    {
        let query = format!("{{ mqttSessions({filter}) {{ totalCount }} }}");
        assert_eq!(data(&client, &query, json!({})).await["mqttSessions"]["totalCount"], count, "{filter}");
    }
}

#[tokio::test]
async fn sessions_of_keys_are_shown_to_whole_keys_of_their_organization() {
    let plant = Plant::start().await;
    let _connected = plant.connect(Version::V311, "panel").await;
    plant.server.basalt(&["org", "create", "other"]).await.expect_success();
    let (press, _) = plant.device("press").await;
    for (name, key) in [
        ("restricted", plant.server.create_key(&["--device", &press.to_string()]).await),
        ("foreign", plant.server.create_key(&["--org", "other"]).await),
    ] {
        let client = plant.client().with_key(&key);
        assert_eq!(sessions(&client).await["totalCount"], 0, "{name}");
        assert_eq!(client.sql("SELECT * FROM mqtt_sessions").await, Vec::<Value>::new(), "{name}");
    }
    assert_eq!(sessions(&plant.client()).await["totalCount"], 1);
    let blind = plant.server.client_with(&["--scope", "value:read"]).await;
    let body = crate::graphql::ask(&blind, SESSIONS, json!({})).await;
    assert_eq!(codes(&body), ["FORBIDDEN"], "{body}");
}
