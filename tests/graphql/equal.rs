//! Questions have the same answers by SQL, by the graph and by REST, also for a key that sees a part.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::{data, plant};
use crate::support::{Client, Server};

const QUESTIONS: usize = 200;
const START: i64 = 1_772_323_200; // 2026-03-01T00:00:00Z
const SPAN: i64 = 6 * 3600;

/// `(ts, value)` each, oldest first.
type Rows = Vec<(String, f64)>;

fn iso(seconds: i64) -> String {
    basalt::domain::Micros(seconds * 1_000_000).to_iso()
}

fn rows(list: &Value, ts: &str, value: &str) -> Rows {
    let list = list.as_array().unwrap_or_else(|| panic!("a list: {list}"));
    let row = |row: &Value| {
        let value = row[value].as_f64().unwrap_or_else(|| panic!("a number: {row}"));
        (row[ts].as_str().expect("a time").to_owned(), value)
    };
    list.iter().map(row).collect()
}

/// The readings of a stream from a time on, up to another but without it, the first so many.
async fn raw(client: &Client, stream: i64, from: i64, to: i64, limit: i64) -> [Rows; 3] {
    let (from_iso, to_iso) = (iso(from), iso(to));
    let sql = format!(
        "SELECT ts, value FROM readings WHERE stream_id = {stream} AND ts >= '{from_iso}' AND ts < '{to_iso}' ORDER BY ts LIMIT {limit}"
    );
    let by_sql = rows(&Value::Array(client.sql(&sql).await), "ts", "value");
    let query = "query($s: Int, $from: DateTime, $to: DateTime, $first: Int) { stream(rowId: $s) { values(from: $from, to: $to, first: $first) { nodes { ts value } } } }";
    let variables = json!({"s": stream, "from": from_iso, "to": to_iso, "first": limit});
    let by_graph = rows(&data(client, query, variables).await["stream"]["values"]["nodes"], "ts", "value");
    // REST takes both ends of a range; times are whole seconds here.
    let path = format!("/api/data/{stream}/value/?from={from_iso}&to={}&limit={limit}", iso(to - 1));
    let list = client.get(&path).await.ok();
    [by_sql, by_graph, rows(&list, "timestamp", "value")]
}

/// The means of a stream by steps.
async fn means(client: &Client, stream: i64, from: i64, to: i64, minutes: i64) -> [Rows; 3] {
    let (from_iso, to_iso) = (iso(from), iso(to));
    let sql = format!(
        "SELECT time_bucket(INTERVAL '{minutes} minutes', ts) AS ts, avg(value) AS mean FROM readings \
         WHERE stream_id = {stream} AND ts >= '{from_iso}' AND ts < '{to_iso}' GROUP BY 1 ORDER BY 1"
    );
    let by_sql = rows(&Value::Array(client.sql(&sql).await), "ts", "mean");
    let query = "query($s: Int, $from: DateTime, $to: DateTime, $step: Duration) { stream(rowId: $s) { statistics(from: $from, to: $to, step: $step) { ts mean } } }";
    let variables = json!({"s": stream, "from": from_iso, "to": to_iso, "step": format!("PT{minutes}M")});
    let by_graph = rows(&data(client, query, variables).await["stream"]["statistics"], "ts", "mean");
    let path = format!("/api/data/{stream}/statistic/?from={from_iso}&to={}&step=PT{minutes}M", iso(to - 1));
    let list = client.get(&path).await.ok();
    [by_sql, by_graph, rows(&list, "timestamp", "mean")]
}

fn check(name: &str, [sql, graph, rest]: [Rows; 3]) -> usize {
    for (other, rows) in [("graph", &graph), ("REST", &rest)] {
        assert_eq!(rows.len(), sql.len(), "{name}: {other} has other rows\n{rows:?}\n{sql:?}");
        for (got, expected) in rows.iter().zip(&sql) {
            let is_near = (got.1 - expected.1).abs() <= 1e-9 * expected.1.abs().max(1.0);
            assert!(got.0 == expected.0 && is_near, "{name}: {other} has {got:?}, SQL {expected:?}");
        }
    }
    sql.len()
}

#[tokio::test]
async fn two_hundred_questions_have_one_answer_each() {
    let mut rng = StdRng::seed_from_u64(5);
    let (server, client) = Server::with_client(&[]).await;
    let (_, streams) =
        plant(&client, "d", &[("a", "fp64"), ("b", "fp64"), ("c", "fp64"), ("d", "fp64")]).await;
    let mut csv = "stream_id,ts,value\n".to_owned();
    for stream in &streams {
        for second in (0..SPAN).step_by(20) {
            if rng.random_bool(0.8) {
                let value = rng.random_range(-5000..5000) as f64 / 16.0;
                csv.push_str(&format!("{stream},{},{value}\n", iso(START + second)));
            }
        }
    }
    client.ingest("text/csv", csv).await.ok();
    let limited = server.client_with(&["--data", &streams[1].to_string()]).await;
    let mut answered = 0;
    for number in 0..QUESTIONS {
        if number == QUESTIONS / 2 {
            // Half of them are asked of memory, half of files and statistics.
            server.basalt(&["compact"]).await.expect_success();
            let late = format!("stream_id,ts,value\n{},{},{}\n", streams[1], iso(START + 600), 7.25);
            client.ingest("text/csv", late).await.ok();
        }
        let is_limited = number % 3 == 0;
        let (who, stream) = if is_limited { (&limited, streams[1]) } else { (&client, streams[number % 4]) };
        let from = START + rng.random_range(0..SPAN / 60) * 60;
        let to = from + rng.random_range(1..180) * 60;
        let name = format!("question {number}: stream {stream} from {} to {}", iso(from), iso(to));
        answered += if rng.random_bool(0.5) {
            check(&name, raw(who, stream, from, to, rng.random_range(1..2000)).await)
        } else {
            let minutes = [1, 5, 15, 60][rng.random_range(0..4)];
            check(&name, means(who, stream, from, to, minutes).await)
        };
    }
    assert!(answered > 5000, "{answered} rows: the questions are about something");
    let seen = limited.sql("SELECT DISTINCT stream_id FROM readings").await;
    assert_eq!(seen, [json!({"stream_id": streams[1]})]);
    let query = "{ streams { totalCount nodes { rowId } } latestValues { streamRowId } }";
    let shown = data(&limited, query, json!({})).await;
    let expected = json!({"streams": {"totalCount": 1, "nodes": [{"rowId": streams[1]}]}, "latestValues": [{"streamRowId": streams[1]}]});
    assert_eq!(shown, expected);
}
