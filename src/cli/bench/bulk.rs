//! Bulk writes: batches of 10,000 rows in the order of arrival, from a few writers at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use arrow::ipc::writer::StreamWriter;
use bytes::Bytes;
use reqwest::{RequestBuilder, StatusCode};

use super::generator::{self, GeneratedRow, SignalGenerator};
use super::http::ARROW_MEDIA_TYPE;
use super::server::BenchServer;
use crate::domain::{Error, Result, StreamId};

/// Number of writers that send batches at once, each waiting for the answer to its own.
pub const WRITERS: usize = 4;
const BATCH_ROWS: usize = 10_000;
/// Delay before a batch is resent that the server had no room for.
const RETRY_DELAY: Duration = Duration::from_millis(200);

/// Encoding of a batch for `/ingest`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum IngestFormat {
    Arrow,
    Ndjson,
}

/// Rows of some streams over a time range.
#[derive(Clone)]
pub struct Workload {
    pub signals: SignalGenerator,
    pub streams: Arc<[StreamId]>,
    /// Rows per stream.
    pub ticks: usize,
}

impl Workload {
    /// Returns the number of rows of all streams together.
    pub fn rows(&self) -> usize {
        self.ticks * self.streams.len()
    }

    /// Returns the number of requests that carry the rows.
    pub fn batches(&self) -> usize {
        self.ticks.div_ceil(self.ticks_per_batch()) * self.batches_per_tick()
    }

    /// Returns the number of requests between which the rows of one tick are divided: more than one with many streams.
    pub fn batches_per_tick(&self) -> usize {
        self.streams.len().div_ceil(BATCH_ROWS).max(1)
    }

    /// Generates the rows of one batch, counted from 0, in the order of arrival; none beyond the last batch.
    pub fn batch(&self, number: usize) -> Vec<GeneratedRow> {
        let (step, parts) = (self.ticks_per_batch(), self.batches_per_tick());
        let (number, part) = (number / parts, number % parts);
        let ticks = number * step..self.ticks.min((number + 1) * step);
        let (all, each) = (self.streams.len(), self.streams_per_batch());
        let first = all.min(part * each);
        let streams = &self.streams[first..all.min(first + each)];
        let first_number = self.signals.first_number + first as u64;
        let signals = SignalGenerator { first_number, ..self.signals };
        ticks.flat_map(|tick| signals.rows_at(streams, tick as u64)).collect()
    }

    /// Returns the number of whole ticks that this many batches hold.
    pub fn ticks_of(&self, batches: usize) -> usize {
        self.ticks.min(batches / self.batches_per_tick() * self.ticks_per_batch())
    }

    /// Returns the number of rows of every batch but the last ones of all and of a tick, which may have fewer.
    pub fn rows_per_batch(&self) -> usize {
        self.ticks_per_batch() * self.streams_per_batch()
    }

    fn streams_per_batch(&self) -> usize {
        self.streams.len().div_ceil(self.batches_per_tick())
    }

    fn ticks_per_batch(&self) -> usize {
        (BATCH_ROWS / self.streams.len()).max(1)
    }
}

/// Writes the rows while generating them; returns how long it took.
pub async fn write(server: &BenchServer, workload: &Workload) -> Result<Duration> {
    let (batches, workload) = (workload.batches(), workload.clone());
    send(server, IngestFormat::Arrow, batches, move |number| {
        encode(IngestFormat::Arrow, &workload.batch(number))
    })
    .await
}

/// Writes the rows from bodies that are encoded before the clock starts.
pub async fn write_encoded(
    server: &BenchServer,
    workload: &Workload,
    form: IngestFormat,
) -> Result<Duration> {
    let bodies: Vec<Bytes> =
        (0..workload.batches()).map(|number| encode(form, &workload.batch(number))).collect();
    send(server, form, bodies.len(), move |number| bodies[number].clone()).await
}

