//! Models: autoencoders that look at windows of their sources' values and say how unusual these are.
//!
//! A model is of an AI device and writes its scores to one of that device's streams. Its files are versions; one is current.

use std::str::FromStr;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::check::check_range;
use super::device::Device;
use super::event::{EventSpec, Level};
use super::stream::Stream;
use super::{DeviceId, Error, EventId, FieldError, Micros, ModelId, OrgId, Result, StreamId};

/// The kind of the events that models open.
pub const ANOMALY: &str = "anomaly";

/// Sources that one model may have.
pub const MAX_SOURCES: usize = 64;

/// Versions of a model that are kept; the oldest goes when one more is uploaded.
pub const MAX_VERSIONS: usize = 10;

/// What the owner says the model is. All three are run alike; it says which shapes make sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ModelKind {
    CnnAe,
    LstmAe,
    SisVae,
}

impl ModelKind {
    pub const ALL: [ModelKind; 3] = [ModelKind::CnnAe, ModelKind::LstmAe, ModelKind::SisVae];

    pub fn name(self) -> &'static str {
        match self {
            ModelKind::CnnAe => "cnn_ae",
            ModelKind::LstmAe => "lstm_ae",
            ModelKind::SisVae => "sisvae",
        }
    }
}

impl FromStr for ModelKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let named = ModelKind::ALL.into_iter().find(|kind| kind.name() == text);
        named.ok_or_else(|| Error::field("model_type", format!("\"{text}\" is not a valid choice.")))
    }
}

/// How a window's reconstruction is compared with it: over all its samples and features, in scaled units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ScoreKind {
    /// Mean of the squared differences.
    #[default]
    Mse,
    /// Mean of the absolute differences.
    Mae,
    /// Square root of `Mse`.
    Rmse,
}

impl ScoreKind {
    pub const ALL: [ScoreKind; 3] = [ScoreKind::Mse, ScoreKind::Mae, ScoreKind::Rmse];

    pub fn name(self) -> &'static str {
        match self {
            ScoreKind::Mse => "mse",
            ScoreKind::Mae => "mae",
            ScoreKind::Rmse => "rmse",
        }
    }
}

impl FromStr for ScoreKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let named = ScoreKind::ALL.into_iter().find(|kind| kind.name() == text);
        named.ok_or_else(|| Error::field("score", format!("\"{text}\" is not a valid choice.")))
    }
}

/// What belongs to a version of a model beside its files.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSettings {
    pub kind: ModelKind,
    /// In the order of the scaler's features.
    pub sources: Vec<StreamId>,
    /// Seconds between two samples, 0.001..=86400.
    pub interval_s: f64,
    pub score: ScoreKind,
    /// Which of the model's outputs is the reconstruction, from 0; none is the one shaped as the input.
    pub output: Option<usize>,
    /// Scores above it are anomalies; without one only scores are written.
    pub threshold: Option<f64>,
    /// An anomaly is over when the score falls below this part of the threshold; above 0, up to 1.
    pub clear_ratio: f64,
    /// Windows in a row above the threshold that make an anomaly, 1..=10000.
    pub min_windows: u32,
}

impl ModelSettings {
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

    /// Every rule that needs no other row and no file.
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

    /// Between two samples, microseconds; at least 1.
    pub fn interval_us(&self) -> i64 {
        ((self.interval_s * 1e6).round() as i64).max(1)
    }
}

/// One of the two files of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// As it was uploaded.
    pub name: String,
    pub size_bytes: u64,
    pub sha256: String,
}

/// A version as stored, without the bytes of its files.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelVersion {
    /// From 1 on, never used again.
    pub number: i32,
    pub settings: ModelSettings,
    pub model: FileFacts,
    pub scaler: FileFacts,
    pub created_at: Micros,
}

/// A model as stored: who owns it, and its current version.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub id: ModelId,
    pub org: OrgId,
    pub device: DeviceId,
    /// Where the scores go.
    pub stream: StreamId,
    pub enabled: bool,
    pub version: ModelVersion,
    pub created_at: Micros,
    pub updated_at: Micros,
}

/// What an upload has become.
#[derive(Debug, Clone)]
pub struct Placed {
    pub device: Arc<Device>,
    pub stream: Arc<Stream>,
    pub model: Arc<Model>,
}

/// The bytes of a version.
#[derive(Clone)]
pub struct ModelFiles {
    pub model: Vec<u8>,
    pub scaler: Vec<u8>,
}

/// How far a model is, and whether an anomaly is going on: kept so that a restart neither skips nor repeats a window.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ModelProgress {
    /// The time of the newest sample of the last window judged.
    pub position: Option<Micros>,
    /// Windows above the threshold in a row, while they are too few for an anomaly.
    pub run: Option<Above>,
    /// The anomaly that is not over, and the event that tells of it.
    pub open: Option<(EventId, Above)>,
    /// What came late and is not yet in the scores.
    pub late: Option<Late>,
    /// Every reading of the log's records before this one is in the scores, in `late`, or of after `position`. None where
    /// that is not known.
    pub heard: Option<u64>,
}

/// Times of readings that came when they had been judged already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Late {
    pub oldest: Micros,
    pub newest: Micros,
}

impl Late {
    pub fn at(ts: Micros) -> Self {
        Late { oldest: ts, newest: ts }
    }

    /// All of these times.
    pub fn and(self, other: Option<Late>) -> Self {
        other.map_or(self, |other| Late {
            oldest: self.oldest.min(other.oldest),
            newest: self.newest.max(other.newest),
        })
    }
}

/// Windows above the threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Above {
    /// The end of the first of them.
    pub since: Micros,
    /// How many there were until they made an anomaly.
    pub windows: u32,
    /// The highest score so far, and the end of its window.
    pub peak: f64,
    pub peak_at: Micros,
}

/// What the event log is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Anomaly {
    pub since: Micros,
    pub peak: f64,
    pub ended_at: Option<Micros>,
}

impl Anomaly {
    /// The event of it, as it is now.
    pub fn event(&self, model: &Model, name: &str) -> EventSpec {
        let threshold = model.version.settings.threshold;
        let over = threshold.map_or_else(String::new, |t| format!(" (threshold {t})"));
        EventSpec {
            device: Some(model.device),
            stream: Some(model.stream),
            kind: ANOMALY.to_owned(),
            level: Level::Warning,
            ts: self.since,
            message: format!("{name}: score up to {}{over}", self.peak),
            url: String::new(),
            payload: self.payload(model),
            acknowledged: false,
        }
    }

    /// What the event says of it in numbers.
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
