//! `basalt bench senders`: readings in the formats of other vendors' senders, over HTTP, each batch on disk before its
//! answer. The same load can be sent to another server, for comparison.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::{Client, RequestBuilder};

use super::args::SenderFormat;
use super::bulk::{self, WRITERS};
use super::latencies::Latencies;
use super::server::{BenchDir, BenchServer};
use super::{args, disk};
use crate::cli::print;
use crate::domain::{Error, Result, StreamId};

/// Number of series, each at 1 Hz.
const SERIES: i32 = 100;
/// Readings of a request. By default Telegraf sends 1,000 and Prometheus 2,000 at most; large installations configure 5,000.
const BATCH_ROWS: usize = 5_000;
/// Delay before a batch is sent again that the server had no room for.
const RETRY_DELAY: Duration = Duration::from_millis(200);

/// Encoded requests and where they go.
struct Load {
    request: RequestBuilder,
    bodies: Vec<Bytes>,
}

/// Sends the load once, then checks that the server has every reading.
pub async fn run(args: &args::Senders) -> Result<()> {
    let rows = args.rows.next_multiple_of(BATCH_ROWS);
    let bodies = encode_bodies(args.format, rows);
    let Some(address) = &args.address else { return measure_own_server(args, rows, bodies).await };
    let client = Client::builder().no_proxy().build();
    let client = client.map_err(|e| Error::internal("an HTTP client cannot be made").with_source(e))?;
    let request = args.format.with_headers(client.post(address));
    report(args.format, rows, Load { request, bodies }).await
}

async fn measure_own_server(args: &args::Senders, rows: usize, bodies: Vec<Bytes>) -> Result<()> {
    let mut server = BenchServer::start(BenchDir::new_empty(args.data_dir.as_deref())?, Vec::new()).await?;
    let url = server.url(args.format.path());
    let request = server.client.post(url).header("Authorization", format!("Token {}", server.key));
    report(args.format, rows, Load { request: args.format.with_headers(request), bodies }).await?;
    let found = server.count().await?;
    if found != rows {
        return Err(Error::internal(format!("the server holds {found} readings of {rows} acknowledged")));
    }
    server.stop().await?;
    let peak = disk::format_mebibytes(server.peak_memory_bytes());
    print::line(&format!("readings found: {found}; server's peak resident memory: {peak}"))
}

async fn report(format: SenderFormat, rows: usize, load: Load) -> Result<()> {
    let (took, latencies) = send(load).await?;
    print::line(&format!(
        "{}, {BATCH_ROWS} readings a request, {WRITERS} writers: {:.0} rows/s ({rows} rows in {:.2} s; request p50 {:.2} ms, p99 {:.2} ms)",
        format.name(),
        rows as f64 / took.as_secs_f64(),
        took.as_secs_f64(),
        latencies.quantile_ms(0.5),
        latencies.quantile_ms(0.99),
    ))
}

/// Encodes all requests before the clock starts.
fn encode_bodies(format: SenderFormat, rows: usize) -> Vec<Bytes> {
    let (signals, series) = (format.signals(), (1..=SERIES).map(StreamId).collect::<Vec<_>>());
    let ticks_per_batch = BATCH_ROWS / series.len();
    let encode = |batch: usize| {
        let ticks = batch * ticks_per_batch..(batch + 1) * ticks_per_batch;
        format.encode(ticks.flat_map(|tick| signals.rows_at(&series, tick as u64)))
    };
    (0..rows / BATCH_ROWS).map(encode).collect()
}

/// Sends all requests from several writers; returns how long it took, and the latency of each request.
async fn send(load: Load) -> Result<(Duration, Latencies)> {
    let (load, next, started) = (Arc::new(load), Arc::new(AtomicUsize::new(0)), Instant::now());
    let write = |load: Arc<Load>, next: Arc<AtomicUsize>| async move {
        let mut latencies = Latencies::default();
        while let Some(body) = load.bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
            let sent = Instant::now();
            while !bulk::try_post(&load.request, body.clone()).await? {
                tokio::time::sleep(RETRY_DELAY).await;
            }
            latencies.add(sent.elapsed());
        }
        Ok::<_, Error>(latencies)
    };
    let writers: Vec<_> = (0..WRITERS).map(|_| tokio::spawn(write(load.clone(), next.clone()))).collect();
    let mut latencies = Latencies::default();
    for writer in writers {
        let one = writer.await.map_err(|e| Error::internal("a writer ended early").with_source(e))??;
        latencies.extend([one]);
    }
    Ok((started.elapsed(), latencies))
}
