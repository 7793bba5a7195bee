//! The host application against a broker under the test's control.

use std::time::Duration;

use prost::Message as _;
use serde_json::json;

use super::data_type::DataType;
use super::decode;
use super::edge_node::REBIRTH_WINDOW;
use super::proto::{Metric, MetricValue, Payload};
use crate::collect::mqtt::fake_broker::{FakeBroker, FakeConnection, FakePublication};
use crate::collect::mqtt::wire::MAX_PACKET_BYTES;
use crate::collect::test_harness::{CollectFixture, PLC, stream};
use crate::domain::StreamId;
use crate::domain::device::{DeviceSpec, DeviceState, Protocol};
use crate::domain::reading::Quality;
use crate::domain::stream::{Stream, StreamKind};

const STATE: &str = "spBv1.0/STATE/scada";

fn device(broker: &FakeBroker) -> DeviceSpec {
    let mut spec = DeviceSpec::new("line", Protocol::Mqtt);
    spec.host = "mqtt://127.0.0.1".to_owned();
    spec.port = Some(broker.port());
    spec.timeout_s = 5.0;
    spec.metadata.insert("format".to_owned(), json!("sparkplug"));
    spec.metadata.insert("host_id".to_owned(), json!("scada"));
    spec
}

fn streams() -> Vec<Stream> {
    vec![
        stream(1, "g/n#speed", StreamKind::Fp64),
        stream(2, "g/n/press#Motor/count", StreamKind::Int64),
        stream(3, "g/n#absent", StreamKind::Fp64),
    ]
}

fn metric(name: &str, alias: u64, data_type: DataType, value: MetricValue) -> Metric {
    Metric {
        name: Some(name.to_owned()),
        alias: Some(alias),
        datatype: Some(data_type.number()),
        value: Some(value),
        ..Metric::default()
    }
}

fn payload(seq: Option<u64>, metrics: Vec<Metric>) -> Vec<u8> {
    Payload { timestamp: Some(1_777_377_500_000), metrics, seq, ..Payload::default() }.encode_to_vec()
}

fn bd_seq() -> Metric {
    metric("bdSeq", 100, DataType::Int64, MetricValue::Long(4))
}

async fn give_birth(connection: &mut FakeConnection) {
    let speed = metric("speed", 1, DataType::Double, MetricValue::Double(21.5));
    connection.publish_bytes("spBv1.0/g/NBIRTH/n", &payload(Some(0), vec![speed, bd_seq()])).await;
    let count = metric("Motor/count", 2, DataType::Int32, MetricValue::Int(0xFFFF_FFFF));
    connection.publish_bytes("spBv1.0/g/DBIRTH/n/press", &payload(Some(1), vec![count])).await;
}

/// Accepts the host until it has subscribed, announced itself and asked for births. Returns its state's timestamp.
async fn accept(broker: &FakeBroker) -> (FakeConnection, serde_json::Value) {
    let (mut connection, timestamp) = accept_announced(broker).await;
    assert!(is_rebirth(&connection.published().await.unwrap()));
    (connection, timestamp)
}

/// Accepts the host until it has subscribed and announced itself. Returns its state's timestamp.
async fn accept_announced(broker: &FakeBroker) -> (FakeConnection, serde_json::Value) {
    let mut connection = broker.accept(0).await;
    assert!(!connection.keeps_session);
    assert_eq!(connection.grant(1).await, ["spBv1.0/g/+/n/#", STATE]);
    let online = connection.published().await.unwrap();
    assert_eq!((online.topic.as_str(), online.qos, online.is_retained), (STATE, 1, true));
    let state: serde_json::Value = serde_json::from_slice(&online.payload).unwrap();
    assert_eq!(state["online"], true);
    let (will_topic, will) = connection.will.clone().unwrap();
    assert_eq!(will_topic, STATE);
    let will: serde_json::Value = serde_json::from_slice(&will).unwrap();
    assert_eq!(will, json!({"online": false, "timestamp": state["timestamp"]}));
    (connection, state["timestamp"].clone())
}

fn is_rebirth(command: &FakePublication) -> bool {
    let sent = decode::payload(&command.payload).unwrap();
    (command.topic.as_str(), command.qos, command.is_retained) == ("spBv1.0/g/NCMD/n", 0, false)
        && sent.metrics[0].name.as_deref() == Some("Node Control/Rebirth")
        && sent.metrics[0].value == Some(MetricValue::Boolean(true))
}

