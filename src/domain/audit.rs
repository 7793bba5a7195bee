//! Audit log: who changed what, and whose access was denied, when and from where. It never contains a secret or a
//! value.

use std::net::IpAddr;
use std::sync::OnceLock;

use super::caller::Caller;
use super::named_enum::named_enum;
use super::pagination::Pagination;
use super::{Error, Kind, Micros, OrgId};

/// Maximum length of a row's request or command, bytes.
const MAX_REQUEST_BYTES: usize = 200;

/// Origin of a request. It travels with the principal, so that a change can be audited with it.
#[derive(Debug, PartialEq, Eq, Default)]
pub struct RequestOrigin {
    /// Method and path, or the command; never the query string.
    pub request: String,
    /// Address of the peer, which may be a proxy.
    pub address: Option<IpAddr>,
    /// Id of the request, as in the logs and in the response's header.
    pub request_id: String,
    /// The caller, once authenticated; for a failed login the user it named, if that user exists.
    pub who: OnceLock<(OrgId, Caller)>,
}

impl RequestOrigin {
    /// Shortens `request` to 200 bytes and replaces NUL characters.
    pub fn new(request: &str, address: Option<IpAddr>, request_id: &str) -> Self {
        let end = request.floor_char_boundary(MAX_REQUEST_BYTES.min(request.len()));
        // PostgreSQL cannot store NUL characters.
        let request = request[..end].replace('\0', " ");
        Self { request, address, request_id: request_id.to_owned(), who: OnceLock::new() }
    }

    /// Records the caller; the first call wins.
    pub fn identify(&self, org: OrgId, caller: Caller) {
        self.who.get_or_init(|| (org, caller));
    }
}

named_enum! {
    /// Audited action; its name is the value of the column `action`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Action {
        /// A row was created.
        Create = "create",
        /// Settings of a row were changed.
        Update = "update",
        /// A row was deleted.
        Delete = "delete",
        /// A key was disabled for good.
        Revoke = "revoke",
        /// A user logged in.
        Login = "login",
        /// A user logged out.
        Logout = "logout",
        /// A value was written to a device.
        Write = "write",
        /// A command was run by the owner of the data directory.
        Run = "run",
        /// The settings of a device were tried without being saved.
        Test = "test",
    }
}

/// A change to be audited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditChange {
    /// Action on the row.
    pub action: Action,
    /// Kind of the row, such as `device`.
    pub kind: &'static str,
    /// Row id; `None` for what has no row, such as a Hamachi network.
    pub id: Option<i32>,
    /// Names of the changed fields, as in REST.
    pub fields: Vec<&'static str>,
}

impl AuditChange {
    /// A change without field names.
    pub fn new(action: Action, kind: &'static str, id: impl Into<Option<i32>>) -> Self {
        Self { action, kind, id: id.into(), fields: Vec::new() }
    }

    /// Sets the names of the changed fields.
    pub fn with(self, fields: Vec<&'static str>) -> Self {
        Self { fields, ..self }
    }
}

/// Names of the fields in which two values of a type differ. Every field of the type must be listed.
macro_rules! differences {
    ($before:expr, $after:expr, $type:ident { $($field:ident => $name:literal),+ $(,)? }) => {{
        let $type { $($field),+ } = $before;
        let mut found: Vec<&'static str> = Vec::new();
        $(if *$field != $after.$field { found.push($name); })+
        found
    }};
}
pub(crate) use differences;

named_enum! {
    /// Reason an access was denied; its name is the value of the column `outcome`, which is `ok` for a change that was made.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum AccessDenial {
        /// No credentials, wrong ones, or a failed login.
        Unauthenticated = "unauthenticated",
        /// A scope, or the permission for the row, is missing.
        Forbidden = "forbidden",
        /// The row belongs to somebody else; to the caller it does not exist.
        Hidden = "not_found",
        /// Too many failed logins.
        Throttled = "throttled",
        /// A session without its CSRF token.
        Csrf = "csrf",
    }
    display;
}

impl AccessDenial {
    /// The denial that an error stands for, if it is one.
    pub fn from_error(error: &Error) -> Option<AccessDenial> {
        match error.kind {
            Kind::Unauthenticated => Some(AccessDenial::Unauthenticated),
            Kind::Forbidden => Some(AccessDenial::Forbidden),
            Kind::Throttled => Some(AccessDenial::Throttled),
            Kind::NotFound => error.is_hidden().then_some(AccessDenial::Hidden),
            Kind::Invalid
            | Kind::Conflict
            | Kind::Gone
            | Kind::LimitReached
            | Kind::TooLarge
            | Kind::Busy
            | Kind::Timeout
            | Kind::DeviceFault
            | Kind::Unavailable
            | Kind::Internal => None,
        }
    }
}

/// A row of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// Row id, ascending in the order of writing.
    pub id: i32,
    /// Time of the event; for aggregated denials the first.
    pub ts: Micros,
    /// Time of the last aggregated denial.
    pub until: Micros,
    /// `None` when the caller is unknown.
    pub org: Option<OrgId>,
    /// Such as `key:3`, `user:1` or `system`.
    pub actor: Option<String>,
    /// Name of the key or user at that time.
    pub actor_name: Option<String>,
    /// Name of an `Action`, or `access` for a denied access.
    pub action: String,
    /// Kind of the changed row, such as `device`; `None` for a denied access.
    pub kind: Option<String>,
    /// Id of the changed row; `None` for a denied access and for what has no row.
    pub row: Option<i32>,
    /// Names of the changed fields, as in REST; empty for a denied access.
    pub fields: Vec<String>,
    /// Method and path, or the command; at most 200 bytes.
    pub request: String,
    /// `ok` for a change, or the name of an `AccessDenial`.
    pub outcome: String,
    /// IP address of the peer; `None` if there was none, as for commands.
    pub address: Option<String>,
    /// Request id; for aggregated denials the first.
    pub request_id: String,
    /// Number of aggregated denials; 1 for a change.
    pub count: i64,
}

/// Filter for reading the audit log.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Bounds of `ts`, both inclusive.
    pub from: Option<Micros>,
    /// End of the range, inclusive.
    pub to: Option<Micros>,
    /// Only rows that come after the row with this id, in the requested order.
    pub after: Option<i32>,
    /// Whether the newest row comes first.
    pub newest_first: bool,
    /// Part of the matching rows that is returned.
    pub page: Pagination,
}
