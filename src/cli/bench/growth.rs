//! `basalt bench growth`: measures what cost grows with, one table each.

use super::args::{self, GrowthTable};
use super::bulk::{self, Workload};
use super::dataset::{DAY_SECONDS, Dataset, DatasetSpec};
use super::generator::{SECOND_MICROS, START_MICROS, SignalGenerator};
use super::latencies::{format_number, to_ms};
use super::query_load::{self, QueryClient};
use super::server::{BenchDir, BenchServer};
use super::{disk, note, queries, time_to_first_answer};
use crate::cli::print;
use crate::domain::{Result, StreamId};

const STREAMS: usize = 100;
/// Rows per stream in the table of latest values.
const LATEST_TICKS: usize = 10;
/// Seconds between the rows of a stream in the tables about files.
const HOUR: usize = 3600;

/// Measures the chosen tables in their order, each with new servers, and prints them.
pub async fn run(args: &args::Growth) -> Result<()> {
    for table in &args.only {
        match table {
            GrowthTable::Years => years(args).await?,
            GrowthTable::Latest => latest(args).await?,
            GrowthTable::Start => start(args).await?,
            GrowthTable::Files => files(args).await?,
            GrowthTable::Import => import(args).await?,
        }
    }
    Ok(())
}

async fn new_server(settings: Vec<(&'static str, String)>) -> Result<BenchServer> {
    BenchServer::start(BenchDir::new_empty(None)?, settings).await
}

/// Returns a dataset with this many seconds in each stream.
fn plant_of(streams: &[StreamId], start: i64, seconds: usize) -> Dataset {
    let plant = DatasetSpec { seed: 0, streams: streams.len(), devices: 1, start, seconds, has_year: false };
    Dataset { plant, streams: streams.to_vec(), year_stream: None }
}

/// Parameters of a stored year.
struct YearWorkload {
    days: usize,
    every: usize,
}

impl YearWorkload {
    fn seconds(&self) -> usize {
        self.days * DAY_SECONDS
    }

    fn start(&self) -> i64 {
        START_MICROS - self.seconds() as i64 * SECOND_MICROS
    }

    /// Returns the workload for `streams`, the first of which has the number `first`.
    fn workload(&self, streams: &[StreamId], first: usize) -> Workload {
        let signals = SignalGenerator {
            start: self.start(),
            first_number: first as u64,
            step_seconds: self.every as u64,
            ..SignalGenerator::with_seed(0)
        };
        Workload { signals, streams: streams.into(), ticks: self.seconds() / self.every }
    }

    fn plant_of(&self, streams: &[StreamId]) -> Dataset {
        plant_of(streams, self.start(), self.seconds())
    }
}

/// Returns the p50 of a query in milliseconds.
async fn p50(server: &BenchServer, plant: &Dataset, id: &'static str, runs: usize) -> Result<String> {
    let client = QueryClient::new(server, plant);
    let hot = query_load::run_blocking(move || client.run_hot(queries::by_id(id), runs)).await?;
    Ok(format_number(hot.quantile_ms(0.5)))
}

/// Returns the sizes in ascending order without duplicates: one server grows through them.
fn ascending(sizes: &[usize]) -> Vec<usize> {
    let mut sizes = sizes.to_vec();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

async fn years(args: &args::Growth) -> Result<()> {
    let server = new_server(Vec::new()).await?;
    let year = YearWorkload { days: args.days, every: args.every };
    let (mut streams, mut rows) = (Vec::new(), Vec::new());
    for count in ascending(&args.years) {
        note(&format!("a year of {count} streams"));
        let more = server.create_streams(count - streams.len()).await?;
        bulk::write(&server, &year.workload(&more, streams.len())).await?;
        streams.extend(more);
        server.compact().await?;
        let stored = year.workload(&streams, 0).rows();
        let took = p50(&server, &year.plant_of(&streams), "q5", args.runs).await?;
        rows.push([count.to_string(), stored.to_string(), took]);
    }
    print::table(["STREAMS OF A YEAR", "ROWS", "ONE BY THE HOUR, P50 ms"], &rows)?;
    print::line("")
}

async fn latest(args: &args::Growth) -> Result<()> {
    let server = new_server(Vec::new()).await?;
    let (mut streams, mut rows) = (Vec::new(), Vec::new());
    for count in ascending(&args.latest) {
        note(&format!("latest values of {count} streams"));
        let more = server.create_streams(count - streams.len()).await?;
        let signals = SignalGenerator { first_number: streams.len() as u64, ..SignalGenerator::with_seed(0) };
        bulk::write(&server, &Workload { signals, streams: more.clone().into(), ticks: LATEST_TICKS })
            .await?;
        streams.extend(more);
        let plant = plant_of(&streams, START_MICROS, LATEST_TICKS);
        let one = p50(&server, &plant, "q1", args.runs).await?;
        rows.push([count.to_string(), one, p50(&server, &plant, "q2", args.runs).await?]);
    }
    print::table(["STREAMS", "LATEST OF ONE, P50 ms", "LATEST OF ALL, P50 ms"], &rows)?;
    print::line("")
}

async fn start(args: &args::Growth) -> Result<()> {
    let mut server = new_server(Vec::new()).await?;
    let streams = server.create_streams(STREAMS).await?;
    let (mut seconds, mut rows) = (0, Vec::new());
    for count in ascending(&args.start) {
        note(&format!("start with {count} rows"));
        let ticks = count.div_ceil(STREAMS) - seconds;
        let signals = SignalGenerator {
            start: START_MICROS + seconds as i64 * SECOND_MICROS,
            ..SignalGenerator::with_seed(0)
        };
        bulk::write(&server, &Workload { signals, streams: streams.clone().into(), ticks }).await?;
        seconds += ticks;
        server.compact().await?;
        let took = time_to_first_answer(&mut server, &plant_of(&streams, START_MICROS, seconds)).await?;
        rows.push([(seconds * STREAMS).to_string(), format_number(to_ms(took))]);
    }
    print::table(["ROWS", "START TO FIRST ANSWER, ms"], &rows)?;
    print::line("")
}

/// Measures one file per day and stream, as after many short flushes that nothing has merged yet.
async fn files(args: &args::Growth) -> Result<()> {
    let quiet = ("BASALT_COMPACTION__INTERVAL", "365d".to_owned());
    let mut server = new_server(vec![quiet]).await?;
    let year = YearWorkload { days: args.days, every: HOUR };
    let streams = server.create_streams(args.files.div_ceil(args.days)).await?;
    for (number, stream) in streams.iter().enumerate() {
        note(&format!("a year of stream {} of {}", number + 1, streams.len()));
        bulk::write(&server, &year.workload(&[*stream], number)).await?;
        // Stopping flushes.
        server.restart().await?;
    }
    before_and_after(&mut server, &year.plant_of(&streams), args.runs).await
}

async fn import(args: &args::Growth) -> Result<()> {
    let mut server = new_server(Vec::new()).await?;
    let year = YearWorkload { days: args.days, every: args.every };
    let streams = server.create_streams(args.import).await?;
    for (number, stream) in streams.iter().enumerate() {
        note(&format!("a year of stream {} of {}", number + 1, streams.len()));
        bulk::write(&server, &year.workload(&[*stream], number)).await?;
    }
    before_and_after(&mut server, &year.plant_of(&streams), args.runs).await
}

async fn before_and_after(server: &mut BenchServer, plant: &Dataset, runs: usize) -> Result<()> {
    let mut rows = Vec::new();
    for state in ["before compaction", "after"] {
        let start = time_to_first_answer(server, plant).await?;
        let files = disk::lake_files(server.dir())?;
        let [q1, q4, q5, q7] = ["q1", "q4", "q5", "q7"];
        rows.push([
            state.to_owned(),
            files.to_string(),
            format_number(to_ms(start)),
            p50(server, plant, q1, runs).await?,
            p50(server, plant, q4, runs).await?,
            p50(server, plant, q5, runs).await?,
            p50(server, plant, q7, runs).await?,
        ]);
        note("flushing and compacting");
        let took = server.compact().await?;
        note(&format!("took {:.2} s", took.as_secs_f64()));
    }
    let header =
        ["A YEAR, STREAM BY STREAM", "FILES", "START ms", "Q1 P50 ms", "Q4 P50 ms", "Q5 P50 ms", "Q7 P50 ms"];
    print::table(header, &rows)?;
    print::line("")
}
