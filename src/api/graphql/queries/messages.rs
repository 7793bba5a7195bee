//! Fields of `Query` for messages and commands.

use async_graphql::{Context, ID, Object, Result};
use uuid::Uuid;

use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::none_if_not_found;
use crate::api::graphql::ids::{self, NodeType};
use crate::api::graphql::objects::command::Command;
use crate::api::graphql::objects::message::{Message, MessagePage};
use crate::api::graphql::paging;
use crate::api::graphql::scalars::{BigInt, DateTime};
use crate::domain::command::{CommandFilter, CommandState};
use crate::domain::message::query::{MessageFilter, MessageOrder, MessageQuery};
use crate::domain::pagination::Pagination;
use crate::domain::{DeviceId, Error, Micros};

/// Queries of messages and commands.
#[derive(Default)]
pub struct MessageQueries;

#[Object(name = "MessageQueries")]
impl MessageQueries {
    /// Messages of the devices that the caller may read completely, newest first: those that arrived as messages, and
    /// those derived from readings.
    #[graphql(complexity = "paging::cost(first, None, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn messages(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only messages of this device, by its id or row number.")] device: Option<ID>,
        #[graphql(desc = "Start of the time range, inclusive.")] from: Option<DateTime>,
        #[graphql(desc = "End of the time range, exclusive.")] to: Option<DateTime>,
        #[graphql(desc = "Only messages with exactly this status.")] status: Option<String>,
        #[graphql(desc = "Number of messages: maximum 1,000; default 100.")] first: Option<i32>,
        #[graphql(desc = "Number of messages to skip; default 0.")] offset: Option<i32>,
    ) -> Result<MessagePage> {
        let device = device.map(|id| ids::parse_row_id(NodeType::Device, &id, "device")).transpose()?;
        let limit = paging::count("first", first)?.unwrap_or(paging::DEFAULT_PAGE_SIZE);
        let offset = usize::try_from(offset.unwrap_or(0));
        let filter = MessageFilter {
            devices: device.map(|id| vec![DeviceId(id)]),
            from: from.map(|from| from.0),
            to: to.map(|to| Micros(to.0.0.saturating_sub(1))),
            status,
            derives: true,
        };
        let offset = offset.map_err(|_| Error::field("offset", "must not be negative"))?;
        let query = MessageQuery { filter, order: MessageOrder::NewestFirst, offset, limit };
        let page = app(ctx).messages.messages(caller(ctx), query).await?;
        let total_count = BigInt::saturating(page.total);
        Ok(MessagePage { total_count, nodes: page.messages.into_iter().map(Message).collect() })
    }

    /// One message, by its UUID.
    async fn message(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "UUID of the message, as text.")] uuid: String,
    ) -> Result<Option<Message>> {
        let Ok(uuid) = Uuid::try_parse(&uuid) else { return Ok(None) };
        Ok(app(ctx).messages.message(caller(ctx), uuid).await?.map(Message))
    }

    /// Commands of the devices that the caller may change, newest first.
    #[graphql(complexity = "paging::cost(first, None, child_complexity)")]
    async fn commands(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only commands of this device, by its id or row number.")] device: Option<ID>,
        #[graphql(
            desc = "Only commands in this state: pending, sent, acknowledged, done, failed or expired."
        )]
        state: Option<String>,
        #[graphql(desc = "Number of commands: maximum 1,000; default 100.")] first: Option<i32>,
    ) -> Result<Vec<Command>> {
        let device = device.map(|id| ids::parse_row_id(NodeType::Device, &id, "device")).transpose()?;
        let state = state.map(|state| state.parse::<CommandState>()).transpose()?;
        let limit = paging::count("first", first)?.unwrap_or(paging::DEFAULT_PAGE_SIZE);
        let page = Pagination { offset: 0, limit };
        let filter = CommandFilter { device: device.map(DeviceId), state, page };
        Ok(app(ctx).commands.commands(caller(ctx), &filter)?.into_iter().map(Command).collect())
    }

    /// One command, by its UUID.
    async fn command(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "UUID of the command, as text.")] uuid: String,
    ) -> Result<Option<Command>> {
        let Ok(uuid) = Uuid::try_parse(&uuid) else { return Ok(None) };
        Ok(none_if_not_found(app(ctx).commands.command(caller(ctx), uuid))?.map(Command))
    }
}
