//! Mutations of streams.

use std::sync::Arc;

use async_graphql::{Context, Object, Result};

use super::{DeletePayload, input, payload};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::ids::NodeType;
use crate::api::graphql::object::object;
use crate::api::graphql::objects::stream::{CreateStreamInput, Stream, UpdateStreamInput};
use crate::app::fields::reader::ReadMode;
use crate::domain::{self, StreamId};

/// Input fields that contain ids, with the type of the object.
const ROW_ID_FIELDS: [(&str, NodeType); 2] = [("device", NodeType::Device), ("group", NodeType::Group)];

/// Mutations that create, change and delete streams.
#[derive(Default)]
pub struct StreamMutations;

payload! {
    /// Result of creating or updating a stream.
    pub struct StreamPayload {
        /// The stream as stored after the change; null if nothing was changed.
        stream: Stream(Arc<domain::stream::Stream>),
    }
}

object! {
    #[Object(name = "StreamMutations")]
    impl StreamMutations(self) {}
    rows(
        ctx,
        row: Stream,
        "Global id of the stream, or its row number as text; give this or `rowId`.",
        "Row number of the stream, as REST and SQL show it; give this or `id`.",
    ) {
        /// Updates the given fields. The device of a stream cannot be changed.
        update_stream(
            #[graphql(desc = "Fields of the stream to change.")] input: UpdateStreamInput,
        ): StreamPayload = {
            let fields = input::to_fields(&input, ReadMode::Partial, &ROW_ID_FIELDS);
            let made = match row {
                Ok(row) => app(ctx).streams.update_stream_from_fields(caller(ctx), StreamId(row), fields).await,
                Err(error) => Err(error),
            };
            StreamPayload::from_result(made)
        };
        /// Deletes a stream with its readings, statistics and policies.
        delete_stream(): DeletePayload = {
            let row = row?;
            DeletePayload::from_result(row, app(ctx).streams.delete_stream(caller(ctx), StreamId(row)).await)
        };
    }
    resolvers {
        /// Creates a stream of a device. If the stream is enabled, it is polled from then on.
        async fn create_stream(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "Settings of the new stream.")] input: CreateStreamInput,
        ) -> Result<StreamPayload> {
            let fields = input::to_fields(&input, ReadMode::Whole, &ROW_ID_FIELDS);
            StreamPayload::from_result(app(ctx).streams.create_stream_from_fields(caller(ctx), fields).await)
        }
    }
}
