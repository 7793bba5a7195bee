//! Values of parameters: one row, as an Arrow stream.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use crate::domain::{Error, Result};

pub fn to_bytes(batch: &RecordBatch) -> Result<Vec<u8>> {
    let unwritable = |e: ArrowError| Error::invalid(format!("parameters of these types: {e}")).because(e);
    let mut bytes = Vec::new();
    let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema()).map_err(unwritable)?;
    writer.write(batch).and_then(|()| writer.finish()).map_err(unwritable)?;
    drop(writer);
    Ok(bytes)
}

pub fn from_bytes(bytes: &[u8]) -> Result<RecordBatch> {
    let unreadable = |e: ArrowError| Error::invalid("the parameters are no Arrow stream").because(e);
    let mut reader = StreamReader::try_new(bytes, None).map_err(unreadable)?;
    let batch = reader.next().transpose().map_err(unreadable)?;
    batch.ok_or_else(|| Error::invalid("the parameters have no rows"))
}

/// A value for each parameter.
pub fn values(batch: Option<RecordBatch>) -> Result<Vec<ArrayRef>> {
    let Some(batch) = batch else { return Ok(Vec::new()) };
    match batch.num_rows() {
        1 => Ok(batch.columns().to_vec()),
        // A client without parameters may bind nothing.
        0 if batch.num_columns() == 0 => Ok(Vec::new()),
        rows => Err(Error::invalid(format!("{rows} rows of parameters; a statement runs with one"))),
    }
}
