//! Status of the live models, for API and metrics.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::domain::model::Model;
use crate::domain::named_enum::named_enum;
use crate::domain::{Micros, ModelId};

named_enum! {
    /// State of a live model.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub enum ModelState {
        Disabled = "disabled",
        #[default]
        Starting = "starting",
        /// Scoring what was stored while the model was not running.
        CatchingUp = "catching_up",
        Running = "running",
        /// The model cannot run; `last_error` says why. It is retried.
        Failed = "failed",
    }
}

/// Status and counters of a model since the start of the server.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelStatus {
    pub state: ModelState,
    /// Time of the newest scored sample.
    pub position: Option<Micros>,
    /// How far `position` is behind now, seconds. The lag grows when the model or its sources do not keep up.
    pub lag_s: Option<f64>,
    /// Windows scored.
    pub windows: u64,
    /// Gaps: times in which a source was silent for longer than three intervals. No window across a gap is scored.
    pub gaps: u64,
    /// Readings that arrived after their time had been scored.
    pub late: u64,
    /// How often the model fell so far behind that it had to read its sources from the lake again.
    pub behind: u64,
    pub last_score: Option<f64>,
    pub is_anomalous: bool,
    pub last_error: Option<String>,
}

/// The status of every live model.
#[derive(Default)]
pub(in crate::app::ai) struct ModelStatuses(Mutex<HashMap<ModelId, ModelStatus>>);

impl ModelStatuses {
    /// Returns the status of a model as it is stored in the catalog now.
    pub fn status(&self, model: &Model, now: Micros) -> ModelStatus {
        let known = self.0.lock().get(&model.id).cloned().unwrap_or_default();
        let state = if model.enabled { known.state } else { ModelState::Disabled };
        let lag_s =
            known.position.filter(|_| model.enabled).map(|at| now.0.saturating_sub(at.0) as f64 / 1e6);
        ModelStatus { state, lag_s, ..known }
    }

    /// Changes the status of a model under the lock; a model without one starts with the default.
    pub fn change(&self, id: ModelId, change: impl FnOnce(&mut ModelStatus)) {
        change(self.0.lock().entry(id).or_default());
    }

    /// Removes models that no longer exist.
    pub fn keep(&self, is_there: impl Fn(ModelId) -> bool) {
        self.0.lock().retain(|id, _| is_there(*id));
    }
}
