//! Events of the demo's history: the alarms that its rules would have raised, and its end.

use serde_json::{Map, Value, json};

use super::rules::{NEARLY_FULL, OFFLINE, TOO_HOT};
use crate::app::App;
use crate::app::alert::AlertRuleFilter;
use crate::domain::alert::rule::{AlertRuleSpec, Threshold};
use crate::domain::device::{DeviceState, Protocol};
use crate::domain::event::{EventSpec, Level};
use crate::domain::{Micros, Principal, Result};
use crate::sim::Plant;
use crate::sim::past::PastMoment;

/// An alarm is over when its value is so far below the threshold: noise around it raises no other.
const HYSTERESIS: f64 = 5.0;

/// Returns the events of a history that ends at `end`.
pub(super) fn all(
    app: &App,
    owner: &Principal,
    moments: &[PastMoment],
    end: Micros,
) -> Result<Vec<EventSpec>> {
    let mut found = vec![end_of_history(end)];
    for shown in app.alerts.alert_rules(owner, AlertRuleFilter::default())? {
        let rule = &shown.rule.spec;
        let stream = rule.target.stream();
        let measured = stream.map(|id| app.streams.stream(owner, id)).transpose()?;
        let device = rule.target.device().or(measured.map(|stream| stream.spec.device));
        let place = |alarm| EventSpec { device, stream, ..alarm };
        found.extend(alarms(rule, moments).into_iter().map(place));
    }
    Ok(found)
}

/// The event where calculated readings end, for those who look at this time.
fn end_of_history(end: Micros) -> EventSpec {
    let message = "Simulated history ends: earlier readings and alarms were calculated when the demo was first started, later ones \
                   come from its simulated devices.";
    past_event("history", Level::Info, end, message.to_owned())
}

/// Returns what a rule of the demo would have raised.
fn alarms(rule: &AlertRuleSpec, moments: &[PastMoment]) -> Vec<EventSpec> {
    match rule.name.as_str() {
        TOO_HOT => alarms_of_values(rule, moments, |plant| plant.furnace.chamber_c),
        NEARLY_FULL => alarms_of_values(rule, moments, |plant| plant.tank.level_pct),
        OFFLINE => alarms_of_outages(rule, moments),
        _ => Vec::new(),
    }
}

/// Returns an alarm for each time at which a value rose above the rule's threshold.
fn alarms_of_values(
    rule: &AlertRuleSpec,
    moments: &[PastMoment],
    value: fn(&Plant) -> f64,
) -> Vec<EventSpec> {
    let Some(Threshold::Number(threshold)) = rule.threshold else { return Vec::new() };
    let mut is_above = false;
    let mut alarms = Vec::new();
    for moment in moments {
        let value = value(&moment.plant);
        if value > threshold && !is_above {
            alarms.push(alarm(rule, moment.ts, &json!((value * 10.0).round() / 10.0)));
        }
        is_above = value > threshold || (is_above && value > threshold - HYSTERESIS);
    }
    alarms
}

/// Returns an alarm for each time at which the motor's server was lost.
fn alarms_of_outages(rule: &AlertRuleSpec, moments: &[PastMoment]) -> Vec<EventSpec> {
    let mut was_away = false;
    let mut alarms = Vec::new();
    for moment in moments {
        let is_away = moment.plant.is_away(Protocol::Opcua);
        if is_away && !was_away {
            alarms.push(alarm(rule, moment.ts, &json!(DeviceState::Offline.name())));
        }
        was_away = is_away;
    }
    alarms
}

fn alarm(rule: &AlertRuleSpec, ts: Micros, value: &Value) -> EventSpec {
    past_event("alarm", rule.severity.level(), ts, rule.message(value))
}

/// Returns an event that is marked as simulated, and which nobody needs to look at.
fn past_event(kind: &str, level: Level, ts: Micros, message: String) -> EventSpec {
    EventSpec {
        device: None,
        stream: None,
        kind: kind.to_owned(),
        level,
        ts,
        message,
        url: String::new(),
        payload: Map::from_iter([("simulated".to_owned(), json!(true))]),
        acknowledged: true,
        note: Some("Simulated history of the demo.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::demo::rules::{NEARLY_FULL_PCT, TOO_HOT_C, watching};
    use crate::domain::StreamId;
    use crate::domain::alert::target::RuleTarget;
    use crate::domain::time::MICROS_PER_HOUR;
    use crate::sim::past::past_until;

    /// A Saturday evening.
    const END: Micros = Micros(1_764_439_200_000_000);

    #[test]
    fn every_week_raises_the_same_alarms_whenever_it_ends() {
        let rule = |name: &str, threshold: Option<f64>| AlertRuleSpec {
            threshold: threshold.map(Threshold::Number),
            ..watching(name, RuleTarget::Stream(StreamId(1)))
        };
        let expected = [
            (rule(TOO_HOT, Some(TOO_HOT_C)), 2),
            (rule(NEARLY_FULL, Some(NEARLY_FULL_PCT)), 1),
            (rule(OFFLINE, None), 1),
        ];
        // Ends on five days, each at another hour.
        for hours in (0..7 * 24).step_by(37) {
            let end = Micros(END.0 + hours * MICROS_PER_HOUR);
            let moments = past_until(end).moments;
            for (rule, times) in &expected {
                let alarms = alarms(rule, &moments);
                assert_eq!(alarms.len(), *times, "{} in the week before {end}: {alarms:?}", rule.name);
            }
        }
    }
}
