//! Tests of OpenTelemetry's metrics through the application: which streams they make, and which points are rejected.

use bytes::Bytes;
use serde_json::{Value, json};

use super::MetricRequest;
use crate::app::ingest::otlp::metrics::Encoding;
use crate::app::ingest::series_rows::RefusedLines;
use crate::app::{App, test_app};
use crate::domain::reading::Quality;
use crate::domain::stream::StreamKind;
use crate::domain::{Kind, Principal, Result, Scopes};

const TIME_NS: &str = "1700000000000000000";

fn attribute(key: &str, text: &str) -> Value {
    json!({"key": key, "value": {"stringValue": text}})
}

async fn try_write(app: &App, who: &Principal, device: &str, metrics: &Value) -> Result<RefusedLines> {
    let resource = json!({"attributes": [attribute("host.name", device)]});
    let body = json!({"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": metrics}]}]});
    let request = MetricRequest { encoding: Encoding::Json, default_device: None };
    app.ingest.write_metrics(who, request, Bytes::from(body.to_string())).await
}

#[tokio::test]
async fn points_make_devices_and_streams() {
    let (_dir, app) = test_app::open().await;
    let who = app.access.system(None).unwrap();
    let gauge = json!({"timeUnixNano": TIME_NS, "asDouble": 21.5, "attributes": [attribute("b", "2"), attribute("a", "1")]});
    let histogram = json!({"timeUnixNano": TIME_NS, "count": "3", "sum": 6.5, "min": 1.0, "max": 4.0});
    let quantiles = json!([{"quantile": 0.99, "value": 7.0}]);
    let summary = json!({"timeUnixNano": TIME_NS, "count": "1", "sum": 7.0, "quantileValues": quantiles});
    let metrics = json!([
        {"name": "temp", "gauge": {"dataPoints": [gauge]}},
        {"name": "runs", "sum": {"dataPoints": [{"timeUnixNano": TIME_NS, "asInt": "9007199254740993"}]}},
        {"name": "gone", "gauge": {"dataPoints": [{"timeUnixNano": TIME_NS, "flags": 1}]}},
        {"name": "wait", "histogram": {"dataPoints": [histogram]}},
        {"name": "rtt", "summary": {"dataPoints": [summary]}},
    ]);
    for _ in 0..2 {
        assert_eq!(try_write(&app, &who, "edge", &metrics).await.unwrap(), RefusedLines::default());
    }
    let rows = [
        ("temp,a=1,b=2", StreamKind::Fp64, Some(21.5), Quality::Good),
        ("runs", StreamKind::Int64, Some(9_007_199_254_740_992.0), Quality::Good),
        ("gone", StreamKind::Fp64, None, Quality::Bad),
        ("wait.count", StreamKind::Uint64, Some(3.0), Quality::Good),
        ("wait.sum", StreamKind::Fp64, Some(6.5), Quality::Good),
        ("wait.min", StreamKind::Fp64, Some(1.0), Quality::Good),
        ("wait.max", StreamKind::Fp64, Some(4.0), Quality::Good),
        ("rtt.count", StreamKind::Uint64, Some(1.0), Quality::Good),
        ("rtt,quantile=0.99", StreamKind::Fp64, Some(7.0), Quality::Good),
    ];
    for (stream, kind, value, quality) in rows {
        let found = app.parts.store.catalog().streams.stream_by_name(&who, "edge", stream).expect(stream);
        let newest = app.parts.store.latest(&who, found.id).expect(stream).newest;
        assert_eq!((found.spec.kind, newest.value, newest.quality), (kind, value, quality), "{stream}");
    }
}

#[tokio::test]
async fn a_wrong_point_is_rejected_alone() {
    let (_dir, app) = test_app::open().await;
    let who = app.access.system(None).unwrap();
    let list = json!({"key": "l", "value": {"arrayValue": {"values": []}}});
    let rows = [
        (json!({"timeUnixNano": TIME_NS, "asDouble": "NaN"}), "`m`: NaN is no value"),
        (json!({"timeUnixNano": TIME_NS}), "`m`: has no value"),
        (json!({"asDouble": 1.0}), "`m`: has no time"),
        (json!({"timeUnixNano": "9000000000000000000", "asInt": 1}), "future"),
        (json!({"timeUnixNano": TIME_NS, "asInt": 1, "attributes": [list]}), "the attribute `l`"),
        (
            json!({"timeUnixNano": TIME_NS, "asInt": 1, "attributes": [attribute("a", &"x".repeat(900))]}),
            "200 characters",
        ),
    ];
    for (wrong, expected) in rows {
        let good = json!({"timeUnixNano": TIME_NS, "asInt": 1});
        let metrics = json!([{"name": "m", "gauge": {"dataPoints": [good, wrong, good]}}]);
        let rejected = try_write(&app, &who, "edge", &metrics).await.unwrap();
        assert_eq!(rejected.count, 1, "{expected}: {rejected:?}");
        assert!(rejected.listed[&2].contains(expected), "{expected}: {rejected:?}");
    }
    let quantiles = json!([{"quantile": 0.99, "value": "NaN"}]);
    let summary = json!({"timeUnixNano": TIME_NS, "count": "0", "sum": 0.0, "quantileValues": quantiles});
    let metrics = json!([{"name": "rtt", "summary": {"dataPoints": [summary]}}]);
    assert_eq!(try_write(&app, &who, "edge", &metrics).await.unwrap().count, 1);
    let made = app.parts.store.catalog().streams.stream_by_name(&who, "edge", "rtt.count");
    assert!(made.is_err(), "a stream without a reading was made");
    let metrics = json!([{"name": "m", "gauge": {"dataPoints": [{"timeUnixNano": TIME_NS, "asInt": 1}]}}]);
    let rejected = try_write(&app, &who, "", &metrics).await.unwrap();
    assert!(rejected.listed[&1].contains("`ingest.device_attributes`"), "{rejected:?}");
    let reader = Principal { scopes: Scopes::NONE, ..who };
    assert_eq!(try_write(&app, &reader, "edge", &metrics).await.unwrap_err().kind, Kind::Forbidden);
}
