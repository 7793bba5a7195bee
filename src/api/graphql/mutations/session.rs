//! Mutations of the caller's own password and preferences. Login and logout exist only in REST, because they set and clear
//! cookies.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use serde::Serialize;
use serde_json::Value;

use super::input;
use crate::api::graphql::context::{app, caller, live_credential};
use crate::api::graphql::errors::{UserError, into_payload};
use crate::app::fields::reader::ReadMode;
use crate::domain::Error;

/// The mutations of the caller's password and preferences. Logging in and out is in REST only.
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

/// Result of storing preferences.
#[derive(SimpleObject)]
pub struct PreferencesPayload {
    /// The preferences as stored; null if nothing was changed.
    preferences: Option<Value>,
    /// Errors in the input, each with its field; empty on success.
    errors: Vec<UserError>,
}

#[Object(name = "SessionMutations")]
impl SessionMutations {
    /// Replaces the preferences of the logged-in person.
    async fn set_preferences(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A JSON object of at most 16 kB.")] preferences: Value,
    ) -> Result<PreferencesPayload> {
        let stored = match preferences {
            Value::Object(preferences) => app(ctx).users.set_preferences(caller(ctx), preferences).await,
            _ => Err(Error::field("preferences", "must be a JSON object")),
        };
        let (stored, errors) = into_payload(stored)?;
        Ok(PreferencesPayload { preferences: stored.map(Value::Object), errors })
    }

    /// Changes the caller's own password. Requires a login session, not an API key. All other sessions of the user end.
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The old password and the new one.")] input: ChangePasswordInput,
    ) -> Result<ChangePasswordPayload> {
        let fields = input::to_fields(&input, ReadMode::Whole, &[]);
        let (changed, errors) =
            into_payload(app(ctx).sessions.change_password_from_fields(live_credential(ctx), fields).await)?;
        Ok(ChangePasswordPayload { changed: changed.is_some(), errors })
    }
}
