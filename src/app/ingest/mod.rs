//! Bulk ingestion: Arrow IPC, Parquet, NDJSON or CSV, of which all rows of a request are written, or none; and what names
//! series, of which each line, sample or data point is: InfluxDB's line protocol (`line_write`), Prometheus' remote write
//! (`sample_write`) and OpenTelemetry's metrics (`metric_write`).

pub mod arrow_check;
pub mod arrow_rows;
pub mod csv_rows;
pub mod json_rows;
pub mod kind_check;
pub mod line_protocol;
pub mod line_write;
pub mod metric_write;
pub mod otlp;
pub mod parquet_check;
pub mod protobuf;
pub mod protobuf_writer;
pub mod readings_builder;
pub mod remote_write;
pub mod sample_write;
mod series_name;
pub mod series_rows;
pub mod series_write;
pub mod size;
mod snappy;
#[cfg(test)]
mod test_messages;

use arrow::array::RecordBatch;
use bytes::Bytes;
use std::borrow::Cow;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use self::series_write::SeriesSettings;
use super::body_memory::{BodyMemoryReservation, MemoryHolder};
use super::bulk_work;
use super::collector_ports::CollectorStates;
use super::core_parts::CoreParts;
use crate::domain::reading::{Quality, Readings};
use crate::domain::{Clock, Error, Micros, Principal, Resource, Result, Scope, StreamId};
use crate::store::{ClaimOutcome, Store};
use parquet_check::CheckedFile;
use readings_builder::{CheckedReadings, InputNumber, InputRow, ReadingsBuilder};

/// Maximum body size as sent, bytes.
pub const WIRE_BYTES: usize = 64 << 20;
/// Maximum size of a body once it is decompressed, and of the rows in it, bytes.
pub const DECODED_BYTES: usize = 256 << 20;
/// Bodies up to this size are decoded on the calling thread; longer ones on a blocking thread.
const INLINE_BYTES: usize = 16 << 10;

/// The format of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IngestFormat {
    Arrow,
    Parquet,
    Ndjson,
    Csv,
}

/// The result of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngestOutcome {
    /// The JSON response body.
    pub answer: Vec<u8>,
    /// Whether it is the response of an earlier request with the same idempotency key.
    pub is_replay: bool,
}

/// Identity of a request that must take effect only once.
struct IdempotentRequest<'a> {
    route: &'a str,
    key: Option<&'a str>,
    body: &'a [u8],
}

/// A single reading, as written outside of bulk bodies.
#[derive(Debug, Clone)]
pub struct NewReading {
    pub stream: StreamId,
    pub ts: Option<Micros>,
    pub value: Option<InputNumber>,
    pub text: Option<String>,
    pub quality: Quality,
}

impl NewReading {
    fn as_row(&self, now: impl FnOnce(StreamId) -> Micros) -> InputRow<'_> {
        InputRow {
            stream_id: Some(self.stream.0),
            ts: Some(self.ts.unwrap_or_else(|| now(self.stream))),
            value: self.value,
            text: self.text.as_deref(),
            quality: self.quality,
            ..InputRow::default()
        }
    }
}

/// Readings that senders write over HTTP, in every format.
pub struct Ingest {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    states: CollectorStates,
    /// How devices and streams are named that the first reading creates.
    settings: SeriesSettings,
}

impl Ingest {
    pub(super) fn new(parts: &CoreParts, settings: SeriesSettings) -> Self {
        Self {
            store: parts.store.clone(),
            clock: parts.clock.clone(),
            states: parts.states.clone(),
            settings,
        }
    }

    /// Writes a body's rows. With an idempotency key they are written at most once, however often the request is sent.
    ///
    /// # Errors
    /// `Invalid` naming rows (counted from 1); `Conflict` when the key was used with another body; `TooLarge`.
    pub async fn ingest(
        &self,
        principal: &Principal,
        format: IngestFormat,
        body: Bytes,
        key: Option<String>,
    ) -> Result<IngestOutcome> {
        principal.require(Scope::write(Resource::Value))?;
        let rows = self.decode(principal, format, body.clone());
        let once = IdempotentRequest { route: "POST /ingest", key: key.as_deref(), body: &body };
        self.write_once(principal, once, rows).await
    }

    /// Writes single rows, all or none; `key` as for `ingest`. A row without a time gets the current time.
    pub async fn write_rows(
        &self,
        principal: &Principal,
        rows: Vec<NewReading>,
        key: Option<&str>,
    ) -> Result<IngestOutcome> {
        principal.require(Scope::write(Resource::Value))?;
        let body = bytes_of(&rows);
        let rows = async move {
            let memory = BodyMemoryReservation::empty(MemoryHolder::Rows);
            let mut built = ReadingsBuilder::new(self.store.clone(), principal.clone(), memory);
            let arrived = self.clock.now();
            for row in &rows {
                built.push(row.as_row(|stream| self.store.assign_ts(stream, arrived)))?;
            }
            built.finish()
        };
        self.write_once(principal, IdempotentRequest { route: "writeValues", key, body: &body }, rows).await
    }

    /// Writes readings that are history, all or none: no alert rule evaluates them, and they are current only where nothing newer
    /// is. Returns their number.
    ///
    /// # Errors
    /// The errors of `Store::import`.
    pub async fn write_history(&self, principal: &Principal, rows: Readings) -> Result<usize> {
        principal.require(Scope::write(Resource::Value))?;
        Ok(self.store.import(principal, rows).await?.rows)
    }

