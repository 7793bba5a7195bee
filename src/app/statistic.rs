//! Statistics: lists, buckets, and posted rows.

use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};

use super::list_range::ListRange;
use super::series::MAX_BUCKETS;
use crate::app::value::Values;
use crate::domain::statistic::{Bucket, BucketFields, Origin, Statistic};
use crate::domain::{Error, FieldError, Micros, Principal, Resource, Result, Scope, StreamId};
use crate::query::step::Step;
use crate::query::step_query::StepQuery;
use crate::store::statistics::rows;

/// Rows in order, in batches; an error ends the stream.
pub type StatisticsStream = BoxStream<'static, Result<Vec<Statistic>>>;

/// A statistic posted by a client, without the fields that the server sets.
#[derive(Debug, Clone, Copy)]
pub struct PostedStatistic {
    pub ts: Option<Micros>,
    pub count: i64,
    pub mean: Option<f64>,
    pub rms: Option<f64>,
    pub median: Option<f64>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub q1: Option<f64>,
    pub q3: Option<f64>,
}

impl Values {
    /// Returns the statistics of one stream; fails when the principal does not see it.
    pub async fn stream_statistics(
        &self,
        principal: &Principal,
        id: StreamId,
        range: ListRange,
    ) -> Result<StatisticsStream> {
        principal.require(Scope::read(Resource::Data))?;
        self.store.catalog().streams.stream(principal, id)?;
        self.statistic_rows(principal, Some(id), range).await
    }

    /// Returns the statistics of all streams the principal sees, or of one of them; none when it does not see that
    /// one.
    pub async fn statistics(
        &self,
        principal: &Principal,
        of: Option<StreamId>,
        range: ListRange,
    ) -> Result<StatisticsStream> {
        principal.require(Scope::read(Resource::Statistic))?;
        if !self.sees(principal, of) {
            return Ok(stream::empty().boxed());
        }
        self.statistic_rows(principal, of, range).await
    }

    /// Returns the statistic of a stream at one time.
    pub async fn statistic(&self, principal: &Principal, id: StreamId, ts: Micros) -> Result<Statistic> {
        principal.require(Scope::read(Resource::Statistic))?;
        self.store.catalog().streams.stream(principal, id)?;
        self.statistic_at(principal, id, ts).await?.ok_or_else(Error::not_found)
    }

    /// Returns mean, min and max of one stream per bucket; fails when the principal does not see it.
    ///
    /// # Errors
    /// `Invalid` for the field `step`: it is no duration, the range has no beginning or no end, or there are too many
    /// buckets.
    pub async fn stream_steps(
        &self,
        principal: &Principal,
        id: StreamId,
        step: &str,
        range: ListRange,
    ) -> Result<Vec<Bucket>> {
        principal.require(Scope::read(Resource::Data))?;
        self.store.catalog().streams.stream(principal, id)?;
        self.buckets(principal, id, step, range).await
    }

    /// Returns buckets as `stream_steps` does; none when the principal does not see the stream.
    pub async fn steps(
        &self,
        principal: &Principal,
        of: Option<StreamId>,
        step: &str,
        range: ListRange,
    ) -> Result<Vec<Bucket>> {
        principal.require(Scope::read(Resource::Statistic))?;
        let of = of.ok_or_else(|| Error::field("step", "step requires data."))?;
        self.buckets(principal, of, step, range).await
    }

    /// Returns every problem of a posted row.
    pub fn check_statistic(&self, id: StreamId, written: PostedStatistic) -> Vec<FieldError> {
        self.as_statistic(id, written).problems()
    }

    /// Stores a posted row durably, at its time or now. Returns the row and whether there was none at that time.
    pub async fn post_statistic(
        &self,
        principal: &Principal,
        id: StreamId,
        written: PostedStatistic,
    ) -> Result<(Statistic, bool)> {
        self.streams.stream_to_change(principal, id)?;
        let row = self.as_statistic(id, written);
        Error::check(row.problems())?;
        let is_new = self.statistic_at(principal, id, row.ts).await?.is_none();
        self.store.upsert(principal, rows::posted_rows(std::slice::from_ref(&row))).await?;
        Ok((row, is_new))
    }

    fn as_statistic(&self, stream: StreamId, written: PostedStatistic) -> Statistic {
        let PostedStatistic { ts, count, mean, rms, median, min, max, q1, q3 } = written;
        let ts = ts.unwrap_or_else(|| self.clock.now());
        let windows = self.store.catalog().streams.windows([stream]).remove(&stream.0).unwrap_or_default();
        let window_s = u32::try_from(windows.length_at(ts.0) / 1_000_000).unwrap_or(u32::MAX);
        Statistic { stream, origin: Origin::Posted, ts, window_s, count, mean, rms, median, min, max, q1, q3 }
    }

    async fn statistic_at(
        &self,
        principal: &Principal,
        id: StreamId,
        ts: Micros,
    ) -> Result<Option<Statistic>> {
        let range = ListRange { from: Some(ts), to: Some(ts), offset: 0, limit: Some(1) };
        let found: Vec<Vec<Statistic>> =
            self.statistic_rows(principal, Some(id), range).await?.try_collect().await?;
        Ok(found.into_iter().flatten().next())
    }

    async fn statistic_rows(
        &self,
        principal: &Principal,
        of: Option<StreamId>,
        range: ListRange,
    ) -> Result<StatisticsStream> {
        let Some(list) = range.list(of) else { return Ok(stream::empty().boxed()) };
        self.engine.statistics(principal, list).await
    }

    async fn buckets(
        &self,
        principal: &Principal,
        id: StreamId,
        step: &str,
        range: ListRange,
    ) -> Result<Vec<Bucket>> {
        let step = Step::parse(step)?;
        let (Some(from), Some(to)) = (range.from, range.to) else {
            return Err(Error::field("step", "step requires both from and to."));
        };
        let query = StepQuery {
            streams: vec![id],
            from,
            to: Micros(to.0.saturating_add(1)),
            step,
            timezone: None,
            fields: BucketFields { mean: true, min: true, max: true, ..BucketFields::default() },
            overlay_posted: true,
            max_buckets: MAX_BUCKETS,
        };
        let series: Vec<_> = self.engine.query_steps(principal, query).await?.try_collect().await?;
        let buckets = series.into_iter().flatten().flat_map(|series| series.buckets);
        Ok(buckets.skip(range.offset).take(range.limit.unwrap_or(usize::MAX)).collect())
    }
}
