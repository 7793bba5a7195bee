//! Which requests a query node answers itself: queries whose fields need nothing but the catalog, the lake and the unflushed rows,
//! which every node has. The newest values, the states of devices, jobs and the machine are known to the ingest node alone.
//!
//! The fields are listed by type. Whatever is not listed, and whatever is no valid document, is left to the ingest node.

use async_graphql::Request;
use async_graphql::parser::types::{ExecutableDocument, Field, OperationType, Selection, SelectionSet};

use super::limits;
use super::request::GraphqlRequest;
use crate::app::graphql::GraphqlLimits;

/// The fields of a type that every node knows.
struct KnownFields {
    /// Name of the type in the schema.
    of: &'static str,
    /// Fields without fields of their own.
    values: &'static [&'static str],
    /// Fields with fields of their own, each with its type.
    objects: &'static [(&'static str, &'static str)],
}

const ROOT: &str = "Query";

/// The field of every type that is in no schema.
const TYPE_NAME: &str = "__typename";

static KNOWN: [KnownFields; 15] = [
    KnownFields {
        of: ROOT,
        // The log is of the node that is asked, as in SQL.
        values: &["queryLog"],
        objects: &[
            ("sql", "SqlAnswer"),
            ("stream", "Stream"),
            ("streams", "StreamConnection"),
            ("values", "AlignedValues"),
        ],
    },
    KnownFields {
        of: "Stream",
        values: &[
            "accessMode",
            "byteorder",
            "channel",
            "createdAt",
            "deadband",
            "enabled",
            "id",
            "label",
            "metadata",
            "name",
            "offset",
            "path",
            "pin",
            "pollInterval",
            "rowId",
            "scale",
            "statisticsInterval",
            "type",
            "unit",
            "updatedAt",
            "uuid",
        ],
        objects: &[
            ("device", "Device"),
            ("group", "Group"),
            ("statistics", "Statistic"),
            ("values", "ReadingConnection"),
        ],
    },
    // Of the device and the group only what names them.
    KnownFields {
        of: "Device",
        values: &["externalId", "id", "key", "name", "protocol", "rowId", "uuid"],
        objects: &[],
    },
    KnownFields { of: "Group", values: &["description", "id", "name", "rowId"], objects: &[] },
    KnownFields {
        of: "StreamConnection",
        values: &["totalCount"],
        objects: &[("edges", "StreamEdge"), ("nodes", "Stream"), ("pageInfo", "PageInfo")],
    },
    KnownFields { of: "StreamEdge", values: &["cursor"], objects: &[("node", "Stream")] },
    KnownFields {
        of: "ReadingConnection",
        values: &["streamId", "totalCount"],
        objects: &[("edges", "ReadingEdge"), ("nodes", "Reading"), ("pageInfo", "PageInfo")],
    },
    KnownFields { of: "ReadingEdge", values: &["cursor"], objects: &[("node", "Reading")] },
    KnownFields { of: "Reading", values: &["quality", "text", "ts", "value"], objects: &[] },
    KnownFields {
        of: "PageInfo",
        values: &["endCursor", "hasNextPage", "hasPreviousPage", "startCursor"],
        objects: &[],
    },
    KnownFields {
        of: "Statistic",
        values: &[
            "count", "max", "mean", "median", "min", "origin", "q1", "q3", "rms", "sum", "ts", "window",
        ],
        objects: &[],
    },
    KnownFields { of: "AlignedValues", values: &["ts"], objects: &[("series", "AlignedSeries")] },
    KnownFields {
        of: "AlignedSeries",
        values: &["count", "max", "mean", "median", "min", "q1", "q3", "rms", "sum"],
        objects: &[("stream", "Stream")],
    },
    KnownFields { of: "SqlAnswer", values: &["rowCount", "rows"], objects: &[("columns", "SqlColumn")] },
    KnownFields { of: "SqlColumn", values: &["name", "nullable", "type"], objects: &[] },
];

/// Whether a query node answers a request: its document is within the limits, and all its operations are queries of known fields.
pub fn is_replica_read(limits: &GraphqlLimits, request: GraphqlRequest) -> bool {
    let mut request = Request::from(request);
    // The limits bound the expansion of fragments, and with it the work of what follows.
    limits::check_document(limits, &mut request).is_ok() && request.parsed_query().is_ok_and(has_known_fields)
}

fn has_known_fields(document: &ExecutableDocument) -> bool {
    document.operations.iter().all(|(_, operation)| {
        let is_query = operation.node.ty == OperationType::Query;
        is_query && is_known_set(document, ROOT, &operation.node.selection_set.node)
    })
}

/// Whether every field that is selected of a type is known. Fragments count if they are of this very type.
fn is_known_set(document: &ExecutableDocument, of: &str, set: &SelectionSet) -> bool {
    set.items.iter().all(|selection| match &selection.node {
        Selection::Field(field) => is_known_field(document, of, &field.node),
        Selection::InlineFragment(fragment) => {
            let condition = fragment.node.type_condition.as_ref();
            let is_same = condition.is_none_or(|condition| condition.node.on.node.as_str() == of);
            is_same && is_known_set(document, of, &fragment.node.selection_set.node)
        }
        Selection::FragmentSpread(spread) => {
            let fragment = document.fragments.get(&spread.node.fragment_name.node);
            fragment.is_some_and(|fragment| {
                let is_same = fragment.node.type_condition.node.on.node.as_str() == of;
                is_same && is_known_set(document, of, &fragment.node.selection_set.node)
            })
        }
    })
}

fn is_known_field(document: &ExecutableDocument, of: &str, field: &Field) -> bool {
    let (name, set) = (field.name.node.as_str(), &field.selection_set.node);
    if name == TYPE_NAME {
        return set.items.is_empty();
    }
    let Some(known) = KNOWN.iter().find(|known| known.of == of) else { return false };
    match known.objects.iter().find(|(object, _)| *object == name) {
        Some((_, inner)) => is_known_set(document, inner, set),
        None => known.values.contains(&name) && set.items.is_empty(),
    }
}

#[cfg(test)]
#[path = "replica_reads_tests.rs"]
mod tests;
