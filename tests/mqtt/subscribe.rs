//! Live values for subscribers: which come, under which topic, and until when.

use std::collections::BTreeSet;

use serde_json::json;

use super::{NOON_S, Plant, number, reading, take};
use crate::tools::mqtt::encode::{PUBACK, RECEIVE_MAXIMUM, ack, two_bytes};
use crate::tools::mqtt::{BOTH, Connect, MqttClient, Version};

use Version::{V5, V311};

#[tokio::test]
async fn wildcards_choose_among_what_is_there() {
    let plant = Plant::start().await;
    let mut writer = plant.connect(V5, "writer").await;
    let topics = ["press/temp", "press/rpm", "oven/temp", "oven/zone/1", "last/last"];
    let topics = topics.map(|topic| format!("basalt/{topic}"));
    for topic in &topics {
        assert_eq!(writer.publish(topic, "0", 1).await, Ok(0));
    }
    let rows: [(&[&str], &[usize]); 10] = [
        (&["#"], &[0, 1, 2, 3]),
        (&["basalt/#"], &[0, 1, 2, 3]),
        (&["basalt/press/#"], &[0, 1]),
        (&["basalt/+/temp"], &[0, 2]),
        (&["basalt/oven/+"], &[2]),
        (&["basalt/oven/zone/+"], &[3]),
        (&["+/+/rpm"], &[1]),
        (&["basalt/oven/#", "basalt/press/rpm"], &[1, 2, 3]),
        (&["+"], &[]),
        (&["basalt/+"], &[]),
    ];
    for version in BOTH {
        for (filters, expected) in rows {
            let mut reader = plant.connect(version, "reader").await;
            let requested: Vec<_> =
                filters.iter().map(|filter| (*filter, 1)).chain([("basalt/last/last", 1)]).collect();
            assert!(reader.subscribe(&requested).await.iter().all(|code| *code == 1), "{filters:?}");
            for (n, topic) in topics.iter().enumerate() {
                assert_eq!(writer.publish(topic, n.to_string(), 1).await, Ok(0));
            }
            let mut found = BTreeSet::new();
            loop {
                let message = reader.take_message().await;
                let at = topics.iter().position(|topic| *topic == message.topic).expect("one of them");
                assert_eq!(number(&message), at as f64, "{message:?}");
                if at == topics.len() - 1 {
                    break;
                }
                found.insert(at);
            }
            assert_eq!(found, expected.iter().copied().collect::<BTreeSet<_>>(), "{filters:?}, {version:?}");
            reader.disconnect(0).await;
        }
    }
}

#[tokio::test]
async fn a_value_from_every_door_is_told_by_the_name_the_uuid_and_the_key_of_its_device() {
    let plant = Plant::start().await;
    let press = plant.client().get("/api/device/?name=press").await.body[0].clone();
    let name = |member: &str| press[member].as_str().unwrap_or_else(|| panic!("{press}")).to_owned();
    let mut writer = plant.connect(V5, "writer").await;
    for (n, name) in [name("uuid"), name("key"), "press".to_owned()].iter().enumerate() {
        let topic = format!("basalt/{name}/temp");
        let mut reader = plant.subscriber(V311, "reader", &topic, 1).await;
        assert_eq!(writer.publish(&topic, n.to_string(), 1).await, Ok(0));
        assert_eq!(take(&mut reader, 1).await, [(topic, n as f64)]);
    }
    plant.expect_values(plant.streams[0], &[0.0, 1.0, 2.0]).await;

    let rest = plant.client();
    for version in BOTH {
        for qos in 0..3 {
            let mut reader = plant.subscriber(version, "reader", "basalt/press/temp", qos).await;
            let path = format!("/api/data/{}/value/", plant.streams[0]);
            rest.post(&path, &json!({"timestamp": NOON_S, "value": 1.5})).await.expect_one_of(&[200, 201]);
            let first = reader.take_message().await;
            let topic = (first.topic.as_str(), number(&first), first.qos, first.is_retained, first.is_again);
            assert_eq!(topic, ("basalt/press/temp", 1.5, qos, false, false), "{version:?}");
            let payload: serde_json::Value = serde_json::from_slice(&first.payload).unwrap();
            assert_eq!(payload, json!({"value": 1.5, "ts": "2026-04-28T12:00:00Z"}));

            let row = json!({"stream_id": plant.streams[0], "ts": NOON_S + 1, "value": 2.5}).to_string();
            rest.ingest("application/x-ndjson", row).await.ok();
            assert_eq!(number(&reader.take_message().await), 2.5);
            let mut writer = plant.connect(version, "writer").await;
            assert_eq!(writer.publish("basalt/press/temp", "3.5", 1).await, Ok(0));
            assert_eq!(number(&reader.take_message().await), 3.5);
            reader.disconnect(0).await;
        }
    }
}

