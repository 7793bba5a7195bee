//! HTTP devices, with an `HttpClient` that gives scripted answers.

use std::collections::VecDeque;

use parking_lot::Mutex;
use serde_json::json;

use super::*;
use crate::collect::device_value::DeviceValue;
use crate::collect::numeric_value::NumericValue;
use crate::collect::shared_connection::SharedConnection;
use crate::collect::test_harness::context;
use crate::domain::ports::BoxFuture;
use crate::domain::stream::StreamKind as Kind;
use crate::domain::stream::StreamSpec;
use crate::domain::{DeviceId, Micros};

/// Gives one answer after the other.
#[derive(Default)]
struct ScriptedWeb(Mutex<VecDeque<Result<HttpResponse, HttpError>>>);

impl HttpClient for ScriptedWeb {
    fn send<'a>(&'a self, request: &'a HttpRequest) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        assert_eq!(request.url, "http://10.0.0.5:81/status");
        let answer = self.0.lock().pop_front().expect("it was asked once too often");
        Box::pin(std::future::ready(answer))
    }
}

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Micros {
        Micros(7)
    }
}

fn link(answers: Vec<Result<HttpResponse, HttpError>>) -> (HttpSource, Arc<DeviceStatusCell>) {
    let spec = DeviceSpec {
        host: "http://10.0.0.5/status".to_owned(),
        port: Some(81),
        ..DeviceSpec::new("d", Protocol::Http)
    };
    let status_cell = Arc::new(DeviceStatusCell::default());
    let web = Arc::new(ScriptedWeb(Mutex::new(answers.into())));
    let source = SourceContext {
        connection: Arc::new(SharedConnection::new(context())),
        status: Arc::clone(&status_cell),
        clock: Arc::new(FixedClock),
        web,
    };
    (HttpSource::new(&spec, source).expect("sound settings"), status_cell)
}

fn batch(rows: &[(&str, Kind)]) -> HttpPollGroup {
    let targets = rows.iter().enumerate().map(|(n, (pointer, kind))| JsonTarget {
        stream: StreamId(n as i32 + 1),
        kind: *kind,
        pointer: (*pointer).to_owned(),
    });
    HttpPollGroup(targets.collect())
}

fn response(status: u16, body: &str) -> Result<HttpResponse, HttpError> {
    Ok(HttpResponse { status, body: body.as_bytes().to_vec() })
}

#[tokio::test]
async fn one_answer_serves_all_streams_exactly() {
    let document = json!({
        "a": {"b": [1.5, true, -9_007_199_254_740_993_i64]},
        "big": u64::MAX, "text": "run", "null": null, "x/y": {"~": 3}, "at": [8.5, 47.3], "n": 12,
        "quoted": "3.5", "switch": "ON",
    });
    let rows: [(&str, Kind, Result<DeviceValue, &str>); 22] = [
        ("/a/b/0", Kind::Fp64, Ok(NumericValue::Float(1.5).into())),
        ("/a/b/1", Kind::Bit, Ok(NumericValue::Bit(true).into())),
        ("/a/b/2", Kind::Int64, Ok(NumericValue::Int(-9_007_199_254_740_993).into())),
        ("/big", Kind::Uint64, Ok(NumericValue::Uint(u64::MAX).into())),
        ("/big", Kind::Fp64, Ok(NumericValue::Float(u64::MAX as f64).into())),
        ("/text", Kind::Text, Ok(DeviceValue::Text("run".into()))),
        ("/text", Kind::Enum, Err("which is no enum")),
        ("/text", Kind::Json, Ok(DeviceValue::Text("\"run\"".into()))),
        ("/x~1y", Kind::Json, Ok(DeviceValue::Text("{\"~\":3}".into()))),
        ("/x~1y/~0", Kind::Uint16, Ok(NumericValue::Uint(3).into())),
        ("/at", Kind::Location, Ok(DeviceValue::Text("[8.5,47.3]".into()))),
        ("/big", Kind::Int64, Err("which is no int64")),
        ("/a/b/0", Kind::Int16, Err("which is no int16")),
        ("/n", Kind::Bit, Err("which is no bit")),
        ("/quoted", Kind::Fp64, Ok(NumericValue::Float(3.5).into())),
        ("/quoted", Kind::Text, Ok(DeviceValue::Text("3.5".into()))),
        ("/switch", Kind::Bit, Ok(NumericValue::Bit(true).into())),
        ("/text", Kind::Fp64, Err("which is no fp64")),
        ("/a", Kind::Fp64, Err("a list or a map")),
        ("/null", Kind::Fp64, Err("null")),
        ("/missing", Kind::Fp64, Err("has no `/missing`")),
        ("text", Kind::Text, Err("no JSON pointer")),
    ];
    let (mut link, status_cell) = link(vec![response(200, &document.to_string())]);
    let targets: Vec<_> = rows.iter().map(|(pointer, kind, _)| (*pointer, *kind)).collect();
    let mut answers = Vec::new();
    link.poll(&mut batch(&targets), &mut answers).await.expect("it answered");
    assert_eq!(answers.len(), rows.len());
    for (answer, (pointer, kind, expected)) in answers.iter().zip(rows) {
        match (&answer.outcome, expected) {
            (Ok(sample), Ok(content)) => assert_eq!(sample.value, content, "{pointer} {kind}"),
            (Err(message), Err(part)) => assert!(message.contains(part), "{pointer} {kind}: {message}"),
            (outcome, _) => panic!("{pointer} {kind}: {outcome:?}"),
        }
    }
    let status = status_cell.status();
    assert_eq!((status.reads, status.last_seen), (1, Some(Micros(7))));
}

