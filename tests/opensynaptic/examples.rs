//! The responses that the vendor's reference prints, and the worked examples of the compatibility contract.

use serde_json::{Value, json};

use super::{NOBODY, NOON, create_device, ingest, list, stranger, write};
use crate::support::Server;

/// The fact behind the printed packet.
fn fact() -> Value {
    json!({
        "id": "SENSOR_NODE_01", "s": "ONLINE", "t": 1_712_000_500,
        "s1_id": "TEMP", "s1_s": "OK", "s1_u": "Cel", "s1_v": 22.5,
        "s2_id": "HUM", "s2_s": "OK", "s2_u": "%", "s2_v": 55.0
    })
}

#[tokio::test]
async fn the_printed_responses() {
    let server = Server::start(&[]).await;
    let before = list(&stranger(&server), "/api/data/devices").await;
    assert_eq!(before, json!({"ok": true, "devices": [], "total": 0, "limit": 100, "offset": 0}));
    let ids = ingest(&server.client(), &json!([fact()])).await;
    let (client, id) = (stranger(&server), &ids[0]);

    let devices = list(&client, "/api/data/devices").await;
    let device = json!({"device_id": "SENSOR_NODE_01", "last_seen": 1_712_000_500, "packet_count": 1});
    assert_eq!(devices, json!({"ok": true, "devices": [device], "total": 1, "limit": 100, "offset": 0}));

    let packets = list(&client, "/api/data/packets").await;
    let created_at = packets["packets"][0]["created_at"].clone();
    assert!(created_at.as_i64().is_some_and(|seconds| seconds > 1_712_000_500), "{packets}");
    let packet = json!({
        "packet_uuid": id, "device_id": "SENSOR_NODE_01", "device_status": "ONLINE",
        "timestamp_raw": 1_712_000_500, "payload_json": fact(), "created_at": created_at
    });
    assert_eq!(packets, json!({"ok": true, "packets": [packet], "total": 1, "limit": 50, "offset": 0}));

    let temperature = json!({
        "sensor_index": 1, "sensor_id": "TEMP", "sensor_status": "OK",
        "normalized_value": 22.5, "normalized_unit": "Cel"
    });
    let humidity = json!({
        "sensor_index": 2, "sensor_id": "HUM", "sensor_status": "OK",
        "normalized_value": 55.0, "normalized_unit": "%"
    });
    let one = list(&client, &format!("/api/data/packets/{id}")).await;
    assert_eq!(one, json!({"ok": true, "packet": packet, "sensors": [temperature, humidity]}));
    assert_eq!(list(&client, &format!("/api/data/packets/{id}/")).await, one);

    let missing = json!({"ok": false, "error": "packet not found", "packet_uuid": NOBODY});
    client.get(&format!("/api/data/packets/{NOBODY}")).await.is(404, &missing);

    let sensors = list(&client, "/api/data/sensors").await;
    let of_packet = |mut sensor: Value| {
        sensor["packet_uuid"] = json!(id);
        sensor["device_id"] = json!("SENSOR_NODE_01");
        sensor["timestamp_raw"] = json!(1_712_000_500);
        sensor
    };
    let expected = [of_packet(temperature), of_packet(humidity)];
    assert_eq!(sensors, json!({"ok": true, "sensors": expected, "total": 2, "limit": 50, "offset": 0}));
}