#[tokio::test]
async fn whoever_unsubscribes_is_sent_no_more_and_nobody_more_than_the_client_takes() {
    let plant = Plant::start().await;
    let mut writer = plant.connect(V5, "writer").await;
    for version in BOTH {
        let mut reader = plant.connect(version, "reader").await;
        reader.subscribe(&[("basalt/press/temp", 1), ("basalt/press/rpm", 1)]).await;
        let codes = reader.unsubscribe(&["basalt/press/temp", "basalt/never"]).await;
        let expected: &[u8] = if version == V5 { &[0, 0x11] } else { &[] };
        assert_eq!(codes, expected);
        for topic in ["basalt/press/temp", "basalt/press/rpm"] {
            assert_eq!(writer.publish(topic, "1", 1).await, Ok(0));
        }
        assert_eq!(reader.take_message().await.topic, "basalt/press/rpm");
        reader.disconnect(0).await;
    }

    for version in BOTH {
        let mut reader = plant.connect(version, "reader").await;
        for qos in [1, 0, 1] {
            assert_eq!(reader.subscribe(&[("basalt/press/temp", qos)]).await, [qos]);
            for value in ["1", "2"] {
                assert_eq!(writer.publish("basalt/press/temp", value, 1).await, Ok(0));
            }
            let messages = [reader.take_message().await, reader.take_message().await];
            let found: Vec<_> = messages.iter().map(|m| (number(m), m.qos)).collect();
            assert_eq!(found, [(1.0, qos), (2.0, qos)], "each once, {version:?}");
        }
        reader.disconnect(0).await;
    }

    let few = two_bytes(RECEIVE_MAXIMUM, 3);
    let connect = plant.hello(V5, "slow").with_properties(&few);
    let mut reader = MqttClient::connect(&plant.address, &connect).await;
    reader.subscribe(&[("basalt/press/temp", 1)]).await;
    let mut writer = plant.connect(V5, "writer").await;
    for n in 0..10 {
        assert_eq!(writer.publish("basalt/press/temp", reading(n, n as f64), 1).await, Ok(0));
    }
    let first = [reader.message().await, reader.message().await, reader.message().await];
    assert_eq!(first.each_ref().map(number), [0.0, 1.0, 2.0]);
    reader.ping().await;
    reader.ping().await;
    assert_eq!(reader.waiting(), 0, "a fourth one would be too many");
    for message in first {
        reader.raw(&ack(PUBACK, message.id)).await;
    }
    let rest = take(&mut reader, 7).await;
    assert_eq!(rest.iter().map(|(_, v)| *v).collect::<Vec<_>>(), [3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
}

#[tokio::test]
async fn unsubscribing_loses_and_repeats_nothing_of_the_rest() {
    let plant = Plant::start_with(&[("BASALT_MQTT__SUBSCRIBED_SESSIONS", "1")]).await;
    let mut writer = plant.connect(V5, "writer").await;
    assert_eq!(writer.publish("basalt/oven/temp", "0", 1).await, Ok(0));
    for (version, refused) in [(V311, 0x80), (V5, 0x97)] {
        let mut reader = plant.connect(version, "reader").await;
        let filters = [("basalt/press/temp", 1), ("basalt/oven/#", 1), ("basalt/none/#", 1), ("v1/#", 1)];
        assert_eq!(reader.subscribe(&filters).await, [1; 4]);
        // What is unsubscribed makes the feed narrower each time, while values are under way.
        for (round, filter) in ["v1/#", "basalt/none/#", "basalt/oven/#"].into_iter().enumerate() {
            for n in 0..20 {
                let value = (100 * round + n).to_string();
                assert_eq!(writer.publish("basalt/press/temp", value, 1).await, Ok(0));
            }
            reader.unsubscribe(&[filter]).await;
        }
        assert_eq!(writer.publish("basalt/oven/temp", "7", 1).await, Ok(0));
        assert_eq!(writer.publish("basalt/press/temp", "999", 1).await, Ok(0));
        let rounds = (0..3).flat_map(|round| (0..20).map(move |n| f64::from(100 * round + n)));
        let expected: Vec<_> =
            rounds.chain([999.0]).map(|value| ("basalt/press/temp".to_owned(), value)).collect();
        assert_eq!(take(&mut reader, expected.len()).await, expected, "{version:?}");

        let mut second = plant.connect(version, "second").await;
        assert_eq!(second.subscribe(&[("basalt/press/temp", 1)]).await, [refused], "{version:?}");
        reader.unsubscribe(&["basalt/press/temp"]).await;
        assert_eq!(second.subscribe(&[("basalt/press/temp", 1)]).await, [1], "the place is free");
        reader.ping().await;
        reader.disconnect(0).await;
        second.disconnect(0).await;
    }
}

#[tokio::test]
async fn rights_decide_what_a_filter_shows() {
    let plant = Plant::start().await;
    let mut writer = plant.connect(V5, "writer").await;
    assert_eq!(writer.publish("basalt/oven/temp", "0", 1).await, Ok(0));
    let (device, data) = (plant.device("press").await.0.to_string(), plant.streams[1].to_string());
    let by_device = plant.server.create_key(&["--device", &device]).await;
    let by_stream = plant.server.create_key(&["--data", &data]).await;
    let no_values = plant.server.create_key(&["--scope", "device:read"]).await;
    for version in BOTH {
        for (key, expected) in [
            (&by_device, vec![("press/temp", 1.0), ("press/rpm", 2.0)]),
            (&by_stream, vec![("press/rpm", 2.0)]),
        ] {
            for filter in ["#", "basalt/#", "basalt/+/+"] {
                let mut reader =
                    MqttClient::connect(&plant.address, &Connect::new(version, "reader", key)).await;
                assert_eq!(reader.subscribe(&[(filter, 1)]).await, [1]);
                for (topic, value) in
                    [("oven/temp", "0"), ("press/temp", "1"), ("press/rpm", "2"), ("press/rpm", "3")]
                {
                    assert_eq!(writer.publish(&format!("basalt/{topic}"), value, 1).await, Ok(0));
                }
                let expected = expected.iter().chain(&[("press/rpm", 3.0)]);
                let expected: Vec<_> = expected.map(|(topic, v)| (format!("basalt/{topic}"), *v)).collect();
                assert_eq!(take(&mut reader, expected.len()).await, expected, "{filter}, {version:?}");
                reader.disconnect(0).await;
            }
        }
        let mut blind =
            MqttClient::connect(&plant.address, &Connect::new(version, "blind", &no_values)).await;
        let refused = if version == V5 { 0x87 } else { 0x80 };
        assert_eq!(blind.subscribe(&[("basalt/press/temp", 1)]).await, [refused]);
    }
}

#[tokio::test]
async fn sessions_that_follow_values_are_bounded() {
    let limits = [("BASALT_MQTT__SUBSCRIBED_SESSIONS", "1"), ("BASALT_LIVE__SUBSCRIPTIONS", "1")];
    let plant = Plant::start_with(&limits).await;
    for (version, refused) in [(V311, 0x80), (V5, 0x97)] {
        let mut first = plant.subscriber(version, "first", "basalt/press/temp", 1).await;
        // Its other subscriptions need no other place.
        assert_eq!(first.subscribe(&[("basalt/press/rpm", 0), ("v1/#", 1)]).await, [0, 1]);
        let mut second = plant.connect(version, "second").await;
        assert_eq!(second.subscribe(&[("basalt/press/temp", 1)]).await, [refused], "{version:?}");
        // The connection goes on, and commands need no place.
        assert_eq!(second.publish("basalt/press/temp", "1", 1).await, Ok(0));
        assert_eq!(second.subscribe(&[("control/default/#", 1)]).await, [1]);
        assert_eq!(number(&first.take_message().await), 1.0);
        first.disconnect(0).await;
        let granted = second.subscribe(&[("basalt/press/temp", 1)]).await;
        assert_eq!(granted, [1], "the place of the first is free");
        second.disconnect(0).await;
    }
}
