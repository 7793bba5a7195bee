//! Types of the schema for anomaly detection models.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result, SimpleObject};

use super::device::Device;
use super::event::{self, EventConnection};
use super::stream::Stream;
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::{ModelState, ModelType, ScoreType};
use crate::api::graphql::ids::NodeType;
use crate::api::graphql::object::object;
use crate::api::graphql::paging;
use crate::api::graphql::rows;
use crate::api::graphql::scalars::{BigInt, DateTime, Duration};
use crate::app::ai::calibrate::{Calibration, CalibrationPreview};
use crate::app::ai::inspect::WindowInspection;
use crate::app::ai::reconstruction::{self, ReconstructedWindow, Reconstruction, ReconstructionQuery};
use crate::app::ai::{self};
use crate::domain::Error;
use crate::domain::event::EventFilter;
use crate::domain::model::{self, ANOMALY_EVENT_KIND, ModelFileInfo};
use crate::domain::time::MICROS_PER_SECOND;

/// Complexity of running a model once, in field values.
const WINDOW_COST: usize = 1000;

/// Complexity of running a model over a range, in field values.
const RANGE_COST: usize = 20 * WINDOW_COST;

/// Complexity of reading the versions of a model, which queries the database.
const VERSIONS_COST: usize = 100;

/// An anomaly detection model: an autoencoder that scores how unusual windows of its source streams are.
pub struct Model(pub Arc<model::Model>);

object! {
    #[Object]
    /// An anomaly detection model: an autoencoder that scores how unusual windows of its source streams are.
    impl Model(self) {
        /// Global id, unique across all object types: `node(id:)` returns the model.
        id: ID = NodeType::Model.id(self.0.id.0);
        /// Row number, as shown by REST.
        row_id: i32 = self.0.id.0;
        /// Whether the model scores new readings; disabling keeps its stored scores.
        enabled: bool = self.0.enabled;
        /// Version of the model that is in use.
        version: ModelVersion = ModelVersion(self.0.version.clone());
        /// Time of upload of its first version.
        created_at: DateTime = DateTime(self.0.created_at);
        /// Time of the last change of its settings or version.
        updated_at: DateTime = DateTime(self.0.updated_at);
    }
    with ctx {
        /// Device of protocol `ai` that holds the scores; null if the caller may not read it.
        device: Option<Device> = Ok(rows::device(ctx, self.0.device)?.map(Device));
        /// Stream that holds the scores; null if the caller may not read it.
        scores: Option<Stream> = Ok(rows::stream(ctx, self.0.stream)?.map(Stream));
    }
    resolvers {
        /// Source streams in the order of the model's features; only those that the caller may read.
        async fn sources(&self, ctx: &Context<'_>) -> Result<Vec<Stream>> {
            let mut found = Vec::new();
            for source in &self.0.version.settings.sources {
                found.extend(rows::stream(ctx, *source)?.map(Stream));
            }
            Ok(found)
        }

        /// Stored versions of the model, newest first.
        #[graphql(complexity = "VERSIONS_COST")]
        async fn versions(&self, ctx: &Context<'_>) -> Result<Vec<ModelVersion>> {
            let versions = app(ctx).models.model_versions(caller(ctx), self.0.id).await?;
            Ok(versions.into_iter().map(ModelVersion).collect())
        }

        /// Status of the model since the server started.
        async fn status(&self, ctx: &Context<'_>) -> ModelStatus {
            ModelStatus(app(ctx).models.status_of_model(&self.0))
        }

        /// Anomaly events of the model, newest first.
        #[graphql(complexity = "paging::cost(first, None, child_complexity)")]
        async fn events(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "Number of events: maximum 1,000, default 100.")] first: Option<i32>,
            #[graphql(desc = "Cursor after which the page begins: `pageInfo.endCursor` of the previous page.")]
            after: Option<String>,
        ) -> Result<EventConnection> {
            let filter = EventFilter {
                stream: Some(self.0.stream),
                kinds: Some(vec![ANOMALY_EVENT_KIND.to_owned()]),
                newest_first: true,
                ..EventFilter::default()
            };
            let limit = paging::count("first", first)?.unwrap_or(paging::DEFAULT_PAGE_SIZE);
            event::events_page(ctx, filter, limit, after.as_deref()).await
        }

        /// Newest complete window that ends at or before a time, with the model's reconstruction and score.
        #[graphql(complexity = "WINDOW_COST")]
        async fn window(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "Time at or before which the window ends; default now.")] at: Option<DateTime>,
        ) -> Result<ModelWindow> {
            let found = app(ctx).models.inspect_window(caller(ctx), self.0.id, at.map(|at| at.0)).await?;
            Ok(found.into())
        }

        /// Expected and actual values of the sources over a time range, in the first complete window that ends in each step.
        #[graphql(complexity = "RANGE_COST")]
        async fn reconstruction(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "Earliest end of a window, inclusive.")] from: DateTime,
            #[graphql(desc = "Latest end of a window, inclusive.")] to: DateTime,
            #[graphql(
                desc = "Length of a step; default: the interval of the model. The range may have at most 2,000 steps."
            )]
            step: Option<Duration>,
        ) -> Result<ModelReconstruction> {
            let parse = |step: Duration| {
                reconstruction::parse_step(&step.0)
                    .ok_or_else(|| Error::field("step", reconstruction::STEP_MESSAGE))
            };
            let step_us = step.map(parse).transpose()?;
            let query = ReconstructionQuery { from: Some(from.0), to: Some(to.0), step_us };
            Ok(app(ctx).models.reconstruct_range(caller(ctx), self.0.id, query).await?.into())
        }

        /// Threshold that a calibration would set, and the events that it would have made. Nothing changes. Requires the same scope as
        /// `calibrateModel`.
        #[graphql(complexity = "RANGE_COST")]
        async fn calibration_preview(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "Start of the range without anomalies, inclusive.")] from: DateTime,
            #[graphql(desc = "End of the range without anomalies, inclusive.")] to: DateTime,
            #[graphql(default = 99.5, desc = "Percentage of scores that lie below the threshold.")]
            percentile: f64,
        ) -> Result<ModelCalibrationPreview> {
            let calibration = Calibration { from: from.0, to: to.0, percentile };
            Ok(app(ctx).models.preview_calibration(caller(ctx), self.0.id, calibration).await?.into())
        }
    }
}

