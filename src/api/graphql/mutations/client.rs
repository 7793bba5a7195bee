//! Mutations that create and revoke clients of the vendors' APIs. They require a superuser.

use async_graphql::{Context, ID, MaybeUndefined, Object, Result, SimpleObject};

use super::input;
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::{UserError, into_payload};
use crate::api::graphql::ids::{self, NodeType};
use crate::api::graphql::input_object::input_objects;
use crate::api::graphql::objects::client::Client;
use crate::app::fields::client::read_client;
use crate::app::fields::reader::ReadMode;
use crate::domain::ClientId;

/// Mutations that issue and revoke clients.
#[derive(Default)]
pub struct ClientMutations;

input_objects! {
    /// Input for a new client: its API, and for whom it acts.
    pub struct CreateClientInput {
        /// API that the client calls: `instathings`, `blynk` or `mk`.
        api: String,
        /// Purpose of the client, 1 to 100 characters.
        name: String,
        /// Name of the user for whom a Blynk client acts; null for the organization.
        user: MaybeUndefined<String>,
        /// Role of a Blynk client (`viewer`, `org-viewer`, `operator`, `importer`, `admin`) or an MK client (`admin`, `member`,
        /// `readonly`); null for everything, or `viewer` with a user.
        role: MaybeUndefined<String>,
    }
}

/// Result of creating a client.
#[derive(SimpleObject)]
pub struct CreateClientPayload {
    /// The client as stored; null if none was created.
    client: Option<Client>,
    /// Secret with which the client authenticates. It is returned only here.
    secret: Option<String>,
    /// Errors in the input, each with its field; empty on success.
    errors: Vec<UserError>,
}

/// Result of revoking a client.
#[derive(SimpleObject)]
pub struct ClientPayload {
    /// The client as stored after the change; null if nothing was changed.
    client: Option<Client>,
    /// Errors in the input, each with its field; empty on success.
    errors: Vec<UserError>,
}

#[Object(name = "ClientMutations")]
impl ClientMutations {
    /// Creates a client and returns its secret, which cannot be retrieved later. Requires a superuser.
    async fn create_client(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Settings of the new client.")] input: CreateClientInput,
    ) -> Result<CreateClientPayload> {
        app(ctx).access.require_superuser(caller(ctx))?;
        let made = match read_client(input::to_fields(&input, ReadMode::Whole, &[])) {
            Ok(request) => app(ctx).clients.issue_client(caller(ctx), &request).await,
            Err(error) => Err(error),
        };
        let (made, errors) = into_payload(made)?;
        let (client, secret) = made.map(|(client, secret)| (Client(client), secret)).unzip();
        Ok(CreateClientPayload { client, secret, errors })
    }

    /// Revokes a client permanently and returns it: its tokens end at once. Requires a superuser.
    async fn revoke_client(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the client, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the client, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
    ) -> Result<ClientPayload> {
        let row = ids::id_or_row_id(NodeType::Client, id.as_ref(), row_id)?;
        let (client, errors) =
            into_payload(app(ctx).clients.revoke_client(caller(ctx), ClientId(row)).await)?;
        Ok(ClientPayload { client: client.map(Client), errors })
    }
}
