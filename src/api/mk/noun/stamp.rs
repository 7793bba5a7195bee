//! Fields of every stored row besides its settable ones.

use uuid::Uuid;

use super::list::{FieldVisitor, read_only};
use crate::api::mk::openapi_document::id;
use crate::api::openapi::schema;
use crate::domain::Micros;
use crate::domain::document::Document;

/// Id and times of a row.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stamp {
    pub id: Uuid,
    pub created_at: Micros,
    pub updated_at: Micros,
}

impl Stamp {
    /// Of a document.
    pub fn of(row: &Document) -> Self {
        Stamp { id: row.uuid, created_at: row.created_at, updated_at: row.updated_at }
    }

    /// Visits `id`, which is shown first.
    pub fn visit_id(&mut self, visitor: &mut impl FieldVisitor) {
        visitor.visit(read_only("id", "UUID of the row, which the server chooses.", id), &mut self.id);
    }

    /// Visits `createdAt` and `updatedAt`, which are shown last.
    pub fn visit_times(&mut self, visitor: &mut impl FieldVisitor) {
        self.visit_created_at(visitor);
        let about = "Time at which the row was changed last, ISO-8601 in UTC.";
        visitor.visit(read_only("updatedAt", about, schema::time), &mut self.updated_at);
    }

    /// Visits `createdAt`, of rows that never change.
    pub fn visit_created_at(&mut self, visitor: &mut impl FieldVisitor) {
        let about = "Time at which the row was created, ISO-8601 in UTC.";
        visitor.visit(read_only("createdAt", about, schema::time), &mut self.created_at);
    }
}
