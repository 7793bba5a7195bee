//! Events in the graph.

use async_graphql::connection::{Connection, CursorType, Edge, EmptyFields};
use async_graphql::{Context, ID, Object, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::TryStreamExt;

use super::device::Device;
use super::stream::Stream;
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::Level;
use crate::api::graphql::ids::Noun;
use crate::api::graphql::loaders;
use crate::api::graphql::scalars::DateTime;
use crate::domain::event::{self, EventFilter};
use crate::domain::{Error, EventId, Micros};

/// Something that happened, at a device or not.
pub struct Event(pub event::Event);

/// Something that happened, at a device or not.
#[Object]
impl Event {
    /// Global id, unique among objects of all types: `node(id:)` finds the event by it.
    pub async fn id(&self) -> ID {
        Noun::Event.id(self.0.id.0)
    }

    /// The number that REST and SQL show.
    pub async fn row_id(&self) -> i32 {
        self.0.id.0
    }

    /// What sort of thing, such as `alarm` or `anomaly`.
    async fn kind(&self) -> &str {
        &self.0.spec.kind
    }

    /// How much it matters.
    async fn level(&self) -> Level {
        self.0.spec.level.into()
    }

    /// When it happened, as told by whoever made it.
    async fn ts(&self) -> DateTime {
        DateTime(self.0.spec.ts)
    }

    /// What happened, in words; at most 4,000 characters, empty when there are none.
    async fn message(&self) -> &str {
        &self.0.spec.message
    }

    /// Where more can be read; empty when nowhere.
    async fn url(&self) -> &str {
        &self.0.spec.url
    }

    /// Whatever belongs to it, as a JSON object; `{}` when nothing does.
    async fn payload(&self) -> serde_json::Value {
        serde_json::Value::Object(self.0.spec.payload.clone())
    }

    /// Whether somebody has taken note of it.
    async fn acknowledged(&self) -> bool {
        self.0.spec.acknowledged
    }

    /// When it was written to the event log.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// The device it happened at; null when it is of none, or of one that the caller does not see.
    async fn device(&self, ctx: &Context<'_>) -> Result<Option<Device>> {
        let Some(device) = self.0.spec.device else { return Ok(None) };
        Ok(loaders::load(ctx, device).await?.map(Device))
    }

    /// The stream it is about; null when it is about none, or about one that the caller does not see.
    async fn stream(&self, ctx: &Context<'_>) -> Result<Option<Stream>> {
        let Some(stream) = self.0.spec.stream else { return Ok(None) };
        Ok(loaders::load(ctx, stream).await?.map(Stream))
    }
}

/// Where an event stands: by time, then by row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(pub Micros, pub EventId);

impl CursorType for Moment {
    type Error = Error;

    fn decode_cursor(text: &str) -> crate::domain::Result<Self> {
        let wrong = || Error::field("after", "is not a cursor of this list");
        let decoded = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let decoded = decoded.ok_or_else(wrong)?;
        let (ts, row) = decoded.split_once('/').ok_or_else(wrong)?;
        let (Ok(ts), Ok(row)) = (ts.parse(), row.parse()) else { return Err(wrong()) };
        Ok(Moment(Micros(ts), EventId(row)))
    }

    fn encode_cursor(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}/{}", self.0.0, self.1.0))
    }
}

/// A page of events.
pub type Events = Connection<Moment, Event, Counted, EmptyFields>;

/// Counts only when asked.
pub struct Counted(EventFilter);

#[Object(name = "EventTotal")]
impl Counted {
    /// Events of the whole list. They are counted only for this field.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<i32> {
        let events = app(ctx).count_events(caller(ctx), &self.0).await?;
        Ok(i32::try_from(events).unwrap_or(i32::MAX))
    }
}

/// A page of the events that pass a filter.
pub async fn page(
    ctx: &Context<'_>,
    filter: EventFilter,
    limit: usize,
    after: Option<&str>,
) -> Result<Events> {
    let total = Counted(filter.clone());
    let after = after.map(Moment::decode_cursor).transpose()?;
    let page = crate::domain::page::Page { offset: 0, limit: limit + 1 };
    let wanted = EventFilter { after: after.map(|Moment(ts, id)| (ts, id)), page, ..filter };
    let found: Vec<Vec<event::Event>> = app(ctx).events(caller(ctx), wanted)?.try_collect().await?;
    let mut found: Vec<event::Event> = found.into_iter().flatten().collect();
    let has_next = found.len() > limit;
    found.truncate(limit);
    let mut events = Events::with_additional_fields(after.is_some(), has_next, total);
    events.edges.extend(found.into_iter().map(|one| Edge::new(Moment(one.spec.ts, one.id), Event(one))));
    Ok(events)
}
