//! Extended query protocol: Parse, Bind, Describe, Execute and Close messages.

use std::mem::size_of_val;
use std::sync::Arc;

use pgwire::api::Type;
use pgwire::messages::PgWireBackendMessage as Out;
use pgwire::messages::data::{NoData, ParameterDescription};
use pgwire::messages::extendedquery::{BindComplete, ParseComplete, PortalSuspended};
use pgwire::messages::response::EmptyQueryResponse;

use super::cursor_command::CursorCommand;
use super::error::PgError;
use super::frame::Bind;
use super::parameter;
use super::portal::{Portal, PortalLifetime, PortalState, PreparedStatement};
use super::row_stream::SendOutcome;
use super::rows::ResultColumns;
use super::session::{PgSession, StatementOutcome};
use super::session_command::SessionCommand;
use super::statement_guard::StatementGuard;
use super::statement_splitter::{self, SimpleStatement};
use super::types;
use crate::app::sql::{PreparedSql, SqlProtocol};

/// Maximum prepared statements of one connection, and maximum portals.
const MAX_STATEMENTS_AND_PORTALS: usize = 1000;
/// Upper bound of the memory of an empty statement or portal, bytes.
pub(super) const ENTRY_BYTES: usize = 512;
/// Maximum length of the name of a statement or portal, bytes; drivers use some dozen.
const MAX_NAME_BYTES: usize = 1024;

impl PgSession {
    pub(super) async fn parse(&mut self, name: String, query: &str, types: &[u32]) -> Result<(), PgError> {
        check_name(&name)?;
        let declared = types.iter().map(|oid| types::declared_type(*oid)).collect::<Result<Vec<_>, _>>()?;
        let mut watch = self.begin_parse().await?;
        self.check_unused(&name)?;
        let prepared = self.prepare(&mut watch, query, declared).await?;
        self.store_statement(name, prepared)?;
        self.send(&Out::ParseComplete(ParseComplete::new()))
    }

    /// Refuses a name that a statement has. The statement without a name is replaced by the next one.
    pub(super) fn check_unused(&self, name: &str) -> Result<(), PgError> {
        if name.is_empty() || !self.statements.contains_key(name) {
            return Ok(());
        }
        Err(PgError::Protocol("42P05", format!("prepared statement \"{name}\" already exists")))
    }

    pub(super) async fn prepare(
        &mut self,
        watch: &mut StatementGuard,
        query: &str,
        declared: Vec<Option<Type>>,
    ) -> Result<PreparedStatement, PgError> {
        let mut statements = statement_splitter::split_any_length(query).await?;
        if statements.len() > 1 {
            let message = "cannot insert multiple commands into a prepared statement";
            return Err(PgError::Protocol("42601", message.to_owned()));
        }
        let statement = statements.pop();
        let text = match &statement {
            Some(SimpleStatement::Query(text)) => text.clone(),
            Some(SimpleStatement::Command(SessionCommand::Cursor(CursorCommand::Declare(declaration)))) => {
                declaration.query.clone()
            }
            Some(SimpleStatement::Command(
                SessionCommand::Prepare { .. } | SessionCommand::Execute { .. },
            )) => {
                let message = "PREPARE and EXECUTE are for simple queries";
                return Err(PgError::Protocol("0A000", message.to_owned()));
            }
            _ => return Ok(PreparedStatement::of_command(statement, query)),
        };
        let known = declared.iter().map(|known| known.as_ref().and_then(types::arrow_type)).collect();
        let request =
            PreparedSql { protocol: SqlProtocol::Postgres, query: text, declared: known, values: Vec::new() };
        let app = self.server.app.clone();
        let described = watch
            .run(&mut self.connection, app.statements.describe_sql(self.credential.principal(), request))
            .await??;
        let params = described.params.iter().enumerate().map(|(i, wanted)| {
            declared.get(i).cloned().flatten().unwrap_or_else(|| types::parameter_type(wanted))
        });
        let params: Vec<Type> = params.collect();
        let size = query.len() + params.len() * size_of::<Type>() + described.schema.fields().size();
        // A DECLARE takes the parameters of its query but returns no rows.
        let has_rows = matches!(statement, Some(SimpleStatement::Query(_)));
        let schema = has_rows.then_some(described.schema);
        Ok(PreparedStatement { statement, params, schema, size, held: None })
    }

    /// Stores a statement, replacing another of its name.
    pub(super) fn store_statement(
        &mut self,
        name: String,
        mut prepared: PreparedStatement,
    ) -> Result<(), PgError> {
        check_name(&name)?;
        self.statements.remove(&name);
        check_capacity(self.statements.len())?;
        prepared.held = Some(self.memory.reserve_retained(prepared.size + name.len() + ENTRY_BYTES)?);
        self.statements.insert(name, Arc::new(prepared));
        Ok(())
    }

