//! Fields of `Query` that look up or list devices, streams, groups and events.

use async_graphql::{Context, ID, Object, Result};

use super::Node;
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::{Level, ListOrder, Order, Protocol};
use crate::api::graphql::errors::none_if_not_found;
use crate::api::graphql::ids::{self, NodeType};
use crate::api::graphql::object::object;
use crate::api::graphql::objects::client::Client;
use crate::api::graphql::objects::device::{self, Device};
use crate::api::graphql::objects::event::{self, Event, EventConnection};
use crate::api::graphql::objects::group::Group;
use crate::api::graphql::objects::key::ApiKey;
use crate::api::graphql::objects::model::Model;
use crate::api::graphql::objects::product::Product;
use crate::api::graphql::objects::server::Me;
use crate::api::graphql::objects::stream::{self, Stream};
use crate::api::graphql::objects::user::User;
use crate::api::graphql::paging::{self, ListCursor};
use crate::api::graphql::rows;
use crate::api::graphql::scalars::DateTime;
use crate::domain::device::DeviceFilter;
use crate::domain::event::EventFilter;
use crate::domain::stream::StreamFilter;
use crate::domain::{
    ClientId, DeviceId, Error, EventId, GroupId, KeyId, Micros, ModelId, ProductId, StreamId, UserId,
};

/// Queries of what is stored in the catalog: devices, streams, groups, events, keys and models.
#[derive(Default)]
pub struct InventoryQueries;

