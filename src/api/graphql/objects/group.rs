//! Group type of the schema, and the inputs that create and change a group.

use std::sync::Arc;

use async_graphql::{ID, MaybeUndefined, Object};

use super::stream::{self, Stream};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::ListOrder;
use crate::api::graphql::ids::NodeType;
use crate::api::graphql::input_object::input_objects;
use crate::api::graphql::object::object;
use crate::api::graphql::scalars::DateTime;
use crate::domain::group;

/// A group of streams.
pub struct Group(pub Arc<group::Group>);

object! {
    #[Object]
    /// A group of streams; a stream belongs to at most one group.
    impl Group(self) {
        /// Global id, unique across all object types: `node(id:)` returns the group.
        id: ID = NodeType::Group.id(self.0.id.0);
        /// Row number, as shown by REST and SQL.
        row_id: i32 = self.0.id.0;
        /// 1 to 100 characters, unique in the organization.
        name: &str = &self.0.spec.name;
        /// Free-text description of the group; may be empty.
        description: &str = &self.0.spec.description;
        /// Time of creation.
        created_at: DateTime = DateTime(self.0.created_at);
        /// Time of the last change of its name, description or members.
        updated_at: DateTime = DateTime(self.0.updated_at);
    }
    pages(ctx, page, child_complexity) {
        /// Streams of the group that the caller may read.
        streams(#[graphql(default, desc = "Sort key of the list, ascending.")] order_by: ListOrder): Stream = {
            let streams = app(ctx).streams.streams_of_groups(caller(ctx), &[self.0.id])?;
            stream::streams_page(streams, page, order_by)
        };
    }
}

input_objects! {
    /// Input for a new group. Omitted fields get their defaults.
    pub struct CreateGroupInput {
        /// Name of the group, 1 to 100 characters, unique in the organization.
        name: String,
        /// Free-text description, at most 1,000 characters.
        description: MaybeUndefined<String>,
        /// Ids or row numbers of the group's streams; they are removed from their previous groups.
        data: MaybeUndefined<Vec<ID>>,
    }

    /// Changes to a group. Omitted fields stay unchanged.
    pub struct UpdateGroupInput {
        /// Name of the group, 1 to 100 characters, unique in the organization.
        name: MaybeUndefined<String>,
        /// Free-text description, at most 1,000 characters.
        description: MaybeUndefined<String>,
        /// Ids or row numbers of streams that replace the group's current streams, except those that the caller may not
        /// read.
        data: MaybeUndefined<Vec<ID>>,
    }
}
