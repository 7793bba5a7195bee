//! Rows of SQL as JSON objects of an answer, counted byte by byte while they are made: a row may have any size.

use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::json::writer::LineDelimited;
use futures::TryStreamExt;
use serde_json::Value;

use super::memory::Held;
use crate::api::output;
use crate::app::sql::Answer;
use crate::domain::{Error, Result};

/// What a value of a row takes beside its text, with its column's name.
const CELL_BYTES: usize = 150;
/// Rows that become text before they become values: the text is there beside the values for so long.
const STEP_ROWS: usize = 256;

/// An answer's rows.
///
/// # Errors
/// `TooLarge` past so many rows; what `held` says when they take more memory than there is.
pub async fn objects(mut answer: Answer, most: usize, held: &Held) -> Result<Vec<Value>> {
    let schema = output::utc_schema(&answer.schema);
    let mut rows = Vec::new();
    while let Some(batch) = answer.batches.try_next().await? {
        if rows.len() + batch.num_rows() > most {
            return Err(Error::too_large(format!("the answer has more than {most} rows; ask at /sql")));
        }
        held.grow(batch.num_rows().saturating_mul(batch.num_columns()).saturating_mul(CELL_BYTES))?;
        for start in (0..batch.num_rows()).step_by(STEP_ROWS) {
            let length = STEP_ROWS.min(batch.num_rows() - start);
            add(&mut rows, &schema, &batch.slice(start, length), held)?;
        }
    }
    Ok(rows)
}

fn add(rows: &mut Vec<Value>, schema: &SchemaRef, batch: &RecordBatch, held: &Held) -> Result<()> {
    let batch = output::in_utc(schema, batch).map_err(output::unwritable)?;
    let mut lines = Lines { text: Vec::new(), held, refused: None };
    let mut writer = output::json().build::<_, LineDelimited>(&mut lines);
    let written = writer.write(&batch).and_then(|()| writer.finish());
    drop(writer);
    if let Some(error) = lines.refused {
        return Err(error);
    }
    written.map_err(output::unwritable)?;
    for row in serde_json::Deserializer::from_slice(&lines.text).into_iter() {
        rows.push(row.map_err(|e| Error::internal("a row is not JSON").because(e))?);
    }
    Ok(())
}

/// Text that takes what it holds.
struct Lines<'a> {
    text: Vec<u8>,
    held: &'a Held,
    refused: Option<Error>,
}

impl Write for Lines<'_> {
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
