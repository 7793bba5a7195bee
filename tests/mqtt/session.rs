//! Sessions that outlive their connections: what is queued for whom, and what comes again.

use super::{PATIENCE, Plant, number, reading, take};
use crate::support::until;
use crate::tools::mqtt::encode::{PUBACK, PUBCOMP, PUBREC, PUBREL, SESSION_EXPIRY, ack, four_bytes};
use crate::tools::mqtt::{BOTH, Connect, Message, MqttClient, Version};

use Version::{V5, V311};

/// Publishes values of `temp`, a second apart.
async fn publish(plant: &Plant, values: std::ops::Range<i64>) {
    let mut writer = plant.connect(V5, "writer").await;
    for value in values {
        assert_eq!(writer.publish("basalt/press/temp", reading(value, value as f64), 1).await, Ok(0));
    }
    writer.disconnect(0).await;
}

/// A client that comes back, and whether it was known.
async fn connect(plant: &Plant, version: Version, name: &str) -> MqttClient {
    MqttClient::connect(&plant.address, &plant.hello(version, name).persistent()).await
}

/// A session subscribed to the press, whose client has left.
async fn sleeper(plant: &Plant, version: Version, name: &str, qos: u8) {
    let mut client = connect(plant, version, name).await;
    assert!(!client.is_present);
    assert_eq!(client.subscribe(&[("basalt/press/temp", qos)]).await, [qos]);
    client.disconnect(0).await;
}

fn numbers(messages: &[(String, f64)]) -> Vec<f64> {
    messages.iter().map(|(_, value)| *value).collect()
}

#[tokio::test]
async fn what_happened_meanwhile_comes_in_order_and_to_its_key_alone() {
    let plant = Plant::start().await;
    for (n, version) in (0..).zip(BOTH) {
        for qos in [1, 2] {
            let name = format!("sleeper{version:?}{qos}");
            sleeper(&plant, version, &name, qos).await;
            let first = 100 * (n * 2 + i64::from(qos));
            publish(&plant, first..first + 50).await;
            let mut client = connect(&plant, version, &name).await;
            assert!(client.is_present, "{name}");
            let expected: Vec<f64> = (first..first + 50).map(|value| value as f64).collect();
            assert_eq!(numbers(&take(&mut client, 50).await), expected, "{name}");
            // The subscription still stands.
            publish(&plant, first + 50..first + 51).await;
            assert_eq!(numbers(&take(&mut client, 1).await), [(first + 50) as f64], "{name}");
            client.disconnect(0).await;
        }
    }

    let other = plant.server.create_key(&[]).await;
    for version in BOTH {
        let name = format!("shared{version:?}");
        sleeper(&plant, version, &name, 1).await;
        let hello = Connect::new(version, &name, &other).persistent();
        let mut stranger = MqttClient::connect(&plant.address, &hello).await;
        assert!(!stranger.is_present, "{name}");
        publish(&plant, 0..2).await;
        stranger.subscribe(&[("basalt/press/rpm", 1)]).await;
        let mut writer = plant.connect(V311, "writer").await;
        assert_eq!(writer.publish("basalt/press/rpm", "7", 1).await, Ok(0));
        assert_eq!(number(&stranger.take_message().await), 7.0, "{name}: nothing of the other's queue");
        let mut owner = connect(&plant, version, &name).await;
        assert_eq!(numbers(&take(&mut owner, 2).await), [0.0, 1.0], "{name}");
        owner.disconnect(0).await;
        stranger.disconnect(0).await;
    }
}

#[tokio::test]
async fn a_clean_start_a_session_without_expiry_and_a_farewell_of_5_forget() {
    let plant = Plant::start().await;
    for version in BOTH {
        let name = format!("clean{version:?}");
        sleeper(&plant, version, &name, 1).await;
        publish(&plant, 0..3).await;
        let mut client = plant.connect(version, &name).await;
        assert!(!client.is_present, "{name}");
        client.subscribe(&[("basalt/press/rpm", 1)]).await;
        let mut writer = plant.connect(version, "writer").await;
        assert_eq!(writer.publish("basalt/press/rpm", "1", 1).await, Ok(0));
        assert_eq!(client.take_message().await.topic, "basalt/press/rpm");
        client.disconnect(0).await;
        let again = connect(&plant, version, &name).await;
        assert!(!again.is_present, "{name}: a clean session ends with its connection");
    }

    let mut client = connect(&plant, V5, "leaver").await;
    // DISCONNECT with a session expiry of 0.
    client.raw(&[0xE0, 7, 0, 5, 0x11, 0, 0, 0, 0]).await;
    client.end().await;
    assert!(!connect(&plant, V5, "leaver").await.is_present);
}

/// Messages of a session, of which the client acknowledges every second one before its connection is cut: those that
/// remain open.
async fn half_acknowledged(client: &mut MqttClient, count: usize) -> Vec<Message> {
    let mut open = Vec::new();
    for n in 0..count {
        let message = client.message().await;
        assert!(!message.is_again && message.qos == 1, "{message:?}");
        if n % 2 == 0 {
            client.raw(&ack(PUBACK, message.id)).await;
        } else {
            open.push(message);
        }
    }
    // When this is answered, the acknowledgements before it have been read.
    client.ping().await;
    open
}

