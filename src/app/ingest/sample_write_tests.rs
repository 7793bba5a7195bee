//! Tests of remote write through the application: which streams it makes, which samples are refused, and what is stored.

use bytes::Bytes;

use super::{SampleOutcome, SampleRequest};
use crate::app::ingest::remote_write::version::Version;
use crate::app::ingest::test_messages::{double, field, integer};
use crate::app::{App, test_app};
use crate::domain::reading::{Quality, Reading};
use crate::domain::{Kind, Principal, Result, Scopes};

const TIME_MS: u64 = 1_700_000_000_000;
const STALE: f64 = f64::from_bits(0x7ff0_0000_0000_0002);

fn labels(pairs: &[(&str, &str)]) -> Vec<u8> {
    let label = |(name, value): &(&str, &str)| {
        field(1, &[field(1, name.as_bytes()), field(2, value.as_bytes())].concat())
    };
    pairs.iter().flat_map(label).collect()
}

fn sample(value: f64, time_ms: u64) -> Vec<u8> {
    field(2, &[double(1, value), integer(2, time_ms)].concat())
}

/// A series of 1.0.
fn series(pairs: &[(&str, &str)], points: &[Vec<u8>]) -> Vec<u8> {
    field(1, &[labels(pairs), points.concat()].concat())
}

async fn try_write(app: &App, who: &Principal, version: Version, body: &[u8]) -> Result<SampleOutcome> {
    let block = snap::raw::Encoder::new().compress_vec(body).expect("a short body");
    app.ingest.write_samples(who, SampleRequest { version, default_device: None }, Bytes::from(block)).await
}

async fn write(app: &App, who: &Principal, body: &[u8]) -> SampleOutcome {
    try_write(app, who, Version::V1, body).await.expect("a sound body")
}

fn newest(app: &App, who: &Principal, device: &str, stream: &str) -> Option<Reading> {
    let stream = app.parts.store.catalog().streams.stream_by_name(who, device, stream).ok()?;
    Some(app.parts.store.latest(who, stream.id)?.newest)
}

#[tokio::test]
async fn series_make_devices_and_streams() {
    let (_dir, app) = test_app::open().await;
    let who = app.access.system(None).unwrap();
    let node = [("__name__", "up"), ("instance", "node:9100"), ("job", "node")];
    let request = [("__name__", "requests"), ("instance", "node:9100"), ("code", "200"), ("b", "")];
    let histogram = [("__name__", "latency"), ("instance", "node:9100"), ("path", "/")];
    let point = [integer(1, 7), double(3, 12.5), integer(15, TIME_MS)].concat();
    let body = [
        series(&node, &[sample(1.0, TIME_MS), sample(STALE, TIME_MS + 1000)]),
        series(&request, &[sample(12.0, TIME_MS)]),
        series(&histogram, &[field(4, &point)]),
    ]
    .concat();
    for _ in 0..2 {
        let outcome = write(&app, &who, &body).await;
        assert_eq!((outcome.samples, outcome.histograms, outcome.refused.count), (3, 1, 0), "{outcome:?}");
    }
    let rows = [
        ("up", None, Quality::Bad),
        ("requests,code=200", Some(12.0), Quality::Good),
        ("latency_count,path=/", Some(7.0), Quality::Good),
        ("latency_sum,path=/", Some(12.5), Quality::Good),
    ];
    for (stream, value, quality) in rows {
        let found = newest(&app, &who, "node:9100", stream).expect(stream);
        assert_eq!((found.value, found.quality), (value, quality), "{stream}");
    }
}

#[tokio::test]
async fn a_wrong_sample_is_refused_alone() {
    let (_dir, app) = test_app::open().await;
    let who = app.access.system(None).unwrap();
    let up = [("__name__", "up"), ("instance", "a")];
    let long = "x".repeat(300);
    let rows: [(Vec<u8>, &str); 10] = [
        (series(&up, &[sample(f64::NAN, TIME_MS)]), "`up`: NaN is no value"),
        (series(&up, &[sample(f64::NEG_INFINITY, TIME_MS)]), "`up`: -inf is no value"),
        (series(&up, &[sample(1.0, u64::MAX >> 1)]), "is no time"),
        (series(&up, &[sample(1.0, 9_000_000_000_000)]), "`up`: "),
        (series(&[("instance", "a")], &[sample(1.0, TIME_MS)]), "`__name__`"),
        (series(&[("__name__", "b"), up[0], up[1]], &[sample(1.0, TIME_MS)]), "`__name__` twice"),
        (series(&[up[0], up[1], ("instance", "b")], &[sample(1.0, TIME_MS)]), "`instance` twice"),
        (series(&[("__name__", "up")], &[sample(1.0, TIME_MS)]), "names no device"),
        (series(&[("__name__", "up"), ("instance", &long)], &[sample(1.0, TIME_MS)]), "no name of a device"),
        (series(&[("__name__", &long), ("instance", "a")], &[sample(1.0, TIME_MS)]), "200 characters"),
    ];
    for (wrong, expected) in rows {
        let good = series(&up, &[sample(1.0, TIME_MS)]);
        let outcome = write(&app, &who, &[&good[..], &wrong, &good].concat()).await;
        assert_eq!((outcome.samples, outcome.refused.count), (2, 1), "{expected}: {outcome:?}");
        let problem = &outcome.refused.listed[&2];
        assert!(problem.contains(expected), "{expected}: {problem}");
    }
    let request = SampleRequest { version: Version::V1, default_device: Some("rules".to_owned()) };
    let body = series(&[("__name__", "up")], &[sample(1.0, TIME_MS)]);
    let block = Bytes::from(snap::raw::Encoder::new().compress_vec(&body).unwrap());
    assert_eq!(app.ingest.write_samples(&who, request, block).await.unwrap().samples, 1);
    assert_eq!(newest(&app, &who, "rules", "up").and_then(|reading| reading.value), Some(1.0));
}

#[tokio::test]
async fn damaged_bodies_write_nothing_and_new_streams_are_limited() {
    let (_dir, app) = test_app::open().await;
    let who = app.access.system(None).unwrap();
    let body = series(&[("__name__", "up"), ("instance", "a")], &[sample(1.0, TIME_MS)]);
    let cut = [&body[..], &body[..body.len() - 1]].concat();
    assert_eq!(try_write(&app, &who, Version::V1, &cut).await.unwrap_err().kind, Kind::Invalid);
    let wrong_reference = [field(4, b""), field(5, &field(1, &[1, 0]))].concat();
    let error = try_write(&app, &who, Version::V2, &wrong_reference).await.unwrap_err();
    assert!(error.message.contains("the symbol 1"), "{error:?}");
    assert!(newest(&app, &who, "a", "up").is_none());
    let many = [2 << 3 | 2, 0].repeat(1_000_001);
    let error = try_write(&app, &who, Version::V1, &field(1, &many)).await.unwrap_err();
    assert_eq!(error.kind, Kind::TooLarge);

    let series_of = |n: u32| {
        series(&[("__name__", "m"), ("instance", "a"), ("id", &n.to_string())], &[sample(1.0, TIME_MS)])
    };
    let outcome = write(&app, &who, &(0..1500).flat_map(series_of).collect::<Vec<u8>>()).await;
    assert_eq!((outcome.samples, outcome.refused.count, outcome.refused.listed.len()), (1000, 500, 20));
    assert!(outcome.refused.listed[&1001].contains("ingest.max_new_streams"));
    let reader = Principal { scopes: Scopes::NONE, ..who };
    assert_eq!(try_write(&app, &reader, Version::V1, &body).await.unwrap_err().kind, Kind::Forbidden);
}
