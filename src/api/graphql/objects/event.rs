//! Event type of the schema and its connection.

use async_graphql::connection::{Connection, CursorType, Edge, EmptyFields};
use async_graphql::{Context, ID, Object, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::TryStreamExt;

use super::alert::Alert;
use super::device::Device;
use super::stream::Stream;
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::Level;
use crate::api::graphql::ids::NodeType;
use crate::api::graphql::object::object;
use crate::api::graphql::rows;
use crate::api::graphql::scalars::DateTime;
use crate::domain::event::{self, EventFilter};
use crate::domain::{Error, EventId, Micros};

/// An entry of the event log, optionally linked to a device or stream.
pub struct Event(pub event::Event);

object! {
    #[Object]
    /// An entry of the event log, optionally linked to a device or stream.
    impl Event(self) {
        /// Global id, unique across all object types: `node(id:)` returns the event.
        id: ID = NodeType::Event.id(self.0.id.0);
        /// Row number, as shown by REST and SQL.
        row_id: i32 = self.0.id.0;
        /// Kind of event, such as `alarm` or `anomaly`.
        kind: &str = &self.0.spec.kind;
        /// Severity of the event.
        level: Level = self.0.spec.level.into();
        /// Time of the event, as given by its creator.
        ts: DateTime = DateTime(self.0.spec.ts);
        /// Description of the event, at most 4,000 characters; may be empty.
        message: &str = &self.0.spec.message;
        /// URL with more information; may be empty.
        url: &str = &self.0.spec.url;
        /// Additional data as a JSON object; `{}` if there is none.
        payload: serde_json::Value = serde_json::Value::Object(self.0.spec.payload.clone());
        /// Whether the event has been acknowledged.
        acknowledged: bool = self.0.spec.acknowledged;
        /// Time at which somebody acknowledged the event; null if nobody has.
        acknowledged_at: Option<DateTime> = self.0.acknowledged_at.map(DateTime);
        /// Caller who acknowledged it, such as `ann` or `key:3`; null if nobody has.
        acknowledged_by: Option<&str> = self.0.acknowledged_by.as_deref();
        /// Text about the event, at most 4,000 characters; null for none.
        note: Option<&str> = self.0.spec.note.as_deref();
        /// UUID of the event, as on the MK platform.
        uuid: String = self.0.uuid.to_string();
        /// Source of the event: `ALERT_RULE`, `DEVICE`, `USER`, `SYSTEM` or `JOB`.
        source: &str = self.0.source.name();
        /// State of the alert; null for any other event.
        alert: Option<Alert> = self.0.alert.clone().map(Alert);
        /// Time at which the event was written to the event log.
        created_at: DateTime = DateTime(self.0.created_at);
    }
    with ctx {
        /// Device of the event; null if it has none or the caller may not read it.
        device: Option<Device> = Ok(rows::device(ctx, self.0.spec.device)?.map(Device));
        /// Stream of the event; null if it has none or the caller may not read it.
        stream: Option<Stream> = Ok(rows::stream(ctx, self.0.spec.stream)?.map(Stream));
    }
}

/// Cursor of an event: ordered by time, then by row number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventCursor(pub Micros, pub EventId);

impl CursorType for EventCursor {
    type Error = Error;

    fn decode_cursor(text: &str) -> crate::domain::Result<Self> {
        let wrong = || Error::field("after", "is not a cursor of this list");
        let decoded = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let decoded = decoded.ok_or_else(wrong)?;
        let (ts, row) = decoded.split_once('/').ok_or_else(wrong)?;
        let (Ok(ts), Ok(row)) = (ts.parse(), row.parse()) else { return Err(wrong()) };
        Ok(EventCursor(Micros(ts), EventId(row)))
    }

    fn encode_cursor(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}/{}", self.0.0, self.1.0))
    }
}

/// A page of events.
pub type EventConnection = Connection<EventCursor, Event, EventTotal, EmptyFields>;

/// Computes the total only if the field is selected.
pub struct EventTotal(EventFilter);

#[Object(name = "EventTotal")]
impl EventTotal {
    /// Number of events in the whole list; computed only if this field is selected.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<i32> {
        let events = app(ctx).events.count_events(caller(ctx), &self.0).await?;
        Ok(i32::try_from(events).unwrap_or(i32::MAX))
    }
}

/// Returns a page of the events that match a filter.
pub async fn events_page(
    ctx: &Context<'_>,
    filter: EventFilter,
    limit: usize,
    after: Option<&str>,
) -> Result<EventConnection> {
    let total = EventTotal(filter.clone());
    let after = after.map(EventCursor::decode_cursor).transpose()?;
    let page = crate::domain::pagination::Pagination { offset: 0, limit: limit + 1 };
    let wanted = EventFilter { after: after.map(|EventCursor(ts, id)| (ts, id)), page, ..filter };
    let found: Vec<Vec<event::Event>> = app(ctx).events.events(caller(ctx), wanted)?.try_collect().await?;
    let mut found: Vec<event::Event> = found.into_iter().flatten().collect();
    let has_next = found.len() > limit;
    found.truncate(limit);
    let mut events = EventConnection::with_additional_fields(after.is_some(), has_next, total);
    events.edges.extend(found.into_iter().map(|one| Edge::new(EventCursor(one.spec.ts, one.id), Event(one))));
    Ok(events)
}
