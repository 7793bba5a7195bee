//! What live models say of themselves, for whoever asks.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::domain::model::Model;
use crate::domain::{Micros, ModelId};

/// What a model is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ModelState {
    Disabled,
    #[default]
    Starting,
    /// Judging what came while it was not running.
    CatchingUp,
    Running,
    /// It cannot be run; `last_error` says why. It is tried again.
    Failed,
}

impl ModelState {
    pub const ALL: [ModelState; 5] = [
        ModelState::Disabled,
        ModelState::Starting,
        ModelState::CatchingUp,
        ModelState::Running,
        ModelState::Failed,
    ];

    pub fn name(self) -> &'static str {
        match self {
            ModelState::Disabled => "disabled",
            ModelState::Starting => "starting",
            ModelState::CatchingUp => "catching_up",
            ModelState::Running => "running",
            ModelState::Failed => "failed",
        }
    }
}

/// A model in numbers, since the start of the server.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelStatus {
    pub state: ModelState,
    /// The time of the newest sample judged.
    pub position: Option<Micros>,
    /// How far that is behind now, seconds. It grows when the model or its sources do not keep up.
    pub lag_s: Option<f64>,
    /// Windows judged.
    pub windows: u64,
    /// Stretches in which a source said nothing for longer than three intervals: no window across them is judged.
    pub gaps: u64,
    /// Readings that came after their time had been judged.
    pub late: u64,
    /// How often the model was so far behind that it had to read its sources from the lake again.
    pub behind: u64,
    pub last_score: Option<f64>,
    pub is_anomalous: bool,
    pub last_error: Option<String>,
}

/// Every live model's status.
#[derive(Default)]
pub(in crate::app::ai) struct Board(Mutex<HashMap<ModelId, ModelStatus>>);

impl Board {
    /// The status of a model as it is stored now.
    pub fn status(&self, model: &Model, now: Micros) -> ModelStatus {
        let known = self.0.lock().get(&model.id).cloned().unwrap_or_default();
        let state = if model.enabled { known.state } else { ModelState::Disabled };
        let lag_s =
            known.position.filter(|_| model.enabled).map(|at| now.0.saturating_sub(at.0) as f64 / 1e6);
        ModelStatus { state, lag_s, ..known }
    }

    pub fn change(&self, id: ModelId, change: impl FnOnce(&mut ModelStatus)) {
        change(self.0.lock().entry(id).or_default());
    }

    /// Forgets models that are no longer there.
    pub fn keep(&self, is_there: impl Fn(ModelId) -> bool) {
        self.0.lock().retain(|id, _| is_there(*id));
    }
}
