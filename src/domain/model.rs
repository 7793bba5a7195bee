//! Models: autoencoders that score windows of their sources' values by how unusual they are.
//!
//! A model belongs to an AI device and writes its scores to one of that device's streams. Each upload of its files is
//! a version; one version is current.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::device::Device;
use super::event::{EventSpec, Level};
use super::named_enum::named_enum;
use super::stream::Stream;
use super::validation::check_range;
use super::{DeviceId, EventId, FieldError, Micros, ModelId, OrgId, StreamId};

/// Kind of the events that models open.
pub const ANOMALY_EVENT_KIND: &str = "anomaly";

/// Scores and thresholds from this on are written with an exponent.
const MAX_PLAIN: f64 = 1e15;

/// Maximum number of sources per model.
pub const MAX_SOURCES: usize = 64;

/// Versions kept per model; uploading one more deletes the oldest.
pub const MAX_VERSIONS: usize = 10;

named_enum! {
    /// Architecture as declared by the owner. All three run alike; the kind tells which tensor shapes make sense.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum ModelKind {
        /// Convolutional autoencoder. Its input may be `[batch, time]`, for a single feature.
        CnnAe = "cnn_ae",
        /// Recurrent autoencoder; its input is `[batch, time, features]`.
        LstmAe = "lstm_ae",
        /// Smoothness-inducing sequential variational autoencoder; its input is `[batch, time, features]`.
        SisVae = "sisvae",
    }
    field "model_type";
}

named_enum! {
    /// How a window is compared with its reconstruction: over all samples and features, in scaled units.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub enum ScoreKind {
        /// Mean of the squared differences.
        #[default]
        Mse = "mse",
        /// Mean of the absolute differences.
        Mae = "mae",
        /// Square root of `Mse`.
        Rmse = "rmse",
    }
    field "score";
}

/// Settings of a model version, stored beside its files.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSettings {
    /// Architecture as declared by the owner.
    pub kind: ModelKind,
    /// In the order of the scaler's features.
    pub sources: Vec<StreamId>,
    /// Seconds between two samples, 0.001..=86400.
    pub interval_s: f64,
    /// Measure of a window's deviation from its reconstruction.
    pub score: ScoreKind,
    /// Index of the output that is the reconstruction; `None` selects the output with the shape of the input.
    pub output: Option<usize>,
    /// Scores above it are anomalies; `None` only writes scores.
    pub threshold: Option<f64>,
    /// An anomaly ends when the score falls below this fraction of the threshold, 0.01..=1.
    pub clear_ratio: f64,
    /// Consecutive windows above the threshold that open an anomaly, 1..=10000.
    pub min_windows: u32,
}

impl ModelSettings {
    /// Default settings: one sample per second, MSE, no threshold.
    pub fn new(kind: ModelKind, sources: Vec<StreamId>) -> Self {
        Self {
            kind,
            sources,
            interval_s: 1.0,
            score: ScoreKind::default(),
            output: None,
            threshold: None,
            clear_ratio: 0.9,
            min_windows: 1,
        }
    }

    /// Checks every rule that needs neither another row nor a file; returns the fields that are wrong.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        if self.sources.is_empty() {
            found.push(FieldError::new("source", "This field is required."));
        } else if self.sources.len() > MAX_SOURCES {
            found
                .push(FieldError::new("source", format!("Ensure there are no more than {MAX_SOURCES} ids.")));
        }
        let twice = self.sources.iter().enumerate().find(|(i, id)| self.sources[..*i].contains(id));
        if let Some((_, id)) = twice {
            found.push(FieldError::new("source", format!("Data {id} is named twice.")));
        }
        check_range(&mut found, "interval", self.interval_s, 0.001, 86_400.0);
        if let Some(threshold) = self.threshold {
            check_range(&mut found, "threshold", threshold, 0.0, f64::MAX);
        }
        check_range(&mut found, "clear_ratio", self.clear_ratio, 0.01, 1.0);
        check_range(&mut found, "min_windows", f64::from(self.min_windows), 1.0, 10_000.0);
        found
    }

    /// Sampling interval in microseconds, at least 1.
    pub fn interval_us(&self) -> i64 {
        ((self.interval_s * 1e6).round() as i64).max(1)
    }
}

/// One of the two files of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFileInfo {
    /// File name as uploaded.
    pub name: String,
    /// File size, bytes.
    pub size_bytes: u64,
    /// SHA-256 of the file, 64 lower-case hexadecimal digits.
    pub sha256: String,
}

/// A model version as stored, without the bytes of its files.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelVersion {
    /// Starts at 1, never reused.
    pub number: i32,
    /// Settings that this version scores with.
    pub settings: ModelSettings,
    /// The TensorFlow Lite file.
    pub model: ModelFileInfo,
    /// The scikit-learn scaler, a pickle or joblib file.
    pub scaler: ModelFileInfo,
    /// Time of the upload.
    pub created_at: Micros,
}

