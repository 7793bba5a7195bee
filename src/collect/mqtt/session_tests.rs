//! The collector against a broker under the test's control.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use super::fake_broker::{FakeBroker, FakeConnection};
use super::wire::MAX_PACKET_BYTES;
use crate::collect::test_harness::{CollectFixture, a_while, stream, until};
use crate::domain::Kind;
use crate::domain::device::{DeviceSpec, DeviceState, Protocol};
use crate::domain::reading::Quality;
use crate::domain::stream::{Stream, StreamKind};

fn device(broker: &FakeBroker) -> DeviceSpec {
    let mut spec = DeviceSpec::new("line", Protocol::Mqtt);
    spec.host = "mqtt://127.0.0.1".to_owned();
    spec.port = Some(broker.port());
    spec.timeout_s = 5.0;
    spec
}

fn temperature() -> Stream {
    stream(1, "line/+/temp#/value", StreamKind::Fp64)
}

/// A broker, the collector of one stream, and its first connection, which subscribes to nothing yet.
async fn connected() -> (FakeBroker, CollectFixture, FakeConnection) {
    let broker = FakeBroker::start().await;
    let fixture = CollectFixture::single_device(device(&broker), vec![temperature()]);
    let connection = broker.accept(0).await;
    (broker, fixture, connection)
}

fn stored(fixture: &CollectFixture, id: i32) -> Vec<(Option<f64>, Quality)> {
    fixture.readings_of(id).iter().map(|reading| (reading.value, reading.quality)).collect()
}

fn values(fixture: &CollectFixture) -> Vec<f64> {
    fixture
        .stored()
        .iter()
        .filter(|reading| reading.quality != Quality::Bad)
        .filter_map(|r| r.value)
        .collect()
}

#[tokio::test]
async fn a_message_is_acknowledged_once_its_reading_is_stored() {
    let (_broker, fixture, mut connection) = connected().await;
    assert!(connection.keeps_session);
    assert_eq!(connection.grant(1).await, ["line/+/temp"]);
    fixture.until_state(DeviceState::Online).await;
    connection.publish("line/1/temp", 7, "{\"value\":21.5}").await;
    assert_eq!(connection.acknowledged().await, 7);
    assert_eq!(values(&fixture), [21.5]);

    // What nobody reads is acknowledged too, in order, or it would come for ever.
    connection.publish("line/2/other", 8, "x").await;
    connection.publish("line/2/temp", 9, "{\"value\":22}").await;
    assert_eq!((connection.acknowledged().await, connection.acknowledged().await), (8, 9));
    assert_eq!(values(&fixture), [21.5, 22.0]);
    fixture.collectors.stop().await;
}

/// Such a message, although subscribed to with QoS 1, took the broker offline.
#[tokio::test]
async fn a_message_with_qos_2_is_stored_once_and_released() {
    const PUBREC: u8 = 0x50;
    const PUBCOMP: u8 = 0x70;
    let (_broker, fixture, mut connection) = connected().await;
    connection.grant(1).await;
    connection.publish_exactly_once("line/1/temp", 7, "{\"value\":21.5}").await;
    assert_eq!(connection.numbered(PUBREC).await, 7);
    assert_eq!(values(&fixture), [21.5]);
    // Until it is released it is the same message.
    connection.publish_exactly_once("line/1/temp", 7, "{\"value\":22}").await;
    assert_eq!(connection.numbered(PUBREC).await, 7);
    connection.publish("line/1/temp", 8, "{\"value\":23}").await;
    assert_eq!(connection.acknowledged().await, 8);
    assert_eq!(values(&fixture), [21.5, 23.0]);
    // A release is confirmed, also that of a message that came on another connection.
    for id in [7, 9] {
        connection.send(&[0x62, 2, 0, id]).await;
        assert_eq!(connection.numbered(PUBCOMP).await, u16::from(id));
    }
    connection.publish_exactly_once("line/1/temp", 7, "{\"value\":24}").await;
    assert_eq!(connection.numbered(PUBREC).await, 7);
    assert_eq!(values(&fixture), [21.5, 23.0, 24.0]);
    fixture.until_state(DeviceState::Online).await;
    assert_eq!(fixture.status().errors.protocol, 0);
    fixture.collectors.stop().await;
}

