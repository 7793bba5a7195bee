//! Writing values: many at once, all or none, durable when answered.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::Quality;
use crate::api::graphql::errors::{UserError, settle};
use crate::api::graphql::ids::{self, Noun};
use crate::api::graphql::scalars::DateTime;
use crate::app::ingest::{Given, Ingested};
use crate::domain::{self, StreamId};

#[derive(Default)]
pub struct Mutations;

/// One value. One that is there for the same stream and time is replaced.
#[derive(InputObject)]
pub struct ValueInput {
    /// Id or row number of the stream it is of.
    stream: ID,
    /// When it was measured; default now, as the server's clock has it.
    ts: Option<DateTime>,
    /// A number in the stream's unit.
    value: Option<f64>,
    /// Text, JSON, a location; or the exact decimal of an integer beyond 2^53.
    text: Option<String>,
    /// How far it can be trusted; default `good`.
    quality: Option<Quality>,
}

/// What came of writing values.
#[derive(SimpleObject)]
pub struct WriteValuesPayload {
    /// Rows that were written; null when none was.
    rows: Option<i32>,
    /// Whether an earlier request with the same key had written them.
    replayed: bool,
    /// What is wrong with the input, each with its field; empty when all is well.
    errors: Vec<UserError>,
}

#[Object(name = "ValuesMutations")]
impl Mutations {
    /// Writes values, all of them or none. They are on disk when the answer comes, and in the answer of every later
    /// query. With a key, the same input is written once, however often it is sent within a day.
    #[graphql(complexity = "crate::api::graphql::paging::cost_of(input.len(), 1)")]
    async fn write_values(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The values, of any streams and in any order.")] input: Vec<ValueInput>,
        #[graphql(
            desc = "Any text of the caller; the same again within a day writes nothing and gets the first answer."
        )]
        idempotency_key: Option<String>,
    ) -> Result<WriteValuesPayload> {
        let count = i32::try_from(input.len()).unwrap_or(i32::MAX);
        let written = match rows(input) {
            Ok(rows) => app(ctx).write_rows(caller(ctx), rows, idempotency_key.as_deref()).await,
            Err(error) => Err(error),
        };
        let (written, errors): (Option<Ingested>, _) = settle(written)?;
        let replayed = written.as_ref().is_some_and(|written| written.is_replay);
        Ok(WriteValuesPayload { rows: written.map(|_| count), replayed, errors })
    }
}

fn rows(input: Vec<ValueInput>) -> domain::Result<Vec<Given>> {
    let given = |value: ValueInput| {
        Ok(Given {
            stream: StreamId(ids::row(Noun::Stream, &value.stream, "stream")?),
            ts: value.ts.map(|ts| ts.0),
            value: value.value,
            text: value.text,
            quality: value.quality.map(Into::into).unwrap_or_default(),
        })
    };
    input.into_iter().map(given).collect()
}
