//! Mutations of groups.

use std::sync::Arc;

use async_graphql::{Context, Object, Result};

use super::{DeletePayload, input, payload};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::ids::NodeType;
use crate::api::graphql::object::object;
use crate::api::graphql::objects::group::{CreateGroupInput, Group, UpdateGroupInput};
use crate::app::fields::reader::ReadMode;
use crate::domain::{self, GroupId};

/// Input fields that contain ids, with the type of the object.
const ROW_ID_FIELDS: [(&str, NodeType); 1] = [("data", NodeType::Stream)];

/// Mutations that create, change and delete groups.
#[derive(Default)]
pub struct GroupMutations;

payload! {
    /// Result of creating or updating a group.
    pub struct GroupPayload {
        /// The group as stored after the change; null if nothing was changed.
        group: Group(Arc<domain::group::Group>),
    }
}

object! {
    #[Object(name = "GroupMutations")]
    impl GroupMutations(self) {}
    rows(
        ctx,
        row: Group,
        "Global id of the group, or its row number as text; give this or `rowId`.",
        "Row number of the group, as REST and SQL show it; give this or `id`.",
    ) {
        /// Updates the given fields.
        update_group(
            #[graphql(desc = "Fields of the group to change.")] input: UpdateGroupInput,
        ): GroupPayload = {
            let fields = input::to_fields(&input, ReadMode::Partial, &ROW_ID_FIELDS);
            let made = match row {
                Ok(row) => app(ctx).groups.update_group_from_fields(caller(ctx), GroupId(row), fields).await,
                Err(error) => Err(error),
            };
            GroupPayload::from_result(made)
        };
        /// Deletes a group; its streams remain, without a group.
        delete_group(): DeletePayload = {
            let row = row?;
            DeletePayload::from_result(row, app(ctx).groups.delete_group(caller(ctx), GroupId(row)).await)
        };
    }
    resolvers {
        /// Creates a group of streams.
        async fn create_group(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "Settings of the new group.")] input: CreateGroupInput,
        ) -> Result<GroupPayload> {
            let fields = input::to_fields(&input, ReadMode::Whole, &ROW_ID_FIELDS);
            GroupPayload::from_result(app(ctx).groups.create_group_from_fields(caller(ctx), fields).await)
        }
    }
}
