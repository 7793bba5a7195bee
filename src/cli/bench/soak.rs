//! `basalt bench soak`: writes at a steady rate and queries at the same time, with all background work running.
//!
//! It fails on an error answer, on a missing row, or if memory grew between the second and the last quarter. It
//! reports latency of acknowledgements, and of queries beside that of the idle server, without a limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::args;
use super::bulk::{self, IngestFormat, WRITERS, Workload};
use super::dataset::{Dataset, DatasetSpec};
use super::generator::{self, SignalGenerator};
use super::latencies::{Latencies, format_number};
use super::query_load::{self, QueryClient};
use super::server::{BenchDir, BenchServer};
use super::{disk, note, queries};
use crate::cli::print;
use crate::domain::{Error, Result, StreamId};

/// Queries that run in rotation.
const SOAK_QUERIES: [&str; 6] = ["q1", "q2", "q3", "q4", "q6", "q10"];
/// Pause between two queries.
const THINK_TIME: Duration = Duration::from_millis(100);
const IDLE_RUNS: usize = 20;
/// How long full speed is measured.
const CALIBRATION_TIME: Duration = Duration::from_secs(30);
/// Batches of each part of the plant written before the first query.
const FIRST_BATCHES: usize = 10;
const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);
/// Minimum number of memory samples (one per second): before that, caches and buffers are still filling.
const MIN_MEMORY_SAMPLES: usize = 600;
/// Maximum time left to the server before it counts as idle.
const MAX_SETTLE_TIME: Duration = Duration::from_secs(60);

/// The plant to write, and how far the writers are.
struct SoakWriter {
    workload: Workload,
    next: AtomicUsize,
    rows: AtomicUsize,
    refused: AtomicUsize,
}

/// Writes and queries for a while, and prints rates, latencies and memory before it fails on any of them.
pub async fn run(args: &args::Soak) -> Result<()> {
    let mut server = BenchServer::start(BenchDir::new_empty(args.data_dir.as_deref())?, Vec::new()).await?;
    let streams = server.create_streams(args.streams).await?;
    let plant = DatasetSpec {
        seed: 0,
        streams: streams.len(),
        devices: 1,
        start: generator::START_MICROS,
        seconds: 1,
        has_year: false,
    };
    let plant = Dataset { plant, streams: streams.clone(), year_stream: None };
    let feed = Arc::new(SoakWriter::new(streams));
    let rate = match args.rate {
        Some(rate) => rate as f64,
        None => calibrate(&server, &feed).await? * args.share as f64 / 100.0,
    };
    let first = FIRST_BATCHES * feed.workload.batches_per_tick();
    feed.write(&server, None, WriteUntil::Batch(feed.next.load(Ordering::Relaxed) + first)).await?;
    let client = QueryClient::new(&server, &plant);

    note(&format!("{rate:.0} rows/s for {} s", args.seconds));
    feed.refused.store(0, Ordering::Relaxed);
    let before = feed.rows.load(Ordering::Relaxed);
    let stop = Arc::new(AtomicBool::new(false));
    let asking = spawn_query_load(client.clone(), feed.clone(), stop.clone());
    let time = Duration::from_secs(args.seconds);
    let started = Instant::now();
    let writing = feed.write(&server, Some(rate), WriteUntil::Time(started + time));
    let sampling = sample_memory(&server, started + time);
    let (written, memory) = tokio::join!(writing, sampling);
    let took = started.elapsed();
    stop.store(true, Ordering::Relaxed);
    let query_load = asking.await.map_err(|e| Error::internal("the client ended early").with_source(e))?;
    let acknowledged = written?;
    // The same queries over the same rows, once background work has caught up.
    tokio::time::sleep(MAX_SETTLE_TIME.min(time / 10)).await;
    let idle = measure_idle(&client, &feed).await?;

    let rows = feed.rows.load(Ordering::Relaxed);
    let reached = (rows - before) as f64 / took.as_secs_f64();
    print::line(&format!("{reached:.0} rows/s of {rate:.0} wanted, {rows} rows in all"))?;
    print_acknowledgements(&acknowledged)?;
    print_latencies(&idle, &query_load.latencies)?;
    let refused = feed.refused.load(Ordering::Relaxed);
    print::line(&format!(
        "batches refused for a moment: {refused}; failed questions: {}",
        query_load.errors.len()
    ))?;
    let grew = print_memory(&memory, server.peak_memory_bytes())?;
    let found = server.count().await?;
    print::line(&format!("rows found: {found} of {rows}"))?;
    // A restart removes files that were merged away.
    server.restart().await?;
    print::line(&format!("lake: {:.2} B/row", disk::lake_bytes(server.dir())? as f64 / rows as f64))?;
    server.stop().await?;
    check_results(refused, &query_load.errors, found == rows, grew)
}

