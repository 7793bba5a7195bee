//! Maps DataFusion's errors to domain errors: the innermost message, made readable, with a kind by its cause.

use arrow::error::ArrowError;
use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;

use super::memory_pool::POOL_EXHAUSTED;
use crate::domain::{Error, Kind};

/// Maximum length of a message in characters; some messages quote plans.
const MAX_MESSAGE_CHARS: usize = 600;
/// Begin of DataFusion's message for a BETWEEN of values that no type fits, which it takes for a mistake of its own.
const NO_COMMON_TYPE: &str = "Failed to coerce types";
const NO_FUNCTION: &str = "No function matches the given name and argument types";

/// Message about a subquery that is left with columns of the outer query.
pub(super) const CORRELATED: &str = "not supported: a subquery that refers to the outer query in this way; write it as a join, or with DISTINCT ON, \
    row_number() or an aggregate";

/// Begin of the message about a column that is not there; its name follows.
pub(super) const NO_COLUMN: &str = "no column `";

/// Begin of DataFusion's message for a name that a WITH, or one within it, has twice.
const SAME_WITH: &str = "WITH query name";

/// Begin of DataFusion's message for an aggregate that needs all rows of a frame again when it moves; the call follows a colon.
const MOVING_FRAME: &str = "Aggregate can not be used as a sliding accumulator";

/// A statement that is too deep for the parser; guard/nesting.rs bounds what takes no recursion.
const TOO_DEEP: &str =
    "the statement nests too deeply: brackets, CASE and subqueries can be within each other some 50 times";

/// Part of DataFusion's message for exceeding the spill limit of all queries.
const SPILL_LIMIT: &str = "exceeded the allowable limit";
/// Part of the system's message for a write to a full disk; the error of the writer of spill files has no other kind.
const DISK_FULL: &str = "No space left on device";

/// Returns the error that the caller of a failed query gets.
pub fn from_datafusion(error: DataFusionError) -> Error {
    let (kind, message) = explain(&error);
    let mut message = message.trim().to_owned();
    if let Some((at, _)) = message.char_indices().nth(MAX_MESSAGE_CHARS) {
        message.truncate(at);
        message.push('…');
    }
    let fields = match error.find_root() {
        DataFusionError::External(inner) => inner.downcast_ref::<Error>().map(|ours| ours.fields.clone()),
        _ => None,
    };
    Error { fields: fields.unwrap_or_default(), ..Error::new(kind, message).with_source(error) }
}

fn explain(error: &DataFusionError) -> (Kind, String) {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => explain(inner),
        DataFusionError::Shared(inner) => explain(inner),
        DataFusionError::Collection(errors) => {
            errors.first().map_or((Kind::Internal, "the query failed".to_owned()), explain)
        }
        DataFusionError::Internal(text) | DataFusionError::Execution(text) if is_wrong_regex(text) => {
            (Kind::Invalid, wrong_regex(text))
        }
        DataFusionError::Internal(text) if text.starts_with(NO_COMMON_TYPE) => {
            (Kind::Invalid, format!("{}: give values of one type", readable(text)))
        }
        DataFusionError::ArrowError(arrow, _) if is_wrong_regex(&arrow.to_string()) => {
            (Kind::Invalid, wrong_regex(&arrow.to_string()))
        }
        DataFusionError::SQL(parser, _) if matches!(**parser, ParserError::RecursionLimitExceeded) => {
            (Kind::Invalid, TOO_DEEP.to_owned())
        }
        DataFusionError::SQL(parser, _) => (Kind::Invalid, readable(&parser.to_string())),
        DataFusionError::Plan(text) if text.starts_with(SAME_WITH) => {
            (Kind::Invalid, format!("{}; a WITH within another one needs other names", readable(text)))
        }
        DataFusionError::Plan(text)
        | DataFusionError::Configuration(text)
        | DataFusionError::Execution(text) => (Kind::Invalid, readable(text)),
        DataFusionError::NotImplemented(text)
            if ["OuterReferenceColumn", "ScalarSubquery(", "Exists(", "InSubquery("]
                .iter()
                .any(|part| text.contains(part)) =>
        {
            (Kind::Invalid, CORRELATED.to_owned())
        }
        DataFusionError::NotImplemented(text) if text.starts_with(MOVING_FRAME) => {
            (Kind::Invalid, moving_frame(text))
        }
        DataFusionError::NotImplemented(text) => {
            (Kind::Invalid, format!("not supported: {}", readable(text)))
        }
        DataFusionError::SchemaError(schema, _) => (Kind::Invalid, schema_message(schema)),
        DataFusionError::ArrowError(arrow, _) => explain_arrow(arrow),
        DataFusionError::ResourcesExhausted(text) => explain_exhausted(text),
        DataFusionError::External(inner) => match inner.downcast_ref::<Error>() {
            Some(ours) => (ours.kind, ours.message.clone()),
            None => explain_foreign(inner.as_ref()),
        },
        DataFusionError::IoError(io) => explain_io(io),
        DataFusionError::ParquetError(_)
        | DataFusionError::ObjectStore(_)
        | DataFusionError::Internal(_)
        | DataFusionError::ExecutionJoin(_)
        | DataFusionError::Substrait(_)
        | DataFusionError::Ffi(_) => (Kind::Internal, "the query failed".to_owned()),
    }
}

