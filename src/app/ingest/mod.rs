//! Many readings at once: Arrow IPC, Parquet, NDJSON or CSV, all of a request or nothing.

pub mod arrow_check;
pub mod arrow_rows;
pub mod csv_rows;
pub mod json_rows;
pub mod kinds;
pub mod parquet_check;
pub mod rows;
pub mod size;

use arrow::array::RecordBatch;
use bytes::Bytes;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::App;
use super::body_memory::{Held, Holder};
use crate::domain::reading::Quality;
use crate::domain::{Error, Micros, Principal, Resource, Result, Scope, StreamId};
use crate::store::{Claimed, pace};
use parquet_check::CheckedFile;
use rows::{Builder, Built, Number, Row};

/// Longest body on the wire, and decoded.
pub const WIRE_BYTES: usize = 64 << 20;
pub const DECODED_BYTES: usize = 256 << 20;
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
            let memory = Held::nothing(Holder::Rows);
            let mut built = Builder::new(self.store.clone(), principal.clone(), memory);
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
        rows: impl Future<Output = Result<Built>>,
    ) -> Result<Ingested> {
        let Once { route, key, body } = once;
        let Some(key) = key else {
            let Built { rows, memory: _memory } = rows.await?;
            let answer = answer(rows.len());
            self.store.write(principal, rows).await?;
            return Ok(Ingested { answer, is_replay: false });
        };
        let scope = format!("{}/{} {route}", principal.org, principal.caller);
        let claim = match self.store.claim(&scope, key, body).await? {
            Claimed::Before(answer) => return Ok(Ingested { answer, is_replay: true }),
            Claimed::First(claim) => claim,
        };
        let Built { rows, memory: _memory } = rows.await?;
        let answer = answer(rows.len());
        self.store.write_claimed(principal, rows, claim, answer.clone()).await?;
        Ok(Ingested { answer, is_replay: false })
    }

    /// Writes one batch with the columns of /ingest and returns its rows.
    pub async fn ingest_batch(&self, principal: &Principal, batch: &RecordBatch) -> Result<u64> {
        principal.require(Scope::write(Resource::Value))?;
        let memory = Held::nothing(Holder::Rows);
        let mut rows = Builder::new(self.store.clone(), principal.clone(), memory);
        arrow_rows::add(&mut rows, batch)?;
        let Built { rows, memory: _memory } = rows.finish()?;
        Ok(self.store.write(principal, rows).await?.rows as u64)
    }

    /// The rows of a body, with the memory that they hold. Whoever asks may go meanwhile: the memory stays with the work.
    async fn decode(&self, principal: &Principal, format: Format, body: Bytes) -> Result<Built> {
        let (store, principal) = (self.store.clone(), principal.clone());
        let is_small = body.len() <= INLINE_BYTES && format != Format::Parquet;
        let checked =
            if is_small { check(format, body)? } else { pace::large(move || check(format, body)).await?? };
        let mut memory = Held::nothing(Holder::Rows);
        memory.cover_soon(checked.rows_bytes()).await?;
        if is_small {
            return decode(Builder::new(store, principal, memory), checked);
        }
        pace::large(move || decode(Builder::new(store, principal, memory), checked)).await?
    }
}

/// A body whose claims were checked.
enum Checked {
    /// With its bytes once they are decompressed.
    Arrow(Bytes, usize),
    Parquet(Box<CheckedFile>),
    Ndjson(Bytes),
    Csv(Bytes),
}

impl Checked {
    /// What its rows will take, as far as that can be known: about twice what they are in the body.
    fn rows_bytes(&self) -> usize {
        2 * match self {
            Checked::Arrow(_, bytes) => *bytes,
            Checked::Parquet(file) => file.bytes,
            Checked::Ndjson(body) | Checked::Csv(body) => body.len(),
        }
    }
}

fn check(format: Format, body: Bytes) -> Result<Checked> {
    Ok(match format {
        Format::Arrow => {
            let bytes = survive(|| arrow_check::check_stream(&body, DECODED_BYTES))?;
            Checked::Arrow(body, bytes)
        }
        Format::Parquet => Checked::Parquet(Box::new(survive(|| parquet_check::check(body))?)),
        Format::Ndjson => Checked::Ndjson(body),
        Format::Csv => Checked::Csv(body),
    })
}

fn decode(mut rows: Builder, body: Checked) -> Result<Built> {
    match body {
        Checked::Arrow(body, _) => survive(|| arrow_rows::decode_stream(&mut rows, &body))?,
        Checked::Parquet(file) => survive(|| arrow_rows::decode_parquet(&mut rows, *file))?,
        Checked::Ndjson(body) => json_rows::decode(&mut rows, &body)?,
        Checked::Csv(body) => csv_rows::decode(&mut rows, &body)?,
    }
    rows.finish()
}

/// The Arrow and Parquet readers panic on some damaged input that no check here knows. That is the sender's fault, not
/// ours. Nothing read before is used.
pub fn survive<T>(decode: impl FnOnce() -> Result<T>) -> Result<T> {
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

#[cfg(test)]
mod fuzz_tests;
