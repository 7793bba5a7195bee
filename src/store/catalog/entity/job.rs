//! Table `jobs`.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use super::{RowRef, to_json};
use crate::domain::export::ExportAccess;
use crate::domain::job::{ImportUnit, ImportedFile, Job, JobKind, JobState, JobSubject};
use crate::domain::{DeviceId, Error, JobId, Micros, ModelId, OrgId, Result};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "jobs")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub org_id: i32,
    /// Of a model's job, which is deleted with the device.
    pub device_id: Option<i32>,
    pub model_id: Option<i32>,
    /// Unique; that of the export, for an export.
    pub uuid: String,
    pub kind: String,
    /// Of an imported file or a backup; else empty.
    pub name: String,
    pub size: Option<i64>,
    pub unit: Option<String>,
    /// Rows that the requester of an export saw.
    pub access: Option<String>,
    pub state: String,
    pub progress: f64,
    pub result: Option<String>,
    pub error: String,
    pub requested_by: String,
    pub created_at: i64,
    pub started_at: Option<i64>,
    pub ended_at: Option<i64>,
    pub reported_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for Job {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        let place = RowRef { table: "jobs", id: row.id };
        let kind = place.check_column("kind", row.kind.parse::<JobKind>())?;
        Ok(Self {
            id: JobId(row.id),
            org: OrgId(row.org_id),
            uuid: place.check_column("uuid", uuid::Uuid::try_parse(&row.uuid))?,
            kind,
            subject: subject(&place, kind, &row)?,
            state: place.check_column("state", row.state.parse::<JobState>())?,
            progress: row.progress,
            result: row.result.map(|text| place.json("result", &text)).transpose()?,
            error: row.error,
            requested_by: row.requested_by,
            created_at: Micros(row.created_at),
            started_at: row.started_at.map(Micros),
            ended_at: row.ended_at.map(Micros),
            reported_at: row.reported_at.map(Micros),
        })
    }
}

fn subject(place: &RowRef, kind: JobKind, row: &Model) -> Result<JobSubject> {
    match kind {
        JobKind::Score | JobKind::Rescore => Ok(JobSubject::Model {
            model: ModelId(row.model_id.ok_or_else(|| place.damaged("model_id"))?),
            device: DeviceId(row.device_id.ok_or_else(|| place.damaged("device_id"))?),
        }),
        JobKind::Export => {
            let access = row.access.as_deref().ok_or_else(|| place.damaged("access"))?;
            place.json::<ExportAccess>("access", access).map(JobSubject::Export)
        }
        JobKind::Import => {
            let unit = row.unit.as_deref().ok_or_else(|| place.damaged("unit"))?;
            Ok(JobSubject::Import(ImportedFile {
                name: row.name.clone(),
                size: place.check_column("size", row.size.map(u64::try_from).transpose())?,
                unit: place.check_column("unit", unit.parse::<ImportUnit>())?,
            }))
        }
        JobKind::Backup | JobKind::VerifyBackup => Ok(JobSubject::Backup(row.name.clone())),
    }
}

/// A row to insert; the database assigns its id, whatever `job.id` is.
pub fn new(job: &Job) -> ActiveModel {
    let row = ActiveModel {
        org_id: Set(job.org.0),
        uuid: Set(job.uuid.to_string()),
        kind: Set(job.kind.name().to_owned()),
        name: Set(String::new()),
        requested_by: Set(job.requested_by.clone()),
        created_at: Set(job.created_at.0),
        ..state(job)
    };
    match &job.subject {
        JobSubject::Model { model, device } => {
            ActiveModel { model_id: Set(Some(model.0)), device_id: Set(Some(device.0)), ..row }
        }
        JobSubject::Export(access) => ActiveModel { access: Set(Some(to_json(access))), ..row },
        JobSubject::Import(file) => ActiveModel {
            name: Set(file.name.clone()),
            size: Set(file.size.map(|size| i64::try_from(size).unwrap_or(i64::MAX))),
            unit: Set(Some(file.unit.name().to_owned())),
            ..row
        },
        JobSubject::Backup(name) => ActiveModel { name: Set(name.clone()), ..row },
    }
}

/// An update of the row with what changes while the job lives.
pub fn for_update(job: &Job) -> ActiveModel {
    ActiveModel { id: Set(job.id.0), ..state(job) }
}

fn state(job: &Job) -> ActiveModel {
    ActiveModel {
        state: Set(job.state.name().to_owned()),
        progress: Set(job.progress),
        result: Set(job.result.as_ref().map(to_json)),
        error: Set(job.error.clone()),
        started_at: Set(job.started_at.map(|ts| ts.0)),
        ended_at: Set(job.ended_at.map(|ts| ts.0)),
        reported_at: Set(job.reported_at.map(|ts| ts.0)),
        ..Default::default()
    }
}
