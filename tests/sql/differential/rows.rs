//! The rows that both servers have: three streams over two days in spring and two in autumn, around changes of the clocks.

use basalt::domain::Micros;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::json;

use crate::graphql;
use crate::support::Client;

const MINUTE: i64 = 60_000_000;
/// 2024-03-30T12:00:00Z and 2024-10-26T22:00:00Z, in microseconds.
const STARTS: [i64; 2] = [1_711_800_000_000_000, 1_729_980_000_000_000];
const WORDS: [&str; 6] = ["RUN", "STOP", "run", "", "C:\\dir", "a_b%"];
/// The streams by id: name, unit, type.
const STREAMS: [(&str, &str, &str); 4] =
    [("speed", "rpm", "fp64"), ("state", "", "fp64"), ("mode", "rpm", "text"), ("idle", "C", "fp64")];

/// A reading as it is sent.
pub struct Row {
    stream: i64,
    ts: Micros,
    value: Option<f64>,
    text: Option<&'static str>,
    quality: &'static str,
}

/// Makes so many readings of each stream but the last, which has none.
pub fn readings(count: i64) -> Vec<Row> {
    let mut rng = StdRng::seed_from_u64(5);
    let mut rows = Vec::new();
    for stream in 1..=3 {
        for place in 0..count {
            let start = STARTS[usize::from(place % 4 == 0)];
            let step = if stream == 2 { 15 } else { 10 };
            let within = [0, 0, 0, 500_000, 999_999, 1].choose(&mut rng).expect("fractions of a second");
            let ts = Micros(start + place * step * MINUTE + if stream == 3 { 0 } else { *within });
            let quality =
                ["good", "good", "good", "good", "uncertain", "bad"].choose(&mut rng).expect("qualities");
            let value = match stream {
                _ if rng.random_bool(0.1) => [-0.0, 0.0][usize::from(rng.random_bool(0.5))],
                1 => f64::from(rng.random_range(-40..160_i32)) / 4.0,
                _ => f64::from(rng.random_range(0..6_i32)),
            };
            let text = WORDS.choose(&mut rng).copied();
            let is_text = stream == 3;
            let is_bad = *quality == "bad";
            rows.push(Row {
                stream,
                ts,
                value: Some(value).filter(|_| !is_text && !is_bad),
                text: text.filter(|_| is_text && !is_bad),
                quality,
            });
        }
    }
    rows
}

/// Creates the streams on an empty server and writes the rows.
pub async fn write(client: &Client, rows: &[Row]) {
    let named: Vec<(&str, &str)> = STREAMS.iter().map(|(name, _, kind)| (*name, *kind)).collect();
    let (_, ids) = graphql::plant(client, "press", &named).await;
    assert_eq!(ids, [1, 2, 3, 4]);
    for (id, (_, unit, _)) in ids.iter().zip(STREAMS) {
        client.patch(&format!("/api/data/{id}/"), &json!({ "unit": unit })).await.ok();
    }
    let line = |row: &Row| {
        let mut line = json!({"stream_id": row.stream, "ts": row.ts.to_string(), "quality": row.quality});
        if let Some(value) = row.value {
            line["value"] = json!(value);
        }
        if let Some(text) = row.text {
            line["text"] = json!(text);
        }
        format!("{line}\n")
    };
    let body: String = rows.iter().map(line).collect();
    client.ingest("application/x-ndjson", body).await.is(200, &json!({ "rows": rows.len() }));
}

/// The script that makes the same of an empty database of PostgreSQL.
pub fn script(rows: &[Row]) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let row = |row: &Row| {
        let value = row.value.map_or("NULL".to_owned(), |value| format!("'{value}'"));
        let text = row.text.map_or("NULL".to_owned(), quoted);
        format!("({}, '{}', {value}, {text}, '{}')", row.stream, row.ts, row.quality)
    };
    let rows: Vec<String> = rows.iter().map(row).collect();
    let streams: Vec<String> =
        STREAMS.iter().zip(1..).map(|((name, unit, _), id)| format!("({id}, '{name}', '{unit}')")).collect();
    format!(
        "SET timezone = 'UTC';
        CREATE TABLE readings (stream_id int, ts timestamptz, value float8, text text, quality text);
        CREATE TABLE streams (id int, name text, unit text);
        INSERT INTO streams VALUES {};
        INSERT INTO readings VALUES {};
        CREATE TABLE latest AS SELECT DISTINCT ON (stream_id) * FROM readings ORDER BY stream_id, ts DESC;
        CREATE FUNCTION time_bucket(step interval, at timestamptz) RETURNS timestamptz
            RETURN date_bin(step, at, '2000-01-03 00:00:00+00');",
        streams.join(", "),
        rows.join(", ")
    )
}
