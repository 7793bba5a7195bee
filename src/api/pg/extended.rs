//! The extended protocol: statements are parsed, bound to values, described and executed one message at a time.

use std::mem::size_of_val;
use std::sync::Arc;

use pgwire::api::Type;
use pgwire::messages::PgWireBackendMessage as Out;
use pgwire::messages::data::{NoData, ParameterDescription};
use pgwire::messages::extendedquery::{BindComplete, ParseComplete, PortalSuspended};
use pgwire::messages::response::EmptyQueryResponse;

use super::error::Fault;
use super::frame::Bind;
use super::portal::{Portal, Prepared, Sent, State};
use super::rows::Columns;
use super::script::{self, Command, Said};
use super::session::{Session, Started};
use super::types;
use super::watch::Watch;
use crate::app::sql::{PreparedSql, Tool};

/// Prepared statements of one connection, and portals.
const MAX_KEPT: usize = 1000;
/// What a statement or portal takes beside what is in it, at most, bytes.
const ENTRY_BYTES: usize = 512;
/// Bytes of the name of a statement or portal; drivers use some dozen.
const MAX_NAME_BYTES: usize = 1024;
/// Parameters of a statement: the protocol counts them in 16 bits.
pub(super) const MAX_PARAMETERS: usize = u16::MAX as usize;

impl Session {
    pub(super) async fn parse(&mut self, name: String, query: &str, types: &[u32]) -> Result<(), Fault> {
        check_name(&name)?;
        let declared = types.iter().map(|oid| types::declared(*oid)).collect::<Result<Vec<_>, _>>()?;
        let mut watch = self.begin()?;
        if !name.is_empty() && self.statements.contains_key(&name) {
            let message = format!("prepared statement \"{name}\" already exists");
            return Err(Fault::Protocol("42P05", message));
        }
        let prepared = self.prepare(&mut watch, query, declared).await?;
        self.keep(name, prepared)?;
        self.say(&Out::ParseComplete(ParseComplete::new()))
    }

    pub(super) async fn prepare(
        &mut self,
        watch: &mut Watch,
        query: &str,
        declared: Vec<Option<Type>>,
    ) -> Result<Prepared, Fault> {
        let mut statements = script::statements(query);
        if statements.len() > 1 {
            let message = "cannot insert multiple commands into a prepared statement";
            return Err(Fault::Protocol("42601", message.to_owned()));
        }
        let text = match statements.pop() {
            Some(Said::Query(text)) => text,
            Some(Said::Command(Command::Prepare { .. } | Command::Execute { .. })) => {
                let message = "PREPARE and EXECUTE are for simple queries";
                return Err(Fault::Protocol("0A000", message.to_owned()));
            }
            other => return Ok(Prepared::of_command(other, query)),
        };
        let known = declared.iter().map(|known| known.as_ref().and_then(types::arrow_type)).collect();
        let sketch = PreparedSql { tool: Tool::Postgres, query: text.clone(), declared: known };
        let app = self.door.app.clone();
        let described =
            watch.over(&mut self.wire, app.describe_sql(self.standing.principal(), sketch)).await??;
        let params =
            described.params.iter().enumerate().map(|(i, wanted)| {
                declared.get(i).cloned().flatten().unwrap_or_else(|| types::asked(wanted))
            });
        let params: Vec<Type> = params.collect();
        let size = text.len() + params.len() * size_of::<Type>() + described.schema.fields().size();
        let (said, schema) = (Some(Said::Query(text)), Some(described.schema));
        Ok(Prepared { said, params, schema, size, held: None })
    }

    /// Keeps a statement in the place of another of its name.
    pub(super) fn keep(&mut self, name: String, mut prepared: Prepared) -> Result<(), Fault> {
        check_name(&name)?;
        self.statements.remove(&name);
        check_kept(self.statements.len())?;
        prepared.held = Some(self.account.keep(prepared.size + name.len() + ENTRY_BYTES)?);
        self.statements.insert(name, Arc::new(prepared));
        Ok(())
    }

