//! `basalt bench ingest`: measures writes over HTTP on loopback, each fsynced before its answer.

use std::time::Duration;

use super::args;
use super::bulk::{self, IngestFormat, Workload};
use super::disk;
use super::generator::{self, SignalGenerator};
use super::point_writes;
use super::server::{BenchDir, BenchServer};
use crate::cli::print;
use crate::domain::Result;

/// Streams of the measured plant, each at 1 Hz.
const STREAMS: usize = 100;

/// Runs every measurement and prints one line each.
pub async fn run(args: &args::Ingest) -> Result<()> {
    let mut server = BenchServer::start(BenchDir::new_empty(args.data_dir.as_deref())?, Vec::new()).await?;
    let streams = server.create_streams(STREAMS).await?;
    print::line(&format!("server of {} streams in {}", streams.len(), server.dir().display()))?;

    let ticks = args.rows.div_ceil(STREAMS);
    let arrow = Workload { signals: SignalGenerator::with_seed(0), streams: streams.clone().into(), ticks };
    // Other days, so that it overwrites nothing.
    let later = SignalGenerator {
        start: generator::START_MICROS + 30 * 86_400 * generator::SECOND_MICROS,
        ..SignalGenerator::with_seed(0)
    };
    let ndjson = Workload { signals: later, ticks: ticks.div_ceil(8), ..arrow.clone() };
    for (name, form, workload) in
        [("Arrow", IngestFormat::Arrow, &arrow), ("NDJSON", IngestFormat::Ndjson, &ndjson)]
    {
        let took = bulk::write_encoded(&server, workload, form).await?.as_secs_f64();
        let (rows, writers) = (workload.rows(), bulk::WRITERS);
        print::line(&format!(
            "{name} ingest, 10 k-row batches, {writers} writers: {:.0} rows/s ({rows} rows in {took:.2} s)",
            rows as f64 / took,
        ))?;
    }
    let single = point_writes::run(&server, &streams, Duration::from_secs(args.seconds)).await?;
    print::line(&format!(
        "single values, {} connections: {:.0} posts/s (p50 {:.2} ms, p99 {:.2} ms)",
        point_writes::CONNECTIONS,
        single.latencies.count() as f64 / single.took.as_secs_f64(),
        single.latencies.quantile_ms(0.5),
        single.latencies.quantile_ms(0.99),
    ))?;
    server.stop().await?;
    let bytes = disk::lake_bytes(server.dir())?;
    let rows = arrow.rows() + ndjson.rows() + single.latencies.count();
    print::line(&format!("lake: {:.2} B/row ({bytes} bytes for {rows} rows)", bytes as f64 / rows as f64))?;
    print::line(&format!(
        "server's peak resident memory: {}",
        disk::format_mebibytes(server.peak_memory_bytes())
    ))
}
