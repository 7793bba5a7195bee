//! `basalt bench`: measures this machine with a server of its own on a temporary directory.
//!
//! Server and load share the machine, as they would on a small plant computer; every figure is taken over HTTP on
//! loopback, with every write fsynced before its answer.

mod bulk;
mod server;
mod signals;
mod single;

use std::time::Duration;

use super::args;
use super::print;
use crate::domain::Result;
use bulk::Form;
use server::Server;

/// Streams of the measured plant, each at 1 Hz.
const STREAMS: usize = 100;

/// Runs every measurement and prints one line each.
pub async fn run(args: args::Bench) -> Result<()> {
    let server = Server::start(args.data_dir.as_deref()).await?;
    let streams = server.create_streams(STREAMS).await?;
    print::line(&format!("server of {} streams in {}", streams.len(), server.dir().display()))?;

    let seconds = args.rows.div_ceil(STREAMS);
    for (name, form, seconds) in [("Arrow", Form::Arrow, seconds), ("NDJSON", Form::Ndjson, seconds / 8)] {
        let done = bulk::run(&server, &streams, form, seconds).await?;
        print::line(&format!(
            "{name} ingest, 10 k-row batches, {} writers: {:.0} rows/s ({} rows in {:.2} s)",
            bulk::WRITERS,
            done.rows as f64 / done.took.as_secs_f64(),
            done.rows,
            done.took.as_secs_f64(),
        ))?;
    }
    let single = single::run(&server, &streams, Duration::from_secs(args.seconds)).await?;
    print::line(&format!(
        "single values, {} connections: {:.0} posts/s (p50 {:.2} ms, p99 {:.2} ms)",
        single::CONNECTIONS,
        single.posts as f64 / single.took.as_secs_f64(),
        single.p50_ms,
        single.p99_ms,
    ))?;
    let peak = server.peak_memory_bytes();
    let dir = server.stop().await?;
    let lake = lake_bytes(dir.path())?;
    let rows = (seconds + seconds / 8) * STREAMS + single.posts;
    print::line(&format!("lake: {:.2} B/row ({lake} bytes for {rows} rows)", lake as f64 / rows as f64))?;
    match peak {
        Some(bytes) => print::line(&format!("server's peak resident memory: {} MiB", bytes >> 20)),
        None => print::line("server's peak resident memory: not told by this system"),
    }
}

/// Bytes of all Parquet files under a data directory.
fn lake_bytes(dir: &std::path::Path) -> Result<u64> {
    let mut bytes = 0;
    let mut folders = vec![dir.join("lake")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(print::failed)? {
            let entry = entry.map_err(print::failed)?;
            let path = entry.path();
            if path.is_dir() {
                // The Delta log has Parquet checkpoints of its own.
                if !path.ends_with("_delta_log") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|e| e == "parquet") {
                bytes += entry.metadata().map_err(print::failed)?.len();
            }
        }
    }
    Ok(bytes)
}
