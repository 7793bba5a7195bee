//! Alert rules in the catalog. A rule is seen with the stream or device that it watches, and deleted with it.

use std::sync::Arc;

use sea_orm::{ActiveModelTrait, ConnectionTrait, DbErr, EntityTrait, Set};
use uuid::Uuid;

use super::AlertCatalog;
use super::notification::is_channel;
use crate::domain::alert::rule::{AlertRule, AlertRuleSpec};
use crate::domain::alert::target::RuleTarget;
use crate::domain::audit::{Action, AuditChange};
use crate::domain::document::ValueType;
use crate::domain::stream::{Stream, StreamKind};
use crate::domain::{AlertRuleId, Error, FieldError, OrgId, Principal, Result};
use crate::store::catalog::database::{unavailable, write_error};
use crate::store::catalog::mirror::Mirror;
use crate::store::catalog::org::quota::QuotaDelta;
use crate::store::catalog::transaction::DbTransaction;
use crate::store::catalog::visibility::VisibleCatalog;
use crate::store::catalog::{entity, trim};

/// Noun of rules in the audit log.
const NOUN: &str = "alert-rule";

impl AlertCatalog {
    /// Visible rules, the oldest first.
    pub fn alert_rules(&self, who: &Principal) -> Vec<Arc<AlertRule>> {
        let visible = self.core.visible_to(who);
        let own = visible.mirror.alert_rules.of_org(who.org);
        own.filter(|rule| check_seen(&visible, rule.spec.target).is_ok()).cloned().collect()
    }

    /// Returns a rule; `NotFound` when it is absent or not visible.
    pub fn alert_rule(&self, who: &Principal, uuid: Uuid) -> Result<Arc<AlertRule>> {
        visible_rule(&self.core.visible_to(who), uuid)
    }

    /// Returns a rule by its row; `NotFound` when it is absent or not visible.
    pub fn alert_rule_by_id(&self, who: &Principal, id: AlertRuleId) -> Result<Arc<AlertRule>> {
        let visible = self.core.visible_to(who);
        let uuid = visible.mirror.alert_rules.get(id).ok_or_else(Error::not_found)?.uuid;
        visible_rule(&visible, uuid)
    }

    /// Returns every problem of a rule as it would be stored; `stored` is the rule that is to be changed.
    pub fn alert_rule_problems(
        &self,
        who: &Principal,
        spec: &AlertRuleSpec,
        stored: Option<Uuid>,
    ) -> Vec<FieldError> {
        let visible = self.core.visible_to(who);
        let stored = stored.and_then(|uuid| visible_rule(&visible, uuid).ok());
        problems(&visible, spec, stored.as_deref())
    }

    /// Every rule of every organization, with a number that differs after each change of any.
    pub fn all_alert_rules(&self) -> (u64, Vec<Arc<AlertRule>>) {
        let mirror = self.core.mirror.read();
        (mirror.alert_rules.revision(), mirror.alert_rules.all().cloned().collect())
    }

    /// The number of [`AlertCatalog::all_alert_rules`].
    pub fn alert_rules_revision(&self) -> u64 {
        self.core.mirror.read().alert_rules.revision()
    }

    /// Creates a rule that evaluates the records of the log from `first_seq` on.
    ///
    /// # Errors
    /// `Invalid` with every problem; `Conflict` for a name that is taken; `LimitReached` beyond the quota.
    pub async fn create_alert_rule(
        &self,
        who: &Principal,
        mut spec: AlertRuleSpec,
        first_seq: u64,
    ) -> Result<Arc<AlertRule>> {
        trim(&mut spec.name);
        spec.normalize();
        let transaction = self.core.begin_transaction().await?;
        {
            let visible = transaction.visible_to(who);
            check(&visible, &spec, None)?;
            self.core.check_quota(&visible.mirror, who.org, QuotaDelta::of_alert_rule(&spec, None))?;
        }
        let row = entity::alert_rule::new(who.org, &spec, first_seq, self.core.clock.now());
        let work = async move |db: DbTransaction| into_rule(row.insert(&*db).await, &spec);
        let audit = |rule: &Arc<AlertRule>| AuditChange::new(Action::Create, NOUN, rule.id.0);
        transaction.commit_change(who, work, audit, put).await
    }

