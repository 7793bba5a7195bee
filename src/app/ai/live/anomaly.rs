//! Anomaly state machine of a live model: turns each score into new model progress and changes of the event log. Pure.

use crate::domain::model::{Anomaly, Model, ModelProgress, ModelSettings, ThresholdRun};
use crate::domain::{EventId, Micros};
use crate::infer::window::threshold::{AnomalyRun, AnomalyTransition, Peak, ThresholdRule, ThresholdState};
use crate::store::catalog::AnomalyEventChange;

/// While an anomaly is open, its event is updated with a new peak at most this often, in microseconds of reading time.
const PEAK_EVERY_US: i64 = 10 * 1_000_000;

/// The result of scoring one window.
pub struct AnomalyUpdate {
    pub progress: ModelProgress,
    pub event_change: Option<AnomalyEventChange>,
}

/// Returns the progress after a window with this score, and the event change that follows from it.
pub fn apply_score(
    model: &Model,
    name: &str,
    before: &ModelProgress,
    at: Micros,
    score: f64,
) -> AnomalyUpdate {
    let mut progress = ModelProgress { position: Some(at), ..*before };
    let Some(rule) = rule(&model.version.settings) else {
        progress.run = None;
        return close_anomaly(model, name, progress, at);
    };
    let mut crossing = ThresholdState {
        pending: before.run.map(run_of),
        open: before.open_anomaly.map(|(_, above)| run_of(above)),
    };
    let transition = rule.apply_score(&mut crossing, at, score);
    progress.run = crossing.pending.map(above_of);
    let event_change = match (transition, before.open_anomaly) {
        (Some(AnomalyTransition::Opened { .. }), _) => crossing.open.map(|run| {
            let above = above_of(run);
            AnomalyEventChange::Opened { event: anomaly(above, None).event(model, name), above }
        }),
        (Some(AnomalyTransition::Closed { .. }), Some((event, above))) => {
            progress.open_anomaly = None;
            Some(changed(model, name, event, anomaly(above, Some(at))))
        }
        (Some(AnomalyTransition::Peaked(peak)), Some((event, above))) => {
            let is_time = at.0.saturating_sub(above.peak_at.0) >= PEAK_EVERY_US;
            // Between two event updates only the progress has the new peak; `peak_at` keeps the time of the last
            // update.
            let peak_at = if is_time { peak.at } else { above.peak_at };
            let above = ThresholdRun { peak: peak.score, peak_at, ..above };
            progress.open_anomaly = Some((event, above));
            is_time.then(|| changed(model, name, event, anomaly(above, None)))
        }
        _ => None,
    };
    AnomalyUpdate { progress, event_change }
}

/// Returns the progress after a gap: windows on its two sides are not consecutive.
pub fn apply_gap(before: &ModelProgress) -> ModelProgress {
    ModelProgress { run: None, ..*before }
}

/// Closes the open anomaly, if any, of a model that no longer watches for one.
pub fn close_anomaly(model: &Model, name: &str, before: ModelProgress, at: Micros) -> AnomalyUpdate {
    let event_change =
        before.open_anomaly.map(|(event, above)| changed(model, name, event, anomaly(above, Some(at))));
    AnomalyUpdate { progress: ModelProgress { open_anomaly: None, ..before }, event_change }
}

fn rule(settings: &ModelSettings) -> Option<ThresholdRule> {
    ThresholdRule::new(settings.threshold?, settings.min_windows, settings.clear_ratio)
}

fn anomaly(above: ThresholdRun, ended_at: Option<Micros>) -> Anomaly {
    Anomaly { since: above.since, peak: above.peak, ended_at }
}

fn changed(model: &Model, name: &str, event: EventId, anomaly: Anomaly) -> AnomalyEventChange {
    let spec = anomaly.event(model, name);
    AnomalyEventChange::Changed { event, message: spec.message, payload: spec.payload }
}

fn run_of(above: ThresholdRun) -> AnomalyRun {
    let ThresholdRun { since, windows, peak, peak_at } = above;
    AnomalyRun { since, windows, peak: Peak { score: peak, at: peak_at } }
}

fn above_of(run: AnomalyRun) -> ThresholdRun {
    ThresholdRun { since: run.since, windows: run.windows, peak: run.peak.score, peak_at: run.peak.at }
}

#[cfg(test)]
#[path = "anomaly_tests.rs"]
mod tests;
