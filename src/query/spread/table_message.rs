//! A table of few rows as Protocol Buffers, between nodes of one version of the program.
//!
//! The format is our own: the reader of Arrow's IPC format (arrow-ipc 59) allocates declared lengths without a check, and
//! panics where a part is missing. Here each length is compared with the bytes that came, and Arrow validates the rest.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayData, ArrayRef, MutableArrayData, RecordBatch, RecordBatchOptions, make_array,
};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::error::ArrowError;
use prost::Message;

use crate::domain::{Error, Result};

/// Most rows of a table that travels.
pub const MAX_ROWS: usize = 100_000;

/// Types of columns that travel, by their numbers in a message. The time zone of timestamps is beside it.
static TYPES: [DataType; 19] = [
    DataType::Boolean,
    DataType::Int8,
    DataType::Int16,
    DataType::Int32,
    DataType::Int64,
    DataType::UInt8,
    DataType::UInt16,
    DataType::UInt32,
    DataType::UInt64,
    DataType::Float32,
    DataType::Float64,
    DataType::Utf8,
    DataType::LargeUtf8,
    DataType::Binary,
    DataType::Date32,
    DataType::Timestamp(TimeUnit::Second, None),
    DataType::Timestamp(TimeUnit::Millisecond, None),
    DataType::Timestamp(TimeUnit::Microsecond, None),
    DataType::Timestamp(TimeUnit::Nanosecond, None),
];

/// The rows of a table, by columns.
#[derive(Clone, PartialEq, Message)]
pub struct TableMessage {
    #[prost(uint64, tag = "1")]
    rows: u64,
    #[prost(message, repeated, tag = "2")]
    columns: Vec<ColumnMessage>,
    #[prost(map = "string, string", tag = "3")]
    metadata: HashMap<String, String>,
}

/// A column with the buffers that Arrow has for its type.
#[derive(Clone, PartialEq, Message)]
struct ColumnMessage {
    #[prost(string, tag = "1")]
    name: String,
    /// Index into `TYPES`.
    #[prost(uint32, tag = "2")]
    kind: u32,
    #[prost(string, optional, tag = "3")]
    zone: Option<String>,
    #[prost(bool, tag = "4")]
    is_nullable: bool,
    #[prost(map = "string, string", tag = "5")]
    metadata: HashMap<String, String>,
    /// A bit for each row, set where there is a value; absent when there is one in every row.
    #[prost(bytes = "vec", optional, tag = "6")]
    validity: Option<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "7")]
    buffers: Vec<Vec<u8>>,
}

/// Whether columns of a type travel.
pub fn can_travel(kind: &DataType) -> bool {
    number_of(kind).is_some()
}

fn number_of(kind: &DataType) -> Option<u32> {
    let plain = match kind {
        DataType::Timestamp(unit, _) => DataType::Timestamp(*unit, None),
        other => other.clone(),
    };
    TYPES.iter().position(|known| *known == plain).and_then(|number| u32::try_from(number).ok())
}

fn type_of(number: u32, zone: Option<String>) -> Option<DataType> {
    match (TYPES.get(number as usize)?, zone) {
        (DataType::Timestamp(unit, _), zone) => Some(DataType::Timestamp(*unit, zone.map(Arc::from))),
        (kind, None) => Some(kind.clone()),
        (_, Some(_)) => None,
    }
}

impl TableMessage {
    /// Describes the rows of a batch.
    ///
    /// # Errors
    /// An error of Arrow for a column whose type does not travel.
    pub fn of(batch: &RecordBatch) -> Result<Self, ArrowError> {
        let schema = batch.schema_ref();
        let columns = schema.fields().iter().zip(batch.columns());
        let columns = columns.map(|(field, column)| ColumnMessage::of(field, column));
        Ok(Self {
            rows: batch.num_rows() as u64,
            columns: columns.collect::<Result<_, ArrowError>>()?,
            metadata: schema.metadata().clone(),
        })
    }

