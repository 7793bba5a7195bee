//! The programs of examples/ run, and print what is there.

mod grafana;

use serde_json::json;

use crate::ingest::NDJSON;
use crate::rest::stream_of;
use crate::support::{Server, rows, run_example};

/// A server with two streams: a ramp of two hours, half of it written again, and a constant. All of it is in the lake.
async fn server() -> Server {
    let (server, client) = Server::with_client(&[("BASALT_FLIGHT_LISTEN", "127.0.0.1:0")]).await;
    let (_, ramp) = stream_of(&client, "ramp", "fp64").await;
    let (_, flat) = stream_of(&client, "flat", "fp64").await;
    let line = |stream: i64, minute: i64, value: f64| {
        let ts = 1_777_377_600 + 60 * minute;
        json!({"stream_id": stream, "ts": ts, "value": value}).to_string() + "\n"
    };
    let first = (0..120).map(|m| line(ramp, m, -1.0) + &line(flat, m, 20.5)).collect::<String>();
    let again = (0..120).map(|m| line(ramp, m, m as f64)).collect::<String>();
    for body in [first, again] {
        client.ingest(NDJSON, body).await.ok();
    }
    server.basalt(&["compact"]).await.expect_success();
    server
}

#[tokio::test]
async fn every_example_prints_what_the_server_has() {
    let server = server().await;
    let data_dir = server.data_dir.path().display().to_string();
    let flight = format!("grpc://{}", server.flight_address());
    let env = [
        ("BASALT_URL", server.url.as_str()),
        ("BASALT_KEY", &server.key),
        ("BASALT_DATA_DIR", &data_dir),
        ("BASALT_FLIGHT_URL", &flight),
    ];
    let rows: [(&str, &[&str]); 5] = rows![
        "polars_lake.py", &["29.5", "89.5", "20.5", "60"];
        "duckdb_lake.py", &["120  119.0  1777384740000", "120  20.5"];
        "graphql_python.py", &["ramp device (online)", "ramp: 119.0  (good, 2026-04-28T13:59:00Z)", "flat: 20.5"];
        "pandas_flight.py", &["flat  ramp", "2026-04-28 12:00:00+00:00  20.5  29.5"];
        "sql_arrow.py", &["value: double", "flat 2026-04-28 13:59:00+00:00   20.5", "119.0"];
    ];
    for (name, words) in rows {
        let output = run_example(name, &env).await;
        assert!(words.iter().all(|word| output.contains(word)), "{name} lacks one of {words:?}:\n{output}");
    }
}

#[test]
fn every_example_is_run_here_and_told_in_the_readme() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let (here, readme) = (include_str!("mod.rs"), include_str!("../../examples/README.md"));
    for entry in std::fs::read_dir(dir).expect("a directory") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        if name.ends_with(".py") {
            assert!(here.contains(&format!("\"{name}\"")), "{name} is not run");
            assert!(readme.contains(&format!("[{name}]({name})")), "{name} is not in the README");
        }
    }
}
