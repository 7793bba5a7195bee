//! Endpoints 22, 23, 29, 30, and health (51, 52).

use std::time::Duration;

use basalt::domain::Clock;
use basalt::domain::time::SystemClock;
use serde_json::{Value, json};

use super::{check, check_rows, stream_of, with_stream};
use crate::support::{Client, Server, eventually, row_vec};

const NOON: i64 = 1_777_377_600;
const DATETIME: &str = "Datetime has wrong format. Use one of these formats instead: \
                        YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].";

/// Posts values one second apart from noon on.
async fn post_all(client: &Client, id: i64, values: &[Value]) {
    for (second, value) in values.iter().enumerate() {
        let body = json!({"timestamp": NOON + second as i64, "value": value});
        client.post(&format!("/api/data/{id}/value/"), &body).await.created();
    }
}

fn row(id: i64, second: u32, value: Value) -> Value {
    json!({"data": id, "timestamp": format!("2026-04-28T12:00:{second:02}Z"), "value": value})
}

/// rest.md A4, A5 and C18: a point of next week is stored, but it is not the newest; whoever posts is seen, and the clock too.
#[tokio::test]
async fn the_newest_value_is_not_ahead_of_the_clock_and_a_device_that_posts_is_seen() {
    let (mut server, client, device, id) = with_stream("pushed", "fp64").await;
    let (values, shown) = (format!("/api/data/{id}/value/"), format!("/api/device/{device}/"));
    assert_eq!(client.get(&shown).await.body["last_seen"], Value::Null, "nothing was posted");
    let now = SystemClock.now().0 / 1_000_000;
    for (ts, value) in [(now - 5, 1.0), (now + 7 * 86_400, 2.0)] {
        client.post(&values, &json!({"timestamp": ts, "value": value})).await.created();
    }
    let listed = async |query: &str| client.get(&format!("{values}{query}")).await.column("value");
    assert_eq!(listed("?limit=1").await, [1.0]);
    assert_eq!(listed("?limit=2").await, [2.0, 1.0], "a list is of all times");
    assert_eq!(listed(&format!("?from={now}&limit=1")).await, [2.0], "and so is a range");

    let seen = "SELECT last_seen > now() - INTERVAL '1 minute' AND last_seen <= now() AS seen FROM devices";
    assert_eq!(client.sql(seen).await, [json!({"seen": true})]);
    assert!(client.get(&shown).await.body["last_seen"].is_string());
    let status = client.get(&format!("/api/device/{device}/status/")).await.body;
    let is_told = status["clock_offset"].as_f64().is_some_and(|s| (604_700.0..=604_800.0).contains(&s));
    assert!(is_told, "{status}");
    let events = eventually("an event", Duration::from_secs(20), || async {
        let events = client.sql("SELECT level, device_id FROM events WHERE kind = 'clock'").await;
        (!events.is_empty()).then_some(events)
    });
    assert_eq!(events.await, [json!({"level": "warning", "device_id": device})]);

    server.restart().await;
    assert!(server.client().get(&shown).await.body["last_seen"].is_string(), "after a restart by its values");
}

#[tokio::test]
async fn a_post_is_stored_as_in_the_vendors_example_or_refused_by_its_fields() {
    let (_server, client, _, id) = with_stream("Motor RPM", "fp64").await;
    let path = || format!("/api/data/{id}/value/");
    let not_found = || json!({"detail": "Not found."});
    check_rows![&client;
        "empty", "POST", path(), json!({}), 400, json!({"value": ["This field is required."]});
        "both", "POST", path(), json!({"timestamp": "x", "value": "y"}), 400,
            json!({"timestamp": [DATETIME], "value": ["A valid number is required."]});
        "unknown_stream", "POST", "/api/data/999/value/".into(), json!({"value": 1}), 404, not_found();
        "nothing_was_written", "GET", path(), Value::Null, 200, json!([]);
    ];

    let path = format!("/api/data/{id}/value/");
    let sent = json!({"timestamp": "2026-04-28T12:00:00Z", "value": 1200.5});
    let record = row(id, 0, json!(1200.5));
    let replaced = row(id, 0, json!(7.5));
    check_rows![&client;
        "created", "POST", path.clone(), sent, 201, record.clone();
        "read", "GET", format!("{path}?limit=2"), Value::Null, 200, json!([record]);
        "replaced", "POST", path.clone(), json!({"timestamp": NOON, "value": 7.5}), 200, replaced.clone();
        "the_last_write_wins", "GET", path, Value::Null, 200, json!([replaced]);
    ];
}

