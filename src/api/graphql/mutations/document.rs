//! Common parts of the mutations of documents and alert rules.

use async_graphql::{Result, SimpleObject};
use serde::Serialize;
use uuid::Uuid;

use super::input;
use crate::api::graphql::errors::{UserError, into_payload};
use crate::api::graphql::ids::NodeType;
use crate::app::fields::reader::{FieldReader, ReadMode};
use crate::domain::{self, Error};

/// Result of deleting a dashboard, an alert rule or a notification channel.
#[derive(SimpleObject)]
pub struct DeletedDocument {
    /// UUID of what was deleted; null if nothing was.
    deleted_uuid: Option<String>,
    /// Errors in the input, each with its field; empty on success.
    errors: Vec<UserError>,
}

impl DeletedDocument {
    /// The result for what has this UUID.
    pub(super) fn from_result<T>(uuid: &str, result: domain::Result<T>) -> Result<Self> {
        let (gone, errors) = into_payload(result)?;
        Ok(Self { deleted_uuid: gone.map(|_| uuid.to_owned()), errors })
    }
}

/// Parses the UUID of an argument; what is none names nothing.
pub(super) fn parse_uuid(text: &str) -> domain::Result<Uuid> {
    Uuid::try_parse(text).map_err(|_| Error::not_found())
}

#[derive(Serialize)]
struct VersionedInput<'a, I> {
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<i32>,
    #[serde(flatten)]
    input: &'a I,
}

/// Converts a change to fields, with the version that it is meant for.
pub(super) fn to_change<I: Serialize>(
    input: &I,
    version: Option<i32>,
    rows: &[(&str, NodeType)],
) -> FieldReader {
    input::to_fields(&VersionedInput { version, input }, ReadMode::Partial, rows)
}
