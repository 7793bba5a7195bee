//! Changes of streams.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use serde::Serialize;
use serde_json::Value;

use super::{Deleted, input};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::{AccessMode, ByteOrder, StreamType};
use crate::api::graphql::errors::{UserError, settle};
use crate::api::graphql::ids::{self, Noun};
use crate::api::graphql::objects::stream::Stream;
use crate::api::rest::data;
use crate::api::rest::fields::Mode;
use crate::domain::{self, StreamId};

/// Fields that name rows.
const ROWS: [(&str, Noun); 2] = [("device", Noun::Device), ("group", Noun::Group)];

#[derive(Default)]
pub struct Mutations;

/// What a stream may be given beside its name and device. Fields left out keep their value, or get their default.
#[derive(InputObject, Serialize)]
pub struct StreamSettings {
    /// Register, node id, tag or JSON pointer; at most 500 characters.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    path: MaybeUndefined<String>,
    /// What its values are; default `fp64`.
    #[graphql(name = "type")]
    #[serde(rename = "type", skip_serializing_if = "MaybeUndefined::is_undefined")]
    kind: MaybeUndefined<StreamType>,
    /// The group it is in; null is none.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    group: MaybeUndefined<ID>,
    /// Whether its register is only read, or also written; default `r`.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    access_mode: MaybeUndefined<AccessMode>,
    /// Seconds between polls, 0.1 to 86,400; null is the device's.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    poll_interval: MaybeUndefined<f64>,
    /// Engineering unit, at most 32 characters.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    unit: MaybeUndefined<String>,
    /// Stored is raw times this, plus `offset`; for polled values.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    scale: MaybeUndefined<f64>,
    /// Added to what is polled, after `scale`; in the stream's unit, default 0.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    offset: MaybeUndefined<f64>,
    /// Order of the words of its numbers; null takes the device's.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    byteorder: MaybeUndefined<ByteOrder>,
    /// Whether it is polled; default true.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    enabled: MaybeUndefined<bool>,
    /// A polled change smaller than this is not stored; null stores every poll.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    deadband: MaybeUndefined<f64>,
    /// Seconds of a statistics window, a divisor of a day; null is 60.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    statistics_interval: MaybeUndefined<i32>,
    /// `wordorder`, and whatever the owner keeps here, as one JSON object that replaces the former.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    metadata: MaybeUndefined<Value>,
}

/// A stream to be made. Fields left out get their defaults.
#[derive(InputObject, Serialize)]
pub struct CreateStreamInput {
    /// 1 to 200 characters, unique on its device.
    name: String,
    /// Id or row number of the device that it is of, for good.
    device: ID,
    #[graphql(flatten)]
    #[serde(flatten)]
    settings: StreamSettings,
}

/// What is to change of a stream. Fields left out stay as they are.
#[derive(InputObject, Serialize)]
pub struct UpdateStreamInput {
    /// 1 to 200 characters, unique on its device.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    name: MaybeUndefined<String>,
    #[graphql(flatten)]
    #[serde(flatten)]
    settings: StreamSettings,
}

/// What came of making or changing a stream.
#[derive(SimpleObject)]
pub struct StreamPayload {
    /// The stream as it is stored now; null when nothing was changed.
    stream: Option<Stream>,
    /// What is wrong with the input, each with its field; empty when all is well.
    errors: Vec<UserError>,
}

impl StreamPayload {
    fn of(result: domain::Result<Arc<domain::stream::Stream>>) -> Result<Self> {
        let (stream, errors) = settle(result)?;
        Ok(Self { stream: stream.map(Stream), errors })
    }
}

#[Object(name = "StreamMutations")]
impl Mutations {
    /// Makes a stream of a device, which is polled from then on if it is enabled.
    async fn create_stream(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the stream is to be.")] input: CreateStreamInput,
    ) -> Result<StreamPayload> {
        let fields = input::fields(&input, Mode::Whole, &ROWS);
        StreamPayload::of(data::make(app(ctx), caller(ctx), fields).await)
    }

    /// Changes the fields that are given. A stream stays with its device.
    async fn update_stream(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the stream, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the stream, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
        #[graphql(desc = "What is to change of the stream.")] input: UpdateStreamInput,
    ) -> Result<StreamPayload> {
        let fields = input::fields(&input, Mode::Partial, &ROWS);
        let made = match ids::either(Noun::Stream, id.as_ref(), row_id) {
            Ok(row) => data::change(app(ctx), caller(ctx), StreamId(row), fields).await,
            Err(error) => Err(error),
        };
        StreamPayload::of(made)
    }

    /// Deletes a stream with its readings, statistics and policies.
    async fn delete_stream(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the stream, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the stream, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
    ) -> Result<Deleted> {
        let row = ids::either(Noun::Stream, id.as_ref(), row_id)?;
        Ok(Deleted::of(row, settle(app(ctx).delete_stream(caller(ctx), StreamId(row)).await)?))
    }
}
