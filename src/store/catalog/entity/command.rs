//! Table `commands`.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use super::{RowRef, to_json};
use crate::domain::command::{Command, CommandSpec, CommandState};
use crate::domain::command_params::CommandParams;
use crate::domain::{CommandId, DeviceId, Error, Micros, OrgId, Result};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "commands")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub org_id: i32,
    pub device_id: i32,
    pub uuid: String,
    pub key: String,
    pub kind: String,
    pub params: String,
    pub state: String,
    pub created_at: i64,
    pub expires_at: i64,
    pub sent_at: Option<i64>,
    pub acked_at: Option<i64>,
    pub done_at: Option<i64>,
    pub result: String,
    pub error: String,
    pub created_by: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for Command {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        let place = RowRef { table: "commands", id: row.id };
        let spec = CommandSpec {
            device: DeviceId(row.device_id),
            kind: row.kind,
            params: place.check_column("params", CommandParams::parse(&row.params))?,
        };
        Ok(Self {
            id: CommandId(row.id),
            org: OrgId(row.org_id),
            uuid: place.check_column("uuid", uuid::Uuid::try_parse(&row.uuid))?,
            key: row.key,
            spec,
            created_by: row.created_by,
            state: place.check_column("state", row.state.parse::<CommandState>())?,
            created_at: Micros(row.created_at),
            expires_at: Micros(row.expires_at),
            sent_at: row.sent_at.map(Micros),
            acked_at: row.acked_at.map(Micros),
            done_at: row.done_at.map(Micros),
            result: place.json("result", &row.result)?,
            error: row.error,
        })
    }
}

/// A row to insert; the database assigns its id, whatever `command.id` is.
pub fn new(command: &Command) -> ActiveModel {
    ActiveModel {
        org_id: Set(command.org.0),
        device_id: Set(command.spec.device.0),
        uuid: Set(command.uuid.to_string()),
        key: Set(command.key.clone()),
        kind: Set(command.spec.kind.clone()),
        params: Set(command.spec.params.text().to_owned()),
        created_by: Set(command.created_by.clone()),
        created_at: Set(command.created_at.0),
        expires_at: Set(command.expires_at.0),
        ..progress(command)
    }
}

/// An update of the row with what reports change.
pub fn for_update(command: &Command) -> ActiveModel {
    ActiveModel { id: Set(command.id.0), ..progress(command) }
}

fn progress(command: &Command) -> ActiveModel {
    ActiveModel {
        state: Set(command.state.name().to_owned()),
        sent_at: Set(command.sent_at.map(|ts| ts.0)),
        acked_at: Set(command.acked_at.map(|ts| ts.0)),
        done_at: Set(command.done_at.map(|ts| ts.0)),
        result: Set(to_json(&command.result)),
        error: Set(command.error.clone()),
        ..Default::default()
    }
}
