//! Table `certificates`.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use crate::domain::certificate::DeviceCertificate;
use crate::domain::{DeviceId, Micros, OrgId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "certificates")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub org_id: i32,
    /// Unique: a device has one certificate.
    pub device_id: i32,
    pub fingerprint: String,
    pub issued_at: i64,
    pub expires_at: i64,
    pub serial: Option<String>,
    /// Null for a certificate issued before there was more than one authority.
    pub authority: Option<String>,
    pub revoked_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl From<Model> for DeviceCertificate {
    fn from(row: Model) -> Self {
        Self {
            device: DeviceId(row.device_id),
            org: OrgId(row.org_id),
            fingerprint: row.fingerprint,
            serial: row.serial,
            authority: row.authority,
            issued_at: Micros(row.issued_at),
            expires_at: Micros(row.expires_at),
            revoked_at: row.revoked_at.map(Micros),
        }
    }
}

/// A row to insert; the database assigns its id.
pub fn new(certificate: &DeviceCertificate) -> ActiveModel {
    ActiveModel {
        org_id: Set(certificate.org.0),
        device_id: Set(certificate.device.0),
        fingerprint: Set(certificate.fingerprint.clone()),
        issued_at: Set(certificate.issued_at.0),
        expires_at: Set(certificate.expires_at.0),
        serial: Set(certificate.serial.clone()),
        authority: Set(certificate.authority.clone()),
        revoked_at: Set(certificate.revoked_at.map(|ts| ts.0)),
        ..Default::default()
    }
}
