//! A stream in the graph, with what it holds: values, statistics, the newest reading.

use std::hash::Hash;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{Context, ID, Object, Result};

use super::device::Device;
use super::group::Group;
use super::reading::{self, Latest, Values};
use super::retention::RetentionPolicy;
use super::statistic::{self, Statistic};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::{AccessMode, ByteOrder, ListOrder, Order, StatisticField, StreamType};
use crate::api::graphql::ids::Noun;
use crate::api::graphql::loaders::{self, LatestOf, Reads, StreamsOf};
use crate::api::graphql::paging::{self, Listed, Page, Place};
use crate::api::graphql::scalars::{DateTime, Duration};
use crate::app::series::Span;
use crate::domain::{Error, Resource, Scope, stream};

/// What one device measures in one place: a register, a node or a tag.
pub struct Stream(pub Arc<stream::Stream>);

/// What one device measures in one place: a register, a node or a tag. REST calls it data.
#[Object]
impl Stream {
    /// Global id, unique among objects of all types: `node(id:)` finds the stream by it.
    pub async fn id(&self) -> ID {
        Noun::Stream.id(self.0.id.0)
    }

    /// The number that REST and SQL show.
    pub async fn row_id(&self) -> i32 {
        self.0.id.0
    }

    /// A UUID given when the stream was made; it never changes.
    async fn uuid(&self) -> String {
        self.0.uuid.to_string()
    }

    /// 1 to 200 characters, unique on its device.
    async fn name(&self) -> &str {
        &self.0.spec.name
    }

    /// Register, node id, tag or JSON pointer.
    async fn path(&self) -> &str {
        &self.0.spec.path
    }

    /// What its values are, and how many words they take in the device.
    #[graphql(name = "type")]
    async fn kind(&self) -> StreamType {
        self.0.spec.kind.into()
    }

    /// Engineering unit of its values.
    async fn unit(&self) -> &str {
        &self.0.spec.unit
    }

    /// Whether its register is only read, or also written.
    async fn access_mode(&self) -> AccessMode {
        self.0.spec.access_mode.into()
    }

    /// Seconds between polls; null is the device's.
    async fn poll_interval(&self) -> Option<f64> {
        self.0.spec.poll_interval_s
    }

    /// Stored is raw times this, plus `offset`; for polled values.
    async fn scale(&self) -> f64 {
        self.0.spec.scale
    }

    /// Added to what is polled, after `scale`; in the stream's unit.
    async fn offset(&self) -> f64 {
        self.0.spec.offset
    }

    /// Order of the words of its numbers; null takes the device's.
    async fn byteorder(&self) -> Option<ByteOrder> {
        self.0.spec.byteorder.map(Into::into)
    }

    /// Whether it is polled; false keeps what it has measured.
    async fn enabled(&self) -> bool {
        self.0.spec.enabled
    }

    /// A polled change smaller than this is not stored; null stores every poll.
    async fn deadband(&self) -> Option<f64> {
        self.0.spec.deadband
    }

    /// Seconds of a statistics window; null is 60.
    async fn statistics_interval(&self) -> Option<u32> {
        self.0.spec.statistics_interval_s
    }

    /// `wordorder`, and whatever the owner keeps here.
    async fn metadata(&self) -> serde_json::Value {
        serde_json::Value::Object(self.0.spec.metadata.clone())
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When its settings last changed.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }

    /// The device it is of; null for a caller that may not read devices' rows of this one.
    async fn device(&self, ctx: &Context<'_>) -> Result<Option<Device>> {
        Ok(loaders::load(ctx, self.0.spec.device).await?.map(Device))
    }

    /// The group it is in, if any.
    async fn group(&self, ctx: &Context<'_>) -> Result<Option<Group>> {
        let Some(group) = self.0.spec.group else { return Ok(None) };
        Ok(loaders::load(ctx, group).await?.map(Group))
    }

