//! The core's only error type. It knows nothing of HTTP: each API maps `Kind` to its own status once, at the edge.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// `Result` with the core's error type.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Error category: what the caller can do about it. Closed on purpose: add a variant only if some caller would act
/// differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The request is invalid and will stay so; `message` and `fields` say where.
    Invalid,
    /// The caller is not authenticated.
    Unauthenticated,
    /// The caller lacks permission.
    Forbidden,
    /// No such row, or one the principal may not see.
    NotFound,
    /// The request is valid but conflicts with the current state (duplicate, in use, disabled).
    Conflict,
    /// The row was there, but its time is over: no later request succeeds.
    Gone,
    /// A quota of the license or of the organization is used up: the same request succeeds once there are fewer rows
    /// or a higher limit.
    LimitReached,
    /// A body, batch or response exceeds its limit.
    TooLarge,
    /// A queue or memory budget is full; the same request may succeed later.
    Busy,
    /// This caller exceeded its rate limit; others are not affected.
    Throttled,
    /// A deadline passed.
    Timeout,
    /// A device, or another remote machine, refused or could not be reached.
    DeviceFault,
    /// Part of the server cannot serve (disk failed, shutting down).
    Unavailable,
    /// A bug in the server.
    Internal,
}

impl Kind {
    /// Whether an operator should look at it. Decides the log level once, in the outer layer.
    pub fn is_our_fault(self) -> bool {
        match self {
            Kind::Unavailable | Kind::Internal => true,
            Kind::Invalid
            | Kind::Unauthenticated
            | Kind::Forbidden
            | Kind::NotFound
            | Kind::Conflict
            | Kind::Gone
            | Kind::LimitReached
            | Kind::TooLarge
            | Kind::Busy
            | Kind::Throttled
            | Kind::Timeout
            | Kind::DeviceFault => false,
        }
    }
}

/// An invalid field of a request. Its name is the core's; an interface that has another one shows that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Name of the field, with the path of objects and lists around it: `components[0].name`.
    pub field: Cow<'static, str>,
    /// The problem, in the API's wording; safe to show.
    pub message: String,
    /// How to fix it, where `message` is a prescribed sentence that does not say so.
    pub advice: Option<String>,
}

impl FieldError {
    /// An error without advice.
    pub fn new(field: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into(), advice: None }
    }

    /// Adds advice on how to fix the field.
    pub fn with_advice(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }

    /// The message followed by the advice, for APIs with a single text field.
    pub fn full_message(&self) -> String {
        match &self.advice {
            Some(advice) => format!("{} {advice}", self.message),
            None => self.message.clone(),
        }
    }
}

/// The core error. `message` and `fields` are safe to show and say what to do; `source` is for the log only.
#[derive(Debug)]
pub struct Error {
    /// Category, which decides each API's status.
    pub kind: Kind,
    /// One line for the caller.
    pub message: String,
    /// Invalid fields, of kind `Invalid` only; empty if no single field is wrong.
    pub fields: Vec<FieldError>,
    /// Cause for the log; may name files, hosts or rows that the caller must not see.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
    /// Seconds after which the same request may succeed, where known.
    pub retry_after_s: Option<u64>,
}

/// Source of a `NotFound` whose row exists but is hidden from the caller. For the log and the audit log, never for
/// the response.
#[derive(Debug)]
struct HiddenFromPrincipal;

impl fmt::Display for HiddenFromPrincipal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it exists, but not for this principal")
    }
}

impl std::error::Error for HiddenFromPrincipal {}

impl Error {
    /// An error without fields, source or retry time. A backtrace in the message is cut off.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        let mut message = message.into();
        message.truncate(without_backtrace(&message).len());
        Self { kind, message, fields: Vec::new(), source: None, retry_after_s: None }
    }

    /// An error of kind `Invalid` without fields.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, message)
    }

    /// An error of kind `Invalid` for one field.
    pub fn field(field: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::fields(vec![FieldError::new(field, message)])
    }

    /// An error of kind `Invalid` for several fields at once. The message repeats them for APIs that show only text.
    pub fn fields(fields: Vec<FieldError>) -> Self {
        let message = fields
            .iter()
            .map(|f| format!("{}: {}", f.field, f.full_message()))
            .collect::<Vec<_>>()
            .join("; ");
        Self { fields, ..Self::new(Kind::Invalid, message) }
    }

    /// An error of kind `NotFound`.
    pub fn not_found() -> Self {
        Self::new(Kind::NotFound, "not found")
    }

    /// `not_found` for a row that exists but is hidden from the caller, who cannot tell the difference.
    pub fn hidden() -> Self {
        Self::not_found().with_source(HiddenFromPrincipal)
    }

    /// Whether the error was made by `hidden`.
    pub fn is_hidden(&self) -> bool {
        self.source.as_ref().is_some_and(|source| source.is::<HiddenFromPrincipal>())
    }

    /// An error of kind `Throttled`; the same request may succeed after `seconds`.
    pub fn throttled(seconds: u64) -> Self {
        let message = format!("Request was throttled. Expected available in {seconds} seconds.");
        Self { retry_after_s: Some(seconds), ..Self::new(Kind::Throttled, message) }
    }

    /// An error of kind `Forbidden`.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(Kind::Forbidden, message)
    }

    /// An error of kind `Conflict`.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, message)
    }

    /// An error of kind `Gone`.
    pub fn gone(message: impl Into<String>) -> Self {
        Self::new(Kind::Gone, message)
    }

    /// An error of kind `TooLarge`.
    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(Kind::TooLarge, message)
    }

    /// An error of kind `Busy`.
    pub fn busy(message: impl Into<String>) -> Self {
        Self::new(Kind::Busy, message)
    }

    /// An error of kind `Unavailable`.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Kind::Unavailable, message)
    }

    /// An error of kind `Internal`.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, message)
    }

    /// The message and every cause that adds to it, on one line: for logs and for commands run by the machine's
    /// owner.
    pub fn full_message(&self) -> String {
        let mut text = self.message.replace('\n', " ");
        let mut cause = std::error::Error::source(self);
        while let Some(inner) = cause {
            let text_of_inner = without_backtrace(&inner.to_string()).replace('\n', " ");
            if !text.contains(&text_of_inner) {
                text = format!("{text}: {text_of_inner}");
            }
            cause = inner.source();
        }
        text
    }

    /// Attaches the cause, for the log.
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns `Err` with all collected field errors, or `Ok` if there are none.
    pub fn check(fields: Vec<FieldError>) -> Result<()> {
        if fields.is_empty() { Ok(()) } else { Err(Self::fields(fields)) }
    }
}

/// Cuts off the backtrace that a library appends to its message when `RUST_BACKTRACE` is set: its frames do not help
/// the reader of the error.
fn without_backtrace(text: &str) -> &str {
    // Format of the first frame in the standard library.
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
        // Delta's kernel formats its errors like this.
        let frames = || {
            let trace = std::backtrace::Backtrace::force_capture();
            std::io::Error::other(format!("disk full\n{trace}"))
        };
        let rows = [
            ("alone", Error::invalid("no such thing"), "no such thing"),
            (
                "with_a_backtrace",
                Error::unavailable(format!("cannot read: {}", frames())).with_source(frames()),
                "cannot read: disk full",
            ),
            (
                "with_its_cause",
                Error::unavailable("cannot write").with_source(io()),
                "cannot write: disk full",
            ),
            (
                "cause_already_told",
                Error::unavailable("cannot write: disk full").with_source(io()),
                "cannot write: disk full",
            ),
        ];
        for (name, error, expected) in rows {
            assert_eq!(error.full_message(), expected, "{name}");
        }
    }
}
