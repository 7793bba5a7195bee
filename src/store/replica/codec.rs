//! An `OrgTail` as bytes, between processes of one version of the program. Numbers are little-endian.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::org_tail::OrgTail;
use super::run_codec::{decode_flag, decode_run, encode_run};
use crate::domain::time::Day;
use crate::domain::{Error, Micros, Result};
use crate::store::table::{PerTable, Table};
use crate::store::wal::columns;
use crate::store::wal::reader::ByteReader;

/// The first byte. It changes with the format, so that nodes of different versions refuse each other's tails.
const FORMAT: u8 = 5;

impl OrgTail {
    /// Encodes the tail.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let mut out = vec![FORMAT];
        let states = serde_json::to_vec(&self.states)
            .map_err(|e| Error::internal("the states of devices have no JSON").with_source(e))?;
        put_len(&mut out, states.len());
        out.extend_from_slice(&states);
        out.extend_from_slice(self.instance.as_bytes());
        Table::ALL.iter().for_each(|table| out.extend(self.versions[*table].to_le_bytes()));
        out.extend(self.flushed.to_le_bytes());
        out.extend(self.seq.to_le_bytes());
        out.extend(self.expiry_time.0.to_le_bytes());
        out.push(u8::from(self.after.is_some()));
        self.after.iter().for_each(|seq| out.extend(seq.to_le_bytes()));
        put_len(&mut out, self.late_days.len());
        self.late_days.iter().for_each(|day| out.extend(day.0.to_le_bytes()));
        put_days(&mut out, &self.readings, encode_run);
        for table in Table::UPSERT {
            put_days(&mut out, &self.upserts[table], |rows, out| columns::encode(rows.batch(), out));
        }
        for number in [self.epoch, self.catalog_version] {
            out.push(u8::from(number.is_some()));
            number.iter().for_each(|number| out.extend(number.to_le_bytes()));
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
        let mut tail = OrgTail {
            states,
            instance: Uuid::from_bytes(body.array()?),
            versions: decode_versions(&mut body)?,
            flushed: decode_seq(&mut body)?,
            seq: decode_seq(&mut body)?,
            expiry_time: Micros(i64::from_le_bytes(body.array()?)),
            after: if decode_flag(&mut body)? { Some(decode_seq(&mut body)?) } else { None },
            late_days: decode_late_days(&mut body)?,
            readings: decode_days(&mut body, decode_run)?,
            ..OrgTail::default()
        };
        for table in Table::UPSERT {
            tail.upserts[table] = decode_days(&mut body, |body| columns::decode(body, table))?;
        }
        for number in [&mut tail.epoch, &mut tail.catalog_version] {
            if decode_flag(&mut body)? {
                *number = Some(i64::from_le_bytes(body.array()?));
            }
        }
        if decode_flag(&mut body)? {
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

/// Encodes the runs of each day.
fn put_days<R>(out: &mut Vec<u8>, days: &BTreeMap<Day, Vec<R>>, encode: impl Fn(&R, &mut Vec<u8>)) {
    put_len(out, days.len());
    for (day, runs) in days {
        out.extend(day.0.to_le_bytes());
        put_len(out, runs.len());
        for run in runs {
            encode(run, out);
        }
    }
}

fn decode_days<R>(
    body: &mut ByteReader<'_>,
    decode: impl Fn(&mut ByteReader<'_>) -> Result<R>,
) -> Result<BTreeMap<Day, Vec<R>>> {
    let mut days = BTreeMap::new();
    for _ in 0..body.u32()? {
        let day = decode_day(body)?;
        let mut runs = Vec::new();
        for _ in 0..body.u32()? {
            runs.push(decode(body)?);
        }
        if runs.is_empty() || days.insert(day, runs).is_some() {
            return Err(malformed());
        }
    }
    Ok(days)
}

fn decode_late_days(body: &mut ByteReader<'_>) -> Result<BTreeSet<Day>> {
    let mut days = BTreeSet::new();
    for _ in 0..body.u32()? {
        if !days.insert(decode_day(body)?) {
            return Err(malformed());
        }
    }
    Ok(days)
}

fn decode_day(body: &mut ByteReader<'_>) -> Result<Day> {
    Ok(Day(i32::from_le_bytes(body.array()?)))
}

fn decode_seq(body: &mut ByteReader<'_>) -> Result<u64> {
    Ok(u64::from_le_bytes(body.array()?))
}

fn decode_versions(body: &mut ByteReader<'_>) -> Result<PerTable<u64>> {
    let mut versions = PerTable::default();
    for table in Table::ALL {
        versions[table] = u64::from_le_bytes(body.array()?);
    }
    Ok(versions)
}
