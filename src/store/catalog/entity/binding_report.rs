//! Table `binding_reports`.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use super::RowRef;
use crate::domain::configuration::binding::{BindingReport, BindingStatus};
use crate::domain::{DeviceId, Error, Micros, OrgId, Result};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "binding_reports")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub org_id: i32,
    pub device_id: i32,
    /// Unique with the device.
    pub binding: String,
    pub artefact: String,
    pub version: i32,
    pub status: String,
    pub hash: Option<String>,
    pub message: Option<String>,
    pub reported_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The device, the binding, and what the device reported about it.
    pub fn parts(self) -> Result<(DeviceId, uuid::Uuid, BindingReport)> {
        let place = RowRef { table: "binding_reports", id: self.id };
        let unknown = || Error::unavailable(format!("`{}` is no status", self.status));
        let status = BindingStatus::parse(&self.status).ok_or_else(unknown);
        let report = BindingReport {
            artefact: place.check_column("artefact", uuid::Uuid::try_parse(&self.artefact))?,
            version: place.check_column("version", u32::try_from(self.version))?,
            status: place.check_column("status", status)?,
            hash: self.hash,
            message: self.message,
            reported_at: Micros(self.reported_at),
        };
        let binding = place.check_column("binding", uuid::Uuid::try_parse(&self.binding))?;
        Ok((DeviceId(self.device_id), binding, report))
    }
}

/// A row to insert; the database assigns its id.
pub fn new(org: OrgId, device: DeviceId, binding: uuid::Uuid, report: &BindingReport) -> ActiveModel {
    ActiveModel {
        org_id: Set(org.0),
        device_id: Set(device.0),
        binding: Set(binding.to_string()),
        artefact: Set(report.artefact.to_string()),
        version: Set(i32::try_from(report.version).unwrap_or(i32::MAX)),
        status: Set(report.status.name().to_owned()),
        hash: Set(report.hash.clone()),
        message: Set(report.message.clone()),
        reported_at: Set(report.reported_at.0),
        ..Default::default()
    }
}
