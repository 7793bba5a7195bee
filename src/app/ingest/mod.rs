//! Many readings at once: Arrow IPC, Parquet, NDJSON or CSV, all of a request or nothing.

pub mod arrow_rows;
pub mod csv_rows;
pub mod json_rows;
pub mod rows;
pub mod size;

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use bytes::Bytes;
use tokio::sync::SemaphorePermit;

use super::App;
use crate::domain::reading::{Quality, Readings};
use crate::domain::{Error, Micros, Principal, Resource, Result, Scope, StreamId};
use crate::store::{Claimed, Store, pace};
use rows::{Builder, Number, Row};

/// Longest body on the wire, and decoded.
pub const WIRE_BYTES: usize = 64 << 20;
pub const DECODED_BYTES: usize = 256 << 20;
/// What bodies may take together while they are decoded and wait for the log; more wait for so long.
pub const MEMORY_KIB: usize = 512 << 10;
const MEMORY_DEADLINE: Duration = Duration::from_secs(10);
/// Bodies up to this are decoded where they arrive; longer ones on a thread that may block.
const INLINE_BYTES: usize = 16 << 10;

/// The form of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Arrow,
    Parquet,
    Ndjson,
    Csv,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ingested {
    /// The JSON answer.
    pub answer: Vec<u8>,
    /// Whether it is the answer of an earlier request with the same key.
    pub is_replay: bool,
}

/// What tells a request from others, where it is to count once.
struct Once<'a> {
    route: &'a str,
    key: Option<&'a str>,
    body: &'a [u8],
}

/// One row that came by itself.
#[derive(Debug, Clone)]
pub struct Given {
    pub stream: StreamId,
    pub ts: Option<Micros>,
    pub value: Option<f64>,
    pub text: Option<String>,
    pub quality: Quality,
}

impl Given {
    fn as_row(&self, now: impl FnOnce(StreamId) -> Micros) -> Row<'_> {
        Row {
            stream_id: Some(self.stream.0),
            ts: Some(self.ts.unwrap_or_else(|| now(self.stream))),
            value: self.value.map(Number::Float),
            text: self.text.as_deref(),
            quality: self.quality,
            ..Row::default()
        }
    }
}

impl App {
    /// Writes a body's rows. With a key, at most once however often it is sent.
    ///
    /// # Errors
    /// `Invalid` naming rows (counted from 1); `Conflict` when the key was used with another body; `TooLarge`.
    pub async fn ingest(
        &self,
        principal: &Principal,
        format: Format,
        body: Bytes,
        key: Option<String>,
    ) -> Result<Ingested> {
        principal.require(Scope::write(Resource::Value))?;
        let _memory = self.take_memory(format, body.len()).await?;
        let rows = self.decode(principal, format, body.clone());
        let once = Once { route: "POST /ingest", key: key.as_deref(), body: &body };
        self.write_once(principal, once, rows).await
    }

    /// Writes rows that came one by one, all or none; `key` as for `ingest`. A row without a time is of now.
    pub async fn write_rows(
        &self,
        principal: &Principal,
        rows: Vec<Given>,
        key: Option<&str>,
    ) -> Result<Ingested> {
        principal.require(Scope::write(Resource::Value))?;
        let body = bytes_of(&rows);
        let rows = async move {
            let mut built = Builder::new(self.store.clone(), principal.clone());
            for row in &rows {
                built.push(row.as_row(|stream| self.store.assign_ts(stream)))?;
            }
            built.finish()
        };
        self.write_once(principal, Once { route: "writeValues", key, body: &body }, rows).await
    }

    /// Writes rows, once for each key: who asks again with the same body is answered the same.
    async fn write_once(
        &self,
        principal: &Principal,
        once: Once<'_>,
        rows: impl Future<Output = Result<Readings>>,
    ) -> Result<Ingested> {
        let Once { route, key, body } = once;
        let Some(key) = key else {
            let rows = rows.await?;
            let answer = answer(rows.len());
            self.store.write(principal, rows).await?;
            return Ok(Ingested { answer, is_replay: false });
        };
        let scope = format!("{}/{} {route}", principal.org, principal.caller);
        let claim = match self.store.claim(&scope, key, body).await? {
            Claimed::Before(answer) => return Ok(Ingested { answer, is_replay: true }),
            Claimed::First(claim) => claim,
        };
        let rows = rows.await?;
        let answer = answer(rows.len());
        self.store.write_claimed(principal, rows, claim, answer.clone()).await?;
        Ok(Ingested { answer, is_replay: false })
    }

    /// Writes one batch with the columns of /ingest and returns its rows.
    pub async fn ingest_batch(&self, principal: &Principal, batch: &RecordBatch) -> Result<u64> {
        principal.require(Scope::write(Resource::Value))?;
        let mut rows = Builder::new(self.store.clone(), principal.clone());
        arrow_rows::add(&mut rows, batch)?;
        let rows = rows.finish()?;
        Ok(self.store.write(principal, rows).await?.rows as u64)
    }

    /// Memory for a body's rows, given back once they are logged. What they will take is not known yet: about twice the
    /// body, and more where rows can be packed.
    async fn take_memory(&self, format: Format, body_bytes: usize) -> Result<SemaphorePermit<'_>> {
        let packed = if format == Format::Parquet { 4 } else { 1 };
        let wanted = (body_bytes * 2 * packed / 1024 + 1).min(MEMORY_KIB);
        let permits = u32::try_from(wanted).expect("the budget is far below 2^32 KiB");
        let taken = tokio::time::timeout(MEMORY_DEADLINE, self.ingest_memory.acquire_many(permits)).await;
        let taken = taken.map_err(|_| Error::busy("too much is being written at once; retry later"))?;
        taken.map_err(|e| Error::unavailable("the server is shutting down").because(e))
    }

    async fn decode(&self, principal: &Principal, format: Format, body: Bytes) -> Result<Readings> {
        let (store, principal) = (self.store.clone(), principal.clone());
        if body.len() <= INLINE_BYTES && format != Format::Parquet {
            return decode(store, principal, format, &body);
        }
        pace::large(move || decode(store, principal, format, &body)).await?
    }
}

fn decode(store: Arc<Store>, principal: Principal, format: Format, body: &Bytes) -> Result<Readings> {
    let mut rows = Builder::new(store, principal);
    match format {
        Format::Arrow => survive(|| arrow_rows::decode_stream(&mut rows, body))?,
        Format::Parquet => survive(|| arrow_rows::decode_parquet(&mut rows, body))?,
        Format::Ndjson => json_rows::decode(&mut rows, body)?,
        Format::Csv => csv_rows::decode(&mut rows, body)?,
    }
    rows.finish()
}

/// The Arrow and Parquet readers panic on some damaged input (arrow 59: a buffer that lies outside of the body). That
/// is the sender's fault, not ours. Nothing read before is used.
fn survive(decode: impl FnOnce() -> Result<()>) -> Result<()> {
    let damaged = |_| Err(Error::invalid("the body is damaged: its parts do not fit together"));
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(damaged)
}

/// What tells rows from other rows, for the idempotency key.
fn bytes_of(rows: &[Given]) -> Vec<u8> {
    let plain = rows.iter().map(|r| (r.stream, r.ts.map(|ts| ts.0), r.value, &r.text, r.quality.name()));
    serde_json::to_vec(&plain.collect::<Vec<_>>()).expect("numbers and texts always serialise")
}

fn answer(rows: usize) -> Vec<u8> {
    format!("{{\"rows\":{rows}}}").into_bytes()
}
