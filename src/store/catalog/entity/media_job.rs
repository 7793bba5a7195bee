//! Table `media_jobs`: captures, clips and live sessions.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use super::{RowRef, to_json};
use crate::domain::media::{MediaJob, MediaWork};
use crate::domain::{DeviceId, DocumentId, Error, Micros, OrgId, Result};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "media_jobs")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub org_id: i32,
    pub device_id: i32,
    /// Camera with which the row is deleted.
    pub camera_id: i32,
    pub uuid: Uuid,
    pub kind: String,
    pub state: String,
    pub content: String,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Members of a row's content besides the work: the camera by its id in APIs.
#[derive(serde::Serialize, serde::Deserialize)]
struct Content {
    camera: Uuid,
    work: MediaWork,
}

impl TryFrom<Model> for MediaJob {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        let place = RowRef { table: "media_jobs", id: row.id };
        let Content { camera, work } = place.json("content", &row.content)?;
        Ok(Self {
            id: row.id,
            org: OrgId(row.org_id),
            uuid: row.uuid,
            device: DeviceId(row.device_id),
            camera_row: DocumentId(row.camera_id),
            camera,
            work,
            created_at: Micros(row.created_at),
            updated_at: Micros(row.updated_at),
        })
    }
}

/// A row to insert; the database assigns its id, whatever `job.id` is.
pub fn new(job: &MediaJob) -> ActiveModel {
    ActiveModel {
        org_id: Set(job.org.0),
        device_id: Set(job.device.0),
        camera_id: Set(job.camera_row.0),
        uuid: Set(job.uuid),
        kind: Set(job.work.kind().name().to_owned()),
        created_at: Set(job.created_at.0),
        ..progress(job)
    }
}

/// An update of the row with what its work changes.
pub fn for_update(job: &MediaJob) -> ActiveModel {
    ActiveModel { id: Set(job.id), ..progress(job) }
}

fn progress(job: &MediaJob) -> ActiveModel {
    ActiveModel {
        state: Set(job.work.state_name().to_owned()),
        content: Set(to_json(&Content { camera: job.camera, work: job.work.clone() })),
        updated_at: Set(job.updated_at.0),
        ..Default::default()
    }
}
