//! Changes of groups.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use serde::Serialize;

use super::{Deleted, input};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::{UserError, settle};
use crate::api::graphql::ids::{self, Noun};
use crate::api::graphql::objects::group::Group;
use crate::api::rest::fields::Mode;
use crate::api::rest::group;
use crate::domain::{self, GroupId};

/// Fields that name rows.
const ROWS: [(&str, Noun); 1] = [("data", Noun::Stream)];

#[derive(Default)]
pub struct Mutations;

/// A group to be made. Fields left out get their defaults.
#[derive(InputObject, Serialize)]
pub struct CreateGroupInput {
    /// 1 to 100 characters, unique in the organization.
    name: String,
    /// At most 1,000 characters.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    description: MaybeUndefined<String>,
    /// Its streams; they leave their former groups.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    data: MaybeUndefined<Vec<ID>>,
}

/// What is to change of a group. Fields left out stay as they are.
#[derive(InputObject, Serialize)]
pub struct UpdateGroupInput {
    /// 1 to 100 characters, unique in the organization.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    name: MaybeUndefined<String>,
    /// At most 1,000 characters.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    description: MaybeUndefined<String>,
    /// Its streams, in place of those that the caller sees in it.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    data: MaybeUndefined<Vec<ID>>,
}

/// What came of making or changing a group.
#[derive(SimpleObject)]
pub struct GroupPayload {
    /// The group as it is stored now; null when nothing was changed.
    group: Option<Group>,
    /// What is wrong with the input, each with its field; empty when all is well.
    errors: Vec<UserError>,
}

impl GroupPayload {
    fn of(result: domain::Result<Arc<domain::group::Group>>) -> Result<Self> {
        let (group, errors) = settle(result)?;
        Ok(Self { group: group.map(Group), errors })
    }
}

#[Object(name = "GroupMutations")]
impl Mutations {
    /// Makes a group of streams.
    async fn create_group(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the group is to be.")] input: CreateGroupInput,
    ) -> Result<GroupPayload> {
        let fields = input::fields(&input, Mode::Whole, &ROWS);
        GroupPayload::of(group::make(app(ctx), caller(ctx), fields).await)
    }

    /// Changes the fields that are given.
    async fn update_group(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the group, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the group, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
        #[graphql(desc = "What is to change of the group.")] input: UpdateGroupInput,
    ) -> Result<GroupPayload> {
        let fields = input::fields(&input, Mode::Partial, &ROWS);
        let made = match ids::either(Noun::Group, id.as_ref(), row_id) {
            Ok(row) => group::change(app(ctx), caller(ctx), GroupId(row), fields).await,
            Err(error) => Err(error),
        };
        GroupPayload::of(made)
    }

    /// Deletes a group; its streams stay, in none.
    async fn delete_group(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the group, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the group, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
    ) -> Result<Deleted> {
        let row = ids::either(Noun::Group, id.as_ref(), row_id)?;
        Ok(Deleted::of(row, settle(app(ctx).delete_group(caller(ctx), GroupId(row)).await)?))
    }
}
