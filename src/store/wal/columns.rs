//! Column encoding of the log: keyed rows are stored as whole batches, in the column order of their table's schema.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};

use super::reader::{ByteReader, malformed_record};
use crate::domain::Result;
use crate::store::table::Table;
use crate::store::upsert_rows::UpsertRows;

/// Appends a whole column at a time, because this is the hot path of bulk ingest.
pub fn put_numbers<T: Copy, const N: usize>(out: &mut Vec<u8>, numbers: &[T], bytes: fn(T) -> [u8; N]) {
    let at = out.len();
    out.resize(at + numbers.len() * N, 0);
    let (slots, _) = out[at..].as_chunks_mut::<N>();
    slots.iter_mut().zip(numbers).for_each(|(slot, number)| *slot = bytes(*number));
}

/// Encodes the row count, then each column: numbers as they are, with NaN for null; texts as lengths, then bytes.
pub fn encode(batch: &RecordBatch, out: &mut Vec<u8>) {
    out.extend((batch.num_rows() as u32).to_le_bytes());
    for column in batch.columns() {
        match column.data_type() {
            DataType::Int32 => {
                put_numbers(out, column.as_primitive::<Int32Type>().values(), i32::to_le_bytes)
            }
            DataType::Int64 => {
                put_numbers(out, column.as_primitive::<Int64Type>().values(), i64::to_le_bytes)
            }
            DataType::Timestamp(..) => {
                let times = column.as_primitive::<TimestampMicrosecondType>().values();
                put_numbers(out, times, i64::to_le_bytes);
            }
            DataType::Float64 => {
                let column = column.as_primitive::<Float64Type>();
                let numbers: Vec<f64> = column.iter().map(|x| x.unwrap_or(f64::NAN)).collect();
                put_numbers(out, &numbers, f64::to_le_bytes);
            }
            _ => {
                let texts = column.as_string::<i32>();
                let lengths: Vec<u32> = texts.iter().map(|t| t.map_or(0, |t| t.len() as u32)).collect();
                put_numbers(out, &lengths, u32::to_le_bytes);
                texts.iter().flatten().for_each(|text| out.extend_from_slice(text.as_bytes()));
            }
        }
    }
}

/// The inverse of `encode`.
///
/// # Errors
/// `Unavailable` for any other bytes.
pub fn decode(body: &mut ByteReader<'_>, table: Table) -> Result<UpsertRows> {
    let rows = body.u32()? as usize;
    let schema = table.schema();
    let columns = schema.fields().iter().map(|field| column(body, field.data_type(), rows));
    let columns = columns.collect::<Result<Vec<_>>>()?;
    UpsertRows::new(
        table,
        RecordBatch::try_new(schema, columns).map_err(|e| malformed_record().with_source(e))?,
    )
}

fn column(body: &mut ByteReader<'_>, kind: &DataType, rows: usize) -> Result<ArrayRef> {
    Ok(match kind {
        DataType::Int32 => Arc::new(Int32Array::from(body.numbers(rows, i32::from_le_bytes)?)),
        DataType::Int64 => Arc::new(Int64Array::from(body.numbers(rows, i64::from_le_bytes)?)),
        DataType::Timestamp(..) => {
            let times = TimestampMicrosecondArray::from(body.numbers(rows, i64::from_le_bytes)?);
            Arc::new(times.with_timezone("UTC"))
        }
        DataType::Float64 => {
            let numbers = body.numbers(rows, f64::from_le_bytes)?;
            Arc::new(Float64Array::from_iter(numbers.into_iter().map(|x| Some(x).filter(|x| !x.is_nan()))))
        }
        _ => {
            let lengths = body.numbers(rows, u32::from_le_bytes)?;
            let texts = lengths.into_iter().map(|len| body.text(len as usize));
            Arc::new(StringArray::from_iter_values(texts.collect::<Result<Vec<_>>>()?))
        }
    })
}