    /// Changes a rule atomically; with a version only that version of it. One that is evaluated differently afterwards
    /// begins anew with record `next_seq`.
    ///
    /// # Errors
    /// The errors of [`AlertCatalog::create_alert_rule`]; `NotFound`; `Conflict` for another version.
    pub async fn update_alert_rule(
        &self,
        who: &Principal,
        (uuid, expected): (Uuid, Option<i32>),
        next_seq: u64,
        change: impl FnOnce(&mut AlertRuleSpec) + Send,
    ) -> Result<Arc<AlertRule>> {
        let transaction = self.core.begin_transaction().await?;
        let (stored, spec) = {
            let visible = transaction.visible_to(who);
            let stored = visible_rule(&visible, uuid)?;
            if expected.is_some_and(|version| version != stored.version) {
                return Err(Error::conflict(format!("the row has version {} by now", stored.version)));
            }
            let mut spec = stored.spec.clone();
            change(&mut spec);
            trim(&mut spec.name);
            spec.normalize();
            check(&visible, &spec, Some(&stored))?;
            let growth = QuotaDelta::of_alert_rule(&spec, Some(&stored.spec));
            self.core.check_quota(&visible.mirror, who.org, growth)?;
            (stored, spec)
        };
        if spec == stored.spec {
            return Ok(stored);
        }
        let first_seq = (!spec.evaluates_as(&stored.spec)).then_some(next_seq);
        let row = entity::alert_rule::for_update(&stored, &spec, first_seq, self.core.clock.now());
        let work = async move |db: DbTransaction| into_rule(row.update(&*db).await, &spec);
        let audit = |rule: &Arc<AlertRule>| AuditChange::new(Action::Update, NOUN, rule.id.0);
        transaction.commit_change(who, work, audit, put).await
    }

    /// Deletes a rule. Its alerts stay, without it.
    pub async fn delete_alert_rule(&self, who: &Principal, uuid: Uuid) -> Result<()> {
        let transaction = self.core.begin_transaction().await?;
        let id = visible_rule(&transaction.visible_to(who), uuid)?.id;
        let delete = async move |db: DbTransaction| {
            entity::alert_rule::Entity::delete_by_id(id.0).exec(&*db).await.map_err(unavailable)?;
            Ok(())
        };
        let audit = move |(): &()| AuditChange::new(Action::Delete, NOUN, id.0);
        transaction.commit_change(who, delete, audit, move |mirror, ()| mirror.alert_rules.remove(id)).await
    }
}

/// The rules of an organization that name a channel, without it: what they become when the channel is deleted.
pub(in crate::store::catalog) fn rules_without_channel(
    mirror: &Mirror,
    org: OrgId,
    channel: Uuid,
) -> Vec<Arc<AlertRule>> {
    let naming = mirror.alert_rules.of_org(org).filter(|rule| rule.spec.channels.contains(&channel));
    let without = naming.map(|rule| {
        let mut rule = AlertRule::clone(rule);
        rule.spec.channels.retain(|one| *one != channel);
        rule.version = rule.version.saturating_add(1);
        Arc::new(rule)
    });
    without.collect()
}

/// Stores rules that lost a channel, in the transaction that deletes it.
pub(in crate::store::catalog) async fn write_rules(
    db: &impl ConnectionTrait,
    rules: &[Arc<AlertRule>],
) -> Result<()> {
    for rule in rules {
        let row = entity::alert_rule::for_update(rule, &rule.spec, None, rule.updated_at);
        // The rule has its new version already.
        let row = entity::alert_rule::ActiveModel { version: Set(rule.version), ..row };
        row.update(db).await.map_err(unavailable)?;
    }
    Ok(())
}

