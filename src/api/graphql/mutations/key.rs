//! Mutations that create, rename and revoke API keys. They require a superuser.

use async_graphql::{Context, ID, MaybeUndefined, Object, Result, SimpleObject};

use super::{DeletePayload, input};
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::{UserError, into_payload};
use crate::api::graphql::ids::NodeType;
use crate::api::graphql::input_object::input_objects;
use crate::api::graphql::object::object;
use crate::api::graphql::objects::key::ApiKey;
use crate::api::graphql::scalars::DateTime;
use crate::app::fields::key::{read_key, read_key_name};
use crate::app::fields::reader::ReadMode;
use crate::domain::KeyId;

/// Input fields that contain ids, with the type of the object.
const ROW_ID_FIELDS: [(&str, NodeType); 2] =
    [("allowed_devices", NodeType::Device), ("allowed_data", NodeType::Stream)];

/// Mutations that issue, rename and revoke API keys.
#[derive(Default)]
pub struct KeyMutations;

input_objects! {
    /// Input for a new API key: its scopes, accessible data and expiry.
    pub struct CreateKeyInput {
        /// Purpose of the key, 1 to 100 characters.
        name: String,
        /// At least one scope, such as `value:read`; a write scope includes the read scope.
        scopes: Vec<String>,
        /// Devices that the key may access; if `allowedData` is null too, it may access all devices and streams.
        allowed_devices: MaybeUndefined<Vec<ID>>,
        /// Streams that the key may access in addition to those of `allowedDevices`.
        allowed_data: MaybeUndefined<Vec<ID>>,
        /// Row numbers of the only dashboards, and documents of any kind, that the key may read; only with `allowedDevices` or
        /// `allowedData`.
        allowed_dashboards: MaybeUndefined<Vec<i32>>,
        /// Time from which the key is refused, in the future; null for no expiry.
        expires_at: MaybeUndefined<DateTime>,
    }

    /// Changes to an API key. Scopes and accessible data cannot be changed; create another key instead.
    pub struct UpdateKeyInput {
        /// Purpose of the key, 1 to 100 characters.
        name: String,
    }
}

/// Result of creating an API key.
#[derive(SimpleObject)]
pub struct CreateKeyPayload {
    /// The key as stored; null if none was created.
    key: Option<ApiKey>,
    /// Secret with which a program authenticates. It is returned only here.
    secret: Option<String>,
    /// Errors in the input, each with its field; empty on success.
    errors: Vec<UserError>,
}

/// Result of updating or revoking an API key.
#[derive(SimpleObject)]
pub struct KeyPayload {
    /// The key as stored after the change; null if nothing was changed.
    key: Option<ApiKey>,
    /// Errors in the input, each with its field; empty on success.
    errors: Vec<UserError>,
}

object! {
    #[Object(name = "KeyMutations")]
    impl KeyMutations(self) {}
    rows(
        ctx,
        row: ApiKey,
        "Global id of the key, or its row number as text; give this or `rowId`.",
        "Row number of the key, as REST and SQL show it; give this or `id`.",
    ) {
        /// Renames an API key. Requires a superuser.
        update_key(#[graphql(desc = "Fields of the key to change.")] input: UpdateKeyInput): KeyPayload = {
            app(ctx).access.require_superuser(caller(ctx))?;
            let id_result = row
                .and_then(|row| Ok((row, read_key_name(input::to_fields(&input, ReadMode::Whole, &[]))?)));
            let renamed = match id_result {
                Ok((row, name)) => app(ctx).access.rename_key(caller(ctx), KeyId(row), name).await,
                Err(error) => Err(error),
            };
            let (key, errors) = into_payload(renamed)?;
            Ok(KeyPayload { key: key.map(ApiKey), errors })
        };
        /// Revokes an API key permanently, as REST's DELETE does: the next request with it is refused, and its
        /// subscriptions end. `keys` still lists the key, with `enabled` false. Requires a superuser.
        delete_key(): DeletePayload = {
            let row = row?;
            let revoked = app(ctx).access.revoke_key(caller(ctx), KeyId(row)).await;
            DeletePayload::from_result(row, revoked.map(drop))
        };
        /// Revokes an API key permanently and returns it: the next request with it is refused, and its subscriptions end.
        revoke_key(): KeyPayload = {
            let row = row?;
            let (key, errors) = into_payload(app(ctx).access.revoke_key(caller(ctx), KeyId(row)).await)?;
            Ok(KeyPayload { key: key.map(ApiKey), errors })
        };
    }
    resolvers {
        /// Creates an API key and returns its secret, which cannot be retrieved later. Requires a superuser.
        async fn create_key(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "Settings of the new key.")] input: CreateKeyInput,
        ) -> Result<CreateKeyPayload> {
            app(ctx).access.require_superuser(caller(ctx))?;
            let made = match read_key(input::to_fields(&input, ReadMode::Whole, &ROW_ID_FIELDS)) {
                Ok(spec) => app(ctx).access.issue_key(caller(ctx), spec).await,
                Err(error) => Err(error),
            };
            let (made, errors) = into_payload(made)?;
            let (key, secret) = made.map(|(key, secret)| (ApiKey(key), secret)).unzip();
            Ok(CreateKeyPayload { key, secret, errors })
        }
    }
}