    /// The newest reading by time, whatever its quality.
    async fn latest(&self, ctx: &Context<'_>) -> Result<Option<Latest>> {
        let found = loaders::load(ctx, LatestOf(self.0.id)).await?;
        Ok(found.map(|reading| Latest { stream: self.0.clone(), reading }))
    }

    /// Its readings from a time on, up to another but without it. `downsample` gives at most so many points that look
    /// like all of them on a chart (largest triangle three buckets), in one page.
    #[graphql(complexity = "reading::cost(first, downsample, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn values(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Where the range begins; readings at this time are in it. The first reading unless said."
        )]
        from: Option<DateTime>,
        #[graphql(
            desc = "Where the range ends; readings at this time are not in it. Behind the last reading unless said."
        )]
        to: Option<DateTime>,
        #[graphql(desc = "How many readings, at most 100,000; 1,000 unless said.")] first: Option<i32>,
        #[graphql(desc = "The cursor behind which the page begins: `pageInfo.endCursor` of the one before.")]
        after: Option<String>,
        #[graphql(default, desc = "Whether the oldest or the newest come first.")] order: Order,
        #[graphql(
            desc = "How many points stand for the whole range, 2 to 100,000; not together with `first` and `after`."
        )]
        downsample: Option<i32>,
    ) -> Result<Values> {
        let wanted = reading::Wanted { span: span(from, to), order, first, after, downsample };
        Ok(reading::values(ctx, self.0.id, wanted).await?)
    }

    /// What its values amount to. Without a step, the rows of its windows as they are stored; with one, buckets of the
    /// step from all readings. Rows written by hand go before computed ones. `fields` that are not named are null.
    #[graphql(complexity = "statistic::cost(from, to, step.as_ref(), first, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn statistics(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Where the range begins; windows that begin at this time are in it.")] from: Option<
            DateTime,
        >,
        #[graphql(desc = "Where the range ends; windows that begin at this time are not in it.")] to: Option<
            DateTime,
        >,
        #[graphql(
            desc = "Length of a bucket; it needs both `from` and `to`, and at most 10,000 buckets come of it."
        )]
        step: Option<Duration>,
        #[graphql(desc = "What of each row is computed; unless said all that is selected.")] fields: Option<
            Vec<StatisticField>,
        >,
        #[graphql(
            desc = "Whose clock the days and months of a step are of, such as Europe/Berlin; UTC unless said."
        )]
        timezone: Option<String>,
        #[graphql(desc = "Rows at most, for rows without a step; 1,000 unless said.")] first: Option<i32>,
    ) -> Result<Vec<Statistic>> {
        let wanted = statistic::Wanted { span: span(from, to), step, fields, timezone, first };
        Ok(statistic::of_stream(ctx, self.0.id, wanted).await?)
    }

    /// How long its rows are kept, where that is not the organization's rule.
    async fn retention(&self, ctx: &Context<'_>) -> Result<Vec<RetentionPolicy>> {
        let own = app(ctx).retention_of(caller(ctx), self.0.id)?;
        Ok(own.iter().map(|policy| RetentionPolicy::new(policy.table, Some(policy.drop_after_s))).collect())
    }
}

/// A page of the streams of a device, or in a group.
pub async fn of<K>(
    ctx: &Context<'_>,
    whose: StreamsOf<K>,
    page: Page,
    order_by: ListOrder,
) -> Result<Listed<Stream>>
where
    StreamsOf<K>: Send + Sync + Hash + Eq + Clone + 'static,
    Reads: Loader<StreamsOf<K>, Value = Vec<Arc<stream::Stream>>, Error = Arc<Error>>,
{
    // Where there is nothing to load, nobody else asks.
    caller(ctx).require(Scope::read(Resource::Data))?;
    let streams = loaders::load(ctx, whose).await?.unwrap_or_default();
    Ok(paging::cut(streams, page, |one| Place::of(one.id.0, &one.spec.name, order_by), Stream)?)
}

fn span(from: Option<DateTime>, to: Option<DateTime>) -> Span {
    Span { from: from.map(|t| t.0), to: to.map(|t| t.0) }
}
