//! API key type of the schema; only superusers can read keys.

use std::sync::Arc;

use async_graphql::{ID, Object};

use crate::api::graphql::ids::NodeType;
use crate::api::graphql::object::object;
use crate::api::graphql::scalars::DateTime;
use crate::domain::key;

/// An API key, with which a program authenticates.
pub struct ApiKey(pub Arc<key::Key>);

object! {
    #[Object]
    /// An API key, with which a program authenticates. Its secret is returned only once, on creation.
    impl ApiKey(self) {
        /// Global id, unique across all object types: `node(id:)` returns the key.
        id: ID = NodeType::ApiKey.id(self.0.id.0);
        /// Row number, as shown by REST.
        row_id: i32 = self.0.id.0;
        /// Purpose of the key, 1 to 100 characters; not unique.
        name: &str = &self.0.spec.name;
        /// First characters of the secret, which identify the key in lists and logs.
        prefix: &str = &self.0.secret.prefix;
        /// Scopes of the key, such as `value:read`.
        scopes: Vec<String> = self.0.spec.scopes.iter().map(|scope| scope.to_string()).collect();
        /// Row numbers of the only dashboards, and documents of any kind, that the key may read; null for no such limit.
        allowed_dashboards: Option<Vec<i32>> =
            Some(self.0.spec.dashboards.as_ref()?.iter().map(|id| id.0).collect());
        /// Whether the key is valid; false after revocation.
        enabled: bool = self.0.enabled;
        /// Time from which the key is refused; null if it never expires.
        expires_at: Option<DateTime> = self.0.spec.expires_at.map(DateTime);
        /// Time of the last request with the key; null if it was never used.
        last_used_at: Option<DateTime> = self.0.last_used_at.map(DateTime);
        /// Time of creation.
        created_at: DateTime = DateTime(self.0.created_at);
    }
    resolvers {
        /// Devices that the key may access; if `allowedData` is null too, it may access all devices and streams.
        async fn allowed_devices(&self) -> Option<Vec<ID>> {
            let ids = self.0.spec.devices.as_ref()?;
            Some(ids.iter().map(|id| NodeType::Device.id(id.0)).collect())
        }

        /// Streams that the key may access in addition to those of `allowedDevices`.
        async fn allowed_data(&self) -> Option<Vec<ID>> {
            let ids = self.0.spec.streams.as_ref()?;
            Some(ids.iter().map(|id| NodeType::Stream.id(id.0)).collect())
        }
    }
}
