//! Table `documents`.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use super::{RowRef, to_json};
use crate::domain::document::{Document, DocumentSpec};
use crate::domain::notification::ChannelSecret;
use crate::domain::{DocumentId, Error, Micros, OrgId, Result};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "documents")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub org_id: i32,
    pub uuid: Uuid,
    pub kind: String,
    pub name: String,
    pub version: i32,
    /// Device with which the document is deleted.
    pub device_id: Option<i32>,
    pub content: String,
    /// Secret of the document, kept out of `content` so that nothing that shows a content can show it.
    pub secret: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for Document {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        let place = RowRef { table: "documents", id: row.id };
        let mut spec: DocumentSpec = place.json("content", &row.content)?;
        if let Some(secret) = row.secret {
            spec.set_secret(ChannelSecret::new(secret));
        }
        Ok(Self {
            id: DocumentId(row.id),
            org: OrgId(row.org_id),
            uuid: row.uuid,
            name: row.name,
            version: row.version,
            spec,
            created_at: Micros(row.created_at),
            updated_at: Micros(row.updated_at),
        })
    }
}

/// A row to insert; the database assigns its id.
pub fn new(org: OrgId, uuid: Uuid, spec: &DocumentSpec, now: Micros) -> ActiveModel {
    ActiveModel {
        org_id: Set(org.0),
        uuid: Set(uuid),
        kind: Set(spec.kind().name().to_owned()),
        version: Set(1),
        created_at: Set(now.0),
        updated_at: Set(now.0),
        ..columns(spec)
    }
}

/// An update of a document to its next version.
pub fn for_update(stored: &Document, spec: &DocumentSpec, now: Micros) -> ActiveModel {
    ActiveModel {
        id: Set(stored.id.0),
        version: Set(stored.version.saturating_add(1)),
        updated_at: Set(now.0),
        ..columns(spec)
    }
}

fn columns(spec: &DocumentSpec) -> ActiveModel {
    ActiveModel {
        name: Set(spec.unique_name()),
        device_id: Set(spec.device().map(|device| device.0)),
        content: Set(to_json(spec)),
        secret: Set(spec.secret().map(|secret| secret.expose().to_owned())),
        ..Default::default()
    }
}
