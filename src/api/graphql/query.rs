//! The fields of `Query`: where every reading begins.

use std::sync::Arc;

use async_graphql::{Context, ID, Interface, Object, Result};
use serde_json::Value;

use super::context::{app, caller};
use super::enums::{Level, ListOrder, Order, Protocol, StatisticField};
use super::ids::{self, Noun};
use super::loaders;
use super::objects::device::Device;
use super::objects::event::{self, Event, Events};
use super::objects::group::Group;
use super::objects::hamachi::{HamachiNetwork, HamachiStatus};
use super::objects::key::ApiKey;
use super::objects::model::{Job, Model};
use super::objects::reading::Latest;
use super::objects::retention::RetentionPolicy;
use super::objects::server::{Health, Me, health};
use super::objects::sql::{self, SqlAnswer};
use super::objects::statistic::{self, AlignedValues};
use super::objects::stream::Stream;
use super::paging::{self, Listed, Page, Place};
use super::scalars::{DateTime, Duration};
use crate::app::series::Aligned;
use crate::domain::device::DeviceFilter;
use crate::domain::event::EventFilter;
use crate::domain::statistic::StepFields;
use crate::domain::stream::StreamFilter;
use crate::domain::{DeviceId, Error, EventId, GroupId, KeyId, Kind, Micros, ModelId, StreamId};

/// Queries of the log in one answer.
const MOST_LOGGED: usize = 1000;

/// What asking the Hamachi client costs, in field values: each time its command is run.
const HAMACHI_COST: usize = 10_000;

pub struct Query;

/// Whatever has a global id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID"), field(name = "row_id", ty = "i32"))]
pub enum Node {
    Device(Device),
    Stream(Stream),
    Group(Group),
    Event(Event),
    ApiKey(ApiKey),
    Model(Model),
}