#[tokio::test]
async fn what_the_store_cannot_take_now_is_not_acknowledged() {
    let (_broker, fixture, mut connection) = connected().await;
    connection.grant(1).await;
    for kind in [Kind::Busy, Kind::Unavailable] {
        *fixture.sink.fails_with.lock() = Some(kind);
        let refused = fixture.sink.refused.load(std::sync::atomic::Ordering::SeqCst);
        connection.publish("line/1/temp", 1, "{\"value\":1}").await;
        until("an attempt", || fixture.sink.refused.load(std::sync::atomic::Ordering::SeqCst) > refused)
            .await;
        let silent =
            tokio::time::timeout(std::time::Duration::from_millis(50), connection.acknowledged()).await;
        assert!(silent.is_err(), "{kind:?}");
        *fixture.sink.fails_with.lock() = None;
        assert_eq!(connection.acknowledged().await, 1, "{kind:?}");
    }
    // A reading that can never be stored holds up nobody.
    *fixture.sink.fails_with.lock() = Some(Kind::Invalid);
    connection.publish("line/1/temp", 2, "{\"value\":2}").await;
    assert_eq!(connection.acknowledged().await, 2);
    fixture.collectors.stop().await;
}

#[tokio::test]
async fn after_a_loss_it_subscribes_again_and_what_was_not_acknowledged_comes_again() {
    let (broker, fixture, mut connection) = connected().await;
    connection.grant(1).await;
    *fixture.sink.fails_with.lock() = Some(Kind::Unavailable);
    connection.publish("line/1/temp", 5, "{\"value\":5}").await;
    connection.publish("line/1/temp", 6, "{\"value\":6}").await;
    a_while().await;
    let client_id = connection.client_id.clone();
    drop(connection);
    *fixture.sink.fails_with.lock() = None;

    let mut connection = broker.accept(0).await;
    assert_eq!((connection.keeps_session, &connection.client_id), (true, &client_id));
    assert_eq!(connection.grant(1).await, ["line/+/temp"]);
    connection.publish("line/1/temp", 6, "{\"value\":6}").await;
    assert_eq!(connection.acknowledged().await, 6);
    fixture.until_state(DeviceState::Online).await;
    assert!(values(&fixture).contains(&6.0));
    fixture.collectors.stop().await;
}

/// Plant A6: 710 connections in 20 s, and the device was online all the time.
#[tokio::test]
async fn a_broker_that_closes_again_and_again_is_offline_each_time_and_connected_to_less_and_less_often() {
    let broker = FakeBroker::start().await;
    let fixture = CollectFixture::single_device(device(&broker), vec![temperature()]);
    let (mut last, mut pauses) = (None, Vec::new());
    for round in 1..=5 {
        let mut connection = broker.accept(0).await;
        pauses.extend(last.map(|closed: Instant| closed.elapsed()));
        connection.grant(1).await;
        connection.publish_bytes("line/1/temp", format!("{{\"value\":{round}}}").as_bytes()).await;
        until("the value", || values(&fixture).len() == round).await;
        let words = format!("as when another client connects with the client id `{}`", connection.client_id);
        last = Some(Instant::now());
        drop(connection);
        until("the loss", || {
            let error = fixture.status().last_error.unwrap_or_default();
            fixture.status().state == DeviceState::Offline && error.ends_with(&words)
        })
        .await;
        until("one bad reading for each loss", || fixture.bad_counts().get(&1) == Some(&round)).await;
    }
    // Half of 200 ms, doubled three times; a busy machine only makes it longer.
    let all: Duration = pauses.iter().sum();
    assert!(all >= Duration::from_millis(1500), "{pauses:?}");
    fixture.collectors.stop().await;
}

/// Messages that the broker sent before it closed are stored, and the loss is noticed after them.
#[tokio::test]
async fn the_messages_before_a_loss_are_stored() {
    let (_broker, fixture, mut connection) = connected().await;
    connection.grant(1).await;
    fixture.until_state(DeviceState::Online).await;
    for value in 0..50 {
        connection.publish_bytes("line/1/temp", format!("{{\"value\":{value}}}").as_bytes()).await;
    }
    drop(connection);
    until("the loss", || fixture.bad_counts().get(&1) == Some(&1)).await;
    let expected: Vec<f64> = (0..50).map(f64::from).collect();
    assert_eq!(values(&fixture), expected);
    assert_eq!(fixture.readings_of(1).last().map(|reading| reading.quality), Some(Quality::Bad));
    fixture.collectors.stop().await;
}