#[tokio::test]
async fn a_reading_that_came_another_way_has_a_derived_packet() {
    let server = Server::start(&[]).await;
    let (_, streams) = create_device(&server.client(), "Press 1", &["Motor RPM"]).await;
    for value in [1200.5, 1300.0] {
        write(&server.client(), streams[0], &json!("2026-04-28T12:00:00Z"), value).await;
    }
    let client = stranger(&server);
    let sensors = list(&client, "/api/data/sensors?device_id=Press%201&sensor_id=Motor%20RPM").await;
    let id = sensors["sensors"][0]["packet_uuid"].as_str().expect("an id").to_owned();
    let sensor = json!({
        "packet_uuid": id, "sensor_index": 1, "sensor_id": "Motor RPM", "sensor_status": "OK",
        "normalized_value": 1300.0, "normalized_unit": null, "device_id": "Press 1", "timestamp_raw": NOON
    });
    assert_eq!(sensors, json!({"ok": true, "sensors": [sensor], "total": 1, "limit": 50, "offset": 0}));
    assert_eq!(id.as_bytes()[14], b'8', "a UUID of version 8: {id}");

    let one = list(&client, &format!("/api/data/packets/{id}")).await;
    let payload = json!({
        "id": "Press 1", "s": "ONLINE", "t": NOON,
        "s1_id": "Motor RPM", "s1_s": "OK", "s1_u": null, "s1_v": 1300.0
    });
    let packet = json!({
        "packet_uuid": id, "device_id": "Press 1", "device_status": "ONLINE",
        "timestamp_raw": NOON, "payload_json": payload, "created_at": NOON
    });
    assert_eq!(one["packet"], packet);
    assert_eq!(list(&client, "/api/data/packets").await["packets"], json!([packet]));

    for (query, limit) in [("limit=0", 1), ("limit=9999", 500), ("limit=abc", 50)] {
        assert_eq!(list(&client, &format!("/api/data/packets?{query}")).await["limit"], limit, "{query}");
    }
    client.get("/api/data/packets/").await.is(400, &json!({"ok": false, "error": "packet_uuid is required"}));
}

#[tokio::test]
async fn without_derived_messages_there_are_only_those_that_arrived() {
    let server = Server::start(&[("BASALT_COMPAT__DERIVE_MESSAGES", "false")]).await;
    let (_, streams) = create_device(&server.client(), "Press 1", &["Motor RPM"]).await;
    write(&server.client(), streams[0], &json!(NOON), 1.0).await;
    let client = stranger(&server);
    for path in ["devices", "packets", "sensors"] {
        assert_eq!(list(&client, &format!("/api/data/{path}")).await["total"], 0, "{path}");
    }
    ingest(&server.client(), &fact()).await;
    for (path, total) in [("devices", 1), ("packets", 1), ("sensors", 2)] {
        assert_eq!(list(&client, &format!("/api/data/{path}")).await["total"], total, "{path}");
    }
}

#[tokio::test]
async fn what_a_fact_leaves_out_has_its_default() {
    let server = Server::start(&[]).await;
    let facts = json!([
        {"t": 5.9},
        {"id": "n", "t": 7, "s1_v": "x", "s2_id": "T", "s4_v": 1},
        {"id": "n", "t": 7, "s1_v": "x", "s2_id": "T", "s4_v": 1}
    ]);
    let ids = ingest(&server.client(), &facts).await;
    let client = stranger(&server);
    let first = list(&client, &format!("/api/data/packets/{}", ids[0])).await;
    assert_eq!(first["sensors"], json!([]));
    let shown =
        ["device_id", "device_status", "timestamp_raw", "payload_json"].map(|name| &first["packet"][name]);
    assert_eq!(shown, [&json!("UNKNOWN"), &json!("UNKNOWN"), &json!(5), &json!({"t": 5.9})]);
    let second = list(&client, &format!("/api/data/packets/{}", ids[1])).await;
    let sensor = |index: u32, id: &str| {
        json!({
            "sensor_index": index, "sensor_id": id, "sensor_status": "UNKNOWN",
            "normalized_value": null, "normalized_unit": null
        })
    };
    assert_eq!(second["sensors"], json!([sensor(1, ""), sensor(2, "T")]), "up to the first gap");
    let devices = list(&client, "/api/data/devices").await;
    let device =
        |id: &str, seen: i64, count: u64| json!({"device_id": id, "last_seen": seen, "packet_count": count});
    let expected = json!([device("n", 7, 2), device("UNKNOWN", 5, 1)]);
    assert_eq!(devices["devices"], expected, "no fact is a duplicate");
}
