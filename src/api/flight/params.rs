//! Parameter values of a statement: one row, as an Arrow IPC stream.

use std::panic::AssertUnwindSafe;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow_flight::FlightData;
use arrow_flight::error::FlightError;
use futures::{FutureExt, Stream, StreamExt, TryStreamExt};
use tonic::Status;

use super::MAX_MESSAGE_BYTES;
use super::error::to_status;
use crate::app::ingest::arrow_check::{ArrowStreamChecker, check_stream};
use crate::app::ingest::catch_decoder_panic;
use crate::domain::{Error, Result};

/// Maximum decompressed bytes of a row of parameters: the handle with them must fit in one message.
const MAX_DECODED_BYTES: usize = MAX_MESSAGE_BYTES;

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
        1 => Ok(batch.columns().to_vec()),
        // Clients may bind an empty batch to a statement without parameters.
        0 if batch.num_columns() == 0 => Ok(Vec::new()),
        rows => Err(Error::invalid(format!("{rows} rows of parameters; a statement runs with one"))),
    }
}
