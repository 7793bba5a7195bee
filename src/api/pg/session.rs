//! One client after its start: messages in, statements run as its key allows at that moment, answers out.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::ArrayRef;
use pgwire::messages::PgWireBackendMessage as Out;
use pgwire::messages::extendedquery::CloseComplete;
use pgwire::messages::response::{CommandComplete, EmptyQueryResponse, ReadyForQuery, TransactionStatus};
use tokio::time::Instant;

use super::Door;
use super::cancel::Entry;
use super::error::Fault;
use super::extended::check_count;
use super::frame::{self, Message, Target};
use super::memory::{Account, Held};
use super::portal::{Portal, Prepared, Running, Sent};
use super::rows::Columns;
use super::script::{self, Command, MAX_STATEMENTS, Said};
use super::settings::Settings;
use super::types;
use super::watch::Watch;
use super::wire::Wire;
use crate::app::live::standing::Standing;
use crate::app::sql::{BoundSql, Tool};
use crate::domain::audit::Refusal;
use crate::domain::{Kind, Principal};

/// Messages up to this length are not counted: what connections take of them is their number times this.
const SMALL_MESSAGE: usize = 16 << 10;
/// How long a message may be on its way: one of the longest at two megabits a second.
const WHOLE_MESSAGE: Duration = Duration::from_secs(60);

/// A connection whose key is accepted.
pub struct Session {
    pub(super) door: Arc<Door>,
    pub(super) wire: Wire,
    entry: Entry,
    pub(super) standing: Standing,
    pub(super) settings: Settings,
    pub(super) status: TransactionStatus,
    pub(super) statements: HashMap<String, Arc<Prepared>>,
    pub(super) portals: HashMap<String, Portal>,
    /// What statements, portals and the message at hand take.
    pub(super) account: Arc<Account>,
    message: Option<Held>,
    /// After an error of the extended protocol everything up to the next Sync is for nothing.
    is_skipping: bool,
}

/// What a statement came to, before its rows.
pub(super) enum Started {
    Done(&'static str),
    Rows(Box<Running>),
}

impl Session {
    pub(super) fn new(
        door: Arc<Door>,
        wire: Wire,
        entry: Entry,
        principal: Principal,
        settings: Settings,
    ) -> Self {
        let standing = door.app.standing(Arc::new(principal), None);
        let account = Account::new(door.memory.clone());
        Self {
            door,
            wire,
            entry,
            standing,
            settings,
            status: TransactionStatus::Idle,
            statements: HashMap::new(),
            portals: HashMap::new(),
            account,
            message: None,
            is_skipping: false,
        }
    }

    /// Until the client leaves, is idle too long, its key is revoked, or the server stops.
    pub(super) async fn serve(mut self) {
        let end = loop {
            let message = match self.next().await {
                Ok(Message::Terminate) => return,
                Ok(message) => message,
                Err(fault) => break fault,
            };
            if self.is_skipping && message != Message::Sync {
                continue;
            }
            let is_extended = !matches!(message, Message::Query(_));
            if let Err(fault) = self.handle(message).await {
                self.note(&fault);
                if is_last(&fault) {
                    break fault;
                }
                if self.fail(&fault, is_extended).is_err() {
                    return;
                }
            }
        };
        if !matches!(end, Fault::Gone) && self.wire.say(&end.message(true)).is_ok() {
            // Whoever does not read it is gone as well.
            self.wire.close().await.unwrap_or(());
        }
    }

    /// The next message; while there is none, what was said is sent, and the key has to hold.
    async fn next(&mut self) -> Result<Message, Fault> {
        let max = self.door.app.settings().body_bytes;
        let idle_until = Instant::now() + self.door.options.idle;
        let mut whole_until = None;
        let mut standing = self.standing.watch();
        if self.message.take().is_some() {
            self.wire.shrink();
        }
        loop {
            if let Some(message) = frame::message(&mut self.wire.inbox, max)? {
                return Ok(message);
            }
            self.make_room()?;
            if whole_until.is_none() && !self.wire.inbox.is_empty() {
                whole_until = Some(Instant::now() + WHOLE_MESSAGE);
            }
            self.wire.flush().await?;
            tokio::select! {
                biased;
                filled = self.wire.fill() => {
                    if !filled? {
                        return Err(Fault::Gone);
                    }
                }
                () = self.door.stop.cancelled() => {
                    let message = "the server is shutting down".to_owned();
                    return Err(Fault::Protocol("57P01", message));
                }
                () = sleep_until(whole_until) => {
                    let message = "a message was begun and not sent to its end".to_owned();
                    return Err(Fault::Protocol("08P01", message));
                }
                () = tokio::time::sleep_until(idle_until) => {
                    let message = "the connection was idle for too long (pg.idle_timeout)".to_owned();
                    return Err(Fault::Protocol("57P05", message));
                }
                over = standing.ended() => return Err(over.into()),
            }
        }
    }

    /// Counts a message whose head has come, before the rest of it is taken. A small one is not worth it.
    fn make_room(&mut self) -> Result<(), Fault> {
        if self.message.is_none()
            && let Some(bytes) = frame::announced(&self.wire.inbox)
            && bytes > SMALL_MESSAGE
        {
            self.message = Some(self.account.receive(bytes)?);
        }
        Ok(())
    }

