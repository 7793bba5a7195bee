//! A group in the graph.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};

use super::stream::{self, Stream};
use crate::api::graphql::enums::ListOrder;
use crate::api::graphql::ids::Noun;
use crate::api::graphql::loaders::StreamsOf;
use crate::api::graphql::paging::{self, Listed, Page};
use crate::api::graphql::scalars::DateTime;
use crate::domain::group;

/// Streams that belong together.
pub struct Group(pub Arc<group::Group>);

/// Streams that belong together; a stream is in one group at most.
#[Object]
impl Group {
    /// Global id, unique among objects of all types: `node(id:)` finds the group by it.
    pub async fn id(&self) -> ID {
        Noun::Group.id(self.0.id.0)
    }

    /// The number that REST and SQL show.
    pub async fn row_id(&self) -> i32 {
        self.0.id.0
    }

    /// 1 to 100 characters, unique in the organization.
    async fn name(&self) -> &str {
        &self.0.spec.name
    }

    /// What the group is for, in words; empty when nothing is said.
    async fn description(&self) -> &str {
        &self.0.spec.description
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When its name, description or members last changed.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }

    /// Its members, those that the caller sees.
    #[graphql(complexity = "paging::cost(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn streams(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "How many nodes from the beginning, or behind `after`: at most 1,000; 100 unless this or `last` is said."
        )]
        first: Option<i32>,
        #[graphql(
            desc = "The cursor behind which the page begins, such as `pageInfo.endCursor` of the one before."
        )]
        after: Option<String>,
        #[graphql(
            desc = "How many nodes from the end, or in front of `before`: at most 1,000; not together with `first`."
        )]
        last: Option<i32>,
        #[graphql(
            desc = "The cursor in front of which the page ends, such as `pageInfo.startCursor` of the one behind."
        )]
        before: Option<String>,
        #[graphql(default, desc = "What the list is ordered by, ascending.")] order_by: ListOrder,
    ) -> Result<Listed<Stream>> {
        let page = Page { first, after, last, before };
        stream::of(ctx, StreamsOf(self.0.id), page, order_by).await
    }
}
