//! `basalt bench`: measures this machine with a server of its own.
//!
//! Server and load share the machine, as they would on a small plant computer; everything goes over HTTP on loopback.

pub mod args;
mod ask;
mod bulk;
mod collect;
mod disk;
mod feed;
mod field;
mod figures;
mod graph;
mod growth;
mod http;
mod ingest;
mod live;
mod plant;
mod questions;
mod report;
mod server;
mod signals;
mod single;
mod soak;
mod used;

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use super::print;
use crate::domain::time::{Clock, SystemClock};
use crate::domain::{Error, Result};
use args::{All, Only, Part};
use ask::Client;
use figures::Latencies;
use plant::{DAY, Loaded, Plant};
use report::{Asked, Load, Report};
use server::{Dir, Server};

/// The questions several clients ask at once.
const TOGETHER: [&str; 3] = ["q1", "q3", "q6"];
/// Starts whose median is told.
const STARTS: usize = 3;

pub async fn run(args: args::Bench) -> Result<()> {
    match args.part {
        None => all(&args.all).await,
        Some(Part::Ingest(args)) => ingest::run(&args).await,
        Some(Part::Questions { data_dir, rounds }) => describe(&data_dir, rounds),
        Some(Part::Growth(args)) => growth::run(&args).await,
        Some(Part::Soak(args)) => soak::run(&args).await,
        Some(Part::Live(args)) => live::run(&args).await,
        Some(Part::Graph(args)) => graph::run(&args).await,
        Some(Part::Collect(args)) => collect::run(&args).await,
    }
}

/// Remarks about how far it is, apart from the figures.
fn note(text: &str) {
    eprintln!("bench: {text}");
}

async fn all(args: &All) -> Result<()> {
    let dir = args.data_dir.as_deref();
    let mut server;
    let (plant, load) = if args.only == Some(Only::Questions) {
        let plant = Loaded::read(dir.ok_or_else(|| Error::field("data-dir", "is missing"))?)?;
        server = Server::start(Dir::new(dir), Vec::new()).await?;
        (plant, None)
    } else {
        server = Server::start(Dir::empty(dir)?, Vec::new()).await?;
        let (plant, load) = load(&server, args).await?;
        (plant, Some(load))
    };
    count(&server, &plant).await?;
    let asked =
        if args.only == Some(Only::Load) { None } else { Some(ask(&mut server, &plant, args).await?) };
    server.stop().await?;
    let (rows, version) = (plant.plant.rows(), env!("CARGO_PKG_VERSION"));
    Report { version, plant: plant.plant, rows, load, asked }.print(args.format)
}

async fn load(server: &Server, args: &All) -> Result<(Loaded, Load)> {
    let seconds = args.rows.map_or(args.days * DAY, |rows| rows.div_ceil(args.streams));
    let plant = Plant {
        seed: args.seed,
        streams: args.streams,
        start: signals::START,
        seconds,
        has_year: args.year_stream,
    };
    plant.check(SystemClock.now())?;
    note(&format!("loading {} rows into {}", plant.rows(), server.dir().display()));
    let started = Instant::now();
    let loaded = Loaded::load(server, plant).await?;
    let rows_per_s = plant.rows() as f64 / started.elapsed().as_secs_f64();
    let compact_s = if args.no_compact {
        None
    } else {
        note("flushing and compacting");
        Some(server.compact().await?.as_secs_f64())
    };
    loaded.write(server.dir())?;
    Ok((loaded, Load { rows_per_s, compact_s, peak_memory_bytes: server.peak_memory_bytes() }))
}

/// The rows that are there have to be those that were written.
async fn count(server: &Server, plant: &Loaded) -> Result<()> {
    let (found, rows) = (server.count().await?, plant.plant.rows());
    if found == rows {
        return Ok(());
    }
    Err(Error::internal(format!("the server holds {found} rows of {rows} written")))
}

async fn ask(server: &mut Server, plant: &Loaded, args: &All) -> Result<Asked> {
    let mut starts = Latencies::default();
    for _ in 0..STARTS {
        starts.add(start_to_answer(server, plant).await?);
    }
    // Files that were merged away are gone now.
    let (lake_bytes, lake_files) = (disk::lake_bytes(server.dir())?, disk::lake_files(server.dir())?);
    server.forget_peak();
    let questions = ask::all(server, plant, args.runs).await?;
    let (mut together, time) = (Vec::new(), Duration::from_secs_f64(args.seconds));
    for id in TOGETHER {
        for clients in [1, 4, 10] {
            note(&format!("{id}, {clients} clients"));
            let client = Client::new(server, plant);
            together.push(ask::blocking(move || client.ask_together(id, clients, time)).await?);
        }
    }
    let peak_memory_bytes = server.peak_memory_bytes();
    Ok(Asked { start_ms: starts.ms(0.5), questions, together, lake_bytes, lake_files, peak_memory_bytes })
}

/// Restarts the server; the time from its start to its first answer.
async fn start_to_answer(server: &mut Server, plant: &Loaded) -> Result<Duration> {
    let started = server.restart().await?;
    let client = Client::new(server, plant);
    let (asked, _) = ask::blocking(move || client.ask_cold(questions::by_id("q1"))).await?;
    Ok(started + asked)
}

fn describe(dir: &Path, rounds: usize) -> Result<()> {
    let loaded = Loaded::read(dir)?;
    let questions: Vec<_> = questions::QUESTIONS.iter().map(|q| q.describe(&loaded, rounds)).collect();
    let rows = loaded.plant.rows();
    print::line(&json!({"plant": loaded.plant, "rows": rows, "questions": questions}).to_string())
}
