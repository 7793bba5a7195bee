//! Group type of the schema, and the inputs that create and change a group.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};
use serde::Serialize;

use super::stream::{self, Stream};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::ListOrder;
use crate::api::graphql::ids::NodeType;
use crate::api::graphql::paging::{self, ConnectionArgs, NodeConnection};
use crate::api::graphql::scalars::DateTime;
use crate::domain::group;

/// A group of streams.
pub struct Group(pub Arc<group::Group>);

/// A group of streams; a stream belongs to at most one group.
#[Object]
impl Group {
    /// Global id, unique across all object types: `node(id:)` returns the group.
    pub async fn id(&self) -> ID {
        NodeType::Group.id(self.0.id.0)
    }

    /// Row number, as shown by REST and SQL.
    pub async fn row_id(&self) -> i32 {
        self.0.id.0
    }

    /// 1 to 100 characters, unique in the organization.
    async fn name(&self) -> &str {
        &self.0.spec.name
    }

    /// Free-text description of the group; may be empty.
    async fn description(&self) -> &str {
        &self.0.spec.description
    }

    /// Time of creation.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// Time of the last change of its name, description or members.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }

    /// Streams of the group that the caller may read.
    #[graphql(complexity = "paging::cost(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn streams(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Number of nodes from the start or after `after`: maximum 1,000; default 100 unless `last` is given."
        )]
        first: Option<i32>,
        #[graphql(
            desc = "Cursor after which the page begins, such as `pageInfo.endCursor` of the previous page."
        )]
        after: Option<String>,
        #[graphql(
            desc = "Number of nodes from the end or before `before`: maximum 1,000; not together with `first`."
        )]
        last: Option<i32>,
        #[graphql(
            desc = "Cursor before which the page ends, such as `pageInfo.startCursor` of the next page."
        )]
        before: Option<String>,
        #[graphql(default, desc = "Sort key of the list, ascending.")] order_by: ListOrder,
    ) -> Result<NodeConnection<Stream>> {
        let page = ConnectionArgs { first, after, last, before };
        let streams = app(ctx).streams.streams_of_groups(caller(ctx), &[self.0.id])?;
        stream::streams_page(streams, page, order_by)
    }
}

/// Input for a new group. Omitted fields get their defaults.
#[derive(InputObject, Serialize)]
pub struct CreateGroupInput {
    /// Name of the group, 1 to 100 characters, unique in the organization.
    name: String,
    /// Free-text description, at most 1,000 characters.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    description: MaybeUndefined<String>,
    /// Ids or row numbers of the group's streams; they are removed from their previous groups.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    data: MaybeUndefined<Vec<ID>>,
}

/// Changes to a group. Omitted fields stay unchanged.
#[derive(InputObject, Serialize)]
pub struct UpdateGroupInput {
    /// Name of the group, 1 to 100 characters, unique in the organization.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    name: MaybeUndefined<String>,
    /// Free-text description, at most 1,000 characters.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    description: MaybeUndefined<String>,
    /// Ids or row numbers of streams that replace the group's current streams, except those that the caller may not
    /// read.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    data: MaybeUndefined<Vec<ID>>,
}