#[tokio::test]
async fn what_was_not_acknowledged_comes_again_and_qos_2_is_released_where_its_client_left() {
    let plant = Plant::start().await;
    for version in BOTH {
        let name = format!("again{version:?}");
        let mut client = connect(&plant, version, &name).await;
        client.subscribe(&[("basalt/press/temp", 1)]).await;
        publish(&plant, 0..6).await;
        let mut open = half_acknowledged(&mut client, 6).await;
        // Twice, once cut and once with a farewell.
        for round in 0..2 {
            match round {
                0 => client.cut(),
                _ => client.disconnect(0).await,
            }
            client = connect(&plant, version, &name).await;
            assert!(client.is_present, "{name}");
            for message in &mut open {
                message.is_again = true;
                assert_eq!(client.message().await, *message, "{name}, round {round}");
            }
        }
        for message in &open {
            client.raw(&ack(PUBACK, message.id)).await;
        }
        client.ping().await;
        client.disconnect(0).await;
        let mut client = connect(&plant, version, &name).await;
        publish(&plant, 6..7).await;
        assert_eq!(numbers(&take(&mut client, 1).await), [6.0], "{name}: the rest was acknowledged");
        client.disconnect(0).await;
    }

    for version in BOTH {
        let name = format!("twice{version:?}");
        let mut client = connect(&plant, version, &name).await;
        client.subscribe(&[("basalt/press/temp", 2)]).await;
        publish(&plant, 0..1).await;
        let first = client.message().await;
        client.cut();
        let mut client = connect(&plant, version, &name).await;
        let second = client.message().await;
        assert_eq!(second, Message { is_again: true, ..first });
        client.raw(&ack(PUBREC, second.id)).await;
        assert_eq!(client.ack(PUBREL, second.id).await, Ok(0));
        client.cut();
        // Received but not released: the release comes again, the message does not.
        let mut client = connect(&plant, version, &name).await;
        assert_eq!(client.ack(PUBREL, second.id).await, Ok(0));
        assert_eq!(client.waiting(), 0, "{name}");
        client.raw(&ack(PUBCOMP, second.id)).await;
        publish(&plant, 1..2).await;
        assert_eq!(numbers(&take(&mut client, 1).await), [1.0], "{name}");
        client.disconnect(0).await;
    }
}

#[tokio::test]
async fn sessions_and_their_queues_are_back_after_a_crash() {
    let mut plant = Plant::start().await;
    for version in BOTH {
        sleeper(&plant, version, &format!("asleep{version:?}"), 1).await;
        let mut client = connect(&plant, version, &format!("awake{version:?}")).await;
        client.subscribe(&[("basalt/press/temp", 1)]).await;
    }
    publish(&plant, 0..20).await;
    plant.crash().await;
    publish(&plant, 20..40).await;
    let expected: Vec<f64> = (0..40).map(f64::from).collect();
    for version in BOTH {
        for kind in ["asleep", "awake"] {
            let name = format!("{kind}{version:?}");
            let mut client = connect(&plant, version, &name).await;
            assert!(client.is_present, "{name}");
            assert_eq!(numbers(&take(&mut client, 40).await), expected, "{name}");
            client.disconnect(0).await;
        }
    }
    plant.crash().await;
    publish(&plant, 40..41).await;
    for version in BOTH {
        let name = format!("asleep{version:?}");
        let mut client = connect(&plant, version, &name).await;
        assert!(client.is_present, "{name}");
        let taken = numbers(&take(&mut client, 1).await);
        assert_eq!(taken, [40.0], "{name}: what was acknowledged does not come again");
    }
}

/// [MQTT-4.4.0-1] and [MQTT-3.3.1-1], of a server whose process was killed.
#[tokio::test]
async fn after_a_crash_what_was_in_flight_comes_again() {
    let mut plant = Plant::start().await;
    let mut known = Vec::new();
    for version in BOTH {
        let name = format!("flight{version:?}");
        let mut client = connect(&plant, version, &name).await;
        client.subscribe(&[("basalt/press/temp", 1)]).await;
        known.push((version, name, client));
    }
    publish(&plant, 0..5).await;
    let mut open = Vec::new();
    for (_, _, client) in &mut known {
        let mut messages = Vec::new();
        for _ in 0..5 {
            messages.push(client.message().await);
        }
        open.push(messages);
    }
    plant.crash().await;
    for ((version, name, _), messages) in known.iter().zip(open) {
        let mut client = connect(&plant, *version, name).await;
        assert!(client.is_present, "{name}");
        for message in messages {
            // Under a new id: which ones were in use is not stored (docs/mqtt.md).
            let again = client.message().await;
            assert_eq!((again.topic, again.payload), (message.topic, message.payload), "{name}");
        }
    }
}

#[tokio::test]
async fn a_session_ends_with_its_time() {
    let plant = Plant::start().await;
    let short = four_bytes(SESSION_EXPIRY, 1);
    let hello = plant.hello(V5, "short").with_properties(&short);
    MqttClient::connect(&plant.address, &hello).await.disconnect(0).await;
    // Asking whether it is there would keep it: the metric tells.
    until!("the session is gone", PATIENCE; plant.client().metric("basalt_mqtt_sessions").await == 0.0);
    let again = Connect { is_clean: false, ..hello };
    assert!(!MqttClient::connect(&plant.address, &again).await.is_present);
}
