//! The actor of an audit row: who caused it, and the origin of the request.

use sea_orm::Set;

use crate::domain::audit::AuditChange;
use crate::domain::caller::Caller;
use crate::domain::{Micros, OrgId, Principal};
use crate::store::catalog::entity::audit::ActiveModel;
use crate::store::catalog::entity::to_json;
use crate::store::catalog::mirror::Mirror;

/// Author of a row, and the origin of the request.
#[derive(Clone)]
pub(in crate::store::catalog) struct AuditActor {
    pub(in crate::store::catalog) org: Option<OrgId>,
    pub(in crate::store::catalog) actor: Option<String>,
    pub(in crate::store::catalog) name: Option<String>,
    pub(in crate::store::catalog) request: String,
    pub(in crate::store::catalog) address: Option<String>,
    pub(in crate::store::catalog) request_id: String,
}

impl AuditActor {
    pub(in crate::store::catalog) fn from_principal(who: &Principal, mirror: &Mirror) -> Self {
        let origin = who.origin.as_deref();
        Self {
            request: origin.map(|o| o.request.clone()).unwrap_or_default(),
            address: origin.and_then(|o| o.address).map(|a| a.to_string()),
            request_id: origin.map(|o| o.request_id.clone()).unwrap_or_default(),
            ..Self::from_caller(Some(who.org), Some(who.caller), mirror)
        }
    }

    pub(in crate::store::catalog) fn from_caller(
        org: Option<OrgId>,
        caller: Option<Caller>,
        mirror: &Mirror,
    ) -> Self {
        let name = match caller {
            Some(Caller::Key(id)) => mirror.keys.get(id).map(|key| key.spec.name.clone()),
            Some(Caller::User(id)) => mirror.users().get(id).map(|user| user.name.clone()),
            Some(Caller::Client { user: Some(id), .. }) => {
                mirror.users().get(id).map(|user| user.name.clone())
            }
            Some(Caller::Client { client, user: None }) => {
                mirror.clients.get(client).map(|client| client.spec.name.clone())
            }
            Some(Caller::Device(id)) => mirror.devices.get(id).map(|device| device.spec.name.clone()),
            Some(Caller::Subject(_) | Caller::System) | None => None,
        };
        Self {
            org,
            actor: caller.map(|caller| caller.to_string()),
            name,
            request: String::new(),
            address: None,
            request_id: String::new(),
        }
    }

    /// The audit row of a change made now.
    pub(in crate::store::catalog) fn row(self, change: &AuditChange, now: Micros) -> ActiveModel {
        ActiveModel {
            action: Set(change.action.name().to_owned()),
            kind: Set(Some(change.kind.to_owned())),
            row_id: Set(change.id),
            fields: Set(to_json(&change.fields)),
            outcome: Set("ok".to_owned()),
            ..self.blank(now)
        }
    }

    /// An audit row of this actor at a time, without what happened.
    pub(in crate::store::catalog) fn blank(self, now: Micros) -> ActiveModel {
        ActiveModel {
            ts: Set(now.0),
            until: Set(now.0),
            org_id: Set(self.org.map(|org| org.0)),
            actor: Set(self.actor),
            actor_name: Set(self.name),
            kind: Set(None),
            row_id: Set(None),
            fields: Set("[]".to_owned()),
            request: Set(self.request),
            address: Set(self.address),
            request_id: Set(self.request_id),
            count: Set(1),
            ..Default::default()
        }
    }
}