#[tokio::test]
async fn metrics_are_collected_from_birth_to_death() {
    let broker = FakeBroker::start().await;
    let fixture = CollectFixture::single_device(device(&broker), streams());
    let (mut connection, timestamp) = accept(&broker).await;
    give_birth(&mut connection).await;
    fixture.until_stored("the births", |stored| stored.len() == 3).await;
    let value = |id: i32| fixture.readings_of(id).last().and_then(|reading| reading.value);
    assert_eq!((value(1), value(2), value(3)), (Some(21.5), Some(-1.0), None));
    fixture.until_state(DeviceState::Degraded).await;
    let error = fixture.status().last_error.unwrap_or_default();
    assert!(error.ends_with("the birth of `g/n` has no metric `absent`"), "{error}");

    // Data by alias, and a value of the past, which is stored at its time and is not the last one.
    let by_alias = |value: f64, at: u64, is_historical| Metric {
        alias: Some(1),
        timestamp: Some(at),
        is_historical: Some(is_historical),
        value: Some(MetricValue::Double(value)),
        ..Metric::default()
    };
    let data = vec![by_alias(22.0, 1_777_377_550_000, false), by_alias(3.0, 1_777_377_400_000, true)];
    connection.publish_bytes("spBv1.0/g/NDATA/n", &payload(Some(2), data)).await;
    fixture.until_stored("the data", |stored| stored.len() == 5).await;
    let mut speed: Vec<_> =
        fixture.readings_of(1).iter().map(|reading| (reading.ts.0 / 1_000_000, reading.value)).collect();
    speed.sort_by_key(|(ts, _)| *ts);
    let expected = [(1_777_377_400, Some(3.0)), (1_777_377_500, Some(21.5)), (1_777_377_550, Some(22.0))];
    assert_eq!(speed, expected);

    // Somebody says that this host is offline.
    connection.publish_bytes(STATE, b"{\"online\":false,\"timestamp\":1}").await;
    let again = connection.published().await.unwrap();
    assert_eq!((again.topic.as_str(), again.is_retained), (STATE, true));
    let again: serde_json::Value = serde_json::from_slice(&again.payload).unwrap();
    assert_eq!(again, json!({"online": true, "timestamp": timestamp}));

    // A death, also when it comes twice, is one bad reading for each stream.
    connection.publish_bytes("spBv1.0/g/NDEATH/n", &payload(None, vec![bd_seq()])).await;
    connection.publish_bytes("spBv1.0/g/NDEATH/n", &payload(None, vec![bd_seq()])).await;
    fixture.until_stored("the death", |stored| stored.len() == 7).await;
    let bad =
        |id: i32| fixture.readings_of(id).iter().filter(|reading| reading.quality == Quality::Bad).count();
    assert_eq!((bad(1), bad(2), bad(3)), (1, 1, 1));
    fixture.collectors.stop().await;

    // It says so itself when it goes, so that the will is not needed.
    let offline = connection.published().await.unwrap();
    assert_eq!((offline.topic.as_str(), offline.qos, offline.is_retained), (STATE, 1, true));
    let offline: serde_json::Value = serde_json::from_slice(&offline.payload).unwrap();
    assert_eq!(offline["online"], false);
    assert_eq!(connection.published().await, None);
}

#[tokio::test]
async fn a_write_is_a_command_with_the_alias_and_type_of_the_birth() {
    use crate::collect::codec::WordOrder;
    use crate::collect::io::ResolvedRegister;
    use crate::collect::numeric_value::NumericValue;
    let broker = FakeBroker::start().await;
    let fixture = CollectFixture::single_device(device(&broker), streams());
    let (mut connection, _) = accept(&broker).await;
    let spec = device(&broker);
    let place = |text: &str| ResolvedRegister::parse(&spec, text, None, Some(WordOrder::Cdab)).unwrap();
    let write = |text: &str, value: i64| {
        let (collectors, place) = (&fixture.collectors, place(text));
        async move { collectors.write_register(PLC, &place, NumericValue::Int(value)).await }
    };
    let error = write("g/n/press#Motor/count", 7).await.unwrap_err().full_message();
    assert!(error.contains("`g/n/press` is not online"), "{error}");
    give_birth(&mut connection).await;
    fixture.until_stored("the births", |stored| stored.len() == 3).await;
    write("g/n/press#Motor/count", -7).await.unwrap();
    let command = connection.published().await.unwrap();
    assert_eq!((command.topic.as_str(), command.qos), ("spBv1.0/g/DCMD/n/press", 0));
    let sent = decode::payload(&command.payload).unwrap();
    assert_eq!((sent.seq, sent.metrics.len()), (None, 1));
    assert_eq!((sent.metrics[0].alias, sent.metrics[0].name.as_deref()), (Some(2), None));
    assert_eq!(sent.metrics[0].value, Some(MetricValue::Int(0xFFFF_FFF9)));
    for (text, value, why) in [
        ("g/n/press#Motor/count", i64::MAX, "is no Int32"),
        ("g/n#absent", 1, "the birth of `g/n` has no metric `absent`"),
    ] {
        let error = write(text, value).await.unwrap_err().full_message();
        assert!(error.contains(why), "{text}: {error}");
    }
    fixture.collectors.stop().await;
}

