//! How an error looks to a PostgreSQL client: the one place where a `Kind` becomes an SQLSTATE (appendix A of its manual).

use pgwire::error::ErrorInfo;
use pgwire::messages::PgWireBackendMessage;

use super::frame::FrameError;
use crate::domain::{Error, Kind};

/// Why a statement, or a connection, did not go on.
#[derive(Debug)]
pub enum Fault {
    Core(Error),
    /// Of the protocol itself: SQLSTATE and what is wrong.
    Protocol(&'static str, String),
    /// The client asked for it.
    Cancelled,
    /// Whoever would be told is gone.
    Gone,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Fault::Core(error)
    }
}

impl From<FrameError> for Fault {
    fn from(error: FrameError) -> Self {
        Fault::Protocol("08P01", error.0)
    }
}

impl From<std::io::Error> for Fault {
    fn from(_: std::io::Error) -> Self {
        Fault::Gone
    }
}

impl Fault {
    /// As a message: of a statement, or of the whole connection, which then ends.
    pub fn message(&self, is_fatal: bool) -> PgWireBackendMessage {
        let (code, text) = self.told();
        let severity = if is_fatal { "FATAL" } else { "ERROR" };
        let mut info = ErrorInfo::new(severity.to_owned(), code.to_owned(), text);
        info.severity_nonlocalized = Some(severity.to_owned());
        PgWireBackendMessage::ErrorResponse(info.into())
    }

    fn told(&self) -> (&'static str, String) {
        match self {
            Fault::Core(error) if error.kind == Kind::Internal => {
                (sqlstate(error), "the server failed; its log says how".to_owned())
            }
            Fault::Core(error) => (sqlstate(error), error.message.clone()),
            Fault::Protocol(code, text) => (code, text.clone()),
            Fault::Cancelled => ("57014", "canceling statement due to user request".to_owned()),
            Fault::Gone => ("08006", "the connection is gone".to_owned()),
        }
    }
}

fn sqlstate(error: &Error) -> &'static str {
    match error.kind {
        Kind::Invalid => invalid(&error.message),
        Kind::Unauthenticated => "28P01",
        Kind::Forbidden => "42501",
        Kind::NotFound => "42704",
        Kind::Conflict => "55000",
        Kind::LimitReached | Kind::Throttled => "53400",
        Kind::TooLarge => "54000",
        Kind::Busy => "53000",
        Kind::Timeout => "57014",
        Kind::DeviceFault => "58000",
        Kind::Unavailable => "57P03",
        Kind::Internal => "XX000",
    }
}

/// Tools ask what kind of mistake a statement holds; the engine's sentences begin in known ways (query/error.rs).
fn invalid(message: &str) -> &'static str {
    let starts = [
        ("only reading statements", "25006"),
        ("no column", "42703"),
        ("Ambiguous reference", "42702"),
        ("Column in SELECT must be", "42803"),
        ("No function", "42883"),
        ("Invalid function", "42883"),
        ("Expected", "42601"),
        ("Unterminated", "42601"),
        ("Divide by zero", "22012"),
        ("Cannot cast", "22P02"),
        ("Error parsing", "22P02"),
        ("Can't cast value", "22003"),
        ("not supported", "0A000"),
    ];
    if message.starts_with("table '") && message.ends_with("not found") {
        return "42P01";
    }
    let known = starts.iter().find(|(start, _)| message.starts_with(start));
    known.map_or("42000", |(_, code)| code)
}