    pub(super) fn bind(&mut self, bind: Bind) -> Result<(), Fault> {
        let prepared =
            self.statements.get(&bind.statement).ok_or_else(|| unknown_statement(&bind.statement))?.clone();
        if bind.values.len() != prepared.params.len() {
            let (given, wanted) = (bind.values.len(), prepared.params.len());
            let message = format!("the statement takes {wanted} parameters, not {given}");
            return Err(Fault::Protocol("08P01", message));
        }
        check_name(&bind.portal)?;
        self.portals.remove(&bind.portal);
        check_kept(self.portals.len())?;
        let is_binary = |i: usize| bind.formats.get(i).or(bind.formats.first()) == Some(&1);
        let values = prepared.params.iter().zip(&bind.values).enumerate();
        let values =
            values.map(|(i, (wanted, value))| types::value(i + 1, wanted, is_binary(i), value.as_ref()));
        let values = values.collect::<Result<Vec<_>, _>>()?;
        let size: usize = values.iter().map(|value| value.get_array_memory_size()).sum();
        let size = size + size_of_val(&bind.columns[..]) + bind.portal.len() + ENTRY_BYTES;
        let held = self.account.keep(size)?;
        let portal = Portal { prepared, values, formats: bind.columns, _held: held, state: State::Ready };
        self.portals.insert(bind.portal, portal);
        self.say(&Out::BindComplete(BindComplete::new()))
    }

    pub(super) fn describe_statement(&mut self, name: &str) -> Result<(), Fault> {
        let prepared = self.statements.get(name).ok_or_else(|| unknown_statement(name))?.clone();
        let oids = prepared.params.iter().map(Type::oid).collect();
        self.say(&Out::ParameterDescription(ParameterDescription::new(oids)))?;
        self.describe(&prepared, &[])
    }

    pub(super) fn describe_portal(&mut self, name: &str) -> Result<(), Fault> {
        let portal = self.portals.get(name).ok_or_else(|| unknown_portal(name))?;
        let (prepared, formats) = (portal.prepared.clone(), portal.formats.clone());
        self.describe(&prepared, &formats)
    }

    fn describe(&mut self, prepared: &Prepared, formats: &[i16]) -> Result<(), Fault> {
        match &prepared.schema {
            Some(schema) => {
                let description = Columns::new(schema, formats)?.description();
                self.say(&description)
            }
            None => self.say(&Out::NoData(NoData::new())),
        }
    }

    pub(super) async fn execute(&mut self, name: String, max_rows: usize) -> Result<(), Fault> {
        let mut watch = self.begin()?;
        let Some(mut portal) = self.portals.remove(&name) else { return Err(unknown_portal(&name)) };
        let Some(said) = portal.prepared.said.clone() else {
            self.portals.insert(name, portal);
            return self.say(&Out::EmptyQueryResponse(EmptyQueryResponse::new()));
        };
        if matches!(portal.state, State::Ready) {
            match self.start(&mut watch, &said, &portal.values, &portal.formats).await? {
                Started::Done(tag) => return self.complete(tag.to_owned()),
                Started::Rows(mut running) => {
                    // Rows go out in the types that were described, whatever the engine made of the values.
                    if let Some(described) = &portal.prepared.schema {
                        running.columns = Columns::new(described, &portal.formats)?;
                    }
                    portal.state = State::Running(running);
                }
            }
        }
        let sent = match &mut portal.state {
            State::Running(running) => running.send(&mut self.wire, &mut watch, max_rows).await?,
            State::Ready | State::Done => Sent { rows: 0, is_whole: true },
        };
        if sent.is_whole {
            portal.state = State::Done;
            self.complete(format!("SELECT {}", sent.rows))?;
        } else {
            self.say(&Out::PortalSuspended(PortalSuspended::new()))?;
        }
        self.portals.insert(name, portal);
        Ok(())
    }
}

/// Whether one more may be kept beside so many.
fn check_kept(count: usize) -> Result<(), Fault> {
    if count < MAX_KEPT {
        return Ok(());
    }
    let message =
        format!("a connection keeps at most {MAX_KEPT} prepared statements, and as many portals; close some");
    Err(Fault::Protocol("54000", message))
}

fn check_name(name: &str) -> Result<(), Fault> {
    if name.len() <= MAX_NAME_BYTES {
        return Ok(());
    }
    let message = format!("a name of {} bytes; {MAX_NAME_BYTES} are the most", name.len());
    Err(Fault::Protocol("42622", message))
}

/// Whether a statement may have so many parameters.
pub(super) fn check_count(parameters: usize) -> Result<(), Fault> {
    if parameters <= MAX_PARAMETERS {
        return Ok(());
    }
    Err(Fault::Protocol("54023", format!("more than {MAX_PARAMETERS} parameters")))
}

pub(super) fn unknown_statement(name: &str) -> Fault {
    Fault::Protocol("26000", format!("prepared statement \"{name}\" does not exist"))
}

fn unknown_portal(name: &str) -> Fault {
    Fault::Protocol("34000", format!("portal \"{name}\" does not exist"))
}
