//! Mutation that writes many values atomically; they are durable when the response is sent.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::Quality;
use crate::api::graphql::errors::{UserError, into_payload};
use crate::api::graphql::ids::{self, NodeType};
use crate::api::graphql::scalars::{DateTime, ExactFloat};
use crate::app::ingest::{IngestOutcome, NewReading};
use crate::domain::{self, StreamId};

/// The mutation that stores values.
#[derive(Default)]
pub struct ValuesMutations;

/// One value. An existing value of the same stream and time is replaced.
#[derive(InputObject)]
pub struct ValueInput {
    /// Id or row number of the stream.
    stream: ID,
    /// Time of measurement; default: the current time of the server.
    ts: Option<DateTime>,
    /// Numeric value in the stream's unit.
    value: Option<ExactFloat>,
    /// Text, JSON or location; for an integer beyond 2^53, its exact decimal.
    text: Option<String>,
    /// Quality of the value; default `good`.
    quality: Option<Quality>,
}

/// Result of writing values.
#[derive(SimpleObject)]
pub struct WriteValuesPayload {
    /// Number of values written; null if none were.
    rows: Option<i32>,
    /// Whether an earlier request with the same idempotency key had already written them.
    replayed: bool,
    /// Errors in the input, each with its field; empty on success.
    errors: Vec<UserError>,
}

#[Object(name = "ValuesMutations")]
impl ValuesMutations {
    /// Writes values atomically: all of them or none. When the response is sent, they are durable and visible to every
    /// later query. With an idempotency key, repeating the request within a day writes the values only once.
    #[graphql(complexity = "crate::api::graphql::paging::cost_of(input.len(), 1)")]
    async fn write_values(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Values of any streams, in any order.")] input: Vec<ValueInput>,
        #[graphql(
            desc = "Any text. A request with the same key within a day writes nothing and returns the first result."
        )]
        idempotency_key: Option<String>,
    ) -> Result<WriteValuesPayload> {
        let count = i32::try_from(input.len()).unwrap_or(i32::MAX);
        let written = match rows(input) {
            Ok(rows) => app(ctx).ingest.write_rows(caller(ctx), rows, idempotency_key.as_deref()).await,
            Err(error) => Err(error),
        };
        let (written, errors): (Option<IngestOutcome>, _) = into_payload(written)?;
        let replayed = written.as_ref().is_some_and(|written| written.is_replay);
        Ok(WriteValuesPayload { rows: written.map(|_| count), replayed, errors })
    }
}

fn rows(input: Vec<ValueInput>) -> domain::Result<Vec<NewReading>> {
    let to_posted = |value: ValueInput| {
        Ok(NewReading {
            stream: StreamId(ids::parse_row_id(NodeType::Stream, &value.stream, "stream")?),
            ts: value.ts.map(|ts| ts.0),
            value: value.value.map(|number| number.0),
            text: value.text,
            quality: value.quality.map(Into::into).unwrap_or_default(),
        })
    };
    input.into_iter().map(to_posted).collect()
}
