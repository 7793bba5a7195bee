//! Mutations that create, change and delete users. They require a superuser.

use std::sync::Arc;

use async_graphql::{Context, MaybeUndefined, Object, Result};

use super::{DeletePayload, input, payload};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::input_object::input_objects;
use crate::api::graphql::object::object;
use crate::api::graphql::objects::user::{User, UserRole};
use crate::app::fields::reader::ReadMode;
use crate::domain::{UserId, org};

/// Mutations that create, change and delete users.
#[derive(Default)]
pub struct UserMutations;

input_objects! {
    /// Input for a new user of the organization.
    pub struct CreateUserInput {
        /// Name to log in with, 1 to 150 characters; unique over all organizations.
        username: String,
        /// Password, with which the user logs in.
        #[graphql(secret)]
        password: String,
        /// Role of the user.
        role: UserRole,
    }

    /// Changes to a user.
    pub struct UpdateUserInput {
        /// Another role; ends the sessions of the user.
        role: MaybeUndefined<UserRole>,
        /// Another password; ends the sessions of the user.
        #[graphql(secret)]
        password: MaybeUndefined<String>,
        /// Whether the user may log in.
        enabled: MaybeUndefined<bool>,
    }
}

payload! {
    /// Result of creating or updating a user.
    pub struct UserPayload {
        /// The user as stored after the change; null if nothing was changed.
        user: User(Arc<org::User>),
    }
}

object! {
    #[Object(name = "UserMutations")]
    impl UserMutations(self) {}
    rows(
        ctx,
        row: User,
        "Global id of the user, or its row number as text; give this or `rowId`.",
        "Row number of the user, as REST and SQL show it; give this or `id`.",
    ) {
        /// Changes role, password or right to log in of a user; nobody changes the own user. Requires a superuser.
        update_user(
            #[graphql(desc = "Fields of the user to change.")] input: UpdateUserInput,
        ): UserPayload = {
            app(ctx).access.require_superuser(caller(ctx))?;
            let fields = input::to_fields(&input, ReadMode::Partial, &[]);
            let changed = match row {
                Ok(row) => app(ctx).users.change_user_from_fields(caller(ctx), UserId(row), fields).await,
                Err(error) => Err(error),
            };
            UserPayload::from_result(changed)
        };
        /// Deletes a user and ends its sessions; nobody deletes the own user. Requires a superuser.
        delete_user(): DeletePayload = {
            let row = row?;
            DeletePayload::from_result(row, app(ctx).users.remove_user(caller(ctx), UserId(row)).await)
        };
    }
    resolvers {
        /// Creates a user of the organization. Requires a superuser.
        async fn create_user(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "Settings of the new user.")] input: CreateUserInput,
        ) -> Result<UserPayload> {
            let fields = input::to_fields(&input, ReadMode::Whole, &[]);
            UserPayload::from_result(app(ctx).users.create_user_from_fields(caller(ctx), fields).await)
        }
    }
}
