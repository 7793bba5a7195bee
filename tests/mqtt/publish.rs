//! Messages that are published: where they are seen, and how they are acknowledged.

use serde_json::{Value, json};

use super::cloud::Cloud;
use super::{NOON_S, PATIENCE, Plant, reading};
use crate::graphql;
use crate::support::{rows, until};
use crate::tools::mqtt::encode::{PUBACK, PUBCOMP, PUBREC, PUBREL, ack};
use crate::tools::mqtt::{BOTH, MqttClient, Packet, Publish, Version};

use Version::{V5, V311};

/// The values of a stream from noon on, oldest first, by REST and by GraphQL.
async fn values_of_other_doors(plant: &Plant, stream: i64) -> [Vec<f64>; 2] {
    let client = plant.client();
    let rows = client.get(&format!("/api/data/{stream}/value/?from={NOON_S}")).await.ok();
    let query = "query($s: Int) { stream(rowId: $s) { values(first: 100) { nodes { ts value } } } }";
    let answer = graphql::data(&client, query, json!({ "s": stream })).await;
    let sorted = |rows: &Value| {
        let rows = rows.as_array().unwrap_or_else(|| panic!("a list: {rows}")).iter();
        let mut values: Vec<f64> = rows.map(|row| row["value"].as_f64().expect("a number")).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    [sorted(&rows), sorted(&answer["stream"]["values"]["nodes"])]
}

#[tokio::test]
async fn a_reading_of_every_quality_is_in_sql_rest_and_graphql() {
    let plant = Plant::start().await;
    let stream = plant.streams[0];
    let mut expected = Vec::new();
    for version in BOTH {
        let mut client = plant.connect(version, "press").await;
        for qos in 0..3 {
            let n = expected.len() as i64;
            let acked = client.publish("basalt/press/temp", reading(n, n as f64 + 0.5), qos).await;
            assert_eq!(acked, Ok(0), "{version:?}, QoS {qos}");
            expected.push(n as f64 + 0.5);
            if qos == 0 {
                // Nothing tells when it is there.
                plant.expect_values(stream, &expected).await;
            }
            assert_eq!(plant.values(stream).await, expected, "{version:?}, QoS {qos}");
        }
    }
    for values in values_of_other_doors(&plant, stream).await {
        assert_eq!(values, expected);
    }

    // A message may follow CONNECT at once.
    for (n, version) in BOTH.into_iter().enumerate() {
        let mut client = MqttClient::open(&plant.address, version).await;
        let publish = Publish::new("basalt/press/rpm", reading(n as i64, n as f64), 1, 9).encode(version);
        client.raw(&[plant.hello(version, "hasty").encode(), publish].concat()).await;
        assert!(matches!(client.packet().await, Some(Packet::ConnAck { code: 0, .. })));
        assert_eq!(client.ack(PUBACK, 9).await, Ok(0));
        client.disconnect(0).await;
    }
    assert_eq!(plant.values(plant.streams[1]).await, [0.0, 1.0]);
}

#[tokio::test]
async fn a_payload_is_a_number_an_object_or_a_list() {
    let plant = Plant::start().await;
    let mut client = plant.connect(V5, "press").await;
    let two = json!([{"ts": NOON_S, "value": 1}, {"timestamp": "2026-04-28T12:00:01Z", "value": 2.5}]);
    for (topic, payload, expected) in rows![
        "basalt/press/temp", "21.5".to_owned(), vec![("temp", vec![21.5])];
        "basalt/press/temp", r#"{"value":7}"#.to_owned(), vec![("temp", vec![7.0])];
        "basalt/press/rpm", two.to_string(), vec![("rpm", vec![1.0, 2.5])];
        "basalt/press", r#"{"temp":3,"motor":{"load":0.5}}"#.to_owned(), vec![("temp", vec![3.0]), ("motor.load", vec![0.5])];
        "basalt/press/new/deep", "4".to_owned(), vec![("new/deep", vec![4.0])];
    ] {
        assert_eq!(client.publish(topic, &payload, 1).await, Ok(0), "{topic} {payload}");
        for (name, values) in expected {
            let found = plant.values(plant.stream("press", name).await).await;
            assert!(found.ends_with(&values), "{topic} {payload}: {name} has {found:?}");
        }
    }
    // A device that nobody has created, by a key that may create it.
    assert_eq!(client.publish("basalt/Press 8/temp", "1", 1).await, Ok(0));
    assert_eq!(plant.values(plant.stream("Press 8", "temp").await).await, [1.0]);
}

#[tokio::test]
async fn what_cannot_be_read_is_acknowledged_once_and_a_topic_of_nobody_ends_the_connection() {
    let plant = Plant::start().await;
    let rows: [(&str, &str, &[u8]); 8] = rows![
        "no_number", "basalt/press/temp", b"hot";
        "no_text", "basalt/press/temp", b"\xFF\xFE";
        "nothing", "basalt/press/temp", b"";
        "an_empty_list", "basalt/press/temp", b"[]";
        "no_time", "basalt/press/temp", br#"{"value":1,"ts":"soon"}"#;
        "half_a_list", "basalt/press/temp", br#"[{"value":1,"ts":1777377600},{"value":"x","ts":1777377601}]"#;
        "no_object", "basalt/press", b"1";
        "no_fact", "os/sensors/raw", b"{";
    ];
    for version in BOTH {
        let expected = if version == V5 { 0x99 } else { 0 };
        let mut client = plant.connect(version, "press").await;
        for (name, topic, payload) in rows {
            for qos in 0..3 {
                let acked = client.publish(topic, payload, qos).await;
                let expected = if qos == 0 { 0 } else { expected };
                assert_eq!(acked, Ok(expected), "{name}, {version:?}, QoS {qos}");
            }
            client.ping().await;
        }
        assert_eq!(client.publish("basalt/press/rpm", reading(0, 1.0), 1).await, Ok(0), "{version:?}");
    }
    assert!(plant.values(plant.streams[0]).await.is_empty(), "a list is stored whole or not at all");
    assert_eq!(plant.values(plant.streams[1]).await, [1.0]);

    let state = "$SYS/broker/connection/press.plant/state";
    for version in BOTH {
        let mut bridge = plant.connect(version, "press.plant").await;
        for qos in 0..3 {
            assert_eq!(bridge.publish(state, "1", qos).await, Ok(0), "{version:?}, QoS {qos}");
        }
        for topic in ["elsewhere", "basalt", "basalt/", "discover/default/press", "v9/readings/x/y"] {
            for qos in 0..3 {
                let mut client = plant.connect(version, "press").await;
                let refused = client.publish(topic, "1", qos).await;
                let end = match refused {
                    Ok(code) if code >= 0x80 || qos == 0 => client.end().await,
                    Ok(code) => panic!("{topic}, {version:?}, QoS {qos}: acknowledged with {code:#x}"),
                    Err(end) => end,
                };
                assert_eq!(end, (version == V5).then_some(0x87), "{topic}, {version:?}, QoS {qos}");
            }
        }
    }
}

#[tokio::test]
async fn acknowledgements_come_in_the_order_of_the_messages() {
    let plant = Plant::start().await;
    for version in BOTH {
        let mut client = plant.connect(version, "burst").await;
        // Ids in no order, long and short messages, those that cannot be read among them.
        let ids: Vec<u16> = (0..200).map(|n| 40_000 - n * 173).collect();
        let message = |(n, id): (usize, &u16)| {
            let payload = match n % 5 {
                0 => "hot".to_owned(),
                1 => json!((0..300).map(|i| json!({"ts": NOON_S + i, "value": n})).collect::<Vec<_>>())
                    .to_string(),
                _ => reading(n as i64, n as f64),
            };
            Publish::new("basalt/press/temp", payload, 1, *id).encode(version)
        };
        let all: Vec<u8> = ids.iter().enumerate().flat_map(|(n, id)| message((n, id))).collect();
        client.raw(&all).await;
        for (n, id) in ids.iter().enumerate() {
            let code = client.ack(PUBACK, *id).await.expect("the connection stays");
            assert_eq!(code, if n % 5 == 0 && version == V5 { 0x99 } else { 0 }, "{n}");
        }
    }
}

#[tokio::test]
async fn a_message_of_qos_2_is_stored_once_however_often_it_comes() {
    let plant = Plant::start().await;
    for (n, version) in BOTH.into_iter().enumerate() {
        let stream = plant.streams[n];
        let topic = ["basalt/press/temp", "basalt/press/rpm"][n];
        let connect = plant.hello(version, "twice").persistent();
        let mut client = MqttClient::connect(&plant.address, &connect).await;
        // Without a time: a second row would have another.
        let publish = Publish::new(topic, "21.5", 2, 5);
        client.raw(&publish.encode(version)).await;
        assert_eq!(client.ack(PUBREC, 5).await, Ok(0));
        for _ in 0..2 {
            client.raw(&publish.clone().again().encode(version)).await;
            assert_eq!(client.ack(PUBREC, 5).await, Ok(0));
        }
        // The connection is cut, and the client comes back for its session.
        client.cut();
        let mut client = MqttClient::connect(&plant.address, &connect).await;
        assert!(client.is_present, "{version:?}");
        client.raw(&publish.clone().again().encode(version)).await;
        assert_eq!(client.ack(PUBREC, 5).await, Ok(0));
        for _ in 0..2 {
            client.raw(&ack(PUBREL, 5)).await;
            let released = client.ack(PUBCOMP, 5).await.expect("the connection stays");
            assert!(released == 0 || version == V5 && released == 0x92, "{released:#x}");
        }
        assert_eq!(plant.values(stream).await, [21.5], "{version:?}");
        // The id is free again.
        assert_eq!(client.send_publish(&publish).await, Ok(0));
        assert_eq!(plant.values(stream).await, [21.5, 21.5], "{version:?}");
        client.disconnect(0).await;
    }
}

#[tokio::test]
async fn a_fact_of_opensynaptic_is_a_packet_and_a_reading() {
    let plant = Plant::start().await;
    let mut client = plant.connect(V311, "node").await;
    let fact = json!({"id": "node-1", "t": NOON_S, "s1_id": "humidity", "s1_v": 41.5, "s1_u": "%"});
    assert_eq!(client.publish("os/sensors/raw", fact.to_string(), 1).await, Ok(0));
    plant.client().without_key().get("/api/data/packets?limit=1").await.has(200, json!({"total": 1}));
    let query = "SELECT value FROM readings r JOIN streams s ON s.id = r.stream_id WHERE s.name = 'humidity'";
    assert_eq!(plant.client().sql(query).await, [json!({"value": 41.5})]);
}

#[tokio::test]
async fn a_document_of_a_gateway_is_in_the_cloud_of_instathings() {
    let cloud = Cloud::start(&[]).await;
    let plant = &cloud.plant;
    let gateway = cloud.gateway("gateway").await;
    let sensor = cloud.device(json!({"name": "sensor", "parentDevice": gateway})).await;
    let other = cloud.device(json!({"name": "other"})).await;
    let mut client = plant.connect(V5, &gateway).await;
    // The vendor's gateways send the type of a document first, and clients are shown what they sent.
    let sent = r#"{"type": "data", "message": {"temperature": 21.5, "serial": 12345678901234567890123}}"#;
    let document: Value = serde_json::from_str(sent).unwrap();
    let topic = |device: &str, what: &str| format!("discover/default/{gateway}/{device}/{what}");
    assert_eq!(client.publish(&topic(&sensor, "post"), sent, 1).await, Ok(0));
    let page = cloud.call("GET", &format!("/device/v1/devices/{sensor}/data"), &Value::Null).await.body;
    assert_eq!((&page["totalItems"], &page["data"][0]["data"]), (&json!(1), &document), "{page}");
    assert_eq!(plant.client().sql("SELECT payload FROM messages").await, [json!({"payload": sent})]);
    assert_eq!(plant.values(plant.stream("sensor", "message.temperature").await).await, [21.5]);

    assert_eq!(client.publish(&format!("discover/default/{gateway}/connected"), "{}", 1).await, Ok(0));
    let path = format!("/device/v1/devices/{gateway}");
    until!("the gateway is connected", PATIENCE;
        cloud.call("GET", &path, &Value::Null).await["status"]["eventType"] == "connected");
    // A device that is not below this gateway.
    let refused = client.publish(&topic(&other, "post"), document.to_string(), 1).await;
    assert!(matches!(refused, Ok(0x87) | Err(Some(0x87))), "{refused:x?}");
}

/// Security review 1: a message that would need too many new streams is refused whole, and counted.
#[tokio::test]
async fn a_message_with_too_many_new_members_is_refused_whole() {
    let plant = Plant::start_with(&[("BASALT_INGEST__MAX_NEW_STREAMS", "5")]).await;
    let mut client = plant.connect(V5, "plc").await;
    let message = |members: usize| {
        let mut message = json!({"temp": 1});
        (0..members).for_each(|n| message[format!("m{n}")] = json!(n));
        message.to_string()
    };
    let long = json!({"temp": 1, "m": {("x".repeat(300)): 1}}).to_string();
    for refused in [message(6), long] {
        assert_eq!(client.publish("basalt/press", &refused, 1).await, Ok(0x99), "{refused}");
    }
    let streams = "SELECT count(*) AS n FROM streams";
    assert_eq!(plant.client().sql(streams).await, [json!({"n": 3})], "none was created");
    assert!(plant.values(plant.streams[0]).await.is_empty());
    assert_eq!(client.publish("basalt/press", message(5), 1).await, Ok(0));
    assert_eq!(plant.client().sql(streams).await, [json!({"n": 8})]);
    assert_eq!(plant.values(plant.streams[0]).await, [1.0]);
}

/// Security review 1: such a member was dropped in silence. The rest of its message is stored.
#[tokio::test]
async fn a_text_without_a_stream_is_reported_once_and_three_hundred_members_are_stored() {
    let plant = Plant::start().await;
    let mut client = plant.connect(V5, "plc").await;
    for value in [1, 2] {
        let message = json!({"temp": value, "firmware": "1.2"}).to_string();
        assert_eq!(client.publish("basalt/press", message, 1).await, Ok(0));
    }
    assert_eq!(plant.values(plant.streams[0]).await, [1.0, 2.0]);
    let rows = plant.client().sql("SELECT topic, reason, detail FROM quarantine").await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!((&rows[0]["topic"], &rows[0]["reason"]), (&json!("basalt/press"), &json!("UNKNOWN_SENSOR")));
    assert!(rows[0]["detail"].as_str().is_some_and(|detail| detail.contains("firmware")), "{rows:?}");
    // Security review 1: what came after the 256th member was acknowledged and stored nowhere.
    for (n, version) in BOTH.into_iter().enumerate() {
        let device = ["line1", "line2"][n];
        let mut client = plant.connect(version, "plc").await;
        let mut tags = json!({"ts": NOON_S});
        (0..300).for_each(|tag| tags[format!("tag{tag:03}")] = json!(tag));
        let topic = format!("basalt/{device}");
        assert_eq!(client.publish(&topic, tags.to_string(), 1).await, Ok(0), "{version:?}");
        let query = format!(
            "SELECT count(*) AS n, sum(value) AS total FROM readings r JOIN streams s ON s.id = r.stream_id JOIN devices d ON d.id = s.device_id WHERE d.name = '{device}'"
        );
        assert_eq!(plant.client().sql(&query).await, [json!({"n": 300, "total": 44_850.0})], "{version:?}");
    }
}
