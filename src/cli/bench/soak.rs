//! `basalt bench soak`: writes at a steady rate and asks at the same time, with everything that runs beside it.
//!
//! Fails when an answer is an error, when a row is missing afterwards, or when memory grew between the second and the
//! last quarter. Latency under load is told beside that of the idle server, and judged by the reader.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::args;
use super::ask::{self, Client};
use super::bulk::{self, Form, Stretch, WRITERS};
use super::figures::{Latencies, show};
use super::plant::{Loaded, Plant};
use super::server::{Dir, Server};
use super::signals::{self, Signals};
use super::{disk, note, questions};
use crate::cli::print;
use crate::domain::{Error, Result};

/// What is asked, in turns.
const ASKED: [&str; 6] = ["q1", "q2", "q3", "q4", "q6", "q10"];
/// Between two questions.
const THINK: Duration = Duration::from_millis(100);
const IDLE_RUNS: usize = 20;
/// How long full speed is measured.
const CALIBRATION: Duration = Duration::from_secs(30);
/// Written before anything is asked.
const FIRST_BATCHES: usize = 10;
const SAMPLE: Duration = Duration::from_secs(1);
/// Memory of fewer seconds says nothing: caches and buffers are still filling.
const JUDGED_SECONDS: usize = 600;
/// At most so long is the server left alone before it counts as idle.
const SETTLE: Duration = Duration::from_secs(60);

/// The plant as it is written, and how far that is.
struct Feed {
    stretch: Stretch,
    next: AtomicUsize,
    rows: AtomicUsize,
    refused: AtomicUsize,
}

pub async fn run(args: &args::Soak) -> Result<()> {
    let mut server = Server::start(Dir::empty(args.data_dir.as_deref())?, Vec::new()).await?;
    let streams = server.create_streams(args.streams).await?;
    let plant = Plant { seed: 0, streams: streams.len(), start: signals::START, seconds: 1, has_year: false };
    let plant = Loaded { plant, streams: streams.clone(), year_stream: None };
    // More ticks than any soak gets to.
    let stretch = Stretch { signals: Signals::of(0), streams: streams.into(), ticks: usize::MAX >> 16 };
    let feed = Arc::new(Feed {
        stretch,
        next: AtomicUsize::new(0),
        rows: AtomicUsize::new(0),
        refused: AtomicUsize::new(0),
    });
    let rate = match args.rate {
        Some(rate) => rate as f64,
        None => calibrate(&server, &feed).await?,
    };
    feed.write(&server, None, Stop::Batch(feed.next.load(Ordering::Relaxed) + FIRST_BATCHES)).await?;
    let client = Client::new(&server, &plant);

    note(&format!("{rate:.0} rows/s for {} s", args.seconds));
    feed.refused.store(0, Ordering::Relaxed);
    let before = feed.rows.load(Ordering::Relaxed);
    let stop = Arc::new(AtomicBool::new(false));
    let asking = ask_until(client.clone(), feed.clone(), stop.clone());
    let time = Duration::from_secs(args.seconds);
    let started = Instant::now();
    let writing = feed.write(&server, Some(rate), Stop::At(started + time));
    let sampling = sample(&server, started + time);
    let (written, memory) = tokio::join!(writing, sampling);
    let took = started.elapsed();
    stop.store(true, Ordering::Relaxed);
    let asked = asking.await.map_err(|e| Error::internal("the client ended early").because(e))?;
    written?;
    // The same questions of the same rows, once what runs beside has caught up.
    tokio::time::sleep(SETTLE.min(time / 10)).await;
    let idle = ask_idle(&client, &feed).await?;

    let rows = feed.rows.load(Ordering::Relaxed);
    let reached = (rows - before) as f64 / took.as_secs_f64();
    print::line(&format!("{reached:.0} rows/s of {rate:.0} wanted, {rows} rows in all"))?;
    print_latencies(&idle, &asked.latencies)?;
    let refused = feed.refused.load(Ordering::Relaxed);
    print::line(&format!(
        "batches refused for a moment: {refused}; failed questions: {}",
        asked.errors.len()
    ))?;
    let grew = print_memory(&memory, server.peak_memory_bytes())?;
    let found = server.count().await?;
    print::line(&format!("rows found: {found} of {rows}"))?;
    // Files that were merged away are gone after it.
    server.restart().await?;
    print::line(&format!("lake: {:.2} B/row", disk::lake_bytes(server.dir())? as f64 / rows as f64))?;
    server.stop().await?;
    judge(refused, &asked.errors, found == rows, grew)
}

