//! Prepared statements, portals, and results being sent.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow_pg::row_encoder::RowEncoder;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use pgwire::api::Type;
use pgwire::messages::PgWireBackendMessage;

use super::connection::PgConnection;
use super::error::PgError;
use super::memory_pool::PgReservation;
use super::rows::ResultColumns;
use super::session_command::SessionCommand;
use super::statement_guard::StatementGuard;
use super::statement_splitter::SimpleStatement;
use crate::app::sql::SqlResult;
use crate::domain::{Error, Result};

/// A parsed and described statement.
#[derive(Debug)]
pub struct PreparedStatement {
    /// `None` when the text contained no statement.
    pub statement: Option<SimpleStatement>,
    pub params: Vec<Type>,
    /// Schema of the result, if it has rows.
    pub schema: Option<SchemaRef>,
    /// Bytes of its text, its parameters and its columns.
    pub size: usize,
    /// Reservation of `size`, held as long as the statement or a portal of it is kept.
    pub held: Option<PgReservation>,
}

impl PreparedStatement {
    /// Prepares a command, or an empty statement; neither takes parameters.
    pub fn of_command(statement: Option<SimpleStatement>, text: &str) -> Self {
        let shows = |name: &String| Arc::new(shown_schema(name));
        let schema = match &statement {
            Some(SimpleStatement::Command(SessionCommand::Show(name))) => Some(shows(name)),
            _ => None,
        };
        // Counted twice: the result column may repeat the text.
        Self { statement, params: Vec::new(), schema, size: 2 * text.len(), held: None }
    }
}

fn shown_schema(name: &str) -> Schema {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    if name == "all" {
        return Schema::new(vec![text("name"), text("setting"), text("description")]);
    }
    Schema::new(vec![text(name)])
}

/// A prepared statement with bound values.
pub struct Portal {
    pub prepared: Arc<PreparedStatement>,
    pub values: Vec<ArrayRef>,
    /// Formats of the result columns.
    pub formats: Vec<i16>,
    /// Reservation of values and formats.
    pub _held: PgReservation,
    pub state: PortalState,
}

pub enum PortalState {
    Ready,
    Running(Box<RowStream>),
    Done,
}

/// A result whose rows may be partly sent.
pub struct RowStream {
    pub columns: ResultColumns,
    batches: BoxStream<'static, Result<RecordBatch>>,
    /// The unsent rows of a batch.
    rows: Option<RowEncoder>,
}

/// Outcome of a request for rows.
#[derive(Debug, PartialEq, Eq)]
pub struct SendOutcome {
    pub rows: usize,
    /// False when there may be more.
    pub is_whole: bool,
}

impl RowStream {
    pub fn new(answer: SqlResult, columns: ResultColumns) -> Self {
        Self { columns, batches: answer.batches, rows: None }
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
        Ok(Self { columns: ResultColumns::new(&schema, formats)?, batches, rows: None })
    }

    /// Sends rows as they are computed, at most `max_rows` unless that is 0. At most one send buffer is held.
    pub async fn send(
        &mut self,
        wire: &mut PgConnection,
        watch: &mut StatementGuard,
        max_rows: usize,
    ) -> Result<SendOutcome, PgError> {
        let mut sent = 0;
        loop {
            while let Some(rows) = &mut self.rows {
                let Some(row) = rows.next_row() else {
                    self.rows = None;
                    break;
                };
                let row = row.map_err(|e| {
                    Error::invalid(format!("a value does not fit into its type of PostgreSQL: {e}"))
                        .with_source(e)
                })?;
                wire.queue(&PgWireBackendMessage::DataRow(row))?;
                sent += 1;
                if sent == max_rows {
                    return Ok(SendOutcome { rows: sent, is_whole: false });
                }
                if wire.is_full() {
                    wire.flush().await?;
                }
            }
            match watch.run(wire, self.batches.next()).await? {
                Some(batch) => self.rows = Some(self.columns.encode(&batch?)?),
                None => return Ok(SendOutcome { rows: sent, is_whole: true }),
            }
        }
    }
}
