//! Query load: cold after a restart, hot with changing parameters, and from several clients at once.

use std::io::Cursor;
use std::time::{Duration, Instant};

use arrow::ipc::reader::StreamReader;
use serde::Serialize;
use serde_json::Value;

use super::dataset::Dataset;
use super::http::HttpConnection;
use super::latencies::{Latencies, to_ms};
use super::queries::{self, BenchQuery};
use super::server::BenchServer;
use crate::domain::{Error, Result};

/// Warm-up rounds before hot latencies are measured.
const WARM_UP_RUNS: usize = 3;

/// Latencies of one query.
#[derive(Serialize)]
pub struct QueryTiming {
    pub id: &'static str,
    pub name: &'static str,
    /// Rows of the first result.
    pub rows: usize,
    pub cold_ms: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub runs: usize,
}

/// Throughput and latency of several clients together.
#[derive(Serialize)]
pub struct ConcurrentTiming {
    pub id: &'static str,
    pub clients: usize,
    pub answers_per_s: f64,
    pub p99_ms: f64,
}

/// Runs queries against one server and one plant.
#[derive(Clone)]
pub struct QueryClient {
    address: String,
    key: String,
    plant: Dataset,
}

impl QueryClient {
    /// Creates a client with the server's key; it connects later, once for each measurement.
    pub fn new(server: &BenchServer, plant: &Dataset) -> QueryClient {
        QueryClient { address: server.address.clone(), key: server.key.clone(), plant: plant.clone() }
    }

    /// Sets the length of the plant in seconds.
    pub fn set_seconds(&mut self, seconds: usize) {
        self.plant.plant.seconds = seconds;
    }

    /// Opens a new connection to the server, which a client of a measurement keeps.
    pub fn connect(&self) -> Result<HttpConnection> {
        HttpConnection::open(&self.address)
    }

    /// Runs one round; returns the time until the rows are in memory, and their number.
    pub fn run_query(
        &self,
        to: &mut HttpConnection,
        query: &BenchQuery,
        round: usize,
    ) -> Result<(Duration, usize)> {
        let request = query.request(&self.key, &self.plant, round);
        let started = Instant::now();
        let result = to.send(&request).and_then(|body| {
            let rows = if query.is_rest() { rows_of_json(&body) } else { rows_of_arrow(body) }?;
            Ok((started.elapsed(), rows))
        });
        match result {
            Ok((_, 0)) => Err(Error::internal(format!("{}, round {round}: no rows", query.id))),
            Err(e) => Err(Error { message: format!("{}, round {round}: {}", query.id, e.message), ..e }),
            answered => answered,
        }
    }

    /// Runs the query once on a new connection.
    pub fn run_cold(&self, query: &BenchQuery) -> Result<(Duration, usize)> {
        self.run_query(&mut self.connect()?, query, 0)
    }

    /// Runs the query `runs` times on one connection, each time with other parameters, after rounds that are not counted.
    pub fn run_hot(&self, query: &BenchQuery, runs: usize) -> Result<Latencies> {
        let mut to = self.connect()?;
        let mut latencies = Latencies::default();
        for round in 0..WARM_UP_RUNS + runs {
            let (took, _) = self.run_query(&mut to, query, round)?;
            if round >= WARM_UP_RUNS {
                latencies.add(took);
            }
        }
        Ok(latencies)
    }

    /// Runs a query from several clients for a while, each with its own rounds.
    pub fn run_concurrent(
        &self,
        id: &'static str,
        clients: usize,
        time: Duration,
    ) -> Result<ConcurrentTiming> {
        let ask = |to: &mut HttpConnection, round| Ok(self.run_query(to, queries::by_id(id), round)?.0);
        let (all, answers_per_s) = run_clients(clients, time, ask, || self.connect())?;
        Ok(ConcurrentTiming { id, clients, answers_per_s, p99_ms: all.quantile_ms(0.99) })
    }
}

/// Runs an operation from several clients for a while, each with its own connection and rounds; returns the latencies
/// and the rate per second.
pub fn run_clients(
    clients: usize,
    time: Duration,
    ask: impl Fn(&mut HttpConnection, usize) -> Result<Duration> + Sync,
    connect: impl Fn() -> Result<HttpConnection> + Sync,
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

/// Times every query cold, each after its own restart, and then all of them hot.
pub async fn time_all_queries(
    server: &mut BenchServer,
    plant: &Dataset,
    runs: usize,
) -> Result<Vec<QueryTiming>> {
    let mut cold = Vec::new();
    for query in &queries::QUERIES {
        server.restart().await?;
        let client = QueryClient::new(server, plant);
        cold.push(run_blocking(move || client.run_cold(query)).await?);
    }
    let mut answered = Vec::new();
    for (query, (took, rows)) in queries::QUERIES.iter().zip(cold) {
        super::note(&format!("{}: {}", query.id, query.name));
        let client = QueryClient::new(server, plant);
        let hot = run_blocking(move || client.run_hot(query, runs)).await?;
        answered.push(QueryTiming {
            id: query.id,
            name: query.name,
            rows,
            cold_ms: to_ms(took),
            p50_ms: hot.quantile_ms(0.5),
            p99_ms: hot.quantile_ms(0.99),
            runs,
        });
    }
    Ok(answered)
}

/// Runs blocking socket work off the runtime's threads.
pub async fn run_blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| Error::internal("a client ended early").with_source(e))?
}

fn rows_of_json(body: &[u8]) -> Result<usize> {
    let rows: Vec<Value> = serde_json::from_slice(body)
        .map_err(|e| Error::internal("an answer is no JSON list").with_source(e))?;
    Ok(rows.len())
}

fn rows_of_arrow(body: Vec<u8>) -> Result<usize> {
    let rows = || -> std::result::Result<usize, arrow::error::ArrowError> {
        let batches = StreamReader::try_new(Cursor::new(body), None)?;
        batches.map(|batch| batch.map(|batch| batch.num_rows())).sum()
    };
    rows().map_err(|e| Error::internal("an answer is no Arrow stream").with_source(e))
}
