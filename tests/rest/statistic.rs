//! Endpoints 24, 25, 31, 32: statistics of windows and of steps.

use serde_json::{Value, json};

use super::{check, check_rows, with_stream};
use crate::support::{Client, row_vec};

/// 2024-04-28T12:00:00Z.
const NOON: i64 = 1_714_305_600;

/// Values of three minutes: 1 to 4 in the first, 10 in the second, none in the third, -2 and 8 in the fourth.
async fn post_values(client: &Client, id: i64) {
    for (second, value) in [(0, 4.0), (20, 1.0), (40, 2.0), (59, 3.0), (60, 10.0), (180, -2.0), (239, 8.0)] {
        let body = json!({"timestamp": NOON + second, "value": value});
        client.post(&format!("/api/data/{id}/value/"), &body).await.created();
    }
}

fn at(second: i64) -> String {
    format!("2024-04-28T12:{:02}:{:02}Z", second / 60, second % 60)
}

fn mean(id: i64, second: i64, mean: f64) -> Value {
    json!({"data": id, "timestamp": at(second), "mean": mean})
}

fn step(id: i64, second: i64, [mean, min, max]: [f64; 3]) -> Value {
    json!({"data": id, "timestamp": at(second), "mean": mean, "min": min, "max": max})
}

#[tokio::test]
async fn windows_are_listed_with_the_fields_asked_for() {
    let (_server, client, _, id) = with_stream("s", "fp64").await;
    post_values(&client, id).await;
    let list = format!("/api/data/{id}/statistic/");
    let get = |query: &str| format!("{list}?{query}");
    let all = json!({
        "data": id, "timestamp": at(0), "mean": 2.5, "rms": 7.5_f64.sqrt(), "median": 2.5, "min": 1.0, "max": 4.0,
        "q1": 1.75, "q3": 3.25,
    });
    let one_minute = format!("from={}&to={}", at(0), at(59));
    let some = json!([{"data": id, "timestamp": at(0), "median": 2.5, "max": 4.0}]);
    let choice = |word: &str| json!({"fields": [format!("\"{word}\" is not a valid choice.")]});
    let newest = json!([mean(id, 180, 3.0), mean(id, 60, 10.0), mean(id, 0, 2.5)]);
    let oldest = json!([mean(id, 0, 2.5), mean(id, 60, 10.0), mean(id, 180, 3.0)]);
    let null = Value::Null;
    check_rows![&client;
        "newest first", "GET", list.clone(), null.clone(), 200, newest;
        "oldest first in a range", "GET", get(&format!("from={}", at(0))), null.clone(), 200, oldest;
        "a page", "GET", get("limit=1&offset=1"), null.clone(), 200, json!([mean(id, 60, 10.0)]);
        "all fields", "GET", get(&format!("{one_minute}&fields=all")), null.clone(), 200, json!([all]);
        "some in their order", "GET", get(&format!("{one_minute}&fields=max,median")), null.clone(), 200, some;
        "both ends are in", "GET", get(&format!("from={}&to={}", at(60), at(60))), null.clone(), 200,
            json!([mean(id, 60, 10.0)]);
        "an empty range", "GET", get(&format!("from={}&to={}", at(60), at(0))), null.clone(), 200, json!([]);
        "an unknown field", "GET", get("fields=mean,foo"), null.clone(), 400, choice("foo");
        "an empty name", "GET", get("fields=mean,"), null.clone(), 400, choice("");
        "a wrong limit", "GET", get("limit=x"), null.clone(), 400, json!({"limit": ["A valid integer is required."]});
        "no such stream", "GET", "/api/data/9999/statistic/".to_owned(), null, 404, json!({"detail": "Not found."});
    ];

    let list = format!("/api/data/{id}/statistic/");
    let get = |query: String| format!("{list}?{query}");
    let (from, to) = (format!("from={}", at(0)), format!("to={}", at(239)));
    let minutes = json!([
        step(id, 0, [2.5, 1.0, 4.0]),
        step(id, 60, [10.0, 10.0, 10.0]),
        step(id, 180, [3.0, -2.0, 8.0])
    ]);
    let hour = json!([step(id, 0, [26.0 / 7.0, -2.0, 10.0])]);
    let cut = json!([
        step(id, 0, [2.0, 1.0, 3.0]),
        step(id, 60, [10.0, 10.0, 10.0]),
        step(id, 180, [-2.0, -2.0, -2.0])
    ]);
    let month = json!([{"data": id, "timestamp": "2024-04-01T00:00:00Z", "mean": 26.0 / 7.0, "min": -2.0, "max": 10.0}]);
    let invalid = || json!({"step": ["Invalid ISO-8601 duration."]});
    let needs = json!({"step": ["step requires both from and to."]});
    let many = json!({"step": ["Too many buckets (limit 10000)."]});
    let null = || Value::Null;
    let mut rows = row_vec![
        "minutes", "GET", get(format!("{from}&{to}&step=PT1M")), null(), 200, minutes.clone();
        "hours", "GET", get(format!("{from}&{to}&step=PT1H")), null(), 200, hour;
        "months", "GET", get(format!("{from}&{to}&step=P1M")), null(), 200, month;
        "fields do not matter", "GET", get(format!("{from}&{to}&step=PT1M&fields=rms")), null(), 200, minutes.clone();
        "ends within windows", "GET", get(format!("from={}&to={}&step=PT1M", at(20), at(180))), null(), 200, cut;
        "a limit of buckets", "GET", get(format!("{from}&{to}&step=PT1M&limit=1")), null(), 200, json!([minutes[0]]);
        "backwards", "GET", get(format!("from={}&to={}&step=PT1M", at(60), at(0))), null(), 200, json!([]);
        "without an end", "GET", get(format!("{from}&step=PT1M")), null(), 400, needs.clone();
        "without a range", "GET", get("step=PT1M".to_owned()), null(), 400, needs;
        "too many", "GET", get("from=2024-01-01&to=2024-12-31&step=PT1M".to_owned()), null(), 400, many;
        "by its own route", "GET", format!("/api/statistic/?data={id}&{from}&{to}&step=PT1M"), null(), 200, minutes;
        "of every stream", "GET", format!("/api/statistic/?{from}&{to}&step=PT1M"), null(), 400,
            json!({"step": ["step requires data."]});
        "of an unknown one", "GET", format!("/api/statistic/?data=9999&{from}&{to}&step=PT1M"), null(), 200, json!([]);
    ];
    for bad in ["hour", "PT0S", "PT0.5S", "P1M1D", "-PT1H"] {
        rows.push(("no duration", "GET", get(format!("{from}&{to}&step={bad}")), null(), 400, invalid()));
    }
    check(&client, rows).await;
}

