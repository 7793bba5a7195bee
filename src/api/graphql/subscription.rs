//! What can be followed: readings, events, states of devices.

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject, Subscription};
use futures::{Stream, StreamExt};

use super::context::{app, standing};
use super::enums::{DeviceState, Level, Quality};
use super::ids::{self, Noun};
use super::loaders;
use super::objects::device::Device;
use super::objects::event::Event;
use super::objects::stream;
use super::scalars::DateTime;
use crate::app::live::MOST;
use crate::app::live::devices::DeviceNews;
use crate::app::live::events::EventNews;
use crate::app::live::values::{LiveGap, LiveMessage, LiveQuery, Start};
use crate::domain::live::{Wanted, WantedEvents};
use crate::domain::reading::Reading;
use crate::domain::{DeviceId, Error, EventId, GroupId, StreamId};

/// What can be followed, over a WebSocket (graphql-transport-ws at `/graphql/ws`) or as server-sent events
/// (`POST /graphql/stream`).
#[derive(Default)]
pub struct Subscription;

/// What can be followed, over a WebSocket (graphql-transport-ws at `/graphql/ws`) or as server-sent events
/// (`POST /graphql/stream`).
#[expect(clippy::too_many_arguments, reason = "each is an argument of its field")]
#[Subscription]
impl Subscription {
    /// Readings as they are written, also late ones and those that replace others, in the order of writing. Streams, devices
    /// and groups are taken together, and what joins them later as well; with none of the three it is everything that is
    /// seen.
    ///
    /// `since` tells the history from that time on first: of each stream by time. `after` goes on where the message with that
    /// cursor ended. With either nothing is missing and nothing comes twice; what is not kept any more is told as a `gap`.
    #[graphql(complexity = "MOST * child_complexity")]
    async fn values(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ids or row numbers.")] streams: Option<Vec<ID>>,
        #[graphql(desc = "Ids or row numbers: every stream of these devices.")] devices: Option<Vec<ID>>,
        #[graphql(desc = "Ids or row numbers: every stream in these groups.")] groups: Option<Vec<ID>>,
        #[graphql(desc = "The history from this time on comes first.")] since: Option<DateTime>,
        #[graphql(desc = "The cursor of the last message that was received.")] after: Option<String>,
        #[graphql(
            desc = "Messages per second, from 0.001 to 1000. Of each stream only the newest reading between two \
                          messages is told then; without it nothing is left out."
        )]
        max_rate: Option<f64>,
    ) -> Result<impl Stream<Item = Result<LiveValues>> + use<>> {
        let start = match (since, after) {
            (None, None) => Start::Now,
            (Some(since), None) => Start::Since(since.0),
            (None, Some(after)) => Start::After(after),
            (Some(_), Some(_)) => return Err(Error::field("after", "give either since or after").into()),
        };
        let query = LiveQuery { wanted: wanted(streams, devices, groups)?, start, max_rate };
        let feed = app(ctx).live(standing(ctx), query).await?;
        Ok(feed.map(|message| Ok(LiveValues::from(message?))))
    }

    /// Events as they are created, changed and deleted, from now on: those that pass everything that is said, and those that
    /// did before they were changed.
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id or row number: of this device.")] device: Option<ID>,
        #[graphql(desc = "Id or row number: of this stream.")] stream: Option<ID>,
        #[graphql(desc = "Of one of these kinds.")] kinds: Option<Vec<String>>,
        #[graphql(desc = "Of this level.")] level: Option<Level>,
    ) -> Result<impl Stream<Item = Result<LiveEvent>> + use<>> {
        let device = device.map(|id| ids::row(Noun::Device, &id, "device")).transpose()?.map(DeviceId);
        let stream = stream.map(|id| ids::row(Noun::Stream, &id, "stream")).transpose()?.map(StreamId);
        let wanted = WantedEvents { device, stream, level: level.map(Into::into), kinds };
        let feed = app(ctx).event_feed(standing(ctx), wanted)?;
        Ok(feed.map(|news| Ok(LiveEvent(news?))))
    }

    /// The states of devices: of each one first what it is, then whenever it or the error that goes with it is another.
    async fn device_states(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ids or row numbers; without it every device that is seen.")] devices: Option<
            Vec<ID>,
        >,
    ) -> Result<impl Stream<Item = Result<LiveDevice>> + use<>> {
        let devices = devices.map(|ids| ids::rows(Noun::Device, &ids, "devices", DeviceId)).transpose()?;
        let feed = app(ctx).device_feed(standing(ctx), devices)?;
        Ok(feed.map(|news| Ok(LiveDevice(news?))))
    }
}