#[tokio::test]
async fn a_refused_login_is_said_in_words_and_tried_again() {
    let broker = FakeBroker::start().await;
    let fixture = CollectFixture::single_device(device(&broker), vec![temperature()]);
    let first = broker.accept(5).await;
    until("the words", || {
        let error = fixture.status().last_error.unwrap_or_default();
        error.ends_with("the broker does not allow this client to connect")
    })
    .await;
    assert_eq!(fixture.status().state, DeviceState::Offline);
    drop(first);
    let mut second = broker.accept(0).await;
    second.grant(1).await;
    fixture.until_state(DeviceState::Online).await;
    fixture.collectors.stop().await;
}

#[tokio::test]
async fn a_refused_filter_makes_its_stream_bad_and_no_other() {
    let (_broker, fixture, mut connection) = connected().await;
    connection.grant(0x80).await;
    fixture.until_state(DeviceState::Degraded).await;
    let error = fixture.status().last_error.unwrap_or_default();
    assert!(error.ends_with("the broker refuses the subscription to `line/+/temp`"), "{error}");
    assert_eq!(fixture.bad_counts().get(&1), Some(&1));
    fixture.collectors.stop().await;
}

/// Plant A5: the broker sent it again on each connection, and nothing else came any more.
#[tokio::test]
async fn a_message_that_is_too_large_makes_its_streams_bad_and_is_acknowledged() {
    let broker = FakeBroker::start().await;
    let others = stream(2, "line/state", StreamKind::Text);
    let fixture = CollectFixture::single_device(device(&broker), vec![temperature(), others]);
    let mut connection = broker.accept(0).await;
    connection.grant(1).await;
    let large = "x".repeat(MAX_PACKET_BYTES as usize);
    connection.publish("line/1/temp", 7, &large).await;
    assert_eq!(connection.acknowledged().await, 7);
    fixture.until_state(DeviceState::Degraded).await;
    let error = fixture.status().last_error.unwrap_or_default();
    assert!(error.ends_with("the message has 4194319 bytes; 4194304 are the most"), "{error}");
    assert_eq!((fixture.status().errors.other, fixture.bad_counts()), (1, [(1, 1)].into()));
    // The same connection goes on.
    connection.publish("line/state", 8, "run").await;
    connection.publish("line/1/temp", 9, "{\"value\":21.5}").await;
    assert_eq!((connection.acknowledged().await, connection.acknowledged().await), (8, 9));
    assert_eq!(values(&fixture), [21.5]);
    fixture.until_state(DeviceState::Online).await;
    fixture.collectors.stop().await;
}

#[tokio::test]
async fn another_packet_that_is_too_large_ends_the_connection() {
    let (broker, fixture, mut connection) = connected().await;
    connection.grant(1).await;
    // The header of a SUBACK with the longest length there is.
    connection.send(&[0x90, 0xFF, 0xFF, 0xFF, 0x7F]).await;
    assert_eq!(connection.read().await, None, "it is closed");
    until("the words", || fixture.status().errors.protocol >= 1 && fixture.status().reads == 0).await;
    let mut again = broker.accept(0).await;
    again.grant(1).await;
    fixture.until_state(DeviceState::Online).await;
    fixture.collectors.stop().await;
}

/// Plant A8: a value whose publisher was gone became a good one of now with each connection and each added stream.
#[tokio::test]
async fn what_the_broker_retains_is_uncertain_and_taken_once_by_each_stream_of_a_connection() {
    let (broker, fixture, mut connection) = connected().await;
    let stored = |id| stored(&fixture, id);
    connection.grant(1).await;
    connection.publish_retained("line/1/temp", 1, "{\"value\":5000,\"other\":7}").await;
    connection.publish("line/1/temp", 2, "{\"value\":6}").await;
    assert_eq!((connection.acknowledged().await, connection.acknowledged().await), (1, 2));
    let mut expected = vec![(Some(5000.0), Quality::Uncertain), (Some(6.0), Quality::Good)];
    assert_eq!(stored(1), expected);

    // Another stream of the same topic: the broker is asked for what it has retained, which is new to that stream alone.
    let add = |id, path| Arc::new(stream(id, path, StreamKind::Fp64));
    fixture.change(|_, streams| streams.push(add(2, "line/+/temp#/other")));
    assert_eq!(connection.grant(1).await, ["line/+/temp"]);
    connection.publish_retained("line/1/temp", 3, "{\"value\":5000,\"other\":7}").await;
    assert_eq!(connection.acknowledged().await, 3);
    assert_eq!((stored(1), stored(2)), (expected.clone(), vec![(Some(7.0), Quality::Uncertain)]));

    // A stream of another topic changes nothing for those that are there.
    fixture.change(|_, streams| streams.push(add(3, "line/state")));
    assert_eq!(connection.grant(1).await, ["line/state"]);
    drop(connection);

    let mut connection = broker.accept(0).await;
    connection.grant(1).await;
    connection.publish_retained("line/1/temp", 1, "{\"value\":5000,\"other\":7}").await;
    connection.publish_retained("line/1/temp", 2, "{\"value\":5000,\"other\":7}").await;
    assert_eq!((connection.acknowledged().await, connection.acknowledged().await), (1, 2));
    expected.extend([(None, Quality::Bad), (Some(5000.0), Quality::Uncertain)]);
    assert_eq!(stored(1), expected);
    fixture.collectors.stop().await;
}