    /// Checks and converts what another node sent.
    ///
    /// # Errors
    /// `Invalid` for rows that no node sends.
    pub fn into_batch(self) -> Result<RecordBatch> {
        let rows = usize::try_from(self.rows).ok().filter(|rows| *rows <= MAX_ROWS);
        let rows = rows.ok_or_else(|| Error::invalid("the table has more rows than one that travels"))?;
        let columns = self.columns.into_iter().map(|column| column.into_column(rows));
        let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) =
            columns.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        let schema = Arc::new(Schema::new_with_metadata(fields, self.metadata));
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(schema, arrays, &options).map_err(malformed)
    }
}

impl ColumnMessage {
    fn of(field: &Field, column: &ArrayRef) -> Result<Self, ArrowError> {
        let kind = field.data_type();
        let number = number_of(kind).ok_or_else(|| {
            ArrowError::NotYetImplemented(format!("columns of the type {kind} stay on the node"))
        })?;
        let data = column.to_data();
        // A copy begins at its first row, whatever the column was cut from.
        let mut copy = MutableArrayData::new(vec![&data], false, data.len());
        copy.try_extend(0, 0, data.len())?;
        let copied = copy.freeze();
        let zone = match kind {
            DataType::Timestamp(_, zone) => zone.as_deref().map(str::to_owned),
            _ => None,
        };
        Ok(Self {
            name: field.name().clone(),
            kind: number,
            zone,
            is_nullable: field.is_nullable(),
            metadata: field.metadata().clone(),
            validity: copied.nulls().map(|nulls| nulls.inner().sliced().as_slice().to_vec()),
            buffers: copied.buffers().iter().map(|buffer| buffer.as_slice().to_vec()).collect(),
        })
    }

    fn into_column(self, rows: usize) -> Result<(Field, ArrayRef)> {
        let Self { name, kind, zone, is_nullable, metadata, validity, buffers } = self;
        let kind =
            type_of(kind, zone).ok_or_else(|| Error::invalid("the table has a column of an unknown type"))?;
        let lengths: Vec<usize> = buffers.iter().map(Vec::len).collect();
        let are_whole = match (fixed_bytes(&kind, rows), has_values(&kind)) {
            (fixed, false) => lengths == [fixed],
            (fixed, true) => lengths.len() == 2 && lengths[0] == fixed,
        };
        let is_valid = validity.as_ref().is_none_or(|bits| bits.len() == rows.div_ceil(8));
        if !are_whole || !is_valid {
            return Err(Error::invalid("a column of the table has too few or too many bytes"));
        }
        // Bytes of a message may begin anywhere.
        let data = ArrayData::builder(kind.clone())
            .len(rows)
            .null_bit_buffer(validity.map(Buffer::from_vec))
            .buffers(buffers.into_iter().map(Buffer::from_vec).collect())
            .align_buffers(true)
            .build()
            .map_err(malformed)?;
        Ok((Field::new(name, kind, is_nullable).with_metadata(metadata), make_array(data)))
    }
}

/// Whether values have different lengths: their bytes are then in a second buffer, and the first has offsets into it.
fn has_values(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary)
}

/// Returns the bytes of the first buffer of a column.
fn fixed_bytes(kind: &DataType, rows: usize) -> usize {
    match kind {
        DataType::Boolean => rows.div_ceil(8),
        DataType::Utf8 | DataType::Binary => (rows + 1) * size_of::<i32>(),
        DataType::LargeUtf8 => (rows + 1) * size_of::<i64>(),
        // The other types that travel have values of one width.
        fixed => rows * fixed.primitive_width().unwrap_or_default(),
    }
}

fn malformed(error: ArrowError) -> Error {
    Error::invalid("the bytes are no table").with_source(error)
}

#[cfg(test)]
#[path = "table_message_tests.rs"]
mod tests;
