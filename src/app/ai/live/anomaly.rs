//! From a model's scores to its events: what is remembered between windows, and what the event log is told.

use crate::domain::model::{Above, Anomaly, Model, ModelProgress, ModelSettings};
use crate::domain::{EventId, Micros};
use crate::infer::window::crossing::{Crossing, Peak, Rule, Run, Transition};
use crate::store::catalog::Told;

/// While an anomaly goes on its event learns of a new peak this often, microseconds of the readings' time.
const PEAK_EVERY_US: i64 = 10 * 1_000_000;

/// What a window has changed.
pub struct Judgement {
    pub progress: ModelProgress,
    pub told: Option<Told>,
}

/// The progress behind a window with its score, and what there is to tell.
pub fn judge(model: &Model, name: &str, before: &ModelProgress, at: Micros, score: f64) -> Judgement {
    let mut progress = ModelProgress { position: Some(at), ..*before };
    let Some(rule) = rule(&model.version.settings) else {
        progress.run = None;
        return end(model, name, progress, at);
    };
    let mut crossing =
        Crossing { run: before.run.map(run_of), open: before.open.map(|(_, above)| run_of(above)) };
    let transition = rule.score(&mut crossing, at, score);
    progress.run = crossing.run.map(above_of);
    let told = match (transition, before.open) {
        (Some(Transition::Opened { .. }), _) => crossing.open.map(|run| {
            let above = above_of(run);
            Told::Opened { event: anomaly(above, None).event(model, name), above }
        }),
        (Some(Transition::Closed { .. }), Some((event, above))) => {
            progress.open = None;
            Some(changed(model, name, event, anomaly(above, Some(at))))
        }
        (Some(Transition::Peaked(peak)), Some((event, above))) => {
            let is_time = at.0.saturating_sub(above.peak_at.0) >= PEAK_EVERY_US;
            // Between two tellings the peak is in the progress alone; its time is that of the last telling.
            let peak_at = if is_time { peak.at } else { above.peak_at };
            let above = Above { peak: peak.score, peak_at, ..above };
            progress.open = Some((event, above));
            is_time.then(|| changed(model, name, event, anomaly(above, None)))
        }
        _ => None,
    };
    Judgement { progress, told }
}

/// The progress behind a gap: windows on its two sides do not follow each other.
pub fn gap(before: &ModelProgress) -> ModelProgress {
    ModelProgress { run: None, ..*before }
}

/// Ends an anomaly that nobody watches any more.
pub fn end(model: &Model, name: &str, before: ModelProgress, at: Micros) -> Judgement {
    let told = before.open.map(|(event, above)| changed(model, name, event, anomaly(above, Some(at))));
    Judgement { progress: ModelProgress { open: None, ..before }, told }
}

fn rule(settings: &ModelSettings) -> Option<Rule> {
    Rule::new(settings.threshold?, settings.min_windows, settings.clear_ratio)
}

fn anomaly(above: Above, ended_at: Option<Micros>) -> Anomaly {
    Anomaly { since: above.since, peak: above.peak, ended_at }
}

fn changed(model: &Model, name: &str, event: EventId, anomaly: Anomaly) -> Told {
    let spec = anomaly.event(model, name);
    Told::Changed { event, message: spec.message, payload: spec.payload }
}

fn run_of(above: Above) -> Run {
    let Above { since, windows, peak, peak_at } = above;
    Run { since, windows, peak: Peak { score: peak, at: peak_at } }
}

fn above_of(run: Run) -> Above {
    Above { since: run.since, windows: run.windows, peak: run.peak.score, peak_at: run.peak.at }
}

#[cfg(test)]
#[path = "anomaly_tests.rs"]
mod tests;
