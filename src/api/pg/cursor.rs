//! Cursors of SQL: DECLARE, FETCH, MOVE and CLOSE. A cursor is a portal whose query runs from the DECLARE on.
//!
//! An idle cursor holds as much as a suspended portal. Its query computes until the buffer to its reader is full or it
//! has ended, gives up its admission permit then, and is cancelled when the buffer stays full for 30 seconds (query/executor.rs);
//! the next FETCH sends the buffered rows and that error. Its time and memory count against the limits of queries. The
//! buffers of a connection are bounded by `MAX_OPEN_CURSORS`, and kept at most as long as the transaction, or for
//! WITH HOLD the connection, which `pg.idle_timeout` ends.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;

use super::cursor_command::{CursorCommand, CursorDeclaration, CursorStep};
use super::error::PgError;
use super::extended::{ENTRY_BYTES, check_capacity, check_name};
use super::portal::{Portal, PortalLifetime, PortalState, PreparedStatement};
use super::row_stream::SendOutcome;
use super::rows::ResultColumns;
use super::session::{PgSession, StatementOutcome};
use super::statement_guard::StatementGuard;
use super::statement_splitter::SimpleStatement;

/// Maximum cursors of one connection that have rows left. Each buffers up to some megabytes of its result.
const MAX_OPEN_CURSORS: usize = 32;
/// Format of the columns of a BINARY cursor.
const BINARY: i16 = 1;

impl PgSession {
    pub(super) async fn run_cursor_command(
        &mut self,
        watch: &mut StatementGuard,
        command: &CursorCommand,
        values: &[ArrayRef],
    ) -> Result<StatementOutcome, PgError> {
        let tag = match command {
            CursorCommand::Declare(declaration) => {
                self.declare_cursor(watch, declaration, values.to_vec()).await?;
                "DECLARE CURSOR".into()
            }
            CursorCommand::Fetch(step) => return Ok(StatementOutcome::Fetch(step.clone())),
            CursorCommand::Move(step) => format!("MOVE {}", self.move_cursor(watch, step).await?).into(),
            CursorCommand::Close(None) => {
                self.portals.clear();
                "CLOSE CURSOR ALL".into()
            }
            CursorCommand::Close(Some(name)) => {
                self.portals.remove(name).ok_or_else(|| unknown_cursor(name))?;
                "CLOSE CURSOR".into()
            }
        };
        Ok(StatementOutcome::Done(tag))
    }

    async fn declare_cursor(
        &mut self,
        watch: &mut StatementGuard,
        declaration: &CursorDeclaration,
        values: Vec<ArrayRef>,
    ) -> Result<(), PgError> {
        self.check_declaration(declaration)?;
        let CursorDeclaration { name, is_binary, is_held, query } = declaration;
        let formats = if *is_binary { vec![BINARY] } else { Vec::new() };
        let running = self.run_query(watch, query, values, &formats).await?;
        let schema = running.columns().schema().clone();
        let size = query.len() + schema.fields().size();
        let reservation = self.memory.reserve_retained(size + name.len() + ENTRY_BYTES)?;
        let prepared = PreparedStatement {
            statement: Some(SimpleStatement::Query(query.clone())),
            params: Vec::new(),
            schema: Some(schema),
            size,
            held: None,
        };
        let cursor = Portal {
            prepared: Arc::new(prepared),
            values: Vec::new(),
            formats,
            _held: reservation,
            state: PortalState::Running(Box::new(running)),
            lifetime: if *is_held { PortalLifetime::SessionIfCommitted } else { PortalLifetime::Transaction },
        };
        self.portals.insert(name.clone(), cursor);
        Ok(())
    }

    fn check_declaration(&self, declaration: &CursorDeclaration) -> Result<(), PgError> {
        let name = &declaration.name;
        if !declaration.is_held && !self.is_in_transaction() {
            let message = "DECLARE CURSOR can only be used in transaction blocks; begin one, or declare the cursor WITH HOLD";
            return Err(PgError::Protocol("25P01", message.to_owned()));
        }
        check_name(name)?;
        if self.portals.contains_key(name) {
            return Err(PgError::Protocol("42P03", format!("cursor \"{name}\" already exists")));
        }
        self.check_open_cursors()?;
        check_capacity(self.portals.len())
    }

    fn check_open_cursors(&self) -> Result<(), PgError> {
        let open = self.portals.values().filter(|portal| matches!(portal.state, PortalState::Running(_)));
        if open.count() >= MAX_OPEN_CURSORS {
            let message = format!("a connection has at most {MAX_OPEN_CURSORS} open cursors; close some");
            return Err(PgError::Protocol("54000", message));
        }
        Ok(())
    }

