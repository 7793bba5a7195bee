//! Table `alert_rules`: rules, and how far the decisions about their alerts are.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use super::{RowRef, to_json};
use crate::domain::alert::rule::{AlertRule, AlertRuleSpec};
use crate::domain::alert::target::RuleTarget;
use crate::domain::{AlertRuleId, DeviceId, Error, Micros, OrgId, Result, StreamId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "alert_rules")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub org_id: i32,
    /// Stream that is watched, with which the rule is deleted; null of a rule on a device.
    pub stream_id: Option<i32>,
    /// Device whose state is watched, with which the rule is deleted; null of a rule on a stream.
    pub device_id: Option<i32>,
    pub uuid: Uuid,
    pub name: String,
    pub spec: String,
    pub first_seq: i64,
    /// Readings up to this record of the log, and in it up to the time below, were decided on; null with it.
    pub decided_seq: Option<i64>,
    pub decided_ts: Option<i64>,
    /// Readings whose time came after that place were decided on up to this time; null where there are none.
    pub decided_due: Option<i64>,
    pub fired_at: Option<i64>,
    /// The open alert, as the evaluation knows it: it stays here for a moment after it was resolved.
    pub open_event_id: Option<i32>,
    /// Hours from 1970 to the hour in which the last alert was raised.
    pub budget_hour: i64,
    /// Alerts that were raised in that hour.
    pub budget_raised: i64,
    /// Alerts that were not raised because the hour had enough.
    pub suppressed: i64,
    pub created_at: i64,
    pub updated_at: i64,
    pub version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for AlertRule {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        let place = RowRef { table: "alert_rules", id: row.id };
        let spec: AlertRuleSpec = place.json("spec", &row.spec)?;
        let target = match (row.stream_id, row.device_id) {
            (Some(stream), None) => RuleTarget::Stream(StreamId(stream)),
            (None, Some(device)) => RuleTarget::Device(DeviceId(device)),
            (None, None) | (Some(_), Some(_)) => return Err(place.damaged("device_id")),
        };
        Ok(Self {
            id: AlertRuleId(row.id),
            org: OrgId(row.org_id),
            uuid: row.uuid,
            spec: AlertRuleSpec { name: row.name, target, ..spec },
            first_seq: row.first_seq.unsigned_abs(),
            version: row.version,
            created_at: Micros(row.created_at),
            updated_at: Micros(row.updated_at),
        })
    }
}

/// A row to insert; the database assigns its id.
pub fn new(org: OrgId, spec: &AlertRuleSpec, first_seq: u64, now: Micros) -> ActiveModel {
    ActiveModel {
        org_id: Set(org.0),
        uuid: Set(Uuid::new_v4()),
        first_seq: Set(first_seq as i64),
        decided_seq: Set(None),
        decided_ts: Set(None),
        decided_due: Set(None),
        fired_at: Set(None),
        open_event_id: Set(None),
        budget_hour: Set(0),
        budget_raised: Set(0),
        suppressed: Set(0),
        version: Set(1),
        created_at: Set(now.0),
        ..columns(spec, now)
    }
}

/// An update of a stored rule that replaces all settable fields. With `first_seq` the rule is evaluated anew from there.
pub fn for_update(
    stored: &AlertRule,
    spec: &AlertRuleSpec,
    first_seq: Option<u64>,
    now: Micros,
) -> ActiveModel {
    let version = Set(stored.version.saturating_add(1));
    let mut row = ActiveModel { id: Set(stored.id.0), version, ..columns(spec, now) };
    if let Some(first_seq) = first_seq {
        row.first_seq = Set(first_seq as i64);
        (row.decided_seq, row.decided_ts, row.decided_due) = (Set(None), Set(None), Set(None));
    }
    if spec.target != stored.spec.target {
        // The open alert is of the former target, which nobody watches any more, and must not silence the rule at the new one.
        (row.open_event_id, row.fired_at) = (Set(None), Set(None));
    }
    row
}

fn columns(spec: &AlertRuleSpec, now: Micros) -> ActiveModel {
    ActiveModel {
        stream_id: Set(spec.target.stream().map(|id| id.0)),
        device_id: Set(spec.target.device().map(|id| id.0)),
        name: Set(spec.name.clone()),
        spec: Set(to_json(spec)),
        updated_at: Set(now.0),
        ..Default::default()
    }
}
