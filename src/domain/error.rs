//! The one error type of the core. It knows nothing of HTTP; each API renders its `Kind` once, at the edge.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller can do about an error. Closed on purpose: add a variant only if some caller would act differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The request is wrong and stays wrong; `message` and `fields` say where.
    Invalid,
    /// Who asks is unknown.
    Unauthenticated,
    /// Who asks is known and may not.
    Forbidden,
    /// No such row, or one the principal may not see.
    NotFound,
    /// The request is right but the state is against it (duplicate, in use, disabled).
    Conflict,
    /// The license, or what one organization may have, allows no more of these: the same request passes once there are
    /// fewer, or another limit.
    LimitReached,
    /// A body, batch or answer is over its limit.
    TooLarge,
    /// A queue or a memory budget is full now; the same request may pass later.
    Busy,
    /// This caller has asked for too much lately; others may go on.
    Throttled,
    /// A deadline passed.
    Timeout,
    /// A device, or another machine asked for somebody, refused or could not be reached.
    DeviceFault,
    /// A part of the server is not able to serve (disk failed, shutting down).
    Unavailable,
    /// A mistake of ours.
    Internal,
}

impl Kind {
    /// Whether an operator should look: decides the log level once, at the outer layer.
    pub fn is_our_fault(self) -> bool {
        match self {
            Kind::Unavailable | Kind::Internal => true,
            Kind::Invalid
            | Kind::Unauthenticated
            | Kind::Forbidden
            | Kind::NotFound
            | Kind::Conflict
            | Kind::LimitReached
            | Kind::TooLarge
            | Kind::Busy
            | Kind::Throttled
            | Kind::Timeout
            | Kind::DeviceFault => false,
        }
    }
}

/// One field of a request that is wrong. `field` is the request's own name for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    pub field: Cow<'static, str>,
    pub message: String,
    /// What would be right, where the message is a fixed sentence that does not say so.
    pub advice: Option<String>,
}

impl FieldError {
    pub fn new(field: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into(), advice: None }
    }

    pub fn advising(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }

    /// The message and the advice, for surfaces that have one text for both.
    pub fn in_full(&self) -> String {
        match &self.advice {
            Some(advice) => format!("{} {advice}", self.message),
            None => self.message.clone(),
        }
    }
}

/// `message` and `fields` are safe to show and say what to do; `source` is for the log only.
#[derive(Debug)]
pub struct Error {
    pub kind: Kind,
    pub message: String,
    pub fields: Vec<FieldError>,
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
    /// Seconds after which the same request may pass, where that is known.
    pub retry_after_s: Option<u64>,
}

/// The cause of a `NotFound` whose row exists, but not for whoever asks: for the log and the audit, never for the answer.
#[derive(Debug)]
struct Hidden;

impl fmt::Display for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it exists, but not for this principal")
    }
}

impl std::error::Error for Hidden {}

impl Error {
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        let mut message = message.into();
        message.truncate(without_backtrace(&message).len());
        Self { kind, message, fields: Vec::new(), source: None, retry_after_s: None }
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, message)
    }

    /// One wrong field.
    pub fn field(field: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::fields(vec![FieldError::new(field, message)])
    }

    /// Several wrong fields, reported at once. The message repeats them for surfaces that show only text.
    pub fn fields(fields: Vec<FieldError>) -> Self {
        let message =
            fields.iter().map(|f| format!("{}: {}", f.field, f.in_full())).collect::<Vec<_>>().join("; ");
        Self { fields, ..Self::new(Kind::Invalid, message) }
    }

    pub fn not_found() -> Self {
        Self::new(Kind::NotFound, "not found")
    }

    /// `not_found` of a row that exists, but not for whoever asks. To them the two are the same.
    pub fn hidden() -> Self {
        Self::not_found().because(Hidden)
    }

    /// Whether this is `hidden`.
    pub fn is_hidden(&self) -> bool {
        self.source.as_ref().is_some_and(|source| source.is::<Hidden>())
    }

    /// Too much lately; the same request may pass after so many seconds.
    pub fn throttled(seconds: u64) -> Self {
        let message = format!("Request was throttled. Expected available in {seconds} seconds.");
        Self { retry_after_s: Some(seconds), ..Self::new(Kind::Throttled, message) }
    }

    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(Kind::Forbidden, message)
    }

    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, message)
    }

    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(Kind::TooLarge, message)
    }

    pub fn busy(message: impl Into<String>) -> Self {
        Self::new(Kind::Busy, message)
    }

    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Kind::Unavailable, message)
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, message)
    }

    /// The message and the causes that add something to it, on one line: for logs, and for whoever owns the machine.
    pub fn in_full(&self) -> String {
        let mut text = self.message.replace('\n', " ");
        let mut cause = std::error::Error::source(self);
        while let Some(inner) = cause {
            let said = without_backtrace(&inner.to_string()).replace('\n', " ");
            if !text.contains(&said) {
                text = format!("{text}: {said}");
            }
            cause = inner.source();
        }
        text
    }

    /// Attaches the cause, for the log.
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Fails with all collected field errors, or passes.
    pub fn check(fields: Vec<FieldError>) -> Result<()> {
        if fields.is_empty() { Ok(()) } else { Err(Self::fields(fields)) }
    }
}

/// A text up to the backtrace that a library puts behind its words when `RUST_BACKTRACE` is set: its frames tell whoever
/// reads the error nothing.
fn without_backtrace(text: &str) -> &str {
    // As the standard library writes the first frame.
    text.find("\n   0: ").map_or(text, |frames| text[..frames].trim_end())
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|s| s as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_that_repeats_nothing() {
        let io = || std::io::Error::other("disk\nfull");
        // As Delta's kernel shows its errors.
        let frames = || {
            let trace = std::backtrace::Backtrace::force_capture();
            std::io::Error::other(format!("disk full\n{trace}"))
        };
        let rows = [
            ("alone", Error::invalid("no such thing"), "no such thing"),
            (
                "with_a_backtrace",
                Error::unavailable(format!("cannot read: {}", frames())).because(frames()),
                "cannot read: disk full",
            ),
            ("with_its_cause", Error::unavailable("cannot write").because(io()), "cannot write: disk full"),
            (
                "cause_already_told",
                Error::unavailable("cannot write: disk full").because(io()),
                "cannot write: disk full",
            ),
        ];
        for (name, error, expected) in rows {
            assert_eq!(error.in_full(), expected, "{name}");
        }
    }
}