#[tokio::test]
async fn rows_written_by_hand_stand_for_their_windows() {
    let (_server, client, _, id) = with_stream("s", "fp64").await;
    post_values(&client, id).await;
    let list = format!("/api/data/{id}/statistic/");
    let stored = |second: i64, mean: f64| {
        json!({"data": id, "timestamp": at(second), "mean": mean, "rms": null, "median": null, "min": null,
               "max": null, "q1": null, "q3": null, "count": 1})
    };
    let full = json!({"timestamp": NOON, "mean": 5.0, "rms": 5.5, "median": 5.0, "min": 4.0, "max": 6.0, "q1": 4.5,
                      "q3": 5.5, "count": 3});
    let shown = json!({"data": id, "timestamp": at(0), "mean": 5.0, "rms": 5.5, "median": 5.0, "min": 4.0,
                       "max": 6.0, "q1": 4.5, "q3": 5.5, "count": 3});
    let range = format!("from={}&to={}", at(0), at(239));
    // 3 times 5, 10, -2 and 8, and -7 for what lies in the minute from 02:30 on.
    let steps = json!([step(id, 0, [(15.0 + 10.0 - 7.0 + 8.0) / 6.0, -7.0, 10.0])]);
    let means = json!([mean(id, 0, 5.0), mean(id, 60, 10.0), mean(id, 150, -7.0), mean(id, 180, 3.0)]);
    let required = "This field is required.";
    let null = || Value::Null;
    let post = |name, body, status, answer| (name, "POST", list.clone(), body, status, answer);
    check_rows![&client;
        post("in the place of a computed one", full, 200, shown);
        post("where there was none", json!({"timestamp": NOON + 150, "mean": 1}), 201, stored(150, 1.0));
        post("the last write wins", json!({"timestamp": at(150), "mean": -7.0}), 200, stored(150, -7.0));
        "listed before computed ones", "GET", format!("{list}?{range}"), null(), 200, means;
        "in steps", "GET", format!("{list}?{range}&step=PT1H"), null(), 200, steps;
        post("without a mean", json!({"min": 1}), 400, json!({"mean": [required]}));
        post("null for a mean", json!({"mean": null}), 400, json!({"mean": ["This field may not be null."]}));
        post("ends crossed", json!({"mean": 1, "min": 2, "max": 1}), 400, json!({"min": ["Must not exceed max."]}));
        post("no count", json!({"mean": 1, "count": 0}), 400,
            json!({"count": ["Ensure this value is greater than or equal to 1."]}));
        post("all mistakes at once", json!({"timestamp": "x", "mean": "y", "rms": [], "count": 1.5}), 400,
            json!({"timestamp": "*", "mean": ["A valid number is required."], "rms": "*", "count": "*"}));
        post("now", json!({"mean": 1}), 201,
            json!({"data": id, "timestamp": "*", "mean": 1.0, "rms": null,
            "median": null, "min": null, "max": null, "q1": null, "q3": null, "count": 1}));
        "no such stream", "POST", "/api/data/9999/statistic/".to_owned(), json!({"mean": 1}), 404,
            json!({"detail": "Not found."});
    ];
    let found = client.sql("SELECT origin, count(*) AS n FROM statistics WHERE ts < '2025-01-01' GROUP BY origin ORDER BY origin").await;
    assert_eq!(found, [json!({"origin": "computed", "n": 3}), json!({"origin": "posted", "n": 2})]);
    // Readings stay what they are.
    let found = client.sql("SELECT avg(value) AS mean, count(*) AS n FROM readings").await;
    assert_eq!(found, [json!({"mean": 26.0 / 7.0, "n": 7})]);
}
