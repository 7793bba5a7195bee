//! What tools say to a session: transactions that only read, settings, and SQL's own way of preparing statements.

use arrow::array::ArrayRef;
use arrow::compute::{CastOptions, cast_with_options};
use futures::StreamExt;
use pgwire::error::ErrorInfo;
use pgwire::messages::PgWireBackendMessage as Out;
use pgwire::messages::response::TransactionStatus;
use pgwire::messages::startup::ParameterStatus;

use super::array::{self, Wrong};
use super::error::Fault;
use super::extended::{check_count, unknown_statement};
use super::portal::Running;
use super::script::{self, Command, Said};
use super::session::{Session, Started};
use super::types;
use super::watch::Watch;
use crate::app::sql::{BoundSql, Tool};

impl Session {
    /// What changes nothing but this session.
    pub(super) fn obey(&mut self, command: &Command) -> Result<&'static str, Fault> {
        match command {
            Command::Begin => self.status = self.status.to_in_transaction_state(),
            Command::Commit | Command::Rollback { to_savepoint: false } => {
                let is_failed = matches!(self.status, TransactionStatus::Error);
                self.status = self.status.to_idle_state();
                self.portals.clear();
                let commits = *command == Command::Commit && !is_failed;
                return Ok(if commits { "COMMIT" } else { "ROLLBACK" });
            }
            // There is nothing to undo: the transaction goes on from here.
            Command::Rollback { to_savepoint: true } => {
                self.status = self.status.to_idle_state().to_in_transaction_state();
            }
            Command::Set { name, value } => self.set(name, value)?,
            Command::Discard { all: true } | Command::Deallocate(None) => self.statements.clear(),
            Command::Deallocate(Some(name)) if self.statements.remove(name).is_none() => {
                return Err(unknown_statement(name));
            }
            _ => {}
        }
        Ok(match command {
            Command::Begin => "BEGIN",
            Command::Savepoint => "SAVEPOINT",
            Command::Release => "RELEASE",
            Command::Set { .. } => "SET",
            Command::Reset => "RESET",
            Command::Discard { all } => {
                if *all {
                    "DISCARD ALL"
                } else {
                    "DISCARD"
                }
            }
            Command::Deallocate(_) => "DEALLOCATE",
            Command::Nothing(tag) => tag,
            Command::Rollback { .. } | Command::Commit => "ROLLBACK",
            Command::Show(_) => "SHOW",
            Command::Unsupported(_) => "",
            Command::Prepare { .. } => "PREPARE",
            Command::Execute { .. } => "EXECUTE",
        })
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        let told = self.settings.set(name, value)?;
        if let Some(notice) = told.notice {
            let info = ErrorInfo::new("NOTICE".to_owned(), "00000".to_owned(), notice);
            self.say(&Out::NoticeResponse(info.into()))?;
        }
        if let Some((name, value)) = told.report {
            self.say(&Out::ParameterStatus(ParameterStatus::new(name.to_owned(), value)))?;
        }
        Ok(())
    }

    pub(super) fn show(&self, name: &str, formats: &[i16]) -> Result<Started, Fault> {
        let columns = if name == "all" {
            let (names, values): (Vec<_>, Vec<_>) =
                self.settings.all().map(|(name, value)| (name.as_str(), value.as_str())).unzip();
            let nothing = vec![""; names.len()];
            vec![names, values, nothing]
        } else {
            vec![vec![self.settings.show(name)?]]
        };
        Ok(Started::Rows(Box::new(Running::of_texts(name, columns, formats)?)))
    }

    /// SQL's own EXECUTE: its arguments are expressions, so they are asked like any other question.
    pub(super) async fn execute_named(
        &mut self,
        watch: &mut Watch,
        name: &str,
        arguments: &str,
        formats: &[i16],
    ) -> Result<Started, Fault> {
        let prepared = self.statements.get(name).cloned().ok_or_else(|| unknown_statement(name))?;
        let Some(Said::Query(text)) = &prepared.said else { return Err(unknown_statement(name)) };
        let given = if arguments.is_empty() { Vec::new() } else { self.evaluate(watch, arguments).await? };
        if given.len() != prepared.params.len() {
            let (wanted, count) = (prepared.params.len(), given.len());
            let message = format!("the statement \"{name}\" takes {wanted} parameters, not {count}");
            return Err(Fault::Protocol("42601", message));
        }
        let values = given.iter().zip(&prepared.params).enumerate().map(|(i, (value, wanted))| {
            let wrong = || Fault::Protocol("42804", format!("${} is no {}", i + 1, types::name(wanted)));
            if let Some(element) = array::element(wanted) {
                return array::from_value(&element, value).map_err(|why| match why {
                    Wrong::Value => wrong(),
                    Wrong::TooMany => types::too_many(i + 1),
                });
            }
            let target = types::arrow_type(wanted).unwrap_or_else(|| value.data_type().clone());
            let strict = CastOptions { safe: false, ..CastOptions::default() };
            cast_with_options(value, &target, &strict).map_err(|_| wrong())
        });
        let values = values.collect::<Result<Vec<_>, Fault>>()?;
        self.ask(watch, text, values, formats).await
    }

    async fn evaluate(&mut self, watch: &mut Watch, arguments: &str) -> Result<Vec<ArrayRef>, Fault> {
        // Each has a name of its own: the engine takes no two columns of one.
        let expressions = script::arguments(arguments);
        check_count(expressions.len())?;
        let named = expressions.into_iter().enumerate();
        let columns: Vec<_> = named.map(|(i, expression)| format!("{expression} AS a{i}")).collect();
        let query = format!("SELECT {}", columns.join(", "));
        let bound = BoundSql { tool: Tool::Postgres, query, values: Vec::new() };
        let app = self.door.app.clone();
        let mut answer =
            watch.over(&mut self.wire, app.bound_sql(self.standing.principal(), bound)).await??;
        let row = watch.over(&mut self.wire, answer.batches.next()).await?.transpose()?;
        match row {
            Some(row) if row.num_rows() == 1 => Ok(row.columns().to_vec()),
            _ => Err(Fault::Protocol("42601", "the arguments are no row of values".to_owned())),
        }
    }
}
