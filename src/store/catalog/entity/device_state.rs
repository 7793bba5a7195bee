//! Table `device_states`.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use super::RowRef;
use crate::domain::device::DeviceState;
use crate::domain::device_history::StateChange;
use crate::domain::{DeviceId, Error, Micros, Result};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "device_states")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub device_id: i32,
    pub at: i64,
    /// Null when nobody looked.
    pub state: Option<String>,
    pub error: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for StateChange {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        let place = RowRef { table: "device_states", id: row.id };
        let state = |name: String| DeviceState::from_name(&name).ok_or_else(|| place.damaged("state"));
        let state = row.state.map(state).transpose()?;
        Ok(Self { device: DeviceId(row.device_id), at: Micros(row.at), state, error: row.error })
    }
}

/// A row to insert; the database assigns its id.
pub fn new(change: StateChange) -> ActiveModel {
    ActiveModel {
        device_id: Set(change.device.0),
        at: Set(change.at.0),
        state: Set(change.state.map(|state| state.name().to_owned())),
        error: Set(change.error),
        ..Default::default()
    }
}