    async fn handle(&mut self, message: Message) -> Result<(), Fault> {
        match message {
            Message::Query(text) => self.simple(&text).await,
            Message::Parse { name, query, types } => self.parse(name, &query, &types).await,
            Message::Bind(bind) => self.bind(bind),
            Message::Describe(Target::Statement, name) => self.describe_statement(&name),
            Message::Describe(Target::Portal, name) => self.describe_portal(&name),
            Message::Execute { portal, max_rows } => self.execute(portal, max_rows).await,
            Message::Close(target, name) => {
                match target {
                    Target::Statement => drop(self.statements.remove(&name)),
                    Target::Portal => drop(self.portals.remove(&name)),
                }
                self.say(&Out::CloseComplete(CloseComplete::new()))
            }
            Message::Flush => Ok(self.wire.flush().await?),
            Message::Sync => {
                self.is_skipping = false;
                self.ready()
            }
            Message::Password(_) | Message::Terminate => {
                Err(Fault::Protocol("08P01", "this message has no place here".to_owned()))
            }
        }
    }

    pub(super) fn say(&mut self, message: &Out) -> Result<(), Fault> {
        Ok(self.wire.say(message)?)
    }

    fn ready(&mut self) -> Result<(), Fault> {
        if matches!(self.status, TransactionStatus::Idle) {
            // Portals live as long as their transaction, and each request outside of one is its own.
            self.portals.clear();
        }
        self.say(&Out::ReadyForQuery(ReadyForQuery::new(self.status)))
    }

    /// Tells of an error; what comes of it depends on which protocol it happened in.
    fn fail(&mut self, fault: &Fault, is_extended: bool) -> Result<(), Fault> {
        self.say(&fault.message(false))?;
        self.status = self.status.to_error_state();
        if is_extended {
            self.is_skipping = true;
            return Ok(());
        }
        self.ready()
    }

    /// Tells the logs of an error: once, here.
    fn note(&self, fault: &Fault) {
        let Fault::Core(error) = fault else { return };
        let (who, text) = (self.standing.principal(), error.in_full());
        if error.kind.is_our_fault() {
            tracing::error!(error = text, caller = %who.caller, "statement failed");
        } else {
            tracing::debug!(error = text, caller = %who.caller, "statement refused");
        }
        if let (Some(refusal), Some(origin)) = (Refusal::of(error), &who.origin) {
            self.door.app.note_refusal(origin, refusal);
        }
    }

    async fn simple(&mut self, text: &str) -> Result<(), Fault> {
        let statements = script::statements(text);
        if statements.len() > MAX_STATEMENTS {
            let message = format!("a text of more than {MAX_STATEMENTS} statements; send them in several");
            return Err(Fault::Protocol("54000", message));
        }
        if statements.is_empty() {
            self.say(&Out::EmptyQueryResponse(EmptyQueryResponse::new()))?;
        }
        for said in statements {
            let mut watch = self.begin()?;
            match self.start(&mut watch, &said, &[], &[]).await? {
                Started::Done(tag) => self.complete(tag.to_owned())?,
                Started::Rows(mut running) => {
                    let description = running.columns.description();
                    self.say(&description)?;
                    let Sent { rows, .. } = running.send(&mut self.wire, &mut watch, 0).await?;
                    self.complete(format!("SELECT {rows}"))?;
                }
            }
        }
        self.ready()
    }

    pub(super) fn complete(&mut self, tag: String) -> Result<(), Fault> {
        self.say(&Out::CommandComplete(CommandComplete::new(tag)))
    }

    /// The beginning of every statement: the key has to hold, now and as long as it runs.
    pub(super) fn begin(&self) -> Result<Watch, Fault> {
        Watch::new(self.standing.clone(), self.entry.cancelled.clone())
    }

    pub(super) async fn start(
        &mut self,
        watch: &mut Watch,
        said: &Said,
        values: &[ArrayRef],
        formats: &[i16],
    ) -> Result<Started, Fault> {
        if matches!(self.status, TransactionStatus::Error)
            && !matches!(said, Said::Command(Command::Commit | Command::Rollback { .. }))
        {
            let message = "current transaction is aborted, commands ignored until end of transaction block";
            return Err(Fault::Protocol("25P02", message.to_owned()));
        }
        match said {
            Said::Query(text) => self.ask(watch, text, values.to_vec(), formats).await,
            Said::Command(Command::Show(name)) => self.show(name, formats),
            Said::Command(Command::Execute { name, arguments }) => {
                self.execute_named(watch, name, arguments, formats).await
            }
            Said::Command(Command::Prepare { name, types, query }) => {
                check_count(types.len())?;
                let types: Result<Vec<_>, _> =
                    types.iter().map(|name| types::named(name).map(Some)).collect();
                let prepared = self.prepare(watch, query, types?).await?;
                self.keep(name.clone(), prepared)?;
                Ok(Started::Done("PREPARE"))
            }
            Said::Command(Command::Unsupported(why)) => Err(Fault::Protocol("0A000", (*why).to_owned())),
            Said::Command(command) => self.obey(command).map(Started::Done),
        }
    }

    pub(super) async fn ask(
        &mut self,
        watch: &mut Watch,
        text: &str,
        values: Vec<ArrayRef>,
        formats: &[i16],
    ) -> Result<Started, Fault> {
        let bound = BoundSql { tool: Tool::Postgres, query: text.to_owned(), values };
        let app = self.door.app.clone();
        let answer = watch.over(&mut self.wire, app.bound_sql(self.standing.principal(), bound)).await??;
        let columns = Columns::new(&answer.schema, formats)?;
        Ok(Started::Rows(Box::new(Running::new(answer, columns))))
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// Whether nothing can come after it: a key that is none any more, or bytes that cannot be told apart.
fn is_last(fault: &Fault) -> bool {
    match fault {
        Fault::Core(error) => error.kind == Kind::Unauthenticated,
        Fault::Gone => true,
        Fault::Protocol(..) | Fault::Cancelled => false,
    }
}
