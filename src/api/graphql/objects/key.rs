//! API keys in the graph: for superusers.

use std::sync::Arc;

use async_graphql::{ID, Object};

use crate::api::graphql::ids::Noun;
use crate::api::graphql::scalars::DateTime;
use crate::domain::key;

/// What a program shows to come in.
pub struct ApiKey(pub Arc<key::Key>);

/// What a program shows to come in. Its secret is shown once, when it is made.
#[Object]
impl ApiKey {
    /// Global id, unique among objects of all types: `node(id:)` finds the key by it.
    pub async fn id(&self) -> ID {
        Noun::ApiKey.id(self.0.id.0)
    }

    /// The number that REST shows.
    pub async fn row_id(&self) -> i32 {
        self.0.id.0
    }

    /// 1 to 100 characters that say what the key is for; not unique.
    async fn name(&self) -> &str {
        &self.0.spec.name
    }

    /// The first characters of its secret, by which it is recognised in lists and logs.
    async fn prefix(&self) -> &str {
        &self.0.secret.prefix
    }

    /// What it may do, such as `value:read`.
    async fn scopes(&self) -> Vec<String> {
        self.0.spec.scopes.iter().map(|scope| scope.to_string()).collect()
    }

    /// Devices that it sees; null with `allowedData` null is all.
    async fn allowed_devices(&self) -> Option<Vec<ID>> {
        let ids = self.0.spec.devices.as_ref()?;
        Some(ids.iter().map(|id| Noun::Device.id(id.0)).collect())
    }

    /// Streams that it sees, beside those of its devices.
    async fn allowed_data(&self) -> Option<Vec<ID>> {
        let ids = self.0.spec.streams.as_ref()?;
        Some(ids.iter().map(|id| Noun::Stream.id(id.0)).collect())
    }

    /// False once it is revoked.
    async fn enabled(&self) -> bool {
        self.0.enabled
    }

    /// From when on it is refused; null is never.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.spec.expires_at.map(DateTime)
    }

    /// When something was last asked with it; null when nothing was.
    async fn last_used_at(&self) -> Option<DateTime> {
        self.0.last_used_at.map(DateTime)
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}
