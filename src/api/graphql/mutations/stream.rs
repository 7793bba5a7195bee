//! Mutations of streams.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result, SimpleObject};

use super::{DeletePayload, input};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::{UserError, into_payload};
use crate::api::graphql::ids::{self, NodeType};
use crate::api::graphql::objects::stream::{CreateStreamInput, Stream, UpdateStreamInput};
use crate::app::fields::reader::ReadMode;
use crate::domain::{self, StreamId};

/// Input fields that contain ids, with the type of the object.
const ROW_ID_FIELDS: [(&str, NodeType); 2] = [("device", NodeType::Device), ("group", NodeType::Group)];

/// Mutations that create, change and delete streams.
#[derive(Default)]
pub struct StreamMutations;

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
        StreamPayload::from_result(app(ctx).streams.create_stream_from_fields(caller(ctx), fields).await)
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
            Ok(row) => app(ctx).streams.update_stream_from_fields(caller(ctx), StreamId(row), fields).await,
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
    ) -> Result<DeletePayload> {
        let row = ids::id_or_row_id(NodeType::Stream, id.as_ref(), row_id)?;
        Ok(DeletePayload::from_result(
            row,
            into_payload(app(ctx).streams.delete_stream(caller(ctx), StreamId(row)).await)?,
        ))
    }
}
