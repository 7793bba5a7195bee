//! The on-premise interface of a server: messages of its organization, stored and derived.

use serde_json::{Value, json};

use super::Socket;
use crate::support::{Client, Server, column};

const NOON_S: i64 = 1_777_377_600;

/// A server with the interface, a device with a stream, and its key.
struct Plant {
    server: Server,
    address: String,
    device: Value,
    stream: Value,
}

impl Plant {
    async fn start() -> Plant {
        let settings = [("BASALT_ONPREMISE__ENABLED", "true"), ("BASALT_ONPREMISE__PORT", "0")];
        let server = Server::start(&settings).await;
        let (address, client) = (server.onpremise_address(), server.client());
        let make = async |path: &str, body: Value| client.post(path, &body).await.created();
        let device = make("/api/device/", json!({"name": "Press 1", "protocol": "virtual"})).await;
        let stream = make("/api/data/", json!({"name": "Motor RPM", "device": device["id"]})).await;
        Plant { server, address, device, stream }
    }

    fn key(&self) -> &str {
        self.device["key"].as_str().expect("a key")
    }

    /// Writes a reading so many seconds after noon.
    async fn write(&self, seconds: i64, value: f64) {
        let path = format!("/api/data/{}/value/", self.stream["id"]);
        let reading = json!({"timestamp": NOON_S + seconds, "value": value});
        self.server.client().post(&path, &reading).await.created();
    }

    /// Stores a message so many seconds after noon; returns its payload.
    async fn ingest(&self, seconds: i64, value: i64) -> Value {
        let fact = json!({"id": "Press 1", "t": NOON_S + seconds, "s1_id": "Motor RPM", "s1_v": value});
        self.server.client().post("/ingest/facts", &fact).await.ok();
        fact
    }

    async fn list(&self, key: &str, query: &str) -> Value {
        let client = Client::new(&format!("http://{}", self.address), "").without_key();
        client.get(&format!("/device/v1/devices/{key}/data?{query}")).await.ok()
    }
}

/// The three packets of a message or an answer.
fn packets(action: &str, key: &str, payload: &Value, ts: &str) -> [Value; 3] {
    [
        json!([action, {"deviceId": key, "payload": payload, "ts": ts}]),
        json!([key, {"action": action, "payload": payload, "ts": ts}]),
        json!([format!("{action}_{key}"), payload]),
    ]
}

async fn received(socket: &mut Socket) -> Vec<Value> {
    let packets = socket.receive_all(3).await;
    let json = |packet: &String| serde_json::from_str(packet.strip_prefix("42").expect("an event")).unwrap();
    packets.iter().map(json).collect()
}

#[tokio::test]
async fn what_is_stored_and_answered_is_told() {
    let plant = Plant::start().await;
    let (key, client) = (plant.key(), plant.server.client());
    let mut socket = Socket::open(&format!("ws://{}", plant.address), None).await.expect("it upgrades");
    assert!(socket.receive().await.unwrap().starts_with("0{"));
    assert_eq!(socket.receive().await.as_deref(), Some("40"));

    plant.write(0, 1200.5).await;
    let derived = json!({"Motor RPM": 1200.5});
    assert_eq!(received(&mut socket).await, packets("data", key, &derived, "2026-04-28T12:00:00.000Z"));

    let fact = plant.ingest(1, 7).await;
    assert_eq!(received(&mut socket).await, packets("data", key, &fact, "2026-04-28T12:00:01.000Z"));

    for (kind, state, is_told) in [("set", "done", false), ("get", "failed", false), ("get", "done", true)] {
        let new = json!({"device": plant.device["id"], "type": kind});
        let command = client.post("/api/command/", &new).await.created();
        let path = format!("/api/command/{}/result/", command["uuid"].as_str().unwrap());
        let answer = json!({"state": state, "result": {"on": true}});
        client.post(&path, &answer).await.ok();
        if is_told {
            let [first, _, last] = packets("status", key, &answer["result"], "");
            let found = received(&mut socket).await;
            assert_eq!((&found[0][0], &found[2]), (&first[0], &last), "{found:?}");
            assert_eq!(found[1][1]["action"], "status");
        }
    }
}

#[tokio::test]
async fn stored_and_derived_messages_are_listed_in_every_order() {
    let plant = Plant::start().await;
    plant.write(0, 9.0).await;
    for value in [3, 1, 2] {
        plant.ingest(1, value).await;
    }
    plant.write(2, 4.0).await;
    let page = plant.list(plant.key(), "").await;
    assert_eq!(page["totalItems"], 5, "{page}");
    let ids = |page: &Value| column(&page["data"], "_id");
    let times = column(&page["data"], "ts");
    let seconds: Vec<&str> = times.iter().map(|ts| &ts.as_str().unwrap()[17..19]).collect();
    assert_eq!(seconds, ["00", "01", "01", "01", "02"]);
    let oldest = ids(&page);
    assert!(oldest[1..4].is_sorted_by_key(|id| id.as_str().map(str::to_owned)), "{oldest:?}");
    let newest = [4, 1, 2, 3, 0].map(|at| oldest[at].clone());
    for (query, expected) in [
        ("sort=-ts", &newest[..]),
        ("sort=-ts&perPage=2", &newest[..2]),
        ("sort=-ts&perPage=2&page=2", &newest[2..4]),
        ("sort=-ts&perPage=2&page=3", &newest[4..]),
        ("sort=-ts&perPage=2&page=4", &[]),
        ("sort=ts&perPage=2&page=2", &oldest[2..4]),
        (&format!("start={0}000&end={0}000", NOON_S + 1), &oldest[1..4]),
    ] {
        assert_eq!(ids(&plant.list(plant.key(), query).await), expected, "{query}");
    }
    let by_id = ids(&plant.list(plant.key(), "sort=_id").await);
    assert!(by_id.is_sorted_by_key(|id| id.as_str().map(str::to_owned)), "{by_id:?}");
    let by_value = plant.list(plant.key(), "sort=data.s1_v&perPage=100").await;
    let values: Vec<_> =
        by_value["data"].as_array().unwrap().iter().map(|row| &row["data"]["s1_v"]).collect();
    assert_eq!(values[2..], [&json!(1), &json!(2), &json!(3)], "{by_value}");
}
