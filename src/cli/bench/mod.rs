//! `basalt bench`: measures this machine with a server of its own.
//!
//! Server and load share the machine, as they would on a small plant computer; everything goes over HTTP on loopback.

mod alerts;
pub mod args;
mod bulk;
mod collect;
mod dataset;
mod disk;
mod fleet;
mod generator;
mod graph;
mod growth;
mod http;
mod ingest;
mod latencies;
mod live;
mod mqtt;
mod point_writes;
mod process;
mod queries;
mod query_load;
mod rated_writer;
mod report;
mod resource_usage;
mod sender_format;
mod senders;
mod server;
mod soak;
mod subscription;
mod vendors;
mod ws_client;

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use super::print;
use crate::domain::time::{Clock, SystemClock};
use crate::domain::{Error, Result};
use args::{BenchSubcommand, SuiteArgs, SuitePhase};
use dataset::{DAY_SECONDS, Dataset, DatasetSpec};
use latencies::Latencies;
use query_load::QueryClient;
use report::{BenchReport, LoadReport, QueryReport};
use server::{BenchDir, BenchServer};

/// Queries that several clients run at once.
const CONCURRENT_QUERIES: [&str; 3] = ["q1", "q3", "q6"];
/// Number of starts of which the median is reported.
const START_RUNS: usize = 3;

/// Runs one measurement, or the suite of loading and queries when none is named.
pub async fn run(args: args::Bench) -> Result<()> {
    match args.part {
        None => run_suite(&args.all).await,
        Some(BenchSubcommand::Ingest(args)) => ingest::run(&args).await,
        Some(BenchSubcommand::Questions { data_dir, rounds }) => print_queries(&data_dir, rounds),
        Some(BenchSubcommand::Growth(args)) => growth::run(&args).await,
        Some(BenchSubcommand::Soak(args)) => soak::run(&args).await,
        Some(BenchSubcommand::Live(args)) => live::run(&args).await,
        Some(BenchSubcommand::Graph(args)) => graph::run(&args).await,
        Some(BenchSubcommand::Collect(args)) => collect::run(&args).await,
        Some(BenchSubcommand::Vendors(args)) => vendors::run(&args).await,
        Some(BenchSubcommand::Mqtt(args)) => mqtt::run(&args).await,
        Some(BenchSubcommand::Alerts(args)) => alerts::run(&args).await,
        Some(BenchSubcommand::Senders(args)) => senders::run(&args).await,
    }
}

/// Prints a progress remark, apart from the results.
fn note(text: &str) {
    eprintln!("bench: {text}");
}

async fn run_suite(args: &SuiteArgs) -> Result<()> {
    let dir = args.data_dir.as_deref();
    let mut server;
    let (plant, load) = if args.only == Some(SuitePhase::Questions) {
        let plant = Dataset::read(dir.ok_or_else(|| Error::field("data-dir", "is missing"))?)?;
        server = BenchServer::start(BenchDir::new(dir), Vec::new()).await?;
        (plant, None)
    } else {
        server = BenchServer::start(BenchDir::new_empty(dir)?, Vec::new()).await?;
        let (plant, load) = load(&server, args).await?;
        (plant, Some(load))
    };
    check_row_count(&server, &plant).await?;
    let query_load = if args.only == Some(SuitePhase::Load) {
        None
    } else {
        Some(measure_queries(&mut server, &plant, args).await?)
    };
    server.stop().await?;
    let (rows, version) = (plant.plant.rows(), env!("CARGO_PKG_VERSION"));
    BenchReport { version, plant: plant.plant, rows, load, asked: query_load }.print(args.format)
}

async fn load(server: &BenchServer, args: &SuiteArgs) -> Result<(Dataset, LoadReport)> {
    let seconds = args.rows.map_or(args.days * DAY_SECONDS, |rows| rows.div_ceil(args.streams));
    let plant = DatasetSpec {
        seed: args.seed,
        streams: args.streams,
        devices: 1,
        start: generator::START_MICROS,
        seconds,
        has_year: args.year_stream,
    };
    plant.check(SystemClock.now())?;
    note(&format!("loading {} rows into {}", plant.rows(), server.dir().display()));
    let started = Instant::now();
    let loaded = Dataset::load(server, plant).await?;
    let rows_per_s = plant.rows() as f64 / started.elapsed().as_secs_f64();
    let compact_s = if args.no_compact {
        None
    } else {
        note("flushing and compacting");
        Some(server.compact().await?.as_secs_f64())
    };
    loaded.write(server.dir())?;
    Ok((loaded, LoadReport { rows_per_s, compact_s, peak_memory_bytes: server.peak_memory_bytes() }))
}

/// Checks that the server holds exactly the rows that were written.
async fn check_row_count(server: &BenchServer, plant: &Dataset) -> Result<()> {
    let (found, rows) = (server.count().await?, plant.plant.rows());
    if found == rows {
        return Ok(());
    }
    Err(Error::internal(format!("the server holds {found} rows of {rows} written")))
}

async fn measure_queries(server: &mut BenchServer, plant: &Dataset, args: &SuiteArgs) -> Result<QueryReport> {
    let mut starts = Latencies::default();
    for _ in 0..START_RUNS {
        starts.add(time_to_first_answer(server, plant).await?);
    }
    // The restart has removed files that were merged away.
    let (lake_bytes, lake_files) = (disk::lake_bytes(server.dir())?, disk::lake_files(server.dir())?);
    server.reset_peak();
    let questions = query_load::time_all_queries(server, plant, args.runs).await?;
    let (mut together, time) = (Vec::new(), Duration::from_secs_f64(args.seconds));
    for id in CONCURRENT_QUERIES {
        for clients in [1, 4, 10] {
            note(&format!("{id}, {clients} clients"));
            let client = QueryClient::new(server, plant);
            together.push(query_load::run_blocking(move || client.run_concurrent(id, clients, time)).await?);
        }
    }
    let peak_memory_bytes = server.peak_memory_bytes();
    Ok(QueryReport {
        start_ms: starts.quantile_ms(0.5),
        questions,
        together,
        lake_bytes,
        lake_files,
        peak_memory_bytes,
    })
}

/// Restarts the server; returns the time from its start to its first answer.
async fn time_to_first_answer(server: &mut BenchServer, plant: &Dataset) -> Result<Duration> {
    let started = server.restart().await?;
    let client = QueryClient::new(server, plant);
    let (cold_time, _) = query_load::run_blocking(move || client.run_cold(queries::by_id("q1"))).await?;
    Ok(started + cold_time)
}

fn print_queries(dir: &Path, rounds: usize) -> Result<()> {
    let loaded = Dataset::read(dir)?;
    let questions: Vec<_> = queries::QUERIES.iter().map(|q| q.describe(&loaded, rounds)).collect();
    let rows = loaded.plant.rows();
    print::line(&json!({"plant": loaded.plant, "rows": rows, "questions": questions}).to_string())
}
