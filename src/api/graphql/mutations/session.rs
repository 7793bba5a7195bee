//! Mutation that changes the caller's own password. Login and logout exist only in REST, because they set and clear
//! cookies.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use serde::Serialize;

use super::input;
use crate::api::graphql::context::{app, live_credential};
use crate::api::graphql::errors::{UserError, into_payload};
use crate::app::fields::reader::ReadMode;

/// The mutation that changes the caller's password. Logging in and out is in REST only.
#[derive(Default)]
pub struct SessionMutations;

/// The caller's old and new password.
#[derive(InputObject, Serialize)]
pub struct ChangePasswordInput {
    /// The current password.
    #[graphql(secret)]
    old_password: String,
    /// The new password.
    #[graphql(secret)]
    new_password: String,
}

/// Result of changing the password.
#[derive(SimpleObject)]
pub struct ChangePasswordPayload {
    /// Whether the password was changed.
    changed: bool,
    /// Errors in the input, each with its field; empty on success.
    errors: Vec<UserError>,
}

#[Object(name = "SessionMutations")]
impl SessionMutations {
    /// Changes the caller's own password. Requires a login session, not an API key. All other sessions of the user end.
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The old password and the new one.")] input: ChangePasswordInput,
    ) -> Result<ChangePasswordPayload> {
        let fields = input::to_fields(&input, ReadMode::Whole, &[]);
        let (changed, errors) =
            into_payload(app(ctx).change_password_from_fields(live_credential(ctx), fields).await)?;
        Ok(ChangePasswordPayload { changed: changed.is_some(), errors })
    }
}
