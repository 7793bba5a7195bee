//! Session of one authenticated client: reads messages, runs statements with the current rights of its key, sends
//! results.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::ArrayRef;
use pgwire::messages::PgWireBackendMessage as Out;
use pgwire::messages::extendedquery::CloseComplete;
use pgwire::messages::response::{CommandComplete, EmptyQueryResponse, ReadyForQuery, TransactionStatus};
use tokio::time::Instant;

use super::PgServer;
use super::cancel::CancelHandle;
use super::connection::PgConnection;
use super::cursor_command::CursorStep;
use super::error::PgError;
use super::frame::{self, FrontendMessage, StatementOrPortal};
use super::memory_pool::{ConnectionMemory, PgReservation};
use super::parameter;
use super::portal::{Portal, PreparedStatement};
use super::row_stream::{RowStream, SendOutcome};
use super::rows::ResultColumns;
use super::session_command::SessionCommand;
use super::settings::SessionSettings;
use super::shared_settings::SharedSettings;
use super::statement_guard::{StatementGuard, sleep_until};
use super::statement_splitter::{self, MAX_STATEMENTS, SimpleStatement};
use super::types;
use crate::app::live::credential::LiveCredential;
use crate::app::sql::{BoundStatement, SqlProtocol};
use crate::domain::audit::AccessDenial;
use crate::domain::ports::ConnectionSettings;
use crate::domain::{Kind, Principal};

/// Messages up to this length are not accounted; they are bounded by the number of connections times this.
const UNCOUNTED_MESSAGE_BYTES: usize = 16 << 10;
/// Maximum time to receive a message: enough for the longest at two megabits per second.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(60);

/// An authenticated connection.
pub struct PgSession {
    pub(super) server: Arc<PgServer>,
    pub(super) connection: PgConnection,
    cancel_handle: CancelHandle,
    pub(super) credential: LiveCredential,
    pub(super) settings: Arc<SharedSettings>,
    pub(super) status: TransactionStatus,
    pub(super) statements: HashMap<String, Arc<PreparedStatement>>,
    pub(super) portals: HashMap<String, Portal>,
    /// Memory of statements, portals and the current message.
    pub(super) memory: Arc<ConnectionMemory>,
    message_reservation: Option<PgReservation>,
    /// After an error in the extended protocol, messages are ignored until the next Sync.
    is_skipping: bool,
    /// Bytes that had been received when the catalog was brought up to date for the last Parse; `None` after an Execute.
    received_at_parse: Option<u64>,
    /// Whether the current simple query has several statements, which are a transaction without BEGIN.
    is_in_implicit_transaction: bool,
}

/// Result of a statement: a command tag, or rows to be sent.
pub(super) enum StatementOutcome {
    Done(Cow<'static, str>),
    Rows(Box<RowStream>),
    /// The next rows of an open cursor.
    Fetch(CursorStep),
}

impl PgSession {
    pub(super) fn new(
        server: Arc<PgServer>,
        wire: PgConnection,
        entry: CancelHandle,
        principal: Principal,
        settings: SessionSettings,
    ) -> Self {
        let credential = server.app.feeds.live_credential(Arc::new(principal), None);
        let account = ConnectionMemory::new(server.memory.clone());
        Self {
            server,
            connection: wire,
            cancel_handle: entry,
            credential,
            settings: Arc::new(SharedSettings::new(settings)),
            status: TransactionStatus::Idle,
            statements: HashMap::new(),
            portals: HashMap::new(),
            memory: account,
            message_reservation: None,
            is_skipping: false,
            received_at_parse: None,
            is_in_implicit_transaction: false,
        }
    }

