//! PostgreSQL rendering of errors: the one place where a `Kind` becomes an SQLSTATE (appendix A of its manual).

use pgwire::error::ErrorInfo;
use pgwire::messages::PgWireBackendMessage;

use super::frame::FrameError;
use crate::domain::{Error, Kind};

/// Why a statement or a connection failed.
#[derive(Debug)]
pub enum PgError {
    Domain(Error),
    /// An error of the protocol itself: SQLSTATE and message.
    Protocol(&'static str, String),
    /// The client cancelled the statement.
    Cancelled,
    /// The client has disconnected.
    Disconnected,
}

/// A statement that is refused because of how it is written: SQLSTATE and message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementRefusal {
    pub code: &'static str,
    pub message: String,
}

impl StatementRefusal {
    /// Refuses what PostgreSQL has and this server has not.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self { code: "0A000", message: message.into() }
    }

    /// Refuses a statement that breaks the grammar.
    pub fn syntax(message: impl Into<String>) -> Self {
        Self { code: "42601", message: message.into() }
    }

    /// Refuses an option with a value that it cannot have.
    pub fn invalid_value(message: impl Into<String>) -> Self {
        Self { code: "22023", message: message.into() }
    }
}

impl From<StatementRefusal> for PgError {
    fn from(refusal: StatementRefusal) -> Self {
        PgError::Protocol(refusal.code, refusal.message)
    }
}

impl From<Error> for PgError {
    fn from(error: Error) -> Self {
        PgError::Domain(error)
    }
}

impl From<FrameError> for PgError {
    fn from(error: FrameError) -> Self {
        PgError::Protocol("08P01", error.0)
    }
}

impl From<std::io::Error> for PgError {
    fn from(_: std::io::Error) -> Self {
        PgError::Disconnected
    }
}

/// Returns a warning for the client.
pub fn warning(message: &str) -> PgWireBackendMessage {
    let mut info = ErrorInfo::new("WARNING".to_owned(), "01000".to_owned(), message.to_owned());
    info.severity_nonlocalized = Some("WARNING".to_owned());
    PgWireBackendMessage::NoticeResponse(info.into())
}

impl PgError {
    /// Builds the error message; `is_fatal` says that the connection ends with it.
    pub fn message(&self, is_fatal: bool) -> PgWireBackendMessage {
        let (code, text) = self.code_and_message();
        let severity = if is_fatal { "FATAL" } else { "ERROR" };
        let mut info = ErrorInfo::new(severity.to_owned(), code.to_owned(), text);
        info.severity_nonlocalized = Some(severity.to_owned());
        PgWireBackendMessage::ErrorResponse(info.into())
    }

    fn code_and_message(&self) -> (&'static str, String) {
        match self {
            PgError::Domain(error) if error.kind == Kind::Internal => {
                (sqlstate(error), "the server failed; its log says how".to_owned())
            }
            PgError::Domain(error) => (sqlstate(error), error.message.clone()),
            PgError::Protocol(code, text) => (code, text.clone()),
            PgError::Cancelled => ("57014", "canceling statement due to user request".to_owned()),
            PgError::Disconnected => ("08006", "the connection is gone".to_owned()),
        }
    }
}

fn sqlstate(error: &Error) -> &'static str {
    match error.kind {
        Kind::Invalid => invalid(&error.message),
        Kind::Unauthenticated => "28P01",
        Kind::Forbidden => "42501",
        Kind::NotFound => "42704",
        Kind::Conflict | Kind::Gone => "55000",
        Kind::LimitReached | Kind::Throttled => "53400",
        Kind::TooLarge => "54000",
        Kind::Busy => "53000",
        Kind::Timeout => "57014",
        Kind::DeviceFault => "58000",
        Kind::Unavailable => "57P03",
        Kind::Internal => "XX000",
    }
}

/// Beginnings of messages of the engine about invalid statements (query/error.rs), and their SQLSTATE.
const STARTS: &[(&str, &str)] = &[
    ("only reading statements", "25006"),
    ("no column", "42703"),
    ("invalid reference to FROM-clause entry", "42P01"),
    ("Ambiguous reference", "42702"),
    ("Column in SELECT must be", "42803"),
    ("Column in HAVING must be", "42803"),
    ("Aggregate function calls cannot be nested", "42803"),
    ("Aggregate functions are not allowed in the WHERE clause", "42803"),
    ("For SELECT DISTINCT, ORDER BY expressions", "42P10"),
    ("UNION queries have different number of columns", "42601"),
    ("Cannot infer common argument type for logical", "42804"),
    ("Unary operator 'NOT' requires", "42804"),
    ("Cannot create filter with non-boolean", "42804"),
    ("Cannot infer common argument type", "42883"),
    ("Cannot coerce arithmetic expression", "42883"),
    ("The window ", "42704"),
    ("field position must not be zero", "22023"),
    ("No function", "42883"),
    ("Invalid function", "42883"),
    ("Expected", "42601"),
    ("Unterminated", "42601"),
    ("Divide by zero", "22012"),
    ("Invalid input syntax for type interval", "22007"),
    ("Invalid input syntax for type uuid", "22P02"),
    ("Error parsing timestamp", "22007"),
    ("Cannot cast", "22P02"),
    ("Error parsing", "22P02"),
    ("Can't cast value", "22003"),
    ("Overflow converting", "22008"),
    ("Scalar subquery returned more than one row", "21000"),
    ("LIMIT must be >= 0", "2201W"),
    ("OFFSET must be >=", "2201X"),
    ("integer out of range", "22003"),
    ("Arithmetic overflow", "22003"),
    ("query: nests ", "54001"),
    ("the statement is too intricate", "54001"),
    ("a type nests ", "54001"),
    ("the statement nests too deeply", "54001"),
    ("query: is longer than ", "54000"),
    ("not supported", "0A000"),
    ("unrecognized configuration parameter", "42704"),
    ("invalid value for parameter", "22023"),
    ("schema \"", "3F000"),
];

/// Chooses the SQLSTATE of an invalid statement, which tools evaluate, by how the engine's message begins
/// (query/error.rs).
fn invalid(message: &str) -> &'static str {
    if message.starts_with("table '") && message.ends_with("not found") {
        return "42P01";
    }
    // "Cannot cast string 'soon' to value of Date32 type".
    if message.starts_with("Cannot cast string") && ["Date32", "Time64"].iter().any(|of| message.contains(of))
    {
        return "22007";
    }
    let known = STARTS.iter().find(|(start, _)| message.starts_with(start));
    // "query: has INTERSECT ALL, which is not supported: leave ALL out".
    let other = match message {
        text if text.contains("not supported") => "0A000",
        // "123456.79 is too large to store in a Decimal128 of precision 5".
        text if text.contains(" to store in a Decimal128") => "22003",
        _ => "42000",
    };
    known.map_or(other, |(_, code)| code)
}