/// Preview of a calibration.
#[derive(SimpleObject)]
pub struct ModelCalibrationPreview {
    /// Threshold that it would set, in the measure given by the version's `score`.
    threshold: f64,
    /// Number of windows that the threshold is based on.
    windows: usize,
    /// Number of events that the threshold would have made in the range.
    events: usize,
    /// Histogram of the scores of the range, lowest bin first.
    histogram: Vec<ModelScoreBin>,
}

/// A bin of a histogram of scores.
#[derive(SimpleObject)]
pub struct ModelScoreBin {
    /// Lowest score of the bin.
    from: f64,
    /// Highest score of the bin.
    to: f64,
    /// Number of windows with such a score.
    count: usize,
}

impl From<CalibrationPreview> for ModelCalibrationPreview {
    fn from(preview: CalibrationPreview) -> Self {
        let CalibrationPreview { threshold, windows, events, histogram } = preview;
        let bins = histogram.into_iter();
        let bins = bins.map(|bin| ModelScoreBin { from: bin.from, to: bin.to, count: bin.count });
        Self { threshold, windows, events, histogram: bins.collect() }
    }
}

/// A version of a model: its files and settings.
pub struct ModelVersion(pub model::ModelVersion);

object! {
    #[Object]
    /// A version of a model: its files and settings.
    impl ModelVersion(self) {
        /// Version number, counted from 1 for each model.
        number: i32 = self.0.number;
        /// Architecture of the model; the server runs all architectures the same way.
        model_type: ModelType = self.0.settings.kind.into();
        /// Sampling interval, seconds.
        interval: f64 = self.0.settings.interval_s;
        /// Error measure between a window and its reconstruction.
        score: ScoreType = self.0.settings.score.into();
        /// Index of the model output that is the reconstruction; null selects the output with the shape of the input.
        output: Option<i32> = self.0.settings.output.and_then(|output| i32::try_from(output).ok());
        /// Scores above this threshold are anomalous; null disables anomaly events.
        threshold: Option<f64> = self.0.settings.threshold;
        /// An anomaly ends when the score falls below this fraction of the threshold.
        clear_ratio: f64 = self.0.settings.clear_ratio;
        /// Number of consecutive windows above the threshold that start an anomaly.
        min_windows: u32 = self.0.settings.min_windows;
        /// TensorFlow Lite model file.
        model: ModelFile = ModelFile(self.0.model.clone());
        /// Pickle file of the scikit-learn scaler.
        scaler: ModelFile = ModelFile(self.0.scaler.clone());
        /// Time of the upload.
        created_at: DateTime = DateTime(self.0.created_at);
    }
}

