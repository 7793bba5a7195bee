//! Statistics: lists, steps, and rows written by hand.

use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};

use super::App;
use super::range::Range;
use super::series::MAX_BUCKETS;
use crate::domain::statistic::{Bucket, Origin, Statistic, StepFields};
use crate::domain::{Error, FieldError, Micros, Principal, Resource, Result, Scope, StreamId};
use crate::query::step::Step;
use crate::query::steps::StepQuery;
use crate::store::statistics::rows;

/// Rows in order, in batches; an error ends them.
pub type Rows = BoxStream<'static, Result<Vec<Statistic>>>;

/// What is written by hand: a statistic without what the server knows of it.
#[derive(Debug, Clone, Copy)]
pub struct Written {
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

impl App {
    /// The statistics of one stream; fails when the principal does not see it.
    pub async fn stream_statistics(&self, principal: &Principal, id: StreamId, range: Range) -> Result<Rows> {
        principal.require(Scope::read(Resource::Data))?;
        self.store.catalog().stream(principal, id)?;
        self.statistic_rows(principal, Some(id), range).await
    }

    /// The statistics of all streams the principal sees, or of one of them; none when it does not see that one.
    pub async fn statistics(
        &self,
        principal: &Principal,
        of: Option<StreamId>,
        range: Range,
    ) -> Result<Rows> {
        principal.require(Scope::read(Resource::Statistic))?;
        if !self.sees(principal, of) {
            return Ok(stream::empty().boxed());
        }
        self.statistic_rows(principal, of, range).await
    }

    /// The statistic of a stream at one time.
    pub async fn statistic(&self, principal: &Principal, id: StreamId, ts: Micros) -> Result<Statistic> {
        principal.require(Scope::read(Resource::Statistic))?;
        self.store.catalog().stream(principal, id)?;
        self.statistic_at(principal, id, ts).await?.ok_or_else(Error::not_found)
    }

    /// Mean, min and max of one stream bucket by bucket; fails when the principal does not see it.
    ///
    /// # Errors
    /// `Invalid` for the field `step`: no duration, without both ends of a range, or too many buckets.
    pub async fn stream_steps(
        &self,
        principal: &Principal,
        id: StreamId,
        step: &str,
        range: Range,
    ) -> Result<Vec<Bucket>> {
        principal.require(Scope::read(Resource::Data))?;
        self.store.catalog().stream(principal, id)?;
        self.buckets(principal, id, step, range).await
    }

    /// As `stream_steps`; no buckets when the principal does not see the stream.
    pub async fn steps(
        &self,
        principal: &Principal,
        of: Option<StreamId>,
        step: &str,
        range: Range,
    ) -> Result<Vec<Bucket>> {
        principal.require(Scope::read(Resource::Statistic))?;
        let of = of.ok_or_else(|| Error::field("step", "step requires data."))?;
        self.buckets(principal, of, step, range).await
    }

    /// Everything wrong with a row written by hand.
    pub fn check_statistic(&self, id: StreamId, written: Written) -> Vec<FieldError> {
        self.as_statistic(id, written).problems()
    }

    /// Stores a row written by hand, durably, at its time or now. Also tells whether there was none at that time.
    pub async fn post_statistic(
        &self,
        principal: &Principal,
        id: StreamId,
        written: Written,
    ) -> Result<(Statistic, bool)> {
        self.stream_to_change(principal, id)?;
        let row = self.as_statistic(id, written);
        Error::check(row.problems())?;
        let is_new = self.statistic_at(principal, id, row.ts).await?.is_none();
        self.store.write_keyed(principal, rows::posted(std::slice::from_ref(&row))).await?;
        Ok((row, is_new))
    }

    fn as_statistic(&self, stream: StreamId, written: Written) -> Statistic {
        let Written { ts, count, mean, rms, median, min, max, q1, q3 } = written;
        let ts = ts.unwrap_or_else(|| self.clock.now());
        let windows = self.store.catalog().windows([stream]).remove(&stream.0).unwrap_or_default();
        let window_s = u32::try_from(windows.length_at(ts.0) / 1_000_000).unwrap_or(u32::MAX);
        Statistic { stream, origin: Origin::Posted, ts, window_s, count, mean, rms, median, min, max, q1, q3 }
    }

    async fn statistic_at(
        &self,
        principal: &Principal,
        id: StreamId,
        ts: Micros,
    ) -> Result<Option<Statistic>> {
        let range = Range { from: Some(ts), to: Some(ts), offset: 0, limit: Some(1) };
        let found: Vec<Vec<Statistic>> =
            self.statistic_rows(principal, Some(id), range).await?.try_collect().await?;
        Ok(found.into_iter().flatten().next())
    }

    async fn statistic_rows(
        &self,
        principal: &Principal,
        of: Option<StreamId>,
        range: Range,
    ) -> Result<Rows> {
        let Some(list) = range.list(of) else { return Ok(stream::empty().boxed()) };
        self.engine.statistics(principal, list).await
    }

    async fn buckets(
        &self,
        principal: &Principal,
        id: StreamId,
        step: &str,
        range: Range,
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
            fields: StepFields { mean: true, min: true, max: true, ..StepFields::default() },
            overlay_posted: true,
            max_buckets: MAX_BUCKETS,
        };
        let series: Vec<_> = self.engine.steps(principal, query).await?.try_collect().await?;
        let buckets = series.into_iter().flatten().flat_map(|series| series.buckets);
        Ok(buckets.skip(range.offset).take(range.limit.unwrap_or(usize::MAX)).collect())
    }
}
