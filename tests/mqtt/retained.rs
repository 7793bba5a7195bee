//! Retained messages: set, replaced, removed, shown to new subscribers, and back after a crash.

use super::{Plant, number};
use crate::tools::mqtt::encode::{WILL_DELAY, four_bytes};
use crate::tools::mqtt::{BOTH, MqttClient, Publish, Version, Will};

use Version::{V5, V311};

const TOPIC: &str = "basalt/press/state";

async fn retain(client: &mut MqttClient, payload: &str, qos: u8, id: u16) {
    let publish = Publish::new(TOPIC, payload, qos, id).retained();
    assert_eq!(client.send_publish(&publish).await, Ok(0), "{payload}");
    // At QoS 0 nothing else tells that it was taken; messages of a connection are carried out in their order.
    if qos == 0 {
        assert_eq!(client.publish("basalt/press/temp", "0", 1).await, Ok(0));
    }
}

/// Returns what a new subscriber is sent: the retained payload, or nothing before the next value, which is 99.
async fn retained(plant: &Plant, version: Version, qos: u8) -> Option<(String, u8)> {
    let mut reader = plant.connect(version, "new-reader").await;
    assert_eq!(reader.subscribe(&[("basalt/press/state", qos), ("basalt/press/rpm", qos)]).await, [qos, qos]);
    let mut writer = plant.connect(version, "marker").await;
    assert_eq!(writer.publish("basalt/press/rpm", "99", 1).await, Ok(0));
    let first = reader.take_message().await;
    if first.topic == "basalt/press/rpm" {
        assert!(!first.is_retained && number(&first) == 99.0, "{first:?}");
        return None;
    }
    assert!(first.is_retained && first.topic == TOPIC, "{first:?}");
    let marker = reader.take_message().await;
    assert_eq!((number(&marker), marker.is_retained), (99.0, false), "one message is retained");
    Some((first.text().to_owned(), first.qos))
}

#[tokio::test]
async fn the_last_one_is_shown_until_it_is_removed() {
    let plant = Plant::start().await;
    for version in BOTH {
        let mut client = plant.connect(version, "press").await;
        assert_eq!(retained(&plant, version, 1).await, None);
        for (n, (payload, qos)) in (1..).zip([("1", 1), (r#"{"value":2}"#, 0), ("3", 2)]) {
            retain(&mut client, payload, qos, n).await;
            for requested_qos in 0..3 {
                let expected = Some((payload.to_owned(), requested_qos.min(qos)));
                assert_eq!(retained(&plant, version, requested_qos).await, expected, "{version:?}");
            }
        }
        // A message without the flag changes nothing.
        assert_eq!(client.publish(TOPIC, "4", 1).await, Ok(0));
        assert_eq!(retained(&plant, version, 1).await, Some(("3".to_owned(), 1)));
        retain(&mut client, "", 1, 9).await;
        assert_eq!(retained(&plant, version, 1).await, None);
        retain(&mut client, "", 1, 9).await;
    }
    // Each of them is a reading, but for those that remove.
    assert_eq!(plant.values(plant.streams[2]).await, [1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 3.0, 4.0]);
}

#[tokio::test]
async fn whoever_has_subscribed_before_is_sent_a_value_without_the_flag_and_in_5_chooses() {
    let plant = Plant::start().await;
    for version in BOTH {
        let mut reader = plant.subscriber(version, "reader", "basalt/#", 1).await;
        let mut client = plant.connect(version, "press").await;
        retain(&mut client, "5", 1, 1).await;
        let message = reader.take_message().await;
        assert_eq!((number(&message), message.is_retained), (5.0, false), "{message:?}");
        // Subscribing again asks for it again (3.8.4).
        reader.subscribe(&[("basalt/#", 1)]).await;
        let message = reader.take_message().await;
        assert_eq!((number(&message), message.is_retained), (5.0, true), "{message:?}");
        retain(&mut client, "", 1, 2).await;
    }

    let mut client = plant.connect(V5, "press").await;
    retain(&mut client, "5", 1, 1).await;
    // Retain handling: 0 always, 1 with a new subscription, 2 never.
    for (handling, first, second) in [(0_u8, true, true), (1, true, false), (2, false, false)] {
        let mut reader = plant.connect(V5, "reader").await;
        for is_sent in [first, second] {
            assert_eq!(reader.subscribe(&[(TOPIC, handling << 4 | 1)]).await, [1]);
            assert_eq!(client.publish(TOPIC, "6", 1).await, Ok(0));
            let mut messages = vec![reader.take_message().await];
            if is_sent {
                messages.push(reader.take_message().await);
            }
            let found: Vec<_> = messages.iter().map(|m| (m.is_retained, number(m))).collect();
            let expected = if is_sent { vec![(true, 5.0), (false, 6.0)] } else { vec![(false, 6.0)] };
            assert_eq!(found, expected, "retain handling {handling}");
        }
        reader.disconnect(0).await;
    }
}

#[tokio::test]
async fn they_are_back_after_a_crash() {
    let mut plant = Plant::start().await;
    let mut client = plant.connect(V311, "press").await;
    retain(&mut client, "7", 1, 1).await;
    plant.crash().await;
    assert_eq!(retained(&plant, V5, 1).await, Some(("7".to_owned(), 1)));
    let mut client = plant.connect(V311, "press").await;
    retain(&mut client, "", 1, 1).await;
    plant.crash().await;
    assert_eq!(retained(&plant, V5, 1).await, None);
}

#[tokio::test]
async fn a_will_is_retained_if_it_says_so() {
    let plant = Plant::start().await;
    for version in BOTH {
        let will = Will { is_retained: true, ..Will::new(TOPIC, "0") };
        let mut watcher = plant.subscriber(version, "watcher", TOPIC, 1).await;
        MqttClient::connect(&plant.address, &plant.hello(version, "mortal").with_will(will)).await.cut();
        assert_eq!(number(&watcher.take_message().await), 0.0);
        let mut late = plant.subscriber(version, "late", TOPIC, 1).await;
        let message = late.take_message().await;
        assert_eq!((message.text(), message.is_retained), ("0", true), "{version:?}");
        retain(&mut late, "", 1, 1).await;
    }
    // One that is delayed past the end of its session comes with the end.
    let delay = four_bytes(WILL_DELAY, 3600);
    let will = Will { is_retained: true, properties: delay, ..Will::new(TOPIC, "8") };
    let mut watcher = plant.subscriber(V5, "watcher", TOPIC, 1).await;
    MqttClient::connect(&plant.address, &plant.hello(V5, "mortal").with_will(will)).await.cut();
    assert_eq!(number(&watcher.take_message().await), 8.0);
}
