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
    /// Of all objects together.
    pub async fn id(&self) -> ID {
        Noun::Group.id(self.0.id.0)
    }

    /// The number that REST and SQL show.
    pub async fn row_id(&self) -> i32 {
        self.0.id.0
    }

    /// Unique in the organization.
    async fn name(&self) -> &str {
        &self.0.spec.name
    }

    async fn description(&self) -> &str {
        &self.0.spec.description
    }

    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }

    /// Its members, those that the caller sees.
    #[graphql(complexity = "paging::cost(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn streams(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        #[graphql(default)] order_by: ListOrder,
    ) -> Result<Listed<Stream>> {
        let page = Page { first, after, last, before };
        stream::of(ctx, StreamsOf(self.0.id), page, order_by).await
    }
}