fn check_results(refused: usize, errors: &[String], is_whole: bool, grew: bool) -> Result<()> {
    let mut wrong = Vec::new();
    if refused > 0 {
        wrong.push(format!("{refused} batches were refused"));
    }
    if let Some(first) = errors.first() {
        wrong.push(format!("{} questions failed, the first: {first}", errors.len()));
    }
    if !is_whole {
        wrong.push("rows are missing or too many".to_owned());
    }
    if grew {
        wrong.push("memory grew".to_owned());
    }
    if wrong.is_empty() { Ok(()) } else { Err(Error::internal(wrong.join("; "))) }
}

/// Returns the rate of full speed, measured for long enough that the flusher has to keep up.
async fn calibrate(server: &BenchServer, feed: &Arc<SoakWriter>) -> Result<f64> {
    note(&format!("full speed for {} s", CALIBRATION_TIME.as_secs()));
    let started = Instant::now();
    feed.write(server, None, WriteUntil::Time(started + CALIBRATION_TIME)).await?;
    let top = feed.rows.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64();
    print::line(&format!("full speed: {top:.0} rows/s"))?;
    Ok(top)
}

#[derive(Clone, Copy)]
enum WriteUntil {
    Time(Instant),
    Batch(usize),
}

impl SoakWriter {
    /// Creates a writer of more ticks than any soak reaches.
    fn new(streams: Vec<StreamId>) -> SoakWriter {
        let signals = SignalGenerator::with_seed(0);
        let workload = Workload { signals, streams: streams.into(), ticks: usize::MAX >> 16 };
        let [next, rows, refused] = [0, 0, 0].map(AtomicUsize::new);
        SoakWriter { workload, next, rows, refused }
    }

    /// Returns the seconds of the plant that are written completely; the writers' current batches may be in flight.
    fn seconds(&self) -> usize {
        let batches = self.next.load(Ordering::Relaxed).saturating_sub(WRITERS);
        self.workload.ticks_of(batches).max(1)
    }

    /// Takes the number of the next batch if it is to be written now. One that is not stays for the next call of `write`: a batch that
    /// nobody writes would be a gap in the plant, longer than the ranges of the queries.
    fn take_batch(&self, is_due: impl Fn(usize) -> bool) -> Option<usize> {
        let next = |number| is_due(number).then_some(number + 1);
        self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).ok()
    }

    /// Continues to write, at full speed or at a rate; returns the time of each batch from sending it to its acknowledgement.
    async fn write(
        self: &Arc<Self>,
        server: &BenchServer,
        rate: Option<f64>,
        stop: WriteUntil,
    ) -> Result<Latencies> {
        let (started, first) = (Instant::now(), self.next.load(Ordering::Relaxed));
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                let (feed, request) = (self.clone(), bulk::request(server, IngestFormat::Arrow));
                let rows = self.workload.rows_per_batch();
                let due = move |number: usize| {
                    let after = rate.map_or(0.0, |rate| ((number - first) * rows) as f64 / rate);
                    started + Duration::from_secs_f64(after)
                };
                tokio::spawn(async move { feed.write_batches(&request, due, stop).await })
            })
            .collect();
        let mut all = Latencies::default();
        for writer in writers {
            let ended = writer.await.map_err(|e| Error::internal("a writer ended early").with_source(e))?;
            all.extend([ended?]);
        }
        Ok(all)
    }

    async fn write_batches(
        &self,
        request: &reqwest::RequestBuilder,
        due: impl Fn(usize) -> Instant,
        stop: WriteUntil,
    ) -> Result<Latencies> {
        let mut latencies = Latencies::default();
        let is_due = |number| match stop {
            WriteUntil::Time(end) => due(number).max(Instant::now()) < end,
            WriteUntil::Batch(last) => number < last,
        };
        while let Some(number) = self.take_batch(is_due) {
            let rows = self.workload.batch(number);
            let body = bulk::encode(IngestFormat::Arrow, &rows);
            tokio::time::sleep_until(due(number).into()).await;
            let sent = Instant::now();
            while !bulk::try_post(request, body.clone()).await? {
                self.refused.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            latencies.add(sent.elapsed());
            self.rows.fetch_add(rows.len(), Ordering::Relaxed);
        }
        Ok(latencies)
    }
}

