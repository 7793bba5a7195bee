//! Types for the caller's identity (`Me`) and the server's health.

use async_graphql::{ComplexObject, Context, Enum, ID, Result, SimpleObject};

use crate::api::graphql::context::{app, caller};
use crate::api::graphql::ids::NodeType;
use crate::domain::Principal;
use crate::domain::caller::Caller;

/// Kind of caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(rename_items = "lowercase")]
pub enum CallerKind {
    /// A program with an API key.
    Key,
    /// A person who has logged in.
    User,
    /// A client of a vendor's API.
    Client,
    /// A device, or the server acting on its behalf.
    Device,
    /// A command run by the owner of the data directory.
    System,
}

/// The authenticated caller and its permissions.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Me {
    /// Kind of the caller.
    kind: CallerKind,
    /// Row number of the key, user or device; null for the owner of the data directory.
    row_id: Option<i32>,
    /// Scopes of the caller, such as `value:read`; a write scope includes the read scope.
    scopes: Vec<String>,
    /// Whether the caller may access only some devices and streams.
    restricted: bool,
    /// Devices that the caller is restricted to; null if there is no such list.
    allowed_devices: Option<Vec<ID>>,
    /// Streams that the caller is restricted to; null if there is no such list.
    allowed_data: Option<Vec<ID>>,
}

#[ComplexObject]
impl Me {
    /// Slug of the caller's organization.
    async fn organization(&self, ctx: &Context<'_>) -> String {
        app(ctx).access.org_slug(caller(ctx))
    }

    /// User name if the caller is a logged-in user, else null.
    async fn username(&self, ctx: &Context<'_>) -> Option<String> {
        app(ctx).access.logged_in(caller(ctx)).ok().map(|user| user.name.clone())
    }
}

impl From<&Principal> for Me {
    fn from(of: &Principal) -> Self {
        let (kind, row_id) = match of.caller {
            Caller::Key(id) => (CallerKind::Key, Some(id.0)),
            Caller::User(id) => (CallerKind::User, Some(id.0)),
            Caller::Client { client, .. } => (CallerKind::Client, Some(client.0)),
            Caller::Subject(_) => (CallerKind::User, None),
            Caller::Device(id) => (CallerKind::Device, Some(id.0)),
            Caller::System => (CallerKind::System, None),
        };
        let devices = of.devices.as_ref().map(|ids| ids.iter().map(|id| NodeType::Device.id(id.0)).collect());
        let streams = of.streams.as_ref().map(|ids| ids.iter().map(|id| NodeType::Stream.id(id.0)).collect());
        Self {
            kind,
            row_id,
            scopes: of.scopes.iter().map(|scope| scope.to_string()).collect(),
            restricted: of.is_restricted(),
            allowed_devices: devices,
            allowed_data: streams,
        }
    }
}

/// Health of the server.
#[derive(SimpleObject)]
pub struct Health {
    /// Whether all checks pass.
    ok: bool,
    /// Result of each check.
    checks: Vec<HealthCheck>,
}

/// Health of one component of the server.
#[derive(SimpleObject)]
pub struct HealthCheck {
    /// Name of the component: `db`, `redis` (the bus and cache, which live in this process), `disk`, `poller`, or `mqtt`
    /// where there is a broker.
    name: &'static str,
    /// Whether this component works.
    ok: bool,
    /// Error of this component; null if it works.
    error: Option<String>,
}

/// Runs every health check.
pub async fn health(ctx: &Context<'_>) -> Result<Health> {
    let mut checks = Vec::new();
    for check in app(ctx).server.checks() {
        let error = app(ctx).server.check(check).await.err().map(|error| error.message);
        checks.push(HealthCheck { name: check.name(), ok: error.is_none(), error });
    }
    Ok(Health { ok: checks.iter().all(|check| check.ok), checks })
}
