//! Stream type of the schema, with its readings, statistics and newest reading, and the inputs that create and change a
//! stream.

use std::sync::Arc;

use async_graphql::{Context, ID, MaybeUndefined, Object, Result};
use serde_json::Value;

use super::device::Device;
use super::group::Group;
use super::reading::{self, Latest, ReadingConnection};
use super::retention::RetentionPolicy;
use super::statistic::{self, Statistic};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::{AccessMode, ByteOrder, ListOrder, Order, StatisticField, StreamType};
use crate::api::graphql::ids::NodeType;
use crate::api::graphql::input_object::input_objects;
use crate::api::graphql::object::object;
use crate::api::graphql::paging::{self, ConnectionArgs, ListCursor, NodeConnection};
use crate::api::graphql::rows;
use crate::api::graphql::scalars::{DateTime, Duration};
use crate::app::series::TimeRange;
use crate::domain::stream;

/// A series of values of one device, read from one register, node or tag.
pub struct Stream(pub Arc<stream::Stream>);

object! {
    #[Object]
    /// A series of values of one device, read from one register, node or tag. REST calls it data.
    impl Stream(self) {
        /// Global id, unique across all object types: `node(id:)` returns the stream.
        id: ID = NodeType::Stream.id(self.0.id.0);
        /// Row number, as shown by REST and SQL.
        row_id: i32 = self.0.id.0;
        /// UUID assigned on creation; it never changes.
        uuid: String = self.0.uuid.to_string();
        /// Number of the stream on its device, from 1 by creation; it never changes and is never used again.
        channel: i32 = self.0.channel;
        /// Virtual pin, unique on the device: the one that was set, or the channel.
        pin: i32 = self.0.pin();
        /// Label: the one that was set, or the name with `_` for each space.
        label: String = self.0.label();
        /// Name of the stream, 1 to 200 characters, unique on its device.
        name: &str = &self.0.spec.name;
        /// Address on the device: register, node id, tag or JSON pointer.
        path: &str = &self.0.spec.path;
        /// Data type of the values, which also sets how many words they occupy in the device.
        #[graphql(name = "type")]
        kind: StreamType = self.0.spec.kind.into();
        /// Engineering unit of the values.
        unit: &str = &self.0.spec.unit;
        /// Access to the register: read-only, or read and write.
        access_mode: AccessMode = self.0.spec.access_mode.into();
        /// Seconds between polls; null uses the device's interval.
        poll_interval: Option<f64> = self.0.spec.poll_interval_s;
        /// Factor for polled values: stored value = raw value × `scale` + `offset`.
        scale: f64 = self.0.spec.scale;
        /// Added to polled values after `scale`, in the stream's unit.
        offset: f64 = self.0.spec.offset;
        /// Word order of numbers; null uses the device's order.
        byteorder: Option<ByteOrder> = self.0.spec.byteorder.map(Into::into);
        /// Whether the stream is polled; disabling keeps its stored data.
        enabled: bool = self.0.spec.enabled;
        /// Polled changes smaller than this are not stored; null stores every polled value.
        deadband: Option<f64> = self.0.spec.deadband;
        /// Length of a statistics window, seconds; null means 60.
        statistics_interval: Option<u32> = self.0.spec.statistics_interval_s;
        /// `wordorder`, and any user-defined data.
        metadata: Value = Value::Object(self.0.spec.metadata.clone());
        /// Time of creation.
        created_at: DateTime = DateTime(self.0.created_at);
        /// Time of the last change of its settings.
        updated_at: DateTime = DateTime(self.0.updated_at);
    }
    with ctx {
        /// Device of the stream; null if the caller may not read the device.
        device: Option<Device> = Ok(rows::device(ctx, self.0.spec.device)?.map(Device));
        /// Group of the stream; null if it has none.
        group: Option<Group> = Ok(rows::group(ctx, self.0.spec.group)?.map(Group));
    }
    resolvers {
        /// Newest reading by time, of any quality; null if the stream has none.
        async fn latest(&self, ctx: &Context<'_>) -> Result<Option<Latest>> {
            let found = app(ctx).streams.latest_reading(caller(ctx), self.0.id)?;
            Ok(found.map(|reading| Latest { stream: self.0.clone(), reading }))
        }

        /// Readings of a time range. `downsample` reduces the range to at most that many points that preserve the shape of
        /// a chart (largest triangle three buckets), returned in one page.
        #[graphql(complexity = "reading::cost(first, downsample, child_complexity)")]
        #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
        async fn values(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "Start of the time range, inclusive; default: the first reading.")] from: Option<
                DateTime,
            >,
            #[graphql(desc = "End of the time range, exclusive; default: after the last reading.")] to: Option<
                DateTime,
            >,
            #[graphql(desc = "Number of readings: maximum 100,000, default 1,000.")] first: Option<i32>,
            #[graphql(desc = "Cursor after which the page begins: `pageInfo.endCursor` of the previous page.")]
            after: Option<String>,
            #[graphql(default, desc = "Sort order by time: oldest first or newest first.")] order: Order,
            #[graphql(
                desc = "Number of points for the whole range, 2 to 100,000; not together with `first` or `after`."
            )]
            downsample: Option<i32>,
        ) -> Result<ReadingConnection> {
            let wanted = reading::ReadingsRequest { span: span(from, to), order, first, after, downsample };
            Ok(reading::readings_page(ctx, self.0.id, wanted).await?)
        }

        /// Statistics of the values. Without `step`: the stored windows of the stream. With `step`: buckets of that length,
        /// computed from all readings. Statistics written by clients take precedence over computed ones. Statistics not
        /// listed in `fields` are null.
        #[graphql(complexity = "statistic::cost(from, to, step.as_ref(), first, child_complexity)")]
        #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
        async fn statistics(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "Start of the time range; windows that begin at this time are included.")]
            from: Option<DateTime>,
            #[graphql(desc = "End of the time range; windows that begin at this time are excluded.")] to: Option<
                DateTime,
            >,
            #[graphql(desc = "Length of a bucket; requires `from` and `to`, and allows at most 10,000 buckets.")]
            step: Option<Duration>,
            #[graphql(desc = "Statistics to compute; default: all selected fields.")] fields: Option<
                Vec<StatisticField>,
            >,
            #[graphql(
                desc = "Time zone that defines the days and months of a step, such as Europe/Berlin; default UTC."
            )]
            timezone: Option<String>,
            #[graphql(desc = "Maximum number of rows; default 1,000 without `step`.")] first: Option<i32>,
        ) -> Result<Vec<Statistic>> {
            let wanted = statistic::StatisticsRequest { span: span(from, to), step, fields, timezone, first };
            Ok(statistic::stream_statistics(ctx, self.0.id, wanted).await?)
        }

        /// Retention policies of this stream that differ from those of the organization.
        async fn retention(&self, ctx: &Context<'_>) -> Result<Vec<RetentionPolicy>> {
            let own = app(ctx).retention.retention_of(caller(ctx), self.0.id)?;
            Ok(own.iter().map(|policy| RetentionPolicy::new(policy.table, Some(policy.drop_after_s))).collect())
        }
    }
}

