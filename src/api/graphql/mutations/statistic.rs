//! Mutation that writes a statistic in place of a computed one.

use async_graphql::{Context, ID, MaybeUndefined, Object, Result, SimpleObject};

use super::input;
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::{UserError, into_payload};
use crate::api::graphql::ids::{self, NodeType};
use crate::api::graphql::input_object::input_objects;
use crate::api::graphql::objects::statistic::Statistic;
use crate::api::graphql::scalars::{BigInt, DateTime};
use crate::app::fields::reader::ReadMode;
use crate::domain::StreamId;

/// The mutation that stores a statistic.
#[derive(Default)]
pub struct StatisticMutations;

input_objects! {
    /// A statistic written by a client. Omitted fields are null, except `timestamp` and `count`.
    pub struct WriteStatisticInput {
        /// Id or row number of the stream.
        #[serde(skip)]
        stream: ID,
        /// Time of the statistic; default now. A statistic previously written for the same time is replaced.
        timestamp: MaybeUndefined<DateTime>,
        /// Number of values that the statistic represents; default 1.
        count: MaybeUndefined<BigInt>,
        /// The arithmetic mean, in the stream's unit.
        mean: f64,
        /// Root mean square, in the stream's unit.
        rms: MaybeUndefined<f64>,
        /// Median, in the stream's unit.
        median: MaybeUndefined<f64>,
        /// Smallest value, in the stream's unit; must not exceed `max`.
        min: MaybeUndefined<f64>,
        /// The largest value, in the stream's unit.
        max: MaybeUndefined<f64>,
        /// First quartile, in the stream's unit.
        q1: MaybeUndefined<f64>,
        /// Third quartile, in the stream's unit.
        q3: MaybeUndefined<f64>,
    }
}

/// Result of writing a statistic.
#[derive(SimpleObject)]
pub struct WriteStatisticPayload {
    /// The statistic as stored; null if nothing was written.
    statistic: Option<Statistic>,
    /// Whether no statistic existed for this time before, computed or written; null if nothing was written.
    is_new: Option<bool>,
    /// Errors in the input, each with its field; empty on success.
    errors: Vec<UserError>,
}

#[Object(name = "StatisticMutations")]
impl StatisticMutations {
    /// Writes a statistic of a stream. In lists it takes precedence over the computed statistic of its window. The
    /// statistic is durable when the response is sent.
    async fn write_statistic(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The statistic and its stream.")] input: WriteStatisticInput,
    ) -> Result<WriteStatisticPayload> {
        let fields = input::to_fields(&input, ReadMode::Whole, &[]);
        let written = match ids::parse_row_id(NodeType::Stream, &input.stream, "stream") {
            Ok(row) => app(ctx).values.post_statistic_from_fields(caller(ctx), StreamId(row), fields).await,
            Err(error) => Err(error),
        };
        let (written, errors) = into_payload(written)?;
        let (statistic, is_new) = written.map(|(row, is_new)| (Statistic::from(&row), is_new)).unzip();
        Ok(WriteStatisticPayload { statistic, is_new, errors })
    }
}
