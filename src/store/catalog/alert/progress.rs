//! Rows that the evaluation of alert rules writes: alerts, together with how far the rule that raised them is decided, so that
//! a restart neither repeats nor misses one; and from time to time its position in the log.
//!
//! No user causes these changes, so they are not in the audit log.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, Set};
use serde_json::{Map, Value, json};

use super::AlertCatalog;
use super::notification::{insert_notifications, insert_resolutions};
use crate::domain::alert::budget::AlertBudget;
use crate::domain::alert::evaluator::LogPosition;
use crate::domain::alert::rule::AlertRule;
use crate::domain::alert::target::RuleTarget;
use crate::domain::alert::{AlertActor, AlertDetails, AlertLifecycle, AlertStatus, AlertStep};
use crate::domain::audit::Action;
use crate::domain::event::{Event, EventSpec};
use crate::domain::subscription::EventAttributes;
use crate::domain::{AlertRuleId, DeviceId, EventId, Micros, OrgId, Result};
use crate::store::catalog::database::unavailable;
use crate::store::catalog::entity;
use crate::store::catalog::entity::alert_rule::{ActiveModel, Column, Entity, Model};
use crate::store::catalog::mirror::Mirror;
use crate::store::catalog::transaction::DbTransaction;

/// Kind of the events that are alerts.
pub const ALERT_EVENT_KIND: &str = "alert";
/// Most alerts that were closed and are not taken note of at once: evaluations find the rest when they store their position.
const MAX_CLOSED: usize = 100_000;
/// Ids in a statement: databases limit the number of parameters.
const IDS_AT_ONCE: usize = 500;
/// Name of the one that resolves an alert whose condition has ended.
const SYSTEM: &str = "system";

/// How far the decisions about the alerts of a rule are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RuleProgress {
    /// Readings up to this place in the log were decided on.
    pub decided_until: Option<LogPosition>,
    /// Readings up to this time whose time came after that place were decided on too.
    pub decided_due: Option<Micros>,
    /// Time of the last alert.
    pub fired_at: Option<Micros>,
    /// Whether an alert of the rule is open.
    pub is_open: bool,
    /// How many alerts it may still raise, and how many it did not.
    pub budget: AlertBudget,
}

/// Position of the evaluation of an organization's rules in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertCheckpoint {
    /// Number of the next record to be evaluated.
    pub next_seq: u64,
    /// When it was stored.
    pub stored_at: Micros,
    /// Memory of the rules there.
    pub states: Vec<u8>,
}

/// Rules with the number of alerts that they did not raise.
pub type SuppressedAlerts = Vec<(AlertRuleId, u64)>;

/// Decision about the alerts of a rule.
#[derive(Debug, Clone, PartialEq)]
pub enum AlertChange {
    /// An alert is raised.
    Fire {
        /// Time of the alert.
        at: Micros,
        /// Value that raised the alert ([`AlertDetails::value`]).
        value: Value,
    },
    /// The open alert is resolved, because its condition has ended.
    Resolve,
    /// The open alert was resolved or deleted by somebody, and the evaluation has seen that.
    Close,
}

/// A change of the alerts of a rule, and how far the rule is decided with it.
#[derive(Debug, Clone)]
pub struct AlertDecision {
    /// The rule as it was evaluated.
    pub rule: Arc<AlertRule>,
    /// Decision about its alerts.
    pub change: AlertChange,
    /// Readings up to this place in the log are decided on.
    pub decided_until: Option<LogPosition>,
    /// Readings up to this time whose time came after that place are decided on too.
    pub decided_due: Option<Micros>,
    /// Budget of the rule's alerts that is left then.
    pub budget: AlertBudget,
}

/// An event that was written, with its former attributes unless it is new.
type WrittenEvent = (Event, Option<EventAttributes>);

impl AlertCatalog {
    /// How far rules are decided: these, or every one. An alert that was resolved or deleted is not open.
    pub async fn alert_progress(
        &self,
        only: Option<&[AlertRuleId]>,
    ) -> Result<HashMap<AlertRuleId, RuleProgress>> {
        let mut rows = Vec::new();
        match only {
            None => rows = Entity::find().all(&self.core.db).await.map_err(unavailable)?,
            Some(rules) => {
                for some in rules.chunks(IDS_AT_ONCE) {
                    let some = Entity::find().filter(Column::Id.is_in(some.iter().map(|id| id.0)));
                    rows.extend(some.all(&self.core.db).await.map_err(unavailable)?);
                }
            }
        }
        let named: Vec<i32> = rows.iter().filter_map(|row| row.open_event_id).collect();
        let open = open_alerts(&self.core.db, &named).await?;
        let progress = |row: &Model| RuleProgress {
            decided_until: decided_until_of(row),
            decided_due: row.decided_due.map(Micros),
            fired_at: row.fired_at.map(Micros),
            is_open: row.open_event_id.is_some_and(|id| open.contains(&id)),
            budget: budget_of(row),
        };
        Ok(rows.iter().map(|row| (AlertRuleId(row.id), progress(row))).collect())
    }

