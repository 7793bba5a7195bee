//! Results being sent: rows are encoded as they are computed and asked for.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow_pg::row_encoder::RowEncoder;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::data::DataRow;

use super::connection::PgConnection;
use super::error::PgError;
use super::rows::ResultColumns;
use super::statement_guard::StatementGuard;
use crate::app::sql::SqlResult;
use crate::domain::{Error, Result};

/// A result whose rows may be partly sent.
pub struct RowStream {
    columns: ResultColumns,
    batches: BoxStream<'static, Result<RecordBatch>>,
    /// The unsent rows of a batch.
    unsent: Option<UnsentRows>,
}

/// Rows of a batch that are being sent.
struct UnsentRows {
    batch: RecordBatch,
    /// How many rows of `batch` the encoder has returned.
    encoded: usize,
    encoder: RowEncoder,
}

/// Outcome of a request for rows.
#[derive(Debug, PartialEq, Eq)]
pub struct SendOutcome {
    pub rows: usize,
    /// False when there may be more.
    pub is_whole: bool,
}

impl RowStream {
    /// Wraps the result of a query, to be sent in the types and formats of `columns`.
    pub fn new(answer: SqlResult, columns: ResultColumns) -> Self {
        Self { columns, batches: answer.batches, unsent: None }
    }

    /// Creates the result of a SHOW from text columns.
    pub fn of_texts(name: &str, columns: Vec<Vec<&str>>, formats: &[i16]) -> Result<Self, PgError> {
        let schema = Arc::new(shown_schema(name));
        let arrays =
            columns.into_iter().map(|column| Arc::new(StringArray::from(column)) as ArrayRef).collect();
        let batch = RecordBatch::try_new(schema.clone(), arrays);
        let batch =
            batch.map_err(|e| Error::internal("settings cannot be encoded as a batch").with_source(e));
        let batches = stream::iter([batch]).boxed();
        Ok(Self { columns: ResultColumns::new(&schema, formats)?, batches, unsent: None })
    }

    /// Returns the columns in whose types and formats the rows are sent.
    pub fn columns(&self) -> &ResultColumns {
        &self.columns
    }

    /// Sends the rows that are left in other types or formats.
    pub fn set_columns(&mut self, columns: ResultColumns) -> Result<(), PgError> {
        if self.columns.is_encoded_as(&columns) {
            return Ok(());
        }
        self.columns = columns;
        self.unsent.take().map_or(Ok(()), |unsent| self.set_unsent(unsent.rest(0)))
    }

    /// Sends rows as they are computed, at most `max_rows` unless that is 0. At most one send buffer is held.
    pub async fn send(
        &mut self,
        wire: &mut PgConnection,
        watch: &mut StatementGuard,
        max_rows: usize,
    ) -> Result<SendOutcome, PgError> {
        let mut sent = 0;
        while let Some(row) = self.next_row(wire, watch).await? {
            wire.queue(&PgWireBackendMessage::DataRow(row))?;
            sent += 1;
            if sent == max_rows {
                return Ok(SendOutcome { rows: sent, is_whole: false });
            }
            if wire.is_full() {
                wire.flush().await?;
            }
        }
        Ok(SendOutcome { rows: sent, is_whole: true })
    }

    /// Passes over rows as `send` sends them.
    pub async fn skip(
        &mut self,
        wire: &mut PgConnection,
        watch: &mut StatementGuard,
        max_rows: usize,
    ) -> Result<SendOutcome, PgError> {
        let mut skipped = 0;
        while max_rows == 0 || skipped < max_rows {
            if self.unsent.is_none() && !self.read_batch(wire, watch).await? {
                return Ok(SendOutcome { rows: skipped, is_whole: true });
            }
            let Some(unsent) = self.unsent.take() else { continue };
            let left = unsent.batch.num_rows() - unsent.encoded;
            let count = if max_rows == 0 { left } else { left.min(max_rows - skipped) };
            skipped += count;
            if count < left {
                self.set_unsent(unsent.rest(count))?;
            }
        }
        Ok(SendOutcome { rows: skipped, is_whole: false })
    }

    /// Returns the next row; `None` after the last.
    pub async fn next_row(
        &mut self,
        wire: &mut PgConnection,
        watch: &mut StatementGuard,
    ) -> Result<Option<DataRow>, PgError> {
        loop {
            if let Some(unsent) = &mut self.unsent {
                if let Some(row) = unsent.encoder.next_row() {
                    unsent.encoded += 1;
                    return Ok(Some(row.map_err(|e| {
                        Error::invalid(format!("a value does not fit into its type of PostgreSQL: {e}"))
                            .with_source(e)
                    })?));
                }
                self.unsent = None;
            }
            if !self.read_batch(wire, watch).await? {
                return Ok(None);
            }
        }
    }

    /// Waits for the next batch; false after the last.
    async fn read_batch(
        &mut self,
        wire: &mut PgConnection,
        watch: &mut StatementGuard,
    ) -> Result<bool, PgError> {
        let batch = watch.run(wire, self.batches.next()).await?.transpose()?;
        let has_more = batch.is_some();
        batch.map_or(Ok(()), |batch| self.set_unsent(batch))?;
        Ok(has_more)
    }

    fn set_unsent(&mut self, batch: RecordBatch) -> Result<(), PgError> {
        let encoder = self.columns.encode(&batch)?;
        self.unsent = Some(UnsentRows { batch, encoded: 0, encoder });
        Ok(())
    }
}

impl UnsentRows {
    /// Returns the rows that are left without the first `skipped` of them.
    fn rest(&self, skipped: usize) -> RecordBatch {
        let start = self.encoded + skipped;
        self.batch.slice(start, self.batch.num_rows() - start)
    }
}

/// Returns the schema of the result of a SHOW: of one setting, or of `all`.
pub fn shown_schema(name: &str) -> Schema {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    if name == "all" {
        return Schema::new(vec![text("name"), text("setting"), text("description")]);
    }
    Schema::new(vec![text(name)])
}