fn moving_frame(text: &str) -> String {
    let call = text.split_once(": ").map_or("", |(_, call)| call);
    let name = call.split('(').next().unwrap_or(call);
    format!(
        "not supported: `{name}` over a frame that leaves rows behind; begin the frame with UNBOUNDED PRECEDING, or join each row \
         with those of its frame and GROUP BY"
    )
}

/// Memory errors come from `QueryMemoryPool` with a readable message; all others concern spilling.
fn explain_exhausted(text: &str) -> (Kind, String) {
    if text.starts_with(POOL_EXHAUSTED) {
        (Kind::Busy, text.to_owned())
    } else if text.contains("limits.query_share") {
        (Kind::TooLarge, text.to_owned())
    } else {
        let message =
            "the query needs more space on disk than queries may spill; narrow its time range or streams";
        (Kind::TooLarge, message.to_owned())
    }
}

/// Arrow's own errors concern values; those it wraps concern files and sockets.
fn explain_arrow(error: &ArrowError) -> (Kind, String) {
    match error {
        ArrowError::ExternalError(inner) => explain_foreign(inner.as_ref()),
        ArrowError::IoError(_, io) => explain_io(io),
        ArrowError::ParquetError(_) | ArrowError::IpcError(_) => {
            (Kind::Internal, "the query failed".to_owned())
        }
        other => (Kind::Invalid, readable(&other.to_string())),
    }
}

/// DataFusion reports the spill limit as an I/O error of the spill file.
fn explain_io(error: &std::io::Error) -> (Kind, String) {
    let text = error.to_string();
    if text.contains(SPILL_LIMIT) {
        explain_exhausted(&text)
    } else if text.contains(DISK_FULL) {
        let message = "the server's disk is full: it has no space for what the query has to spill; narrow its time range or streams, \
                       or try again when there is space";
        (Kind::Unavailable, message.to_owned())
    } else {
        (Kind::Internal, "the query failed".to_owned())
    }
}

/// Of the libraries under DataFusion, only the regular expression parser reports errors about the caller's input.
fn explain_foreign(error: &(dyn std::error::Error + 'static)) -> (Kind, String) {
    let text = error.to_string();
    if let Some(inner) = error.downcast_ref::<DataFusionError>() {
        return explain(inner);
    }
    match text.strip_prefix("regex parse error:").and_then(|text| text.rsplit_once("error: ")) {
        Some((_, reason)) => (Kind::Invalid, format!("a regular expression is wrong: {}", readable(reason))),
        None => (Kind::Internal, "the query failed".to_owned()),
    }
}

/// Whether a function or an operator was given a regular expression that is none.
fn is_wrong_regex(text: &str) -> bool {
    text.contains("Regular expression did not compile")
}

fn wrong_regex(text: &str) -> String {
    let reason = text.rsplit_once("error: ").and_then(|(_, reason)| reason.lines().next());
    match reason.map(str::trim).filter(|reason| !reason.is_empty()) {
        Some(reason) => format!("a regular expression is wrong: {reason}"),
        None => "a regular expression is wrong".to_owned(),
    }
}

fn schema_message(schema: &SchemaError) -> String {
    match schema {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let known: Vec<String> = valid_fields.iter().map(|f| f.flat_name()).collect();
            format!("{NO_COLUMN}{}`; there are {}", field.flat_name(), known.join(", "))
        }
        other => readable(&other.to_string()),
    }
}

/// Removes the names of layers from the front, and our catalog's name from table names.
fn readable(text: &str) -> String {
    let layers = [
        "Error during planning: ",
        "Execution error: ",
        "sql parser error: ",
        "SQL error: ",
        "ParserError(\"",
        "Arrow error: ",
        "Cast error: ",
        "Compute error: ",
        "Parser error: ",
        "Invalid argument error: ",
        "type_coercion",
        "caused by",
    ];
    let mut text = text.trim();
    while let Some(rest) = layers.iter().find_map(|layer| text.strip_prefix(layer)) {
        text = rest.trim();
    }
    // DataFusion reports a call that fits no signature as an internal error; the useful part is in the middle.
    if let Some(at) = text.find(NO_FUNCTION) {
        text = text[at..].split(" You might need").next().unwrap_or(text);
    }
    // DataFusion picks the suggested function from a hash map, so it changes from call to call.
    if text.starts_with("Invalid function") {
        text = text.split("\nDid you mean").next().unwrap_or(text);
    }
    let first = text.split("\n\nbacktrace").next().unwrap_or(text);
    first.trim_end_matches("\")").replace("basalt.public.", "").replace('\n', " ")
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