/// A row, or null when it is not there or not the caller's to see.
fn found<T>(result: crate::domain::Result<T>) -> Result<Option<T>> {
    match result {
        Ok(row) => Ok(Some(row)),
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Devices, their streams, and what they have measured. Ranges of time take their `from` and not their `to`. Everything
/// is as the caller's key or session sees it: rows of others are not there.
#[Object]
impl Query {
    /// Who asks.
    async fn me(&self, ctx: &Context<'_>) -> Me {
        caller(ctx).into()
    }

    /// Any object by its global id; null when it is not there.
    async fn node(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Node>> {
        let Some((noun, row)) = ids::parse(&id) else {
            return Err(Error::field("id", "is not a global id").into());
        };
        Ok(match noun {
            Noun::Device => loaders::load(ctx, DeviceId(row)).await?.map(|one| Device(one).into()),
            Noun::Stream => loaders::load(ctx, StreamId(row)).await?.map(|one| Stream(one).into()),
            Noun::Group => loaders::load(ctx, GroupId(row)).await?.map(|one| Group(one).into()),
            Noun::Event => {
                found(app(ctx).event(caller(ctx), EventId(row)).await)?.map(|one| Event(one).into())
            }
            Noun::ApiKey => found(app(ctx).key(caller(ctx), KeyId(row)))?.map(|one| ApiKey(one).into()),
            Noun::Model => found(app(ctx).model(caller(ctx), ModelId(row)))?.map(|one| Model(one).into()),
        })
    }

    /// Devices; `name` and `protocol` are exact, `search` finds a part of the name in any case.
    #[graphql(complexity = "paging::cost(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn devices(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        name: Option<String>,
        search: Option<String>,
        protocol: Option<Protocol>,
        #[graphql(default)] order_by: ListOrder,
    ) -> Result<Listed<Device>> {
        let protocol = protocol.map(Into::into);
        let filter = DeviceFilter { name, protocol, ..DeviceFilter::default() };
        let mut devices = app(ctx).devices(caller(ctx), &filter)?;
        devices.retain(|device| is_found(&device.spec.name, search.as_deref()));
        let page = Page { first, after, last, before };
        Ok(paging::cut(devices, page, |one| Place::of(one.id.0, &one.spec.name, order_by), Device)?)
    }

    /// One device, by its global id or by its row number.
    async fn device(&self, ctx: &Context<'_>, id: Option<ID>, row_id: Option<i32>) -> Result<Option<Device>> {
        let row = ids::either(Noun::Device, id.as_ref(), row_id)?;
        Ok(loaders::load(ctx, DeviceId(row)).await?.map(Device))
    }

    /// Streams of all devices, of one, or in a group; `name` is exact, `search` finds a part of it in any case.
    #[graphql(complexity = "paging::cost(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn streams(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        device: Option<ID>,
        group: Option<ID>,
        name: Option<String>,
        search: Option<String>,
        #[graphql(default)] order_by: ListOrder,
    ) -> Result<Listed<Stream>> {
        let device = device.map(|id| ids::row(Noun::Device, &id, "device")).transpose()?;
        let group = group.map(|id| ids::row(Noun::Group, &id, "group")).transpose()?;
        let (device, group) = (device.map(DeviceId), group.map(GroupId));
        let filter = StreamFilter { device, group, name, ..StreamFilter::default() };
        let mut streams = app(ctx).streams(caller(ctx), &filter)?;
        streams.retain(|stream| is_found(&stream.spec.name, search.as_deref()));
        let page = Page { first, after, last, before };
        Ok(paging::cut(streams, page, |one| Place::of(one.id.0, &one.spec.name, order_by), Stream)?)
    }

    /// One stream, by its global id or by its row number.
    async fn stream(&self, ctx: &Context<'_>, id: Option<ID>, row_id: Option<i32>) -> Result<Option<Stream>> {
        let row = ids::either(Noun::Stream, id.as_ref(), row_id)?;
        Ok(loaders::load(ctx, StreamId(row)).await?.map(Stream))
    }

    /// Groups of streams; `search` finds a part of the name in any case.
    #[graphql(complexity = "paging::cost(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn groups(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        search: Option<String>,
        #[graphql(default)] order_by: ListOrder,
    ) -> Result<Listed<Group>> {
        let mut groups = app(ctx).groups(caller(ctx), crate::domain::page::Page::ALL)?;
        groups.retain(|group| is_found(&group.spec.name, search.as_deref()));
        let page = Page { first, after, last, before };
        Ok(paging::cut(groups, page, |one| Place::of(one.id.0, &one.spec.name, order_by), Group)?)
    }

    /// One group, by its global id or by its row number.
    async fn group(&self, ctx: &Context<'_>, id: Option<ID>, row_id: Option<i32>) -> Result<Option<Group>> {
        let row = ids::either(Noun::Group, id.as_ref(), row_id)?;
        Ok(loaders::load(ctx, GroupId(row)).await?.map(Group))
    }

    /// Events, newest first unless asked otherwise.
    #[graphql(complexity = "paging::cost(first, None, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn events(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        device: Option<ID>,
        stream: Option<ID>,
        kinds: Option<Vec<String>>,
        level: Option<Level>,
        from: Option<DateTime>,
        to: Option<DateTime>,
        #[graphql(default_with = "Order::Desc")] order: Order,
    ) -> Result<Events> {
        let device = device.map(|id| ids::row(Noun::Device, &id, "device")).transpose()?;
        let stream = stream.map(|id| ids::row(Noun::Stream, &id, "stream")).transpose()?;
        let filter = EventFilter {
            device: device.map(DeviceId),
            stream: stream.map(StreamId),
            level: level.map(Into::into),
            kinds,
            from: from.map(|from| from.0),
            to: to.map(|to| Micros(to.0.0.saturating_sub(1))),
            newest_first: order == Order::Desc,
            ..EventFilter::default()
        };
        let limit = paging::count("first", first)?.unwrap_or(paging::USUAL);
        event::page(ctx, filter, limit, after.as_deref()).await
    }

    /// One event, by its global id or by its row number.
    async fn event(&self, ctx: &Context<'_>, id: Option<ID>, row_id: Option<i32>) -> Result<Option<Event>> {
        let row = ids::either(Noun::Event, id.as_ref(), row_id)?;
        Ok(found(app(ctx).event(caller(ctx), EventId(row)).await)?.map(Event))
    }

    /// Models that look for anomalies, of all devices or of one.
    #[graphql(complexity = "paging::cost(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn models(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        device: Option<ID>,
    ) -> Result<Listed<Model>> {
        let device = device.map(|id| ids::row(Noun::Device, &id, "device")).transpose()?;
        let models = match device {
            Some(device) => app(ctx).models_of_devices(caller(ctx), &[DeviceId(device)])?,
            None => app(ctx).models(caller(ctx))?,
        };
        let page = Page { first, after, last, before };
        let place =
            |model: &std::sync::Arc<crate::domain::model::Model>| Place::of(model.id.0, "", ListOrder::Id);
        Ok(paging::cut(models, page, place, Model)?)
    }

    /// One model, by its global id or by its row number.
    async fn model(&self, ctx: &Context<'_>, id: Option<ID>, row_id: Option<i32>) -> Result<Option<Model>> {
        let row = ids::either(Noun::Model, id.as_ref(), row_id)?;
        Ok(found(app(ctx).model(caller(ctx), ModelId(row)))?.map(Model))
    }

    /// How far a job is; null when it is not there.
    async fn job(&self, ctx: &Context<'_>, row_id: i32) -> Result<Option<Job>> {
        Ok(found(app(ctx).job(caller(ctx), row_id))?.map(Job::from))
    }

    /// API keys of the organization: for superusers.
    #[graphql(complexity = "paging::cost(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn keys(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<Listed<ApiKey>> {
        let keys = app(ctx).keys(caller(ctx))?;
        let page = Page { first, after, last, before };
        Ok(paging::cut(keys, page, |key| Place::of(key.id.0, &key.spec.name, ListOrder::Id), ApiKey)?)
    }

    /// Streams side by side: their readings in buckets of a step, on one axis of time. `fields` that are not named are
    /// null.
    #[graphql(complexity = "statistic::cost_of_many(streams.len(), from, to, &step, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn values(
        &self,
        ctx: &Context<'_>,
        streams: Vec<ID>,
        from: DateTime,
        to: DateTime,
        step: Duration,
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
        streams: Option<Vec<ID>>,
        devices: Option<Vec<ID>>,
        groups: Option<Vec<ID>>,
    ) -> Result<Vec<Latest>> {
        let (app, caller) = (app(ctx), caller(ctx));
        let mut wanted: Vec<Arc<crate::domain::stream::Stream>> = Vec::new();
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
        let with_reading = |stream: Arc<crate::domain::stream::Stream>| {
            let reading = latest.remove(&stream.id)?;
            Some(Latest { stream, reading })
        };
        Ok(wanted.into_iter().filter_map(with_reading).collect())
    }

    /// How long the organization's tables keep their rows.
    async fn retention(&self, ctx: &Context<'_>) -> Result<Vec<RetentionPolicy>> {
        let tables = app(ctx).retention(caller(ctx))?;
        Ok(tables.into_iter().map(|(table, keep)| RetentionPolicy::new(table, keep)).collect())
    }

    /// The newest queries of the organization, newest first; columns as of the table `query_log` in SQL.
    #[graphql(complexity = "paging::cost(first, None, 10)")]
    async fn query_log(&self, ctx: &Context<'_>, first: Option<i32>) -> Result<Vec<Value>> {
        let first = paging::count_up_to("first", first, MOST_LOGGED)?.unwrap_or(paging::USUAL);
        sql::query_log(ctx, first).await
    }

    /// One reading statement of SQL, with parameters: an object for `$name`, a list for `$1`. Answers of over 100,000
    /// rows are for `POST /sql`.
    #[graphql(complexity = "1000")]
    async fn sql(&self, ctx: &Context<'_>, query: String, params: Option<Value>) -> Result<SqlAnswer> {
        sql::run(ctx, query, params.unwrap_or_default()).await
    }

    /// The Hamachi client of this machine. It is asked, which takes a moment.
    #[graphql(complexity = "HAMACHI_COST + child_complexity")]
    async fn hamachi(&self, ctx: &Context<'_>) -> Result<HamachiStatus> {
        Ok(app(ctx).hamachi(caller(ctx)).await?.into())
    }

    /// The networks of Hamachi that this machine is a member of.
    #[graphql(complexity = "HAMACHI_COST + child_complexity")]
    async fn hamachi_networks(&self, ctx: &Context<'_>) -> Result<Vec<HamachiNetwork>> {
        let networks = app(ctx).hamachi_networks(caller(ctx)).await?;
        Ok(networks.into_iter().map(HamachiNetwork::from).collect())
    }

    /// One of them, by its id; null when this machine is no member.
    #[graphql(complexity = "HAMACHI_COST + child_complexity")]
    async fn hamachi_network(&self, ctx: &Context<'_>, network_id: String) -> Result<Option<HamachiNetwork>> {
        Ok(found(app(ctx).hamachi_network(caller(ctx), &network_id).await)?.map(HamachiNetwork::from))
    }

    /// Whether the parts of the server are able to serve.
    async fn health(&self, ctx: &Context<'_>) -> Result<Health> {
        health(ctx).await
    }
}

fn is_found(name: &str, search: Option<&str>) -> bool {
    search.is_none_or(|part| name.to_lowercase().contains(&part.to_lowercase()))
}
