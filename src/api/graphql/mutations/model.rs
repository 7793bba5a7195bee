//! Mutations of anomaly detection models. Model files are uploaded over REST: `POST /api/ai/upload/`.

use std::sync::Arc;

use async_graphql::{Context, MaybeUndefined, Object, Result, SimpleObject};

use super::{DeletePayload, input, payload};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::{UserError, into_payload};
use crate::api::graphql::input_object::input_objects;
use crate::api::graphql::object::object;
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

input_objects! {
    /// Changes to a model. Omitted fields stay unchanged.
    pub struct UpdateModelInput {
        /// Whether the model scores new readings.
        enabled: MaybeUndefined<bool>,
        /// Scores above this threshold are anomalous; null disables anomaly events.
        threshold: MaybeUndefined<f64>,
        /// An anomaly ends when the score falls below this fraction of the threshold; above 0, at most 1.
        clear_ratio: MaybeUndefined<f64>,
        /// Number of consecutive windows above the threshold that start an anomaly.
        min_windows: MaybeUndefined<i32>,
    }
}

payload! {
    /// Result of updating a model.
    pub struct ModelPayload {
        /// The model as stored after the change; null if nothing was changed.
        model: Model(Arc<domain::model::Model>),
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

object! {
    #[Object(name = "ModelMutations")]
    impl ModelMutations(self) {}
    rows(
        ctx,
        row: Model,
        "Global id of the model, or its row number as text; give this or `rowId`.",
        "Row number of the model, as REST and SQL show it; give this or `id`.",
    ) {
        /// Updates the given fields.
        update_model(
            #[graphql(desc = "Fields of the model to change.")] input: UpdateModelInput,
        ): ModelPayload = {
            let fields = input::to_fields(&input, ReadMode::Partial, &[]);
            let made = match row {
                Ok(row) => app(ctx).models.update_model_from_fields(caller(ctx), ModelId(row), fields).await,
                Err(error) => Err(error),
            };
            ModelPayload::from_result(made)
        };
        /// Restores an older version of a model: the given one, or the newest before the current one.
        roll_back_model(
            #[graphql(desc = "Number of the version to restore; default: the newest before the current one.")]
            version: Option<i32>,
        ): ModelPayload = {
            let made = match row {
                Ok(row) => app(ctx).models.roll_back_model(caller(ctx), ModelId(row), version).await,
                Err(error) => Err(error),
            };
            ModelPayload::from_result(made)
        };
        /// Deletes a model with its versions; its scores are kept.
        delete_model(): DeletePayload = {
            let row = row?;
            DeletePayload::from_result(row, app(ctx).models.delete_model(caller(ctx), ModelId(row)).await)
        };
        /// Sets the threshold to a percentile of the scores of all windows that end in a range without anomalies.
        calibrate_model(
            #[graphql(desc = "Start of the range without anomalies; windows that end at this time are included.")]
            from: DateTime,
            #[graphql(desc = "End of the range without anomalies; windows that end at this time are included.")]
            to: DateTime,
            #[graphql(
                default = 99.5,
                desc = "Percentage of scores that lie below the threshold: above 0, at most 100."
            )]
            percentile: f64,
        ): CalibrateModelPayload = {
            let calibration = Calibration { from: from.0, to: to.0, percentile };
            let made = match row {
                Ok(row) => app(ctx).models.calibrate_model(caller(ctx), ModelId(row), calibration).await,
                Err(error) => Err(error),
            };
            let (made, errors) = into_payload(made)?;
            let (threshold, windows) = made.unzip();
            let windows = windows.and_then(|windows| i32::try_from(windows).ok());
            Ok(CalibrateModelPayload { threshold, windows, errors })
        };
        /// Starts a job that scores all stored windows that end in a time range and, unless `events` is false, creates the
        /// resulting anomaly events.
        score_model(
            #[graphql(desc = "Start of the time range; windows that end at this time are included.")]
            from: DateTime,
            #[graphql(desc = "End of the time range; windows that end at this time are included.")]
            to: DateTime,
            #[graphql(default = true, desc = "Whether to create events for the anomalies found.")]
            events: bool,
        ): ScoreModelPayload = {
            let range = MinMax::new(from.0, to.0);
            let made = match row {
                Ok(row) => app(ctx).models.score_history(caller(ctx), ModelId(row), range, events).await,
                Err(error) => Err(error),
            };
            let (job, errors) = into_payload(made)?;
            Ok(ScoreModelPayload { job: job.map(Job), errors })
        };
    }
    resolvers {
        /// Cancels a job at its current progress.
        async fn cancel_job(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "Number of the job, as returned by the mutation that started it.")] row_id: i32,
        ) -> Result<DeletePayload> {
            DeletePayload::from_result(row_id, app(ctx).jobs.cancel_job(caller(ctx), JobId(row_id)).await)
        }
    }
}
