//! Making, renaming and revoking API keys: for superusers.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use serde::Serialize;

use super::{Deleted, input};
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

/// A key to be made: what it may do, what it sees, and for how long.
#[derive(InputObject, Serialize)]
pub struct CreateKeyInput {
    /// 1 to 100 characters that say what the key is for.
    name: String,
    /// At least one, such as `value:read`; a write scope holds the read scope.
    scopes: Vec<String>,
    /// Devices that it sees; null with `allowedData` null is all.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    allowed_devices: MaybeUndefined<Vec<ID>>,
    /// Streams that it sees, beside those of its devices.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    allowed_data: MaybeUndefined<Vec<ID>>,
    /// From when on it is refused, a time to come; null is never.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    expires_at: MaybeUndefined<DateTime>,
}

/// What of a key can change. What it may do and see is as it was made: another one is made for more or less.
#[derive(InputObject, Serialize)]
pub struct UpdateKeyInput {
    /// 1 to 100 characters that say what the key is for.
    name: String,
}

/// What came of making a key.
#[derive(SimpleObject)]
pub struct CreateKeyPayload {
    /// The key as it is stored now; null when none was made.
    key: Option<ApiKey>,
    /// What the program shows to come in: this once, never again.
    secret: Option<String>,
    /// What is wrong with the input, each with its field; empty when all is well.
    errors: Vec<UserError>,
}

/// What came of changing or revoking a key.
#[derive(SimpleObject)]
pub struct KeyPayload {
    /// The key as it is stored now; null when nothing was changed.
    key: Option<ApiKey>,
    /// What is wrong with the input, each with its field; empty when all is well.
    errors: Vec<UserError>,
}

#[Object(name = "KeyMutations")]
impl Mutations {
    /// Makes an API key and tells its secret, this once. For superusers.
    async fn create_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the key is to be.")] input: CreateKeyInput,
    ) -> Result<CreateKeyPayload> {
        app(ctx).require_superuser(caller(ctx))?;
        let made = match key::parse(input::fields(&input, Mode::Whole, &ROWS)) {
            Ok(spec) => app(ctx).issue_key(caller(ctx), spec).await,
            Err(error) => Err(error),
        };
        let (made, errors) = settle(made)?;
        let (key, secret) = made.map(|(key, secret)| (ApiKey(key), secret)).unzip();
        Ok(CreateKeyPayload { key, secret, errors })
    }

    /// Gives a key another name. For superusers.
    async fn update_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the key, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the key, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
        #[graphql(desc = "What is to change of the key.")] input: UpdateKeyInput,
    ) -> Result<KeyPayload> {
        app(ctx).require_superuser(caller(ctx))?;
        let asked = ids::either(Noun::ApiKey, id.as_ref(), row_id)
            .and_then(|row| Ok((row, key::parse_name(input::fields(&input, Mode::Whole, &[]))?)));
        let renamed = match asked {
            Ok((row, name)) => app(ctx).rename_key(caller(ctx), KeyId(row), name).await,
            Err(error) => Err(error),
        };
        let (key, errors) = settle(renamed)?;
        Ok(KeyPayload { key: key.map(ApiKey), errors })
    }

    /// Disables a key for good, as REST's DELETE does: the next request with it is refused, and its subscriptions end.
    /// `keys` goes on listing it, with `enabled` false. For superusers.
    async fn delete_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the key, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the key, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
    ) -> Result<Deleted> {
        let row = ids::either(Noun::ApiKey, id.as_ref(), row_id)?;
        let revoked = app(ctx).revoke_key(caller(ctx), KeyId(row)).await;
        Ok(Deleted::of(row, settle(revoked.map(drop))?))
    }

    /// Disables a key for good: the next request with it is refused, and its subscriptions end.
    async fn revoke_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the key, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the key, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
    ) -> Result<KeyPayload> {
        let row = ids::either(Noun::ApiKey, id.as_ref(), row_id)?;
        let (key, errors) = settle(app(ctx).revoke_key(caller(ctx), KeyId(row)).await)?;
        Ok(KeyPayload { key: key.map(ApiKey), errors })
    }
}
