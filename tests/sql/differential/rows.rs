//! The rows that both servers have: three streams over some days in spring and some in autumn, around changes of the clocks.

use basalt::domain::Micros;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::json;

use crate::graphql;
use crate::support::{Client, Server};

const MINUTE: i64 = 60_000_000;
/// 2024-03-30T12:00:00Z and 2024-10-26T22:00:00Z, in microseconds: the first readings of spring and of autumn.
pub const STARTS: [i64; 2] = [1_711_800_000_000_000, 1_729_980_000_000_000];
/// Number of readings of a stream above which they lie closer together, so that none is of a time to come.
const MANY_READINGS: i64 = 10_000;
/// Number of rows that one request or INSERT has at most.
const CHUNK_ROWS: usize = 20_000;
/// Of so many readings of a stream one comes late.
const LATE_STRIDE: i64 = 40;
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
    /// Whether it comes when the statistics of the others have been computed. The newest of each stream do: `latest` has what came
    /// last.
    is_late: bool,
}

/// Makes so many readings of each stream but the last, which has none.
pub fn readings(count: i64) -> Vec<Row> {
    let mut rng = StdRng::seed_from_u64(5);
    let mut rows = Vec::new();
    let unit = if count > MANY_READINGS { MINUTE / 3 } else { MINUTE };
    for stream in 1..=3 {
        for place in 0..count {
            let start = STARTS[usize::from(place % 4 == 0)];
            let is_newest = place % 4 == 0 && place + 4 >= count;
            let step = if stream == 2 { 15 } else { 10 };
            let within = [0, 0, 0, 500_000, 999_999, 1].choose(&mut rng).expect("fractions of a second");
            let ts = Micros(start + place * step * unit + if stream == 3 { 0 } else { *within });
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
                is_late: is_newest || place % LATE_STRIDE == LATE_STRIDE - 1,
            });
        }
    }
    rows
}

/// Creates the streams on an empty server and writes the rows. With `is_computed` most of them are in files and have statistics
/// when the others come.
pub async fn write(server: &Server, rows: &[Row], is_computed: bool) {
    let client = server.client();
    create_streams(&client).await;
    let (late, early): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.is_late || !is_computed);
    for chunk in early.chunks(CHUNK_ROWS) {
        send(&client, chunk).await;
    }
    if is_computed {
        server.basalt(&["compact"]).await.expect_success();
    }
    // By one request: of it, `latest` has the newest.
    send(&client, &late).await;
}

async fn create_streams(client: &Client) {
    let named: Vec<(&str, &str)> = STREAMS.iter().map(|(name, _, kind)| (*name, *kind)).collect();
    let (_, ids) = graphql::plant(client, "press", &named).await;
    assert_eq!(ids, [1, 2, 3, 4]);
    for (id, (_, unit, _)) in ids.iter().zip(STREAMS) {
        client.patch(&format!("/api/data/{id}/"), &json!({ "unit": unit })).await.ok();
    }
}

async fn send(client: &Client, rows: &[&Row]) {
    let line = |row: &&Row| {
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
    let insert = |some: &[String]| format!("INSERT INTO readings VALUES {};\n", some.join(", "));
    let inserts: String = rows.chunks(CHUNK_ROWS).map(insert).collect();
    let streams: Vec<String> =
        STREAMS.iter().zip(1..).map(|((name, unit, _), id)| format!("({id}, '{name}', '{unit}')")).collect();
    format!(
        "SET timezone = 'UTC';
        CREATE TABLE readings (stream_id int, ts timestamptz, value float8, text text, quality text);
        CREATE TABLE streams (id int, name text, unit text);
        INSERT INTO streams VALUES {};
        {inserts}
        CREATE TABLE latest AS SELECT DISTINCT ON (stream_id) * FROM readings ORDER BY stream_id, ts DESC;
        CREATE FUNCTION time_bucket(step interval, at timestamptz) RETURNS timestamptz
            RETURN date_bin(step, at, '2000-01-03 00:00:00+00');",
        streams.join(", ")
    )
}

/// Has the server write its statistics. PostgreSQL is given these: what is asked of them is compared, not how they are computed.
pub const COPY_STATISTICS: &str = "COPY (SELECT stream_id, ts, window_s, count, mean, rms, median, min, max, q1, q3, origin FROM statistics) \
     TO STDOUT;\n";

/// The script that makes PostgreSQL's table of copied statistics.
pub fn statistics_script(copied: &str) -> String {
    format!(
        "SET timezone = 'UTC';
        CREATE TABLE statistics (stream_id int, ts timestamptz, window_s int, count bigint, mean float8, rms float8,
            median float8, min float8, max float8, q1 float8, q3 float8, origin text);
        COPY statistics FROM STDIN;\n{copied}\\.\n"
    )
}
