//! Making and revoking API keys: for superusers.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use serde::Serialize;

use super::input;
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::{UserError, settle};
use crate::api::graphql::ids::{self, Noun};
use crate::api::graphql::objects::key::ApiKey;
use crate::api::graphql::scalars::DateTime;
use crate::api::rest::fields::Mode;
use crate::api::rest::key;
use crate::domain::KeyId;

/// Fields that name rows.
const ROWS: [(&str, Noun); 2] = [("allowed_devices", Noun::Device), ("allowed_data", Noun::Stream)];

#[derive(Default)]
pub struct Mutations;

#[derive(InputObject, Serialize)]
pub struct CreateKeyInput {
    /// 1 to 100 characters.
    name: String,
    /// At least one, such as `value:read`; a write scope holds the read scope.
    scopes: Vec<String>,
    /// Devices that it sees; null with `allowedData` null is all.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    allowed_devices: MaybeUndefined<Vec<ID>>,
    /// Streams that it sees, beside those of its devices.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    allowed_data: MaybeUndefined<Vec<ID>>,
    /// Null is never.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    expires_at: MaybeUndefined<DateTime>,
}

/// A key that has been made.
#[derive(SimpleObject)]
pub struct CreateKeyPayload {
    key: Option<ApiKey>,
    /// What the program shows to come in: this once, never again.
    secret: Option<String>,
    errors: Vec<UserError>,
}

/// What became of a key.
#[derive(SimpleObject)]
pub struct KeyPayload {
    key: Option<ApiKey>,
    errors: Vec<UserError>,
}

#[Object(name = "KeyMutations")]
impl Mutations {
    async fn create_key(&self, ctx: &Context<'_>, input: CreateKeyInput) -> Result<CreateKeyPayload> {
        app(ctx).require_superuser(caller(ctx))?;
        let made = match key::parse(input::fields(&input, Mode::Whole, &ROWS)) {
            Ok(spec) => app(ctx).issue_key(caller(ctx), spec).await,
            Err(error) => Err(error),
        };
        let (made, errors) = settle(made)?;
        let (key, secret) = made.map(|(key, secret)| (ApiKey(key), secret)).unzip();
        Ok(CreateKeyPayload { key, secret, errors })
    }

    /// Disables a key for good: the next request with it is refused, and its subscriptions end.
    async fn revoke_key(&self, ctx: &Context<'_>, id: Option<ID>, row_id: Option<i32>) -> Result<KeyPayload> {
        let row = ids::either(Noun::ApiKey, id.as_ref(), row_id)?;
        let (key, errors) = settle(app(ctx).revoke_key(caller(ctx), KeyId(row)).await)?;
        Ok(KeyPayload { key: key.map(ApiKey), errors })
    }
}
