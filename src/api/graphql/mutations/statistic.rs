//! Statistics written by hand.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use serde::Serialize;

use super::input;
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::{UserError, settle};
use crate::api::graphql::ids::{self, Noun};
use crate::api::graphql::objects::statistic::Statistic;
use crate::api::graphql::scalars::{BigInt, DateTime};
use crate::api::rest::fields::Mode;
use crate::api::rest::statistic;
use crate::domain::StreamId;

#[derive(Default)]
pub struct Mutations;

/// A statistic written by hand. What is left out is null, but the time and the count.
#[derive(InputObject, Serialize)]
pub struct WriteStatisticInput {
    /// Id or row number of the stream it is of.
    #[serde(skip)]
    stream: ID,
    /// Default now. One written by hand for the same time is replaced.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    timestamp: MaybeUndefined<DateTime>,
    /// How many values it stands for; default 1.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    count: MaybeUndefined<BigInt>,
    /// The arithmetic mean, in the stream's unit.
    mean: f64,
    /// Square root of the mean of squares.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    rms: MaybeUndefined<f64>,
    /// The value in the middle, in the stream's unit.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    median: MaybeUndefined<f64>,
    /// Must not exceed `max`.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    min: MaybeUndefined<f64>,
    /// The largest value, in the stream's unit.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    max: MaybeUndefined<f64>,
    /// The value below which a quarter lies, in the stream's unit.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    q1: MaybeUndefined<f64>,
    /// The value below which three quarters lie, in the stream's unit.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    q3: MaybeUndefined<f64>,
}

/// What came of writing a statistic.
#[derive(SimpleObject)]
pub struct WriteStatisticPayload {
    /// The row as it is stored now; null when nothing was written.
    statistic: Option<Statistic>,
    /// Whether there was none for its time before, neither computed nor written; null when nothing was written.
    is_new: Option<bool>,
    /// What is wrong with the input, each with its field; empty when all is well.
    errors: Vec<UserError>,
}

#[Object(name = "StatisticMutations")]
impl Mutations {
    /// Writes a statistic of a stream by hand. In lists it stands in place of what is computed of its window. It is on disk
    /// when the answer comes.
    async fn write_statistic(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The row, with the stream it is of.")] input: WriteStatisticInput,
    ) -> Result<WriteStatisticPayload> {
        let fields = input::fields(&input, Mode::Whole, &[]);
        let written = match ids::row(Noun::Stream, &input.stream, "stream") {
            Ok(row) => statistic::write(app(ctx), caller(ctx), StreamId(row), fields).await,
            Err(error) => Err(error),
        };
        let (written, errors) = settle(written)?;
        let (statistic, is_new) = written.map(|(row, is_new)| (Statistic::from(&row), is_new)).unzip();
        Ok(WriteStatisticPayload { statistic, is_new, errors })
    }
}
