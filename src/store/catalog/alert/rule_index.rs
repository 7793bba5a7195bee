//! In-memory index of alert rules: by id, name, UUID and what they watch.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::domain::alert::rule::AlertRule;
use crate::domain::alert::target::RuleTarget;
use crate::domain::{AlertRuleId, OrgId};
use crate::store::catalog::memory_size::{self, AccountedRow};
use crate::store::catalog::mirror::id_sets::{IdSets, remove_id};
use crate::store::catalog::mirror::named_index::{NamedIndex, Row};

impl Row for AlertRule {
    type Id = AlertRuleId;
    type Owner = OrgId;

    fn id(&self) -> AlertRuleId {
        self.id
    }

    fn owner(&self) -> OrgId {
        self.org
    }

    fn unique_name(&self) -> &str {
        &self.spec.name
    }
}

impl AccountedRow for AlertRule {
    fn org(&self) -> OrgId {
        self.org
    }

    fn memory_bytes(&self) -> usize {
        memory_size::of_alert_rule(&self.spec)
    }
}

/// Every alert rule of every organization.
#[derive(Default)]
pub(in crate::store::catalog) struct AlertRuleIndex {
    rows: NamedIndex<AlertRule>,
    by_uuid: HashMap<Uuid, AlertRuleId>,
    by_target: IdSets<RuleTarget, AlertRuleId>,
    /// Counts changes.
    revision: u64,
}

impl AlertRuleIndex {
    pub(in crate::store::catalog) fn get(&self, id: AlertRuleId) -> Option<&Arc<AlertRule>> {
        self.rows.get(id)
    }

    pub(in crate::store::catalog) fn by_uuid(&self, uuid: Uuid) -> Option<&Arc<AlertRule>> {
        self.rows.get(*self.by_uuid.get(&uuid)?)
    }

    pub(in crate::store::catalog) fn by_name(&self, org: OrgId, name: &str) -> Option<&Arc<AlertRule>> {
        self.rows.get_by_name(org, name)
    }

    /// Rules of an organization, the oldest first.
    pub(in crate::store::catalog) fn of_org(&self, org: OrgId) -> impl Iterator<Item = &Arc<AlertRule>> {
        self.rows.rows_of(org)
    }

    /// Rules that watch a stream or a device, the oldest first.
    pub(in crate::store::catalog) fn of_target(
        &self,
        target: RuleTarget,
    ) -> impl Iterator<Item = &Arc<AlertRule>> {
        self.by_target.get(&target).into_iter().flatten().filter_map(|id| self.rows.get(*id))
    }

    /// Every rule, unordered.
    pub(in crate::store::catalog) fn all(&self) -> impl Iterator<Item = &Arc<AlertRule>> {
        self.rows.all()
    }

    pub(in crate::store::catalog) fn count_of(&self, org: OrgId) -> usize {
        self.rows.count_of(org)
    }

    /// Estimated memory of an organization's rules, bytes.
    pub(in crate::store::catalog) fn bytes_of(&self, org: OrgId) -> usize {
        self.rows.bytes_of(org)
    }

    /// Differs after every change.
    pub(in crate::store::catalog) fn revision(&self) -> u64 {
        self.revision
    }

    /// Continues the revision of `before`, so that a reloaded index is never mistaken for the old one.
    pub(in crate::store::catalog) fn continue_after(&mut self, before: &AlertRuleIndex) {
        self.revision += before.revision + 1;
    }

    /// Adds or replaces a rule.
    pub(in crate::store::catalog) fn put(&mut self, rule: Arc<AlertRule>) {
        self.remove(rule.id);
        self.revision += 1;
        self.by_uuid.insert(rule.uuid, rule.id);
        self.by_target.entry(rule.spec.target).or_default().insert(rule.id);
        self.rows.put(rule);
    }

    pub(in crate::store::catalog) fn remove(&mut self, id: AlertRuleId) {
        let Some(rule) = self.rows.remove(id) else { return };
        self.revision += 1;
        self.by_uuid.remove(&rule.uuid);
        remove_id(&mut self.by_target, &rule.spec.target, id);
    }

    /// Removes the rules on a stream or a device.
    pub(in crate::store::catalog) fn remove_target(&mut self, target: RuleTarget) {
        for id in self.by_target.get(&target).cloned().unwrap_or_default() {
            self.remove(id);
        }
    }
}
