//! Session commands: read-only transactions, settings, and SQL `PREPARE`, `EXECUTE` and `DEALLOCATE`.

use arrow::array::ArrayRef;
use futures::StreamExt;
use pgwire::messages::PgWireBackendMessage as Out;
use pgwire::messages::response::TransactionStatus;
use pgwire::messages::startup::ParameterStatus;

use super::error::{PgError, warning};
use super::extended::unknown_statement;
use super::parameter;
use super::row_stream::RowStream;
use super::session::{PgSession, StatementOutcome};
use super::session_command::SessionCommand;
use super::settings::{Report, SettingChange, SettingScope};
use super::statement_guard::StatementGuard;
use super::statement_splitter::{self, SimpleStatement};

impl PgSession {
    /// Runs a command that changes only this session; returns its command tag.
    pub(super) fn run_command(&mut self, command: &SessionCommand) -> Result<&'static str, PgError> {
        match command {
            SessionCommand::Begin { isolation } => self.begin(isolation.as_deref())?,
            SessionCommand::Commit | SessionCommand::Rollback { to_savepoint: false } => {
                let is_failed = matches!(self.status, TransactionStatus::Error);
                self.status = self.status.to_idle_state();
                let commits = *command == SessionCommand::Commit && !is_failed;
                self.end_portals(commits);
                self.end_settings(commits)?;
                return Ok(if commits { "COMMIT" } else { "ROLLBACK" });
            }
            // Nothing was written, so there is nothing to undo: the transaction continues.
            SessionCommand::Rollback { to_savepoint: true } => {
                self.status = self.status.to_idle_state().to_in_transaction_state();
            }
            SessionCommand::Set { name, value, is_local: false } => {
                self.set(name, value.as_deref(), SettingScope::Session)?;
            }
            SessionCommand::Set { name, value, is_local: true } => self.set_local(name, value.as_deref())?,
            SessionCommand::Reset(name) => self.reset(name)?,
            SessionCommand::Discard { all: true } => {
                self.statements.clear();
                self.portals.clear();
                self.reset("all")?;
            }
            SessionCommand::Deallocate(None) => self.statements.clear(),
            SessionCommand::Deallocate(Some(name)) if self.statements.remove(name).is_none() => {
                return Err(unknown_statement(name));
            }
            _ => {}
        }
        Ok(match command {
            SessionCommand::Begin { .. } => "BEGIN",
            SessionCommand::Savepoint => "SAVEPOINT",
            SessionCommand::Release => "RELEASE",
            SessionCommand::Set { .. } => "SET",
            SessionCommand::Reset(_) => "RESET",
            SessionCommand::Discard { all } => {
                if *all {
                    "DISCARD ALL"
                } else {
                    "DISCARD"
                }
            }
            SessionCommand::Deallocate(_) => "DEALLOCATE",
            SessionCommand::NoOp(tag) => tag,
            SessionCommand::Rollback { .. } | SessionCommand::Commit => "ROLLBACK",
            SessionCommand::Show(_) => "SHOW",
            SessionCommand::Cursor(_) => "DECLARE CURSOR",
            SessionCommand::Copy(_) => "COPY",
            SessionCommand::Refused(_) => "",
            SessionCommand::Prepare { .. } => "PREPARE",
            SessionCommand::Execute { .. } => "EXECUTE",
        })
    }

    fn begin(&mut self, isolation: Option<&str>) -> Result<(), PgError> {
        if let Some(level) = isolation {
            self.set("transaction_isolation", Some(level), SettingScope::Transaction)?;
        }
        self.status = self.status.to_in_transaction_state();
        Ok(())
    }

    fn set_local(&mut self, name: &str, value: Option<&str>) -> Result<(), PgError> {
        self.set(name, value, SettingScope::Transaction)?;
        match self.is_in_transaction() {
            true => Ok(()),
            false => self.warn("SET LOCAL can only be used in transaction blocks"),
        }
    }

    fn set(&mut self, name: &str, value: Option<&str>, scope: SettingScope) -> Result<(), PgError> {
        let change = self.settings.settings.lock().set(name, value, scope)?;
        self.announce(change)
    }

    fn reset(&mut self, name: &str) -> Result<(), PgError> {
        let reports = self.settings.settings.lock().reset(name)?;
        self.report(reports)
    }

    /// Ends what settings have for the transaction only.
    pub(super) fn end_settings(&mut self, is_committed: bool) -> Result<(), PgError> {
        self.announce_changes()?;
        let reports = self.settings.settings.lock().end_transaction(is_committed);
        self.report(reports)
    }

    /// Tells the client which settings the last statement has changed by a function.
    pub(super) fn announce_changes(&mut self) -> Result<(), PgError> {
        self.settings.take_changes().into_iter().try_for_each(|change| self.announce(change))
    }

    /// Tells the client what a change of a setting means.
    fn announce(&mut self, change: SettingChange) -> Result<(), PgError> {
        change.notice.map_or(Ok(()), |notice| self.warn(&notice))?;
        self.report(change.report)
    }

    fn report(&mut self, reports: impl IntoIterator<Item = Report>) -> Result<(), PgError> {
        let mut reports = reports.into_iter();
        reports.try_for_each(|(name, value)| {
            self.send(&Out::ParameterStatus(ParameterStatus::new(name.to_owned(), value)))
        })
    }

    fn warn(&mut self, message: &str) -> Result<(), PgError> {
        if !self.settings.settings.lock().takes_warnings() {
            return Ok(());
        }
        self.send(&warning(message))
    }

    pub(super) fn show(&self, name: &str, formats: &[i16]) -> Result<StatementOutcome, PgError> {
        let settings = self.settings.settings.lock();
        let columns = if name == "all" {
            let (names, values): (Vec<_>, Vec<_>) =
                settings.all().map(|(name, value)| (name.as_str(), value.as_str())).unzip();
            let nothing = vec![""; names.len()];
            vec![names, values, nothing]
        } else {
            vec![vec![settings.show(name)?]]
        };
        Ok(StatementOutcome::Rows(Box::new(RowStream::of_texts(name, columns, formats)?)))
    }

    /// Runs SQL `EXECUTE`. Its arguments are expressions, so they are evaluated as a query first.
    pub(super) async fn execute_named(
        &mut self,
        watch: &mut StatementGuard,
        name: &str,
        arguments: &str,
        formats: &[i16],
    ) -> Result<StatementOutcome, PgError> {
        let prepared = self.statements.get(name).cloned().ok_or_else(|| unknown_statement(name))?;
        let Some(SimpleStatement::Query(text)) = &prepared.statement else {
            return Err(unknown_statement(name));
        };
        let given = if arguments.is_empty() { Vec::new() } else { self.evaluate(watch, arguments).await? };
        if given.len() != prepared.params.len() {
            let (wanted, count) = (prepared.params.len(), given.len());
            let message = format!("the statement \"{name}\" takes {wanted} parameters, not {count}");
            return Err(PgError::Protocol("42601", message));
        }
        let values = given.iter().zip(&prepared.params).enumerate();
        let values = values.map(|(i, (value, wanted))| parameter::cast_argument(i + 1, wanted, value));
        let values = values.collect::<Result<Vec<_>, PgError>>()?;
        Ok(StatementOutcome::Rows(Box::new(self.run_query(watch, text, values, formats).await?)))
    }

    async fn evaluate(
        &mut self,
        watch: &mut StatementGuard,
        arguments: &str,
    ) -> Result<Vec<ArrayRef>, PgError> {
        // Each column gets an alias: the engine refuses duplicate column names.
        let expressions = statement_splitter::split_arguments(arguments);
        parameter::check_parameter_count(expressions.len())?;
        let named = expressions.into_iter().enumerate();
        let columns: Vec<_> = named.map(|(i, expression)| format!("{expression} AS a{i}")).collect();
        let query = format!("SELECT {}", columns.join(", "));
        let bound = self.bound_statement(query, Vec::new());
        let app = self.server.app.clone();
        let mut answer = watch
            .run(&mut self.connection, app.statements.bound_sql(self.credential.principal(), bound))
            .await??;
        let row = watch.run(&mut self.connection, answer.batches.next()).await?.transpose()?;
        match row {
            Some(row) if row.num_rows() == 1 => Ok(row.columns().to_vec()),
            _ => Err(PgError::Protocol("42601", "the arguments are no row of values".to_owned())),
        }
    }
}
