//! Types of quarantined readings of the schema.

use async_graphql::{Context, Object, Result, SimpleObject};

use super::device::Device;
use super::stream::Stream;
use crate::api::graphql::rows;
use crate::api::graphql::scalars::{BigInt, DateTime};
use crate::app::quarantine;

/// A reading that arrived and was not accepted.
pub struct QuarantinedReading(pub quarantine::QuarantinedReading);

/// A reading that arrived and was not accepted, with the reason.
#[Object]
impl QuarantinedReading {
    /// UUID of the row.
    async fn uuid(&self) -> String {
        self.0.row.uuid.to_string()
    }

    /// Row number, as shown by SQL.
    async fn row_id(&self) -> i32 {
        self.0.row.id.0
    }

    /// Device that sent it, or whose stream it names; null when unknown or deleted.
    async fn device(&self, ctx: &Context<'_>) -> Result<Option<Device>> {
        match self.0.row.entry.device {
            Some(id) => Ok(rows::device(ctx, id)?.map(Device)),
            None => Ok(None),
        }
    }

    /// Stream that it names; null when there is none, or the caller may not read it.
    async fn stream(&self, ctx: &Context<'_>) -> Result<Option<Stream>> {
        match self.0.row.entry.stream {
            Some(id) => Ok(rows::stream(ctx, id)?.map(Stream)),
            None => Ok(None),
        }
    }

    /// MQTT topic, or path of the HTTP request, by which it came.
    async fn topic(&self) -> &str {
        &self.0.row.entry.topic
    }

    /// Why it was not accepted, such as `UNKNOWN_SENSOR`, `OUT_OF_RANGE`, `TYPE_MISMATCH` or `MALFORMED`.
    async fn reason(&self) -> &'static str {
        self.0.row.entry.reason.name()
    }

    /// What is wrong, for people: each member of the payload with what is valid.
    async fn detail(&self) -> &str {
        &self.0.row.entry.detail
    }

    /// The payload as it came, at most 16 KiB of it.
    async fn payload(&self) -> &str {
        &self.0.row.entry.payload
    }

    /// Time of its arrival.
    async fn received_at(&self) -> DateTime {
        DateTime(self.0.row.entry.received_at)
    }
}

/// A page of quarantined readings.
#[derive(SimpleObject)]
pub struct QuarantinedReadingPage {
    /// Number of readings in the whole list.
    pub total_count: BigInt,
    /// The readings in order.
    pub nodes: Vec<QuarantinedReading>,
}
