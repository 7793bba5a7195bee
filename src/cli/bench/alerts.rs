//! `basalt bench alerts`: a rule on each of many streams at 1 Hz. Every alert has to be there; latency is from the
//! acknowledgement of the reading that raises it until the alert is stored.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::args;
use super::disk::format_mebibytes;
use super::latencies::{Latencies, format_number};
use super::note;
use super::resource_usage::ResourceUsage;
use super::server::{BenchDir, BenchServer};
use crate::cli::print;
use crate::domain::time::{Clock, SystemClock};
use crate::domain::{Error, Micros, Result, StreamId};

/// Writes per second, between which the streams are divided.
const WRITES_PER_SECOND: usize = 20;
/// Limit of every rule.
const THRESHOLD: f64 = 500.0;
/// Alerts read at once.
const PAGE: usize = 1000;
/// Attempts to find every alert, a tenth of a second apart.
const ATTEMPTS: usize = 100;

/// Writes without rules and then with them, and prints the latency of the alerts and the cost of the rules.
pub async fn run(args: &args::Alerts) -> Result<()> {
    let settings = vec![("BASALT_MK__RATE", "1000000/s".to_owned())];
    let mut server = BenchServer::start(BenchDir::new_empty(args.data_dir.as_deref())?, settings).await?;
    let streams = server.create_streams(args.rules).await?;
    let time = Duration::from_secs(args.seconds);
    note("writing without rules");
    let (alone, _) = ResourceUsage::measure(&server, write(&server, &streams, time)).await?;
    note(&format!("creating {} rules", args.rules));
    let (_, key) = server.create_client("mk").await?;
    create_rules(&server, &key).await?;
    note("writing with a rule on each stream");
    let (used, acknowledged) = ResourceUsage::measure(&server, write(&server, &streams, time)).await?;
    let latencies = find_alerts(&server, &key, &acknowledged).await?;
    print::line(&format!(
        "{} rules, {} readings/s for {} s: {} alerts, none missing and none twice",
        args.rules,
        args.rules,
        args.seconds,
        latencies.count()
    ))?;
    print::line(&format!(
        "from the acknowledgement of a reading to its stored alert: p50 {} ms, p99 {} ms, slowest {} ms",
        format_number(latencies.quantile_ms(0.5)),
        format_number(latencies.quantile_ms(0.99)),
        format_number(latencies.quantile_ms(1.0)),
    ))?;
    print::line(&format!(
        "server: {} of a core with rules, {} without; {} resident with rules, {} without",
        used.percent(),
        alone.percent(),
        format_mebibytes(used.memory_bytes),
        format_mebibytes(alone.memory_bytes)
    ))?;
    server.stop().await
}

/// Writes a value to each stream once a second. Of each write the first stream is over the limit in every other second.
/// Returns the time of each write that raises an alert, with the time at which it was acknowledged.
async fn write(
    server: &BenchServer,
    streams: &[StreamId],
    time: Duration,
) -> Result<BTreeMap<Micros, Micros>> {
    let each = streams.len().div_ceil(WRITES_PER_SECOND).max(1);
    let mut ticks = interval(Duration::from_secs(1) / WRITES_PER_SECOND as u32);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut acknowledged = BTreeMap::new();
    for second in 0..time.as_secs() {
        let is_over = second % 2 == 0;
        for some in streams.chunks(each) {
            ticks.tick().await;
            let now = SystemClock.now();
            let value = |nth: usize| if nth == 0 && is_over { 2.0 * THRESHOLD } else { THRESHOLD / 2.0 };
            let lines = some.iter().enumerate().map(|(nth, stream)| {
                json!({"stream_id": stream.0, "ts": now.to_iso(), "value": value(nth)}).to_string() + "\n"
            });
            ingest(server, lines.collect()).await?;
            if is_over {
                acknowledged.insert(now, SystemClock.now());
            }
        }
    }
    Ok(acknowledged)
}

async fn ingest(server: &BenchServer, body: String) -> Result<()> {
    let request = server.client.post(server.url("/ingest")).header("X-API-Key", &server.key);
    let request = request.header("Content-Type", "application/x-ndjson").body(body);
    let failed = |e: reqwest::Error| Error::unavailable("a write failed").with_source(e);
    let answer = request.send().await.map_err(failed)?.error_for_status().map_err(failed)?;
    // Reads the whole response, so that the connection is reused.
    answer.text().await.map_err(failed).map(drop)
}

async fn create_rules(server: &BenchServer, key: &str) -> Result<()> {
    let sensors = server.texts("SELECT uuid FROM streams ORDER BY id").await?;
    for (nth, sensor) in sensors.into_iter().enumerate() {
        let rule = json!({"name": format!("rule {nth}"), "sensorId": sensor, "operator": "GT",
            "threshold": THRESHOLD, "severity": "WARNING", "cooldownSeconds": 0, "autoResolve": true});
        let request = server.client.post(server.url("/api/v1/alert-rules")).bearer_auth(key).json(&rule);
        let failed = |e: reqwest::Error| Error::unavailable("a rule was refused").with_source(e);
        let answer = request.send().await.map_err(failed)?.error_for_status().map_err(failed)?;
        answer.bytes().await.map_err(failed)?;
    }
    Ok(())
}

/// Waits until every alert is there; fails when one is missing or there is another.
async fn find_alerts(
    server: &BenchServer,
    key: &str,
    acknowledged: &BTreeMap<Micros, Micros>,
) -> Result<Latencies> {
    let mut found = Vec::new();
    for _ in 0..ATTEMPTS {
        found = alerts(server, key).await?;
        if found.len() >= acknowledged.len() {
            break;
        }
        sleep(Duration::from_millis(100)).await;
    }
    let (mut latencies, mut left) = (Latencies::default(), acknowledged.clone());
    for (triggered, created) in found {
        let acked = left.remove(&triggered);
        let acked = acked.ok_or_else(|| Error::internal("an alert is there twice or without a reason"))?;
        latencies.add(Duration::from_micros(created.0.saturating_sub(acked.0).max(0).unsigned_abs()));
    }
    match left.len() {
        0 => Ok(latencies),
        missing => Err(Error::internal(format!("{missing} alerts are missing"))),
    }
}

/// The time of the reading and of the creation of every alert.
async fn alerts(server: &BenchServer, key: &str) -> Result<Vec<(Micros, Micros)>> {
    let mut found = Vec::new();
    for page in 0.. {
        let path = format!("/api/v1/alerts?page={page}&size={PAGE}&sort=triggeredAt,asc");
        let request = server.client.get(server.url(&path)).bearer_auth(key);
        let failed = |e: reqwest::Error| Error::unavailable("alerts cannot be read").with_source(e);
        let answer: Value = request.send().await.map_err(failed)?.json().await.map_err(failed)?;
        let rows = answer["content"].as_array().cloned().unwrap_or_default();
        let time = |row: &Value, name: &str| row[name].as_str().and_then(Micros::parse);
        found.extend(rows.iter().filter_map(|row| time(row, "triggeredAt").zip(time(row, "createdAt"))));
        if rows.len() < PAGE {
            break;
        }
    }
    Ok(found)
}
