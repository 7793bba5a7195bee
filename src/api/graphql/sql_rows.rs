//! Conversion of SQL rows to JSON objects, with memory reserved byte by byte because a row may have any size.

use std::borrow::Cow;
use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::json::writer::LineDelimited;
use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{ContextSelectionSet, OutputType, Positioned, ServerResult, Value};
use futures::TryStreamExt;

use super::memory_pool::RequestReservation;
use crate::api::result_encoder;
use crate::api::time_text::with_time_texts;
use crate::app::bulk_work;
use crate::app::sql::SqlResult;
use crate::domain::{Error, Result};

/// Memory of a row without its values.
const ROW_BYTES: usize = 200;
/// Memory of a value without its text, including its column name.
const CELL_BYTES: usize = 150;
/// Rows converted to text at a time, fewer of long texts; their text exists beside their values until the step is done.
const STEP_ROWS: usize = 256;
/// Bytes of values that are converted at a time, unless one row has more.
const STEP_BYTES: usize = 256 << 10;

/// Rows as JSON objects: a list whose items are resolved at once. async-graphql would make a future of about 2 kB for
/// each item, which no reservation covers, and these have nothing to wait for.
pub struct JsonRows(Vec<Value>);

impl JsonRows {
    /// Returns the number of rows.
    pub fn row_count(&self) -> usize {
        self.0.len()
    }

    /// Makes `rows` rows of one text of `bytes`.
    #[cfg(test)]
    pub fn from_texts(rows: usize, bytes: usize) -> Self {
        Self(vec![Value::from("x".repeat(bytes)); rows])
    }
}

impl OutputType for JsonRows {
    fn type_name() -> Cow<'static, str> {
        Vec::<serde_json::Value>::type_name()
    }

    fn qualified_type_name() -> String {
        <Vec<serde_json::Value> as OutputType>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Vec<serde_json::Value> as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        let mut rows = Vec::with_capacity(self.0.len());
        for step in self.0.chunks(STEP_ROWS) {
            rows.extend_from_slice(step);
            tokio::task::yield_now().await;
        }
        Ok(Value::List(rows))
    }
}

/// Collects the rows of a result as JSON objects.
///
/// # Errors
/// `TooLarge` if there are more than `most` rows; the error of `reservation` if they need too much memory.
pub async fn rows_as_json(
    mut answer: SqlResult,
    most: usize,
    reservation: &RequestReservation,
) -> Result<JsonRows> {
    let schema = result_encoder::with_utc_timestamps(&answer.schema);
    result_encoder::check_member_names(&schema)?;
    let mut rows = Vec::new();
    while let Some(batch) = answer.batches.try_next().await? {
        if rows.len() + batch.num_rows() > most {
            return Err(Error::too_large(format!("the answer has more than {most} rows; use POST /sql")));
        }
        let row_bytes = batch.num_columns().saturating_mul(CELL_BYTES).saturating_add(ROW_BYTES);
        reservation.grow(batch.num_rows().saturating_mul(row_bytes))?;
        let step = step_rows(&batch);
        for start in (0..batch.num_rows()).step_by(step) {
            let length = step.min(batch.num_rows() - start);
            add(&mut rows, &schema, &batch.slice(start, length), reservation)?;
            // A step takes about a millisecond: other requests get the thread in between.
            tokio::task::yield_now().await;
        }
    }
    Ok(JsonRows(rows))
}

fn step_rows(batch: &RecordBatch) -> usize {
    let row_bytes = bulk_work::batch_bytes(batch) / batch.num_rows().max(1);
    (STEP_BYTES / row_bytes.max(1)).clamp(1, STEP_ROWS)
}

fn add(
    rows: &mut Vec<Value>,
    schema: &SchemaRef,
    batch: &RecordBatch,
    reservation: &RequestReservation,
) -> Result<()> {
    let batch = result_encoder::cast_to_schema(schema, batch).and_then(with_time_texts);
    let batch = batch.map_err(result_encoder::encode_error)?;
    let mut lines = ReservedText { text: Vec::new(), held: reservation, refused: None };
    let mut writer = result_encoder::json_writer().build::<_, LineDelimited>(&mut lines);
    let written = writer.write(&batch).and_then(|()| writer.finish());
    drop(writer);
    if let Some(error) = lines.refused {
        return Err(error);
    }
    written.map_err(result_encoder::encode_error)?;
    for row in serde_json::Deserializer::from_slice(&lines.text).into_iter() {
        rows.push(row.map_err(|e| Error::internal("a row is not JSON").with_source(e))?);
    }
    Ok(())
}

/// Text buffer that reserves the memory it uses.
struct ReservedText<'a> {
    text: Vec<u8>,
    held: &'a RequestReservation,
    refused: Option<Error>,
}

impl Write for ReservedText<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Err(error) = self.held.grow(bytes.len()) {
            self.refused = Some(error);
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
