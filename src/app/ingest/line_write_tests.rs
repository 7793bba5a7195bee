//! Tests of line protocol through the application: which streams it makes, which lines are refused, and what is stored.

use bytes::Bytes;

use super::{LineOutcome, LineRequest};
use crate::app::{App, test_app};
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::stream::{StreamKind, StreamSpec};
use crate::domain::{Kind, Principal, Scopes};

fn request(is_atomic: bool) -> LineRequest {
    LineRequest { is_atomic, default_device: Some("plant".to_owned()), ..LineRequest::default() }
}

async fn write(app: &App, who: &Principal, is_atomic: bool, body: &str) -> LineOutcome {
    app.ingest.write_lines(who, request(is_atomic), Bytes::from(body.to_owned())).await.expect(body)
}

/// The newest value or text of a stream.
fn newest(app: &App, who: &Principal, device: &str, stream: &str) -> Option<String> {
    let stream = app.parts.store.catalog().streams.stream_by_name(who, device, stream).ok()?;
    let newest = app.parts.store.latest(who, stream.id)?.newest;
    newest.text.as_deref().map(str::to_owned).or_else(|| newest.value.map(|value| value.to_string()))
}

#[tokio::test]
async fn lines_make_devices_and_streams() {
    let (_dir, app) = test_app::open().await;
    let who = app.access.system(None).unwrap();
    let body = "cpu,host=edge-1,cpu=cpu0,az=b usage=1.5,ok=t 1700000000000000000\n\
                cpu,device=press,host=edge-1 usage=2\n\
                temp value=21i\n\
                temp note=\"warm, dry\"\n";
    let outcome = write(&app, &who, false, body).await;
    assert_eq!((outcome.written, outcome.refused.count), (5, 0), "{outcome:?}");
    let rows = [
        ("edge-1", "cpu.usage,az=b,cpu=cpu0", StreamKind::Fp64, "1.5"),
        ("edge-1", "cpu.ok,az=b,cpu=cpu0", StreamKind::Bit, "1"),
        ("press", "cpu.usage,host=edge-1", StreamKind::Fp64, "2"),
        ("plant", "temp.value", StreamKind::Int64, "21"),
        ("plant", "temp.note", StreamKind::Text, "warm, dry"),
    ];
    for (device, stream, kind, expected) in rows {
        let found = app.parts.store.catalog().streams.stream_by_name(&who, device, stream).expect(stream);
        assert_eq!(found.spec.kind, kind, "{stream}");
        assert_eq!(newest(&app, &who, device, stream).as_deref(), Some(expected), "{stream}");
    }
}

#[tokio::test]
async fn a_wrong_line_is_refused_alone() {
    let (_dir, app) = test_app::open().await;
    let who = app.access.system(None).unwrap();
    write(&app, &who, false, "m count=1i,state=\"on\" 1700000000000000000").await;
    let long = format!("m {}=1", "x".repeat(300));
    let rows = [
        ("m", "has no fields"),
        ("m,t v=1", "is no tag"),
        ("m v=abc", "is no value"),
        ("m v=1 soon", "is no timestamp"),
        ("m count=1.5", "the stream is int64"),
        ("m v=1,count=\"one\"", "field `count`: the stream is int64"),
        ("m state=1", "the stream is text"),
        ("m v=1 -1", "1970"),
        ("m v=1 9000000000000000000", "future"),
        (long.as_str(), "no more than 200 characters"),
    ];
    for (wrong, expected) in rows {
        let body = format!("n good=1\n{wrong}\nn good=2\n");
        let outcome = write(&app, &who, false, &body).await;
        assert_eq!((outcome.written, outcome.refused.count), (2, 1), "{wrong}: {outcome:?}");
        let problem = &outcome.refused.listed[&2];
        assert!(problem.contains(expected), "{wrong}: {problem}");
        let none = write(&app, &who, true, &body).await;
        assert_eq!((none.written, none.refused.count), (0, 1), "{wrong}");
    }
    assert_eq!(newest(&app, &who, "plant", "m.v"), None, "a refused line leaves no value");
}

#[tokio::test]
async fn new_streams_are_limited_and_isolated() {
    let (_dir, app) = test_app::open().await;
    let who = app.access.system(None).unwrap();
    let many: String = (0..1001).map(|n| format!("m,id={n} v=1\n")).collect();
    let outcome = write(&app, &who, false, &many).await;
    assert_eq!((outcome.written, outcome.refused.count), (1000, 1), "{outcome:?}");
    assert!(outcome.refused.listed[&1001].contains("ingest.max_new_streams"));
    let outcome = write(&app, &who, false, &many).await;
    assert_eq!(
        (outcome.written, outcome.refused.count),
        (1001, 0),
        "the last one is created by the next request"
    );

    // A device whose streams need an address takes none from a line, and others are not held up by it.
    let catalog = app.parts.store.catalog();
    let plc = DeviceSpec { host: "10.0.0.1".to_owned(), ..DeviceSpec::new("plc", Protocol::Modbus) };
    catalog.devices.create_device(&who, plc).await.unwrap();
    let outcome = write(&app, &who, false, "m,device=plc v=1\nm,device=other v=1\n").await;
    assert_eq!((outcome.written, outcome.refused.count), (1, 1), "{outcome:?}");

    let only = catalog.devices.device_by_name(&who, "other").unwrap();
    let stream = catalog.streams.create_stream(&who, StreamSpec::new("mine", only.id)).await.unwrap();
    let restricted = Principal { streams: Some([stream.id].into()), ..who.clone() };
    let outcome = write(&app, &restricted, false, "m,device=other v=1").await;
    assert_eq!((outcome.written, outcome.refused.count), (0, 1), "a restricted key creates nothing");
    let reader = Principal { scopes: Scopes::NONE, ..who };
    let refused =
        app.ingest.write_lines(&reader, request(false), Bytes::from_static(b"m v=1")).await.unwrap_err();
    assert_eq!(refused.kind, Kind::Forbidden);
}