#[tokio::test]
async fn times_are_taken_in_every_spelling() {
    let (_server, client, _, id) = with_stream("s", "fp64").await;
    let path = format!("/api/data/{id}/value/");
    for (given, shown) in [
        (json!("2026-04-28T14:00:00+02:00"), "2026-04-28T12:00:00Z"),
        (json!("2026-04-28T12:00:01"), "2026-04-28T12:00:01Z"),
        (json!("2026-04-28"), "2026-04-28T00:00:00Z"),
        (json!(NOON + 2), "2026-04-28T12:00:02Z"),
        (json!("1777377603.5"), "2026-04-28T12:00:03.500000Z"),
        (json!(1_777_377_604.123_456_f64), "2026-04-28T12:00:04.123456Z"),
        (json!(0), "1970-01-01T00:00:00Z"),
    ] {
        let answer = client.post(&path, &json!({"timestamp": given, "value": 1})).await;
        answer.has(201, json!({"timestamp": shown}));
    }
    client.post(&path, &json!({"value": 1})).await.about("without a time it is now").created();
    for bad in
        [json!("tomorrow"), json!("9999-01-01T00:00:00Z"), json!(-1), json!(true), json!(""), json!([])]
    {
        let answer = client.post(&path, &json!({"timestamp": bad, "value": 1})).await;
        answer.is(400, &json!({"timestamp": [DATETIME]}));
    }
    let answer = client.post(&path, &json!({"timestamp": "2200-01-01", "value": 1})).await;
    let answer = answer.about("too far ahead").expect(400);
    assert!(answer["timestamp"].is_array(), "{answer}");

    let (integer, number, boolean) =
        ("A valid integer is required.", "A valid number is required.", "Must be a valid boolean.");
    let null = "This field may not be null.";
    type Case = (&'static str, Vec<Value>, Vec<(Value, &'static str)>);
    let cases: Vec<Case> = row_vec![
        "bit", vec![json!(true), json!(false)], vec![(json!(2), boolean), (json!("on"), boolean)];
        "byte", vec![json!(0), json!(255)], vec![(json!(256), "Ensure this value is less than or equal to 255.")];
        "int16", vec![json!(-32768)], vec![(json!(1.5), integer), (json!(true), number)];
        "uint64", vec![json!(u64::MAX), json!(9_007_199_254_740_993_u64), json!(3)],
            vec![(json!(-1), "Ensure this value is greater than or equal to 0.")];
        "int64", vec![json!(i64::MIN), json!(i64::MAX)], vec![(json!([]), number)];
        "fp32", vec![json!(1.5)], vec![(json!("x"), number), (json!(null), null)];
        "fp64", vec![json!(1e-300), json!(-0.5)], vec![(json!({}), number)];
        "text", vec![json!("a \"b\" \u{fc}")], vec![(json!(1), "Not a valid string.")];
        "json", vec![json!({"a": [1, null]}), json!("x"), json!(1.5)], vec![(json!(null), null)];
        "location", vec![json!([13.5, 52.5])], vec![(json!([181, 0]), "*"), (json!([1]), "*")];
    ];
    for (kind, good, bad) in cases {
        let (_, id) = stream_of(&client, kind, kind).await;
        post_all(&client, id, &good).await;
        let stored: Vec<_> = good.iter().enumerate().map(|(i, v)| row(id, i as u32, v.clone())).collect();
        let path = format!("/api/data/{id}/value/");
        let read = ("read_back", "GET", format!("{path}?from=0"), Value::Null, 200, json!(stored));
        let refused = bad.into_iter().map(|(value, message)| {
            ("refused", "POST", path.clone(), json!({"value": value}), 400, json!({"value": [message]}))
        });
        check(&client, refused.chain([read])).await;
    }
}

