//! A document as the catalog has it.

use uuid::Uuid;

use super::DocumentSpec;
use crate::domain::{DocumentId, Micros, OrgId};

/// A document as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Row id.
    pub id: DocumentId,
    /// Organization that owns the document.
    pub org: OrgId,
    /// Id in APIs.
    pub uuid: Uuid,
    /// Name that no other document of its kind and organization has.
    pub name: String,
    /// Counts the changes, from 1.
    pub version: i32,
    /// Content.
    pub spec: DocumentSpec,
    /// Time of creation.
    pub created_at: Micros,
    /// Time of the last change.
    pub updated_at: Micros,
}
