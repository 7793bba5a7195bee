//! Mutations of groups.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result, SimpleObject};

use super::{DeletePayload, input};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::{UserError, into_payload};
use crate::api::graphql::ids::{self, NodeType};
use crate::api::graphql::objects::group::{CreateGroupInput, Group, UpdateGroupInput};
use crate::app::fields::reader::ReadMode;
use crate::domain::{self, GroupId};

/// Input fields that contain ids, with the type of the object.
const ROW_ID_FIELDS: [(&str, NodeType); 1] = [("data", NodeType::Stream)];

/// Mutations that create, change and delete groups.
#[derive(Default)]
pub struct GroupMutations;

/// Result of creating or updating a group.
#[derive(SimpleObject)]
pub struct GroupPayload {
    /// The group as stored after the change; null if nothing was changed.
    group: Option<Group>,
    /// Errors in the input, each with its field; empty on success.
    errors: Vec<UserError>,
}

impl GroupPayload {
    fn from_result(result: domain::Result<Arc<domain::group::Group>>) -> Result<Self> {
        let (group, errors) = into_payload(result)?;
        Ok(Self { group: group.map(Group), errors })
    }
}

#[Object(name = "GroupMutations")]
impl GroupMutations {
    /// Creates a group of streams.
    async fn create_group(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Settings of the new group.")] input: CreateGroupInput,
    ) -> Result<GroupPayload> {
        let fields = input::to_fields(&input, ReadMode::Whole, &ROW_ID_FIELDS);
        GroupPayload::from_result(app(ctx).groups.create_group_from_fields(caller(ctx), fields).await)
    }

    /// Updates the given fields.
    async fn update_group(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the group, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the group, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
        #[graphql(desc = "Fields of the group to change.")] input: UpdateGroupInput,
    ) -> Result<GroupPayload> {
        let fields = input::to_fields(&input, ReadMode::Partial, &ROW_ID_FIELDS);
        let made = match ids::id_or_row_id(NodeType::Group, id.as_ref(), row_id) {
            Ok(row) => app(ctx).groups.update_group_from_fields(caller(ctx), GroupId(row), fields).await,
            Err(error) => Err(error),
        };
        GroupPayload::from_result(made)
    }

    /// Deletes a group; its streams remain, without a group.
    async fn delete_group(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the group, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the group, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
    ) -> Result<DeletePayload> {
        let row = ids::id_or_row_id(NodeType::Group, id.as_ref(), row_id)?;
        Ok(DeletePayload::from_result(
            row,
            into_payload(app(ctx).groups.delete_group(caller(ctx), GroupId(row)).await)?,
        ))
    }
}
