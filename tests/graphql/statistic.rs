//! Statistics written by hand, in the graph.

use serde_json::{Value, json};

use super::{ask, codes, data, plant};
use crate::support::{Server, rows};

const NUMBERS: &str = "ts window origin count sum mean rms min max median q1 q3";

#[tokio::test]
async fn a_statistic_is_written_by_hand_and_replaced() {
    let (server, client) = Server::with_client(&[]).await;
    let (_, streams) = plant(&client, "d", &[("a", "fp64")]).await;
    let stream = streams[0];
    let write = format!(
        "mutation($input: WriteStatisticInput!) {{ writeStatistic(input: $input) {{ isNew statistic {{ {NUMBERS} }} errors {{ field message code }} }} }}"
    );
    let stored = |mean: f64, count: i64, min: Value| {
        json!({"ts": "2026-03-01T00:00:00Z", "window": 60, "origin": "posted", "count": count, "sum": mean * count as f64, "mean": mean, "rms": null,
               "min": min, "max": 9.0, "median": null, "q1": null, "q3": null})
    };
    let wrong = |field: &str, message: &str| json!({"isNew": null, "statistic": null, "errors": [{"field": field, "message": message, "code": "INVALID"}]});
    let at = "2026-03-01T00:00:00Z";
    for (name, input, expected) in rows![
        "new", json!({"stream": stream, "timestamp": at, "mean": 4.5, "max": 9}),
            json!({"isNew": true, "statistic": stored(4.5, 1, Value::Null), "errors": []});
        "again_at_its_time", json!({"stream": stream, "timestamp": at, "mean": 5.5, "max": 9, "min": 2, "count": 4}),
            json!({"isNew": false, "statistic": stored(5.5, 4, json!(2.0)), "errors": []});
        "out_of_order", json!({"stream": stream, "mean": 1, "min": 3, "max": 2}), wrong("min", "Must not exceed max.");
        "of_nothing", json!({"stream": stream, "mean": 1, "count": 0}),
            wrong("count", "Ensure this value is greater than or equal to 1.");
        "no_stream", json!({"stream": 99, "mean": 1}),
            json!({"isNew": null, "statistic": null, "errors": [{"field": null, "message": "not found", "code": "NOT_FOUND"}]});
        "no_id", json!({"stream": "x", "mean": 1}), wrong("stream", "`x` is neither the id of a Stream nor its row number");
    ] {
        let got = data(&client, &write, json!({ "input": input })).await;
        assert_eq!(got["writeStatistic"], expected, "{name}");
    }
    let read = format!("query($id: Int) {{ stream(rowId: $id) {{ statistics {{ {NUMBERS} }} }} }}");
    let got = data(&client, &read, json!({ "id": stream })).await;
    assert_eq!(got["stream"]["statistics"], json!([stored(5.5, 4, json!(2.0))]));
    let reader = server.client_with(&["--scope", "statistic:write", "--scope", "data:read"]).await;
    let body = ask(&reader, &write, json!({"input": {"stream": stream, "mean": 1}})).await;
    assert_eq!(codes(&body), ["FORBIDDEN"], "as REST has it, this is a change of the stream: {body}");
}

#[tokio::test]
async fn a_row_says_who_made_it_and_a_bucket_is_computed() {
    let (_server, client) = Server::with_client(&[]).await;
    let (_, streams) = plant(&client, "d", &[("a", "fp64")]).await;
    let stream = streams[0];
    let value = |minute: i64, value: f64| json!({"stream": stream, "ts": format!("2026-03-01T00:{minute:02}:30Z"), "value": value});
    let query = "mutation($input: [ValueInput!]!) { writeValues(input: $input) { rows } }";
    data(&client, query, json!({"input": [value(0, 1.0), value(1, 3.0)]})).await;
    let query =
        "mutation($input: WriteStatisticInput!) { writeStatistic(input: $input) { statistic { origin } } }";
    let input = json!({"stream": stream, "timestamp": "2026-03-01T00:01:00Z", "mean": 30, "count": 1});
    let made = data(&client, query, json!({ "input": input })).await;
    assert_eq!(made["writeStatistic"]["statistic"]["origin"], "posted");
    let rows = rows![
        "rows", String::new(),
            json!([{"origin": "computed", "mean": 1.0, "window": 60}, {"origin": "posted", "mean": 30.0, "window": 60}]);
        "buckets_of_the_windows_length", ", step: \"PT1M\"".to_owned(),
            json!([{"origin": "computed", "mean": 1.0, "window": null}, {"origin": "computed", "mean": 30.0, "window": null}]);
        "a_bucket_of_both", ", step: \"PT1H\"".to_owned(), json!([{"origin": "computed", "mean": 15.5, "window": null}]);
    ];
    for (name, step, expected) in rows {
        let query = format!(
            "query($id: Int) {{ stream(rowId: $id) {{ statistics(from: \"2026-03-01\", to: \"2026-03-02\"{step}) {{ origin mean window }} }} }}"
        );
        let got = data(&client, &query, json!({ "id": stream })).await;
        assert_eq!(got["stream"]["statistics"], expected, "{name}");
    }
    // As SQL has it of both rows.
    let stored = client.sql("SELECT ts, origin, mean FROM statistics ORDER BY ts, origin").await;
    let expected = [("00:00", "computed", 1.0), ("00:01", "computed", 3.0), ("00:01", "posted", 30.0)];
    let expected = expected.map(
        |(at, origin, mean)| json!({"ts": format!("2026-03-01T{at}:00Z"), "origin": origin, "mean": mean}),
    );
    assert_eq!(stored, expected);
}
