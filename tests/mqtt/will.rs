//! Wills: published when a client disappears, in its name, and never after a farewell.

use super::{Plant, number};
use crate::tools::mqtt::encode::{SESSION_EXPIRY, WILL_DELAY, four_bytes, frame};
use crate::tools::mqtt::{BOTH, Connect, MqttClient, Version, Will};

use Version::V5;

const TOPIC: &str = "basalt/press/state";

/// A client with a will, and the one that hears of it.
async fn mortal(plant: &Plant, version: Version, connect: Connect) -> (MqttClient, MqttClient) {
    let watcher = plant.subscriber(version, "watcher", TOPIC, 1).await;
    (MqttClient::connect(&plant.address, &connect).await, watcher)
}

/// The next value that the watcher is told, after 99 has been published.
async fn next_after_marker(plant: &Plant, version: Version, watcher: &mut MqttClient) -> f64 {
    let mut marker = plant.connect(version, "marker").await;
    assert_eq!(marker.publish(TOPIC, "99", 1).await, Ok(0));
    number(&watcher.take_message().await)
}

#[tokio::test]
async fn the_will_of_a_client_that_disappears_is_published_unless_its_key_is_revoked() {
    let plant = Plant::start().await;
    let mut expected = Vec::new();
    for version in BOTH {
        for qos in 0..3 {
            let value = f64::from(qos) + if version == V5 { 10.5 } else { 0.5 };
            let will = Will { qos, ..Will::new(TOPIC, &value.to_string()) };
            let (client, mut watcher) =
                mortal(&plant, version, plant.hello(version, "mortal").with_will(will)).await;
            client.cut();
            assert_eq!(number(&watcher.take_message().await), value, "{version:?}, QoS {qos}");
            expected.push(value);
        }
    }
    plant.expect_values(plant.streams[2], &expected).await;
    // Security review 15: a key that is revoked writes nothing any more, its will neither.
    for version in BOTH {
        let key = plant.server.create_key(&[]).await;
        let mortal_hello = Connect::new(version, "mortal", &key).with_will(Will::new(TOPIC, "1"));
        let (mut client, mut watcher) = mortal(&plant, version, mortal_hello).await;
        plant.revoke_newest_key().await;
        client.end().await;
        // The session is released before the connection ends, and so would its will be published.
        assert_eq!(next_after_marker(&plant, version, &mut watcher).await, 99.0, "{version:?}");
    }
}

#[tokio::test]
async fn a_farewell_takes_the_will_along_and_broken_bytes_and_silence_are_none() {
    let plant = Plant::start().await;
    for version in BOTH {
        let hello = || plant.hello(version, "mortal").with_will(Will::new(TOPIC, "1"));
        let (mut client, mut watcher) = mortal(&plant, version, hello()).await;
        client.raw(&frame(0x00, &[])).await;
        client.end().await;
        assert_eq!(number(&watcher.take_message().await), 1.0, "broken bytes, {version:?}");

        let silent = Connect { keep_alive_s: 1, ..hello() };
        let (mut client, mut watcher) = mortal(&plant, version, silent).await;
        client.end().await;
        assert_eq!(number(&watcher.take_message().await), 1.0, "silence, {version:?}");

        let (mut client, mut watcher) = mortal(&plant, version, hello()).await;
        let other = plant.connect(version, "mortal").await;
        client.end().await;
        assert_eq!(number(&watcher.take_message().await), 1.0, "taken over, {version:?}");
        other.disconnect(0).await;
    }

    for version in BOTH {
        let hello = plant.hello(version, "polite").with_will(Will::new(TOPIC, "1"));
        let (client, mut watcher) = mortal(&plant, version, hello.clone()).await;
        client.disconnect(0).await;
        assert_eq!(next_after_marker(&plant, version, &mut watcher).await, 99.0, "{version:?}");
        if version == V5 {
            let (client, mut watcher) = mortal(&plant, version, hello).await;
            client.disconnect(0x04).await;
            assert_eq!(number(&watcher.take_message().await), 1.0, "disconnect with will message");
        }
    }
}

#[tokio::test]
async fn a_delayed_will_is_forgotten_when_the_client_is_back_and_comes_with_the_end_of_its_session() {
    let plant = Plant::start().await;
    let late = Will { properties: four_bytes(WILL_DELAY, 600), ..Will::new(TOPIC, "1") };
    let hello = plant.hello(V5, "patient").persistent().with_will(late);
    let (client, mut watcher) = mortal(&plant, V5, hello).await;
    client.cut();
    let back = MqttClient::connect(&plant.address, &plant.hello(V5, "patient").persistent()).await;
    assert!(back.is_present);
    back.disconnect(0).await;
    assert_eq!(next_after_marker(&plant, V5, &mut watcher).await, 99.0);

    // One of a second comes without anybody's doing, although the session stays.
    let soon = Will { properties: four_bytes(WILL_DELAY, 1), ..Will::new(TOPIC, "2") };
    let hello = plant.hello(V5, "impatient").persistent().with_will(soon);
    let (client, mut watcher) = mortal(&plant, V5, hello).await;
    client.cut();
    assert_eq!(number(&watcher.take_message().await), 2.0);

    // The end of the session ends the delay.
    let expiry = four_bytes(SESSION_EXPIRY, 1);
    let late = Will { properties: four_bytes(WILL_DELAY, 600), ..Will::new(TOPIC, "3") };
    let hello = plant.hello(V5, "short").with_properties(&expiry).with_will(late);
    let (client, mut watcher) = mortal(&plant, V5, hello).await;
    client.cut();
    assert_eq!(number(&watcher.take_message().await), 3.0);
    // Security review 13: a will is due when its delay is over or its session ends, whichever is first (5.0, 3.1.3.2.2).
    let late = Will { properties: four_bytes(WILL_DELAY, 600), ..Will::new(TOPIC, "1") };
    let hello = plant.hello(V5, "patient").persistent().with_will(late);
    let (client, mut watcher) = mortal(&plant, V5, hello).await;
    client.cut();
    let back = plant.connect(V5, "patient").await;
    assert!(!back.is_present);
    assert_eq!(number(&watcher.take_message().await), 1.0);
    back.disconnect(0).await;
    // Once.
    assert_eq!(next_after_marker(&plant, V5, &mut watcher).await, 99.0);
}

#[tokio::test]
async fn after_a_crash_of_the_server_the_wills_of_its_clients_are_published() {
    let mut plant = Plant::start().await;
    let mut clients = Vec::new();
    for (n, version) in BOTH.into_iter().enumerate() {
        let will = Will::new(["basalt/press/state", "basalt/press/rpm"][n], "5");
        let clean = plant.hello(version, &format!("clean{n}")).with_will(will);
        clients.push(MqttClient::connect(&plant.address, &clean).await);
        // One that has said farewell is not online any more.
        let left = plant.hello(version, &format!("left{n}")).with_will(Will::new("basalt/press/temp", "6"));
        MqttClient::connect(&plant.address, &left).await.disconnect(0).await;
    }
    plant.crash().await;
    for stream in [plant.streams[1], plant.streams[2]] {
        plant.expect_values(stream, &[5.0]).await;
    }
    assert!(plant.values(plant.streams[0]).await.is_empty());
    // They are published once.
    plant.crash().await;
    let mut client = plant.connect(V5, "later").await;
    assert_eq!(client.publish("basalt/press/state", "7", 1).await, Ok(0));
    assert_eq!(plant.values(plant.streams[2]).await, [5.0, 7.0]);
}
