//! Changes of models. Their files come over REST: `POST /api/ai/upload/`.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use serde::Serialize;

use super::{Deleted, input};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::{UserError, settle};
use crate::api::graphql::ids::{self, Noun};
use crate::api::graphql::objects::model::{Job, Model};
use crate::api::graphql::scalars::DateTime;
use crate::api::rest::fields::Mode;
use crate::api::rest::model;
use crate::app::ai::calibrate::Calibration;
use crate::domain::{self, ModelId};

#[derive(Default)]
pub struct Mutations;

/// What a model's owner may change. Fields left out stay.
#[derive(InputObject, Serialize)]
pub struct UpdateModelInput {
    /// Whether it judges what is measured.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    enabled: MaybeUndefined<bool>,
    /// Scores above it are anomalies; null makes none.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    threshold: MaybeUndefined<f64>,
    /// The part of the threshold below which an anomaly is over; above 0, up to 1.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    clear_ratio: MaybeUndefined<f64>,
    /// Windows in a row above the threshold that make an anomaly.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    min_windows: MaybeUndefined<i32>,
}

/// What came of changing a model.
#[derive(SimpleObject)]
pub struct ModelPayload {
    /// The model as it is stored now; null when nothing was changed.
    model: Option<Model>,
    /// What is wrong with the input, each with its field; empty when all is well.
    errors: Vec<UserError>,
}

impl ModelPayload {
    fn of(result: domain::Result<std::sync::Arc<domain::model::Model>>) -> Result<Self> {
        let (model, errors) = settle(result)?;
        Ok(Self { model: model.map(Model), errors })
    }
}

/// What became of a calibration.
#[derive(SimpleObject)]
pub struct CalibrateModelPayload {
    /// The threshold that was set, in the unit of the version's `score`; null when none was.
    threshold: Option<f64>,
    /// Windows that it stands on.
    windows: Option<i32>,
    /// What is wrong with the input, each with its field; empty when all is well.
    errors: Vec<UserError>,
}

/// What came of asking for scores of history.
#[derive(SimpleObject)]
pub struct ScoreModelPayload {
    /// The job that computes them; null when none was begun.
    job: Option<Job>,
    /// What is wrong with the input, each with its field; empty when all is well.
    errors: Vec<UserError>,
}

#[Object(name = "ModelMutations")]
impl Mutations {
    /// Changes the fields that are given.
    async fn update_model(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the model, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the model, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
        #[graphql(desc = "What is to change of the model.")] input: UpdateModelInput,
    ) -> Result<ModelPayload> {
        let fields = input::fields(&input, Mode::Partial, &[]);
        let made = match ids::either(Noun::Model, id.as_ref(), row_id) {
            Ok(row) => model::change(app(ctx), caller(ctx), ModelId(row), fields).await,
            Err(error) => Err(error),
        };
        ModelPayload::of(made)
    }

    /// Makes an older version current again: the one named, or the newest before the current.
    async fn roll_back_model(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the model, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the model, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
        #[graphql(desc = "Number of the version that is to run; unless said the newest before the current.")]
        version: Option<i32>,
    ) -> Result<ModelPayload> {
        let made = match ids::either(Noun::Model, id.as_ref(), row_id) {
            Ok(row) => app(ctx).roll_back_model(caller(ctx), ModelId(row), version).await,
            Err(error) => Err(error),
        };
        ModelPayload::of(made)
    }

    /// Deletes it with its versions; the scores stay.
    async fn delete_model(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the model, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the model, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
    ) -> Result<Deleted> {
        let row = ids::either(Noun::Model, id.as_ref(), row_id)?;
        Ok(Deleted::of(row, settle(app(ctx).delete_model(caller(ctx), ModelId(row)).await)?))
    }

    /// Sets the threshold to a percentile of the scores of the windows that end in a healthy range, both ends included.
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn calibrate_model(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the model, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the model, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
        #[graphql(desc = "Where the healthy range begins; a window that ends at this time is in it.")]
        from: DateTime,
        #[graphql(desc = "Where the healthy range ends; a window that ends at this time is in it.")]
        to: DateTime,
        #[graphql(
            default = 99.5,
            desc = "The part of the scores that is to lie below the threshold, in per cent: above 0, up to 100."
        )]
        percentile: f64,
    ) -> Result<CalibrateModelPayload> {
        let asked = Calibration { from: from.0, to: to.0, percentile };
        let made = match ids::either(Noun::Model, id.as_ref(), row_id) {
            Ok(row) => app(ctx).calibrate_model(caller(ctx), ModelId(row), asked).await,
            Err(error) => Err(error),
        };
        let (made, errors) = settle(made)?;
        let (threshold, windows) = made.unzip();
        let windows = windows.and_then(|windows| i32::try_from(windows).ok());
        Ok(CalibrateModelPayload { threshold, windows, errors })
    }

    /// Scores the windows that end in a range of history, both ends included, as a job; with the events that follow, unless
    /// these are not wanted.
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn score_model(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the model, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the model, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
        #[graphql(desc = "Where the range begins; a window that ends at this time is in it.")] from: DateTime,
        #[graphql(desc = "Where the range ends; a window that ends at this time is in it.")] to: DateTime,
        #[graphql(default = true, desc = "Whether anomalies that are found become events.")] events: bool,
    ) -> Result<ScoreModelPayload> {
        let row = ids::either(Noun::Model, id.as_ref(), row_id);
        let made =
            row.and_then(|row| app(ctx).score_history(caller(ctx), ModelId(row), (from.0, to.0), events));
        let (job, errors) = settle(made)?;
        Ok(ScoreModelPayload { job: job.map(Job::from), errors })
    }

    /// Ends a job where it is.
    async fn cancel_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of the job, as the mutation that began it told.")] row_id: i32,
    ) -> Result<Deleted> {
        Ok(Deleted::of(row_id, settle(app(ctx).cancel_job(caller(ctx), row_id))?))
    }
}