/// Plant A7: two hosts of one client id sent an edge node 126 commands in 20 s.
#[tokio::test]
async fn after_a_lost_connection_the_births_are_asked_for_again_once_the_last_command_is_old() {
    let broker = FakeBroker::start().await;
    let fixture = CollectFixture::single_device(device(&broker), streams());
    let (mut connection, _) = accept(&broker).await;
    give_birth(&mut connection).await;
    fixture.until_stored("the births", |stored| stored.len() == 3).await;
    drop(connection);
    let (mut connection, _) = accept_announced(&broker).await;
    assert_eq!(fixture.bad_counts()[&1], 1, "one reading for the loss");
    let early = tokio::time::timeout(Duration::from_millis(100), connection.published()).await;
    assert!(early.is_err(), "{early:?}");
    tokio::time::pause();
    tokio::time::advance(REBIRTH_WINDOW).await;
    tokio::time::resume();
    assert!(is_rebirth(&connection.published().await.unwrap()));
    // Aliases have died with the connection.
    let by_alias = Metric { alias: Some(1), value: Some(MetricValue::Double(5.0)), ..Metric::default() };
    connection.publish_bytes("spBv1.0/g/NDATA/n", &payload(Some(9), vec![by_alias])).await;
    give_birth(&mut connection).await;
    fixture
        .until_stored("the births", |stored| stored.iter().filter(|r| r.value == Some(21.5)).count() == 2)
        .await;
    assert!(!fixture.stored().iter().any(|reading| reading.value == Some(5.0)));
    fixture.collectors.stop().await;
}

#[tokio::test]
async fn a_birth_that_data_has_overtaken_is_of_the_past() {
    let broker = FakeBroker::start().await;
    let fixture = CollectFixture::single_device(device(&broker), streams());
    let (mut connection, _) = accept(&broker).await;
    give_birth(&mut connection).await;
    fixture.until_stored("the births", |stored| stored.len() == 3).await;
    let data = |value: f64, at: u64| Metric {
        alias: Some(1),
        timestamp: Some(at),
        value: Some(MetricValue::Double(value)),
        ..Metric::default()
    };
    let first = payload(Some(2), vec![data(22.0, 1_777_377_550_000)]);
    connection.publish_bytes("spBv1.0/g/NDATA/n", &first).await;
    // The birth repeats the value before that.
    give_birth(&mut connection).await;
    let second = payload(Some(2), vec![data(23.0, 1_777_377_560_000)]);
    connection.publish_bytes("spBv1.0/g/NDATA/n", &second).await;
    fixture.until_stored("the last", |stored| stored.iter().any(|r| r.value == Some(23.0))).await;
    let mut speed: Vec<_> = fixture.readings_of(1).iter().map(|r| (r.ts.0 / 1_000_000, r.value)).collect();
    speed.sort_by_key(|(ts, _)| *ts);
    speed.dedup();
    let expected = [(1_777_377_500, Some(21.5)), (1_777_377_550, Some(22.0)), (1_777_377_560, Some(23.0))];
    assert_eq!(speed, expected);
    fixture.collectors.stop().await;
}

/// Plant A4.
#[tokio::test]
async fn a_birth_that_is_too_large_costs_its_edge_node_alone() {
    let broker = FakeBroker::start().await;
    let streams = vec![stream(1, "g/n#speed", StreamKind::Fp64), stream(2, "g/big#text", StreamKind::Text)];
    let fixture = CollectFixture::single_device(device(&broker), streams);
    let mut connection = broker.accept(0).await;
    let mut filters = connection.grant(1).await;
    filters.sort_unstable();
    assert_eq!(filters, ["spBv1.0/STATE/scada", "spBv1.0/g/+/big/#", "spBv1.0/g/+/n/#"]);
    assert_eq!(connection.published().await.unwrap().topic, STATE);
    let text = MetricValue::Text("x".repeat(MAX_PACKET_BYTES as usize));
    let large = payload(Some(0), vec![metric("text", 1, DataType::String, text), bd_seq()]);
    connection.publish_bytes("spBv1.0/g/NBIRTH/big", &large).await;
    give_birth(&mut connection).await;
    let by_alias = Metric { alias: Some(1), value: Some(MetricValue::Double(22.0)), ..Metric::default() };
    connection.publish_bytes("spBv1.0/g/NDATA/n", &payload(Some(2), vec![by_alias])).await;
    fixture
        .until_stored("the values of the other", |stored| stored.iter().any(|r| r.value == Some(22.0)))
        .await;
    fixture.until_stored("that it is refused", |stored| stored.iter().any(|r| r.stream == StreamId(2))).await;
    assert_eq!(fixture.bad_counts().into_iter().collect::<Vec<_>>(), [(2, 1)]);
    fixture.collectors.stop().await;
}
