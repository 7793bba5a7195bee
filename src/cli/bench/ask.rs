//! Asking: cold after a restart, hot with moving parameters, and several clients at once.

use std::io::Cursor;
use std::time::{Duration, Instant};

use arrow::ipc::reader::StreamReader;
use serde::Serialize;
use serde_json::Value;

use super::figures::{Latencies, ms};
use super::http::Connection;
use super::plant::Loaded;
use super::questions::{self, Question};
use super::server::Server;
use crate::domain::{Error, Result};

/// Rounds before the clock of hot answers starts.
const WARM_UP: usize = 3;

/// How fast a question was answered.
#[derive(Serialize)]
pub struct Answered {
    pub id: &'static str,
    pub name: &'static str,
    /// Rows of the first answer.
    pub rows: usize,
    pub cold_ms: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub runs: usize,
}

/// How many answers several clients get together.
#[derive(Serialize)]
pub struct Together {
    pub id: &'static str,
    pub clients: usize,
    pub answers_per_s: f64,
    pub p99_ms: f64,
}

/// A client of one server and one plant.
#[derive(Clone)]
pub struct Client {
    address: String,
    key: String,
    plant: Loaded,
}

impl Client {
    pub fn new(server: &Server, plant: &Loaded) -> Client {
        Client { address: server.address.clone(), key: server.key.clone(), plant: plant.clone() }
    }

    /// From now on the plant has so many seconds.
    pub fn set_seconds(&mut self, seconds: usize) {
        self.plant.plant.seconds = seconds;
    }

    pub fn connect(&self) -> Result<Connection> {
        Connection::open(&self.address)
    }

    /// Asks one round; the time until the rows are in memory, and how many there are.
    pub fn ask(&self, to: &mut Connection, question: &Question, round: usize) -> Result<(Duration, usize)> {
        let request = question.request(&self.key, &self.plant, round);
        let started = Instant::now();
        let asked = to.ask(&request).and_then(|body| {
            let rows = if question.is_rest() { rows_of_json(&body) } else { rows_of_arrow(body) }?;
            Ok((started.elapsed(), rows))
        });
        match asked {
            Ok((_, 0)) => Err(Error::internal(format!("{}, round {round}: no rows", question.id))),
            Err(e) => Err(Error { message: format!("{}, round {round}: {}", question.id, e.message), ..e }),
            answered => answered,
        }
    }

    /// Asks on a new connection, once.
    pub fn ask_cold(&self, question: &Question) -> Result<(Duration, usize)> {
        self.ask(&mut self.connect()?, question, 0)
    }

    pub fn ask_hot(&self, question: &Question, runs: usize) -> Result<Latencies> {
        let mut to = self.connect()?;
        let mut latencies = Latencies::default();
        for round in 0..WARM_UP + runs {
            let (took, _) = self.ask(&mut to, question, round)?;
            if round >= WARM_UP {
                latencies.add(took);
            }
        }
        Ok(latencies)
    }

    /// Several clients ask for a while, each the rounds of its own.
    pub fn ask_together(&self, id: &'static str, clients: usize, time: Duration) -> Result<Together> {
        let ask = |to: &mut Connection, round| Ok(self.ask(to, questions::by_id(id), round)?.0);
        let (all, answers_per_s) = together(clients, time, ask, || self.connect())?;
        Ok(Together { id, clients, answers_per_s, p99_ms: all.ms(0.99) })
    }
}

/// Several clients do something for a while, each on a connection of its own and told of rounds of its own; how long each
/// took, and how many there were a second.
pub fn together(
    clients: usize,
    time: Duration,
    ask: impl Fn(&mut Connection, usize) -> Result<Duration> + Sync,
    connect: impl Fn() -> Result<Connection> + Sync,
) -> Result<(Latencies, f64)> {
    let until = Instant::now() + time;
    let one = |number: usize| -> Result<Latencies> {
        let (mut to, mut latencies) = (connect()?, Latencies::default());
        while Instant::now() < until {
            let round = latencies.count() * clients + number;
            latencies.add(ask(&mut to, round)?);
        }
        Ok(latencies)
    };
    let one = &one;
    let started = Instant::now();
    let mut all = Latencies::default();
    std::thread::scope(|scope| -> Result<()> {
        let threads: Vec<_> = (0..clients).map(|number| scope.spawn(move || one(number))).collect();
        for thread in threads {
            all.extend([thread.join().map_err(|_| Error::internal("a client panicked"))??]);
        }
        Ok(())
    })?;
    let per_s = all.count() as f64 / started.elapsed().as_secs_f64();
    Ok((all, per_s))
}

/// Every question cold, each after a restart of its own, then all hot.
pub async fn all(server: &mut Server, plant: &Loaded, runs: usize) -> Result<Vec<Answered>> {
    let mut cold = Vec::new();
    for question in &questions::QUESTIONS {
        server.restart().await?;
        let client = Client::new(server, plant);
        cold.push(blocking(move || client.ask_cold(question)).await?);
    }
    let mut answered = Vec::new();
    for (question, (took, rows)) in questions::QUESTIONS.iter().zip(cold) {
        super::note(&format!("{}: {}", question.id, question.name));
        let client = Client::new(server, plant);
        let hot = blocking(move || client.ask_hot(question, runs)).await?;
        answered.push(Answered {
            id: question.id,
            name: question.name,
            rows,
            cold_ms: ms(took),
            p50_ms: hot.ms(0.5),
            p99_ms: hot.ms(0.99),
            runs,
        });
    }
    Ok(answered)
}

/// Runs what waits for a socket away from the runtime's threads.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| Error::internal("a client ended early").because(e))?
}

fn rows_of_json(body: &[u8]) -> Result<usize> {
    let rows: Vec<Value> =
        serde_json::from_slice(body).map_err(|e| Error::internal("an answer is no JSON list").because(e))?;
    Ok(rows.len())
}

fn rows_of_arrow(body: Vec<u8>) -> Result<usize> {
    let rows = || -> std::result::Result<usize, arrow::error::ArrowError> {
        let batches = StreamReader::try_new(Cursor::new(body), None)?;
        batches.map(|batch| batch.map(|batch| batch.num_rows())).sum()
    };
    rows().map_err(|e| Error::internal("an answer is no Arrow stream").because(e))
}
