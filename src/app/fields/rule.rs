//! The fields of an alert rule.

use serde_json::Value;
use uuid::Uuid;

use super::reader::FieldReader;
use super::version::read_version;
use super::visitor::Presence::{Optional, Required};
use crate::app::alert::AlertService;
use crate::app::alert::ShownAlertRule;
use crate::domain::alert::rule::{AlertRuleSpec, COOLDOWNS_S, Evaluation, Threshold, WINDOWS_S};
use crate::domain::alert::simulation::SimulationResult;
use crate::domain::alert::target::RuleTarget;
use crate::domain::companion::Companion;
use crate::domain::document::rules::MAX_NAME;
use crate::domain::{DeviceId, FieldError, Micros, Principal, Result, StreamId};

/// Message of a field without which a rule has nothing to watch.
const REQUIRED: &str = "This field is required.";

/// Reads every field of a rule.
fn read_rule(fields: &mut FieldReader, spec: &mut AlertRuleSpec) {
    // All fields by name: one that is missing here does not compile.
    let AlertRuleSpec {
        name,
        target,
        evaluation,
        window_s,
        operator,
        threshold,
        severity,
        cooldown_s,
        auto_resolve,
        enabled,
        channels,
        description,
    } = spec;
    fields.read("name", Required, 1..=MAX_NAME, name);
    fields.read("evaluation", Optional, (), evaluation);
    *target = read_target(fields, *target, *evaluation);
    fields.read("window_seconds", Optional, WINDOWS_S, window_s);
    fields.read("operator", Optional, (), operator);
    read_threshold(fields, threshold);
    fields.read("severity", Required, (), severity);
    fields.read("cooldown_seconds", Optional, COOLDOWNS_S, cooldown_s);
    fields.read("auto_resolve", Optional, (), auto_resolve);
    fields.read("enabled", Optional, (), enabled);
    read_channels(fields, channels);
    fields.text_or_null("description", description);
}

/// Reads the fields of a change onto a stored rule, or of a whole one in place of it.
fn change_rule(fields: &mut FieldReader, stored: &mut AlertRuleSpec) {
    if fields.is_whole() {
        *stored = AlertRuleSpec::blank();
    }
    read_rule(fields, stored);
}

/// Reads what the rule watches: a device for [`Evaluation::DeviceState`], else a stream. The other one is ignored.
fn read_target(fields: &mut FieldReader, current: RuleTarget, evaluation: Evaluation) -> RuleTarget {
    let known = current.is_known().then_some(current);
    let mut stream = known.and_then(RuleTarget::stream);
    let mut device = known.and_then(RuleTarget::device);
    fields.row_or_null("stream", StreamId, &mut stream);
    fields.row_or_null("device", DeviceId, &mut device);
    let (name, is_missing) = match evaluation {
        Evaluation::DeviceState => ("device", device.is_none()),
        _ => ("stream", stream.is_none()),
    };
    if is_missing && fields.is_sound(name) {
        fields.add_error(name, REQUIRED);
    }
    evaluation.target(stream, device)
}

fn read_threshold(fields: &mut FieldReader, threshold: &mut Option<Threshold>) {
    fields.take_or_null("threshold", threshold, |value| match value {
        Value::String(text) => Ok(Threshold::Text(text)),
        Value::Number(number) => {
            let number = number.as_f64().ok_or_else(|| "must be a finite number".to_owned())?;
            Ok(Threshold::Number(number))
        }
        _ => Err("must be a number or a text".to_owned()),
    });
}

fn read_channels(fields: &mut FieldReader, channels: &mut Vec<Uuid>) {
    let mut names: Vec<String> = channels.iter().map(Uuid::to_string).collect();
    fields.texts("channels", &mut names);
    let read: std::result::Result<Vec<Uuid>, _> = names.iter().map(|name| Uuid::try_parse(name)).collect();
    match read {
        Ok(read) => *channels = read,
        Err(_) => fields.add_error("channels", "must be a list of UUIDs"),
    }
}

impl AlertService {
    /// Every problem of a rule. A stream that accompanies another one counts as absent.
    fn problems_of_rule(
        &self,
        principal: &Principal,
        spec: &AlertRuleSpec,
        stored: Option<Uuid>,
    ) -> Vec<FieldError> {
        let mut problems = self.alert_rule_problems(principal, spec, stored);
        let stream =
            spec.target.stream().and_then(|id| self.store.catalog().streams.stream(principal, id).ok());
        if stream.is_some_and(|stream| Companion::of(&stream.spec).is_some()) {
            problems.push(FieldError::new("stream", "does not exist"));
        }
        problems
    }

    /// Reads a whole rule; absent fields get their defaults.
    fn read_new_rule(&self, principal: &Principal, mut fields: FieldReader) -> Result<AlertRuleSpec> {
        let mut spec = AlertRuleSpec::blank();
        read_rule(&mut fields, &mut spec);
        spec.normalize();
        fields.finish(self.problems_of_rule(principal, &spec, None))?;
        Ok(spec)
    }

    /// Creates a rule, which evaluates what is written, or what state its device is in, from now on.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field; otherwise the errors of [`AlertService::create_alert_rule`].
    pub async fn create_rule_from_fields(
        &self,
        principal: &Principal,
        fields: FieldReader,
    ) -> Result<ShownAlertRule> {
        self.check_may_change_alert_rules(principal)?;
        let spec = self.read_new_rule(principal, fields)?;
        self.create_alert_rule(principal, spec).await
    }

    /// Changes the given fields of a rule. A whole row replaces it: absent fields get their defaults.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field; `NotFound`; `Conflict` for a name that is taken, and for another version than that of the
    /// fields.
    pub async fn update_rule_from_fields(
        &self,
        principal: &Principal,
        uuid: Uuid,
        mut given: FieldReader,
    ) -> Result<ShownAlertRule> {
        let current = self.alert_rule_to_change(principal, uuid)?;
        let (version, mut changed) = (read_version(&mut given), current.rule.spec.clone());
        let mut fields = given.clone();
        change_rule(&mut fields, &mut changed);
        changed.normalize();
        fields.finish(self.problems_of_rule(principal, &changed, Some(uuid)))?;
        // Read again onto the row stored by then: concurrent updates of different fields must both last.
        let change = move |spec: &mut AlertRuleSpec| change_rule(&mut given.clone(), spec);
        self.update_alert_rule_version(principal, (uuid, version), change).await
    }

    /// Evaluates a rule that is not stored over the past.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field, and for a range that is empty, too long or has too many readings; `Busy`, `Timeout` or
    /// `TooLarge` for the limits of queries.
    pub async fn dry_run_rule_from_fields(
        &self,
        principal: &Principal,
        fields: FieldReader,
        (from, to): (Micros, Micros),
    ) -> Result<SimulationResult> {
        self.check_may_change_alert_rules(principal)?;
        let spec = self.read_new_rule(principal, fields)?;
        self.dry_run_alert_rule(principal, spec, (from, to)).await
    }
}
