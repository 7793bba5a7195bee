//! Payloads of devices through the whole path: stored, created, replaced and refused.

use serde_json::{Value, json};

use super::list::{PageQuery, ReadingSpan, SpanQuery};
use super::{ReadingSource, ReceivedReadings};
use crate::app::{App, test_app};
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::quarantine::{QuarantineFilter, QuarantineReason};
use crate::domain::stream::{StreamFilter, StreamKind};
use crate::domain::{DeviceId, Kind, Micros, Principal};

const NOON: Micros = Micros(1_777_377_600_000_000);

struct Plant {
    _dir: tempfile::TempDir,
    app: App,
    who: Principal,
    device: DeviceId,
}

impl Plant {
    async fn open() -> Plant {
        let (dir, app) = test_app::open().await;
        let who = app.access.system(None).unwrap();
        let device =
            app.devices.create_device(&who, DeviceSpec::new("press", Protocol::Mqtt)).await.unwrap().id;
        Plant { _dir: dir, app, who, device }
    }

    async fn receive(&self, payload: &Value) -> ReceivedReadings {
        let principal = &self.who;
        let source = ReadingSource {
            principal,
            device: Some(self.device),
            topic: "v1/readings/o/d",
            is_answered: false,
        };
        self.app.readings.receive_readings(&source, payload.to_string().as_bytes()).await.unwrap()
    }

    async fn reasons(&self) -> Vec<QuarantineReason> {
        let filter = QuarantineFilter::default();
        let (rows, total) = self.app.quarantine.quarantined(&self.who, &filter).await.unwrap();
        assert_eq!(total, rows.len() as u64);
        rows.into_iter().map(|found| found.row.entry.reason).collect()
    }
}

fn reading(sensor: &str, second: i64, value: &Value) -> Value {
    json!({"sensorId": sensor, "timestamp": Micros(NOON.0 + second * 1_000_000).to_iso(), "value": value})
}

#[tokio::test]
async fn a_device_creates_its_sensors_by_reporting_them() {
    let plant = Plant::open().await;
    let rows = [("t", json!(1.5)), ("n", json!(2)), ("on", json!(true)), ("note", json!("x"))];
    let payload = rows.iter().map(|(sensor, value)| reading(sensor, 0, value)).collect();
    let received = plant.receive(&payload).await;
    assert_eq!(received, ReceivedReadings { accepted: 4, ..ReceivedReadings::default() });
    let filter = StreamFilter { device: Some(plant.device), ..StreamFilter::default() };
    let streams = plant.app.streams.streams(&plant.who, &filter).unwrap();
    let kinds: Vec<_> = streams.iter().map(|s| (s.spec.name.as_str(), s.spec.kind)).collect();
    let expected = [
        ("t", StreamKind::Fp64),
        ("n", StreamKind::Int64),
        ("on", StreamKind::Bit),
        ("note", StreamKind::Text),
    ];
    assert_eq!(kinds, expected);
    for (stream, (_, value)) in streams.iter().zip(rows) {
        let latest =
            plant.app.readings.latest_sensor_reading(&plant.who, stream.uuid).await.unwrap().unwrap();
        assert_eq!((latest.value, latest.ts), (value, NOON));
    }
}

#[tokio::test]
async fn what_is_refused_is_in_quarantine_and_the_rest_is_stored() {
    let plant = Plant::open().await;
    let payload = json!([
        reading("t", 0, &json!(1)),
        reading("t", 1, &json!("warm")),
        reading("#t", 1, &json!(1)),
        reading("u", 1, &json!(u64::MAX)),
        7,
        {"componentId": "axis", "timestamp": NOON.to_iso(), "values": {}},
    ]);
    let received = plant.receive(&payload).await;
    assert_eq!((received.accepted, received.quarantined), (1, 5));
    use QuarantineReason::{Malformed, OutOfRange, TypeMismatch, UnknownSensor};
    let expected = [TypeMismatch, UnknownSensor, OutOfRange, Malformed, UnknownSensor];
    assert_eq!(plant.reasons().await, expected);
    let filter = StreamFilter { device: Some(plant.device), ..StreamFilter::default() };
    assert_eq!(
        plant.app.streams.streams(&plant.who, &filter).unwrap().len(),
        1,
        "no sensor for what is refused"
    );
    for whole in ["{", "5", ""] {
        let source = ReadingSource {
            principal: &plant.who,
            device: Some(plant.device),
            topic: "t",
            is_answered: false,
        };
        let received = plant.app.readings.receive_readings(&source, whole.as_bytes()).await.unwrap();
        assert_eq!((received.accepted, received.quarantined), (0, 1), "{whole}");
    }
}

/// The whole message was one malformed entry.
#[tokio::test]
async fn a_number_that_is_none_costs_its_own_reading() {
    let plant = Plant::open().await;
    let strict = json!([reading("t", 0, &json!("#")), reading("u", 0, &json!(1))]).to_string();
    let payload = strict.replace("\"#\"", "NaN");
    let mut source =
        ReadingSource { principal: &plant.who, device: Some(plant.device), topic: "t", is_answered: false };
    let received = plant.app.readings.receive_readings(&source, payload.as_bytes()).await.unwrap();
    assert_eq!((received.accepted, received.quarantined), (1, 1));
    assert_eq!(plant.reasons().await, [QuarantineReason::Malformed]);
    // A request is strict.
    source.is_answered = true;
    let refused = plant.app.readings.receive_readings(&source, payload.as_bytes()).await;
    assert_eq!(refused.unwrap_err().kind, Kind::Invalid);
}

