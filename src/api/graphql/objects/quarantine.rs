//! Types of quarantined readings of the schema.

use async_graphql::{Object, SimpleObject};

use super::device::Device;
use super::stream::Stream;
use crate::api::graphql::object::object;
use crate::api::graphql::rows;
use crate::api::graphql::scalars::{BigInt, DateTime};
use crate::app::quarantine;

/// A reading that arrived and was not accepted.
pub struct QuarantinedReading(pub quarantine::QuarantinedReading);

object! {
    #[Object]
    /// A reading that arrived and was not accepted, with the reason.
    impl QuarantinedReading(self) {
        /// UUID of the row.
        uuid: String = self.0.row.uuid.to_string();
        /// Row number, as shown by SQL.
        row_id: i32 = self.0.row.id.0;
        /// MQTT topic, or path of the HTTP request, by which it came.
        topic: &str = &self.0.row.entry.topic;
        /// Why it was not accepted, such as `UNKNOWN_SENSOR`, `OUT_OF_RANGE`, `TYPE_MISMATCH` or `MALFORMED`.
        reason: &'static str = self.0.row.entry.reason.name();
        /// Errors, for people: each member of the payload with what is valid.
        detail: &str = &self.0.row.entry.detail;
        /// The payload as it came, at most 16 KiB of it.
        payload: &str = &self.0.row.entry.payload;
        /// Time of its arrival.
        received_at: DateTime = DateTime(self.0.row.entry.received_at);
    }
    with ctx {
        /// Device that sent it, or whose stream it names; null when unknown or deleted.
        device: Option<Device> = Ok(rows::device(ctx, self.0.row.entry.device)?.map(Device));
        /// Stream that it names; null when there is none, or the caller may not read it.
        stream: Option<Stream> = Ok(rows::stream(ctx, self.0.row.entry.stream)?.map(Stream));
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