    /// Sends the columns of a cursor and its next rows; returns how many rows.
    pub(super) async fn fetch_described(
        &mut self,
        watch: &mut StatementGuard,
        mut step: CursorStep,
    ) -> Result<usize, PgError> {
        let cursor = self.portals.get(&step.cursor).ok_or_else(|| unknown_cursor(&step.cursor))?;
        let formats = cursor.formats.clone();
        if let Some(schema) = self.cursor_schema(&step.cursor) {
            let description = ResultColumns::new(&schema, &formats)?.description();
            self.send(&description)?;
        }
        Ok(self.fetch(watch, &mut step, &formats, 0).await?.rows)
    }

    /// Sends the next rows of a cursor in the formats given, at most `max_rows` of them unless that is 0, and takes them off
    /// `step`. A cursor whose query fails is closed.
    pub(super) async fn fetch(
        &mut self,
        watch: &mut StatementGuard,
        step: &mut CursorStep,
        formats: &[i16],
        max_rows: usize,
    ) -> Result<SendOutcome, PgError> {
        let mut cursor = self.take_cursor(watch, &step.cursor).await?;
        let mut sent = SendOutcome { rows: 0, is_whole: true };
        if let PortalState::Running(running) = &mut cursor.state {
            let limit = match step.rows {
                Some(left) if max_rows == 0 => left,
                Some(left) => left.min(max_rows),
                None => max_rows,
            };
            running.set_columns(ResultColumns::new(running.columns().schema(), formats)?)?;
            sent = running.send(&mut self.connection, watch, limit).await?;
        }
        self.return_cursor(&step.cursor, cursor, &sent);
        if let Some(left) = &mut step.rows {
            *left -= sent.rows;
            sent.is_whole |= *left == 0;
        }
        Ok(sent)
    }

    /// Passes over the next rows of a cursor; returns how many.
    async fn move_cursor(&mut self, watch: &mut StatementGuard, step: &CursorStep) -> Result<usize, PgError> {
        let mut cursor = self.take_cursor(watch, &step.cursor).await?;
        let skipped = match &mut cursor.state {
            PortalState::Running(running) => {
                running.skip(&mut self.connection, watch, step.rows.unwrap_or_default()).await?
            }
            _ => SendOutcome { rows: 0, is_whole: true },
        };
        self.return_cursor(&step.cursor, cursor, &skipped);
        Ok(skipped.rows)
    }

    /// Takes a cursor out of the portals while its rows are read. A portal of a query that was bound and has not run begins here:
    /// drivers bind one and pass over its first rows. Other portals are none.
    async fn take_cursor(&mut self, watch: &mut StatementGuard, name: &str) -> Result<Portal, PgError> {
        let has_rows = |portal: &Portal| {
            matches!(portal.state, PortalState::Running(_) | PortalState::Done)
                || matches!(portal.prepared.statement, Some(SimpleStatement::Query(_)))
        };
        if !self.portals.get(name).is_some_and(has_rows) {
            return Err(unknown_cursor(name));
        }
        if self.portals.get(name).is_some_and(|portal| matches!(portal.state, PortalState::Ready)) {
            self.check_open_cursors()?;
        }
        let mut cursor = self.portals.remove(name).ok_or_else(|| unknown_cursor(name))?;
        if let (PortalState::Ready, Some(SimpleStatement::Query(text))) =
            (&cursor.state, &cursor.prepared.statement)
        {
            let mut running = self.run_query(watch, text, cursor.values.clone(), &cursor.formats).await?;
            if let Some(described) = &cursor.prepared.schema {
                running.set_columns(ResultColumns::new(described, &cursor.formats)?)?;
            }
            cursor.state = PortalState::Running(Box::new(running));
        }
        Ok(cursor)
    }

    fn return_cursor(&mut self, name: &str, mut cursor: Portal, sent: &SendOutcome) {
        if sent.is_whole {
            cursor.state = PortalState::Done;
        }
        self.portals.insert(name.to_owned(), cursor);
    }

    /// Returns the schema of an open cursor's rows.
    pub(super) fn cursor_schema(&self, name: &str) -> Option<SchemaRef> {
        self.portals.get(name)?.prepared.schema.clone()
    }

    /// Ends the portals of a transaction that has ended, and keeps the cursors declared WITH HOLD.
    pub(super) fn end_portals(&mut self, is_committed: bool) {
        self.portals.retain(|_, portal| match portal.lifetime {
            PortalLifetime::Transaction => false,
            PortalLifetime::SessionIfCommitted => is_committed,
            PortalLifetime::Session => true,
        });
        self.portals.values_mut().for_each(|portal| portal.lifetime = PortalLifetime::Session);
    }
}

fn unknown_cursor(name: &str) -> PgError {
    PgError::Protocol("34000", format!("cursor \"{name}\" does not exist"))
}
