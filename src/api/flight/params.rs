//! Values of parameters: one row, as an Arrow stream.

use std::panic::AssertUnwindSafe;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow_flight::FlightData;
use arrow_flight::error::FlightError;
use futures::{FutureExt, Stream, StreamExt, TryStreamExt};
use tonic::Status;

use super::MAX_MESSAGE;
use super::error::status;
use crate::app::ingest::arrow_check::{ArrowCheck, check_stream};
use crate::app::ingest::survive;
use crate::domain::{Error, Result};

/// One row of parameters, decompressed: no more than comes back in a message.
const MAX_DECODED: usize = MAX_MESSAGE;

pub fn to_bytes(batch: &RecordBatch) -> Result<Vec<u8>> {
    let unwritable = |e: ArrowError| Error::invalid(format!("parameters of these types: {e}")).because(e);
    let mut bytes = Vec::new();
    let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema()).map_err(unwritable)?;
    writer.write(batch).and_then(|()| writer.finish()).map_err(unwritable)?;
    drop(writer);
    Ok(bytes)
}

/// Whoever presents a handle may have written these bytes.
pub fn from_bytes(bytes: &[u8]) -> Result<RecordBatch> {
    let unreadable = |e: ArrowError| Error::invalid("the parameters are no Arrow stream").because(e);
    check_stream(bytes, MAX_DECODED)?;
    let batch = survive(|| {
        let mut reader = StreamReader::try_new(bytes, None).map_err(unreadable)?;
        reader.next().transpose().map_err(unreadable)
    })?;
    batch.ok_or_else(|| Error::invalid("the parameters have no rows"))
}

/// The next batch of a client's stream whose messages are checked before they are read.
pub async fn next(
    sent: &mut (impl Stream<Item = Result<RecordBatch, FlightError>> + Unpin),
) -> Result<Option<RecordBatch>, Status> {
    let damaged = |_| Status::invalid_argument("the parameters are damaged: their parts do not fit together");
    Ok(AssertUnwindSafe(sent.try_next()).catch_unwind().await.map_err(damaged)??)
}

/// A client's messages, each checked before a library reads it.
pub fn checked(
    sent: impl Stream<Item = Result<FlightData, Status>> + Send + 'static,
) -> impl Stream<Item = Result<FlightData, FlightError>> + Send + 'static {
    let mut check = ArrowCheck::new(MAX_DECODED);
    sent.map(move |data| {
        let data = data?;
        check.message(&data.data_header, &data.data_body).map_err(|e| status(&e))?;
        Ok::<_, FlightError>(data)
    })
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
