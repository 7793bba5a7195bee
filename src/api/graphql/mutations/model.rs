//! Mutations of anomaly detection models. Model files are uploaded over REST: `POST /api/ai/upload/`.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use serde::Serialize;

use super::{DeletePayload, input};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::{UserError, into_payload};
use crate::api::graphql::ids::{self, NodeType};
use crate::api::graphql::objects::job::Job;
use crate::api::graphql::objects::model::Model;
use crate::api::graphql::scalars::DateTime;
use crate::app::ai::calibrate::Calibration;
use crate::app::fields::reader::ReadMode;
use crate::domain::min_max::MinMax;
use crate::domain::{self, JobId, ModelId};

/// Mutations that change, calibrate, score, roll back and delete models. Uploading is in REST only.
#[derive(Default)]
pub struct ModelMutations;

/// Changes to a model. Omitted fields stay unchanged.
#[derive(InputObject, Serialize)]
pub struct UpdateModelInput {
    /// Whether the model scores new readings.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    enabled: MaybeUndefined<bool>,
    /// Scores above this threshold are anomalous; null disables anomaly events.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    threshold: MaybeUndefined<f64>,
    /// An anomaly ends when the score falls below this fraction of the threshold; above 0, at most 1.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    clear_ratio: MaybeUndefined<f64>,
    /// Number of consecutive windows above the threshold that start an anomaly.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    min_windows: MaybeUndefined<i32>,
}

/// Result of updating a model.
#[derive(SimpleObject)]
pub struct ModelPayload {
    /// The model as stored after the change; null if nothing was changed.
    model: Option<Model>,
    /// Errors in the input, each with its field; empty on success.
    errors: Vec<UserError>,
}

impl ModelPayload {
    fn from_result(result: domain::Result<std::sync::Arc<domain::model::Model>>) -> Result<Self> {
        let (model, errors) = into_payload(result)?;
        Ok(Self { model: model.map(Model), errors })
    }
}

/// Result of a calibration.
#[derive(SimpleObject)]
pub struct CalibrateModelPayload {
    /// The new threshold, in the measure given by the version's `score`; null if none was set.
    threshold: Option<f64>,
    /// Number of windows that the threshold is based on.
    windows: Option<i32>,
    /// Errors in the input, each with its field; empty on success.
    errors: Vec<UserError>,
}

/// Result of starting a job that scores stored readings.
#[derive(SimpleObject)]
pub struct ScoreModelPayload {
    /// The job that computes the scores; null if none was started.
    job: Option<Job>,
    /// Errors in the input, each with its field; empty on success.
    errors: Vec<UserError>,
}

#[Object(name = "ModelMutations")]
impl ModelMutations {
    /// Updates the given fields.
    async fn update_model(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the model, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the model, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
        #[graphql(desc = "Fields of the model to change.")] input: UpdateModelInput,
    ) -> Result<ModelPayload> {
        let fields = input::to_fields(&input, ReadMode::Partial, &[]);
        let made = match ids::id_or_row_id(NodeType::Model, id.as_ref(), row_id) {
            Ok(row) => app(ctx).models.update_model_from_fields(caller(ctx), ModelId(row), fields).await,
            Err(error) => Err(error),
        };
        ModelPayload::from_result(made)
    }

    /// Restores an older version of a model: the given one, or the newest before the current one.
    async fn roll_back_model(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the model, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the model, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
        #[graphql(desc = "Number of the version to restore; default: the newest before the current one.")]
        version: Option<i32>,
    ) -> Result<ModelPayload> {
        let made = match ids::id_or_row_id(NodeType::Model, id.as_ref(), row_id) {
            Ok(row) => app(ctx).models.roll_back_model(caller(ctx), ModelId(row), version).await,
            Err(error) => Err(error),
        };
        ModelPayload::from_result(made)
    }

    /// Deletes a model with its versions; its scores are kept.
    async fn delete_model(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the model, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the model, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
    ) -> Result<DeletePayload> {
        let row = ids::id_or_row_id(NodeType::Model, id.as_ref(), row_id)?;
        Ok(DeletePayload::from_result(
            row,
            into_payload(app(ctx).models.delete_model(caller(ctx), ModelId(row)).await)?,
        ))
    }

    /// Sets the threshold to a percentile of the scores of all windows that end in a range without anomalies.
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn calibrate_model(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the model, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the model, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
        #[graphql(
            desc = "Start of the range without anomalies; windows that end at this time are included."
        )]
        from: DateTime,
        #[graphql(desc = "End of the range without anomalies; windows that end at this time are included.")]
        to: DateTime,
        #[graphql(
            default = 99.5,
            desc = "Percentage of scores that lie below the threshold: above 0, at most 100."
        )]
        percentile: f64,
    ) -> Result<CalibrateModelPayload> {
        let calibration = Calibration { from: from.0, to: to.0, percentile };
        let made = match ids::id_or_row_id(NodeType::Model, id.as_ref(), row_id) {
            Ok(row) => app(ctx).models.calibrate_model(caller(ctx), ModelId(row), calibration).await,
            Err(error) => Err(error),
        };
        let (made, errors) = into_payload(made)?;
        let (threshold, windows) = made.unzip();
        let windows = windows.and_then(|windows| i32::try_from(windows).ok());
        Ok(CalibrateModelPayload { threshold, windows, errors })
    }

    /// Starts a job that scores all stored windows that end in a time range and, unless `events` is false, creates the
    /// resulting anomaly events.
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn score_model(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the model, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the model, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
        #[graphql(desc = "Start of the time range; windows that end at this time are included.")]
        from: DateTime,
        #[graphql(desc = "End of the time range; windows that end at this time are included.")] to: DateTime,
        #[graphql(default = true, desc = "Whether to create events for the anomalies found.")] events: bool,
    ) -> Result<ScoreModelPayload> {
        let row = ids::id_or_row_id(NodeType::Model, id.as_ref(), row_id);
        let range = MinMax::new(from.0, to.0);
        let made = match row {
            Ok(row) => app(ctx).models.score_history(caller(ctx), ModelId(row), range, events).await,
            Err(error) => Err(error),
        };
        let (job, errors) = into_payload(made)?;
        Ok(ScoreModelPayload { job: job.map(Job), errors })
    }

    /// Cancels a job at its current progress.
    async fn cancel_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of the job, as returned by the mutation that started it.")] row_id: i32,
    ) -> Result<DeletePayload> {
        Ok(DeletePayload::from_result(
            row_id,
            into_payload(app(ctx).cancel_job(caller(ctx), JobId(row_id)).await)?,
        ))
    }
}