type QueryLatencies = Vec<(&'static str, Latencies)>;

struct QueryLoadResult {
    latencies: QueryLatencies,
    errors: Vec<String>,
}

async fn measure_idle(client: &QueryClient, feed: &Arc<SoakWriter>) -> Result<QueryLatencies> {
    let (mut client, seconds) = (client.clone(), feed.seconds());
    query_load::run_blocking(move || {
        client.set_seconds(seconds);
        let hot = |id| client.run_hot(queries::by_id(id), IDLE_RUNS).map(|latencies| (id, latencies));
        SOAK_QUERIES.into_iter().map(hot).collect()
    })
    .await
}

/// Runs the queries in rotation until stopped. Keeps an error answer and continues with the next query.
fn spawn_query_load(
    mut client: QueryClient,
    feed: Arc<SoakWriter>,
    stop: Arc<AtomicBool>,
) -> tokio::task::JoinHandle<QueryLoadResult> {
    tokio::task::spawn_blocking(move || {
        let latencies = SOAK_QUERIES.map(|id| (id, Latencies::default())).into();
        let mut query_load = QueryLoadResult { latencies, errors: Vec::new() };
        let mut to = client.connect();
        for round in 0.. {
            for (id, latencies) in &mut query_load.latencies {
                if stop.load(Ordering::Relaxed) {
                    return query_load;
                }
                client.set_seconds(feed.seconds());
                let answer = match &mut to {
                    Ok(to) => client.run_query(to, queries::by_id(id), round),
                    Err(e) => Err(Error::unavailable(e.message.clone())),
                };
                match answer {
                    Ok((took, _)) => latencies.add(took),
                    Err(e) => {
                        query_load.errors.push(e.message);
                        to = client.connect();
                    }
                }
                std::thread::sleep(THINK_TIME);
            }
        }
        query_load
    })
}

async fn sample_memory(server: &BenchServer, until: Instant) -> Vec<u64> {
    let mut samples = Vec::new();
    while Instant::now() < until {
        samples.extend(server.memory_bytes());
        tokio::time::sleep(SAMPLE_INTERVAL).await;
    }
    samples
}

fn print_acknowledgements(batches: &Latencies) -> Result<()> {
    let [p50, p99, most] = [0.5, 0.99, 1.0].map(|share| format_number(batches.quantile_ms(share)));
    let count = batches.count();
    print::line(&format!("acknowledgements of {count} batches, ms: p50 {p50}, p99 {p99}, slowest {most}"))
}

fn print_latencies(idle: &QueryLatencies, busy: &QueryLatencies) -> Result<()> {
    let rows: Vec<_> = idle
        .iter()
        .zip(busy)
        .map(|((id, idle), (_, busy))| {
            let times = busy.quantile_ms(0.99) / idle.quantile_ms(0.5).max(f64::MIN_POSITIVE);
            let (alone, p50, p99) = (
                format_number(idle.quantile_ms(0.5)),
                format_number(busy.quantile_ms(0.5)),
                format_number(busy.quantile_ms(0.99)),
            );
            [id.to_uppercase(), busy.count().to_string(), alone, p50, p99, format!("{times:.1}")]
        })
        .collect();
    print::table(["QUESTION", "ASKED", "IDLE P50 ms", "P50 ms", "P99 ms", "P99 / IDLE P50"], &rows)
}

/// Prints the memory figures; returns whether the last quarter is above the second.
fn print_memory(samples: &[u64], peak: Option<u64>) -> Result<bool> {
    if samples.len() < MIN_MEMORY_SAMPLES {
        print::line(&format!("memory: {}, too short to judge", disk::format_mebibytes(peak)))?;
        return Ok(false);
    }
    let quarter = samples.len() / 4;
    let (second, last) = (median(&samples[quarter..2 * quarter]), median(&samples[3 * quarter..]));
    print::line(&format!(
        "resident memory, median: second quarter {}, last {}, peak {}",
        disk::format_mebibytes(Some(second)),
        disk::format_mebibytes(Some(last)),
        disk::format_mebibytes(peak),
    ))?;
    Ok(has_grown(second, last))
}

/// Whether memory grew by more than allocators and the timing of a flush explain.
fn has_grown(second: u64, last: u64) -> bool {
    last > second + second / 8 + (32 << 20)
}

fn median(samples: &[u64]) -> u64 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
#[path = "soak_tests.rs"]
mod tests;
