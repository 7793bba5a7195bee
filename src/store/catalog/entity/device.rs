//! Table `devices`.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use super::{RowRef, to_json};
use crate::domain::alias::DeviceAliases;
use crate::domain::device::{Device, DeviceSpec};
use crate::domain::topology::Topology;
use crate::domain::{DeviceId, Error, Micros, OrgId, ProductId, Result};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "devices")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub org_id: i32,
    pub uuid: Uuid,
    pub name: String,
    pub protocol: String,
    pub host: String,
    pub port: Option<i32>,
    pub unit: i32,
    pub username: String,
    pub password: String,
    pub timeout_s: f64,
    pub poll_interval_s: Option<f64>,
    pub byteorder: String,
    pub enabled: bool,
    pub metadata: String,
    pub created_at: i64,
    pub updated_at: i64,
    pub key: String,
    pub external_id: String,
    pub last_channel: i32,
    pub product_id: Option<i32>,
    pub parent_id: Option<i32>,
    /// Name of a user: names of users are unique and never change.
    pub owner: Option<String>,
    pub topology: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for Device {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        let place = RowRef { table: "devices", id: row.id };
        let spec = DeviceSpec {
            protocol: place.check_column("protocol", row.protocol.parse())?,
            port: row.port.map(|port| place.check_column("port", u16::try_from(port))).transpose()?,
            unit: place.check_column("unit", u8::try_from(row.unit))?,
            byteorder: place.check_column("byteorder", row.byteorder.parse())?,
            metadata: place.json("metadata", &row.metadata)?,
            name: row.name,
            host: row.host,
            username: row.username,
            password: row.password,
            timeout_s: row.timeout_s,
            poll_interval_s: row.poll_interval_s,
            enabled: row.enabled,
            product: row.product_id.map(ProductId),
            parent_device: row.parent_id.map(DeviceId),
            owner: row.owner,
        };
        Ok(Self {
            id: DeviceId(row.id),
            org: OrgId(row.org_id),
            aliases: DeviceAliases { uuid: row.uuid, key: row.key, external_id: row.external_id },
            last_channel: row.last_channel,
            spec,
            topology: place.json("topology", &row.topology)?,
            created_at: Micros(row.created_at),
            updated_at: Micros(row.updated_at),
        })
    }
}

/// A row to insert; the database assigns its id.
pub fn new(org: OrgId, aliases: DeviceAliases, spec: DeviceSpec, now: Micros) -> ActiveModel {
    ActiveModel {
        topology: Set(to_json(&Topology::default())),
        org_id: Set(org.0),
        uuid: Set(aliases.uuid),
        key: Set(aliases.key),
        external_id: Set(aliases.external_id),
        last_channel: Set(0),
        created_at: Set(now.0),
        updated_at: Set(now.0),
        ..columns(spec)
    }
}

/// An update of row `id` that replaces all settable fields.
pub fn for_update(id: DeviceId, spec: DeviceSpec, now: Micros) -> ActiveModel {
    ActiveModel { id: Set(id.0), updated_at: Set(now.0), ..columns(spec) }
}

fn columns(spec: DeviceSpec) -> ActiveModel {
    ActiveModel {
        name: Set(spec.name),
        protocol: Set(spec.protocol.name().to_owned()),
        host: Set(spec.host),
        port: Set(spec.port.map(i32::from)),
        unit: Set(i32::from(spec.unit)),
        username: Set(spec.username),
        password: Set(spec.password),
        timeout_s: Set(spec.timeout_s),
        poll_interval_s: Set(spec.poll_interval_s),
        byteorder: Set(spec.byteorder.name().to_owned()),
        enabled: Set(spec.enabled),
        metadata: Set(to_json(&spec.metadata)),
        product_id: Set(spec.product.map(|id| id.0)),
        parent_id: Set(spec.parent_device.map(|id| id.0)),
        owner: Set(spec.owner),
        ..Default::default()
    }
}
