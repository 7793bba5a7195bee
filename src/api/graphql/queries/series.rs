//! Fields of `Query` for values of several streams, SQL and the query log.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};
use serde_json::Value;

use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::StatisticField;
use crate::api::graphql::ids::{self, NodeType};
use crate::api::graphql::objects::reading::Latest;
use crate::api::graphql::objects::sql::{self, SqlAnswer};
use crate::api::graphql::objects::statistic::{self, AlignedValues};
use crate::api::graphql::paging;
use crate::api::graphql::scalars::{DateTime, Duration};
use crate::api::graphql::sql_rows::JsonRows;
use crate::app::series::AlignedQuery;
use crate::domain::statistic::BucketFields;
use crate::domain::stream::{Stream, StreamFilter};
use crate::domain::{DeviceId, GroupId, StreamId};

/// Maximum number of query log entries in one response.
const MAX_LOGGED_QUERIES: usize = 1000;

/// Queries of values: series of several streams, and SQL.
#[derive(Default)]
pub struct SeriesQueries;

#[Object(name = "SeriesQueries")]
impl SeriesQueries {
    /// Statistics of several streams, in buckets of `step` on one time axis. Statistics not listed in `fields` are
    /// null.
    #[graphql(complexity = "statistic::cost_of_many(streams.len(), from, to, &step, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn values(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ids or row numbers of the streams; each one becomes one of `series`.")]
        streams: Vec<ID>,
        #[graphql(desc = "Start of the time range, inclusive.")] from: DateTime,
        #[graphql(desc = "End of the time range, exclusive.")] to: DateTime,
        #[graphql(desc = "Length of a bucket; the range may have at most 10,000 buckets.")] step: Duration,
        #[graphql(desc = "Statistics to compute; default: all selected fields.")] fields: Option<
            Vec<StatisticField>,
        >,
        #[graphql(
            desc = "Time zone that defines the days and months of a step, such as Europe/Berlin; default UTC."
        )]
        timezone: Option<String>,
    ) -> Result<AlignedValues> {
        let streams = ids::parse_row_ids(NodeType::Stream, &streams, "streams", StreamId)?;
        let (from, to, step) = (from.0, to.0, step.0);
        let query = AlignedQuery {
            streams,
            from,
            to,
            step,
            timezone,
            fields: BucketFields::default(),
            overlay_posted: false,
        };
        statistic::aligned_values(ctx, query, fields.as_deref()).await
    }

    /// The newest reading of each of the given streams, of all streams of the given devices and of all streams of the
    /// given groups. Without any of the three arguments: of all streams that the caller may read. Streams without a
    /// reading are omitted.
    #[graphql(
        complexity = "paging::cost_of(streams.as_ref().map_or(paging::MAX_PAGE_SIZE, Vec::len), child_complexity)"
    )]
    async fn latest_values(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ids or row numbers of streams.")] streams: Option<Vec<ID>>,
        #[graphql(desc = "Ids or row numbers of devices; includes all of their streams.")] devices: Option<
            Vec<ID>,
        >,
        #[graphql(desc = "Ids or row numbers of groups; includes all of their streams.")] groups: Option<
            Vec<ID>,
        >,
    ) -> Result<Vec<Latest>> {
        let (app, caller) = (app(ctx), caller(ctx));
        let mut wanted: Vec<Arc<Stream>> = Vec::new();
        if streams.is_none() && devices.is_none() && groups.is_none() {
            wanted = app.streams.streams(caller, &StreamFilter::default())?;
        }
        if let Some(streams) = streams {
            let ids = ids::parse_row_ids(NodeType::Stream, &streams, "streams", StreamId)?;
            wanted.extend(app.streams.streams_by_id(caller, &ids)?);
        }
        if let Some(devices) = devices {
            let ids = ids::parse_row_ids(NodeType::Device, &devices, "devices", DeviceId)?;
            wanted.extend(app.streams.streams_of_devices(caller, &ids)?);
        }
        if let Some(groups) = groups {
            let ids = ids::parse_row_ids(NodeType::Group, &groups, "groups", GroupId)?;
            wanted.extend(app.streams.streams_of_groups(caller, &ids)?);
        }
        wanted.sort_by_key(|stream| stream.id);
        wanted.dedup_by_key(|stream| stream.id);
        let ids: Vec<StreamId> = wanted.iter().map(|stream| stream.id).collect();
        let mut latest = app.streams.latest(caller, &ids)?;
        let with_reading = |stream: Arc<Stream>| {
            let reading = latest.remove(&stream.id)?;
            Some(Latest { stream, reading })
        };
        Ok(wanted.into_iter().filter_map(with_reading).collect())
    }

    /// The newest SQL queries of the organization, newest first, with the columns of the SQL table `query_log`.
    #[graphql(complexity = "paging::cost(first, None, 10)")]
    async fn query_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of queries: maximum 1,000, default 100.")] first: Option<i32>,
    ) -> Result<JsonRows> {
        let first =
            paging::count_up_to("first", first, MAX_LOGGED_QUERIES)?.unwrap_or(paging::DEFAULT_PAGE_SIZE);
        sql::query_log(ctx, first).await
    }

    /// Runs one read-only SQL statement with optional parameters. For results of more than 100,000 rows use `POST
    /// /sql`.
    #[graphql(complexity = "1000")]
    async fn sql(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "One read-only statement, such as a SELECT.")] query: String,
        #[graphql(desc = "Values of the parameters: an object for `$name`, a list for `$1`.")] params: Option<
            Value,
        >,
    ) -> Result<SqlAnswer> {
        sql::run(ctx, query, params.unwrap_or_default()).await
    }
}