async fn send(
    server: &BenchServer,
    form: IngestFormat,
    count: usize,
    body: impl Fn(usize) -> Bytes + Send + Sync + 'static,
) -> Result<Duration> {
    let (body, next) = (Arc::new(body), Arc::new(AtomicUsize::new(0)));
    let started = Instant::now();
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let (body, next, request) = (body.clone(), next.clone(), request(server, form));
            tokio::spawn(async move {
                let numbers = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
                for number in numbers.take_while(|number| *number < count) {
                    post(&request, body(number)).await?;
                }
                Ok::<(), Error>(())
            })
        })
        .collect();
    for writer in writers {
        writer.await.map_err(|e| Error::internal("a writer ended early").with_source(e))??;
    }
    Ok(started.elapsed())
}

/// Returns a request to `/ingest` without a body; it is cloned for each batch.
pub fn request(server: &BenchServer, form: IngestFormat) -> RequestBuilder {
    let media_type = if form == IngestFormat::Arrow { ARROW_MEDIA_TYPE } else { "application/x-ndjson" };
    let url = format!("http://{}/ingest", server.address);
    server.client.post(url).header("X-API-Key", &server.key).header("Content-Type", media_type)
}

/// Sends a batch until the server has room for it; the waiting counts as write time.
async fn post(request: &RequestBuilder, body: Bytes) -> Result<()> {
    while !try_post(request, body.clone()).await? {
        tokio::time::sleep(RETRY_DELAY).await;
    }
    Ok(())
}

/// Sends a batch once; returns false if the server has no room for it now (503).
pub async fn try_post(request: &RequestBuilder, body: Bytes) -> Result<bool> {
    let request = request.try_clone().expect("a request without body can be cloned");
    let answer = request.body(body).send().await;
    let answer = answer.map_err(|e| Error::unavailable("the server does not answer").with_source(e))?;
    let status = answer.status();
    let text = answer.text().await.unwrap_or_default();
    match status {
        StatusCode::SERVICE_UNAVAILABLE => Ok(false),
        status if status.is_success() => Ok(true),
        status => Err(Error::unavailable(format!("the server refused a batch: {status}: {text}"))),
    }
}

/// Encodes rows as the body of one request: an Arrow IPC stream of one batch, or a line of JSON per row.
pub fn encode(form: IngestFormat, rows: &[GeneratedRow]) -> Bytes {
    if form == IngestFormat::Ndjson {
        return generator::to_ndjson(rows).into();
    }
    let batch = generator::to_batch(rows);
    let encode = || -> std::result::Result<Vec<u8>, arrow::error::ArrowError> {
        let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema())?;
        writer.write(&batch)?;
        writer.finish()?;
        writer.into_inner()
    };
    encode().expect("plain columns are always encoded into memory").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_of_a_tick_of_many_streams_are_divided_between_requests() {
        let streams: Arc<[StreamId]> = (1..=25_000).map(StreamId).collect();
        let signals = SignalGenerator { first_number: 7, ..SignalGenerator::with_seed(1) };
        let many = Workload { signals, streams: streams.clone(), ticks: 2 };
        assert_eq!((many.batches(), many.rows_per_batch()), (6, 8_334));
        let batches: Vec<Vec<GeneratedRow>> = (0..6).map(|number| many.batch(number)).collect();
        assert!(batches.iter().all(|rows| rows.len() <= BATCH_ROWS));
        let all: Vec<GeneratedRow> = (0..2).flat_map(|tick| signals.rows_at(&streams, tick)).collect();
        assert!(batches.concat() == all, "no row is missing, and each has its signal");
        assert_eq!([2, 3, 5, 6, 9].map(|batches| many.ticks_of(batches)), [0, 1, 1, 2, 2]);

        let few = Workload { streams: streams[..100].into(), ..many };
        assert_eq!((few.batches(), few.batches_per_tick(), few.rows_per_batch()), (1, 1, BATCH_ROWS));
    }
}
