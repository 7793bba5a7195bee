//! Parameter values of a statement: one row, as an Arrow IPC stream.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow_flight::FlightData;
use arrow_flight::error::FlightError;
use futures::{FutureExt, Stream, StreamExt, TryStreamExt};
use tonic::Status;
use uuid::Uuid;

use super::MAX_MESSAGE_BYTES;
use super::error::to_status;
use crate::app::ingest::arrow_check::{ArrowStreamChecker, check_stream};
use crate::app::ingest::catch_decoder_panic;
use crate::domain::{Error, Result};

/// Maximum decompressed bytes of a row of parameters: the handle with them must fit in one message.
const MAX_DECODED_BYTES: usize = MAX_MESSAGE_BYTES;

/// Bytes of a UUID.
const UUID_BYTES: i32 = 16;

/// Encodes a row of parameters, which [`from_bytes`] decodes; `Invalid` for types that Arrow IPC does not encode.
pub fn to_bytes(batch: &RecordBatch) -> Result<Vec<u8>> {
    let unwritable = |e: ArrowError| Error::invalid(format!("parameters of these types: {e}")).with_source(e);
    let mut bytes = Vec::new();
    let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema()).map_err(unwritable)?;
    writer.write(batch).and_then(|()| writer.finish()).map_err(unwritable)?;
    drop(writer);
    Ok(bytes)
}

/// Decodes a row of parameters. The bytes are untrusted: a client can forge the handle that carries them.
pub fn from_bytes(bytes: &[u8]) -> Result<RecordBatch> {
    let unreadable = |e: ArrowError| Error::invalid("the parameters are no Arrow stream").with_source(e);
    check_stream(bytes, MAX_DECODED_BYTES)?;
    let batch = catch_decoder_panic(|| {
        let mut reader = StreamReader::try_new(bytes, None).map_err(unreadable)?;
        reader.next().transpose().map_err(unreadable)
    })?;
    batch.ok_or_else(|| Error::invalid("the parameters have no rows"))
}

/// Returns the next batch of a client's stream from [`check_messages`].
pub async fn next(
    sent: &mut (impl Stream<Item = Result<RecordBatch, FlightError>> + Unpin),
) -> Result<Option<RecordBatch>, Status> {
    let damaged = |_| Status::invalid_argument("the parameters are damaged: their parts do not fit together");
    Ok(AssertUnwindSafe(sent.try_next()).catch_unwind().await.map_err(damaged)??)
}

/// Checks each of a client's messages before the Arrow library reads it.
pub fn check_messages(
    sent: impl Stream<Item = Result<FlightData, Status>> + Send + 'static,
) -> impl Stream<Item = Result<FlightData, FlightError>> + Send + 'static {
    let mut check = ArrowStreamChecker::new(MAX_DECODED_BYTES);
    sent.map(move |data| {
        let data = data?;
        check.message(&data.data_header, &data.data_body).map_err(|e| to_status(&e))?;
        Ok::<_, FlightError>(data)
    })
}

/// Returns a one-row array per parameter.
pub fn parameter_values(batch: Option<RecordBatch>) -> Result<Vec<ArrayRef>> {
    let Some(batch) = batch else { return Ok(Vec::new()) };
    match batch.num_rows() {
        1 => batch.columns().iter().map(as_tables_have_it).collect(),
        // Clients may bind an empty batch to a statement without parameters.
        0 if batch.num_columns() == 0 => Ok(Vec::new()),
        rows => Err(Error::invalid(format!("{rows} rows of parameters; a statement runs with one"))),
    }
}

/// Returns the text of a UUID, which Arrow has as 16 bytes and our tables as a text; other values as they are.
fn as_tables_have_it(value: &ArrayRef) -> Result<ArrayRef> {
    let bytes = value.as_fixed_size_binary_opt().filter(|bytes| bytes.value_length() == UUID_BYTES);
    let Some(bytes) = bytes else { return Ok(Arc::clone(value)) };
    let text = |bytes: &[u8]| Uuid::from_slice(bytes).map(|uuid| uuid.to_string());
    let texts: Result<StringArray, uuid::Error> =
        bytes.iter().map(|bytes| bytes.map(text).transpose()).collect();
    Ok(Arc::new(texts.map_err(|e| Error::invalid("a UUID has 16 bytes").with_source(e))?))
}

#[cfg(test)]
mod tests {
    use arrow::array::{FixedSizeBinaryArray, Int64Array};
    use arrow::datatypes::DataType;

    use super::*;

    #[test]
    fn a_uuid_of_bytes_is_its_text() {
        let uuid = FixedSizeBinaryArray::try_from_iter([[1_u8; 16]].into_iter()).unwrap();
        let columns: [ArrayRef; 2] = [Arc::new(uuid), Arc::new(Int64Array::from(vec![7]))];
        let batch = RecordBatch::try_from_iter(["1", "2"].into_iter().zip(columns)).unwrap();
        let values = parameter_values(Some(batch)).unwrap();
        assert_eq!(values[0].as_string::<i32>().value(0), "01010101-0101-0101-0101-010101010101");
        assert_eq!(values[1].data_type(), &DataType::Int64);
    }
}