fn wanted(
    streams: Option<Vec<ID>>,
    devices: Option<Vec<ID>>,
    groups: Option<Vec<ID>>,
) -> crate::domain::Result<Wanted> {
    Ok(Wanted {
        streams: streams.map(|ids| ids::rows(Noun::Stream, &ids, "streams", StreamId)).transpose()?,
        devices: devices.map(|ids| ids::rows(Noun::Device, &ids, "devices", DeviceId)).transpose()?,
        groups: groups.map(|ids| ids::rows(Noun::Group, &ids, "groups", GroupId)).transpose()?,
    })
}

/// Some readings, or none: then it says how far everything is told, or what is missing.
#[derive(SimpleObject)]
pub struct LiveValues {
    /// In the order of writing; of the history by stream and time.
    readings: Vec<LiveReading>,
    /// Give it as `after` to go on behind this message, also after a restart of the server.
    cursor: String,
    /// What is missing before the readings, if anything is.
    gap: Option<Gap>,
}

/// Whatever was written between the two cursors is not kept any more; some of it may have been wanted.
#[derive(SimpleObject)]
pub struct Gap {
    /// The cursor behind which something is missing.
    from: String,
    /// The cursor behind which everything is there.
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

/// A reading at the moment at which it was written.
pub struct LiveReading(Reading);

/// A reading at the moment at which it was written.
#[Object]
impl LiveReading {
    /// The row number of its stream.
    async fn stream_row_id(&self) -> i32 {
        self.0.stream.0
    }

    /// Its stream; null when it has been deleted since.
    async fn stream(&self, ctx: &Context<'_>) -> Result<Option<stream::Stream>> {
        Ok(loaders::load(ctx, self.0.stream).await?.map(stream::Stream))
    }

    /// When it was measured.
    async fn ts(&self) -> DateTime {
        DateTime(self.0.ts)
    }

    /// The number; null for text and for bad readings.
    async fn value(&self) -> Option<f64> {
        self.0.value
    }

    /// Text, JSON, a location; or the exact decimal of a large integer.
    async fn text(&self) -> Option<&str> {
        self.0.text.as_deref()
    }

    /// How far it can be trusted.
    async fn quality(&self) -> Quality {
        self.0.quality.into()
    }
}

/// What happened to an event in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum EventChange {
    /// It was written to the log.
    Created,
    /// One or more of its fields changed.
    Updated,
    /// It was removed from the log.
    Deleted,
    /// The reader was too slow and changes went by untold: read the list of events again.
    Missed,
}

/// One change of the event log.
pub struct LiveEvent(EventNews);

/// One change of the event log.
#[Object]
impl LiveEvent {
    /// What happened to the event.
    async fn change(&self) -> EventChange {
        match &self.0 {
            EventNews::Created(_) => EventChange::Created,
            EventNews::Updated(_) => EventChange::Updated,
            EventNews::Deleted(_) => EventChange::Deleted,
            EventNews::Missed => EventChange::Missed,
        }
    }

    /// Global id of the event; null for `MISSED`.
    async fn id(&self) -> Option<ID> {
        self.row().map(|row| Noun::Event.id(row.0))
    }

    /// The number of the event that REST and SQL show; null for `MISSED`.
    async fn row_id(&self) -> Option<i32> {
        self.row().map(|row| row.0)
    }

    /// The event as it is now; null once it is deleted.
    async fn event(&self) -> Option<Event> {
        match &self.0 {
            EventNews::Created(event) | EventNews::Updated(event) => Some(Event(event.clone())),
            EventNews::Deleted(_) | EventNews::Missed => None,
        }
    }
}

impl LiveEvent {
    fn row(&self) -> Option<EventId> {
        match &self.0 {
            EventNews::Created(event) | EventNews::Updated(event) => Some(event.id),
            EventNews::Deleted(id) => Some(*id),
            EventNews::Missed => None,
        }
    }
}

/// The state of a device, as its collector sees it.
pub struct LiveDevice(DeviceNews);

/// The state of a device, as its collector sees it.
#[Object]
impl LiveDevice {
    /// The device whose state it is.
    async fn device(&self) -> Device {
        Device(self.0.device.clone())
    }

    /// What its collector knows of it.
    async fn state(&self) -> DeviceState {
        self.0.status.state.into()
    }

    /// What is wrong; null in good order.
    async fn last_error(&self) -> Option<&str> {
        self.0.status.last_error.as_deref()
    }

    /// When it last answered.
    async fn last_seen(&self) -> Option<DateTime> {
        self.0.status.last_seen.map(DateTime)
    }
}
