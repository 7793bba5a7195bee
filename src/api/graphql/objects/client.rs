//! Client type of the schema; only superusers can read clients.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use crate::api::graphql::context::app;
use crate::api::graphql::ids::NodeType;
use crate::api::graphql::object::object;
use crate::api::graphql::scalars::DateTime;
use crate::domain::client;

/// A client of the Instathings, Blynk or MK API.
pub struct Client(pub Arc<client::Client>);

object! {
    #[Object]
    /// A client of the Instathings, Blynk or MK API: a program that calls it with an id and a secret. The secret is returned
    /// only once, on creation.
    impl Client(self) {
        /// Global id, unique across all object types: `node(id:)` returns the client.
        id: ID = NodeType::Client.id(self.0.id.0);
        /// Row number, as shown by REST and SQL.
        row_id: i32 = self.0.id.0;
        /// Public id, which the client presents with its secret.
        client_id: &str = &self.0.secret.client_id;
        /// API that the client calls: `instathings`, `blynk` or `mk`.
        api: &'static str = self.0.spec.api.name();
        /// Purpose of the client, 1 to 100 characters; not unique.
        name: &str = &self.0.spec.name;
        /// Role of the client or of its users, such as `operator`; null if it may do everything.
        role: Option<&'static str> = self.0.spec.role.map(client::Role::name);
        /// Whether users get tokens of their own by their passwords.
        user_scoped: bool = self.0.spec.user_scoped;
        /// Whether the client is valid; false after revocation.
        enabled: bool = self.0.enabled;
        /// Time of creation.
        created_at: DateTime = DateTime(self.0.created_at);
        /// Time of the revocation; null while the client is valid.
        revoked_at: Option<DateTime> = self.0.revoked_at.map(DateTime);
    }
    resolvers {
        /// Name of the user for whom the client acts; null for the organization.
        async fn user(&self, ctx: &Context<'_>) -> Option<String> {
            app(ctx).clients.client_line(&self.0).user
        }
    }
}
