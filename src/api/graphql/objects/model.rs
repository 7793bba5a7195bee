//! Models that look for anomalies, in the graph.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use serde_json::Value;

use super::device::Device;
use super::event::{self, Events};
use super::stream::Stream;
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::{ModelState, ModelType, ScoreType};
use crate::api::graphql::ids::Noun;
use crate::api::graphql::loaders;
use crate::api::graphql::paging;
use crate::api::graphql::scalars::{BigInt, DateTime};
use crate::app::ai::inspect::JudgedWindow;
use crate::app::ai::{self};
use crate::app::job;
use crate::domain::event::EventFilter;
use crate::domain::model::{self, ANOMALY, FileFacts};

/// What running a model for an answer costs, in field values.
const WINDOW_COST: usize = 1000;

/// What reading the versions of a model costs: each asks the database.
const VERSIONS_COST: usize = 100;

/// An autoencoder that says how unusual windows of its sources are.
pub struct Model(pub Arc<model::Model>);

/// An autoencoder that says how unusual windows of its sources are.
#[Object]
impl Model {
    /// Global id, unique among objects of all types: `node(id:)` finds the model by it.
    pub async fn id(&self) -> ID {
        Noun::Model.id(self.0.id.0)
    }

    /// The number that REST shows.
    pub async fn row_id(&self) -> i32 {
        self.0.id.0
    }

    /// The device of protocol `ai` that its scores are of; null when the caller does not see it.
    async fn device(&self, ctx: &Context<'_>) -> Result<Option<Device>> {
        Ok(loaders::load(ctx, self.0.device).await?.map(Device))
    }

    /// Where its scores are.
    async fn scores(&self, ctx: &Context<'_>) -> Result<Option<Stream>> {
        Ok(loaders::load(ctx, self.0.stream).await?.map(Stream))
    }

    /// What it looks at, in the order of its features; those that the caller sees.
    async fn sources(&self, ctx: &Context<'_>) -> Result<Vec<Stream>> {
        let mut found = Vec::new();
        for source in &self.0.version.settings.sources {
            found.extend(loaders::load(ctx, *source).await?.map(Stream));
        }
        Ok(found)
    }

    /// Whether it judges what is measured; false stops it and keeps its scores.
    async fn enabled(&self) -> bool {
        self.0.enabled
    }

    /// The version that runs.
    async fn version(&self) -> ModelVersion {
        (&self.0.version).into()
    }

    /// Those that are kept, the newest first.
    #[graphql(complexity = "VERSIONS_COST")]
    async fn versions(&self, ctx: &Context<'_>) -> Result<Vec<ModelVersion>> {
        let versions = app(ctx).model_versions(caller(ctx), self.0.id).await?;
        Ok(versions.iter().map(ModelVersion::from).collect())
    }

    /// What it does, since the start of the server.
    async fn status(&self, ctx: &Context<'_>) -> ModelStatus {
        app(ctx).status_of_model(&self.0).into()
    }

    /// Anomalies it has found, newest first.
    #[graphql(complexity = "paging::cost(first, None, child_complexity)")]
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many events, at most 1,000; 100 unless said.")] first: Option<i32>,
        #[graphql(desc = "The cursor behind which the page begins: `pageInfo.endCursor` of the one before.")]
        after: Option<String>,
    ) -> Result<Events> {
        let filter = EventFilter {
            stream: Some(self.0.stream),
            kinds: Some(vec![ANOMALY.to_owned()]),
            newest_first: true,
            ..EventFilter::default()
        };
        let limit = paging::count("first", first)?.unwrap_or(paging::USUAL);
        event::page(ctx, filter, limit, after.as_deref()).await
    }

    /// The newest whole window that ends at a time or before, or now, with what the model makes of it.
    #[graphql(complexity = "WINDOW_COST")]
    async fn window(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The time at or before which the window ends; now unless said.")] at: Option<
            DateTime,
        >,
    ) -> Result<ModelWindow> {
        let found = app(ctx).judged_window(caller(ctx), self.0.id, at.map(|at| at.0)).await?;
        Ok(found.into())
    }

    /// When its first version was uploaded.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When its settings or its version last changed.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }
}

/// Files of a model with what belongs to them.
#[derive(SimpleObject)]
pub struct ModelVersion {
    /// Counts the versions of a model from 1.
    number: i32,
    /// The architecture it was trained with; all are run alike.
    model_type: ModelType,
    /// Seconds between two samples.
    interval: f64,
    /// How a reconstruction is compared with its window.
    score: ScoreType,
    /// Which output of the model is the reconstruction; null is the one shaped as its input.
    output: Option<i32>,
    /// Scores above it are anomalies; null makes none.
    threshold: Option<f64>,
    /// The part of the threshold below which an anomaly is over.
    clear_ratio: f64,
    /// Windows in a row above the threshold that make an anomaly.
    min_windows: u32,
    /// The TensorFlow Lite file.
    model: ModelFile,
    /// The scikit-learn scaler, a pickle.
    scaler: ModelFile,
    /// When it was uploaded.
    created_at: DateTime,
}