#[test]
fn texts_are_read_in_the_encodings_of_devices() {
    let document = "{\"unit\":\"\u{b0}C\"}";
    for body in [
        document.as_bytes(),
        b"\xef\xbb\xbf{\"unit\":\"\xc2\xb0C\"}",
        b"{\"unit\":\"\xb0C\"}",
        b"\xef\xbb\xbf{\"unit\":\"\xb0C\"}",
    ] {
        assert_eq!(text(body), document);
    }
}

/// One member took the device offline, also one that nobody reads.
#[tokio::test]
async fn a_member_that_is_no_strict_json_costs_its_own_stream() {
    for body in [
        "{\"a\":NaN,\"d\":3}",
        "{\"a\":[-Infinity,nan],\"d\":3}",
        "{\"a\":1e400,\"d\":3}",
        "{\"a\":null,\"d\":3}\0\0",
    ] {
        let (mut link, status_cell) = link(vec![response(200, body)]);
        let mut answers = Vec::new();
        let mut rows = batch(&[("/a", Kind::Json), ("/a", Kind::Fp64), ("/d", Kind::Fp64)]);
        link.poll(&mut rows, &mut answers).await.expect("it answered");
        let outcomes: Vec<_> =
            answers.into_iter().map(|answer| answer.outcome.map(|sample| sample.value)).collect();
        match body.contains('[') {
            true => assert_eq!(outcomes[0], Ok(DeviceValue::Text("[null,null]".into())), "{body}"),
            false => assert_eq!(outcomes[0], Err("the value is null".to_owned()), "{body}"),
        }
        assert!(outcomes[1].is_err(), "{body}: {:?}", outcomes[1]);
        assert_eq!(outcomes[2], Ok(NumericValue::Float(3.0).into()), "{body}");
        assert_eq!(status_cell.status().errors.protocol, 0, "{body}");
    }
}

#[tokio::test]
async fn the_whole_document_is_a_value_too() {
    let (mut link, _) = link(vec![response(200, " 21.5 ")]);
    let mut answers = Vec::new();
    link.poll(&mut batch(&[("", Kind::Fp32)]), &mut answers).await.expect("it answered");
    assert_eq!(
        answers[0].outcome.as_ref().expect("a value").value,
        DeviceValue::from(NumericValue::Float(21.5))
    );
}

#[tokio::test]
async fn a_failure_is_a_loss_or_a_fault_of_every_stream_and_counted() {
    // Name, answer, the loss or the fault in words, and the counters: timeout, refused, protocol.
    type Row = (&'static str, Result<HttpResponse, HttpError>, bool, &'static str, (u64, u64, u64));
    let rows: [Row; 10] = [
        ("server_error", response(500, ""), false, "the server failed (status 500)", (0, 0, 1)),
        ("no_page", response(404, ""), false, "there is no such page (status 404)", (0, 0, 1)),
        ("credentials", response(401, ""), false, "other credentials (status 401)", (0, 0, 1)),
        ("gateway", response(502, ""), true, "out of reach (status 502)", (0, 0, 1)),
        (
            "garbage",
            response(200, "<html>"),
            true,
            "http://10.0.0.5:81 broke the protocol: its answer is no JSON",
            (0, 0, 1),
        ),
        ("slow", Err(HttpError::Timeout), true, "did not answer within 3 s", (1, 0, 0)),
        ("closed", Err(HttpError::NotAllowed), true, "process.allow_private", (0, 1, 0)),
        (
            "nobody",
            Err(HttpError::Unreachable("connection refused".into())),
            true,
            "connection refused",
            (0, 1, 0),
        ),
        ("cut", Err(HttpError::Interrupted("reset".into())), true, "lost: reset", (0, 1, 0)),
        ("no_http", Err(HttpError::Malformed("SSH".into())), true, "broke the protocol: SSH", (0, 0, 1)),
    ];
    for (name, answer, is_loss, words, counted) in rows {
        let (mut link, status_cell) = link(vec![answer]);
        let mut answers = Vec::new();
        let polled = link.poll(&mut batch(&[("/a", Kind::Fp64), ("/b", Kind::Fp64)]), &mut answers).await;
        let message: Vec<String> = match polled {
            Err(fault) => vec![fault.to_string()],
            Ok(()) => answers.into_iter().map(|answer| answer.outcome.expect_err(name)).collect(),
        };
        assert_eq!(message.len(), if is_loss { 1 } else { 2 }, "{name}: {message:?}");
        assert!(message.iter().all(|message| message.contains(words)), "{name}: {message:?}");
        let errors = status_cell.status().errors;
        assert_eq!((errors.timeout, errors.refused, errors.protocol), counted, "{name}");
    }
}

#[tokio::test]
async fn a_device_of_which_nothing_is_wanted_is_asked_whether_it_is_there() {
    let (link, _) =
        link(vec![response(200, "no JSON"), response(404, ""), response(503, ""), Err(HttpError::Timeout)]);
    for is_there in [true, true, false, false] {
        assert_eq!(link.probe().await.is_ok(), is_there);
    }
}

#[test]
fn streams_are_asked_for_by_their_path() {
    let spec = StreamSpec { path: "/a".into(), kind: Kind::Text, ..StreamSpec::new("s", DeviceId(1)) };
    let stream = Stream { spec, ..crate::collect::test_harness::stream(5, "", Kind::Fp64) };
    let (mut source, _) = link(Vec::new());
    let device = DeviceSpec::new("d", Protocol::Http);
    let HttpPollGroup(targets) = source.group(&device, &[Arc::new(stream)]);
    assert_eq!(
        (targets[0].stream, targets[0].kind, targets[0].pointer.as_str()),
        (StreamId(5), Kind::Text, "/a")
    );
}
