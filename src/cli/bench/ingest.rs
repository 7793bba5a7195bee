//! `basalt bench ingest`: every figure over HTTP on loopback, with every write fsynced before its answer.

use std::time::Duration;

use super::args;
use super::bulk::{self, Form, Stretch};
use super::disk;
use super::server::{Dir, Server};
use super::signals::{self, Signals};
use super::single;
use crate::cli::print;
use crate::domain::Result;

/// Streams of the measured plant, each at 1 Hz.
const STREAMS: usize = 100;

/// Runs every measurement and prints one line each.
pub async fn run(args: &args::Ingest) -> Result<()> {
    let mut server = Server::start(Dir::empty(args.data_dir.as_deref())?, Vec::new()).await?;
    let streams = server.create_streams(STREAMS).await?;
    print::line(&format!("server of {} streams in {}", streams.len(), server.dir().display()))?;

    let ticks = args.rows.div_ceil(STREAMS);
    let arrow = Stretch { signals: Signals::of(0), streams: streams.clone().into(), ticks };
    // Days of its own, so that it overwrites nothing.
    let later = Signals { start: signals::START + 30 * 86_400 * signals::SECOND, ..Signals::of(0) };
    let ndjson = Stretch { signals: later, ticks: ticks.div_ceil(8), ..arrow.clone() };
    for (name, form, stretch) in [("Arrow", Form::Arrow, &arrow), ("NDJSON", Form::Ndjson, &ndjson)] {
        let took = bulk::write_encoded(&server, stretch, form).await?.as_secs_f64();
        let (rows, writers) = (stretch.rows(), bulk::WRITERS);
        print::line(&format!(
            "{name} ingest, 10 k-row batches, {writers} writers: {:.0} rows/s ({rows} rows in {took:.2} s)",
            rows as f64 / took,
        ))?;
    }
    let single = single::run(&server, &streams, Duration::from_secs(args.seconds)).await?;
    print::line(&format!(
        "single values, {} connections: {:.0} posts/s (p50 {:.2} ms, p99 {:.2} ms)",
        single::CONNECTIONS,
        single.latencies.count() as f64 / single.took.as_secs_f64(),
        single.latencies.ms(0.5),
        single.latencies.ms(0.99),
    ))?;
    server.stop().await?;
    let bytes = disk::lake_bytes(server.dir())?;
    let rows = arrow.rows() + ndjson.rows() + single.latencies.count();
    print::line(&format!("lake: {:.2} B/row ({bytes} bytes for {rows} rows)", bytes as f64 / rows as f64))?;
    print::line(&format!("server's peak resident memory: {}", disk::mebibytes(server.peak_memory_bytes())))
}
