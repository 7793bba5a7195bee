//! Tests of both forms: the same metrics as JSON and as bytes that are written here make the same points.

use serde_json::{Value, json};

use super::metrics::{Encoding, Metrics};
use super::point::{PointReading, ReadingValue};
use super::response::{export_response, status};
use crate::app::ingest::test_messages::{double, field, fixed, integer};

fn attribute(number: u8, key: &str, any: &[u8]) -> Vec<u8> {
    field(number, &[field(1, key.as_bytes()), field(2, any)].concat())
}

fn text(number: u8, key: &str, value: &str) -> Vec<u8> {
    attribute(number, key, &field(1, value.as_bytes()))
}

/// A request with one resource, of which the attributes come last, and these metrics.
fn request(metrics: &[Vec<u8>], resource: &[Vec<u8>]) -> Vec<u8> {
    let metrics: Vec<u8> = metrics.iter().flat_map(|metric| field(2, metric)).collect();
    field(1, &[field(2, &metrics), field(1, &resource.concat())].concat())
}

/// A point as one line: device, metric, attributes, nanoseconds, readings.
fn read(encoding: Encoding, body: &[u8]) -> Result<Vec<String>, String> {
    let metrics = Metrics::open(encoding, body).map_err(|error| error.message)?;
    let naming = ["service.instance.id", "host.name"].map(str::to_owned);
    let (mut lines, mut readings) = (Vec::new(), 0);
    let visited = metrics.visit(&naming, &mut |source, point| {
        let attributes: String =
            point.attributes.iter().map(|(key, value)| format!(",{key}={value}")).collect();
        let shown: Vec<String> = point.readings().iter().map(show).collect();
        readings += shown.len();
        let composite = point.composite_attribute.map_or(String::new(), |key| format!(" ({key})"));
        let device = source.device.unwrap_or("-");
        let line = format!("{device} {}{attributes}{composite} {}", source.metric, point.time_unix_nano);
        lines.push(format!("{line}: {}", shown.join(" ")));
    });
    visited.map_err(|error| error.message)?;
    assert_eq!(metrics.count_readings().expect("it was visited"), readings);
    Ok(lines)
}

fn show(reading: &PointReading) -> String {
    let quantile = reading.quantile.map_or(String::new(), |quantile| format!("[{quantile}]"));
    let value = match reading.value {
        ReadingValue::Int(number) => format!("{number}i"),
        ReadingValue::Uint(number) => format!("{number}u"),
        ReadingValue::Float(number) => format!("{number}"),
        ReadingValue::Lost => "lost".to_owned(),
    };
    format!("{}{quantile}={value}", reading.suffix)
}

fn binary_metrics() -> Vec<u8> {
    let named = |name: &str, number, points: &[Vec<u8>]| {
        let points: Vec<u8> = points.iter().flat_map(|point| field(1, point)).collect();
        [field(number, &points), field(1, name.as_bytes())].concat()
    };
    let gauge = [fixed(3, 1000), fixed(6, u64::MAX), text(7, "b", "x"), attribute(7, "a", b"\x10\x01")];
    let other =
        [fixed(3, 2000), double(4, 1.5), attribute(7, "n", b"\x18\x05"), attribute(7, "l", b"\x2a\0")];
    let lost = [fixed(3, 3000), integer(8, 1)];
    let histogram =
        [fixed(3, 4000), fixed(4, 3), double(5, 6.5), text(9, "k", "v"), double(11, 1.0), double(12, 4.0)];
    let exponential = [text(1, "k", "v"), fixed(3, 5000), fixed(4, 2), double(12, 0.5)];
    let quantile = field(6, &[double(1, 0.5), double(2, 7.0)].concat());
    let summary = [fixed(3, 6000), fixed(4, 9), double(5, 1.0), quantile];
    request(
        &[
            named("g", 5, &[gauge.concat(), other.concat()]),
            named("s", 7, &[lost.concat(), fixed(3, 3500)]),
            named("h", 9, &[histogram.concat(), [integer(10, 1), fixed(3, 4500)].concat()]),
            named("e", 10, &[exponential.concat()]),
            named("q", 11, &[summary.concat()]),
        ],
        &[text(1, "host.name", "edge-1"), text(1, "service.name", "x"), attribute(1, "argv", b"\x2a\0")],
    )
}

fn json_metrics() -> Value {
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let host = [
        text("host.name", "edge-1"),
        text("service.name", "x"),
        json!({"key": "argv", "value": {"arrayValue": {}}}),
    ];
    let metrics = [
        json!({"name": "g", "unit": "1", "gauge": {"dataPoints": [
            {"timeUnixNano": "1000", "asInt": "-1", "attributes": [text("b", "x"), {"key": "a", "value": {"boolValue": true}}]},
            {"timeUnixNano": 2000, "asDouble": 1.5, "attributes": [
                {"key": "n", "value": {"intValue": "5"}}, {"key": "l", "value": {"arrayValue": {"values": []}}}]},
        ]}}),
        json!({"name": "s", "sum": {"aggregationTemporality": 2, "isMonotonic": true, "dataPoints": [
            {"timeUnixNano": "3000", "flags": 1}, {"timeUnixNano": "3500", "attributes": null}]}}),
        json!({"name": "h", "histogram": {"dataPoints": [
            {"timeUnixNano": "4000", "count": "3", "sum": 6.5, "min": 1, "max": "4", "bucketCounts": ["1", "2"],
             "attributes": [text("k", "v")]},
            {"timeUnixNano": "4500", "flags": 1}]}}),
        json!({"name": "e", "exponentialHistogram": {"dataPoints": [
            {"timeUnixNano": "5000", "count": 2, "min": 0.5, "attributes": [text("k", "v")]}]}}),
        json!({"name": "q", "summary": {"dataPoints": [
            {"timeUnixNano": "6000", "count": "9", "sum": 1.0, "quantileValues": [{"quantile": 0.5, "value": 7}]}]}}),
    ];
    json!({"resourceMetrics": [{"scopeMetrics": [{"scope": {"name": "x"}, "metrics": metrics}], "resource": {"attributes": host}}]})
}