    pub(super) fn bind(&mut self, bind: Bind) -> Result<(), PgError> {
        let prepared =
            self.statements.get(&bind.statement).ok_or_else(|| unknown_statement(&bind.statement))?.clone();
        if bind.values.len() != prepared.params.len() {
            let (count, wanted) = (bind.values.len(), prepared.params.len());
            let message = format!("the statement takes {wanted} parameters, not {count}");
            return Err(PgError::Protocol("08P01", message));
        }
        check_name(&bind.portal)?;
        self.portals.remove(&bind.portal);
        check_capacity(self.portals.len())?;
        let is_binary =
            |i: usize| bind.parameter_formats.get(i).or(bind.parameter_formats.first()) == Some(&1);
        let values = prepared.params.iter().zip(&bind.values).enumerate();
        let values = values
            .map(|(i, (wanted, value))| parameter::decode_value(i + 1, wanted, is_binary(i), value.as_ref()));
        let values = values.collect::<Result<Vec<_>, _>>()?;
        let size: usize = values.iter().map(|value| value.get_array_memory_size()).sum();
        let size = size + size_of_val(&bind.result_formats[..]) + bind.portal.len() + ENTRY_BYTES;
        let reservation = self.memory.reserve_retained(size)?;
        let portal = Portal {
            prepared,
            values,
            formats: bind.result_formats,
            _held: reservation,
            state: PortalState::Ready,
            lifetime: PortalLifetime::Transaction,
        };
        self.portals.insert(bind.portal, portal);
        self.send(&Out::BindComplete(BindComplete::new()))
    }

    pub(super) fn describe_statement(&mut self, name: &str) -> Result<(), PgError> {
        let prepared = self.statements.get(name).ok_or_else(|| unknown_statement(name))?.clone();
        let oids = prepared.params.iter().map(Type::oid).collect();
        self.send(&Out::ParameterDescription(ParameterDescription::new(oids)))?;
        self.describe(&prepared, &[])
    }

    pub(super) fn describe_portal(&mut self, name: &str) -> Result<(), PgError> {
        let portal = self.portals.get(name).ok_or_else(|| unknown_portal(name))?;
        let (prepared, formats) = (portal.prepared.clone(), portal.formats.clone());
        self.describe(&prepared, &formats)
    }

    fn describe(&mut self, prepared: &PreparedStatement, formats: &[i16]) -> Result<(), PgError> {
        let schema = match &prepared.statement {
            Some(SimpleStatement::Command(SessionCommand::Cursor(CursorCommand::Fetch(step)))) => {
                self.cursor_schema(&step.cursor)
            }
            _ => prepared.schema.clone(),
        };
        match schema {
            Some(schema) => {
                let description = ResultColumns::new(&schema, formats)?.description();
                self.send(&description)
            }
            None => self.send(&Out::NoData(NoData::new())),
        }
    }

    pub(super) async fn execute(&mut self, name: String, max_rows: usize) -> Result<(), PgError> {
        let mut watch = self.begin_execute().await?;
        let Some(mut portal) = self.portals.remove(&name) else { return Err(unknown_portal(&name)) };
        let Some(statement) = portal.prepared.statement.clone() else {
            self.portals.insert(name, portal);
            return self.send(&Out::EmptyQueryResponse(EmptyQueryResponse::new()));
        };
        if matches!(portal.state, PortalState::Ready) {
            match self.run_statement(&mut watch, &statement, &portal.values, &portal.formats).await? {
                StatementOutcome::Done(tag) => return self.complete(tag),
                StatementOutcome::Rows(mut running) => {
                    // Rows are sent in the described types, even if the bound values changed the engine's types.
                    if let Some(described) = &portal.prepared.schema {
                        running.set_columns(ResultColumns::new(described, &portal.formats)?)?;
                    }
                    portal.state = PortalState::Running(running);
                }
                StatementOutcome::Fetch(step) => portal.state = PortalState::Fetching(step),
            }
        }
        let sent = match &mut portal.state {
            PortalState::Running(running) => running.send(&mut self.connection, &mut watch, max_rows).await?,
            PortalState::Fetching(step) => self.fetch(&mut watch, step, &portal.formats, max_rows).await?,
            PortalState::Ready | PortalState::Done => SendOutcome { rows: 0, is_whole: true },
        };
        if sent.is_whole {
            let verb = if matches!(portal.state, PortalState::Fetching(_)) { "FETCH" } else { "SELECT" };
            portal.state = PortalState::Done;
            self.complete(format!("{verb} {}", sent.rows))?;
        } else {
            self.send(&Out::PortalSuspended(PortalSuspended::new()))?;
        }
        self.portals.insert(name, portal);
        Ok(())
    }
}

/// Fails when `count` statements or portals leave no room for another.
pub(super) fn check_capacity(count: usize) -> Result<(), PgError> {
    if count < MAX_STATEMENTS_AND_PORTALS {
        return Ok(());
    }
    let message = format!(
        "a connection keeps at most {MAX_STATEMENTS_AND_PORTALS} prepared statements, and as many portals; close some"
    );
    Err(PgError::Protocol("54000", message))
}

pub(super) fn check_name(name: &str) -> Result<(), PgError> {
    if name.len() <= MAX_NAME_BYTES {
        return Ok(());
    }
    let message = format!("a name of {} bytes; {MAX_NAME_BYTES} are the most", name.len());
    Err(PgError::Protocol("42622", message))
}

pub(super) fn unknown_statement(name: &str) -> PgError {
    PgError::Protocol("26000", format!("prepared statement \"{name}\" does not exist"))
}

fn unknown_portal(name: &str) -> PgError {
    PgError::Protocol("34000", format!("portal \"{name}\" does not exist"))
}
