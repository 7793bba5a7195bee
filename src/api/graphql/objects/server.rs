//! Who asks, and how the server is.

use async_graphql::{ComplexObject, Context, Enum, ID, Result, SimpleObject};

use crate::api::graphql::context::{app, caller};
use crate::api::graphql::ids::Noun;
use crate::app::health::Check;
use crate::domain::principal;

/// What sort of caller somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(rename_items = "lowercase")]
pub enum CallerKind {
    /// A program with an API key.
    Key,
    /// A person who has logged in.
    User,
    /// A device, or the server itself on its behalf.
    Device,
    /// A command run by the owner of the data directory.
    System,
}

/// Who asks, and what they may.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Me {
    /// What sort of caller it is.
    kind: CallerKind,
    /// Row number of the key, the user or the device; null for the owner of the data directory.
    row_id: Option<i32>,
    /// What may be done, such as `value:read`; a write scope holds the read scope.
    scopes: Vec<String>,
    /// Whether only some devices and streams are seen.
    restricted: bool,
    /// The devices listed for this caller; null when there is no such list.
    allowed_devices: Option<Vec<ID>>,
    /// The streams listed for this caller; null when there is no such list.
    allowed_data: Option<Vec<ID>>,
}

#[ComplexObject]
impl Me {
    /// Slug of the organization.
    async fn organization(&self, ctx: &Context<'_>) -> String {
        app(ctx).org_slug(caller(ctx))
    }

    /// Name of the person; null for everybody else.
    async fn username(&self, ctx: &Context<'_>) -> Option<String> {
        app(ctx).logged_in(caller(ctx)).ok().map(|user| user.name.clone())
    }
}

impl From<&principal::Principal> for Me {
    fn from(of: &principal::Principal) -> Self {
        let (kind, row_id) = match of.caller {
            principal::Caller::Key(id) => (CallerKind::Key, Some(id.0)),
            principal::Caller::User(id) => (CallerKind::User, Some(id.0)),
            principal::Caller::Device(id) => (CallerKind::Device, Some(id.0)),
            principal::Caller::System => (CallerKind::System, None),
        };
        let devices = of.devices.as_ref().map(|ids| ids.iter().map(|id| Noun::Device.id(id.0)).collect());
        let streams = of.streams.as_ref().map(|ids| ids.iter().map(|id| Noun::Stream.id(id.0)).collect());
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

/// Whether the parts of the server are able to serve.
#[derive(SimpleObject)]
pub struct Health {
    /// Whether all of them are.
    ok: bool,
    /// Each part that was looked at.
    checks: Vec<HealthCheck>,
}

/// Whether one part of the server is able to serve.
#[derive(SimpleObject)]
pub struct HealthCheck {
    /// `db`, `redis` (the bus and cache, which live in this process), `disk` or `poller`.
    name: &'static str,
    /// Whether this part is.
    ok: bool,
    /// Why this part is not able to serve; null when it is.
    error: Option<String>,
}

/// Looks at every part.
pub async fn health(ctx: &Context<'_>) -> Result<Health> {
    let mut checks = Vec::new();
    for check in Check::ALL {
        let error = app(ctx).check(check).await.err().map(|error| error.message);
        checks.push(HealthCheck { name: check.name(), ok: error.is_none(), error });
    }
    Ok(Health { ok: checks.iter().all(|check| check.ok), checks })
}