fn judge(refused: usize, errors: &[String], is_whole: bool, grew: bool) -> Result<()> {
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

/// Half of what full speed reaches over a time in which the flusher has to keep up.
async fn calibrate(server: &Server, feed: &Arc<Feed>) -> Result<f64> {
    note(&format!("full speed for {} s", CALIBRATION.as_secs()));
    let started = Instant::now();
    feed.write(server, None, Stop::At(started + CALIBRATION)).await?;
    let top = feed.rows.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64();
    print::line(&format!("full speed: {top:.0} rows/s"))?;
    Ok(top / 2.0)
}

#[derive(Clone, Copy)]
enum Stop {
    At(Instant),
    Batch(usize),
}

impl Feed {
    /// Seconds of the plant that are written whole: what the writers hold may be in flight.
    fn seconds(&self) -> usize {
        let batches = self.next.load(Ordering::Relaxed).saturating_sub(WRITERS);
        self.stretch.ticks_of(batches).max(1)
    }

    /// Writes from where it is, at full speed or at a rate.
    async fn write(self: &Arc<Self>, server: &Server, rate: Option<f64>, stop: Stop) -> Result<()> {
        let (started, first) = (Instant::now(), self.next.load(Ordering::Relaxed));
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                let (feed, request) = (self.clone(), bulk::request(server, Form::Arrow));
                let due = move |number: usize, rows: usize| {
                    let after = rate.map_or(0.0, |rate| ((number - first) * rows) as f64 / rate);
                    started + Duration::from_secs_f64(after)
                };
                tokio::spawn(async move { feed.write_one(&request, due, stop).await })
            })
            .collect();
        for writer in writers {
            writer.await.map_err(|e| Error::internal("a writer ended early").because(e))??;
        }
        Ok(())
    }

    async fn write_one(
        &self,
        request: &reqwest::RequestBuilder,
        due: impl Fn(usize, usize) -> Instant,
        stop: Stop,
    ) -> Result<()> {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let rows = self.stretch.batch(number);
            let due = due(number, rows.len());
            let is_over = match stop {
                Stop::At(end) => due.max(Instant::now()) >= end,
                Stop::Batch(last) => number >= last,
            };
            if is_over {
                return Ok(());
            }
            let body = bulk::encode(Form::Arrow, &rows);
            tokio::time::sleep_until(due.into()).await;
            while !bulk::try_post(request, body.clone()).await? {
                self.refused.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            self.rows.fetch_add(rows.len(), Ordering::Relaxed);
        }
    }
}

type PerQuestion = Vec<(&'static str, Latencies)>;

struct Asked {
    latencies: PerQuestion,
    errors: Vec<String>,
}

async fn ask_idle(client: &Client, feed: &Arc<Feed>) -> Result<PerQuestion> {
    let (mut client, seconds) = (client.clone(), feed.seconds());
    ask::blocking(move || {
        client.set_seconds(seconds);
        let hot = |id| client.ask_hot(questions::by_id(id), IDLE_RUNS).map(|latencies| (id, latencies));
        ASKED.into_iter().map(hot).collect()
    })
    .await
}

/// Asks in turns until it is told to stop. An answer that is an error is kept, and the next question goes on.
fn ask_until(mut client: Client, feed: Arc<Feed>, stop: Arc<AtomicBool>) -> tokio::task::JoinHandle<Asked> {
    tokio::task::spawn_blocking(move || {
        let latencies = ASKED.map(|id| (id, Latencies::default())).into();
        let mut asked = Asked { latencies, errors: Vec::new() };
        let mut to = client.connect();
        for round in 0.. {
            for (id, latencies) in &mut asked.latencies {
                if stop.load(Ordering::Relaxed) {
                    return asked;
                }
                client.set_seconds(feed.seconds());
                let answer = match &mut to {
                    Ok(to) => client.ask(to, questions::by_id(id), round),
                    Err(e) => Err(Error::unavailable(e.message.clone())),
                };
                match answer {
                    Ok((took, _)) => latencies.add(took),
                    Err(e) => {
                        asked.errors.push(e.message);
                        to = client.connect();
                    }
                }
                std::thread::sleep(THINK);
            }
        }
        asked
    })
}

async fn sample(server: &Server, until: Instant) -> Vec<u64> {
    let mut samples = Vec::new();
    while Instant::now() < until {
        samples.extend(server.memory_bytes());
        tokio::time::sleep(SAMPLE).await;
    }
    samples
}

fn print_latencies(idle: &PerQuestion, busy: &PerQuestion) -> Result<()> {
    let rows: Vec<_> = idle
        .iter()
        .zip(busy)
        .map(|((id, idle), (_, busy))| {
            let times = busy.ms(0.99) / idle.ms(0.5).max(f64::MIN_POSITIVE);
            let (alone, p50, p99) = (show(idle.ms(0.5)), show(busy.ms(0.5)), show(busy.ms(0.99)));
            [id.to_uppercase(), busy.count().to_string(), alone, p50, p99, format!("{times:.1}")]
        })
        .collect();
    print::table(["QUESTION", "ASKED", "IDLE P50 ms", "P50 ms", "P99 ms", "P99 / IDLE P50"], &rows)
}

/// Prints what it was, and tells whether the last quarter is above the second.
fn print_memory(samples: &[u64], peak: Option<u64>) -> Result<bool> {
    if samples.len() < JUDGED_SECONDS {
        print::line(&format!("memory: {}, too short to judge", disk::mebibytes(peak)))?;
        return Ok(false);
    }
    let quarter = samples.len() / 4;
    let (second, last) = (median(&samples[quarter..2 * quarter]), median(&samples[3 * quarter..]));
    print::line(&format!(
        "resident memory, median: second quarter {}, last {}, peak {}",
        disk::mebibytes(Some(second)),
        disk::mebibytes(Some(last)),
        disk::mebibytes(peak),
    ))?;
    Ok(has_grown(second, last))
}

/// By more than allocators and the moment of a flush explain.
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