#[test]
fn both_forms_make_the_same_points() {
    let expected = [
        "edge-1 g,b=x,a=true 1000: =-1i",
        "edge-1 g,n=5 (l) 2000: =1.5",
        "edge-1 s 3000: =lost",
        "edge-1 s 3500: ",
        "edge-1 h,k=v 4000: .count=3u .sum=6.5 .min=1 .max=4",
        "edge-1 h 4500: .count=lost .sum=lost",
        "edge-1 e,k=v 5000: .count=2u .min=0.5",
        "edge-1 q 6000: .count=9u .sum=1 [0.5]=7",
    ];
    assert_eq!(read(Encoding::Protobuf, &binary_metrics()).unwrap(), expected);
    assert_eq!(read(Encoding::Json, json_metrics().to_string().as_bytes()).unwrap(), expected);
    assert_eq!(read(Encoding::Protobuf, b""), Ok(vec![]));
    assert_eq!(read(Encoding::Json, b"{\"resourceMetrics\": null, \"other\": [1]}"), Ok(vec![]));
}

#[test]
fn the_instance_of_the_service_comes_before_the_host() {
    let points = field(5, &field(1, &[fixed(3, 1), double(4, 2.0)].concat()));
    let metric = [field(1, b"m"), points].concat();
    let rows = [
        (vec![text(1, "host.name", "h"), text(1, "service.instance.id", "i")], "i m 1: =2"),
        (vec![text(1, "host.name", "h"), text(1, "service.instance.id", "")], "h m 1: =2"),
        (vec![text(1, "service.name", "s")], "- m 1: =2"),
    ];
    for (resource, expected) in rows {
        assert_eq!(
            read(Encoding::Protobuf, &request(std::slice::from_ref(&metric), &resource)).unwrap(),
            [expected]
        );
    }
}

#[test]
fn damage_is_found_and_named() {
    let point = |fields: &str| {
        format!(
            "{{\"resourceMetrics\":[{{\"scopeMetrics\":[{{\"metrics\":[{{\"gauge\":{{\"dataPoints\":[{fields}]}}}}]}}]}}]}}"
        )
    };
    let rows = [
        ("[]", "no ExportMetricsServiceRequest"),
        ("{", "EOF"),
        (&point("{\"asInt\": \"1.5\"}"), "an integer is expected"),
        (&point("{\"asInt\": \"9223372036854775808\"}"), "from -2^63"),
        (&point("{\"timeUnixNano\": -1}"), "from 0 to 2^64"),
        (&point("{\"asDouble\": \"much\"}"), "`much` is no number"),
        (&point("{\"asDouble\": []}"), "a number in quotes"),
    ];
    for (body, expected) in rows {
        let problem = read(Encoding::Json, body.as_bytes()).unwrap_err();
        assert!(problem.contains(expected), "{body}: {problem}");
    }
    assert_eq!(
        read(Encoding::Json, point("{\"asDouble\": \"-Infinity\"}").as_bytes()).unwrap(),
        ["-  0: =-inf"]
    );
    for damaged in [&b"\x0a\x7f"[..], b"\x0a\x03\x12\x05a", &request(&[field(1, b"\xff")], &[])] {
        let problem = read(Encoding::Protobuf, damaged).unwrap_err();
        assert!(problem.starts_with("the body is damaged: "), "{problem}");
    }
    let many: Vec<u8> = (0..1001).flat_map(|_| [6 << 3 | 2, 0]).collect();
    let summary = [field(11, &field(1, &many)), field(1, b"m")].concat();
    assert!(read(Encoding::Protobuf, &request(&[summary], &[])).unwrap_err().contains("1000 quantiles"));
}

#[test]
fn answers_have_the_form_of_the_request() {
    let rows: [(Encoding, usize, &[u8]); 4] = [
        (Encoding::Protobuf, 0, b""),
        (Encoding::Protobuf, 300, b"\x0a\x08\x08\xac\x02\x12\x03why"),
        (Encoding::Json, 0, b"{}"),
        (Encoding::Json, 3, br#"{"partialSuccess":{"errorMessage":"why","rejectedDataPoints":"3"}}"#),
    ];
    for (encoding, rejected, expected) in rows {
        let found = export_response(encoding, rejected, "why");
        let parsed = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
        assert!(
            found == expected || parsed(&found).is_some_and(|found| Some(found) == parsed(expected)),
            "{found:?}"
        );
    }
    assert_eq!(status(Encoding::Protobuf, "why"), b"\x12\x03why");
    assert_eq!(status(Encoding::Json, "why"), br#"{"message":"why"}"#);
}

#[test]
fn media_types_tell_the_form() {
    for (text, expected) in [
        ("application/x-protobuf", Some(Encoding::Protobuf)),
        ("Application/JSON; charset=utf-8", Some(Encoding::Json)),
        ("", None),
        ("text/json", None),
    ] {
        assert_eq!(Encoding::of_media_type(text), expected, "{text}");
    }
}

/// Bodies of the fuzz target.
pub fn seeds() -> Vec<Vec<u8>> {
    vec![binary_metrics(), json_metrics().to_string().into_bytes()]
}