    /// Position of the evaluation of an organization's rules; `None` before the first checkpoint.
    pub async fn alert_checkpoint(&self, org: OrgId) -> Result<Option<AlertCheckpoint>> {
        let row = entity::alert_checkpoint::Entity::find_by_id(org.0)
            .one(&self.core.db)
            .await
            .map_err(unavailable)?;
        Ok(row.map(|row| AlertCheckpoint {
            next_seq: row.next_seq.unsigned_abs(),
            stored_at: Micros(row.stored_at),
            states: row.states,
        }))
    }

    /// Stores where the evaluation of an organization's rules is, and how many alerts they did not raise up to there.
    pub async fn save_alert_checkpoint(
        &self,
        org: OrgId,
        at: AlertCheckpoint,
        suppressed: SuppressedAlerts,
    ) -> Result<()> {
        let transaction = self.core.begin_transaction().await?;
        let work = async move |db: DbTransaction| {
            entity::alert_checkpoint::Entity::delete_by_id(org.0).exec(&*db).await.map_err(unavailable)?;
            let row = entity::alert_checkpoint::row(org, at.next_seq, at.stored_at.0, at.states);
            entity::alert_checkpoint::Entity::insert(row)
                .exec_without_returning(&*db)
                .await
                .map_err(unavailable)?;
            for (rule, count) in suppressed {
                let row = ActiveModel { suppressed: Set(column_of(count)), ..Default::default() };
                let row = Entity::update_many().set(row).filter(Column::Id.eq(rule.0));
                row.exec(&*db).await.map_err(unavailable)?;
            }
            Ok(())
        };
        transaction.commit_unmirrored(work).await
    }

    /// Writes changes of alerts in their order, all or none: each with the progress of its rule, and a new alert with its
    /// notifications. What concerns a rule that was deleted or is evaluated differently by now is left out, and returned.
    pub async fn record_alerts(&self, decisions: Vec<AlertDecision>) -> Result<Vec<AlertDecision>> {
        let transaction = self.core.begin_transaction().await?;
        let now = self.core.clock.now();
        let (decisions, outdated): (Vec<(AlertDecision, Option<DeviceId>)>, Vec<AlertDecision>) = {
            let mirror = transaction.mirror();
            let is_current = |decision: &AlertDecision| {
                let rule = mirror.alert_rules.get(decision.rule.id);
                rule.is_some_and(|rule| rule.first_seq == decision.rule.first_seq)
            };
            let device = |decision: &AlertDecision| match decision.rule.spec.target {
                RuleTarget::Stream(id) => mirror.streams().get(id).map(|stream| stream.spec.device),
                RuleTarget::Device(id) => Some(id),
            };
            let (current, outdated): (Vec<_>, Vec<_>) = decisions.into_iter().partition(is_current);
            let current = current.into_iter().map(|decision| (device(&decision), decision));
            (current.map(|(of, one)| (one, of)).collect(), outdated)
        };
        let work = async move |db: DbTransaction| {
            let mut written = Vec::new();
            for (decision, device) in decisions {
                written.extend(write(&*db, decision, device, now).await?);
            }
            Ok(written)
        };
        let changes = Arc::clone(&self.core.notifier);
        let apply = move |_: &mut Mirror, written: &Vec<WrittenEvent>| {
            for (event, before) in written {
                let action = if before.is_some() { Action::Update } else { Action::Create };
                changes.notify_event(action, event, before.clone());
            }
        };
        transaction.commit_unaudited(work, apply).await?;
        Ok(outdated)
    }

    /// Takes the rules of an organization of which an alert was resolved or deleted by somebody since the last call. Their
    /// progress says whether it was the open one.
    pub fn take_closed_alerts(&self, org: OrgId) -> Vec<AlertRuleId> {
        let mut closed = self.closed_alerts.lock();
        let taken = closed.extract_if(.., |(owner, _)| *owner == org).map(|(_, rule)| rule).collect();
        // Of an organization without rules nobody takes them.
        closed.truncate(MAX_CLOSED);
        taken
    }
}

fn decided_until_of(row: &Model) -> Option<LogPosition> {
    let (seq, ts) = row.decided_seq.zip(row.decided_ts)?;
    Some(LogPosition { seq: seq.unsigned_abs(), ts: Micros(ts) })
}

fn budget_of(row: &Model) -> AlertBudget {
    AlertBudget {
        hour: row.budget_hour,
        raised: u32::try_from(row.budget_raised).unwrap_or(u32::MAX),
        suppressed: u64::try_from(row.suppressed).unwrap_or_default(),
        is_held_back: false,
    }
}