impl From<&model::ModelVersion> for ModelVersion {
    fn from(version: &model::ModelVersion) -> Self {
        let settings = &version.settings;
        Self {
            number: version.number,
            model_type: settings.kind.into(),
            interval: settings.interval_s,
            score: settings.score.into(),
            output: settings.output.and_then(|output| i32::try_from(output).ok()),
            threshold: settings.threshold,
            clear_ratio: settings.clear_ratio,
            min_windows: settings.min_windows,
            model: (&version.model).into(),
            scaler: (&version.scaler).into(),
            created_at: DateTime(version.created_at),
        }
    }
}

/// A file of a model version, as it was uploaded.
#[derive(SimpleObject)]
pub struct ModelFile {
    /// The file's name, without a folder.
    name: String,
    /// Its length, bytes.
    size: BigInt,
    /// SHA-256 of its bytes, as 64 hexadecimal digits.
    sha256: String,
}

impl From<&FileFacts> for ModelFile {
    fn from(facts: &FileFacts) -> Self {
        let size = BigInt(i64::try_from(facts.size_bytes).unwrap_or(i64::MAX));
        Self { name: facts.name.clone(), size, sha256: facts.sha256.clone() }
    }
}

/// A live model in numbers, since the start of the server.
#[derive(SimpleObject)]
pub struct ModelStatus {
    /// Whether it runs, and if not why.
    state: ModelState,
    /// The time of the newest sample judged.
    position: Option<DateTime>,
    /// Seconds that this is behind now.
    lag: Option<f64>,
    /// Windows that it has judged.
    windows: BigInt,
    /// Stretches in which a source said nothing for too long.
    gaps: BigInt,
    /// Readings that came after their time had been judged; their windows are scored again.
    late: BigInt,
    /// How often it was too far behind to follow.
    behind: BigInt,
    /// Score of the newest window, in the unit of the version's `score`; null before the first.
    last_score: Option<f64>,
    /// Whether an anomaly goes on.
    is_anomalous: bool,
    /// Why it cannot be run, in words; null in good order.
    last_error: Option<String>,
}

impl From<ai::ModelStatus> for ModelStatus {
    fn from(status: ai::ModelStatus) -> Self {
        let count = |n: u64| BigInt(i64::try_from(n).unwrap_or(i64::MAX));
        Self {
            state: status.state.into(),
            position: status.position.map(DateTime),
            lag: status.lag_s,
            windows: count(status.windows),
            gaps: count(status.gaps),
            late: count(status.late),
            behind: count(status.behind),
            last_score: status.last_score,
            is_anomalous: status.is_anomalous,
            last_error: status.last_error,
        }
    }
}

/// A window, and what the model makes of it: expected against actual.
#[derive(SimpleObject)]
pub struct ModelWindow {
    /// How unusual the window is, in the unit of the version's `score`.
    score: f64,
    /// Times of its samples, ascending.
    timestamps: Vec<DateTime>,
    /// For each sample one value of each source, in the units of the readings.
    input: Vec<Vec<f64>>,
    /// What the model expected in place of `input`, of the same shape and in the same units.
    reconstruction: Vec<Vec<f64>>,
}

impl From<JudgedWindow> for ModelWindow {
    fn from(window: JudgedWindow) -> Self {
        let rows = |values: &[f64]| values.chunks(window.sources.len()).map(<[f64]>::to_vec).collect();
        Self {
            score: window.score,
            timestamps: window.times.iter().copied().map(DateTime).collect(),
            input: rows(&window.input),
            reconstruction: rows(&window.reconstruction),
        }
    }
}

/// Long work that goes on behind its answer. Forgotten when the server starts again.
#[derive(SimpleObject)]
pub struct Job {
    /// Number of the job; `job` and `cancelJob` take it.
    row_id: i32,
    /// What it does, such as `score`.
    kind: &'static str,
    /// `queued`, `running`, `done`, `failed` or `cancelled`.
    state: &'static str,
    /// The part of it that is done, from 0 to 1.
    progress: f64,
    /// What came of it, once its state is `done`; its shape goes with the kind.
    result: Option<Value>,
    /// Why it failed, once its state is `failed`.
    error: Option<String>,
}

impl From<job::Job> for Job {
    fn from(job: job::Job) -> Self {
        let (state, progress) = (job.state.name(), job.progress);
        let (result, error) = match job.state {
            job::JobState::Done(result) => (Some(result), None),
            job::JobState::Failed(error) => (None, Some(error)),
            _ => (None, None),
        };
        Self { row_id: job.id, kind: job.kind, state, progress, result, error }
    }
}