object! {
    #[Object(name = "InventoryQueries")]
    impl InventoryQueries(self) {}
    pages(ctx, page, child_complexity) {
        /// Devices. `name` and `protocol` match exactly; `search` matches part of the name, case-insensitive.
        devices(
            #[graphql(desc = "Only the device with exactly this name.")] name: Option<String>,
            #[graphql(desc = "Only devices whose name contains this text, case-insensitive.")]
            search: Option<String>,
            #[graphql(desc = "Only devices with this protocol.")] protocol: Option<Protocol>,
            #[graphql(default, desc = "Sort key of the list, ascending.")] order_by: ListOrder,
        ): Device = {
            let protocol = protocol.map(Into::into);
            let filter = DeviceFilter { name, protocol, ..DeviceFilter::default() };
            let mut devices = app(ctx).devices.devices(caller(ctx), &filter)?;
            devices.retain(|device| is_found(&device.spec.name, search.as_deref()));
            device::devices_page(devices, page, order_by)
        };
        /// Streams of all devices, of one device or of one group. `name` matches exactly; `search` matches part of the
        /// name, case-insensitive.
        streams(
            #[graphql(desc = "Only streams of this device, by its id or row number.")] device: Option<ID>,
            #[graphql(desc = "Only streams in this group, by its id or row number.")] group: Option<ID>,
            #[graphql(desc = "Only streams with exactly this name.")] name: Option<String>,
            #[graphql(desc = "Only streams whose name contains this text, case-insensitive.")]
            search: Option<String>,
            #[graphql(default, desc = "Sort key of the list, ascending.")] order_by: ListOrder,
        ): Stream = {
            let device = device.map(|id| ids::parse_row_id(NodeType::Device, &id, "device")).transpose()?;
            let group = group.map(|id| ids::parse_row_id(NodeType::Group, &id, "group")).transpose()?;
            let (device, group) = (device.map(DeviceId), group.map(GroupId));
            let filter = StreamFilter { device, group, name, ..StreamFilter::default() };
            let mut streams = app(ctx).streams.streams(caller(ctx), &filter)?;
            streams.retain(|stream| is_found(&stream.spec.name, search.as_deref()));
            stream::streams_page(streams, page, order_by)
        };
        /// Groups of streams. `search` matches part of the name, case-insensitive.
        groups(
            #[graphql(desc = "Only groups whose name contains this text, case-insensitive.")]
            search: Option<String>,
            #[graphql(default, desc = "Sort key of the list, ascending.")] order_by: ListOrder,
        ): Group = {
            let mut groups = app(ctx).groups.groups(caller(ctx), crate::domain::pagination::Pagination::ALL)?;
            groups.retain(|group| is_found(&group.spec.name, search.as_deref()));
            Ok(paging::paginate(
                groups,
                page,
                |one| ListCursor::for_row(one.id.0, &one.spec.name, order_by),
                Group,
            )?)
        };
    }
    resolvers {
        /// The authenticated caller and its permissions.
        async fn me(&self, ctx: &Context<'_>) -> Me {
            caller(ctx).into()
        }

        /// Returns any object by its global id; null if it does not exist.
        async fn node(
            &self,
            ctx: &Context<'_>,
            #[graphql(
                desc = "Global id of a device, stream, group, event, API key, model, product, client or user."
            )]
            id: ID,
        ) -> Result<Option<Node>> {
            let Some((noun, row)) = ids::parse(&id) else {
                return Err(Error::field("id", "is not a global id").into());
            };
            Ok(match noun {
                NodeType::Device => rows::device(ctx, DeviceId(row))?.map(|one| Device(one).into()),
                NodeType::Stream => rows::stream(ctx, StreamId(row))?.map(|one| Stream(one).into()),
                NodeType::Group => rows::group(ctx, GroupId(row))?.map(|one| Group(one).into()),
                NodeType::Event => none_if_not_found(app(ctx).events.event(caller(ctx), EventId(row)).await)?
                    .map(|one| Event(one).into()),
                NodeType::ApiKey => {
                    none_if_not_found(app(ctx).access.key(caller(ctx), KeyId(row)))?.map(|one| ApiKey(one).into())
                }
                NodeType::Model => none_if_not_found(app(ctx).models.model(caller(ctx), ModelId(row)))?
                    .map(|one| Model(one).into()),
                NodeType::Product => none_if_not_found(app(ctx).products.product(caller(ctx), ProductId(row)))?
                    .map(|one| Product(one).into()),
                NodeType::Client => none_if_not_found(app(ctx).clients.client(caller(ctx), ClientId(row)))?
                    .map(|one| Client(one).into()),
                NodeType::User => {
                    none_if_not_found(app(ctx).users.user(caller(ctx), UserId(row)))?.map(|one| User(one).into())
                }
            })
        }

        /// One device, by its global id or by its row number.
        async fn device(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "Global id of the device, or its row number as text; give this or `rowId`.")]
            id: Option<ID>,
            #[graphql(desc = "Row number of the device, as REST and SQL show it; give this or `id`.")]
            row_id: Option<i32>,
        ) -> Result<Option<Device>> {
            let row = ids::id_or_row_id(NodeType::Device, id.as_ref(), row_id)?;
            Ok(rows::device(ctx, DeviceId(row))?.map(Device))
        }

        /// One stream, by its global id or by its row number.
        async fn stream(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "Global id of the stream, or its row number as text; give this or `rowId`.")]
            id: Option<ID>,
            #[graphql(desc = "Row number of the stream, as REST and SQL show it; give this or `id`.")]
            row_id: Option<i32>,
        ) -> Result<Option<Stream>> {
            let row = ids::id_or_row_id(NodeType::Stream, id.as_ref(), row_id)?;
            Ok(rows::stream(ctx, StreamId(row))?.map(Stream))
        }

        /// One group, by its global id or by its row number.
        async fn group(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "Global id of the group, or its row number as text; give this or `rowId`.")]
            id: Option<ID>,
            #[graphql(desc = "Row number of the group, as REST and SQL show it; give this or `id`.")]
            row_id: Option<i32>,
        ) -> Result<Option<Group>> {
            let row = ids::id_or_row_id(NodeType::Group, id.as_ref(), row_id)?;
            Ok(rows::group(ctx, GroupId(row))?.map(Group))
        }

        /// Events, newest first by default.
        #[graphql(complexity = "paging::cost(first, None, child_complexity)")]
        #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
        async fn events(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "Number of events: maximum 1,000, default 100.")] first: Option<i32>,
            #[graphql(desc = "Cursor after which the page begins: `pageInfo.endCursor` of the previous page.")]
            after: Option<String>,
            #[graphql(desc = "Only events of this device, by its id or row number.")] device: Option<ID>,
            #[graphql(desc = "Only events about this stream, by its id or row number.")] stream: Option<ID>,
            #[graphql(desc = "Only events of one of these kinds.")] kinds: Option<Vec<String>>,
            #[graphql(desc = "Only events of exactly this level.")] level: Option<Level>,
            #[graphql(desc = "Only events of this severity and above.")] level_at_least: Option<Level>,
            #[graphql(desc = "Only events that are acknowledged, or only those that are not.")]
            acknowledged: Option<bool>,
            #[graphql(
                desc = "Only events whose message contains this text, case-insensitive for ASCII letters."
            )]
            search: Option<String>,
            #[graphql(desc = "Only events that happened at this time or later.")] from: Option<DateTime>,
            #[graphql(desc = "Only events that happened before this time.")] to: Option<DateTime>,
            #[graphql(default_with = "Order::Desc", desc = "Sort order by time: oldest first or newest first.")]
            order: Order,
        ) -> Result<EventConnection> {
            let device = device.map(|id| ids::parse_row_id(NodeType::Device, &id, "device")).transpose()?;
            let stream = stream.map(|id| ids::parse_row_id(NodeType::Stream, &id, "stream")).transpose()?;
            let filter = EventFilter {
                device: device.map(DeviceId),
                stream: stream.map(StreamId),
                level: level.map(Into::into),
                levels: level_at_least.map(|least| crate::domain::event::Level::from(least).and_above()),
                acknowledged,
                text: search,
                kinds,
                from: from.map(|from| from.0),
                to: to.map(|to| Micros(to.0.0.saturating_sub(1))),
                newest_first: order == Order::Desc,
                ..EventFilter::default()
            };
            let limit = paging::count("first", first)?.unwrap_or(paging::DEFAULT_PAGE_SIZE);
            event::events_page(ctx, filter, limit, after.as_deref()).await
        }

        /// One event, by its global id or by its row number.
        async fn event(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "Global id of the event, or its row number as text; give this or `rowId`.")]
            id: Option<ID>,
            #[graphql(desc = "Row number of the event, as REST and SQL show it; give this or `id`.")]
            row_id: Option<i32>,
        ) -> Result<Option<Event>> {
            let row = ids::id_or_row_id(NodeType::Event, id.as_ref(), row_id)?;
            Ok(none_if_not_found(app(ctx).events.event(caller(ctx), EventId(row)).await)?.map(Event))
        }
    }
}

pub(super) fn is_found(name: &str, search: Option<&str>) -> bool {
    search.is_none_or(|part| name.to_lowercase().contains(&part.to_lowercase()))
}
