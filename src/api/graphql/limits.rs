//! What a document may ask, judged before it is validated or run: its size, how deep and wide it is, how often it repeats
//! itself. What its rows cost is judged by async-graphql, field by field (`complexity` at each of them).

use async_graphql::{Request, ServerError};

use super::measure::{Measure, Size};
use super::{nesting, overlap, weight};
use crate::app::graphql::Limits;

/// Bytes of a document; GraphiQL's own introspection has under 3,000.
const MOST_BYTES: usize = 100_000;
/// Brackets within brackets. The parser and everything behind it calls itself for each, on a thread with 2 MiB of stack;
/// `a_document_at_the_bounds_fits_half_a_stack` measures it.
const MOST_BRACKETS: usize = 100;
/// Fields, arguments and directives of all operations and fragments of a document, fragments spread out: validation walks
/// all of them, whichever operation is run, and has an error for each that is wrong.
const MOST_FIELDS: u64 = 10_000;
/// Lists of the schema within lists of the schema: each multiplies the answer by tens.
const MOST_SCHEMA_LISTS: u64 = 3;

/// What the arguments of a document hold, variables included, bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Arguments {
    /// All of them.
    pub bytes: u64,
    /// Those of the field that has the most.
    pub of_field: u64,
}

/// Parses a request's document and passes it when it is within the limits.
pub fn check(limits: &Limits, request: &mut Request) -> Result<Arguments, ServerError> {
    let bytes = request.query.len();
    if bytes > MOST_BYTES {
        return Err(over(format!("The document has {bytes} bytes; at most {MOST_BYTES} are read.")));
    }
    let nested = nesting::nesting(&request.query).map_err(|wrong| over(wrong.to_owned()))?;
    if nested > MOST_BRACKETS {
        return Err(over(format!("The document is nested more than {MOST_BRACKETS} deep.")));
    }
    let variables = weight::of_variables(request);
    let document = request.parsed_query()?;
    let mut measure = Measure::new(document, &variables);
    let mut whole = Size::default();
    for (_, operation) in document.operations.iter() {
        let directives = measure.directives(&operation.node.directives)?;
        let size = measure.of(&operation.node.selection_set)?.and(directives);
        judge(limits, size)?;
        whole = whole.and(size);
    }
    let arguments = Arguments { bytes: whole.argument_bytes, of_field: whole.field_bytes };
    for name in document.fragments.keys() {
        whole = whole.and(measure.of_fragment(name)?);
    }
    let count = whole.fields.saturating_add(whole.arguments);
    if count > MOST_FIELDS {
        let message = format!("The document has {count} arguments and fields; at most {MOST_FIELDS}.");
        return Err(over(message));
    }
    overlap::check(document)?;
    Ok(arguments)
}

fn judge(limits: &Limits, size: Size) -> Result<(), ServerError> {
    let rows = [
        ("fields within fields", size.depth, limits.depth as u64),
        ("aliases", size.aliases, limits.aliases as u64),
        ("lists of the schema within each other", size.schema_lists, MOST_SCHEMA_LISTS),
    ];
    match rows.into_iter().find(|(_, count, most)| count > most) {
        Some((what, count, most)) => Err(over(format!("The operation has {count} {what}; at most {most}."))),
        None => Ok(()),
    }
}

/// The error of a document that is over a limit.
pub fn over(message: String) -> ServerError {
    ServerError::new(message, None)
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;
