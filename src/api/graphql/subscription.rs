//! Fields of `Subscription`: readings, events and device states.

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject, Subscription};
use futures::{Stream, StreamExt};

use super::context::{app, live_credential};
use super::enums::{DeviceState, Level, Quality};
use super::ids::{self, NodeType};
use super::objects::device::Device;
use super::objects::event::Event;
use super::objects::stream;
use super::rows;
use super::scalars::DateTime;
use crate::app::live::MAX_MESSAGE_READINGS;
use crate::app::live::devices::DeviceStatusUpdate;
use crate::app::live::events::EventUpdate;
use crate::app::live::values::{LiveGap, LiveMessage, LiveQuery, LiveStart};
use crate::domain::reading::Reading;
use crate::domain::subscription::{EventSubscriptionFilter, SubscriptionFilter};
use crate::domain::{DeviceId, Error, EventId, GroupId, StreamId};

/// Subscriptions, over a WebSocket (graphql-transport-ws at `/graphql/ws`) or as server-sent events (`POST
/// /graphql/stream`).
#[derive(Default)]
pub struct Subscription;

/// Subscriptions, over a WebSocket (graphql-transport-ws at `/graphql/ws`) or as server-sent events (`POST
/// /graphql/stream`).
#[expect(clippy::too_many_arguments, reason = "each is an argument of its field")]
#[Subscription]
impl Subscription {
    /// Readings in the order of writing, including late readings and those that replace others. `streams`, `devices`
    /// and `groups` are combined, and streams added to them later are included; without any of the three, all streams
    /// that the caller may read.
    ///
    /// `since` first sends the stored readings from that time on, ordered by stream and time. `after` continues after
    /// the message with that cursor. With either of them no reading is lost or repeated; readings that are no longer
    /// stored are reported as a `gap`.
    #[graphql(complexity = "MAX_MESSAGE_READINGS * child_complexity")]
    async fn values(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ids or row numbers of streams.")] streams: Option<Vec<ID>>,
        #[graphql(desc = "Ids or row numbers of devices; includes all of their streams.")] devices: Option<
            Vec<ID>,
        >,
        #[graphql(desc = "Ids or row numbers of groups; includes all of their streams.")] groups: Option<
            Vec<ID>,
        >,
        #[graphql(desc = "Start of the stored readings to send first; not together with `after`.")]
        since: Option<DateTime>,
        #[graphql(desc = "Cursor of the last received message; not together with `since`.")] after: Option<
            String,
        >,
        #[graphql(
            desc = "Maximum messages per second, from 0.001 to 1000. Each message then has only the newest reading of \
                          each stream; by default no reading is omitted."
        )]
        max_rate: Option<f64>,
    ) -> Result<impl Stream<Item = Result<LiveValues>> + use<>> {
        let start = match (since, after) {
            (None, None) => LiveStart::Now,
            (Some(since), None) => LiveStart::Since(since.0),
            (None, Some(after)) => LiveStart::After(after),
            (Some(_), Some(_)) => return Err(Error::field("after", "give either since or after").into()),
        };
        let query = LiveQuery { wanted: subscription_filter(streams, devices, groups)?, start, max_rate };
        let feed = app(ctx).feeds.live(live_credential(ctx), query).await?;
        Ok(feed.map(|message| Ok(LiveValues::from(message?))))
    }

    /// Events that are created, changed or deleted from now on and match all given filters. An event that matched
    /// before a change is reported too.
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only events of this device, by its id or row number.")] device: Option<ID>,
        #[graphql(desc = "Only events about this stream, by its id or row number.")] stream: Option<ID>,
        #[graphql(desc = "Only events of one of these kinds.")] kinds: Option<Vec<String>>,
        #[graphql(desc = "Only events of exactly this level.")] level: Option<Level>,
        #[graphql(
            default,
            desc = "First sends `MISSED` once the subscription has started: a client that then asks for the list of \
                    events has missed none."
        )]
        report_start: bool,
    ) -> Result<impl Stream<Item = Result<LiveEvent>> + use<>> {
        let device =
            device.map(|id| ids::parse_row_id(NodeType::Device, &id, "device")).transpose()?.map(DeviceId);
        let stream =
            stream.map(|id| ids::parse_row_id(NodeType::Stream, &id, "stream")).transpose()?.map(StreamId);
        let wanted = EventSubscriptionFilter { device, stream, level: level.map(Into::into), kinds };
        let feed = app(ctx).feeds.event_feed(live_credential(ctx), wanted)?;
        let start = futures::stream::iter(report_start.then_some(Ok(EventUpdate::Missed)));
        Ok(start.chain(feed).map(|news| Ok(LiveEvent(news?))))
    }

    /// States of devices: first the current state of each device, then every change of the state or its error.
    async fn device_states(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ids or row numbers of devices; default: all that the caller may read.")]
        devices: Option<Vec<ID>>,
    ) -> Result<impl Stream<Item = Result<LiveDevice>> + use<>> {
        let devices =
            devices.map(|ids| ids::parse_row_ids(NodeType::Device, &ids, "devices", DeviceId)).transpose()?;
        let feed = app(ctx).feeds.device_feed(live_credential(ctx), devices)?;
        Ok(feed.map(|news| Ok(LiveDevice(news?))))
    }
}