/// A file of a model version, as it was uploaded.
pub struct ModelFile(pub ModelFileInfo);

object! {
    #[Object]
    /// A file of a model version, as it was uploaded.
    impl ModelFile(self) {
        /// File name without a path.
        name: &str = &self.0.name;
        /// File size, bytes.
        size: BigInt = BigInt::saturating(self.0.size_bytes);
        /// SHA-256 of the file, as 64 hexadecimal digits.
        sha256: &str = &self.0.sha256;
    }
}

/// Status and counters of a running model since the server started.
pub struct ModelStatus(pub ai::ModelStatus);

object! {
    #[Object]
    /// Status and counters of a running model since the server started.
    impl ModelStatus(self) {
        /// Run state of the model.
        state: ModelState = self.0.state.into();
        /// Time of the newest scored sample.
        position: Option<DateTime> = self.0.position.map(DateTime);
        /// Delay of `position` behind the current time, seconds.
        lag: Option<f64> = self.0.lag_s;
        /// Number of scored windows.
        windows: BigInt = BigInt::saturating(self.0.windows);
        /// Number of gaps: periods in which a source had no readings for too long.
        gaps: BigInt = BigInt::saturating(self.0.gaps);
        /// Number of late readings, which arrived after their window was scored; these windows are scored again.
        late: BigInt = BigInt::saturating(self.0.late);
        /// How often the model fell so far behind that it had to re-read its sources from storage.
        behind: BigInt = BigInt::saturating(self.0.behind);
        /// Score of the newest window, in the measure given by the version's `score`; null before the first.
        last_score: Option<f64> = self.0.last_score;
        /// Whether an anomaly is in progress.
        is_anomalous: bool = self.0.is_anomalous;
        /// Why the model cannot be run; null if there is no error.
        last_error: Option<&str> = self.0.last_error.as_deref();
    }
}

/// A window with the model's reconstruction: actual against expected values.
#[derive(SimpleObject)]
pub struct ModelWindow {
    /// Score of the window, in the measure given by the version's `score`.
    score: f64,
    /// Times of the samples, ascending.
    timestamps: Vec<DateTime>,
    /// One row per sample with one value per source, in the units of the readings.
    input: Vec<Vec<f64>>,
    /// The model's reconstruction of `input`, in the same shape and units.
    reconstruction: Vec<Vec<f64>>,
}

impl From<WindowInspection> for ModelWindow {
    fn from(window: WindowInspection) -> Self {
        let rows = |values: &[f64]| values.chunks(window.sources.len()).map(<[f64]>::to_vec).collect();
        Self {
            score: window.score,
            timestamps: window.times.iter().copied().map(DateTime).collect(),
            input: rows(&window.input),
            reconstruction: rows(&window.reconstruction),
        }
    }
}

/// Expected and actual values of a model's sources over a time range.
#[derive(SimpleObject)]
pub struct ModelReconstruction {
    /// Length of a step, seconds.
    step: f64,
    /// Row numbers of the source streams, in the order of the values.
    sources: Vec<i32>,
    /// Windows by time; none where a source is silent.
    windows: Vec<ModelReconstructedWindow>,
}

/// A window with the values of its last sample, one for each source.
#[derive(SimpleObject)]
pub struct ModelReconstructedWindow {
    /// Time of the last sample.
    timestamp: DateTime,
    /// Score of the window, in the measure given by the version's `score`.
    score: f64,
    /// Values of the sources, in the units of the readings.
    actual: Vec<f64>,
    /// Values that the model expected, in the same units.
    expected: Vec<f64>,
    /// Part of each source in the squared error of the whole window, in scaled units; the sum is 1. Null for a window
    /// without an error.
    share: Option<Vec<f64>>,
}

impl From<Reconstruction> for ModelReconstruction {
    fn from(found: Reconstruction) -> Self {
        Self {
            step: found.step_us as f64 / MICROS_PER_SECOND as f64,
            sources: found.sources.iter().map(|source| source.0).collect(),
            windows: found.windows.into_iter().map(ModelReconstructedWindow::from).collect(),
        }
    }
}

impl From<ReconstructedWindow> for ModelReconstructedWindow {
    fn from(window: ReconstructedWindow) -> Self {
        let ReconstructedWindow { end, score, actual, expected, shares } = window;
        Self { timestamp: DateTime(end), score, actual, expected, share: shares }
    }
}
