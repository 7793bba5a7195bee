//! An `OrgTail` as bytes, between processes of one version of the program. Numbers are little-endian.

use arrow::array::StringArray;

use super::org_tail::OrgTail;
use crate::domain::time::Day;
use crate::domain::{Error, Result};
use crate::store::memtable::run::Run;
use crate::store::snapshot::MemtableDay;
use crate::store::table::{PerTable, Table};
use crate::store::wal::columns::{self, put_numbers};
use crate::store::wal::reader::ByteReader;

/// The first byte. It changes with the format, so that nodes of different versions refuse each other's tails.
const FORMAT: u8 = 1;

/// The length that stands for null: no text is as long.
const NULL_TEXT: u32 = u32::MAX;

impl OrgTail {
    /// Encodes the tail.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let mut out = vec![FORMAT];
        let states = serde_json::to_vec(&self.states)
            .map_err(|e| Error::internal("the states of devices have no JSON").with_source(e))?;
        put_len(&mut out, states.len());
        out.extend_from_slice(&states);
        Table::ALL.iter().for_each(|table| out.extend(self.versions[*table].to_le_bytes()));
        out.extend(self.seq.to_le_bytes());
        put_len(&mut out, self.readings.len());
        for (day, MemtableDay { runs, is_late }) in &self.readings {
            out.extend(day.0.to_le_bytes());
            out.push(u8::from(*is_late));
            put_len(&mut out, runs.len());
            runs.iter().for_each(|run| encode_run(run, &mut out));
        }
        for table in Table::UPSERT {
            put_len(&mut out, self.upserts[table].len());
            for (day, runs) in &self.upserts[table] {
                out.extend(day.0.to_le_bytes());
                put_len(&mut out, runs.len());
                runs.iter().for_each(|rows| columns::encode(rows.batch(), &mut out));
            }
        }
        out.push(u8::from(self.newest.is_some()));
        self.newest.iter().for_each(|run| encode_run(run, &mut out));
        Ok(out)
    }

    /// The inverse of `encode`.
    ///
    /// # Errors
    /// `Unavailable` for any other bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut body = ByteReader(bytes);
        if body.u8()? != FORMAT {
            return Err(Error::unavailable("the ingest node runs another version of the program"));
        }
        let states = body.u32()? as usize;
        let states = serde_json::from_slice(body.take(states)?).map_err(|e| malformed().with_source(e))?;
        let mut tail = OrgTail { states, versions: decode_versions(&mut body)?, ..OrgTail::default() };
        tail.seq = u64::from_le_bytes(body.array()?);
        for _ in 0..body.u32()? {
            let day = decode_day(&mut body)?;
            let is_late = body.u8()? != 0;
            let runs = (0..body.u32()?).map(|_| decode_run(&mut body)).collect::<Result<_>>()?;
            tail.readings.insert(day, MemtableDay { runs, is_late });
        }
        for table in Table::UPSERT {
            for _ in 0..body.u32()? {
                let day = decode_day(&mut body)?;
                let runs = (0..body.u32()?).map(|_| columns::decode(&mut body, table));
                tail.upserts[table].insert(day, runs.collect::<Result<_>>()?);
            }
        }
        if body.u8()? != 0 {
            tail.newest = Some(decode_run(&mut body)?);
        }
        if body.0.is_empty() { Ok(tail) } else { Err(malformed()) }
    }
}

fn malformed() -> Error {
    Error::unavailable("the ingest node's answer cannot be read")
}

fn put_len(out: &mut Vec<u8>, len: usize) {
    out.extend((len as u32).to_le_bytes());
}

fn decode_day(body: &mut ByteReader<'_>) -> Result<Day> {
    Ok(Day(i32::from_le_bytes(body.array()?)))
}

fn decode_versions(body: &mut ByteReader<'_>) -> Result<PerTable<u64>> {
    let mut versions = PerTable::default();
    for table in Table::ALL {
        versions[table] = u64::from_le_bytes(body.array()?);
    }
    Ok(versions)
}

/// Encodes the row count, whether there are texts, and each column.
fn encode_run(run: &Run, out: &mut Vec<u8>) {
    put_len(out, run.len());
    out.push(u8::from(run.text.is_some()));
    put_numbers(out, &run.stream, i32::to_le_bytes);
    put_numbers(out, &run.ts, i64::to_le_bytes);
    put_numbers(out, &run.value, f64::to_le_bytes);
    out.extend_from_slice(&run.quality);
    put_numbers(out, &run.seq, i64::to_le_bytes);
    let Some(text) = &run.text else { return };
    let lengths: Vec<u32> =
        text.iter().map(|text| text.map_or(NULL_TEXT, |text| text.len() as u32)).collect();
    put_numbers(out, &lengths, u32::to_le_bytes);
    text.iter().flatten().for_each(|text| out.extend_from_slice(text.as_bytes()));
}

fn decode_run(body: &mut ByteReader<'_>) -> Result<Run> {
    let rows = body.u32()? as usize;
    let has_text = body.u8()? != 0;
    let stream = body.numbers(rows, i32::from_le_bytes)?;
    let ts = body.numbers(rows, i64::from_le_bytes)?;
    let value = body.numbers(rows, f64::from_le_bytes)?;
    let quality = body.take(rows)?.to_vec();
    let seq = body.numbers(rows, i64::from_le_bytes)?;
    let text = match has_text {
        true => {
            let lengths = body.numbers(rows, u32::from_le_bytes)?;
            let texts = lengths.into_iter().map(|len| match len {
                NULL_TEXT => Ok(None),
                len => body.text(len as usize).map(Some),
            });
            Some(StringArray::from_iter(texts.collect::<Result<Vec<_>>>()?))
        }
        false => None,
    };
    Ok(Run {
        stream: stream.into(),
        ts: ts.into(),
        value: value.into(),
        quality: quality.into(),
        seq: seq.into(),
        text,
        is_import: false,
    })
}
