//! Tests of both versions on bodies that are written here byte by byte.

use super::request::Request;
use super::series::{Point, PointValue, is_stale};
use super::version::Version;
use crate::app::ingest::protobuf::MessageError;
use crate::app::ingest::test_messages::{double, field, integer};

fn sample(value: f64, timestamp: u64) -> Vec<u8> {
    [double(1, value), integer(2, timestamp)].concat()
}

fn label(name: &str, value: &str) -> Vec<u8> {
    field(1, &[field(1, name.as_bytes()), field(2, value.as_bytes())].concat())
}

type Read = Vec<(Vec<(String, String)>, Vec<Point>)>;

fn read(version: Version, body: &[u8]) -> Result<Read, String> {
    let request = Request::open(version, body).map_err(|problem| problem.to_string())?;
    let mut labels = Vec::new();
    let each = request.series().map(|series| {
        let series = series?;
        series.labels(&mut labels)?;
        let owned = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Ok((owned, series.points().collect::<Result<Vec<_>, _>>()?))
    });
    let read: Result<Read, MessageError> = each.collect();
    let read = read.map_err(|problem| problem.to_string())?;
    let readings = read.iter().flat_map(|(_, points)| points).map(|point| point.value.reading_count()).sum();
    assert_eq!(request.count_readings(), Ok(readings));
    Ok(read)
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn media_types_tell_the_version() {
    let rows = [
        ("", Some(Version::V1)),
        ("application/x-protobuf", Some(Version::V1)),
        ("Application/X-Protobuf; Proto=prometheus.WriteRequest", Some(Version::V1)),
        ("application/x-protobuf;proto=io.prometheus.write.v2.Request", Some(Version::V2)),
        ("application/x-protobuf; charset=x; proto=\"io.prometheus.write.v2.Request\"", Some(Version::V2)),
        ("application/x-protobuf;proto=io.prometheus.write.v3.Request", None),
        ("application/x-protobuf;proto", None),
        ("application/json", None),
        ("text/plain;proto=prometheus.WriteRequest", None),
    ];
    for (text, expected) in rows {
        assert_eq!(Version::of_media_type(text), expected, "{text}");
    }
}

#[test]
fn series_of_both_versions_are_read() {
    let histogram = |count: &[u8]| [count, &double(3, 12.5), &integer(15, 9)].concat();
    let first =
        [label("__name__", "up"), label("a", ""), field(2, &sample(1.0, 5)), field(2, &sample(0.5, 6))];
    let second = [label("__name__", "h"), field(4, &histogram(&integer(1, 7)))];
    // Exemplars and metadata are passed over.
    let v1 = [field(1, &first.concat()), field(3, b"\x08\x01"), field(1, &second.concat())].concat();

    let symbols = ["", "__name__", "up", "a", "h"].map(|symbol| field(4, symbol.as_bytes())).concat();
    let first = [
        field(1, &[1, 2, 3, 0]),
        field(2, &[sample(1.0, 5), integer(3, 1)].concat()),
        field(2, &sample(0.5, 6)),
        field(5, b"\x08\x01"),
    ];
    // References that are not packed, and a count that is a float.
    let second = [[integer(1, 1), integer(1, 4)].concat(), field(3, &histogram(&double(2, 7.0)))];
    let v2 = [field(5, &first.concat()), field(5, &second.concat()), symbols].concat();

    let sample = |value, timestamp_ms| Point { timestamp_ms, value: PointValue::Sample(value) };
    let histogram = PointValue::Histogram { count: 7.0, sum: 12.5 };
    let expected = vec![
        (vec![pair("__name__", "up")], vec![sample(1.0, 5), sample(0.5, 6)]),
        (vec![pair("__name__", "h")], vec![Point { timestamp_ms: 9, value: histogram }]),
    ];
    assert_eq!(read(Version::V1, &v1), Ok(expected.clone()));
    assert_eq!(read(Version::V2, &v2), Ok(expected));
    assert_eq!(read(Version::V1, b""), Ok(vec![]));
    // Metadata alone, as Prometheus sends it every minute.
    assert_eq!(read(Version::V1, &field(3, &[8, 1, 18, 1, b'm'])), Ok(vec![]));
}

#[test]
fn wrong_references_are_refused() {
    let symbols = ["", "__name__", "up"].map(|symbol| field(4, symbol.as_bytes())).concat();
    let body = |references: &[u8]| [&symbols[..], &field(5, &field(1, references))].concat();
    let rows = [
        (body(&[1, 3]), "the symbol 3, and the request has 3 symbols"),
        (body(&[1, 2, 0]), "odd number"),
        (body(&[1, 0x80]), "no end"),
        (field(4, b"x"), "the first symbol is not empty"),
        (field(4, b"\xff"), "not UTF-8"),
        (field(5, &field(1, &[0, 0])), "the request has 0 symbols"),
    ];
    for (body, expected) in rows {
        let problem = read(Version::V2, &body).unwrap_err();
        assert!(problem.contains(expected), "{body:?}: {problem}");
    }
    assert!(read(Version::V1, &field(1, &field(1, &field(1, b"\xff")))).unwrap_err().contains("UTF-8"));
    assert!(read(Version::V1, b"\x0a\x05a").unwrap_err().contains("longer than its message"));
}

#[test]
fn labels_are_bounded() {
    let symbols = ["", "a"].map(|symbol| field(4, symbol.as_bytes())).concat();
    let body = [symbols, field(5, &field(1, &[1; 1008]))].concat();
    assert_eq!(read(Version::V2, &body).unwrap()[0].0.len(), 101);
}

#[test]
fn only_one_nan_is_stale() {
    assert!(is_stale(f64::from_bits(0x7ff0_0000_0000_0002)));
    assert!(!is_stale(f64::NAN) && !is_stale(f64::INFINITY) && !is_stale(0.0));
}