#[tokio::test]
async fn a_stream_that_comes_back_takes_again_what_the_broker_retains() {
    let broker = FakeBroker::start().await;
    let other = || stream(2, "line/+/temp#/other", StreamKind::Fp64);
    let fixture = CollectFixture::single_device(device(&broker), vec![temperature(), other()]);
    let mut connection = broker.accept(0).await;
    connection.grant(1).await;
    connection.publish_retained("line/1/temp", 1, "{\"value\":5,\"other\":7}").await;
    assert_eq!(connection.acknowledged().await, 1);
    fixture.change(|_, streams| streams.truncate(1));
    connection.grant(1).await;
    // Who is not there misses this one.
    connection.publish("line/1/temp", 2, "{\"value\":6,\"other\":8}").await;
    assert_eq!(connection.acknowledged().await, 2);
    fixture.change(|_, streams| streams.push(Arc::new(other())));
    connection.grant(1).await;
    connection.publish_retained("line/1/temp", 3, "{\"value\":6,\"other\":8}").await;
    assert_eq!(connection.acknowledged().await, 3);
    assert_eq!(stored(&fixture, 1), [(Some(5.0), Quality::Uncertain), (Some(6.0), Quality::Good)]);
    assert_eq!(stored(&fixture, 2), [(Some(7.0), Quality::Uncertain), (Some(8.0), Quality::Uncertain)]);
    fixture.collectors.stop().await;
}

#[tokio::test]
async fn changed_streams_change_the_subscription_and_keep_the_connection() {
    let (_broker, fixture, mut connection) = connected().await;
    connection.grant(1).await;
    fixture.until_state(DeviceState::Online).await;
    fixture.change(|_, streams| {
        *streams = vec![Arc::new(stream(2, "line/state", StreamKind::Text))];
    });
    let (head, body) = connection.read().await.unwrap();
    assert_eq!((head, &body[4..]), (0xA2, &b"line/+/temp"[..]), "UNSUBSCRIBE");
    connection.send(&[0xB0, 2, body[0], body[1]]).await;
    assert_eq!(connection.grant(1).await, ["line/state"]);
    connection.publish("line/state", 3, "run").await;
    assert_eq!(connection.acknowledged().await, 3);
    let texts: Vec<_> =
        fixture.readings_of(2).into_iter().filter_map(|reading| reading.text.map(String::from)).collect();
    assert_eq!(texts, ["run"]);
    fixture.collectors.stop().await;
}

#[tokio::test]
async fn the_time_of_a_message_is_its_readings_time() {
    let broker = FakeBroker::start().await;
    let mut spec = device(&broker);
    spec.metadata = json!({"time_pointer": "/ts", "topic_filter": "line/#"}).as_object().cloned().unwrap();
    let fixture = CollectFixture::single_device(spec, vec![temperature()]);
    let mut connection = broker.accept(0).await;
    assert_eq!(connection.grant(1).await, ["line/#"]);
    connection.publish("line/1/temp", 1, "{\"value\":1,\"ts\":1777377500}").await;
    // It tells how old a value is that the broker has retained.
    connection.publish_retained("line/2/temp", 2, "{\"value\":2,\"ts\":\"2026-04-28T11:58:30Z\"}").await;
    connection.acknowledged().await;
    connection.acknowledged().await;
    let times: Vec<_> =
        fixture.readings_of(1).iter().map(|reading| (reading.ts.0, reading.quality)).collect();
    assert_eq!(times, [(1_777_377_500_000_000, Quality::Good), (1_777_377_510_000_000, Quality::Good)]);
    fixture.collectors.stop().await;
}

#[tokio::test]
async fn a_gateway_without_a_host_is_not_connected_to() {
    let fixture = CollectFixture::single_device(DeviceSpec::new("gate", Protocol::Mqtt), vec![temperature()]);
    fixture.until_state(DeviceState::Online).await;
    assert_eq!(fixture.status().last_error, None);
    fixture.collectors.stop().await;
}