#[tokio::test]
async fn ranges_limits_and_order() {
    let (_server, client, _, id) = with_stream("s", "int32").await;
    post_all(&client, id, &(0..5).map(|n| json!(n)).collect::<Vec<_>>()).await;
    let (noon, last) = (NOON, NOON + 4);
    for (query, expected) in [
        (String::new(), vec![4, 3, 2, 1, 0]),
        ("?limit=2".into(), vec![4, 3]),
        ("?limit=2&offset=1".into(), vec![3, 2]),
        (format!("?from={noon}"), vec![0, 1, 2, 3, 4]),
        (format!("?to={}", noon + 1), vec![0, 1]),
        (format!("?from={}&to={}", noon + 1, noon + 3), vec![1, 2, 3]),
        (format!("?from={noon}&limit=2&offset=3"), vec![3, 4]),
        (format!("?from={last}&to={noon}"), vec![]),
        ("?from=&to=&limit=".into(), vec![4, 3, 2, 1, 0]),
        ("?from=2026-04-28T12:00:04Z".into(), vec![4]),
        ("?from=2026-04-28T14:00:04%2B02:00".into(), vec![4]),
    ] {
        for path in [format!("/api/data/{id}/value/{query}"), format!("/api/value/{query}")] {
            assert_eq!(client.get(&path).await.column("value"), expected, "{path}");
        }
    }
    let bad = |name, query, expected| {
        (name, "GET", format!("/api/data/{id}/value/{query}"), Value::Null, 400, expected)
    };
    check_rows![&client;
        bad("bad_times", "?from=x&to=y", json!({"from": [DATETIME], "to": [DATETIME]}));
        bad("bad_limit", "?limit=0", json!({"limit": ["Ensure this value is greater than or equal to 1."]}));
    ];
}

#[tokio::test]
async fn values_of_all_streams_carry_an_id() {
    let (server, client, _, a) = with_stream("a", "int32").await;
    let (_, b) = stream_of(&client, "b", "bit").await;
    post_all(&client, a, &[json!(1)]).await;
    post_all(&client, b, &[json!(true)]).await;
    let with_id = |id: i64, value: Value| json!({"id": format!("{id}-{NOON}000000"), "data": id, "timestamp": "2026-04-28T12:00:00Z", "value": value});
    let (of_a, of_b) = (with_id(a, json!(1)), with_id(b, json!(true)));
    let ok = |name, path: String, expected| (name, "GET", path, Value::Null, 200, expected);
    let gone = |path: String| ("not_found", "GET", path, Value::Null, 404, json!({"detail": "Not found."}));
    check_rows![&client;
        ok("all", "/api/value/".into(), json!([of_a, of_b]));
        ok("of_one", format!("/api/value/?data={a}"), json!([of_a]));
        ok("of_none", "/api/value/?data=999".into(), json!([]));
        ok("one", format!("/api/value/{a}-{NOON}000000/"), of_a.clone());
        "data_is_a_number", "GET", "/api/value/?data=x".into(), Value::Null, 400,
            json!({"data": ["A valid integer is required."]});
        gone(format!("/api/value/{a}-{NOON}000001/"));
        gone(format!("/api/value/{a}/"));
        gone(format!("/api/value/0{a}-{NOON}000000/"));
        gone("/api/value/x-y/".into());
    ];
    let restricted = server.client_with(&["--data", &b.to_string()]).await;
    check_rows![&restricted;
        ok("only_its_own", "/api/value/".into(), json!([of_b]));
        ok("not_the_other", format!("/api/value/?data={a}"), json!([]));
        gone(format!("/api/value/{a}-{NOON}000000/"));
    ];
}

#[tokio::test]
async fn health_needs_no_key() {
    let server = Server::start(&[]).await;
    let client = server.client().without_key();
    let ok = |name, path: &str, expected| (name, "GET", path.to_owned(), Value::Null, 200, expected);
    let unknown = |name: &str| format!("\"{name}\" is not a valid choice.");
    check_rows![&client;
        ok("alive", "/healthz/", json!({"status": "ok"}));
        ok("alive_without_slash", "/healthz", json!({"status": "ok"}));
        ok("ready", "/readyz/", json!({"status": "ok", "checks": {"db": "ok"}}));
        ok("empty_is_default", "/readyz/?checks=", json!({"status": "ok", "checks": {"db": "ok"}}));
        ok(
            "several",
            "/readyz/?checks=db,redis,disk",
            json!({"status": "ok", "checks": {"db": "ok", "redis": "ok", "disk": "ok"}}),
        );
        "unknown", "GET", "/readyz/?checks=db,foo,mqtt".into(), Value::Null, 400,
            json!({"checks": [unknown("foo"), unknown("mqtt")]});
    ];
}
