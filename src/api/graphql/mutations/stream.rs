//! Mutations of streams.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use serde::Serialize;
use serde_json::Value;

use super::{Deleted, input};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::{AccessMode, ByteOrder, StreamType};
use crate::api::graphql::errors::{UserError, into_payload};
use crate::api::graphql::ids::{self, NodeType};
use crate::api::graphql::objects::stream::Stream;
use crate::app::fields::reader::ReadMode;
use crate::domain::{self, StreamId};

/// Input fields that contain ids, with the type of the object.
const ROW_ID_FIELDS: [(&str, NodeType); 2] = [("device", NodeType::Device), ("group", NodeType::Group)];

#[derive(Default)]
pub struct StreamMutations;

/// Stream settings besides name and device. Omitted fields keep their value on update and get their default on
/// creation.
#[derive(InputObject, Serialize)]
pub struct StreamSettings {
    /// Address on the device: register, node id, tag or JSON pointer; at most 500 characters.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    path: MaybeUndefined<String>,
    /// Data type of the values; default `fp64`.
    #[graphql(name = "type")]
    #[serde(rename = "type", skip_serializing_if = "MaybeUndefined::is_undefined")]
    kind: MaybeUndefined<StreamType>,
    /// Id or row number of the group of the stream; null for none.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    group: MaybeUndefined<ID>,
    /// Access to the register: `r` (read-only, the default) or `rw` (read and write).
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    access_mode: MaybeUndefined<AccessMode>,
    /// Seconds between polls, 0.1 to 86,400; null uses the device's interval.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    poll_interval: MaybeUndefined<f64>,
    /// Engineering unit, at most 32 characters.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    unit: MaybeUndefined<String>,
    /// Factor for polled values: stored value = raw value × `scale` + `offset`.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    scale: MaybeUndefined<f64>,
    /// Added to polled values after `scale`, in the stream's unit; default 0.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    offset: MaybeUndefined<f64>,
    /// Word order of numbers; null uses the device's order.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    byteorder: MaybeUndefined<ByteOrder>,
    /// Whether the stream is polled; default true.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    enabled: MaybeUndefined<bool>,
    /// Polled changes smaller than this are not stored; null stores every polled value.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    deadband: MaybeUndefined<f64>,
    /// Length of a statistics window, seconds, a divisor of a day; null means 60.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    statistics_interval: MaybeUndefined<i32>,
    /// `wordorder` and any user-defined data, as one JSON object that replaces the previous one.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    metadata: MaybeUndefined<Value>,
}

/// Input for a new stream. Omitted fields get their defaults.
#[derive(InputObject, Serialize)]
pub struct CreateStreamInput {
    /// Name of the stream, 1 to 200 characters, unique on its device.
    name: String,
    /// Id or row number of the device; it cannot be changed later.
    device: ID,
    #[graphql(flatten)]
    #[serde(flatten)]
    settings: StreamSettings,
}

/// Changes to a stream. Omitted fields stay unchanged.
#[derive(InputObject, Serialize)]
pub struct UpdateStreamInput {
    /// Name of the stream, 1 to 200 characters, unique on its device.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    name: MaybeUndefined<String>,
    #[graphql(flatten)]
    #[serde(flatten)]
    settings: StreamSettings,
}

/// Result of creating or updating a stream.
#[derive(SimpleObject)]
pub struct StreamPayload {
    /// The stream as stored after the change; null if nothing was changed.
    stream: Option<Stream>,
    /// Errors in the input, each with its field; empty on success.
    errors: Vec<UserError>,
}

impl StreamPayload {
    fn from_result(result: domain::Result<Arc<domain::stream::Stream>>) -> Result<Self> {
        let (stream, errors) = into_payload(result)?;
        Ok(Self { stream: stream.map(Stream), errors })
    }
}

#[Object(name = "StreamMutations")]
impl StreamMutations {
    /// Creates a stream of a device. If the stream is enabled, it is polled from then on.
    async fn create_stream(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Settings of the new stream.")] input: CreateStreamInput,
    ) -> Result<StreamPayload> {
        let fields = input::to_fields(&input, ReadMode::Whole, &ROW_ID_FIELDS);
        StreamPayload::from_result(app(ctx).create_stream_from_fields(caller(ctx), fields).await)
    }

    /// Updates the given fields. The device of a stream cannot be changed.
    async fn update_stream(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the stream, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the stream, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
        #[graphql(desc = "Fields of the stream to change.")] input: UpdateStreamInput,
    ) -> Result<StreamPayload> {
        let fields = input::to_fields(&input, ReadMode::Partial, &ROW_ID_FIELDS);
        let made = match ids::id_or_row_id(NodeType::Stream, id.as_ref(), row_id) {
            Ok(row) => app(ctx).update_stream_from_fields(caller(ctx), StreamId(row), fields).await,
            Err(error) => Err(error),
        };
        StreamPayload::from_result(made)
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
        let row = ids::id_or_row_id(NodeType::Stream, id.as_ref(), row_id)?;
        Ok(Deleted::from_result(row, into_payload(app(ctx).delete_stream(caller(ctx), StreamId(row)).await)?))
    }
}
