//! The audit log: who changed what, and who was refused, when and from where. Never a secret or a value.

use std::fmt;
use std::net::IpAddr;
use std::sync::OnceLock;

use super::page::Page;
use super::principal::Caller;
use super::{Error, Kind, Micros, OrgId};

/// Longest request or command kept of one row, bytes.
const MAX_REQUEST: usize = 200;

/// Where a request came from. It travels with the principal, so that a change knows what to write of itself.
#[derive(Debug, PartialEq, Eq, Default)]
pub struct Origin {
    /// Method and path, or the command; never a query string.
    pub request: String,
    /// Of the peer, who may be a proxy.
    pub address: Option<IpAddr>,
    pub request_id: String,
    /// Who asks, once that is known; of a failed login whom it named, if there is such a user.
    pub who: OnceLock<(OrgId, Caller)>,
}

impl Origin {
    pub fn new(request: &str, address: Option<IpAddr>, request_id: &str) -> Self {
        let end = request.floor_char_boundary(MAX_REQUEST.min(request.len()));
        // A NUL is one character that PostgreSQL cannot keep.
        let request = request[..end].replace('\0', " ");
        Self { request, address, request_id: request_id.to_owned(), who: OnceLock::new() }
    }

    /// Remembers who asks; the first to say so counts.
    pub fn identify(&self, org: OrgId, caller: Caller) {
        self.who.get_or_init(|| (org, caller));
    }
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Create,
    Update,
    Delete,
    /// A key was disabled for good.
    Revoke,
    Login,
    Logout,
    /// A value went to a device.
    Write,
    /// A command of the data directory's owner ran.
    Run,
}

impl Action {
    pub fn name(self) -> &'static str {
        match self {
            Action::Create => "create",
            Action::Update => "update",
            Action::Delete => "delete",
            Action::Revoke => "revoke",
            Action::Login => "login",
            Action::Logout => "logout",
            Action::Write => "write",
            Action::Run => "run",
        }
    }
}

/// A change, as the log tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub action: Action,
    /// What kind of row, such as `device`.
    pub kind: &'static str,
    pub id: Option<i32>,
    /// The fields that changed, by the names REST gives them.
    pub fields: Vec<&'static str>,
}

impl Change {
    pub fn new(action: Action, kind: &'static str, id: impl Into<Option<i32>>) -> Self {
        Self { action, kind, id: id.into(), fields: Vec::new() }
    }

    pub fn with(self, fields: Vec<&'static str>) -> Self {
        Self { fields, ..self }
    }
}

/// The names of the fields in which two values of a type differ. Every field of the type has to be named.
macro_rules! differences {
    ($before:expr, $after:expr, $type:ident { $($field:ident => $name:literal),+ $(,)? }) => {{
        let $type { $($field),+ } = $before;
        let mut found: Vec<&'static str> = Vec::new();
        $(if *$field != $after.$field { found.push($name); })+
        found
    }};
}
pub(crate) use differences;

/// An access that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// No credentials, wrong ones, or a failed login.
    Unauthenticated,
    /// A scope, or the right to the row, is missing.
    Forbidden,
    /// A row of somebody else: to the caller it does not exist.
    Hidden,
    /// Too many failed logins.
    Throttled,
    /// A session without its CSRF token.
    Csrf,
}

impl Refusal {
    /// What of a failed request is a refused access, if it is one.
    pub fn of(error: &Error) -> Option<Refusal> {
        match error.kind {
            Kind::Unauthenticated => Some(Refusal::Unauthenticated),
            Kind::Forbidden => Some(Refusal::Forbidden),
            Kind::Throttled => Some(Refusal::Throttled),
            Kind::NotFound => error.is_hidden().then_some(Refusal::Hidden),
            Kind::Invalid
            | Kind::Conflict
            | Kind::LimitReached
            | Kind::TooLarge
            | Kind::Busy
            | Kind::Timeout
            | Kind::DeviceFault
            | Kind::Unavailable
            | Kind::Internal => None,
        }
    }

    /// As the column `outcome` has it; a change that was made is `ok`.
    pub fn name(self) -> &'static str {
        match self {
            Refusal::Unauthenticated => "unauthenticated",
            Refusal::Forbidden => "forbidden",
            Refusal::Hidden => "not_found",
            Refusal::Throttled => "throttled",
            Refusal::Csrf => "csrf",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A row of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub id: i32,
    /// When it happened; of several refusals told in one row, the first.
    pub ts: Micros,
    /// The last of them.
    pub until: Micros,
    /// None when nobody knows whose request it was.
    pub org: Option<OrgId>,
    /// Such as `key:3`, `user:1` or `system`.
    pub actor: Option<String>,
    /// What key or user were called at that moment.
    pub actor_name: Option<String>,
    /// Of `Action`, or `access` for what was refused.
    pub action: String,
    pub kind: Option<String>,
    pub row: Option<i32>,
    pub fields: Vec<String>,
    pub request: String,
    pub outcome: String,
    pub address: Option<String>,
    /// Of the first.
    pub request_id: String,
    /// How often it happened.
    pub count: i64,
}

/// Which rows a reader wants.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Of `ts`, as `to` is.
    pub from: Option<Micros>,
    pub to: Option<Micros>,
    /// Only rows that come after the one of this id.
    pub after: Option<i32>,
    pub newest_first: bool,
    pub page: Page,
}
