//! JSON views of models, their versions and windows.

use serde::Serialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::app::ai::ModelStatus;
use crate::app::ai::calibrate::{CalibrationPreview, ScoreBin};
use crate::app::ai::inspect::WindowInspection;
use crate::domain::model::{Model, ModelFileInfo, ModelSettings, ModelVersion};
use crate::domain::{DeviceId, Micros, ModelId, StreamId};

/// Renders one source as an id and several as a list.
pub fn sources_to_json(sources: &[StreamId]) -> Value {
    match sources {
        [one] => json!(one),
        several => json!(several),
    }
}

/// A stored file of a version: name, size and hash.
#[derive(Debug, Serialize)]
pub struct FileView {
    file: String,
    size: u64,
    sha256: String,
}

impl From<&ModelFileInfo> for FileView {
    fn from(facts: &ModelFileInfo) -> Self {
        Self { file: facts.name.clone(), size: facts.size_bytes, sha256: facts.sha256.clone() }
    }
}

/// Settings of a version.
#[derive(Debug, Serialize)]
struct SettingsView {
    sources: Vec<StreamId>,
    model_type: &'static str,
    threshold: Option<f64>,
    interval: f64,
    score: &'static str,
    output: Option<usize>,
    clear_ratio: f64,
    min_windows: u32,
    model: FileView,
    scaler: FileView,
    created_at: String,
}

impl From<&ModelVersion> for SettingsView {
    fn from(version: &ModelVersion) -> Self {
        let ModelVersion { settings, model, scaler, created_at, .. } = version;
        let ModelSettings { kind, sources, interval_s, score, .. } = settings;
        Self {
            sources: sources.clone(),
            model_type: kind.name(),
            threshold: settings.threshold,
            interval: *interval_s,
            score: score.name(),
            output: settings.output,
            clear_ratio: settings.clear_ratio,
            min_windows: settings.min_windows,
            model: model.into(),
            scaler: scaler.into(),
            created_at: created_at.to_iso(),
        }
    }
}

/// A stored version of a model.
#[derive(Debug, Serialize)]
pub struct VersionView {
    version: i32,
    #[serde(flatten)]
    settings: SettingsView,
}

impl From<&ModelVersion> for VersionView {
    fn from(version: &ModelVersion) -> Self {
        Self { version: version.number, settings: version.into() }
    }
}

/// A model with its current version and status.
#[derive(Debug, Serialize)]
pub struct ModelView {
    id: ModelId,
    device: DeviceId,
    data: StreamId,
    enabled: bool,
    #[serde(flatten)]
    version: VersionView,
    updated_at: String,
    status: ModelStatusView,
}

impl ModelView {
    /// Builds the view of a model with its current status.
    pub fn new(app: &App, model: &Model) -> Self {
        Self {
            id: model.id,
            device: model.device,
            data: model.stream,
            enabled: model.enabled,
            version: (&model.version).into(),
            updated_at: model.updated_at.to_iso(),
            status: app.models.status_of_model(model).into(),
        }
    }
}

/// State and counters of a running model.
#[derive(Debug, Serialize)]
struct ModelStatusView {
    state: &'static str,
    position: Option<String>,
    lag_s: Option<f64>,
    windows: u64,
    gaps: u64,
    late: u64,
    behind: u64,
    last_score: Option<f64>,
    is_anomalous: bool,
    last_error: Option<String>,
}

impl From<ModelStatus> for ModelStatusView {
    fn from(status: ModelStatus) -> Self {
        Self {
            state: status.state.name(),
            position: status.position.map(Micros::to_iso),
            lag_s: status.lag_s,
            windows: status.windows,
            gaps: status.gaps,
            late: status.late,
            behind: status.behind,
            last_score: status.last_score,
            is_anomalous: status.is_anomalous,
            last_error: status.last_error,
        }
    }
}

/// The new threshold and the number of windows it was computed from.
#[derive(Debug, Serialize)]
pub struct CalibratedView {
    pub(super) threshold: f64,
    pub(super) windows: usize,
}

/// Preview of a calibration.
#[derive(Debug, Serialize)]
pub struct CalibrationPreviewView {
    threshold: f64,
    windows: usize,
    events: usize,
    histogram: Vec<ScoreBinView>,
}

#[derive(Debug, Serialize)]
struct ScoreBinView {
    from: f64,
    to: f64,
    count: usize,
}

impl From<CalibrationPreview> for CalibrationPreviewView {
    fn from(preview: CalibrationPreview) -> Self {
        let CalibrationPreview { threshold, windows, events, histogram } = preview;
        let bin = |bin: ScoreBin| ScoreBinView { from: bin.from, to: bin.to, count: bin.count };
        Self { threshold, windows, events, histogram: histogram.into_iter().map(bin).collect() }
    }
}

/// An input window of a model and its score.
#[derive(Debug, Serialize)]
pub struct WindowView {
    from: String,
    to: String,
    score: f64,
    sources: Vec<StreamId>,
    timestamps: Vec<String>,
    input: Vec<Vec<f64>>,
    reconstruction: Vec<Vec<f64>>,
}

impl From<WindowInspection> for WindowView {
    fn from(window: WindowInspection) -> Self {
        let rows = |values: &[f64]| values.chunks(window.sources.len()).map(<[f64]>::to_vec).collect();
        let iso = |ts: &Micros| ts.to_iso();
        Self {
            from: window.times.first().map(iso).unwrap_or_default(),
            to: window.times.last().map(iso).unwrap_or_default(),
            score: window.score,
            timestamps: window.times.iter().map(iso).collect(),
            input: rows(&window.input),
            reconstruction: rows(&window.reconstruction),
            sources: window.sources,
        }
    }
}