    /// Writes rows once for each key. A repeated request with the same body gets the same response.
    async fn write_once(
        &self,
        principal: &Principal,
        once: IdempotentRequest<'_>,
        rows: impl Future<Output = Result<CheckedReadings>>,
    ) -> Result<IngestOutcome> {
        let IdempotentRequest { route, key, body } = once;
        let Some(key) = key else {
            let CheckedReadings { rows, memory: _memory } = rows.await?;
            let answer = answer(rows.len());
            self.store.write(principal, rows).await?;
            return Ok(IngestOutcome { answer, is_replay: false });
        };
        let scope = format!("{}/{} {route}", principal.org, principal.caller);
        let claim = match self.store.claim(&scope, key, body).await? {
            ClaimOutcome::Replay(answer) => return Ok(IngestOutcome { answer, is_replay: true }),
            ClaimOutcome::First(claim) => claim,
        };
        let CheckedReadings { rows, memory: _memory } = rows.await?;
        let answer = answer(rows.len());
        self.store.write_claimed(principal, rows, claim, answer.clone()).await?;
        Ok(IngestOutcome { answer, is_replay: false })
    }

    /// Writes one batch with the columns of /ingest and returns its number of rows.
    pub async fn ingest_batch(&self, principal: &Principal, batch: &RecordBatch) -> Result<u64> {
        principal.require(Scope::write(Resource::Value))?;
        let memory = BodyMemoryReservation::empty(MemoryHolder::Rows);
        let mut rows = ReadingsBuilder::new(self.store.clone(), principal.clone(), memory);
        arrow_rows::add(&mut rows, batch)?;
        let CheckedReadings { rows, memory: _memory } = rows.finish()?;
        Ok(self.store.write(principal, rows).await?.rows as u64)
    }

    /// Decodes a body into rows and the memory reserved for them. The caller may be dropped meanwhile: the reservation
    /// stays with the work.
    async fn decode(
        &self,
        principal: &Principal,
        format: IngestFormat,
        body: Bytes,
    ) -> Result<CheckedReadings> {
        let (store, principal) = (self.store.clone(), principal.clone());
        let is_small = body.len() <= INLINE_BYTES && format != IngestFormat::Parquet;
        let checked = bulk_work::run(is_small, move || check(format, body)).await??;
        let mut memory = BodyMemoryReservation::empty(MemoryHolder::Rows);
        memory.grow_to(checked.rows_bytes()).await?;
        let rows = ReadingsBuilder::new(store, principal, memory);
        bulk_work::run(is_small, move || decode(rows, checked)).await?
    }
}

/// A body whose declared lengths and types have been checked.
enum CheckedBody {
    /// The body and its decompressed size in bytes.
    Arrow(Bytes, usize),
    Parquet(Box<CheckedFile>),
    Ndjson(Bytes),
    Csv(Bytes),
}

impl CheckedBody {
    /// Estimates the memory of its rows: about twice their size in the body.
    fn rows_bytes(&self) -> usize {
        2 * match self {
            CheckedBody::Arrow(_, bytes) => *bytes,
            CheckedBody::Parquet(file) => file.bytes,
            CheckedBody::Ndjson(body) | CheckedBody::Csv(body) => body.len(),
        }
    }
}

fn check(format: IngestFormat, body: Bytes) -> Result<CheckedBody> {
    Ok(match format {
        IngestFormat::Arrow => {
            let bytes = catch_decoder_panic(|| arrow_check::check_stream(&body, DECODED_BYTES))?;
            CheckedBody::Arrow(body, bytes)
        }
        IngestFormat::Parquet => {
            CheckedBody::Parquet(Box::new(catch_decoder_panic(|| parquet_check::check(body))?))
        }
        IngestFormat::Ndjson => CheckedBody::Ndjson(body),
        IngestFormat::Csv => CheckedBody::Csv(body),
    })
}

fn decode(mut rows: ReadingsBuilder, body: CheckedBody) -> Result<CheckedReadings> {
    match body {
        CheckedBody::Arrow(body, _) => catch_decoder_panic(|| arrow_rows::decode_stream(&mut rows, &body))?,
        CheckedBody::Parquet(file) => catch_decoder_panic(|| arrow_rows::decode_parquet(&mut rows, *file))?,
        CheckedBody::Ndjson(body) => json_rows::decode(&mut rows, &body)?,
        CheckedBody::Csv(body) => csv_rows::decode(&mut rows, &body)?,
    }
    rows.finish()
}

/// Turns a panic of the Arrow and Parquet readers into `Invalid`: they panic on some damaged input that no check here
/// detects, which is the sender's fault. Nothing read before the panic is used.
pub fn catch_decoder_panic<T>(decode: impl FnOnce() -> Result<T>) -> Result<T> {
    let damaged = |_| Err(Error::invalid("the body is damaged: its parts do not fit together"));
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(damaged)
}

/// Serializes rows to compare requests with the same idempotency key.
fn bytes_of(rows: &[NewReading]) -> Vec<u8> {
    let plain = rows.iter().map(|r| {
        let (value, digits) = r.value.map(InputNumber::split).unzip();
        let digits = digits.flatten().map(|digits| Cow::<str>::Owned(digits.into_string()));
        let text = r.text.as_deref().map(Cow::Borrowed).or(digits);
        (r.stream, r.ts.map(|ts| ts.0), value, text, r.quality.name())
    });
    serde_json::to_vec(&plain.collect::<Vec<_>>()).expect("numbers and texts always serialise")
}

fn answer(rows: usize) -> Vec<u8> {
    format!("{{\"rows\":{rows}}}").into_bytes()
}

#[cfg(test)]
mod fuzz_tests;
