//! Alert rules of the demo.

use super::catalog::{DemoStreams, FURNACE, MOTOR, TANK};
use crate::app::App;
use crate::app::alert::AlertRuleFilter;
use crate::domain::alert::Severity;
use crate::domain::alert::rule::{AlertRuleSpec, Evaluation, Operator, Threshold};
use crate::domain::alert::target::RuleTarget;
use crate::domain::device::DeviceState;
use crate::domain::stream::Stream;
use crate::domain::{Principal, Result};

pub(super) const TOO_HOT: &str = "Furnace too hot";
pub(super) const NEARLY_FULL: &str = "Tank nearly full";
pub(super) const OFFLINE: &str = "Motor server offline";

/// Between the highest temperature of the furnace, some 653 °C, and what its thermometer shows when it drifts by 30 K.
pub(super) const TOO_HOT_C: f64 = 665.0;
/// Below the 90 % at which the switch of the tank closes.
pub(super) const NEARLY_FULL_PCT: f64 = 85.0;
/// How long the motor's server is away before somebody is told.
const OFFLINE_S: i64 = 10;
/// Shorter than the five minutes from one drift to the next, of which each is told.
const COOLDOWN_S: i64 = 60;

/// Creates the rules that are not there yet. An owner who renamed or deleted a stream does not want its rule.
pub(super) async fn create(app: &App, owner: &Principal) -> Result<()> {
    let known = app.alerts.alert_rules(owner, AlertRuleFilter::default())?;
    for spec in specs(&DemoStreams::load(app, owner)?) {
        if !known.iter().any(|known| known.rule.spec.name == spec.name) {
            app.alerts.create_alert_rule(owner, spec).await?;
        }
    }
    Ok(())
}

fn specs(streams: &DemoStreams) -> Vec<AlertRuleSpec> {
    let furnace = streams.find(FURNACE, "furnace.temperature").map(|stream| {
        let note = "The thermometer drifts 30 s after the start and every five minutes.";
        above(TOO_HOT, stream, TOO_HOT_C, note)
    });
    let tank = streams.find(TANK, "tank.level").map(|stream| {
        let note = "Close the outlet to see it: write 0 to tank.valve.";
        above(NEARLY_FULL, stream, NEARLY_FULL_PCT, note)
    });
    let motor = streams.find(MOTOR, "motor.speed").map(|stream| AlertRuleSpec {
        evaluation: Evaluation::DeviceState,
        window_s: Some(OFFLINE_S),
        operator: Some(Operator::Eq),
        threshold: Some(Threshold::Text(DeviceState::Offline.name().to_owned())),
        severity: Severity::Critical,
        description: Some("Start the demo with --fault disconnect:opcua@1m+1m to see it.".to_owned()),
        ..watching(OFFLINE, RuleTarget::Device(stream.spec.device))
    });
    [furnace, tank, motor].into_iter().flatten().collect()
}

/// Returns a rule that warns of values above a threshold.
fn above(name: &str, stream: &Stream, threshold: f64, note: &str) -> AlertRuleSpec {
    AlertRuleSpec {
        operator: Some(Operator::Gt),
        threshold: Some(Threshold::Number(threshold)),
        description: Some(note.to_owned()),
        ..watching(name, RuleTarget::Stream(stream.id))
    }
}

/// Returns a rule without a condition; its alerts are warnings, which end by themselves.
pub(super) fn watching(name: &str, target: RuleTarget) -> AlertRuleSpec {
    AlertRuleSpec {
        name: name.to_owned(),
        target,
        severity: Severity::Warning,
        cooldown_s: COOLDOWN_S,
        auto_resolve: true,
        ..AlertRuleSpec::blank()
    }
}