/// Returns a page of the streams of a device or group.
pub fn streams_page(
    streams: Vec<Arc<stream::Stream>>,
    page: ConnectionArgs,
    order_by: ListOrder,
) -> Result<NodeConnection<Stream>> {
    Ok(paging::paginate(
        streams,
        page,
        |one| ListCursor::for_row(one.id.0, &one.spec.name, order_by),
        Stream,
    )?)
}

fn span(from: Option<DateTime>, to: Option<DateTime>) -> TimeRange {
    TimeRange { from: from.map(|t| t.0), to: to.map(|t| t.0) }
}

input_objects! {
    /// Stream settings besides name and device. Omitted fields keep their value on update and get their default on
    /// creation.
    pub struct StreamSettings {
        /// Address on the device: register, node id, tag or JSON pointer; at most 500 characters.
        path: MaybeUndefined<String>,
        /// Data type of the values; default `fp64`.
        #[graphql(name = "type")]
        #[serde(rename = "type")]
        kind: MaybeUndefined<StreamType>,
        /// Id or row number of the group of the stream; null for none.
        group: MaybeUndefined<ID>,
        /// Access to the register: `r` (read-only, the default) or `rw` (read and write).
        access_mode: MaybeUndefined<AccessMode>,
        /// Seconds between polls, 0.1 to 86,400; null uses the device's interval.
        poll_interval: MaybeUndefined<f64>,
        /// Engineering unit, at most 32 characters.
        unit: MaybeUndefined<String>,
        /// Factor for polled values: stored value = raw value × `scale` + `offset`.
        scale: MaybeUndefined<f64>,
        /// Added to polled values after `scale`, in the stream's unit; default 0.
        offset: MaybeUndefined<f64>,
        /// Word order of numbers; null uses the device's order.
        byteorder: MaybeUndefined<ByteOrder>,
        /// Whether the stream is polled; default true.
        enabled: MaybeUndefined<bool>,
        /// Polled changes smaller than this are not stored; null stores every polled value.
        deadband: MaybeUndefined<f64>,
        /// Length of a statistics window, seconds, a divisor of a day; null means 60.
        statistics_interval: MaybeUndefined<i32>,
        /// `wordorder` and any user-defined data, as one JSON object that replaces the previous one.
        metadata: MaybeUndefined<Value>,
        /// Virtual pin, 0 or more, unique on the device; null is the channel.
        pin: MaybeUndefined<i32>,
        /// Label, 1 to 200 characters; null is the name with `_` for each space.
        label: MaybeUndefined<String>,
    }

    /// Input for a new stream. Omitted fields get their defaults.
    pub struct CreateStreamInput {
        /// Name of the stream, 1 to 200 characters, unique on its device.
        name: String,
        /// Id or row number of the device; it cannot be changed later.
        device: ID,
        #[graphql(flatten)]
        #[serde(flatten)]
        settings: StreamSettings,
    }

    /// Changes to a stream. Omitted fields stay unchanged.
    pub struct UpdateStreamInput {
        /// Name of the stream, 1 to 200 characters, unique on its device.
        name: MaybeUndefined<String>,
        #[graphql(flatten)]
        #[serde(flatten)]
        settings: StreamSettings,
    }
}
