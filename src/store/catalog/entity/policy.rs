//! Table `policies`.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use super::RowRef;
use crate::domain::policy::{Policy, PolicyTable};
use crate::domain::{Error, OrgId, Result, StreamId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "policies")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub org_id: i32,
    pub hypertable: String,
    /// Null for the policy of the organization.
    pub stream_id: Option<i32>,
    pub drop_after_s: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for Policy {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        let place = RowRef { table: "policies", id: row.id };
        let table = PolicyTable::from_name(&row.hypertable);
        Ok(Self {
            org: OrgId(row.org_id),
            table: table.ok_or_else(|| place.damaged("hypertable"))?,
            stream: row.stream_id.map(StreamId),
            drop_after_s: row.drop_after_s,
        })
    }
}

/// A row to insert; the database assigns its id.
pub fn new(policy: &Policy) -> ActiveModel {
    ActiveModel {
        org_id: Set(policy.org.0),
        hypertable: Set(policy.table.name().to_owned()),
        stream_id: Set(policy.stream.map(|s| s.0)),
        drop_after_s: Set(policy.drop_after_s),
        ..Default::default()
    }
}