fn subscription_filter(
    streams: Option<Vec<ID>>,
    devices: Option<Vec<ID>>,
    groups: Option<Vec<ID>>,
) -> crate::domain::Result<SubscriptionFilter> {
    Ok(SubscriptionFilter {
        streams: streams
            .map(|ids| ids::parse_row_ids(NodeType::Stream, &ids, "streams", StreamId))
            .transpose()?,
        devices: devices
            .map(|ids| ids::parse_row_ids(NodeType::Device, &ids, "devices", DeviceId))
            .transpose()?,
        groups: groups.map(|ids| ids::parse_row_ids(NodeType::Group, &ids, "groups", GroupId)).transpose()?,
    })
}

/// A batch of readings. A batch without readings reports the progress of the cursor, or a gap.
#[derive(SimpleObject)]
pub struct LiveValues {
    /// Readings in the order of writing; stored readings come by stream and time.
    readings: Vec<LiveReading>,
    /// Cursor of this message: pass it as `after` to continue here, even after a restart of the server.
    cursor: String,
    /// Gap before these readings; null if nothing is missing.
    gap: Option<Gap>,
}

/// Readings between two cursors that are no longer stored; they may include readings that match the subscription.
#[derive(SimpleObject)]
pub struct Gap {
    /// Cursor after which readings are missing.
    from: String,
    /// Cursor after which the readings are complete again.
    to: String,
}

impl From<LiveMessage> for LiveValues {
    fn from(message: LiveMessage) -> Self {
        let LiveMessage { readings, cursor, gap } = message;
        Self {
            readings: readings.iter().map(LiveReading).collect(),
            cursor,
            gap: gap.map(|LiveGap { from, to }| Gap { from, to }),
        }
    }
}

/// A reading, sent when it is written.
pub struct LiveReading(Reading);

/// A reading, sent when it is written.
#[Object]
impl LiveReading {
    /// Row number of the stream.
    async fn stream_row_id(&self) -> i32 {
        self.0.stream.0
    }

    /// Stream of the reading; null if it has been deleted since.
    async fn stream(&self, ctx: &Context<'_>) -> Result<Option<stream::Stream>> {
        Ok(rows::stream(ctx, self.0.stream)?.map(stream::Stream))
    }

    /// Time of measurement.
    async fn ts(&self) -> DateTime {
        DateTime(self.0.ts)
    }

    /// Numeric value; null for text and for bad readings.
    async fn value(&self) -> Option<f64> {
        self.0.value
    }

    /// Text, JSON or location; for a large integer, its exact decimal.
    async fn text(&self) -> Option<&str> {
        self.0.text.as_deref()
    }

    /// Quality of the value: good, uncertain or bad.
    async fn quality(&self) -> Quality {
        self.0.quality.into()
    }
}

/// Kind of change of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum EventChange {
    /// The event was created.
    Created,
    /// One or more fields of the event changed.
    Updated,
    /// The event was deleted.
    Deleted,
    /// Changes may have been missed, because the subscriber was too slow or has asked for `reportStart`: query the
    /// events again.
    Missed,
}

/// A change of the event log.
pub struct LiveEvent(EventUpdate);

/// A change of the event log.
#[Object]
impl LiveEvent {
    /// Kind of the change.
    async fn change(&self) -> EventChange {
        match &self.0 {
            EventUpdate::Created(_) => EventChange::Created,
            EventUpdate::Updated(_) => EventChange::Updated,
            EventUpdate::Deleted(_) => EventChange::Deleted,
            EventUpdate::Missed => EventChange::Missed,
        }
    }

    /// Global id of the event; null for `MISSED`.
    async fn id(&self) -> Option<ID> {
        self.row().map(|row| NodeType::Event.id(row.0))
    }

    /// Row number of the event, as shown by REST and SQL; null for `MISSED`.
    async fn row_id(&self) -> Option<i32> {
        self.row().map(|row| row.0)
    }

    /// The event after the change; null for `DELETED` and `MISSED`.
    async fn event(&self) -> Option<Event> {
        match &self.0 {
            EventUpdate::Created(event) | EventUpdate::Updated(event) => Some(Event(event.clone())),
            EventUpdate::Deleted(_) | EventUpdate::Missed => None,
        }
    }
}

impl LiveEvent {
    fn row(&self) -> Option<EventId> {
        match &self.0 {
            EventUpdate::Created(event) | EventUpdate::Updated(event) => Some(event.id),
            EventUpdate::Deleted(id) => Some(*id),
            EventUpdate::Missed => None,
        }
    }
}

/// The state of a device, as reported by its collector.
pub struct LiveDevice(DeviceStatusUpdate);

/// The state of a device, as reported by its collector.
#[Object]
impl LiveDevice {
    /// Device that the state belongs to.
    async fn device(&self) -> Device {
        Device(self.0.device.clone())
    }

    /// Connection state of the device.
    async fn state(&self) -> DeviceState {
        self.0.status.state.into()
    }

    /// Description of the current error; null if there is none.
    async fn last_error(&self) -> Option<&str> {
        self.0.status.last_error.as_deref()
    }

    /// Time of the last response of the device; null if there has been none.
    async fn last_seen(&self) -> Option<DateTime> {
        self.0.status.last_seen.map(DateTime)
    }
}
