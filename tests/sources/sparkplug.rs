//! Sparkplug B: an edge node of another project at a broker of a third one, from its birth to its death.

use serde_json::{Value, json};

use super::{EVENT_TIMEOUT, readings, stream_at, until_newest, until_state};
use crate::support::{Client, DataDir, MqttPeer, Server, SparkplugNode, eventually, free_port};

const SPEED: &str = "plant/edge1#speed";
const COUNT: &str = "plant/edge1/press#Motor/count";

/// A broker, and how its clients log in.
struct Broker<'a> {
    port: u16,
    /// `None` where nobody has to.
    password: Option<&'a str>,
}

async fn device(client: &Client, broker: &Broker<'_>, metadata: Value) -> i64 {
    let host = format!("mqtt://127.0.0.1:{}", broker.port);
    let mut row =
        json!({"name": "edge", "protocol": "mqtt", "host": host, "timeout": 10, "metadata": metadata});
    if let Some(password) = broker.password {
        row["username"] = json!("basalt");
        row["password"] = json!(password);
    }
    client.create("/api/device/", &row).await
}

#[tokio::test]
async fn an_edge_node_that_is_not_our_code_is_collected_and_set() {
    let broker = MqttPeer::start(free_port()).await;
    let server = Server::start(&[]).await;
    collect_and_set(&server, &Broker { port: broker.port, password: None }).await;
}

#[tokio::test]
async fn an_edge_node_is_collected_and_set_through_our_own_listener() {
    let port = free_port();
    let address = format!("127.0.0.1:{port}");
    let server = Server::start(&[("BASALT_MQTT__LISTEN", address.as_str())]).await;
    let key = server.key.clone();
    collect_and_set(&server, &Broker { port, password: Some(&key) }).await;
}

/// An edge node from its births to its death, and again.
async fn collect_and_set(server: &Server, broker: &Broker<'_>) {
    let mut node = SparkplugNode::start(broker.port, 3, broker.password).await;
    let client = server.client();
    let device = device(&client, broker, json!({"format": "sparkplug", "host_id": "basalt"})).await;
    // The births were sent before anybody listened; they are asked for.
    let speed = stream_at(&client, device, SPEED, "fp64", json!({})).await;
    let count = stream_at(&client, device, COUNT, "int64", json!({})).await;
    let state = stream_at(&client, device, "plant/edge1#state", "text", json!({})).await;
    until_newest(&client, speed, "its birth", |row| row["value"] == 21.5).await;
    until_newest(&client, count, "its birth", |row| row["value"] == -1.0).await;
    until_newest(&client, state, "its birth", |row| row["text"] == "run").await;
    until_state(&client, device, "online").await;

    node.act(&json!({"speed": 22.5}));
    until_newest(&client, speed, "a value", |row| row["value"] == 22.5).await;
    node.act(&json!({"count": 7}));
    until_newest(&client, count, "a value", |row| row["value"] == 7.0).await;

    // A value of the past is stored at its time and is not the last one.
    node.act(&json!({"past": 3.5, "ts": 1_777_377_600_000_u64}));
    let reader = &client;
    eventually("the value of the past", EVENT_TIMEOUT, || async move {
        readings(reader, speed).await.into_iter().next().filter(|row| row["value"] == 3.5)
    })
    .await;
    until_newest(&client, speed, "the last value", |row| row["value"] == 22.5).await;

    let set = format!("/api/device/{device}/io/plant%2Fedge1%2Fpress%23Motor%2Fcount/");
    client.post(&set, &json!({"value": -12})).await.ok();
    assert_eq!(node.command("Motor/count")["value"], -12);
    client.post(&set, &json!({"value": "fast"})).await.expect(400);

    // A message is lost: the births are asked for again.
    node.act(&json!({"skip": true}));
    node.act(&json!({"speed": 23.5}));
    until_newest(&client, speed, "a value after the gap", |row| row["value"] == 23.5).await;
    assert_eq!(node.command("Node Control/Rebirth")["value"], true);

    node.act(&json!({"die": true}));
    until_newest(&client, count, "the death of the device", |row| row["quality"] == "bad").await;
    until_newest(&client, speed, "the value of the node", |row| row["value"] == 23.5).await;
    drop(node);
    until_newest(&client, speed, "the death of the node", |row| row["quality"] == "bad").await;
    let _node = SparkplugNode::start(broker.port, 4, broker.password).await;
    until_newest(&client, speed, "its next birth", |row| row["value"] == 21.5).await;
    until_newest(&client, count, "its next birth", |row| row["value"] == -1.0).await;
    let rows = readings(&client, speed).await;
    let qualities: Vec<_> = rows.iter().rev().take(3).map(|row| row["quality"].clone()).collect();
    assert_eq!(qualities, ["good", "bad", "good"], "a death is one bad reading: {rows:?}");
}

#[tokio::test]
async fn browse_lists_the_metrics_of_edge_nodes() {
    let broker = MqttPeer::start(free_port()).await;
    let mut node = SparkplugNode::start(broker.port, 0, None).await;
    let address = format!("mqtt://127.0.0.1:{}/plant?format=sparkplug", broker.port);
    let home = DataDir::new();
    let order = json!({"speed": 24.5});
    let args = ["browse", address.as_str(), "--listen", "6"];
    let mut browsing = std::pin::pin!(home.basalt(&args));
    // Births are not retained: the node shows itself by a value, and is asked for them then. It speaks as long as somebody
    // listens.
    let output = loop {
        tokio::select! {
            output = &mut browsing => break output,
            () = tokio::time::sleep(std::time::Duration::from_secs(1)) => node.act(&order),
        }
    };
    let output = output.expect_success();
    for line in ["plant/edge1#speed  24.5  Double", "plant/edge1/press#Motor/count  -1  Int32"] {
        assert!(output.contains(line), "{line}: {output}");
    }
}