/// A model as stored: its owner and its current version.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Row id.
    pub id: ModelId,
    /// Organization that owns the model.
    pub org: OrgId,
    /// Device of protocol `ai` that the model belongs to.
    pub device: DeviceId,
    /// Stream that receives the scores.
    pub stream: StreamId,
    /// Whether new readings are scored.
    pub enabled: bool,
    /// Version in use.
    pub version: ModelVersion,
    /// Time of the first upload.
    pub created_at: Micros,
    /// Time of the last change of its settings or version.
    pub updated_at: Micros,
}

/// Rows that an upload created or changed.
#[derive(Debug, Clone)]
pub struct UploadedModel {
    /// The AI device, new unless the upload named one.
    pub device: Arc<Device>,
    /// The stream of scores.
    pub stream: Arc<Stream>,
    /// The model with the uploaded version.
    pub model: Arc<Model>,
}

/// File contents of a version.
#[derive(Clone)]
pub struct ModelFiles {
    /// Bytes of the TensorFlow Lite file.
    pub model: Vec<u8>,
    /// Bytes of the scaler file.
    pub scaler: Vec<u8>,
}

/// Live scoring progress of a model and its open anomaly, persisted so that a restart neither skips nor repeats a
/// window.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ModelProgress {
    /// Time of the newest sample of the last scored window.
    pub position: Option<Micros>,
    /// The current run above the threshold, while it is too short to be an anomaly.
    pub run: Option<ThresholdRun>,
    /// The anomaly in progress, and the event that reports it.
    pub open_anomaly: Option<(EventId, ThresholdRun)>,
    /// Late readings that are not yet in the scores.
    pub late: Option<LateRange>,
    /// Every reading in log records before this sequence number is in the scores, in `late`, or later than
    /// `position`. `None` where that is not known.
    pub consumed_seq: Option<u64>,
}

/// Time range of readings that arrived after their windows had been scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LateRange {
    /// Time of the oldest such reading.
    pub oldest: Micros,
    /// Time of the newest such reading.
    pub newest: Micros,
}

impl LateRange {
    /// The range of a single time.
    pub fn at(ts: Micros) -> Self {
        LateRange { oldest: ts, newest: ts }
    }

    /// The smallest range that covers both.
    pub fn merged_with(self, other: Option<LateRange>) -> Self {
        other.map_or(self, |other| LateRange {
            oldest: self.oldest.min(other.oldest),
            newest: self.newest.max(other.newest),
        })
    }
}

/// A run of consecutive windows above the threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ThresholdRun {
    /// End of the run's first window.
    pub since: Micros,
    /// Number of windows until the run became an anomaly.
    pub windows: u32,
    /// Highest score so far, and the end of its window.
    pub peak: f64,
    /// End of the window with the highest score.
    pub peak_at: Micros,
}

/// An anomaly as recorded in the event log.
#[derive(Debug, Clone, PartialEq)]
pub struct Anomaly {
    /// End of the first window above the threshold.
    pub since: Micros,
    /// Highest score so far.
    pub peak: f64,
    /// End of the window that closed the anomaly; `None` while it is open.
    pub ended_at: Option<Micros>,
}

impl Anomaly {
    /// The event for the anomaly's current state; its message begins with `name`, the name of the device.
    pub fn event(&self, model: &Model, name: &str) -> EventSpec {
        let threshold = model.version.settings.threshold;
        let over = threshold.map_or_else(String::new, |t| format!(" (threshold {})", shortened(t)));
        EventSpec {
            device: Some(model.device),
            stream: Some(model.stream),
            kind: ANOMALY_EVENT_KIND.to_owned(),
            level: Level::Warning,
            ts: self.since,
            message: format!("{name}: score up to {}{over}", shortened(self.peak)),
            url: String::new(),
            payload: self.payload(model),
            acknowledged: false,
            note: None,
        }
    }

    /// The event's payload.
    pub fn payload(&self, model: &Model) -> Map<String, Value> {
        let fields = [
            ("model", json!(model.id.0)),
            ("version", json!(model.version.number)),
            ("threshold", json!(model.version.settings.threshold)),
            ("peak", json!(self.peak)),
            ("started_at", json!(self.since.to_iso())),
            ("ended_at", json!(self.ended_at.map(Micros::to_iso))),
        ];
        fields.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
    }
}

/// Four significant digits, which a message needs; the payload has all of them. Without a row of zeros behind them.
fn shortened(value: f64) -> String {
    let short: f64 = format!("{value:.3e}").parse().unwrap_or(value);
    if short < MAX_PLAIN { short.to_string() } else { format!("{short:e}") }
}