    /// Serves until the client disconnects or is idle too long, its key is revoked, or the server stops.
    pub(super) async fn serve(mut self) {
        let end = loop {
            let message = match self.next().await {
                Ok(FrontendMessage::Terminate) => return,
                Ok(message) => message,
                Err(fault) => break fault,
            };
            if self.is_skipping && message != FrontendMessage::Sync {
                continue;
            }
            let is_extended = !matches!(message, FrontendMessage::Query(_));
            if let Err(fault) = self.handle(message).await {
                self.log_error(&fault);
                if is_fatal(&fault) {
                    break fault;
                }
                if self.report_error(&fault, is_extended).is_err() {
                    return;
                }
            }
        };
        if !matches!(end, PgError::Disconnected) && self.connection.queue(&end.message(true)).is_ok() {
            // A client that does not read the error is gone as well.
            self.connection.close().await.unwrap_or(());
        }
    }

    /// Waits for the next message; meanwhile flushes the queue and fails if the key is revoked.
    async fn next(&mut self) -> Result<FrontendMessage, PgError> {
        let max = self.server.app.settings().body_bytes;
        let idle_until = Instant::now() + self.server.options.idle;
        let mut whole_until = None;
        let mut credential = self.credential.watch();
        if self.message_reservation.take().is_some() {
            self.connection.shrink();
        }
        loop {
            if let Some(message) = self.connection.take_message(max).await? {
                return Ok(message);
            }
            self.make_room()?;
            if whole_until.is_none() && !self.connection.inbox.is_empty() {
                whole_until = Some(Instant::now() + MESSAGE_TIMEOUT);
            }
            self.connection.flush().await?;
            tokio::select! {
                biased;
                filled = self.connection.read_more() => {
                    if !filled? {
                        return Err(PgError::Disconnected);
                    }
                }
                () = self.server.stop.cancelled() => {
                    let message = "the server is shutting down".to_owned();
                    return Err(PgError::Protocol("57P01", message));
                }
                () = sleep_until(whole_until) => {
                    let message = "the rest of a message did not arrive in time".to_owned();
                    return Err(PgError::Protocol("08P01", message));
                }
                () = tokio::time::sleep_until(idle_until) => {
                    let message = "the connection was idle for too long (pg.idle_timeout)".to_owned();
                    return Err(PgError::Protocol("57P05", message));
                }
                over = credential.expired() => return Err(over.into()),
            }
        }
    }

    /// Reserves memory for a message once its header has arrived. Small messages are not accounted.
    fn make_room(&mut self) -> Result<(), PgError> {
        if self.message_reservation.is_none()
            && let Some(bytes) = frame::announced_length(&self.connection.inbox)
            && bytes > UNCOUNTED_MESSAGE_BYTES
        {
            self.message_reservation = Some(self.memory.reserve_message(bytes)?);
        }
        Ok(())
    }

    async fn handle(&mut self, message: FrontendMessage) -> Result<(), PgError> {
        match message {
            FrontendMessage::Query(text) => self.simple(&text).await,
            FrontendMessage::Parse { name, query, types } => self.parse(name, &query, &types).await,
            FrontendMessage::Bind(bind) => self.bind(bind),
            FrontendMessage::Describe(StatementOrPortal::Statement, name) => self.describe_statement(&name),
            FrontendMessage::Describe(StatementOrPortal::Portal, name) => self.describe_portal(&name),
            FrontendMessage::Execute { portal, max_rows } => self.execute(portal, max_rows).await,
            FrontendMessage::Close(target, name) => {
                match target {
                    StatementOrPortal::Statement => drop(self.statements.remove(&name)),
                    StatementOrPortal::Portal => drop(self.portals.remove(&name)),
                }
                self.send(&Out::CloseComplete(CloseComplete::new()))
            }
            FrontendMessage::Flush => Ok(self.connection.flush().await?),
            FrontendMessage::Sync => {
                self.is_skipping = false;
                self.ready()
            }
            FrontendMessage::Password(_) | FrontendMessage::Terminate => {
                Err(PgError::Protocol("08P01", "unexpected message at this point of the protocol".to_owned()))
            }
        }
    }

    pub(super) fn send(&mut self, message: &Out) -> Result<(), PgError> {
        Ok(self.connection.queue(message)?)
    }

