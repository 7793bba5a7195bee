//! Statements that are prepared, and answers that are on their way.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow_pg::row_encoder::RowEncoder;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use pgwire::api::Type;
use pgwire::messages::PgWireBackendMessage;

use super::error::Fault;
use super::memory::Held;
use super::rows::Columns;
use super::script::{Command, Said};
use super::watch::Watch;
use super::wire::Wire;
use crate::app::sql::Answer;
use crate::domain::{Error, Result};

/// A statement that is parsed and described.
#[derive(Debug)]
pub struct Prepared {
    /// `None` when there was no statement in the text.
    pub said: Option<Said>,
    pub params: Vec<Type>,
    /// Of its answer, if it has rows.
    pub schema: Option<SchemaRef>,
    /// Bytes of its text, its parameters and its columns.
    pub size: usize,
    /// The same, counted for as long as it or a portal of it is kept.
    pub held: Option<Held>,
}

impl Prepared {
    /// A command, or nothing at all, which takes no parameters.
    pub fn of_command(said: Option<Said>, text: &str) -> Self {
        let shows = |name: &String| Arc::new(shown_schema(name));
        let schema = match &said {
            Some(Said::Command(Command::Show(name))) => Some(shows(name)),
            _ => None,
        };
        // What it says may be said again by the column of its answer.
        Self { said, params: Vec::new(), schema, size: 2 * text.len(), held: None }
    }
}

fn shown_schema(name: &str) -> Schema {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    if name == "all" {
        return Schema::new(vec![text("name"), text("setting"), text("description")]);
    }
    Schema::new(vec![text(name)])
}

/// A prepared statement with its values.
pub struct Portal {
    pub prepared: Arc<Prepared>,
    pub values: Vec<ArrayRef>,
    /// Of the columns of the answer.
    pub formats: Vec<i16>,
    /// Its values and formats, counted.
    pub _held: Held,
    pub state: State,
}

pub enum State {
    Ready,
    Running(Box<Running>),
    Done,
}

/// An answer of which some rows may be sent.
pub struct Running {
    pub columns: Columns,
    batches: BoxStream<'static, Result<RecordBatch>>,
    /// What is left of a batch.
    rows: Option<RowEncoder>,
}

/// What became of a request for rows.
#[derive(Debug, PartialEq, Eq)]
pub struct Sent {
    pub rows: usize,
    /// False when there may be more.
    pub is_whole: bool,
}

impl Running {
    pub fn new(answer: Answer, columns: Columns) -> Self {
        Self { columns, batches: answer.batches, rows: None }
    }

    /// An answer of texts that are at hand, a column each.
    pub fn of_texts(name: &str, columns: Vec<Vec<&str>>, formats: &[i16]) -> Result<Self, Fault> {
        let schema = Arc::new(shown_schema(name));
        let arrays =
            columns.into_iter().map(|column| Arc::new(StringArray::from(column)) as ArrayRef).collect();
        let batch = RecordBatch::try_new(schema.clone(), arrays);
        let batch = batch.map_err(|e| Error::internal("settings make no batch").because(e));
        let batches = stream::iter([batch]).boxed();
        Ok(Self { columns: Columns::new(&schema, formats)?, batches, rows: None })
    }

    /// Sends rows as they come, at most `max_rows` of them unless that is zero; no more than a buffer of them is ever held.
    pub async fn send(&mut self, wire: &mut Wire, watch: &mut Watch, max_rows: usize) -> Result<Sent, Fault> {
        let mut sent = 0;
        loop {
            while let Some(rows) = &mut self.rows {
                let Some(row) = rows.next_row() else {
                    self.rows = None;
                    break;
                };
                let row = row.map_err(|e| {
                    Error::invalid(format!("a value does not fit into its type of PostgreSQL: {e}"))
                        .because(e)
                })?;
                wire.say(&PgWireBackendMessage::DataRow(row))?;
                sent += 1;
                if sent == max_rows {
                    return Ok(Sent { rows: sent, is_whole: false });
                }
                if wire.is_full() {
                    wire.flush().await?;
                }
            }
            match watch.over(wire, self.batches.next()).await? {
                Some(batch) => self.rows = Some(self.columns.encode(&batch?)?),
                None => return Ok(Sent { rows: sent, is_whole: true }),
            }
        }
    }
}
