//! Log record of one request: the rows it writes, of all tables, and its idempotency entry if it carried a key.
//!
//! A payload is a sequence of sections `tag u8 | length u32 | bytes`. An unknown tag refuses the start, because
//! skipping it would lose what a newer version wrote.

#![warn(missing_docs)]

use super::columns::{self, put_numbers};
use super::reader::{ByteReader, malformed_record};
use crate::domain::reading::Readings;
use crate::domain::{Error, Micros, Result};
use crate::store::table::Table;
use crate::store::upsert_rows::UpsertRows;

const TAG_READINGS: u8 = 1;
const TAG_IDEMPOTENT: u8 = 2;
/// Without bytes: that the section is there says it.
const TAG_IMPORT: u8 = 5;
const TAG_ARRIVED_AT: u8 = 6;
const UPSERT_TAGS: [(u8, Table); 2] = [(3, Table::Statistics), (4, Table::Messages)];

/// The answer to a request with an idempotency key, stored so that a retry gets the same answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyRecord {
    /// Principal and route, so that equal keys of different callers do not collide.
    pub scope: String,
    /// The client's `Idempotency-Key`, at most 255 bytes.
    pub key: String,
    /// SHA-256 of the request body.
    pub body_hash: [u8; 32],
    /// Body of the response, which a retry gets again byte by byte.
    pub answer: Vec<u8>,
    /// Microseconds since the epoch.
    pub expires_at: i64,
}

/// Rows that one request writes. They become durable as a whole or not at all.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Record {
    /// Readings of all streams that the request wrote; may be empty.
    pub readings: Readings,
    /// Rows of the other tables; those without rows are not encoded.
    pub upserts: Vec<UpsertRows>,
    /// Entry of the request's idempotency key, if it had one.
    pub idempotent: Option<IdempotencyRecord>,
    /// Whether the readings are history that an import brought: alert rules do not evaluate them, and they are current only
    /// when they are newer by time.
    pub is_import: bool,
    /// Time of the clock when the request arrived, which decides whether its readings are ahead; `None` in other files.
    pub arrived_at: Option<Micros>,
}

impl Record {
    /// Encodes the record as a payload. Empty parts take no bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16 + self.readings.size_bytes());
        if !self.readings.is_empty() {
            section(&mut out, TAG_READINGS, |out| encode_readings(&self.readings, out));
        }
        for (tag, table) in UPSERT_TAGS {
            for rows in self.upserts.iter().filter(|rows| rows.table() == table && !rows.is_empty()) {
                section(&mut out, tag, |out| columns::encode(rows.batch(), out));
            }
        }
        if let Some(entry) = &self.idempotent {
            section(&mut out, TAG_IDEMPOTENT, |out| encode_idempotent(entry, out));
        }
        if self.is_import {
            section(&mut out, TAG_IMPORT, |_| {});
        }
        if let Some(at) = self.arrived_at {
            section(&mut out, TAG_ARRIVED_AT, |out| out.extend(at.0.to_le_bytes()));
        }
        out
    }

    /// The inverse of `encode`; any other bytes are an error, never a panic.
    pub fn decode(payload: &[u8]) -> Result<Record> {
        let mut record = Record::default();
        let mut rest = ByteReader(payload);
        while !rest.0.is_empty() {
            let tag = rest.u8()?;
            let len = rest.u32()? as usize;
            let mut body = ByteReader(rest.take(len)?);
            match tag {
                TAG_READINGS => record.readings = decode_readings(&mut body)?,
                TAG_IMPORT => record.is_import = true,
                TAG_ARRIVED_AT => record.arrived_at = Some(Micros(i64::from_le_bytes(body.array()?))),
                TAG_IDEMPOTENT => record.idempotent = Some(decode_idempotent(&mut body)?),
                other => {
                    let known = UPSERT_TAGS.iter().find(|(tag, _)| *tag == other);
                    let (_, table) = known.ok_or_else(|| {
                        Error::unavailable(format!("a record has a section of unknown kind {other}"))
                    })?;
                    record.upserts.push(columns::decode(&mut body, *table)?);
                }
            }
            if !body.0.is_empty() {
                return Err(malformed_record());
            }
        }
        Ok(record)
    }
}

fn section(out: &mut Vec<u8>, tag: u8, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(tag);
    let at = out.len();
    out.extend([0; 4]);
    write(out);
    let len = (out.len() - at - 4) as u32;
    out[at..at + 4].copy_from_slice(&len.to_le_bytes());
}

fn encode_readings(rows: &Readings, out: &mut Vec<u8>) {
    out.extend((rows.len() as u32).to_le_bytes());
    out.push(u8::from(!rows.text.is_empty()));
    put_numbers(out, &rows.stream, i32::to_le_bytes);
    put_numbers(out, &rows.ts, i64::to_le_bytes);
    put_numbers(out, &rows.value, f64::to_le_bytes);
    out.extend_from_slice(&rows.quality);
    for text in &rows.text {
        // Length plus one; zero represents null.
        out.extend(text.as_ref().map_or(0, |t| t.len() as u32 + 1).to_le_bytes());
    }
    for text in rows.text.iter().flatten() {
        out.extend_from_slice(text.as_bytes());
    }
}

fn decode_readings(body: &mut ByteReader<'_>) -> Result<Readings> {
    let rows = body.u32()? as usize;
    let has_text = body.u8()? != 0;
    let stream = body.numbers(rows, i32::from_le_bytes)?;
    let ts = body.numbers(rows, i64::from_le_bytes)?;
    let value = body.numbers(rows, f64::from_le_bytes)?;
    let quality = body.take(rows)?.to_vec();
    let mut text = Vec::new();
    if has_text {
        for len in body.numbers(rows, u32::from_le_bytes)? {
            text.push(len.checked_sub(1));
        }
    }
    let text = text.into_iter().map(|len| len.map(|len| body.text(len as usize)).transpose());
    Ok(Readings { stream, ts, value, quality, text: text.collect::<Result<_>>()? })
}

fn encode_idempotent(entry: &IdempotencyRecord, out: &mut Vec<u8>) {
    out.extend(entry.expires_at.to_le_bytes());
    out.extend_from_slice(&entry.body_hash);
    for bytes in [entry.scope.as_bytes(), entry.key.as_bytes(), &entry.answer] {
        out.extend((bytes.len() as u32).to_le_bytes());
        out.extend_from_slice(bytes);
    }
}

fn decode_idempotent(body: &mut ByteReader<'_>) -> Result<IdempotencyRecord> {
    let expires_at = i64::from_le_bytes(body.array()?);
    let body_hash = body.array()?;
    let (scope, key) = (body.counted_text()?, body.counted_text()?);
    let len = body.u32()? as usize;
    let answer = body.take(len)?.to_vec();
    Ok(IdempotencyRecord { scope, key, body_hash, answer, expires_at })
}