    fn ready(&mut self) -> Result<(), PgError> {
        if matches!(self.status, TransactionStatus::Idle) {
            // Outside of a transaction, each request is one.
            self.end_portals(true);
            self.end_settings(true)?;
        }
        self.is_in_implicit_transaction = false;
        self.send(&Out::ReadyForQuery(ReadyForQuery::new(self.status)))
    }

    /// Sends an error. The extended protocol then skips to the next Sync; the simple one is ready at once.
    fn report_error(&mut self, fault: &PgError, is_extended: bool) -> Result<(), PgError> {
        self.send(&fault.message(false))?;
        self.status = self.status.to_error_state();
        if matches!(self.status, TransactionStatus::Idle) {
            self.end_portals(false);
            self.end_settings(false)?;
        }
        if is_extended {
            self.is_skipping = true;
            return Ok(());
        }
        self.ready()
    }

    /// Logs an error, and audits it if it is a refused access. This is the only place that does.
    fn log_error(&self, fault: &PgError) {
        let PgError::Domain(error) = fault else { return };
        let (who, text) = (self.credential.principal(), error.full_message());
        if error.kind.is_our_fault() {
            tracing::error!(error = text, caller = %who.caller, "statement failed");
        } else {
            tracing::debug!(error = text, caller = %who.caller, "statement refused");
        }
        if let (Some(refusal), Some(origin)) = (AccessDenial::from_error(error), &who.origin) {
            self.server.app.audit.note_refusal(origin, refusal);
        }
    }

    async fn simple(&mut self, text: &str) -> Result<(), PgError> {
        let statements = statement_splitter::split_any_length(text).await?;
        if statements.len() > MAX_STATEMENTS {
            let message = format!("the query has more than {MAX_STATEMENTS} statements; split it");
            return Err(PgError::Protocol("54000", message));
        }
        if statements.is_empty() {
            self.send(&Out::EmptyQueryResponse(EmptyQueryResponse::new()))?;
        }
        self.is_in_implicit_transaction = statements.len() > 1;
        for statement in statements {
            let mut watch = self.begin_statement().await?;
            match self.run_statement(&mut watch, &statement, &[], &[]).await? {
                StatementOutcome::Done(tag) => self.complete(tag)?,
                StatementOutcome::Rows(mut running) => {
                    let description = running.columns().description();
                    self.send(&description)?;
                    let SendOutcome { rows, .. } = running.send(&mut self.connection, &mut watch, 0).await?;
                    self.complete(format!("SELECT {rows}"))?;
                }
                StatementOutcome::Fetch(step) => {
                    let rows = self.fetch_described(&mut watch, step).await?;
                    self.complete(format!("FETCH {rows}"))?;
                }
            }
        }
        self.ready()
    }

    pub(super) fn complete(&mut self, tag: impl Into<String>) -> Result<(), PgError> {
        self.announce_changes()?;
        self.send(&Out::CommandComplete(CommandComplete::new(tag.into())))
    }

    /// Whether the statement that runs is part of a transaction.
    pub(super) fn is_in_transaction(&self) -> bool {
        self.is_in_implicit_transaction || !matches!(self.status, TransactionStatus::Idle)
    }

    /// Starts a statement. Fails if the key is not valid; the guard re-checks the key while the statement runs.
    pub(super) async fn begin_statement(&mut self) -> Result<StatementGuard, PgError> {
        self.server.app.node.cluster.catch_up_catalog().await?;
        self.guard_statement()
    }

    /// Starts a statement for a Parse.
    pub(super) async fn begin_parse(&mut self) -> Result<StatementGuard, PgError> {
        let received = self.connection.received_bytes();
        let guard = self.begin_statement().await?;
        self.received_at_parse = Some(received);
        Ok(guard)
    }