#[tokio::test]
async fn a_switched_off_device_is_not_listened_to() {
    let plant = Plant::open().await;
    plant.app.devices.update_device(&plant.who, plant.device, |spec| spec.enabled = false).await.unwrap();
    let received = plant.receive(&json!([reading("t", 0, &json!(1)), reading("u", 0, &json!(1))])).await;
    assert_eq!((received.accepted, received.quarantined), (0, 2));
    assert_eq!(plant.reasons().await, [QuarantineReason::DeviceInactive; 2]);
}

#[tokio::test]
async fn metadata_stays_with_its_reading_and_goes_with_its_sensor() {
    let plant = Plant::open().await;
    let mut with = reading("t", 0, &json!(1.5));
    with["metadata"] = json!({"batch": 7});
    plant.receive(&json!([with, reading("t", 1, &json!(2.5))])).await;
    let filter = StreamFilter { device: Some(plant.device), ..StreamFilter::default() };
    let streams = plant.app.streams.streams(&plant.who, &filter).unwrap();
    assert_eq!(streams.len(), 2);
    let span = ReadingSpan { from: NOON, to: Micros(NOON.0 + 60_000_000) };
    let query = SpanQuery { span, newest_first: false, limit: 9 };
    let list = plant.app.readings.sensor_readings(&plant.who, streams[0].uuid, query).await.unwrap();
    let metadata: Vec<_> = list.rows.iter().map(|row| Value::Object(row.metadata.clone())).collect();
    assert_eq!(metadata, [json!({"batch": 7}), json!({})]);
    let hidden = plant.app.readings.sensor_readings(&plant.who, streams[1].uuid, query).await.unwrap_err();
    assert_eq!(hidden.kind, Kind::NotFound);
    plant.app.streams.delete_stream(&plant.who, streams[0].id).await.unwrap();
    assert!(plant.app.streams.streams(&plant.who, &filter).unwrap().is_empty());
}

#[tokio::test]
async fn a_health_report_is_kept_and_shown() {
    let plant = Plant::open().await;
    assert_eq!(plant.app.readings.device_health(&plant.who, plant.device).unwrap(), None);
    for second in 0..3_i64 {
        let ts = Micros(plant.app.now().0 - (3 - second) * 1_000_000);
        let report = json!({"timestamp": ts.to_iso(), "uptimeSeconds": second, "connectionType": "WIFI"});
        plant
            .app
            .readings
            .report_health(&plant.who, plant.device, report.to_string().as_bytes())
            .await
            .unwrap();
    }
    let newest = plant.app.readings.device_health(&plant.who, plant.device).unwrap().unwrap();
    assert_eq!(newest.members["uptimeSeconds"], json!(2));
    let now = plant.app.now();
    let span = ReadingSpan::new(None, None, now).unwrap();
    let query = PageQuery { span, newest_first: true, offset: 1, limit: 9 };
    let (reports, total) =
        plant.app.readings.device_health_history(&plant.who, plant.device, query).await.unwrap();
    let uptimes: Vec<_> = reports.iter().map(|report| report.members["uptimeSeconds"].clone()).collect();
    assert_eq!((uptimes, total), (vec![json!(1), json!(0)], 3));
    let wrong = plant.app.readings.report_health(&plant.who, plant.device, b"[]").await;
    assert_eq!(wrong.unwrap_err().kind, Kind::Invalid);
    let absent = plant.app.readings.report_health(&plant.who, DeviceId(99), b"{}").await;
    assert_eq!(absent.unwrap_err().kind, Kind::NotFound);
}

#[test]
fn spans_and_windows_are_checked() {
    let span = |from: Option<i64>, to: Option<i64>| {
        let at = |second: i64| Micros(NOON.0 + second * 1_000_000);
        ReadingSpan::new(from.map(at), to.map(at), NOON)
            .ok()
            .map(|span| (span.to.0 - span.from.0) / 1_000_000)
    };
    assert_eq!(span(None, None), Some(86_400));
    assert_eq!(span(Some(-5), None), Some(5));
    assert_eq!(span(None, Some(-5)), Some(86_400));
    assert_eq!(span(Some(0), Some(0)), None);
    assert_eq!(span(Some(1), Some(0)), None);
    for (duration, expected) in [
        ("PT1S", Some(1)),
        ("P366D", Some(366 * 86_400)),
        ("PT0.5S", None),
        ("P367D", None),
        ("P1M", None),
        ("", None),
        ("1h", None),
        ("é", None),
    ] {
        let found = ReadingSpan::window(duration, NOON).ok();
        assert_eq!(found.map(|span| (span.to.0 - span.from.0) / 1_000_000), expected, "{duration}");
    }
}
