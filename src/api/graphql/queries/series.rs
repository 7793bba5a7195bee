//! The fields of `Query` about what many streams have measured, and SQL.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};
use serde_json::Value;

use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::StatisticField;
use crate::api::graphql::ids::{self, Noun};
use crate::api::graphql::objects::reading::Latest;
use crate::api::graphql::objects::sql::{self, SqlAnswer};
use crate::api::graphql::objects::statistic::{self, AlignedValues};
use crate::api::graphql::paging;
use crate::api::graphql::scalars::{DateTime, Duration};
use crate::app::series::Aligned;
use crate::domain::statistic::StepFields;
use crate::domain::stream::{Stream, StreamFilter};
use crate::domain::{DeviceId, GroupId, StreamId};

/// Queries of the log in one answer.
const MOST_LOGGED: usize = 1000;

#[derive(Default)]
pub struct Queries;

#[Object(name = "SeriesQueries")]
impl Queries {
    /// Streams side by side: their readings in buckets of a step, on one axis of time. `fields` that are not named are
    /// null.
    #[graphql(complexity = "statistic::cost_of_many(streams.len(), from, to, &step, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn values(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ids or row numbers of the streams, each of which becomes one of `series`.")]
        streams: Vec<ID>,
        #[graphql(desc = "Where the range begins; readings at this time are in it.")] from: DateTime,
        #[graphql(desc = "Where the range ends; readings at this time are not in it.")] to: DateTime,
        #[graphql(desc = "Length of a bucket; at most 10,000 buckets come of it.")] step: Duration,
        #[graphql(desc = "What of each bucket is computed; unless said all that is selected.")]
        fields: Option<Vec<StatisticField>>,
        #[graphql(
            desc = "Whose clock the days and months of a step are of, such as Europe/Berlin; UTC unless said."
        )]
        timezone: Option<String>,
    ) -> Result<AlignedValues> {
        let streams = ids::rows(Noun::Stream, &streams, "streams", StreamId)?;
        let (from, to, step) = (from.0, to.0, step.0);
        let asked = Aligned {
            streams,
            from,
            to,
            step,
            timezone,
            fields: StepFields::default(),
            overlay_posted: false,
        };
        statistic::side_by_side(ctx, asked, fields.as_deref()).await
    }

    /// The newest reading of each of these streams: those named, those of the devices, those in the groups; without any
    /// of the three, of all that the caller sees. Streams without a reading are left out.
    #[graphql(
        complexity = "paging::cost_of(streams.as_ref().map_or(paging::MOST, Vec::len), child_complexity)"
    )]
    async fn latest_values(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ids or row numbers of streams.")] streams: Option<Vec<ID>>,
        #[graphql(desc = "Ids or row numbers of devices, of which all streams are meant.")] devices: Option<
            Vec<ID>,
        >,
        #[graphql(desc = "Ids or row numbers of groups, of which all streams are meant.")] groups: Option<
            Vec<ID>,
        >,
    ) -> Result<Vec<Latest>> {
        let (app, caller) = (app(ctx), caller(ctx));
        let mut wanted: Vec<Arc<Stream>> = Vec::new();
        if streams.is_none() && devices.is_none() && groups.is_none() {
            wanted = app.streams(caller, &StreamFilter::default())?;
        }
        if let Some(streams) = streams {
            let ids = ids::rows(Noun::Stream, &streams, "streams", StreamId)?;
            wanted.extend(app.streams_by_id(caller, &ids)?);
        }
        if let Some(devices) = devices {
            let ids = ids::rows(Noun::Device, &devices, "devices", DeviceId)?;
            wanted.extend(app.streams_of_devices(caller, &ids)?);
        }
        if let Some(groups) = groups {
            let ids = ids::rows(Noun::Group, &groups, "groups", GroupId)?;
            wanted.extend(app.streams_of_groups(caller, &ids)?);
        }
        wanted.sort_by_key(|stream| stream.id);
        wanted.dedup_by_key(|stream| stream.id);
        let ids: Vec<StreamId> = wanted.iter().map(|stream| stream.id).collect();
        let mut latest = app.latest(caller, &ids)?;
        let with_reading = |stream: Arc<Stream>| {
            let reading = latest.remove(&stream.id)?;
            Some(Latest { stream, reading })
        };
        Ok(wanted.into_iter().filter_map(with_reading).collect())
    }

    /// The newest queries of the organization, newest first; columns as of the table `query_log` in SQL.
    #[graphql(complexity = "paging::cost(first, None, 10)")]
    async fn query_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many queries, at most 1,000; 100 unless said.")] first: Option<i32>,
    ) -> Result<Vec<Value>> {
        let first = paging::count_up_to("first", first, MOST_LOGGED)?.unwrap_or(paging::USUAL);
        sql::query_log(ctx, first).await
    }

    /// One reading statement of SQL, with parameters: an object for `$name`, a list for `$1`. Answers of over 100,000
    /// rows are for `POST /sql`.
    #[graphql(complexity = "1000")]
    async fn sql(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "One statement that reads, such as a SELECT.")] query: String,
        #[graphql(desc = "Values of its parameters: an object for `$name`, a list for `$1`.")] params: Option<
            Value,
        >,
    ) -> Result<SqlAnswer> {
        sql::run(ctx, query, params.unwrap_or_default()).await
    }
}