    /// Starts a statement for an Execute. When nothing was received since the last Parse was begun, this message was sent
    /// before the catalog was brought up to date: a driver that sends both as one piece needs that once. It counts for one
    /// Execute only, so that a long series of them ends with its key.
    pub(super) async fn begin_execute(&mut self) -> Result<StatementGuard, PgError> {
        if self.received_at_parse.take() == Some(self.connection.received_bytes()) {
            return self.guard_statement();
        }
        self.begin_statement().await
    }

    fn guard_statement(&self) -> Result<StatementGuard, PgError> {
        let limit = self.settings.settings.lock().statement_timeout();
        StatementGuard::new(self.credential.clone(), self.cancel_handle.cancelled.clone(), limit)
    }

    pub(super) async fn run_statement(
        &mut self,
        watch: &mut StatementGuard,
        statement: &SimpleStatement,
        values: &[ArrayRef],
        formats: &[i16],
    ) -> Result<StatementOutcome, PgError> {
        if matches!(self.status, TransactionStatus::Error)
            && !matches!(
                statement,
                SimpleStatement::Command(SessionCommand::Commit | SessionCommand::Rollback { .. })
            )
        {
            let message = "current transaction is aborted, commands ignored until end of transaction block";
            return Err(PgError::Protocol("25P02", message.to_owned()));
        }
        match statement {
            SimpleStatement::Query(text) => {
                let rows = self.run_query(watch, text, values.to_vec(), formats).await?;
                Ok(StatementOutcome::Rows(Box::new(rows)))
            }
            SimpleStatement::Command(SessionCommand::Show(name)) => self.show(name, formats),
            SimpleStatement::Command(SessionCommand::Execute { name, arguments }) => {
                self.execute_named(watch, name, arguments, formats).await
            }
            SimpleStatement::Command(SessionCommand::Prepare { name, types, query }) => {
                parameter::check_parameter_count(types.len())?;
                self.check_unused(name)?;
                let types: Result<Vec<_>, _> =
                    types.iter().map(|name| types::type_by_name(name).map(Some)).collect();
                let prepared = self.prepare(watch, query, types?).await?;
                self.store_statement(name.clone(), prepared)?;
                Ok(StatementOutcome::Done("PREPARE".into()))
            }
            SimpleStatement::Command(SessionCommand::Cursor(command)) => {
                self.run_cursor_command(watch, command, values).await
            }
            SimpleStatement::Command(SessionCommand::Copy(copy)) => self.copy_out(watch, copy).await,
            SimpleStatement::Command(SessionCommand::Refused(refusal)) => Err(refusal.clone().into()),
            SimpleStatement::Command(command) => {
                self.run_command(command).map(|tag| StatementOutcome::Done(tag.into()))
            }
        }
    }

    pub(super) async fn run_query(
        &mut self,
        watch: &mut StatementGuard,
        text: &str,
        values: Vec<ArrayRef>,
        formats: &[i16],
    ) -> Result<RowStream, PgError> {
        let bound = self.bound_statement(text.to_owned(), values);
        let app = self.server.app.clone();
        let answer = watch
            .run(&mut self.connection, app.statements.bound_sql(self.credential.principal(), bound))
            .await??;
        let columns = ResultColumns::new(&answer.schema, formats)?;
        Ok(RowStream::new(answer, columns))
    }

    /// Returns a statement that reads and changes the settings of this connection.
    pub(super) fn bound_statement(&self, query: String, values: Vec<ArrayRef>) -> BoundStatement {
        let settings: Arc<dyn ConnectionSettings> = self.settings.clone();
        BoundStatement { protocol: SqlProtocol::Postgres, query, values, settings: Some(settings) }
    }
}

/// Whether the connection must end: the key is no longer valid, or the client is gone.
fn is_fatal(fault: &PgError) -> bool {
    match fault {
        PgError::Domain(error) => error.kind == Kind::Unauthenticated,
        PgError::Disconnected => true,
        PgError::Protocol(..) | PgError::Cancelled => false,
    }
}
