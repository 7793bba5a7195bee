//! The last readings of streams as one payload of the checkpoint: `kind u8 | count u32`, for each reading
//! `roles u8 | seq u64 | last seq of the stream u64`, then the readings as a record of the log. Numbers are little-endian.

use std::sync::Arc;

use super::current_reading::ArrivedReading;
use super::wal::Record;
use super::wal::reader::{ByteReader, malformed_record};
use crate::domain::Result;

/// The first byte: no section of a record has this kind.
const KIND: u8 = 0x80;

/// Roles of a stored reading for its stream, and whether it is history that was imported.
pub(super) mod role {
    /// The newest reading by time, also when it is ahead of the clock.
    pub const NEWEST: u8 = 1;
    /// The current reading, of any quality.
    pub const CURRENT: u8 = 2;
    /// The current reading among those with a value.
    pub const VALUED: u8 = 4;
    /// A reading ahead of the clock, kept until its time has come.
    pub const WAITING: u8 = 8;
    pub(super) const IMPORT: u8 = 16;
}

/// A reading with what it is to its stream.
#[derive(Debug, Clone)]
pub(super) struct StoredReading {
    pub arrived: ArrivedReading,
    /// Several of [`role`].
    pub roles: u8,
    /// The number of the last record with rows of the stream.
    pub stream_seq: u64,
}

/// Whether a payload has last readings.
pub(super) fn is_latest_values(payload: &[u8]) -> bool {
    payload.first() == Some(&KIND)
}

/// Encodes last readings.
pub(super) fn encode(stored: &[StoredReading]) -> Vec<u8> {
    let mut out = vec![KIND];
    out.extend((stored.len() as u32).to_le_bytes());
    for StoredReading { arrived, roles, stream_seq } in stored {
        out.push(roles | if arrived.is_import { role::IMPORT } else { 0 });
        out.extend(arrived.seq.to_le_bytes());
        out.extend(stream_seq.to_le_bytes());
    }
    let readings = stored.iter().map(|stored| stored.arrived.reading.as_ref().clone()).collect();
    out.extend(Record { readings, ..Record::default() }.encode());
    out
}

/// The inverse of `encode`; any other bytes are an error, never a panic.
pub(super) fn decode(payload: &[u8]) -> Result<Vec<StoredReading>> {
    let mut body = ByteReader(payload);
    if body.u8()? != KIND {
        return Err(malformed_record());
    }
    let count = body.u32()? as usize;
    let mut heads = Vec::new();
    for _ in 0..count {
        let roles = body.u8()?;
        heads.push((roles, u64::from_le_bytes(body.array()?), u64::from_le_bytes(body.array()?)));
    }
    let readings = Record::decode(body.0)?.readings;
    if readings.len() != heads.len() {
        return Err(malformed_record());
    }
    let stored = |((roles, seq, stream_seq), reading): ((u8, u64, u64), _)| {
        let arrived =
            ArrivedReading { reading: Arc::new(reading), seq, is_import: roles & role::IMPORT != 0 };
        StoredReading { arrived, roles: roles & !role::IMPORT, stream_seq }
    };
    Ok(heads.into_iter().zip(readings.iter()).map(stored).collect())
}