/// The problem of another type of a stream: an enabled rule could compare none of its values any more, and would say nothing.
pub(in crate::store::catalog) fn type_problem(
    mirror: &Mirror,
    stream: &Stream,
    kind: StreamKind,
) -> Option<FieldError> {
    let compares = |rule: &AlertRule, kind: StreamKind| {
        rule.spec.problems(Some(ValueType::of_stream_kind(kind))).is_empty()
    };
    let mut rules = mirror.alert_rules.of_target(RuleTarget::Stream(stream.id));
    let rule =
        rules.find(|rule| rule.spec.enabled && compares(rule, stream.spec.kind) && !compares(rule, kind))?;
    let name = &rule.spec.name;
    let message = format!(
        "The alert rule \"{name}\" cannot compare values of type {kind}: change or disable it first."
    );
    Some(FieldError::new("type", message))
}

fn visible_rule(visible: &VisibleCatalog, uuid: Uuid) -> Result<Arc<AlertRule>> {
    let rule = visible.mirror.alert_rules.by_uuid(uuid).ok_or_else(Error::not_found)?;
    check_seen(visible, rule.spec.target)?;
    Ok(Arc::clone(rule))
}

/// Fails with `NotFound` when what a rule watches is absent or not visible.
fn check_seen(visible: &VisibleCatalog, target: RuleTarget) -> Result<()> {
    match target {
        RuleTarget::Stream(id) => visible.stream(id).map(drop),
        RuleTarget::Device(id) => {
            let org = visible.device(id)?.org;
            // Who sees a part of its streams alone does not see its alerts.
            if visible.sees_event_of(org, Some(id), None) { Ok(()) } else { Err(Error::hidden()) }
        }
    }
}

/// Every problem of an alert rule but its name's. Channels that it had before are not checked again.
fn problems(visible: &VisibleCatalog, spec: &AlertRuleSpec, stored: Option<&AlertRule>) -> Vec<FieldError> {
    let stream = spec.target.stream().and_then(|id| visible.stream(id).ok());
    let mut problems = spec.problems(stream.map(|stream| ValueType::of_stream_kind(stream.spec.kind)));
    if check_seen(visible, spec.target).is_err() {
        let field = if spec.target.device().is_some() { "device" } else { "stream" };
        problems.push(FieldError::new(field, "does not exist"));
    }
    for (index, channel) in spec.channels.iter().enumerate() {
        let is_kept = stored.is_some_and(|stored| stored.spec.channels.contains(channel));
        if !is_kept && !is_channel(visible, *channel) {
            problems.push(FieldError::new(format!("channels[{index}]"), "does not exist"));
        }
    }
    problems
}

fn check(visible: &VisibleCatalog, spec: &AlertRuleSpec, stored: Option<&AlertRule>) -> Result<()> {
    Error::check(problems(visible, spec, stored))?;
    let namesake = visible.mirror.alert_rules.by_name(visible.who.org, &spec.name);
    match namesake.filter(|other| Some(other.id) != stored.map(|rule| rule.id)) {
        Some(_) => Err(name_taken(spec)),
        None => Ok(()),
    }
}

fn name_taken(spec: &AlertRuleSpec) -> Error {
    Error::conflict(format!("An alert rule with the name '{}' exists", spec.name))
}

fn into_rule(
    row: std::result::Result<entity::alert_rule::Model, DbErr>,
    spec: &AlertRuleSpec,
) -> Result<Arc<AlertRule>> {
    Ok(Arc::new(row.map_err(|e| write_error(e, || name_taken(spec)))?.try_into()?))
}

fn put(mirror: &mut Mirror, rule: &Arc<AlertRule>) {
    mirror.alert_rules.put(Arc::clone(rule));
}
