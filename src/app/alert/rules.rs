//! Alert rules: listed, created, changed and deleted.

use std::sync::Arc;

use uuid::Uuid;

use crate::app::alert::AlertService;
use crate::domain::alert::rule::{AlertRule, AlertRuleSpec};
use crate::domain::alert::target::RuleTarget;
use crate::domain::companion::Companion;
use crate::domain::{AlertRuleId, DeviceId, Error, FieldError, Principal, Resource, Result, Scope, StreamId};

/// A rule with the ids that what it watches is shown with.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownAlertRule {
    pub rule: Arc<AlertRule>,
    /// UUID of the stream; `None` of a rule on a device.
    pub sensor: Option<Uuid>,
    /// UUID of the device whose state is watched; `None` of a rule on a stream.
    pub device: Option<Uuid>,
    /// Alerts that were not raised because the rule had raised enough in the hour, since it was made.
    pub suppressed: u64,
    /// Readings that were too old to be evaluated when they arrived, since the start of the server.
    pub old_readings: u64,
}

/// Which rules are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AlertRuleFilter {
    /// UUID of the stream.
    pub sensor: Option<Uuid>,
    /// UUID of the device whose state is watched.
    pub device: Option<Uuid>,
    pub enabled: Option<bool>,
}

impl AlertService {
    /// Returns the rules that the principal sees, the oldest first.
    pub fn alert_rules(&self, principal: &Principal, filter: AlertRuleFilter) -> Result<Vec<ShownAlertRule>> {
        principal.require(Scope::read(Resource::EventLog))?;
        let rules = self.store.catalog().alerts.alert_rules(principal);
        let shown = rules.into_iter().filter_map(|rule| self.shown_rule(principal, rule).ok());
        let is_wanted = |shown: &ShownAlertRule| {
            filter.sensor.is_none_or(|sensor| Some(sensor) == shown.sensor)
                && filter.device.is_none_or(|device| Some(device) == shown.device)
                && filter.enabled.is_none_or(|enabled| enabled == shown.rule.spec.enabled)
        };
        Ok(shown.filter(is_wanted).collect())
    }

    /// Returns a rule by its UUID; `NotFound` when it is absent or its target is not visible.
    pub fn alert_rule(&self, principal: &Principal, uuid: Uuid) -> Result<ShownAlertRule> {
        principal.require(Scope::read(Resource::EventLog))?;
        self.shown_rule(principal, self.store.catalog().alerts.alert_rule(principal, uuid)?)
    }

    /// Returns a rule by its row.
    pub fn alert_rule_by_id(&self, principal: &Principal, id: AlertRuleId) -> Result<ShownAlertRule> {
        principal.require(Scope::read(Resource::EventLog))?;
        self.shown_rule(principal, self.store.catalog().alerts.alert_rule_by_id(principal, id)?)
    }

    /// Returns the rule for a principal that may change it.
    pub fn alert_rule_to_change(&self, principal: &Principal, uuid: Uuid) -> Result<ShownAlertRule> {
        self.check_may_change_alert_rules(principal)?;
        self.shown_rule(principal, self.store.catalog().alerts.alert_rule(principal, uuid)?)
    }

    /// Requires a principal that may change alert rules.
    pub fn check_may_change_alert_rules(&self, principal: &Principal) -> Result<()> {
        principal.require(Scope::write(Resource::EventLog))
    }

    /// Returns the stream that a rule watches, by the UUID of a sensor.
    ///
    /// # Errors
    /// `NotFound`, also for a stream that is no sensor.
    pub fn watched_stream(&self, principal: &Principal, sensor: Uuid) -> Result<StreamId> {
        let stream = self.store.catalog().streams.stream_by_uuid(principal, sensor)?;
        if Companion::of(&stream.spec).is_some() {
            return Err(Error::not_found());
        }
        Ok(stream.id)
    }

    /// Returns the device whose state a rule watches, by its UUID.
    pub fn watched_device(&self, principal: &Principal, device: Uuid) -> Result<DeviceId> {
        Ok(self.store.catalog().devices.device_by_uuid(principal, device)?.id)
    }

    /// Returns every problem of a rule as it would be stored, except that of a name that is taken. `stored` is the rule
    /// that is to be changed.
    pub fn alert_rule_problems(
        &self,
        principal: &Principal,
        spec: &AlertRuleSpec,
        stored: Option<Uuid>,
    ) -> Vec<FieldError> {
        self.store.catalog().alerts.alert_rule_problems(principal, spec, stored)
    }

    /// Creates a rule, which evaluates what is written, or what state its device is in, from now on.
    ///
    /// # Errors
    /// `Invalid` with every problem; `Conflict` for a name that is taken; `LimitReached`.
    pub async fn create_alert_rule(
        &self,
        principal: &Principal,
        spec: AlertRuleSpec,
    ) -> Result<ShownAlertRule> {
        self.check_may_change_alert_rules(principal)?;
        let next_seq = self.store.current_position().seq;
        let rule = self.store.catalog().alerts.create_alert_rule(principal, spec, next_seq).await?;
        self.shown_rule(principal, rule)
    }

    /// Changes a rule as it is stored at that moment. One that is evaluated differently afterwards forgets what it
    /// remembers.
    ///
    /// # Errors
    /// `Invalid` with every problem; `NotFound`; `Conflict` for a name that is taken.
    pub async fn update_alert_rule(
        &self,
        principal: &Principal,
        uuid: Uuid,
        change: impl FnOnce(&mut AlertRuleSpec) + Send,
    ) -> Result<ShownAlertRule> {
        self.update_alert_rule_version(principal, (uuid, None), change).await
    }

    /// Changes a rule, and with a version only that version of it, as it is stored at that moment.
    ///
    /// # Errors
    /// `Invalid` with every problem; `NotFound`; `Conflict` for a name that is taken or another version.
    pub async fn update_alert_rule_version(
        &self,
        principal: &Principal,
        place: (Uuid, Option<i32>),
        change: impl FnOnce(&mut AlertRuleSpec) + Send,
    ) -> Result<ShownAlertRule> {
        self.check_may_change_alert_rules(principal)?;
        let next_seq = self.store.current_position().seq;
        let rule = self.store.catalog().alerts.update_alert_rule(principal, place, next_seq, change).await?;
        self.shown_rule(principal, rule)
    }

    /// Deletes a rule. Its alerts stay.
    pub async fn delete_alert_rule(&self, principal: &Principal, uuid: Uuid) -> Result<()> {
        self.check_may_change_alert_rules(principal)?;
        self.store.catalog().alerts.delete_alert_rule(principal, uuid).await
    }

    fn shown_rule(&self, principal: &Principal, rule: Arc<AlertRule>) -> Result<ShownAlertRule> {
        let catalog = self.store.catalog();
        let (sensor, device) = match rule.spec.target {
            RuleTarget::Stream(id) => (Some(catalog.streams.stream(principal, id)?.uuid), None),
            RuleTarget::Device(id) => (None, Some(catalog.devices.device(principal, id)?.aliases.uuid)),
        };
        let (suppressed, old_readings) = (self.counters.of_rule(rule.id), self.counters.old_of_rule(rule.id));
        Ok(ShownAlertRule { rule, sensor, device, suppressed, old_readings })
    }
}
