//! `basalt bench growth`: what cost grows with, one table each.

use super::args::{self, Table};
use super::ask::{self, Client};
use super::bulk::{self, Stretch};
use super::figures::{ms, show};
use super::plant::{DAY, Loaded, Plant};
use super::server::{Dir, Server};
use super::signals::{SECOND, START, Signals};
use super::{disk, note, questions, start_to_answer};
use crate::cli::print;
use crate::domain::{Result, StreamId};

const STREAMS: usize = 100;
/// Rows of each stream whose latest value is asked.
const FEW: usize = 10;
/// Between the rows of a stream when files are what matters.
const HOUR: usize = 3600;

pub async fn run(args: &args::Growth) -> Result<()> {
    for table in &args.only {
        match table {
            Table::Years => years(args).await?,
            Table::Latest => latest(args).await?,
            Table::Start => start(args).await?,
            Table::Files => files(args).await?,
            Table::Import => import(args).await?,
        }
    }
    Ok(())
}

async fn new_server(settings: Vec<(&'static str, String)>) -> Result<Server> {
    Server::start(Dir::empty(None)?, settings).await
}

/// Streams of which each has this much.
fn plant_of(streams: &[StreamId], start: i64, seconds: usize) -> Loaded {
    let plant = Plant { seed: 0, streams: streams.len(), start, seconds, has_year: false };
    Loaded { plant, streams: streams.to_vec(), year_stream: None }
}

/// A year that is over.
struct Year {
    days: usize,
    every: usize,
}

impl Year {
    fn seconds(&self) -> usize {
        self.days * DAY
    }

    fn start(&self) -> i64 {
        START - self.seconds() as i64 * SECOND
    }

    /// It, for each of `streams`, the first of which has the number `first`.
    fn of(&self, streams: &[StreamId], first: usize) -> Stretch {
        let signals = Signals { seed: 0, start: self.start(), first: first as u64, every: self.every as u64 };
        Stretch { signals, streams: streams.into(), ticks: self.seconds() / self.every }
    }

    fn plant_of(&self, streams: &[StreamId]) -> Loaded {
        plant_of(streams, self.start(), self.seconds())
    }
}

/// The p50 of a question, in milliseconds.
async fn p50(server: &Server, plant: &Loaded, id: &'static str, runs: usize) -> Result<String> {
    let client = Client::new(server, plant);
    let hot = ask::blocking(move || client.ask_hot(questions::by_id(id), runs)).await?;
    Ok(show(hot.ms(0.5)))
}

/// Sizes in order, each once: one server grows through them.
fn ascending(sizes: &[usize]) -> Vec<usize> {
    let mut sizes = sizes.to_vec();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

async fn years(args: &args::Growth) -> Result<()> {
    let server = new_server(Vec::new()).await?;
    let year = Year { days: args.days, every: args.every };
    let (mut streams, mut rows) = (Vec::new(), Vec::new());
    for count in ascending(&args.years) {
        note(&format!("a year of {count} streams"));
        let more = server.create_streams(count - streams.len()).await?;
        bulk::write(&server, &year.of(&more, streams.len())).await?;
        streams.extend(more);
        server.compact().await?;
        let stored = year.of(&streams, 0).rows();
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
        let signals = Signals { first: streams.len() as u64, ..Signals::of(0) };
        bulk::write(&server, &Stretch { signals, streams: more.clone().into(), ticks: FEW }).await?;
        streams.extend(more);
        let plant = plant_of(&streams, START, FEW);
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
        let signals = Signals { start: START + seconds as i64 * SECOND, ..Signals::of(0) };
        bulk::write(&server, &Stretch { signals, streams: streams.clone().into(), ticks }).await?;
        seconds += ticks;
        server.compact().await?;
        let took = start_to_answer(&mut server, &plant_of(&streams, START, seconds)).await?;
        rows.push([(seconds * STREAMS).to_string(), show(ms(took))]);
    }
    print::table(["ROWS", "START TO FIRST ANSWER, ms"], &rows)?;
    print::line("")
}

/// A file a day and stream, as after many short flushes that nothing has merged yet.
async fn files(args: &args::Growth) -> Result<()> {
    let quiet = ("BASALT_COMPACTION__INTERVAL", "365d".to_owned());
    let mut server = new_server(vec![quiet]).await?;
    let year = Year { days: args.days, every: HOUR };
    let streams = server.create_streams(args.files.div_ceil(args.days)).await?;
    for (number, stream) in streams.iter().enumerate() {
        note(&format!("a year of stream {} of {}", number + 1, streams.len()));
        bulk::write(&server, &year.of(&[*stream], number)).await?;
        // Stopping flushes.
        server.restart().await?;
    }
    before_and_after(&mut server, &year.plant_of(&streams), args.runs).await
}

async fn import(args: &args::Growth) -> Result<()> {
    let mut server = new_server(Vec::new()).await?;
    let year = Year { days: args.days, every: args.every };
    let streams = server.create_streams(args.import).await?;
    for (number, stream) in streams.iter().enumerate() {
        note(&format!("a year of stream {} of {}", number + 1, streams.len()));
        bulk::write(&server, &year.of(&[*stream], number)).await?;
    }
    before_and_after(&mut server, &year.plant_of(&streams), args.runs).await
}

async fn before_and_after(server: &mut Server, plant: &Loaded, runs: usize) -> Result<()> {
    let mut rows = Vec::new();
    for state in ["before compaction", "after"] {
        let start = start_to_answer(server, plant).await?;
        let files = disk::lake_files(server.dir())?;
        let [q1, q4, q5, q7] = ["q1", "q4", "q5", "q7"];
        rows.push([
            state.to_owned(),
            files.to_string(),
            show(ms(start)),
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
