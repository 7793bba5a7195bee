//! A run of readings as bytes, between processes of one version of the program. Numbers are little-endian.

use arrow::array::StringArray;

use crate::domain::Result;
use crate::store::memtable::run::Run;
use crate::store::wal::columns::put_numbers;
use crate::store::wal::reader::{ByteReader, malformed_record};

/// The length that stands for null: no text is as long.
const NULL_TEXT: u32 = u32::MAX;

/// The inverse of `encode_run`, for a run alone.
///
/// # Errors
/// `Unavailable` for any other bytes.
pub fn decode_whole_run(bytes: &[u8]) -> Result<Run> {
    let mut body = ByteReader(bytes);
    let run = decode_run(&mut body)?;
    if body.0.is_empty() { Ok(run) } else { Err(malformed_record()) }
}

/// Encodes the row count, whether there are texts, and each column.
pub fn encode_run(run: &Run, out: &mut Vec<u8>) {
    out.extend((run.len() as u32).to_le_bytes());
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

/// Reads a flag, which is 0 or 1.
pub(super) fn decode_flag(body: &mut ByteReader<'_>) -> Result<bool> {
    match body.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(malformed_record()),
    }
}

/// Reads a run off the front of some bytes.
pub(super) fn decode_run(body: &mut ByteReader<'_>) -> Result<Run> {
    let rows = body.u32()? as usize;
    let has_text = decode_flag(body)?;
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
        arrived_at: None,
    })
}