fn column_of(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Which of these events are alerts that are open.
async fn open_alerts(db: &impl ConnectionTrait, events: &[i32]) -> Result<HashSet<i32>> {
    use entity::event::{Column, Entity};
    let statuses = [AlertStatus::Active.name(), AlertStatus::Acknowledged.name()];
    let mut open = HashSet::new();
    for some in events.chunks(IDS_AT_ONCE) {
        let found = Entity::find()
            .filter(Column::Id.is_in(some.iter().copied()))
            .filter(Column::AlertStatus.is_in(statuses))
            .select_only()
            .column(Column::Id)
            .into_tuple::<i32>();
        open.extend(found.all(db).await.map_err(unavailable)?);
    }
    Ok(open)
}

/// Writes a decision; returns the event that it created or changed.
async fn write(
    db: &impl ConnectionTrait,
    decision: AlertDecision,
    device: Option<DeviceId>,
    now: Micros,
) -> Result<Option<WrittenEvent>> {
    let AlertDecision { rule, change, decided_until, decided_due, budget } = decision;
    let mut progress = ActiveModel {
        decided_seq: Set(decided_until.map(|until| until.seq as i64)),
        decided_ts: Set(decided_until.map(|until| until.ts.0)),
        decided_due: Set(decided_due.map(|until| until.0)),
        open_event_id: Set(None),
        budget_hour: Set(budget.hour),
        budget_raised: Set(i64::from(budget.raised)),
        suppressed: Set(column_of(budget.suppressed)),
        ..Default::default()
    };
    let written = match change {
        AlertChange::Fire { at, value } => {
            let event = insert_alert(db, &rule, device, (at, value), now).await?;
            insert_notifications(db, &event, &rule.spec.channels, now).await?;
            progress.fired_at = Set(Some(at.0));
            progress.open_event_id = Set(Some(event.id.0));
            Some((event, None))
        }
        AlertChange::Resolve => resolve_open(db, rule.id, now).await?,
        AlertChange::Close => None,
    };
    let row = Entity::update_many().set(progress).filter(Column::Id.eq(rule.id.0));
    row.exec(db).await.map_err(unavailable)?;
    Ok(written)
}

async fn insert_alert(
    db: &impl ConnectionTrait,
    rule: &AlertRule,
    device: Option<DeviceId>,
    (at, value): (Micros, Value),
    now: Micros,
) -> Result<Event> {
    let spec = EventSpec {
        device,
        stream: rule.spec.target.stream(),
        kind: ALERT_EVENT_KIND.to_owned(),
        level: rule.spec.severity.level(),
        ts: at,
        message: rule.spec.message(&value),
        url: String::new(),
        payload: payload(rule, &value),
        acknowledged: false,
        note: None,
    };
    let lifecycle = AlertLifecycle::default();
    let alert = AlertDetails { rule: Some(rule.id), rule_name: rule.spec.name.clone(), value, lifecycle };
    let row = entity::event::new_alert(rule.org, spec, &alert, now);
    row.insert(db).await.map_err(unavailable)?.try_into()
}

/// Text of the alert's event about its rule, for readers that know no alerts.
fn payload(rule: &AlertRule, value: &Value) -> Map<String, Value> {
    let spec = &rule.spec;
    let members = [
        ("ruleId", json!(rule.uuid)),
        ("ruleName", json!(spec.name)),
        ("evaluation", json!(spec.evaluation.name())),
        ("windowSeconds", json!(spec.window_s)),
        ("operator", json!(spec.operator.map(|operator| operator.name()))),
        ("threshold", json!(spec.threshold.as_ref().map(|threshold| threshold.to_json()))),
        ("value", value.clone()),
    ];
    members.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
}

/// Resolves the open alert of a rule, unless that was done already.
async fn resolve_open(
    db: &impl ConnectionTrait,
    rule: AlertRuleId,
    now: Micros,
) -> Result<Option<WrittenEvent>> {
    let row = Entity::find_by_id(rule.0).one(db).await.map_err(unavailable)?;
    let Some(id) = row.and_then(|row| row.open_event_id).map(EventId) else { return Ok(None) };
    let row = entity::event::Entity::find_by_id(id.0).one(db).await.map_err(unavailable)?;
    let Some(row) = row else { return Ok(None) };
    let mut event = Event::try_from(row)?;
    let before = EventAttributes::from(&event.spec);
    let Some(alert) = event.alert.as_mut().filter(|alert| alert.lifecycle.is_open()) else { return Ok(None) };
    let actor = AlertActor { name: SYSTEM.to_owned(), at: now, note: None };
    alert.lifecycle = alert.lifecycle.after(AlertStep::Resolve, &actor)?;
    event.follow_alert();
    let row = entity::event::for_update(id, event.spec.clone());
    let row = match &event.alert {
        Some(alert) => entity::event::with_lifecycle(row, alert),
        None => row,
    };
    row.update(db).await.map_err(unavailable)?;
    insert_resolutions(db, &event, now).await?;
    Ok(Some((event, Some(before))))
}
