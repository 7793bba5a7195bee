//! Limits of a document, checked before validation and execution: its size, depth, width and repetition. The cost of
//! its rows is checked by async-graphql through the `complexity` of each field.

use async_graphql::{Request, ServerError};

use super::document_size::{DocumentMeasurer, SelectionSize};
use super::errors::limit_error;
use super::{bracket_depth, overlap, size_estimate};
use crate::app::graphql::GraphqlLimits;

/// Maximum size of a document, bytes; GraphiQL's introspection query has under 3,000.
const MAX_DOCUMENT_BYTES: usize = 100_000;
/// Maximum nesting of brackets. The parser and all later stages recurse for each, on a thread with 2 MiB of stack, as
/// measured by `a_document_at_the_bounds_fits_half_a_stack`.
const MAX_BRACKET_DEPTH: usize = 100;
/// Maximum number of fields, arguments and directives in all operations and fragments, with fragments expanded:
/// validation walks all of them, whichever operation is run, and creates an error for each invalid one.
const MAX_FIELDS_AND_ARGUMENTS: u64 = 10_000;
/// Maximum nesting of introspection lists, each of which multiplies the response by tens.
const MAX_INTROSPECTION_LISTS: u64 = 3;

/// Size of a document's arguments including variables, bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ArgumentBytes {
    /// Size of all arguments.
    pub bytes: u64,
    /// Argument size of the field with the largest arguments.
    pub largest_field: u64,
}

/// Parses a request's document and checks it against the limits.
pub fn check_document(limits: &GraphqlLimits, request: &mut Request) -> Result<ArgumentBytes, ServerError> {
    let bytes = request.query.len();
    if bytes > MAX_DOCUMENT_BYTES {
        return Err(limit_error(format!(
            "The document has {bytes} bytes; at most {MAX_DOCUMENT_BYTES} are read."
        )));
    }
    let nested =
        bracket_depth::bracket_depth(&request.query).map_err(|wrong| limit_error(wrong.to_owned()))?;
    if nested > MAX_BRACKET_DEPTH {
        return Err(limit_error(format!("The document is nested more than {MAX_BRACKET_DEPTH} deep.")));
    }
    let variables = size_estimate::variable_bytes(request);
    let document = request.parsed_query()?;
    let mut measure = DocumentMeasurer::new(document, &variables);
    let mut whole = SelectionSize::default();
    for (_, operation) in document.operations.iter() {
        let directives = measure.directives(&operation.node.directives)?;
        let size = measure.measure_set(&operation.node.selection_set)?.combine(directives);
        check_operation(limits, size)?;
        whole = whole.combine(size);
    }
    let arguments = ArgumentBytes { bytes: whole.argument_bytes, largest_field: whole.field_bytes };
    for name in document.fragments.keys() {
        whole = whole.combine(measure.measure_fragment(name)?);
    }
    let count = whole.fields.saturating_add(whole.arguments);
    if count > MAX_FIELDS_AND_ARGUMENTS {
        let message =
            format!("The document has {count} arguments and fields; at most {MAX_FIELDS_AND_ARGUMENTS}.");
        return Err(limit_error(message));
    }
    overlap::check(document)?;
    Ok(arguments)
}

fn check_operation(limits: &GraphqlLimits, size: SelectionSize) -> Result<(), ServerError> {
    let rows = [
        ("fields within fields", size.depth, limits.depth as u64),
        ("aliases", size.aliases, limits.aliases as u64),
        ("nested introspection lists", size.schema_lists, MAX_INTROSPECTION_LISTS),
    ];
    match rows.into_iter().find(|(_, count, most)| count > most) {
        Some((what, count, most)) => {
            Err(limit_error(format!("The operation has {count} {what}; at most {most}.")))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;
