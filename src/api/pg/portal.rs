//! Prepared statements and portals.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use pgwire::api::Type;

use super::cursor_command::CursorStep;
use super::memory_pool::PgReservation;
use super::row_stream::{self, RowStream};
use super::session_command::SessionCommand;
use super::statement_splitter::SimpleStatement;

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
        let shows = |name: &String| Arc::new(row_stream::shown_schema(name));
        let schema = match &statement {
            Some(SimpleStatement::Command(SessionCommand::Show(name))) => Some(shows(name)),
            _ => None,
        };
        // Counted twice: the result column may repeat the text.
        Self { statement, params: Vec::new(), schema, size: 2 * text.len(), held: None }
    }
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
    pub lifetime: PortalLifetime,
}

/// Progress of a portal, which a row limit of Execute may suspend.
pub enum PortalState {
    Ready,
    Running(Box<RowStream>),
    /// A portal of a FETCH statement, with the rows of the cursor that are still to be sent.
    Fetching(CursorStep),
    Done,
}

/// When a portal ends at the latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortalLifetime {
    /// With its transaction; outside of one, with the request.
    Transaction,
    /// With its transaction if that is rolled back, else with the session.
    SessionIfCommitted,
    /// With the session.
    Session,
}
